/**
 * What a client knows of its lobby: plain data, and how it changes with what the server says. A server that knows the
 * additions gives the whole picture; of one that does not, names are known, and the rest is as Orion has it.
 *
 * What was heard may be taken again: an older version changes nothing. So messages that came while a picture was on
 * its way are taken again on top of it.
 */
import type { Data, DataChange } from "../core/data.ts";
import type { LobbyChange, MemberChange } from "../core/lobby/message.ts";
import { changedData } from "../core/wire/data.ts";
import type { Picture } from "../core/wire/picture.ts";
import type { Privacy } from "../core/wire/privacy.ts";
import type { HeardMessage } from "../core/wire/server-message.ts";
import type { Member } from "./member.ts";

/** `seen` and `awaited`: client ids of those who take part in a mediation. */
export type PhaseView = {
  readonly kind: Picture["phase"]["kind"];
  readonly mediation?: string | undefined;
  readonly seen: readonly string[];
  readonly awaited: readonly string[];
};

export type LobbyView = Readonly<
  Omit<Picture, "lobbyId" | "isPublic" | "maxMembers" | "privacy" | "members" | "phase" | "bans">
> & {
  readonly code: string;
  /** These three are null if the server does not say. */
  readonly isPublic: boolean | null;
  readonly maxMembers: number | null;
  readonly privacy: Privacy | null;
  /** In order of arrival. */
  readonly members: readonly Member[];
  readonly phase: PhaseView;
  /** For the host alone: whom it has banned. */
  readonly bans: readonly { readonly clientId: string; readonly name: string }[];
  /** Whether members are connected to each other, in a lobby that stays. */
  readonly isPlaying: boolean;
  /** Whether the server has told all of it. */
  readonly isWhole: boolean;
};

/** What every Orion server tells who hosts or joins. `self`: this client's name. */
export type PlainWelcome = {
  code: string;
  name: string;
  self: string;
  host: string;
  members: readonly string[];
  privacy: Privacy | null;
};

const waiting: PhaseView = { kind: "waiting", seen: [], awaited: [] };

/** The view of a lobby of which only Orion's answer is known. `clientId`: this client's own. */
export function plainView(welcome: PlainWelcome, clientId: string): LobbyView {
  const { code, name, self, host, privacy } = welcome;
  const members = welcome.members.map((one) => {
    const isSelf = one === self;
    return newMember({ name: one, clientId: isSelf ? clientId : "", isHost: one === host, isSelf });
  });
  return {
    code,
    lobbyName: name,
    title: name,
    game: null,
    isPublic: null,
    maxMembers: null,
    locked: false,
    hasPassword: false,
    lifetime: "mediation",
    topology: "star",
    privacy,
    onLoss: "abort",
    onHostLoss: "close",
    signals: "peers",
    encryption: null,
    graceMs: 0,
    hostId: members.find(({ isHost }) => isHost)?.clientId ?? "",
    term: 1,
    version: 0,
    data: {},
    members,
    phase: waiting,
    bans: [],
    isPlaying: false,
    isWhole: false,
  };
}

/** The view that a picture gives. Members of `before` that have not changed stay the same objects. */
export function pictureView(
  { lobbyId: code, members, bans = [], ...rest }: Picture,
  clientId: string,
  before?: LobbyView,
): LobbyView {
  const pictured = members.map(({ via: _, ...member }) => {
    const { clientId: id } = member;
    const now: Member = { ...member, isHost: id === rest.hostId, isSelf: id === clientId };
    const then = before?.members.find((one) => one.clientId === id);
    return then && isSame(then, now) ? then : now;
  });
  return {
    ...rest,
    code,
    members: pictured,
    bans,
    isPlaying: members.some(({ via }) => via !== null),
    isWhole: true,
  };
}

export type Taken = {
  view: LobbyView;
  /** Something between this and what was known has not been heard. */
  isBehind?: true;
};

/** The view after a message. The same object if nothing of it changes. */
export function viewAfter(view: LobbyView, message: HeardMessage): Taken {
  const version = view.isWhole ? versionIn(message) : undefined;
  if (version === undefined) return { view: changedBy(view, message) };
  if (version <= view.version) return { view };
  // Chat changes nothing.
  const isNext = version === view.version + 1 && message.method !== "lobby_messaging_received";
  if (!isNext) return { view, isBehind: true };
  return { view: { ...changedBy(view, message), version } };
}

/** The lobby's version after what this message tells of. Undefined if it has none. */
function versionIn({ payload }: HeardMessage): number | undefined {
  return "version" in payload ? payload.version : undefined;
}

function changedBy(view: LobbyView, message: HeardMessage): LobbyView {
  switch (message.method) {
    case "lobby_peerConnect": {
      const { peerName: name, clientId = "", displayName = name, data = {} } = message.payload;
      if (findMember(view, { clientId, name })) return view;
      const member = newMember({ name, clientId, displayName, data });
      return { ...view, members: [...view.members, member] };
    }
    case "lobby_peerDisconnect": {
      const { peerName: name, clientId = "" } = message.payload;
      const gone = findMember(view, { clientId, name });
      if (!gone) return view;
      return { ...view, members: view.members.filter((member) => member !== gone) };
    }
    case "lobby_memberAway":
      return withMember(view, message.payload.clientId, { presence: "away" });
    case "lobby_memberBack":
      return withMember(view, message.payload.clientId, { presence: "connected" });
    case "lobby_hostChanged": {
      const { clientId: hostId, term } = message.payload;
      if (term <= view.term) return view;
      const members = view.members.map((member) => {
        const isHost = member.clientId === hostId;
        return member.isHost === isHost ? member : { ...member, isHost };
      });
      // In a star all were connected to the host before.
      const isPlaying = view.isPlaying && view.topology === "mesh";
      return { ...view, hostId, term, members, isPlaying, bans: [] };
    }
    case "lobby_changed": {
      const { data, lobbyId: _, version: __, ...rest } = message.payload;
      const changed = data && { data: changedData(view.data, data) };
      return { ...view, ...given(rest), ...changed };
    }
    case "lobby_memberChanged": {
      const { clientId, data, displayName, hidden } = message.payload;
      const before = view.members.find((member) => member.clientId === clientId);
      const changed = before && data && { data: changedData(before.data, data) };
      return withMember(view, clientId, { ...given({ displayName, hidden }), ...changed });
    }
    case "ptpMediation_send": {
      const { mediation } = message.payload;
      const { phase } = view;
      if (phase.kind === "gathering" && phase.mediation === mediation) return view;
      return { ...view, phase: { kind: "gathering", mediation, seen: [], awaited: [] } };
    }
    case "ptpMediation_progress": {
      const { mediation, seen, awaited } = message.payload;
      return { ...view, phase: { kind: "gathering", mediation, seen, awaited } };
    }
    case "ptpMediation_peersConnection_start":
      return { ...view, phase: { ...view.phase, kind: "connecting", seen: [], awaited: [] } };
    case "ptpMediation_aborted":
      return { ...view, phase: waiting };
    case "ptpMediation_success":
      return { ...view, phase: waiting, isPlaying: view.lifetime === "session" };
    default:
      return view;
  }
}

/** The member of this client id; by the name alone where the server tells no ids. */
export function findMember(
  { members }: Pick<LobbyView, "members">,
  { clientId, name }: { clientId: string; name: string },
): Member | undefined {
  const byId = clientId === "" ? undefined : members.find((member) => member.clientId === clientId);
  return (
    byId ?? members.find((member) => member.name === name && (clientId === "" || member.clientId === ""))
  );
}

/** What is different between two views of a lobby, in the order in which it is told. */
export type Difference =
  | { kind: "left"; member: Member }
  | { kind: "joined"; member: Member }
  | { kind: "away"; member: Member }
  | { kind: "back"; member: Member }
  /** Null if the host is not among the members. */
  | { kind: "host-changed"; member: Member | null; term: number }
  | { kind: "changed"; version: number; change: LobbyChange }
  | { kind: "member-changed"; member: Member; change: MemberChange };

export function differences(before: LobbyView, after: LobbyView): Difference[] {
  if (before === after) return [];
  const told: Difference[] = [];
  const then = new Map(before.members.map((member) => [idOf(member), member]));
  const now = new Map(after.members.map((member) => [idOf(member), member]));
  for (const [id, member] of then) if (!now.has(id)) told.push({ kind: "left", member });
  for (const [id, member] of now) {
    const was = then.get(id);
    if (!was) told.push({ kind: "joined", member });
    const presence = was?.presence ?? "connected";
    if (presence !== member.presence)
      told.push({ kind: member.presence === "away" ? "away" : "back", member });
  }
  if (before.term !== after.term) {
    const member = after.members.find(({ isHost }) => isHost) ?? null;
    told.push({ kind: "host-changed", member, term: after.term });
  }
  const change = changeBetween(before, after);
  if (change) told.push({ kind: "changed", version: after.version, change });
  for (const [id, member] of now) {
    const was = then.get(id);
    const changed = was && was !== member ? memberChangeBetween(was, member) : null;
    if (changed) told.push({ kind: "member-changed", member, change: changed });
  }
  return told;
}

const plainFields = ["lobbyName", "title", "isPublic", "maxMembers", "hasPassword", "locked"] as const;

function changeBetween(before: LobbyView, after: LobbyView): LobbyChange | null {
  const fields = plainFields.filter((field) => before[field] !== after[field]);
  const data = dataBetween(before.data, after.data);
  if (fields.length === 0 && !data) return null;
  return { ...Object.fromEntries(fields.map((field) => [field, after[field]])), ...(data && { data }) };
}

function memberChangeBetween(before: Member, after: Member): MemberChange | null {
  const { displayName, hidden } = after;
  const data = dataBetween(before.data, after.data);
  const change: MemberChange = {
    ...(before.displayName !== displayName && { displayName }),
    ...(before.hidden !== hidden && { hidden }),
    ...(data && { data }),
  };
  return Object.keys(change).length > 0 ? change : null;
}

/** The keys that differ; null stands for one that is gone. */
function dataBetween(before: Data, after: Data): DataChange | null {
  if (before === after) return null;
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const differ = keys.filter((key) => before[key] !== after[key]);
  return differ.length > 0 ? Object.fromEntries(differ.map((key) => [key, after[key] ?? null])) : null;
}

/** By the name too: an older server tells no ids. */
function idOf({ clientId, name }: Member): string {
  return `${clientId} ${name}`;
}

function withMember(view: LobbyView, clientId: string, change: Partial<Member>): LobbyView {
  const before = view.members.find((member) => member.clientId === clientId);
  if (!before) return view;
  const changed = { ...before, ...change };
  const after = { ...changed, ready: changed.data.ready === true };
  if (isSame(before, after)) return view;
  return { ...view, members: view.members.map((member) => (member === before ? after : member)) };
}

function newMember(about: Pick<Member, "name" | "clientId"> & Partial<Member>): Member {
  const { name, clientId, displayName = name, data = {}, isHost = false, isSelf = false } = about;
  const ready = data.ready === true;
  return { clientId, name, displayName, presence: "connected", data, ready, hidden: false, isHost, isSelf };
}

/** What of these is there. */
function given<Fields extends object>(
  fields: Fields,
): { [F in keyof Fields]?: Exclude<Fields[F], undefined> } {
  const some = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(some) as { [F in keyof Fields]?: Exclude<Fields[F], undefined> };
}

/** Plain data, always made of the same fields. */
function isSame(one: Member, other: Member): boolean {
  const fields = Object.keys(one) as (keyof Member)[];
  return fields.every((field) =>
    field === "data" ? dataBetween(one.data, other.data) === null : one[field] === other[field],
  );
}
