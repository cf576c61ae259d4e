/**
 * Observations on their way to the edge: gathered for a few milliseconds, posted together, repeated until
 * they are acknowledged or stale. Per client there is one at most, the newest, and one post under way.
 * A post that the edge will not have is halved until only what it does not want is left over.
 * All times here are of the process: the wall clock may be set back, and what is in the order of time would wait for it.
 */
import { isDeepStrictEqual } from "node:util";
import { limits } from "../core/limits.ts";
import { type Observation, observationBytes, postFrameBytes } from "../core/wire/sidecar-post.ts";

type Sighting = { observation: Observation; at: number };

/** A client between its first sighting and the time when nothing of it needs to be remembered. */
type Client = {
  /** Not yet posted. */
  newest: Sighting | null;
  /** The last one posted. */
  posted: Sighting | null;
  /** `ready` to be posted; `posting`; `resting`: posted a moment ago, the same again need not be posted at once. */
  phase: "ready" | "posting" | "resting";
  restsUntil: number;
};

/** Posts observations. Returns the indexes worth sending again, or what became of all: `refused` is for ever. */
export type Post = (observations: Observation[]) => Promise<readonly number[] | "unreached" | "refused">;

/** Milliseconds to wait after the first post that failed, doubled with every further one. */
const firstPauseMs = 100;
const longestPauseMs = 5_000;

export class Observations {
  readonly #post: Post;
  readonly #clients = new Map<string, Client>();
  /** Ids of the clients to post, the longest waiting first. */
  readonly #ready = new Set<string>();
  /** Clients that rest, and until when, in the order of time. A rest that was cut short is still here, and does not count. */
  #resting: { clientId: string; client: Client; until: number }[] = [];
  /** Of posts that were refused: to be tried apart. */
  readonly #halves: Sighting[][] = [];
  #posting = 0;
  #posted = 0;
  #lost = 0;
  #refused = 0;
  #pauseMs = 0;
  #flushTimer: NodeJS.Timeout | null = null;
  #restTimer: NodeJS.Timeout | null = null;
  #idle: (() => void)[] = [];

  constructor(post: Post) {
    this.#post = post;
  }

  /** Clients remembered. */
  get size(): number {
    return this.#clients.size;
  }

  /** Observations that the edge has taken. */
  get posted(): number {
    return this.#posted;
  }

  /** Those that were too old before it could. */
  get lost(): number {
    return this.#lost;
  }

  /** Those that it does not want. */
  get refused(): number {
    return this.#refused;
  }

  /** Takes an observation. False if too many are held already. */
  take(observation: Observation): boolean {
    const { clientId } = observation;
    const client = this.#clients.get(clientId) ?? this.#remember(clientId);
    if (!client) return false;
    client.newest = { observation, at: performance.now() };
    if (client.phase === "resting" && !isSame(client.newest, client.posted))
      this.#makeReady(clientId, client);
    return true;
  }

  /** Done when nothing is waiting or under way. */
  async drained(): Promise<void> {
    if (!this.#isBusy()) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Forgets everything. */
  stop(): void {
    if (this.#flushTimer) clearTimeout(this.#flushTimer);
    if (this.#restTimer) clearTimeout(this.#restTimer);
    this.#ready.clear();
    this.#halves.length = 0;
    this.#clients.clear();
  }

  #remember(clientId: string): Client | null {
    if (this.#clients.size >= limits.observationsHeld) return null;
    const client: Client = { newest: null, posted: null, phase: "ready", restsUntil: 0 };
    this.#clients.set(clientId, client);
    this.#makeReady(clientId, client);
    return client;
  }

  #makeReady(clientId: string, client: Client): void {
    client.phase = "ready";
    this.#ready.add(clientId);
    this.#flushTimer ??= setTimeout(() => this.#flush(), this.#pauseMs || limits.observationBatchMs);
  }

  #flush(): void {
    this.#flushTimer = null;
    while (this.#isWaiting() && this.#posting < limits.observationPosts) {
      const batch = this.#halves.shift() ?? this.#nextBatch(performance.now());
      if (batch.length > 0) this.#send(batch);
      // After a failure one post tries whether the edge is back.
      if (this.#pauseMs > 0) break;
    }
    this.#tellIdle();
  }

  #nextBatch(now: number): Sighting[] {
    const batch: Sighting[] = [];
    let bytes = postFrameBytes;
    for (const clientId of this.#ready) {
      if (batch.length === limits.observationsPerPost) break;
      const client = this.#clients.get(clientId);
      if (client?.newest) bytes += observationBytes(client.newest.observation);
      if (bytes > limits.sidecarPostBytes) break;
      this.#ready.delete(clientId);
      if (!client?.newest) continue;
      if (isStale(client.newest, now)) {
        this.#clients.delete(clientId);
        this.#lost += 1;
        continue;
      }
      batch.push(client.newest);
      client.posted = client.newest;
      client.newest = null;
      client.phase = "posting";
    }
    return batch;
  }

  async #send(batch: Sighting[]): Promise<void> {
    this.#posting += 1;
    const answer = await this.#post(batch.map(({ observation }) => observation));
    this.#posting -= 1;
    if (answer !== "unreached") this.#pauseMs = 0;
    // Posts that fail together are one failure.
    else if (this.#posting === 0 || this.#pauseMs === 0)
      this.#pauseMs = Math.min(longestPauseMs, this.#pauseMs * 2 || firstPauseMs);
    if (answer === "refused" && this.#halve(batch)) return;
    const failed = new Set(answer === "unreached" ? batch.keys() : answer === "refused" ? [] : answer);
    if (answer === "refused") this.#refused += batch.length;
    else this.#posted += batch.length - failed.size;
    const until = performance.now() + limits.observationIntervalMs;
    for (const [index, sighting] of batch.entries()) {
      const { clientId } = sighting.observation;
      const client = this.#clients.get(clientId);
      if (!client) continue;
      if (failed.has(index)) client.newest ??= sighting;
      if (client.newest && !isSame(client.newest, sighting)) {
        this.#makeReady(clientId, client);
        continue;
      }
      client.phase = "resting";
      client.restsUntil = until;
      this.#resting.push({ clientId, client, until });
    }
    this.#endRests();
    if (this.#isWaiting()) this.#flushTimer ??= setTimeout(() => this.#flush(), this.#pauseMs);
    this.#tellIdle();
  }

  /** Lets the halves of a refused batch be posted apart. False if it is not worth it: one alone is what was refused. */
  #halve(batch: Sighting[]): boolean {
    const [oldest] = batch;
    if (!oldest || batch.length < 2 || isStale(oldest, performance.now())) return false;
    const middle = batch.length >> 1;
    this.#halves.push(batch.slice(0, middle), batch.slice(middle));
    this.#flushTimer ??= setTimeout(() => this.#flush(), 0);
    return true;
  }

  /** Lets clients be posted again that have rested, and forgets those with nothing new. */
  #endRests(): void {
    const now = performance.now();
    const tired = this.#resting.findIndex(({ until }) => until > now);
    const rested = this.#resting.splice(0, tired < 0 ? this.#resting.length : tired);
    for (const { clientId, client, until } of rested) {
      if (client.phase !== "resting" || client.restsUntil !== until) continue;
      client.restsUntil = 0;
      if (client.newest) this.#makeReady(clientId, client);
      else this.#clients.delete(clientId);
    }
    const [next] = this.#resting;
    if (!next || this.#restTimer) return;
    this.#restTimer = setTimeout(() => {
      this.#restTimer = null;
      this.#endRests();
    }, next.until - now);
  }

  #tellIdle(): void {
    if (this.#isBusy()) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #isBusy(): boolean {
    return this.#isWaiting() || this.#posting > 0;
  }

  #isWaiting(): boolean {
    return this.#halves.length > 0 || this.#ready.size > 0;
  }
}

function isStale({ at }: Sighting, now: number): boolean {
  return at + limits.observationLifeMs <= now;
}

function isSame({ observation: a }: Sighting, other: Sighting | null): boolean {
  const b = other?.observation;
  return (
    a.ip === b?.ip &&
    a.port === b.port &&
    a.proven === b.proven &&
    isEqual(a.second, b.second) &&
    isEqual(a.candidates, b.candidates)
  );
}

/** Most clients say nothing of either, which costs no comparison. */
function isEqual(a: unknown, b: unknown): boolean {
  return a === b || isDeepStrictEqual(a, b);
}
