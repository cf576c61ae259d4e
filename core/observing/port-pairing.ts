/**
 * Port pairing: the datagrams that a sidecar's two UDP ports get from one client become one observation.
 *
 * Why two ports? Some NATs give a socket one public endpoint for all destinations. Others give it another
 * one for each. A client sends to both ports from one socket, and the lobby compares the two endpoints that
 * the ports saw (core/mapping.ts). The two must reach the lobby together. If each datagram went its own
 * way, the lobby could introduce the players between the two, with half of the picture.
 *
 * A client is in one of three states:
 *
 *   unknown ──datagram──▶ waiting ──other port, or time──▶ remembered ──`observationLifeMs`──▶ unknown
 *                            ▲                                 │
 *                            └────────────datagram─────────────┘
 *
 * - waiting: one port has seen the client, and the other one may see it in a moment. If the same port gets
 *   several datagrams, the newest counts.
 * - remembered: its observation was passed on lately. Half of a later pair may get lost, or a client may
 *   ask one port again alone. Then the earlier endpoint of the other port completes the pair, if it can
 *   belong to the same socket (`completed`).
 *
 * A datagram without candidates is Orion's own. Orion's client sends to one port, so its datagram never
 * waits. If an older half waits for the same client, that half passes first. The pair is then forgotten.
 *
 * Promises:
 *
 * - Each datagram that the machine takes ends up in one observation, unless a later one to the same port
 *   replaces it first.
 * - A pair makes one observation. A datagram without its other half makes one after `otherPortMs`.
 * - Nothing older follows something newer. Clients pass in the order in which they began to wait.
 * - An observation is `proven` only if each endpoint in it is: the client returned the cookie sent there.
 * - At most `observationsHeld` clients wait, and as many are remembered. The machine drops a datagram
 *   beyond that, and tells the shell. A client that does not fit into the memory still passes, but a later
 *   half of it stays half.
 *
 * `now` is in milliseconds and never goes back. A wall clock does, and would keep clients waiting.
 *
 * The state is plain data, but unlike core/link's it is changed in place. It may hold 50 000 clients, and a
 * copy for each datagram would cost more than everything else.
 */
import { type Endpoint, isSameEndpoint } from "../endpoint.ts";
import type { Observation, Proof } from "../wire/sidecar-post.ts";
import { observingLimits } from "./limits.ts";

export type PortName = "first" | "second";

/** A genuine client's datagram, as one of the ports saw it. */
export type ClientDatagram = {
  clientId: string;
  /** What shows that it is genuine, for the edge. */
  proof: Proof;
  /** Where it came from. */
  endpoint: Endpoint;
  /** Its local addresses, as it says. A client that sends them, even none, knows the additions to Orion. */
  candidates?: Endpoint[] | undefined;
  /** It has returned what was sent to this endpoint. */
  proven?: boolean | undefined;
};

export type PairingEvent =
  | { readonly kind: "datagram-arrived"; readonly port: PortName; readonly datagram: ClientDatagram }
  /** The time of `wakeAt` came. */
  | { readonly kind: "deadline-passed" }
  /** The sidecar is about to stop, so nothing may wait any longer. */
  | { readonly kind: "stopping" };

export type PairingEffect =
  /** Send it on its way to the edge (posting.ts). */
  | { readonly kind: "pass"; readonly observation: Observation }
  /** Count the datagram as dropped: too many clients wait. */
  | { readonly kind: "drop" };

/** What a port saw, and whether the client has proved to be there. */
type Seen = { readonly endpoint: Endpoint; readonly proven: boolean };
type BothSeen = { readonly first?: Seen | undefined; readonly second?: Seen | undefined };

type Waiting = {
  readonly clientId: string;
  readonly proof: Proof;
  candidates: Endpoint[];
  seen: BothSeen;
  /** When it passes, whatever the other port has seen. */
  readonly until: number;
};

/** Plain data. Both maps are by the text of the token or pass, in the order of time. */
export type PairingState = {
  readonly waiting: Map<string, Waiting>;
  readonly remembered: Map<string, { readonly seen: BothSeen; readonly until: number }>;
  /** When to look for clients that have waited long enough. The one that set it may have passed since. */
  passAt: number;
  /** When to look for clients to forget. */
  forgetAt: number;
};

const never = Number.POSITIVE_INFINITY;
const nothing: readonly PairingEffect[] = [];

export function newPairing(): PairingState {
  return { waiting: new Map(), remembered: new Map(), passAt: never, forgetAt: never };
}

/** When the shell must wake the machine; infinity for never. It may turn out that nothing is due. */
export function wakeAt({ passAt, forgetAt }: PairingState): number {
  return Math.min(passAt, forgetAt);
}

/** Takes an event, and returns what the shell has to do, in this order. */
export function step(state: PairingState, event: PairingEvent, now: number): readonly PairingEffect[] {
  switch (event.kind) {
    case "datagram-arrived":
      return event.datagram.candidates === undefined
        ? takePlain(state, event.datagram, now)
        : take(state, event.port, event.datagram, event.datagram.candidates, now);
    case "deadline-passed":
      forgetThoseDue(state, now);
      return passThoseDue(state, now);
    case "stopping": {
      const effects = [...state.waiting.values()].map((waiting) => pass(state, waiting, now));
      state.remembered.clear();
      state.passAt = never;
      state.forgetAt = never;
      return effects;
    }
  }
}

/** Orion's own datagram. */
function takePlain(
  state: PairingState,
  { clientId, proof, endpoint }: ClientDatagram,
  now: number,
): readonly PairingEffect[] {
  const before = state.waiting.get(proof.text);
  const effects: PairingEffect[] = before ? [pass(state, before, now)] : [];
  state.remembered.delete(proof.text);
  effects.push({ kind: "pass", observation: { clientId, proof, ...endpoint } });
  return effects;
}

function take(
  state: PairingState,
  port: PortName,
  { clientId, proof, endpoint, proven = false }: ClientDatagram,
  candidates: Endpoint[],
  now: number,
): readonly PairingEffect[] {
  const known = state.waiting.get(proof.text);
  if (!known && state.waiting.size >= observingLimits.observationsHeld) return [{ kind: "drop" }];
  const waiting = known ?? {
    clientId,
    proof,
    candidates,
    seen: {},
    until: now + observingLimits.otherPortMs,
  };
  waiting.candidates = candidates;
  waiting.seen = { ...waiting.seen, [port]: { endpoint, proven } };
  if (waiting.seen.first && waiting.seen.second) return [pass(state, waiting, now)];
  if (!known) {
    state.waiting.set(proof.text, waiting);
    state.passAt = Math.min(state.passAt, waiting.until);
  }
  return nothing;
}

function passThoseDue(state: PairingState, now: number): readonly PairingEffect[] {
  if (state.passAt > now) return nothing;
  const effects: PairingEffect[] = [];
  state.passAt = never;
  for (const waiting of state.waiting.values()) {
    if (waiting.until > now) {
      state.passAt = waiting.until;
      break;
    }
    effects.push(pass(state, waiting, now));
  }
  return effects;
}

/** Ends a client's wait. */
function pass(state: PairingState, waiting: Waiting, now: number): PairingEffect {
  const key = waiting.proof.text;
  state.waiting.delete(key);
  const seen = completed(waiting.seen, state.remembered.get(key)?.seen ?? {});
  remember(state, key, seen, now);
  return { kind: "pass", observation: observationOf(waiting, seen) };
}

function observationOf({ clientId, proof, candidates }: Waiting, seen: BothSeen): Observation {
  const [main, other] = seen.first ? [seen.first, seen.second] : [seen.second, undefined];
  if (!main) throw new Error("a client waits, but no port has seen it");
  return {
    clientId,
    proof,
    ...main.endpoint,
    ...(other && { second: other.endpoint }),
    candidates,
    ...(main.proven && (other?.proven ?? true) && { proven: true }),
  };
}

function remember(state: PairingState, key: string, seen: BothSeen, now: number): void {
  // Set anew, it is the last again.
  state.remembered.delete(key);
  if (state.remembered.size >= observingLimits.observationsHeld) return;
  const until = now + observingLimits.observationLifeMs;
  state.remembered.set(key, { seen, until });
  state.forgetAt = Math.min(state.forgetAt, until);
}

function forgetThoseDue(state: PairingState, now: number): void {
  if (state.forgetAt > now) return;
  state.forgetAt = never;
  for (const [key, { until }] of state.remembered) {
    if (until > now) {
      state.forgetAt = until;
      break;
    }
    state.remembered.delete(key);
  }
}

/**
 * What one port has seen now, with what the other one saw before, if that can be of the same socket: this
 * port saw the same endpoint then, or it is the second port's first look at an address that the first port
 * knows.
 */
function completed(seen: BothSeen, before: BothSeen): BothSeen {
  const { first, second } = seen;
  if (first && !second && before.first && isSameEndpoint(first.endpoint, before.first.endpoint))
    return { first, second: before.second };
  if (second && !first) {
    const isKnown = before.second
      ? isSameEndpoint(second.endpoint, before.second.endpoint)
      : second.endpoint.ip === before.first?.endpoint.ip;
    if (isKnown) return { first: before.first, second };
  }
  return seen;
}
