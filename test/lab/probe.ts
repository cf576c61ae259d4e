/** Probes: programs in the lab's namespaces that send and hear datagrams. */
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import type { Place } from "../../measure/lab/topology.ts";

const endpoint = z.object({ address: z.string(), port: z.number() });
export type Endpoint = z.infer<typeof endpoint>;
const heard = z.object({ text: z.string(), from: endpoint });

export type Probe = {
  /** Its own endpoint, as its own network knows it. */
  readonly own: Endpoint;
  send(to: Endpoint, text: string): void;
  /** Waits for this text, by which datagrams that were sent before have come or will not. Tells from where it came. */
  hears(text: string): Promise<Endpoint>;
  /** Asks over TCP, and waits for the answer. */
  fetches(from: Endpoint): Promise<void>;
  /** All texts it has heard so far. */
  texts(): string[];
};

const patienceMs = 5_000;
const program = fileURLToPath(new URL("probe-program.ts", import.meta.url));

/** Starts one at a place, on a port of its own. It ends with its namespace. */
export async function startProbe(place: Place): Promise<Probe> {
  const [command, args] = place.namespace.command(process.execPath, program);
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => {});
  const lines: z.infer<typeof heard>[] = [];
  const news = new EventEmitter();
  const output = createInterface(child.stdout);
  const [first] = await once(output, "line", { signal: AbortSignal.timeout(patienceMs) });
  const { port } = z.object({ port: z.number() }).parse(JSON.parse(first));
  output.on("line", (line: string) => {
    lines.push(heard.parse(JSON.parse(line)));
    news.emit("news");
  });
  const hears = async (text: string) => {
    const signal = AbortSignal.timeout(patienceMs);
    for (;;) {
      const line = lines.find((line) => line.text === text);
      if (line) return line.from;
      await once(news, "news", { signal }).catch(() => {
        throw new Error(
          `${place.namespace.name} has not heard "${text}", but ${JSON.stringify(lines.slice(-5))}.`,
        );
      });
    }
  };
  return {
    own: { address: place.address, port },
    send: (to, text) => child.stdin.write(`send ${to.address} ${to.port} ${text}\n`),
    hears,
    fetches: async (from) => {
      child.stdin.write(`fetch ${from.address} ${from.port}\n`);
      await hears("served");
    },
    texts: () => lines.map(({ text }) => text),
  };
}
