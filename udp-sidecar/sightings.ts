/**
 * What the two ports saw of a client, on its way to one observation. A client that knows the additions to Orion sends to both:
 * the first of its datagrams waits for the other one, for a few milliseconds. All others' pass at once.
 * If one of a later pair is lost, or sent to one port only, what the other port saw of the same socket before still holds.
 * All times here are of the process: the wall clock may be set back.
 */
import { type Endpoint, isSameEndpoint } from "../core/endpoint.ts";
import { limits } from "../core/limits.ts";
import type { Observation } from "../core/wire/sidecar-post.ts";

export type PortName = "first" | "second";

/** A genuine client's datagram. With candidates, though it be none, it knows the additions. */
export type Sighting = {
  holder: string;
  clientId: string;
  endpoint: Endpoint;
  candidates?: Endpoint[] | undefined;
  /** It has returned what was sent there. */
  proven?: boolean | undefined;
};

type Seen = { first?: Endpoint | undefined; second?: Endpoint | undefined };

type Waiting = Omit<Sighting, "endpoint"> & {
  seen: Seen;
  /** When it is passed on, whatever the other port has seen. */
  until: number;
};

/** Takes an observation. False if it could not. */
export type Take = (observation: Observation) => boolean;

export class Sightings {
  readonly #take: Take;
  /** By client id, the longest waiting first. */
  readonly #waiting = new Map<string, Waiting>();
  /** What was passed on lately, the oldest first. */
  readonly #passed = new Map<string, { seen: Seen; until: number }>();
  #passTimer: NodeJS.Timeout | null = null;
  #forgetTimer: NodeJS.Timeout | null = null;
  #lost = 0;

  constructor(take: Take) {
    this.#take = take;
  }

  /** Clients that wait, or are remembered. */
  get size(): number {
    return this.#waiting.size + this.#passed.size;
  }

  /** Sightings that nobody could take any more when they had waited. */
  get lost(): number {
    return this.#lost;
  }

  /** Takes a sighting. False if there are too many already. */
  see(port: PortName, { holder, clientId, endpoint, candidates, proven }: Sighting): boolean {
    const known = this.#waiting.get(clientId);
    if (candidates === undefined) {
      // What it said before comes before what it says now.
      if (known) this.#pass(clientId, known);
      this.#passed.delete(clientId);
      return this.#take({ holder, clientId, ...endpoint });
    }
    if (!known && this.#waiting.size >= limits.observationsHeld) return false;
    const waiting = known ?? { holder, clientId, seen: {}, until: performance.now() + limits.otherPortMs };
    waiting.candidates = candidates;
    waiting.proven = proven;
    waiting.seen[port] = endpoint;
    if (waiting.seen.first && waiting.seen.second) return this.#pass(clientId, waiting);
    this.#waiting.set(clientId, waiting);
    this.#passTimer ??= setTimeout(() => this.#passThoseDue(), limits.otherPortMs);
    return true;
  }

  /** Passes on all that wait, and remembers nobody. */
  flush(): void {
    for (const [clientId, waiting] of this.#waiting) this.#pass(clientId, waiting);
    this.#passed.clear();
    for (const timer of [this.#passTimer, this.#forgetTimer]) if (timer) clearTimeout(timer);
    this.#passTimer = null;
    this.#forgetTimer = null;
  }

  #passThoseDue(): void {
    this.#passTimer = null;
    const now = performance.now();
    for (const [clientId, waiting] of this.#waiting) {
      if (waiting.until > now) {
        this.#passTimer = setTimeout(() => this.#passThoseDue(), waiting.until - now);
        return;
      }
      if (!this.#pass(clientId, waiting)) this.#lost += 1;
    }
  }

  #pass(clientId: string, { holder, seen, candidates, proven }: Waiting): boolean {
    this.#waiting.delete(clientId);
    const before = this.#passed.get(clientId)?.seen ?? {};
    const { first, second } = completed(seen, before);
    this.#remember(clientId, { first, second });
    const endpoint = first ?? second;
    if (!endpoint) return false;
    const other = first && second ? { second } : {};
    return this.#take({ holder, clientId, ...endpoint, ...other, candidates, ...(proven && { proven }) });
  }

  #remember(clientId: string, seen: Seen): void {
    this.#passed.delete(clientId);
    if (this.#passed.size >= limits.observationsHeld) return;
    this.#passed.set(clientId, { seen, until: performance.now() + limits.observationLifeMs });
    this.#forgetTimer ??= setTimeout(() => this.#forget(), limits.observationLifeMs);
  }

  #forget(): void {
    this.#forgetTimer = null;
    const now = performance.now();
    for (const [clientId, { until }] of this.#passed) {
      if (until > now) {
        this.#forgetTimer = setTimeout(() => this.#forget(), until - now);
        return;
      }
      this.#passed.delete(clientId);
    }
  }
}

/** What one port has seen now, with what the other one saw before, if that can be of the same socket. */
function completed(seen: Seen, before: Seen): Seen {
  const { first, second } = seen;
  if (first && !second && before.first && isSameEndpoint(first, before.first))
    return { first, second: before.second };
  if (second && !first) {
    const isKnown = before.second ? isSameEndpoint(second, before.second) : second.ip === before.first?.ip;
    if (isKnown) return { first: before.first, second };
  }
  return seen;
}
