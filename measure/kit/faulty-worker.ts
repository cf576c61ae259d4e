/**
 * The Worker as it is deployed, with handles for faults. Only tests bundle this file.
 *
 * `GET /test/crash?holder=<n>` ends the object that holds a client's socket, or a lobby: by its name; `?directory=<n>` and
 * `?fleet` and `?relay=<name>` likewise. An object that is ended loses its memory and its sockets, and keeps its storage.
 * `/test/life` with the same query answers a text that stays the same as long as its memory does.
 * `/test/fault?<name>=<value>` sets one of the faults below; an empty value ends it.
 * `/test/later?ms=<n>` sets the clock of all objects forward; `/test/alarm?holder=<n>` runs a holder's alarm.
 * `POST /test/frames?holder=<n>&client=<id>&times=<n>` sends the body to a client, so many times in one turn.
 * `/test/socket?holder=<n>` opens a socket in a holder; `POST /test/mail?holder=<n>` brings it mail, `{ from, batch }`.
 * `/test/calls?<method>=<how>:<count>`: the next calls of a method from one object, or the Worker, to another fail: `fail`
 * before they arrive, `lose` when the work is done, `throw` by a fault of the object's code; of every method with `*`. `/test/failures` answers how many did.
 * `/test/hold?<method>=on`: calls of a method wait before they arrive, until it is off; `/test/held` answers how many had to so far, and
 * `/test/calls-of?<method>` how many were made so far.
 * `/test/first?ms=<n>`: the first call to each object takes so long.
 * `/test/made` answers how many objects of lobbies were made; `/test/stored?holder=<code>` what the storage of one has, and
 * `/test/left?holder=<code>` tells people why it may still have something.
 * `/test/code` answers a code that nobody has drawn before, probably; `/test/draws?<number>=<count>`: the next draws are this.
 * `/test/secrets?<secret>=<the one before>` changes what is bound, as a deployment does that leaves all objects alive.
 * `/test/counting?<binding>=<how>` spoils the platform's counting of addresses: `missing`, `broken`, `silent`, or
 *   `full`: it refuses whatever is counted.
 * `/test/limits?<name>=<n>&…` sets some of the limits, by name (`measure/kit/server-limits.ts`): for all objects.
 * `/test/data-points` answers what is written to Analytics Engine, from its first call on.
 * `/test/address` answers the address that the request comes from, as far as the Worker knows it.
 * `POST /test/log` has its body logged, word for word.
 * `/test/busy?fleet=<ms>` keeps the fleet busy.
 */

import type { KeptLobby } from "../../core/lobby/kept.ts";
import { loungeShape } from "../../core/lounges.ts";
import { addressOf } from "../../worker/edge/address.ts";
import { readGateway } from "../../worker/edge/gateways.ts";
import worker, {
  Directory as RealDirectory,
  Fleet as RealFleet,
  Lobby as RealLobby,
  Lounge as RealLounge,
  Relay as RealRelay,
} from "../../worker/index.ts";
import { drawCode } from "../../worker/platform/codes.ts";
import type { Env } from "../../worker/platform/env.ts";
import {
  callFailures,
  callsOf,
  delayFirstCalls,
  failNext,
  faultyBindings,
  heldCalls,
  holdCalls,
  isFailing,
} from "./faulty-calls.ts";
import { setServerLimit } from "./server-limits.ts";

/**
 * `holder`: the name of one that takes no sockets. `answering`: milliseconds, more or less, for which the Worker is busy with an answer that is ready, so that
 * the process hears nothing of any connection. `unlisting`: milliseconds the directory takes for it. `names` with the value `unknown`: lounges
 * are of the version before lobbies had names.
 */
const faults = new Map<string, string>();
const busyTurnsPerMs = 1_000_000;
/** Names of lobby objects that were ever made. */
const made = new Set<string>();

function fail(kind: string, value: string): void {
  if (faults.get(kind) === value) throw new Error("failed by a test");
}

export class Lobby extends RealLobby {
  readonly #life = crypto.randomUUID();
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, faultyBindings(env));
    made.add(ctx.id.name ?? "");
  }
  override async fetch(request: Request): Promise<Response> {
    fail("holder", this.ctx.id.name ?? "");
    return await super.fetch(request);
  }
  crash(): void {
    this.ctx.abort("crashed by a test");
  }
  life(): string {
    return this.#life;
  }
  async ring(): Promise<void> {
    await this.alarm();
  }
  sendFrames(clientId: string, frame: string, times: number): void {
    const session = this.connections.get(clientId);
    for (let i = 0; session && i < times; i++) this.connections.send(session, frame);
  }
  /** What storage has: the number of entries, and whether an alarm is set. */
  async stored(): Promise<{ rows: number; alarm: boolean }> {
    const rows = [...this.ctx.storage.kv.list()].length;
    return { rows, alarm: (await this.ctx.storage.getAlarm()) !== null };
  }
  /** What is left of it, for people: ids and times, in milliseconds from now, and no secrets. */
  async left(): Promise<string> {
    const now = Date.now();
    const alarm = await this.ctx.storage.getAlarm();
    const rows = [...this.ctx.storage.kv.list<KeptLobby>()];
    const inMs = (at: number | null | undefined) => (typeof at === "number" ? at - now : null);
    return JSON.stringify({
      alarmInMs: inMs(alarm),
      rows: Object.fromEntries(rows.map(([key, row]) => [key, key === "lobby" ? outlineOf(row, now) : "…"])),
      isFree: this.lobbyHere.isFree,
      sockets: this.ctx.getWebSockets().map((socket) => {
        const { id, membership, openedAt, pingsSince, doubtedSince } = Object(socket.deserializeAttachment());
        const session = this.connections.get(id);
        const times = {
          openedInMs: inMs(openedAt),
          pingsInMs: inMs(pingsSince),
          doubtedInMs: inMs(doubtedSince),
        };
        return { id, lobbyId: membership?.lobbyId, ...times, state: socket.readyState, isOver: !session };
      }),
    });
  }
}

/** What decides how long a lobby is kept. */
function outlineOf(row: KeptLobby, now: number): object {
  const { phase, hostId, isLasting, lifetime, graceMs, auditMs, newcomersPause, newcomers, members, away } =
    row;
  return {
    ...{ phase, hostId, isLasting, lifetime, graceMs, auditMs, newcomersPause, newcomers },
    auditInMs: row.auditAt - now,
    members: members.map(({ clientId, holder, session, resumes }) => ({
      clientId,
      holder,
      session,
      resumes,
    })),
    away: away.map(({ clientId, until, letGo }) => ({ clientId, inMs: until - now, letGo })),
  };
}
export class Lounge extends RealLounge {
  readonly #life = crypto.randomUUID();
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, faultyBindings(env));
  }
  override async hostLobby(call: Parameters<RealLounge["hostLobby"]>[0]) {
    const { code: _, ...request } = call.request;
    return await super.hostLobby(faults.get("names") === "unknown" ? { ...call, request } : call);
  }
  override async fetch(request: Request): Promise<Response> {
    fail("holder", this.ctx.id.name ?? "");
    return await super.fetch(request);
  }
  sendFrames(clientId: string, frame: string, times: number): void {
    const session = this.connections.get(clientId);
    for (let i = 0; session && i < times; i++) this.connections.send(session, frame);
  }
  crash(): void {
    this.ctx.abort("crashed by a test");
  }
  life(): string {
    return this.#life;
  }
  async ring(): Promise<void> {
    await this.alarm();
  }
}
export class Directory extends RealDirectory {
  readonly #life = crypto.randomUUID();
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, faultyBindings(env));
  }
  override async remove(lobbyId: string): Promise<void> {
    const ms = Number(faults.get("unlisting") ?? 0);
    if (ms > 0) await scheduler.wait(ms);
    await super.remove(lobbyId);
  }
  crash(): void {
    this.ctx.abort("crashed by a test");
  }
  life(): string {
    return this.#life;
  }
}
export class Fleet extends RealFleet {
  readonly #life = crypto.randomUUID();
  async busy(ms: number): Promise<void> {
    await this.ctx.blockConcurrencyWhile(() => scheduler.wait(ms));
  }
  crash(): void {
    this.ctx.abort("crashed by a test");
  }
  life(): string {
    return this.#life;
  }
}

export class Relay extends RealRelay {
  readonly #life = crypto.randomUUID();
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, faultyBindings(env));
  }
  crash(): void {
    this.ctx.abort("crashed by a test");
  }
  life(): string {
    return this.#life;
  }
}

export { Budget, Stats } from "../../worker/index.ts";

type FaultyEnv = Omit<Env, "LOBBY" | "LOUNGE" | "DIRECTORY" | "FLEET" | "RELAY"> & {
  LOBBY: DurableObjectNamespace<Lobby>;
  LOUNGE: DurableObjectNamespace<Lounge>;
  DIRECTORY: DurableObjectNamespace<Directory>;
  FLEET: DurableObjectNamespace<Fleet>;
  RELAY: DurableObjectNamespace<Relay>;
};

type Letter = { from: string; batch: Parameters<RealLobby["receive"]>[1] };

export default {
  async fetch(request, env, ctx) {
    const url = new URL(request.url);
    const [[kind, name] = ["", ""]] = url.searchParams;
    switch (url.pathname) {
      case "/test/crash":
        // The call that ends the object fails with it.
        await objectNamed(env, kind, name)
          .crash()
          .catch(() => {});
        return new Response("crashed");
      case "/test/fault":
        faults.set(kind, name);
        return new Response("set");
      case "/test/life":
        return new Response(await objectNamed(env, kind, name).life());
      case "/test/made":
        return new Response(String(made.size));
      case "/test/stored":
        return Response.json(await env.LOBBY.getByName(name).stored());
      case "/test/left":
        return new Response(await env.LOBBY.getByName(name).left());
      case "/test/code":
        return new Response(drawCode(env));
      case "/test/draws":
        draws = { value: Number(kind), left: Number(name) };
        return new Response("set");
      case "/test/address":
        await readGateway(request, env);
        return new Response(addressOf(request, env) ?? "unknown");
      case "/test/later":
        setForward(Number(name));
        return new Response("later");
      case "/test/alarm":
        await holderNamed(env, name).ring();
        return new Response("rung");
      case "/test/socket":
        return await holderNamed(env, name).fetch(`http://object${url.searchParams.get("path") ?? "/"}`, {
          headers: { upgrade: "websocket" },
        });
      case "/test/frames": {
        const { client = "", times = "1" } = Object.fromEntries(url.searchParams);
        await holderNamed(env, name).sendFrames(client, await request.text(), Number(times));
        return new Response("sent");
      }
      case "/test/mail": {
        const { from, batch }: Letter = await request.json();
        await holderNamed(env, name).receive(from, batch);
        return new Response("received");
      }
      case "/test/calls": {
        const [how = "", count = ""] = name.split(":");
        if (isFailing(how)) failNext(kind, how, Number(count));
        return new Response("set");
      }
      case "/test/hold":
        holdCalls(kind, name === "on");
        return new Response("set");
      case "/test/held":
        return new Response(String(heldCalls()));
      case "/test/calls-of":
        return new Response(String(callsOf(kind)));
      case "/test/first":
        delayFirstCalls(Number(name));
        return new Response("set");
      case "/test/failures":
        return new Response(String(callFailures()));
      case "/test/secrets":
        // The Worker and its objects, being in one isolate, share this.
        Object.assign(env, { ORION_SECRET: kind, ORION_SECRET_BEFORE: name });
        return new Response("set");
      case "/test/counting":
        Object.assign(env, { [kind]: name === "exact" ? exactCounting() : countings[name] });
        return new Response("spoilt");
      case "/test/data-points":
        Object.assign(env, { ANALYTICS: dataset });
        return Response.json(dataPoints);
      case "/test/limits":
        for (const [limit, value] of url.searchParams) setServerLimit(limit, Number(value));
        return new Response("set");
      case "/test/log":
        console.log(await request.text());
        return new Response("logged");
      case "/test/busy":
        ctx.waitUntil(env.FLEET.getByName("fleet").busy(Number(name)));
        return new Response("busy");
      default: {
        const response = await worker.fetch(request, faultyBindings<Env>(env));
        // The clock stands still meanwhile, as it does on the platform.
        for (let left = Number(faults.get("answering") ?? 0) * busyTurnsPerMs; left > 0; left--);
        return response;
      }
    }
  },
} satisfies ExportedHandler<FaultyEnv>;

const dataPoints: (AnalyticsEngineDataPoint | undefined)[] = [];
const dataset: AnalyticsEngineDataset = { writeDataPoint: (point) => void dataPoints.push(point) };

const countings: Record<string, RateLimit | undefined> = {
  missing: undefined,
  broken: { limit: ({ key }) => Promise.reject(new Error(`broken by a test, for ${key}`)) },
  silent: { limit: () => new Promise(() => {}) },
  full: { limit: async () => ({ success: false }) },
};

/** Lets 60 of each key pass, and tells no minutes. */
function exactCounting(): RateLimit {
  const counts = new Map<string, number>();
  return {
    limit: async ({ key }) => {
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return { success: count <= 60 };
    },
  };
}

/** What is drawn next, and how often: codes and lounges are drawn by one number of 32 bits each. */
let draws = { value: 0, left: 0 };
const { getRandomValues } = crypto;
crypto.getRandomValues = (array) => {
  if (!(array instanceof Uint32Array) || array.length !== 1 || draws.left <= 0) {
    return getRandomValues.call(crypto, array) as typeof array;
  }
  draws.left -= 1;
  return array.fill(draws.value) as typeof array;
};

function setForward(ms: number): void {
  const now = Date.now;
  Date.now = () => now() + ms;
}

function objectNamed(env: FaultyEnv, kind: string, name: string) {
  if (kind === "directory") return env.DIRECTORY.getByName(`shard-${name}`);
  if (kind === "relay") return env.RELAY.getByName(name);
  if (kind === "fleet") return env.FLEET.getByName("fleet");
  return holderNamed(env, name);
}

function holderNamed(env: FaultyEnv, name: string) {
  return loungeShape.test(name) ? env.LOUNGE.getByName(name) : env.LOBBY.getByName(name);
}
