/** The state of a gateway of Rabid Hole Punch (step.ts): its players, who of them are in one session, and last answers. */
import { type Bucket, newBucket, type Rate } from "../../allowance.ts";
import { type Endpoint, isSameEndpoint } from "../../endpoint.ts";
import { networkOf } from "../../network.ts";
import { Admission } from "../admission.ts";
import { AnswerBudget } from "../answer-budget.ts";
import type { AdmissionLimits } from "../limits.ts";
import { Recent } from "../recent.ts";
import { rabidLimits } from "./limits.ts";
import { Occupancy } from "./occupancy.ts";
import type { RabidError, RabidRequest } from "./texts.ts";

/** Where a datagram came from. `via`: which of the machine's addresses it came to, as the rim numbers them. Answers leave by that one. */
export type Source = Endpoint & { readonly via: number };

/** A session as one player's connection to the edge has it. `members`: the host first, the others in order of arrival. */
export type RabidSession = {
  readonly members: readonly { readonly name: string; readonly clientId: string }[];
  /** Whether this player is the host. */
  readonly isHost: boolean;
};

/**
 * What a player is doing:
 *
 *     opening ──opened──▶ waiting ──endpoint-wanted──▶ gathering ──introduced──▶ started ──ended──▶ (gone)
 *                            ▲                             │
 *                            └───────────aborted───────────┘
 *
 * In each of them a player may leave, be removed, or fall silent: then it is gone.
 */
export type Phase =
  /** The edge has been asked to let it host, or join. */
  | { readonly kind: "opening"; readonly how: "host" | "join" }
  /** In the session. `startAskedAt`: when it last asked the edge to start, or null. */
  | { readonly kind: "waiting"; startAskedAt: number | null }
  /** The edge wants to know where it is. */
  | { readonly kind: "gathering"; readonly mediation: string | undefined; isObserved: boolean }
  | Started;

/** The player is told where the others are. */
export type Started = {
  readonly kind: "started";
  readonly mediation: string | undefined;
  readonly text: string;
  /** When the edge introduced the players. */
  readonly at: number;
  /** When it was told first; null before. */
  firstAt: number | null;
  roundsLeft: number;
  /** From when on it may be told again. */
  nextAt: number;
  /** When it was told: some ten times a second at most, for as long as the session is remembered. */
  readonly sentAt: number[];
  /** It has confirmed the start: it is told no more. */
  isConfirmed: boolean;
  /** The edge was told that it is connected. */
  isReported: boolean;
};

export type Player = {
  /** Stands for its connection to the edge. */
  readonly id: number;
  readonly session: string;
  readonly name: string;
  at: Source;
  /** Where it was before its router changed its port, the last one first: a ping from there takes it back. */
  formers: readonly Source[];
  /** When its last datagram came from there. */
  heardAt: number;
  /** Several have come from there, over a second. */
  isSteady: boolean;
  /** It has pinged, or asked what only a player asks who knows that it is in. Before, the plugin reads no start. */
  knowsItIsIn: boolean;
  phase: Phase;
  members: RabidSession["members"];
  isHost: boolean;
  /** It has not been told of the last change. */
  awaitsNews: boolean;
};

/** A last answer, repeated a few times, or to the same request. */
export type Farewell = {
  readonly to: Source;
  readonly error: RabidError;
  /** The request that it answered; `none` of its own: a member was dropped, removed, or left. */
  readonly answers: "host" | "join" | "none";
  left: number;
  nextAt: number;
  readonly until: number;
};

/** What came, by what it was; `shed` was not looked at, because its address sends too much. */
export type RabidMessages = Record<
  RabidRequest["kind"] | "invalid" | "unknown" | "unreadable" | "shed",
  number
>;
/** What was not sent or opened, besides answers (core/dialects/answer-budget.ts); `made_room` was, and ended for a newcomer. */
export type RabidDrops = Record<
  | "address_full"
  | "network_full"
  | "gateway_full"
  | "openings_full"
  | "openings_rate"
  | "made_room"
  | "start_rate"
  | "unproven",
  number
>;

/** What may be asked of the edge for one address. */
export const openingRate: Rate = {
  burst: rabidLimits.rabidOpenings,
  perSecond: rabidLimits.rabidOpeningsPerSecond,
};
/** What starts may take of the port. */
export const startRate: Rate = {
  burst: rabidLimits.rabidStartBytesFromPort,
  perSecond: rabidLimits.rabidStartBytesFromPort,
};

export type RabidState = {
  readonly admission: Admission;
  readonly occupancy: Occupancy<Player>;
  readonly answers: AnswerBudget;
  readonly openings: Recent<Bucket>;
  readonly starts: Bucket;
  readonly players: Map<number, Player>;
  /** Players who are in, by session and name. */
  readonly inside: Map<string, Map<string, Player>>;
  /** How many of them send from an endpoint, or did before, by `placeOf`. */
  readonly places: Map<string, number>;
  /** Those who wait for the edge, by address, session and name. */
  readonly opening: Map<string, Player>;
  /** Those who are told the start. */
  readonly started: Set<Player>;
  /** By address, session and name. */
  readonly farewells: Map<string, Farewell>;
  /** The last player's id. */
  lastId: number;
  /** When somebody is to be told something next. Infinity if nobody is. */
  dueAt: number;
  /** When to look for silent players next. */
  sweepAt: number;
  readonly messages: RabidMessages;
  readonly drops: RabidDrops;
};

/** `now` is in milliseconds, and never goes back. */
export function newRabid(now: number, limits?: AdmissionLimits): RabidState {
  return {
    admission: new Admission(limits),
    occupancy: new Occupancy(limits),
    answers: new AnswerBudget(now),
    openings: new Recent(rabidLimits.rabidOpeningAddresses),
    starts: newBucket(startRate, now),
    players: new Map(),
    inside: new Map(),
    places: new Map(),
    opening: new Map(),
    started: new Set(),
    farewells: new Map(),
    lastId: 0,
    dueAt: Number.POSITIVE_INFINITY,
    sweepAt: Number.POSITIVE_INFINITY,
    messages: {
      host: 0,
      join: 0,
      ping: 0,
      kick: 0,
      exit: 0,
      start: 0,
      confirm: 0,
      invalid: 0,
      unknown: 0,
      unreadable: 0,
      shed: 0,
    },
    drops: {
      address_full: 0,
      network_full: 0,
      gateway_full: 0,
      openings_full: 0,
      openings_rate: 0,
      made_room: 0,
      start_rate: 0,
      unproven: 0,
    },
  };
}

/** An endpoint's name. */
export function placeOf({ ip, port }: Endpoint): string {
  return `${ip} ${port}`;
}

/** Who speaks: an address, and whom it names. */
export function keyOf(endpoint: Endpoint, session: string, name: string): string {
  return `${placeOf(endpoint)} ${session} ${name}`;
}

/** The bucket of an address; null for this machine itself, which is not counted. */
export function openingsOf(state: RabidState, ip: string, now: number): Bucket | null {
  const network = networkOf(ip);
  if (network === null) return null;
  const known = state.openings.get(network);
  if (known) return known;
  const bucket = newBucket(openingRate, now);
  state.openings.set(network, bucket);
  return bucket;
}

/** The players of a session in this gateway. */
export function playersOf(state: RabidState, session: string): Iterable<Player> {
  return state.inside.get(session)?.values() ?? [];
}

export function playerOf(state: RabidState, session: string, name: string): Player | undefined {
  return state.inside.get(session)?.get(name);
}

/** Whether a player of the session sends from there. */
export function isPlayerAt(state: RabidState, session: string, from: Endpoint): boolean {
  for (const { at } of playersOf(state, session)) if (isSameEndpoint(at, from)) return true;
  return false;
}

/** Whether the session's players are being introduced, as far as this gateway knows. */
export function isStarting(state: RabidState, session: string): boolean {
  for (const { phase } of playersOf(state, session))
    if (phase.kind === "gathering" || phase.kind === "started") return true;
  return false;
}

/** The player that has entered its session. */
export function takeIn(state: RabidState, player: Player): void {
  state.opening.delete(keyOf(player.at, player.session, player.name));
  countAt(state, player.at, 1);
  const others = state.inside.get(player.session);
  if (others) others.set(player.name, player);
  else state.inside.set(player.session, new Map([[player.name, player]]));
}

/** A player who is in sends from there now. Where it was before, it may come back to; but what took a place from there may not. */
export function move(state: RabidState, player: Player, to: Source): void {
  const back = formerAt(player, to);
  const formers = [player.at, ...player.formers].slice(0, rabidLimits.rabidFormerPorts);
  countAll(state, player, -1);
  player.formers = back < 0 ? formers : player.formers.slice(back + 1);
  player.at = to;
  countAll(state, player, 1);
}

/** Which of the player's former places that is; -1 if none. */
export function formerAt({ formers }: Player, from: Endpoint): number {
  return formers.findIndex((former) => isSameEndpoint(former, from));
}

function countAll(state: RabidState, { at, formers }: Player, change: 1 | -1): void {
  for (const place of [at, ...formers]) countAt(state, place, change);
}

function countAt({ places }: RabidState, endpoint: Endpoint, change: 1 | -1): void {
  const place = placeOf(endpoint);
  const count = (places.get(place) ?? 0) + change;
  if (count > 0) places.set(place, count);
  else places.delete(place);
}

/** Whether it may be introduced: its address is no made-up one, and it reads what it is told. */
export function isReady({ isSteady, knowsItIsIn }: Player): boolean {
  return isSteady && knowsItIsIn;
}

/** What the player does may have changed: whether it makes room for others depends on that. */
export function noteUse(state: RabidState, player: Player, now: number): void {
  const { phase, members } = player;
  const isAlone = phase.kind === "waiting" && members.length <= 1;
  const use = phase.kind === "opening" ? "opening" : isAlone ? "alone" : "needed";
  state.occupancy.note(player, use, isReady(player), now);
}

/** Forgets the player, whatever it was doing. */
export function forget(state: RabidState, player: Player): void {
  const { id, session, name } = player;
  if (!state.players.delete(id)) return;
  state.admission.leave(player.at.ip);
  state.occupancy.leave(player);
  state.started.delete(player);
  const key = keyOf(player.at, session, name);
  if (state.opening.get(key) === player) state.opening.delete(key);
  const others = state.inside.get(session);
  if (others?.get(name) !== player) return;
  countAll(state, player, -1);
  others.delete(name);
  if (others.size === 0) state.inside.delete(session);
}
