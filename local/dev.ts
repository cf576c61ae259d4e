/**
 * `npm run dev`: the deployed shape on one machine, until Ctrl-C. The Worker runs under `wrangler dev`, which
 * takes every change of its files at once, and the sidecar is a process of its own, told only the edge's URL
 * and its key.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { commandLineMistake, parseCommandLine } from "../core/command-line.ts";
import { portNumber } from "../core/settings.ts";
import { sidecarKeyText } from "../core/sidecar-key.ts";
import { secretText } from "../core/token.ts";
import { surviveOutput } from "../udp-sidecar/output.ts";
import { clockMistake } from "./clock.ts";
import { endingWithUs, whenNpmEnds } from "./ends.ts";
import { sayGoodbye } from "./goodbye.ts";
import { missingSentence } from "./packages.ts";
import { plainLine } from "./plain-line.ts";
import { addressesOf, portSentence, tryPort } from "./port.ts";
import { sidecarKeyOf } from "./sidecar-key.ts";
import { openTemporaryFolder } from "./storage.ts";

const help = `Orion Edge for developing: the Worker under wrangler dev, and a sidecar.

Usage: npm run dev -- [options]

  --httpPort <port>   HTTP and WebSocket, on localhost. Default: 5980
  --udpPort <port>    UDP. Default: 5990
  --help              This text

The secret comes from the environment, ORION_SECRET; without one, it is random.
Port 0 is any free one. Nothing the server stores is kept.
`;

/** Milliseconds the Worker has to answer for the first time. */
const startMs = 60_000;
/** Milliseconds a process has to stop when it is told to. */
const goodbyeMs = 5_000;

const root = fileURLToPath(new URL("..", import.meta.url));
const host = "127.0.0.1";

/** The processes that run, in the order in which they should stop. */
const running: ChildProcess[] = [];
let stopping = false;

surviveOutput();
const options = readOptions(process.argv.slice(2));
const wrongClock = clockMistake(Date.now());
if (wrongClock !== null) fail(wrongClock);
const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
if (!existsSync(wrangler)) fail(missingSentence("wrangler"));
const addresses = await addressesOf("localhost");
let { httpPort } = options;
for (const address of addresses) {
  httpPort = await tryPort(httpPort, address).catch((error) =>
    failPort("TCP", options.httpPort, "--httpPort", error),
  );
}
const edge = `http://${host}:${httpPort}`;
await tryUdpPort(options.udpPort).catch((error) => failPort("UDP", options.udpPort, "--udpPort", error));

// Wrangler takes secrets from a file and nowhere else: this one is outside the tree, and ours alone to read.
const folder = openTemporaryFolder(tmpdir(), "orion-edge-dev-");
process.once("exit", () => folder.close());
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop(0));
whenNpmEnds("dev", () => stop(0));

const sidecarName = "dev";
/** What the sidecar reads too: the Worker lets it be there. */
const publicHost = process.env.ORION_PUBLIC_HOST?.trim() || undefined;
const stopKey = randomBytes(32).toString("hex");
const secretFile = join(folder.path, "secret.env");
writeFileSync(secretFile, `ORION_SECRET='${options.secret}'\nstopKey='${stopKey}'\n`, { mode: 0o600 });
const where = ["--ip", host, "--port", String(httpPort), "--inspector-port", "0"];
run("edge", wrangler, {
  args: [
    "dev",
    "local/worker.ts",
    ...where,
    "--var",
    "logLobbies:on",
    "--var",
    "clientAddress:socket",
    "--var",
    "allowedOrigin:local",
    // Nobody bills this machine.
    "--var",
    "networkCentsPerDay:0",
    "--var",
    "relayCentsPerDay:0",
    ...(publicHost === undefined ? [] : ["--var", `sidecarHosts:${sidecarName}=${publicHost}`]),
    "--env-file",
    secretFile,
    "--persist-to",
    join(folder.path, "state"),
  ],
  environment: {
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_HIDE_BANNER: "true",
    // Its own, so that two of these at a time know nothing of each other, and nothing of it stays.
    WRANGLER_REGISTRY_PATH: join(folder.path, "registry"),
    TMPDIR: folder.path,
  },
});
for (const address of addresses) if (address !== host) passOn(address);
if (await answers()) {
  run("sidecar", join(root, "udp-sidecar/main.ts"), {
    args: [],
    environment: {
      ORION_EDGE: edge,
      ORION_SIDECAR_KEY: sidecarKeyText(sidecarKeyOf(options.secret, { name: sidecarName, number: 1 })),
      ORION_SIDECAR_KEY_BEFORE: undefined,
      ORION_SECRET: undefined,
      ORION_SECRET_BEFORE: undefined,
      ORION_UDP_PORT: String(options.udpPort),
      // Two of these may run at a time, and ports of the sidecar's as a service be taken.
      ORION_METRICS_PORT: process.env.ORION_METRICS_PORT ?? "off",
      ORION_SKIP_TAKEN_PORTS: process.env.ORION_SKIP_TAKEN_PORTS ?? "on",
    },
  });
} else if (!stopping) {
  console.error(`The Worker did not answer at ${edge} within ${startMs / 1000} s.`);
  await stop(1);
}

function readOptions(args: string[]): { httpPort: number; udpPort: number; secret: string } {
  const text = { type: "string" } as const;
  try {
    const { values } = parseCommandLine({
      args,
      options: { httpPort: text, udpPort: text, help: { type: "boolean" } },
      environment: process.env,
    });
    if (values.help) {
      console.log(help);
      process.exit(0);
    }
    const port = (name: "httpPort" | "udpPort", fallback: string) => {
      const given = values[name] ?? fallback;
      const value = portNumber(given);
      if (value === null)
        throw new Error(`--${name} must be a whole number from 0 to 65535, not "${given}".`);
      return value;
    };
    const secret = secretText(process.env.ORION_SECRET) || randomBytes(32).toString("hex");
    // Others would need escapes in the file for wrangler.
    if (!/^[\w.~+/=:@%,-]{16,}$/.test(secret)) {
      throw new Error(
        "ORION_SECRET must have 16 characters or more, each one of A-Z, a-z, 0-9 and . _ ~ + / = : @ % , -",
      );
    }
    return { httpPort: port("httpPort", "5980"), udpPort: port("udpPort", "5990"), secret };
  } catch (error) {
    fail(`${commandLineMistake(error)} (--help tells all options)`);
  }
}

/** Starts one of ours in a process group of its own, so that a Ctrl-C reaches it through `stop` alone. */
function run(
  name: string,
  script: string,
  { args, environment }: { args: string[]; environment: NodeJS.ProcessEnv },
): void {
  const [command = "", ...words] = [...endingWithUs("TERM"), process.execPath, script, ...args];
  const child = spawn(command, words, {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    detached: process.platform !== "win32",
  });
  running.unshift(child);
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      // Every 10 s, for ever.
      if (line !== "" && !line.includes("POST /sidecar/heartbeat 200")) {
        console.log(`${name.padEnd(7)} | ${plainLine(line)}`);
      }
    });
  }
  child.on("close", () => {
    if (stopping) return;
    console.error(`The ${name} has ended by itself.`);
    stop(1);
  });
}

/** Listens on another address of this machine too: wrangler takes one. */
function passOn(address: string): void {
  const listener = createServer((from) => {
    const to = connect(httpPort, host);
    from.pipe(to).pipe(from);
    for (const end of [from, to]) end.on("error", () => from.destroy() && to.destroy());
  });
  listener.on("error", (error) => console.error(`${address} cannot be used: ${error.message}.`));
  listener.listen(httpPort, address);
}

/** Whether the Worker answers, as soon as it does. */
async function answers(): Promise<boolean> {
  const patience = AbortSignal.timeout(startMs);
  while (!stopping && !patience.aborted) {
    const answer = await fetch(`${edge}/ping`, { signal: patience }).catch(() => null);
    if (answer) {
      // A Worker with something wrong answers too, and says what in its log.
      await answer.body?.cancel();
      return true;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

/** Stops the sidecar, which says goodbye to the edge, then the edge, which does to its clients, and exits. */
async function stop(code: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  await sayGoodbye(new URL(edge), stopKey);
  for (const child of running) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const closed = once(child, "close");
    signalTo(child, "SIGTERM");
    const late = setTimeout(() => signalTo(child, "SIGKILL"), goodbyeMs);
    await closed;
    clearTimeout(late);
  }
  process.exit(code);
}

function signalTo({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === "win32" ? pid : -pid, signal);
  } catch {
    // It has just ended.
  }
}

/** Rejects, with the system's error, if the port cannot be bound. */
async function tryUdpPort(port: number): Promise<void> {
  const probe = createSocket("udp4").bind(port);
  try {
    await once(probe, "listening");
  } finally {
    probe.close();
  }
}

function failPort(kind: string, port: number, flag: string, error: NodeJS.ErrnoException): never {
  fail(portSentence(kind, port, flag, error));
}

function fail(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}
