/** Players of the Godot addon, in a process of the engine, which do what a test says (test/engines/addon/puppet.gd). */
import { EventEmitter, once } from "node:events";
import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { GodotProject } from "./godot-project.ts";
import type { Program } from "./program.ts";

/** What happened to one of the players. */
export type PuppetEvent = { who: string; event: string; args: unknown[] };

/** Milliseconds in which the engine starts, and reads all scripts of the addon: several times what a busy machine takes. */
const startMs = 150_000;
/** Milliseconds after which what was waited for will not come any more. */
const patienceMs = 40_000;

export type Puppet = {
  readonly program: Program;
  /** All that has happened so far. */
  readonly events: readonly PuppetEvent[];
  /** Does a command, and gives its answer. */
  ask<T>(command: string, more?: Record<string, unknown>): Promise<T>;
  /** Waits for an event, also if it has come before. */
  hears(who: string, event: string, fits?: (args: unknown[]) => boolean): Promise<unknown[]>;
  stop(): Promise<void>;
};

/** Starts the engine, and waits until it is there. */
export async function startPuppet(project: GodotProject): Promise<Puppet> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const program = project.run("puppet.gd", String(port));
  const connected = once(server, "connection", { signal: AbortSignal.timeout(startMs) });
  const [socket] = (await connected.catch(() => {
    throw new Error(`The engine did not come:\n${program.output}`);
  })) as [Socket];
  server.close();
  const events: PuppetEvent[] = [];
  const answers = new Map<number, (answer: unknown) => void>();
  const news = new EventEmitter().setMaxListeners(100);
  createInterface({ input: socket }).on("line", (line) => {
    const told = JSON.parse(line);
    if (told.event === undefined) answers.get(told.id)?.(told.answer);
    else events.push(told);
    news.emit("news");
  });
  socket.on("error", () => {});
  let last = 0;
  const late = (what: string) =>
    new Error(`${what}: nothing. Events: ${JSON.stringify(events.slice(-20))}\n${program.output}`);
  return {
    program,
    events,
    ask: async <T>(command: string, more = {}) => {
      last += 1;
      const id = last;
      const answered = new Promise<T>((resolve, reject) => {
        const timer = setTimeout(() => reject(late(`${command} ${JSON.stringify(more)}`)), patienceMs);
        answers.set(id, (answer) => {
          clearTimeout(timer);
          resolve(answer as T);
        });
      });
      socket.write(`${JSON.stringify({ do: command, id, ...more })}\n`);
      return await answered;
    },
    hears: async (who, event, fits = () => true) => {
      const signal = AbortSignal.timeout(patienceMs);
      for (;;) {
        const found = events.find((one) => one.who === who && one.event === event && fits(one.args));
        if (found) return found.args;
        await once(news, "news", { signal }).catch(() => {
          throw late(`${who} ${event}`);
        });
      }
    },
    stop: async () => {
      socket.destroy();
      await program.stop();
    },
  };
}
