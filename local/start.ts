/** `npm start`: the service on this machine, until Ctrl-C. */
import { hostInUrl } from "../core/endpoint.ts";
import { GatewayPortError, type Gateways } from "../udp-sidecar/gateways/start.ts";
import { textOf } from "../udp-sidecar/log.ts";
import { surviveOutput } from "../udp-sidecar/output.ts";
import { clockMistake } from "./clock.ts";
import { commands } from "./commands.ts";
import {
  descriptorLimit,
  doorFor,
  enoughDescriptors,
  fewestDescriptors,
  howToRaiseIt,
  requestsFor,
  roomFor,
} from "./descriptors.ts";
import { setUpDoor } from "./door.ts";
import { whenNpmEnds } from "./ends.ts";
import type { LocalLine } from "./free-space.ts";
import { help, ownAddresses, readOptions, type StartOptions } from "./options.ts";
import { missingPackage } from "./packages.ts";
import { plainLine } from "./plain-line.ts";
import { addressesOf, portSentence, tryPort } from "./port.ts";
import type { Server } from "./server.ts";
import { FolderError } from "./storage.ts";
import { setUpWorkerd } from "./workerd.ts";

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
  for (const signal of stopSignals) process.once(signal, () => process.exit(0));
  const { httpPort, udpPort, secondUdpPort, metricsPort, host } = options;
  const wrongClock = clockMistake(Date.now());
  if (wrongClock !== null) fail(wrongClock);
  const addresses = await addressesOf(host);
  // Where any free port will do, the one that is free at the first address has to be free at the second.
  let triedPort = httpPort;
  for (const address of addresses) {
    triedPort = await tryPort(triedPort, address).catch((error: NodeJS.ErrnoException) =>
      fail(portSentence("TCP", httpPort, "--httpPort", error)),
    );
  }
  if (metricsPort !== undefined) {
    await tryPort(metricsPort, "127.0.0.1").catch((error: NodeJS.ErrnoException) =>
      fail(portSentence("TCP", metricsPort, "--metricsPort", error)),
    );
  }
  const limit = descriptorLimit();
  if (limit !== null && limit < fewestDescriptors) {
    fail(`This process may open ${limit} files. The server needs ${fewestDescriptors}: ${howToRaiseIt}`);
  }
  const room = limit === null ? undefined : roomFor(limit);
  // Loaded only now, so that a mistake on the command line is answered at once.
  const { startServer } = await import("./server.ts").catch((error: unknown) => {
    const sentence = missingPackage(error);
    if (sentence === null) throw error;
    return fail(sentence);
  });
  // In a terminal a person reads what else there is to say, and otherwise a program may.
  const isTerminal = process.stdout.isTTY;
  const print = (text: string) => {
    for (const line of text.split("\n")) console.log(isTerminal ? plainLine(line) : line);
  };
  // That all is well the greeting says.
  let isGreeted = false;
  const told = (line: LocalLine) => {
    if (isGreeted || line.level === "error") print(textOf(line));
  };
  const starter = setUpWorkerd(limit);
  const canShut = process.platform === "linux" && addresses[0] === "::";
  const door =
    starter !== null && limit !== null && canShut
      ? setUpDoor(starter, { port: httpPort, bounds: doorFor(limit), told })
      : null;
  const filesFor = () => {
    const open = door?.workerd() ?? null;
    return limit === null || open === null ? Number.MAX_SAFE_INTEGER : requestsFor(limit, open);
  };
  const crashed = (restarted: boolean) => {
    if (!restarted) fail("workerd has crashed and does not start again. The server ends.");
    console.error("workerd has crashed and runs again. All players and lobbies it had are gone.");
  };
  // The types at /sdk.d.ts are for developers: without them players play all the same.
  await import("./parts.ts").then(({ buildSdkTypes }) => buildSdkTypes()).catch(() => {});
  const logged = isTerminal ? { logged: print } : {};
  const server = await startServer({
    ...options,
    ...(addresses.length > 1 && { httpPort: triedPort }),
    filesFor,
    room,
    told,
    crashed,
    ...logged,
  }).catch((error: NodeJS.ErrnoException & { port?: number }) => {
    if (error instanceof FolderError || error instanceof GatewayPortError) fail(error.message);
    if (error.syscall !== "bind") fail(`The server did not start: ${error.message}`);
    const isSecond = error.port === secondUdpPort;
    const [port, flag] = isSecond ? [secondUdpPort, "--secondUdpPort"] : [udpPort, "--udpPort"];
    fail(portSentence("UDP", port, flag, error));
  });
  const stop = async () => {
    await server.stop();
    process.exit(0);
  };
  for (const signal of stopSignals) {
    // Miniflare has put its own handler there, which leaves no time to say goodbye.
    process.removeAllListeners(signal);
    process.on(signal, stop);
  }
  whenNpmEnds("start", stop);
  console.log(greeting(options, server));
  isGreeted = true;
  if (limit !== null && room && limit < enoughDescriptors) {
    console.error(
      `This process may open ${limit} files, so the server takes ${room.sockets} players at most: ${howToRaiseIt}`,
    );
  }
}

function greeting(
  { host, metricsPort, operatorKeys, groovejet }: StartOptions,
  { url, sidecar }: Server,
): string {
  const others = ownAddresses(host).map((address) => `http://${hostInUrl(address)}:${url.port || 80}`);
  const metrics: [string, string][] =
    metricsPort === undefined ? [] : [["metrics", `http://127.0.0.1:${sidecar?.metricsPort}/metrics`]];
  const rows: [string, string][] = [
    ["HTTP and WebSocket", url.origin],
    ...others.map((origin): [string, string] => ["from your network", origin]),
    ["UDP", `port ${sidecar?.port}`],
    ["second UDP", `port ${sidecar?.secondPort}`],
    ...(sidecar ? gatewayRows(sidecar.gateways) : []),
    ...(groovejet ? [["groovejet", url.origin] satisfies [string, string]] : []),
    ...(Object.keys(operatorKeys).length > 0
      ? [["operator's view", `${url.origin}/operator`] satisfies [string, string]]
      : []),
    ...metrics,
  ];
  // The demo finds the default port by itself.
  const demo = url.port === "5980" ? commands.demo : `${commands.demoWith} ${url.origin}`;
  return `Orion Edge is running.

${table(rows)}

To try it, open this in a browser:  ${pageUrl(host, url)}
To see players meet, run this in another terminal:  ${demo}
To write a client, read docs/protocol.md. Ctrl-C stops the server.
`;
}

/** What a person on this machine may open: `localhost`, if that leads to the server. */
function pageUrl(host: string, { origin, port }: URL): string {
  const isHere = host === "::" || host === "0.0.0.0" || host === "localhost";
  return isHere ? `http://localhost:${port || 80}/` : `${origin}/`;
}

/** Which clients of other servers may come, and to which ports. */
function gatewayRows({ running, skipped }: Gateways): [string, string][] {
  const ports = (all: Readonly<Record<string, number>>) =>
    Object.entries(all)
      .map(([what, port]) => `${/^(tcp|udp)$/.test(what) ? `${what.toUpperCase()} port` : what} ${port}`)
      .join(", ");
  return [
    ...running.map(({ gateway, more }): [string, string] => [
      gateway.name,
      [ports(gateway.ports), ...(more === undefined ? [] : [more])].join(", "),
    ]),
    ...skipped.map((name): [string, string] => [name, "off: another program has its port"]),
  ];
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
