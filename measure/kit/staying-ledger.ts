/**
 * What happened in a lobby in which people stay, as those of its members know it who know the additions to Orion. Nobody need be there
 * from first to last. But all that they hear has a version, and so has each picture: so what one heard is laid beside what the others
 * did, and there is one state of the lobby for each version.
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

/** What all pictures of a version agree on. */
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

/** What all hear, by the same `key`. Chat has the version at which it was said. */
export type LedgerEvent = {
  key: string;
  at: number;
  method: string;
  payload: Record<string, unknown>;
  version: number;
};

/** A picture that somebody was told, and when. */
type Told = { membership: Membership; at: number; known: Known };

export type Ledger = {
  /** By version. Those that nobody heard are not there. */
  events: Map<number, LedgerEvent>;
  /** The lobby at each version, as far as anybody knows. In order. */
  states: Map<number, Known>;
  /** The chat of each version: all that anybody heard. */
  chat: Map<number, LedgerEvent[]>;
  /** The newest version that each member knows. */
  upTo: Map<Membership, number>;
  wrong: { sentence: string; concerned: readonly Membership[] }[];
};

const chatMethod = "lobby_messaging_received";
const named = new Set([
  "lobby_peerConnect",
  "lobby_peerDisconnect",
  "lobby_memberAway",
  "lobby_memberBack",
  "lobby_hostChanged",
  "lobby_changed",
  "lobby_memberChanged",
  chatMethod,
]);

/** The events among these that all hear. */
export function eventsIn(heard: readonly Heard[]): LedgerEvent[] {
  return heard.flatMap(({ at, message: { method, payload } }) =>
    named.has(method)
      ? [
          {
            at,
            method,
            payload,
            version: Number(payload.version),
            key: `${method} ${JSON.stringify(sorted(payload))}`,
          },
        ]
      : [],
  );
}

export function isChat({ method }: LedgerEvent): boolean {
  return method === chatMethod;
}

export function knownFrom(told: Picture): Known {
  const { version, term, hostId, lobbyName, isPublic, maxMembers, locked, hasPassword, data } = told;
  const members = told.members.map(({ clientId, name, displayName, presence, data }) => {
    return { clientId, name, displayName, data, isAway: presence === "away" };
  });
  return { version, term, hostId, lobbyName, isPublic, maxMembers, locked, hasPassword, data, members };
}

/** The state after an event; a sentence if it cannot come in that state. */
export function after(before: Known, { method, payload, version }: LedgerEvent): Known | string {
  const state = { ...before, version };
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
      return { ...state, term: state.term + 1, hostId: clientId };
    }
    case "lobby_changed": {
      const { data = {}, lobbyId: _, title: __, version: ___, ...rest } = payload as Record<string, unknown>;
      return { ...state, ...(rest as Partial<Known>), data: merged(state.data, data) };
    }
    case "lobby_memberChanged": {
      const { data = {}, displayName = member?.displayName ?? "" } = payload as Record<string, unknown>;
      if (!member) return `${clientId} changed something, who is not there`;
      const change = { displayName: String(displayName), data: merged(member.data, data) };
      return { ...state, members: with_(change) };
    }
    default:
      return state;
  }
}

function merged(data: Data, change: unknown): Data {
  const all = Object.entries({ ...data, ...Object(change) }).filter(([, value]) => value !== null);
  return Object.fromEntries(all) as Data;
}

/** What differs, in a few words; null if nothing does. */
function difference(told: Known, known: Known): string | null {
  for (const key of Object.keys(known) as (keyof Known)[]) {
    const [said, expected] = [text(told[key]), text(known[key])];
    if (said !== expected) return `${key} ${said} and not ${expected}`;
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

/** Lays what each heard beside what the others did. `mayLose`: whether something may be lost on the way to a member. */
export function layOut(
  memberships: readonly Membership[],
  pictures: (membership: Membership) => readonly { at: number; picture: Picture }[],
  mayLose: (membership: Membership) => boolean,
): Ledger {
  const informed = memberships.filter(({ answer }) => answer?.picture);
  const ledger: Ledger = {
    events: new Map(),
    states: new Map(),
    chat: new Map(),
    upTo: new Map(),
    wrong: [],
  };
  const told: Told[] = informed.flatMap((membership) => [
    ...(membership.answer?.picture
      ? [{ membership, at: membership.answer.at, known: knownFrom(membership.answer.picture) }]
      : []),
    ...pictures(membership).map(({ at, picture }) => ({ membership, at, known: knownFrom(picture) })),
  ]);
  for (const membership of informed) {
    const own = told.filter((each) => each.membership === membership);
    layOne(ledger, membership, own, mayLose(membership));
  }
  for (const membership of informed) layChat(ledger, membership);
  layStates(ledger, told);
  return ledger;
}

/** Lays what one heard beside what is known: each version is heard once, in order, and is the same for all. */
function layOne(ledger: Ledger, membership: Membership, told: readonly Told[], mayLose: boolean): void {
  const wrong = (sentence: string) => ledger.wrong.push({ sentence, concerned: [membership] });
  const first = told[0]?.known.version ?? 0;
  let before: number | null = null;
  for (const event of eventsIn(membership.heard)) {
    const { version, key } = event;
    if (!Number.isInteger(version)) {
      wrong(`heard ${key}, without a version`);
      continue;
    }
    // What came before the answer may be in its picture already.
    const next: number = (before ?? Math.min(first, version - 1)) + 1;
    if (isChat(event)) {
      // Without a change before it, the member knows what its first picture says.
      if (version > (before ?? first) && !mayLose) wrong(`heard chat of ${version} after ${before ?? first}`);
      if (before !== null && version < before) wrong(`heard chat of ${version} after ${before}`);
      continue;
    }
    if (version < next) wrong(`heard version ${version} after ${before}`);
    if (version > next && !mayLose) wrong(`heard version ${version} after ${next - 1}`);
    before = version;
    const known = ledger.events.get(version);
    if (!known) ledger.events.set(version, event);
    else if (known.key !== key) wrong(`heard "${key}" where others heard "${known.key}"`);
  }
  const pictured = told.map(({ known }) => known.version);
  ledger.upTo.set(membership, Math.max(before ?? 0, ...pictured));
}

/** Chat of one version is heard in one order. Of two who came, went or lost something in the middle, each may have heard what the other did not. */
function layChat({ chat, wrong }: Ledger, membership: Membership): void {
  const mine = Map.groupBy(eventsIn(membership.heard).filter(isChat), ({ version }) => version);
  for (const [version, lines] of mine) {
    const known = chat.get(version) ?? [];
    const common = (some: readonly LedgerEvent[], others: readonly LedgerEvent[]) =>
      some.flatMap(({ key }) => (others.some((other) => other.key === key) ? [key] : []));
    const [heard, told] = [common(lines, known), common(known, lines)];
    if (String(heard) === String(told)) chat.set(version, together(known, lines));
    else wrong.push({ sentence: `heard "${heard}" where others heard "${told}"`, concerned: [membership] });
  }
}

/** All of both, in an order that fits both. */
function together(some: readonly LedgerEvent[], others: readonly LedgerEvent[]): LedgerEvent[] {
  const all: LedgerEvent[] = [];
  let next = 0;
  for (const one of others) {
    const at = some.findIndex(({ key }, i) => i >= next && key === one.key);
    all.push(...some.slice(next, at + 1), ...(at < 0 ? [one] : []));
    if (at >= 0) next = at + 1;
  }
  return [...all, ...some.slice(next)];
}

/** The state at each version: by the pictures of it, and by what happened since the one before. All must agree. */
function layStates(ledger: Ledger, told: readonly Told[]): void {
  const versions = new Set([...told.map(({ known }) => known.version), ...ledger.events.keys()]);
  const byVersion = Map.groupBy(told, ({ known }) => known.version);
  for (const version of [...versions].sort((a, b) => a - b)) {
    const event = ledger.events.get(version);
    const before = ledger.states.get(version - 1);
    const next = before && event && after(before, event);
    const [first, ...others] = byVersion.get(version) ?? [];
    const state = typeof next === "object" ? next : first?.known;
    if (state) ledger.states.set(version, state);
    if (typeof next === "string") ledger.wrong.push({ sentence: `heard that ${next}`, concerned: [] });
    for (const { known, membership } of first ? [first, ...others] : []) {
      const differs = state && difference(known, state);
      if (differs)
        ledger.wrong.push({ sentence: `was told at ${version} ${differs}`, concerned: [membership] });
    }
  }
}
