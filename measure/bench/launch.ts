/** Other programs, as processes of their own, none of which outlives the bench. */
import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { membersOf } from "./accounting.ts";
import { within } from "./patience.ts";

export type Launched = {
  readonly pid: number;
  /** Rejects, with a sentence, when the process ends without having been told to. Never resolves. */
  readonly failed: Promise<never>;
  /** What in its output matches, once it does. */
  prints(pattern: RegExp): Promise<RegExpExecArray>;
  /** The process's next message (for those of the bench itself, which have a channel). */
  hears(what: string, ms?: number): Promise<unknown>;
  tell(message: object): void;
  /** Ends it and all it started, and returns when none is left. May be called again. */
  stop(): Promise<void>;
};

const root = fileURLToPath(new URL("../..", import.meta.url));
/** Milliseconds a process has to end when it is told to. */
const goodbyeMs = 10_000;
/** Milliseconds in which what a process printed last arrives after its end. */
const lastWordsMs = 200;
/** Milliseconds between two looks at whether a group is empty: nothing tells of the end of a grandchild. */
const lookMs = 10;

const running = new Set<ChildProcess>();
let closed = false;
const stops = new Set<() => Promise<void>>();
process.on("exit", () => {
  for (const child of running) killGroup(child, "SIGKILL");
});

/** Ends everything that was launched; `forGood`, so that nothing more can be. */
export async function stopAll({ forGood = false } = {}): Promise<void> {
  closed ||= forGood;
  await Promise.all([...stops].map((stop) => stop()));
}

/** Starts a script of the project with Node, in a process group of its own. `what` is how sentences call it: "the server". */
export function launch(
  what: string,
  script: string,
  { args = [], environment = {} }: { args?: string[]; environment?: NodeJS.ProcessEnv } = {},
): Launched {
  if (closed) throw new Error(`${capital(what)} is not started any more.`);
  const child = spawn(process.execPath, [script, ...args], {
    cwd: root,
    env: { ...process.env, NO_COLOR: "1", ...environment },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    detached: true,
    serialization: "advanced",
  });
  running.add(child);
  const news = new EventEmitter();
  let output = "";
  let errors = "";
  let told = false;
  let isUp = false;
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output = (output + text).slice(-10_000);
    news.emit("news");
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-10_000);
  });
  const messages: unknown[] = [];
  child.on("message", (message) => {
    messages.push(message);
    news.emit("news");
  });
  const drained = once(child, "close").catch(() => {});
  const exited = once(child, "exit").catch(() => {});
  const failed = once(child, "exit").then(
    async ([code, signal]: unknown[]): Promise<never> => {
      // What it started may live on, and hold the pipe that the last words came through.
      await Promise.race([drained, wait(lastWordsMs)]);
      if (told) return await new Promise<never>(() => {});
      const verb = isUp ? "has ended" : "did not come up";
      throw new Error(`${capital(what)} ${verb}: ${lastWords(errors) ?? exitOf(code, signal)}`);
    },
    (error: Error) => {
      throw new Error(`${capital(what)} could not be started: ${error.message}.`);
    },
  );
  failed.catch(() => {});

  const until = async <T>(find: () => T | undefined, sentence: string, ms?: number): Promise<T> => {
    const found = async () => {
      for (;;) {
        const value = find();
        if (value !== undefined) {
          isUp = true;
          return value;
        }
        await once(news, "news");
      }
    };
    return await within(Promise.race([found(), failed]), sentence, ms);
  };

  const end = async () => {
    told = true;
    stops.delete(stop);
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      await within(exited, "", goodbyeMs).catch(() => {});
    }
    while (child.pid !== undefined && membersOf(child.pid).length > 0) {
      killGroup(child, "SIGKILL");
      await wait(lookMs);
    }
    running.delete(child);
  };
  let stopped: Promise<void> | null = null;
  const stop = () => {
    stopped ??= end();
    return stopped;
  };
  stops.add(stop);

  return {
    pid: child.pid ?? 0,
    failed,
    prints: (pattern) =>
      until(() => pattern.exec(output) ?? undefined, `${capital(what)} did not come up within 20 s.`),
    hears: (awaited, ms) => until(() => messages.shift(), `${capital(what)} sent no ${awaited} in time.`, ms),
    tell: (message) => child.send(message),
    stop,
  };
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // Its last process has just ended.
  }
}

/** The last line that a program printed as an error. */
function lastWords(errors: string): string | undefined {
  return errors.trim().split("\n").at(-1) || undefined;
}

function exitOf(code: unknown, signal: unknown): string {
  return code === null ? `it was ended by ${signal}.` : `exit code ${code}.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
