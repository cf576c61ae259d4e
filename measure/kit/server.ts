/** Servers for tests: the real Worker, real sockets, free ports. */
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { loungeShape } from "../../core/lounges.ts";
import { type Server, type ServerOptions, startServer } from "../../local/server.ts";
import { bundleOnce } from "./bundle-once.ts";
import { knownSecrets } from "./secret.ts";
import type { ServerLimit } from "./server-limits.ts";
import { noteSettings, noteTold, noteWritten } from "./whole-log.ts";

const faultyWorker = fileURLToPath(new URL("./faulty-worker.ts", import.meta.url));
const inTheWorker = fileURLToPath(new URL("./in-the-worker.ts", import.meta.url));
const noBufferedAmount = fileURLToPath(new URL("./no-buffered-amount.ts", import.meta.url));
const everyLine = fileURLToPath(new URL("./every-line.ts", import.meta.url));

/**
 * `bounded`: only as many lines are logged as in a deployment; else all. `blind`: the platform does not say what waits for a
 * socket, as older ones do not.
 */
export type TestServerOptions = Partial<Omit<ServerOptions, "inject" | "bundle">> & {
  bounded?: boolean;
  blind?: boolean;
};

/** A server whose objects can be crashed (`faulty-worker.ts`). */
export function startFaultyServer(options: TestServerOptions = {}): Promise<Server> {
  return startTestServer({ entry: faultyWorker, ...options });
}

/**
 * A server on which each player of the plain path has a lounge of their own: what happens between objects happens.
 * Players of the direct path are held by their lobby. What it logs, and what may not be in
 * there, is noted for the end of the test file.
 */
export function startTestServer({
  vars,
  secret = randomBytes(32).toString("hex"),
  logged = printErrors,
  bounded = false,
  blind = false,
  told = () => {},
  ...options
}: TestServerOptions = {}): Promise<Server> {
  noteSettings({ ...vars, ORION_SECRET: secret });
  knownSecrets.add(secret);
  return startServer({
    httpPort: 0,
    udpPort: 0,
    host: "127.0.0.1",
    vars: { clientsPerLounge: 1, ...vars },
    secret,
    bundle: bundleOnce,
    inject: [inTheWorker, ...(bounded ? [] : [everyLine]), ...(blind ? [noBufferedAmount] : [])],
    logged: (text) => {
      const log = noteWritten(text);
      if (log !== null) logged(log);
    },
    told: (line) => {
      noteTold(line);
      told(line);
    },
    ...options,
  });
}

function printErrors(line: string): void {
  if (!line.includes('"level":"info"')) console.error(line);
}

/** A server whose objects can be crashed, and all that its Worker has logged so far, line by line. */
export async function startLoggedServer(
  options: TestServerOptions = {},
): Promise<Server & { readonly logged: readonly string[] }> {
  const logged: string[] = [];
  const server = await startFaultyServer({ ...options, logged: (text) => logged.push(...text.split("\n")) });
  return { ...server, logged };
}

/** Sets some of the server's limits, by their names. */
export async function setLimits(base: URL, some: { [limit in ServerLimit]?: number }): Promise<void> {
  const query = new URLSearchParams();
  for (const [limit, value] of Object.entries(some)) query.set(limit, String(value));
  await fetch(new URL(`/test/limits?${query}`, base));
}

/** Ends an object: `{ holder }` by its name, `{ directory }` by shard, or `{ fleet }`. */
export async function crash(base: URL, what: Record<string, string>): Promise<void> {
  await fetch(new URL(`/test/crash?${new URLSearchParams(what)}`, base));
}

/** The class of the object that holds sockets under this name. */
export function classOf(holder: string): "Lobby" | "Lounge" {
  return loungeShape.test(holder) ? "Lounge" : "Lobby";
}

/** Puts an object to sleep: it loses its memory, and keeps its sockets. One that sleeps already, after a stall for instance, may do so. */
export async function hibernate(
  server: Pick<Server, "evict">,
  object: Parameters<Server["evict"]>[0],
): Promise<void> {
  await server.evict(object, "hibernate").catch((error: unknown) => {
    if (!String(error).includes("not currently running")) throw error;
  });
}

/** Puts those to sleep that hold sockets, by their names. */
export async function putToSleep(server: Pick<Server, "evict">, holders: Iterable<string>): Promise<void> {
  const sleep = (name: string) => hibernate(server, { className: classOf(name), name });
  await Promise.all([...new Set(holders)].map(sleep));
}

/** Sets a fault of `faulty-worker.ts`, or ends it with an empty value. */
export async function setFault(base: URL, name: string, value: string): Promise<void> {
  await fetch(new URL(`/test/fault?${name}=${value}`, base));
}

/**
 * Makes the next so many calls of a method between objects fail: `fail` before they arrive, `lose` when the work is
 * done, and only its answer is lost, `throw` by a fault of the object's own code. `*` is every method.
 */
export async function failCalls(
  base: URL,
  method: string,
  how: "fail" | "lose" | "throw",
  count: number,
): Promise<void> {
  await fetch(new URL(`/test/calls?${encodeURIComponent(method)}=${how}:${count}`, base));
}

/** Lets calls of a method between objects wait before they arrive, or lets them go. */
export async function holdCalls(base: URL, method: string, isHeld: boolean): Promise<void> {
  await fetch(new URL(`/test/hold?${method}=${isHeld ? "on" : "off"}`, base));
}

/** How many calls were held so far. */
export async function heldCalls(base: URL): Promise<number> {
  return Number(await (await fetch(new URL("/test/held", base))).text());
}

/** How many calls of a method were made so far. */
export async function callsOf(base: URL, method: string): Promise<number> {
  return Number(await (await fetch(new URL(`/test/calls-of?${method}`, base))).text());
}

/** The first call to each object takes so many milliseconds, as it may at Cloudflare. */
export async function delayFirstCalls(base: URL, ms: number): Promise<void> {
  await fetch(new URL(`/test/first?ms=${ms}`, base));
}

/** How many objects of lobbies were made so far. */
export async function lobbiesMade(base: URL): Promise<number> {
  return Number(await (await fetch(new URL("/test/made", base))).text());
}

/** A code of this deployment that no lobby has. */
export async function freeCode(base: URL): Promise<string> {
  return await (await fetch(new URL("/test/code", base))).text();
}

/** A code that this deployment never draws: its check character is wrong. */
export async function wrongCode(base: URL): Promise<string> {
  const code = await freeCode(base);
  return code.slice(0, -1) + (code.endsWith("0") ? "1" : "0");
}

/** The next so many codes that are drawn are all the same, and lounges too. */
export async function drawTheSame(base: URL, count: number): Promise<void> {
  const value = Math.floor(Math.random() * 2 ** 32);
  await fetch(new URL(`/test/draws?${value}=${count}`, base));
}

/** What the storage of a lobby's object has. Wakes the object. */
export async function storedOf(base: URL, lobbyId: string): Promise<{ rows: number; alarm: boolean }> {
  return JSON.parse(await (await fetch(new URL(`/test/stored?holder=${lobbyId}`, base))).text());
}

/** What is left of a lobby in its object, for people, without secrets. Wakes the object. */
export async function leftOf(base: URL, lobbyId: string): Promise<string> {
  return await (await fetch(new URL(`/test/left?holder=${encodeURIComponent(lobbyId)}`, base))).text();
}

/** How many calls between objects failed so far, by `failCalls`. */
export async function failedCalls(base: URL): Promise<number> {
  return Number(await (await fetch(new URL("/test/failures", base))).text());
}

/** Spoils the platform's counting of addresses for one of the bindings. */
export async function spoilCounting(
  base: URL,
  binding: string,
  how: "missing" | "broken" | "silent" | "full" | "exact",
): Promise<void> {
  await fetch(new URL(`/test/counting?${binding}=${how}`, base));
}

/** What the server has written to a data set of Analytics Engine: it has one from the first call on. Miniflare's own one takes points and forgets them. */
export async function dataPointsOf(
  base: URL,
): Promise<{ indexes?: string[]; blobs?: string[]; doubles?: number[] }[]> {
  return JSON.parse(await (await fetch(new URL("/test/data-points", base))).text());
}

/** Changes the deployment's secrets under objects that live on. */
export async function setSecrets(base: URL, secret: string, before: string): Promise<void> {
  noteSettings({ ORION_SECRET: secret, ORION_SECRET_BEFORE: before });
  knownSecrets.add(secret).add(before);
  await fetch(new URL(`/test/secrets?${new URLSearchParams({ [secret]: before })}`, base));
}

/** A text that stays the same as long as the object's memory does, named as for `crash`. Wakes the object. */
export async function lifeOf(base: URL, what: Record<string, string>): Promise<string> {
  return await (await fetch(new URL(`/test/life?${new URLSearchParams(what)}`, base))).text();
}

/** Sets the clock of all objects forward. What is due then happens at an object's next event, or its `ring`. */
export async function later(base: URL, ms: number): Promise<void> {
  await fetch(new URL(`/test/later?ms=${ms}`, base));
}

/** Runs an object's alarm, as the platform does in its time: of a lobby by its code, or of a lounge. */
export async function ring(base: URL, holder: string): Promise<void> {
  await fetch(new URL(`/test/alarm?holder=${holder}`, base));
}

/** Brings messages to an object, as another object does. What is repeated under the same id is a repeated batch. */
export async function mail(
  base: URL,
  holder: string,
  from: string,
  batch: { id: string; items: object[] },
): Promise<void> {
  const url = new URL(`/test/mail?holder=${holder}`, base);
  const { ok } = await fetch(url, { method: "POST", body: JSON.stringify({ from, batch }) });
  if (!ok) throw new Error("the mail was not taken");
}

/** Sends a client a frame, so many times in one turn, whatever lobby it is in. */
export async function sendFrames(
  base: URL,
  { holder, clientId }: { holder: string; clientId: string },
  frame: string,
  times = 1,
): Promise<void> {
  const query = new URLSearchParams({ holder, client: clientId, times: String(times) });
  await fetch(new URL(`/test/frames?${query}`, base), { method: "POST", body: frame });
}

/** Keeps the fleet busy for so long, from now on. */
export async function keepFleetBusy(base: URL, ms: number): Promise<void> {
  await fetch(new URL(`/test/busy?fleet=${ms}`, base));
}
