/** `npm start`: the service on this machine, until Ctrl-C. */
import { mkdir } from "node:fs/promises";
import { help, ownAddresses, readOptions, type StartOptions } from "./options.ts";
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
  const { httpPort, udpPort, host, persist } = options;
  if (persist !== undefined) {
    await mkdir(persist, { recursive: true }).catch((error: NodeJS.ErrnoException) =>
      fail(`The folder of --persist cannot be used: ${error.message}.`),
    );
  }
  await tryPort(httpPort, host).catch((error: NodeJS.ErrnoException) =>
    fail(portSentence("TCP", httpPort, "--httpPort", error)),
  );
  for (const signal of stopSignals) process.once(signal, () => process.exit(0));
  // Loaded only now, so that a mistake on the command line is answered at once.
  const { startServer } = await import("./server.ts");
  const server = await startServer(options).catch((error: NodeJS.ErrnoException) =>
    fail(
      error.syscall === "bind"
        ? portSentence("UDP", udpPort, "--udpPort", error)
        : `The server did not start: ${error.message}`,
    ),
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
}

function greeting({ host, httpPort, udpPort }: StartOptions, { url }: Server): string {
  const everywhere = host === "0.0.0.0" || host === "::";
  const others = everywhere ? ownAddresses().map((address) => `http://${address}:${httpPort}`) : [];
  const rows: [string, string][] = [
    ["HTTP and WebSocket", url.origin],
    ...others.map((origin): [string, string] => ["from your network", origin]),
    ["UDP", `port ${udpPort}`],
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
