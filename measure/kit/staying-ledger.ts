/**
 * What happened in a lobby in which people stay, as those of its members know it who know the additions to Orion. Nobody need be there
 * from first to last. So what each connection heard is laid over what the others heard, and before and after each event there is one state of
 * the lobby, with which every picture of it must agree.
 */
import type { Data } from "../../core/data.ts";
import type { Picture } from "../../core/wire/picture.ts";
import type { Heard, Membership } from "./memberships.ts";

export type KnownMember = {
  clientId: string;
  name: string;
  displayName: string;
  data: Data;
  isAway: boolean;
};

/** What all pictures of a moment agree on. */
export type Known = {
  readonly version: number;
  readonly term: number;
  readonly hostId: string;
  readonly lobbyName: string;
  readonly isPublic: boolean;
  readonly maxMembers: number;
  readonly locked: boolean;
  readonly hasPassword: boolean;
  readonly data: Data;
  readonly members: readonly KnownMember[];
};

/** `key` is the same for all who hear of it. */
export type LedgerEvent = { key: string; at: number; payload: Record<string, unknown>; method: string };

/** Events in the order in which all heard them: `states[i]` is before `events[i]`. */
export type Segment = { began: number; events: LedgerEvent[]; states: Known[] };

/** Where a connection's time lies in it. */
export type Placed = { membership: Membership; segment: Segment; from: number; to: number };

const named = new Set([
  "lobby_peerConnect",
  "lobby_peerDisconnect",
  "lobby_memberAway",
  "lobby_memberBack",
  "lobby_hostChanged",
  "lobby_changed",
  "lobby_memberChanged",
  "lobby_messaging_received",
]);

/** The events among these that all hear. */
export function eventsIn(heard: readonly Heard[]): LedgerEvent[] {
  return heard.flatMap(({ at, message: { method, payload } }) =>
    named.has(method) ? [{ at, method, payload, key: `${method} ${JSON.stringify(sorted(payload))}` }] : [],
  );
}

export function knownFrom(told: Picture): Known {
  const { version, term, hostId, lobbyName, isPublic, maxMembers, locked, hasPassword, data } = told;
  const members = told.members.map(({ clientId, name, displayName, presence, data }) => {
    return { clientId, name, displayName, data, isAway: presence === "away" };
  });
  return { version, term, hostId, lobbyName, isPublic, maxMembers, locked, hasPassword, data, members };
}

/** The state after an event; a sentence if it cannot come in that state. */
export function after(state: Known, { method, payload }: LedgerEvent): Known | string {
  const clientId = String(payload.clientId);
  const member = state.members.find((one) => one.clientId === clientId);
  const with_ = (change: Partial<KnownMember>) =>
    state.members.map((one) => (one === member ? { ...one, ...change } : one));
  switch (method) {
    case "lobby_peerConnect": {
      if (member) return `${payload.peerName} joined, who was there already`;
      const name = String(payload.peerName);
      const { displayName = name, data = {} } = payload as { displayName?: string; data?: Data };
      return { ...state, members: [...state.members, { clientId, name, displayName, data, isAway: false }] };
    }
    case "lobby_peerDisconnect":
      if (!member) return `${payload.peerName} left, who was not there`;
      return { ...state, members: state.members.filter((one) => one !== member) };
    case "lobby_memberAway":
      if (!member || member.isAway) return `${payload.peerName} is away, who was away or not there`;
      return { ...state, members: with_({ isAway: true }) };
    case "lobby_memberBack":
      if (!member?.isAway) return `${payload.peerName} is back, who was not away`;
      return { ...state, members: with_({ isAway: false }) };
    case "lobby_hostChanged": {
      if (payload.term !== state.term + 1) return `term ${payload.term} came after ${state.term}`;
      if (!member) return `${payload.host} became host, who is not there`;
      if (member.isAway && state.members.some(({ isAway }) => !isAway))
        return `${payload.host} became host, who is away, and others are not`;
      return { ...state, term: state.term + 1, hostId: clientId };
    }
    case "lobby_changed": {
      const { version, data = {}, lobbyId: _, title: __, ...rest } = payload as Record<string, unknown>;
      if (version !== state.version + 1) return `version ${version} came after ${state.version}`;
      return {
        ...state,
        ...(rest as Partial<Known>),
        version: state.version + 1,
        data: merged(state.data, data),
      };
    }
    case "lobby_memberChanged": {
      const {
        version,
        data = {},
        displayName = member?.displayName ?? "",
      } = payload as Record<string, unknown>;
      if (version !== state.version + 1) return `version ${version} came after ${state.version}`;
      if (!member) return `${clientId} changed something, who is not there`;
      const change = { displayName: String(displayName), data: merged(member.data, data) };
      return { ...state, version: state.version + 1, members: with_(change) };
    }
    default:
      return state;
  }
}

function merged(data: Data, change: unknown): Data {
  const all = Object.entries({ ...data, ...Object(change) }).filter(([, value]) => value !== null);
  return Object.fromEntries(all) as Data;
}

/** What differs, in a few words; null if nothing does. `ownId`: those who came later may be missing, in an answer that is given again. */
export function difference(told: Known, known: Known, ownId?: string): string | null {
  const upTo = known.members.findIndex(({ clientId }) => clientId === ownId);
  const members = [known.members, ...(upTo >= 0 ? [known.members.slice(0, upTo + 1)] : [])];
  for (const key of Object.keys(known) as (keyof Known)[]) {
    const [one, ...others] = key === "members" ? members.map(text) : [text(known[key])];
    const said = text(told[key]);
    if (said !== one && !others.includes(said)) return `${key} ${said} and not ${one}`;
  }
  return null;
}

function text(value: unknown): string {
  return JSON.stringify(sorted(value));
}

/** The same with its keys in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => [k, sorted(v)]),
  );
}

/** Milliseconds by which two connections may hear of one thing apart. */
const apartMs = 15_000;
/** Milliseconds that a frame may be seen before or after the HTTP answer it belongs to. */
const skewMs = 2_000;

/** Lays what each heard over what the others did. Sentences for what does not fit. */
export function layOut(memberships: readonly Membership[]): {
  segments: Segment[];
  placed: Placed[];
  wrong: { sentence: string; membership: Membership }[];
} {
  const informed = memberships
    .filter(({ answer }) => answer?.picture)
    .sort((a, b) => beginOf(a) - beginOf(b));
  const segments: Segment[] = [];
  const placed: Placed[] = [];
  const wrong: { sentence: string; membership: Membership }[] = [];
  for (const membership of informed) {
    const last = segments.at(-1);
    const found = last ? placeOf(membership, last) : null;
    if (last && typeof found === "object" && found) {
      extend(last, found.states, lastOf(eventsIn(membership.heard), found.count), found.from);
      placed.push({ membership, segment: last, from: found.from, to: found.from + found.count });
      continue;
    }
    // Nobody may have been there to hear what happened between.
    const isGap = !placed.some(
      ({ membership: { end }, segment }) =>
        segment === last && (!end || end.at > beginOf(membership) + skewMs),
    );
    const fresh = begin(membership);
    if (last && !isGap) wrong.push({ sentence: String(found), membership });
    else if (typeof fresh === "string") wrong.push({ sentence: fresh, membership });
    else {
      segments.push(fresh.segment);
      placed.push({ membership, segment: fresh.segment, from: 0, to: fresh.segment.events.length });
    }
  }
  return { segments, placed, wrong };
}

function beginOf({ answer, heard }: Membership): number {
  return Math.min(answer?.at ?? Number.POSITIVE_INFINITY, heard[0]?.at ?? Number.POSITIVE_INFINITY);
}

/** How many of its first events the picture in its answer may have already. */
function earlyIn({ answer }: Membership, events: readonly LedgerEvent[]): number {
  return events.filter(({ at }) => at <= (answer?.at ?? 0) + skewMs).length;
}

/** A ledger of what this one heard alone. */
function begin(membership: Membership): { segment: Segment } | string {
  const { answer } = membership;
  if (!answer?.picture) return "was told nothing of the lobby";
  const events = eventsIn(membership.heard);
  let why = "";
  for (let skipped = 0; skipped <= earlyIn(membership, events); skipped++) {
    const states = statesFrom(knownFrom(answer.picture), events.slice(skipped));
    const began = beginOf(membership);
    if (typeof states !== "string") return { segment: { began, events: events.slice(skipped), states } };
    why ||= states;
  }
  return `heard that ${why}`;
}

function statesFrom(first: Known, events: readonly LedgerEvent[]): Known[] | string {
  const states = [first];
  for (const event of events) {
    const next = after(states.at(-1) ?? first, event);
    if (typeof next === "string") return next;
    states.push(next);
  }
  return states;
}

/** The place in this segment where a membership begins, and the states after it. A sentence if there is none. */
function placeOf(
  membership: Membership,
  { began: start, events, states }: Segment,
): { from: number; count: number; states: Known[] } | string {
  const { answer } = membership;
  if (!answer?.picture) return "was told nothing of the lobby";
  const own = eventsIn(membership.heard);
  const told = knownFrom(answer.picture);
  const early = earlyIn(membership, own);
  const began = beginOf(membership);
  let why = "";
  let closest = -1;
  // Where nothing is new comes first, and of these the last; then where little is.
  const most = Math.max(0, events.length - own.length);
  const inside = Array.from({ length: most + 1 }, (_, i) => most - i);
  const beyond = Array.from({ length: events.length - most }, (_, i) => most + 1 + i);
  for (const from of [...inside, ...beyond]) {
    const tried = tryAt(from);
    if (tried) return tried;
  }
  // It may know of a moment before: who comes back does not hear of itself.
  for (let known = 1; known <= own.length && (own[known - 1]?.at ?? 0) <= start + skewMs; known++) {
    const tried = tryAt(0, known);
    if (tried) return tried;
  }
  return why || "heard what nobody else did";

  /** Whether the picture, with so many of its first events or less of them, comes to the first state here. */
  function leadsTo(known: number): boolean {
    return Array.from({ length: known + 1 }, (_, skipped) =>
      statesFrom(told, own.slice(skipped, known)),
    ).some(
      (some) => typeof some !== "string" && states[0] && difference(some.at(-1) ?? told, states[0]) === null,
    );
  }

  function tryAt(from: number, known = 0): { from: number; count: number; states: Known[] } | null {
    const mineAfter = own.slice(known);
    const overlap = Math.min(mineAfter.length, events.length - from);
    const before = events[from - 1];
    if (before && before.at > began + apartMs) return null;
    for (let i = 0; i < overlap; i++) {
      const [mine, theirs] = [mineAfter[i], events[from + i]];
      if (mine?.key === theirs?.key && Math.abs((mine?.at ?? 0) - (theirs?.at ?? 0)) < apartMs) continue;
      if (i > closest) {
        closest = i;
        why = `heard "${mine?.key}" where others heard "${theirs?.key}"`;
      }
      return null;
    }
    const rest = statesFrom(states[from + overlap] ?? told, mineAfter.slice(overlap));
    if (typeof rest === "string") {
      if (overlap >= closest) why = `heard that ${rest}`;
      return null;
    }
    const all = [...states.slice(from, from + overlap), ...rest];
    const ownId = answer?.hasResumed ? undefined : answer?.memberId;
    const differences = all.slice(0, early + 1).map((known) => difference(told, known, ownId));
    if (known > 0 ? leadsTo(known) : differences.includes(null))
      return { from, count: mineAfter.length, states: all };
    if (overlap >= closest) {
      closest = overlap;
      why = `was told ${differences[0]}`;
    }
    return null;
  }
}

function extend(segment: Segment, states: readonly Known[], own: readonly LedgerEvent[], from: number): void {
  const known = segment.events.length - from;
  segment.events.push(...own.slice(known));
  segment.states.push(...states.slice(known + 1));
}

function lastOf<T>(some: readonly T[], count: number): readonly T[] {
  return some.slice(some.length - count);
}
