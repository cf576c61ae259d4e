/** `npm start`: the service on this machine, until Ctrl-C. */
import { mkdir } from "node:fs/promises";
import { type Line, textOf } from "../udp-sidecar/log.ts";
import { surviveOutput } from "../udp-sidecar/output.ts";
import { help, ownAddresses, readOptions, type StartOptions } from "./options.ts";
import { plainLine } from "./plain-line.ts";
import { portSentence, tryPort } from "./port.ts";
import type { Server } from "./server.ts";

const stopSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const wish = readOptions(process.argv.slice(2));
if (wish.kind === "help") {
  console.log(help);
} else if (wish.kind === "error") {
  fail(`${wish.why} (--help tells all options)`);
} else {
  await run(wish.options);
}

async function run(options: StartOptions): Promise<void> {
  surviveOutput();
  const { httpPort, udpPort, secondUdpPort, metricsPort, host, persist } = options;
  if (persist !== undefined) {
    await mkdir(persist, { recursive: true }).catch((error: NodeJS.ErrnoException) =>
      fail(`The folder of --persist cannot be used: ${error.message}.`),
    );
  }
  await tryPort(httpPort, host).catch((error: NodeJS.ErrnoException) =>
    fail(portSentence("TCP", httpPort, "--httpPort", error)),
  );
  if (metricsPort !== undefined) {
    await tryPort(metricsPort, "127.0.0.1").catch((error: NodeJS.ErrnoException) =>
      fail(portSentence("TCP", metricsPort, "--metricsPort", error)),
    );
  }
  for (const signal of stopSignals) process.once(signal, () => process.exit(0));
  // Loaded only now, so that a mistake on the command line is answered at once.
  const { startServer } = await import("./server.ts");
  // In a terminal a person reads what else there is to say, and otherwise a program may.
  const isTerminal = process.stdout.isTTY;
  const print = (line: string) => console.log(isTerminal ? plainLine(line) : line);
  // That all is well the greeting says.
  let isGreeted = false;
  const told = (line: Line) => {
    if (isGreeted || line.level === "error") print(textOf(line));
  };
  const server = await startServer({ ...options, told, ...(isTerminal && { logged: print }) }).catch(
    (error: NodeJS.ErrnoException & { port?: number }) => {
      if (error.syscall !== "bind") fail(`The server did not start: ${error.message}`);
      const isSecond = error.port === secondUdpPort;
      const [port, flag] = isSecond ? [secondUdpPort, "--secondUdpPort"] : [udpPort, "--udpPort"];
      fail(portSentence("UDP", port, flag, error));
    },
  );
  for (const signal of stopSignals) {
    // Miniflare has put its own handler there, which leaves the sidecar no time to say goodbye.
    process.removeAllListeners(signal);
    process.on(signal, async () => {
      await server.stop();
      process.exit(0);
    });
  }
  console.log(greeting(options, server));
  isGreeted = true;
}

function greeting(
  { host, httpPort, udpPort, secondUdpPort, metricsPort }: StartOptions,
  { url }: Server,
): string {
  const everywhere = host === "0.0.0.0" || host === "::";
  const others = everywhere ? ownAddresses().map((address) => `http://${address}:${httpPort}`) : [];
  const metrics: [string, string][] =
    metricsPort === undefined ? [] : [["metrics", `http://127.0.0.1:${metricsPort}/metrics`]];
  const rows: [string, string][] = [
    ["HTTP and WebSocket", url.origin],
    ...others.map((origin): [string, string] => ["from your network", origin]),
    ["UDP", `port ${udpPort}`],
    ["second UDP", `port ${secondUdpPort}, to see how routers map ports`],
    ...metrics,
  ];
  return `Orion Edge is running.

${table(rows)}

Try it, in another terminal:

${table([
  [`curl "${url.origin}/ping"`, "answers pong"],
  [`npm run demo -- "${url.origin}"`, "a few players meet, chat and connect"],
])}

How to write a client: docs/protocol.md. Ctrl-C stops the server.`;
}

/** Two columns, the second aligned. */
function table(rows: [left: string, right: string][]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}

function fail(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}
