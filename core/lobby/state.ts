import type { Bucket } from "../allowance.ts";
import type { Data } from "../data.ts";
import type { Place, RelayPlace } from "../fleet.ts";
import type { Observed } from "../mapping.ts";
import type { Network } from "../network.ts";
import type { AbortCode } from "../problem.ts";
import { dataBytes } from "../wire/data.ts";
import type { ListedLobby } from "../wire/http.ts";
import { wireLimits } from "../wire/limits.ts";
import type { Privacy } from "../wire/privacy.ts";
import type { Feature } from "./features.ts";

/** A session in a lobby. */
export type Member = {
  readonly clientId: string;
  readonly name: string;
  /** The object that holds the member's socket: the lobby itself, a lounge, or another lobby's object. */
  readonly holder: string;
  /** The request that made it a member, so that the same request, repeated, is answered and not refused. */
  readonly requestId: string;
  /** What its client had said that it can do when it came; undefined if it had said nothing. */
  readonly features?: readonly Feature[] | undefined;
  /**
   * Stands for the network that it came from (of IPv6 the /48), if that is known: a
   * keyed hash of 3 characters. Nobody is told.
   */
  readonly network?: string | undefined;
  /** Its peers are told no address of it, nor it any of theirs: its links go through the relay alone. */
  readonly relayOnly?: true | undefined;
  /** The session that speaks for it since it came back by another connection. Until then that is its client id. */
  readonly session?: string | undefined;
  /** How often it has come back. Its resume key has this number. */
  readonly resumes?: number | undefined;
  /** What its client called the last of these, so that the same one, repeated, is answered and not refused. */
  readonly resumedBy?: string | undefined;
  /** When it came, in milliseconds since 1970. Only where members may be away. */
  readonly since?: number | undefined;
  /** The name that people read, in any script. */
  readonly displayName?: string | undefined;
  readonly data?: Data | undefined;
  /** Its page is not being looked at: it becomes host only if there is no other. */
  readonly hidden?: true | undefined;
  /** It has said that it would lead. Only where the lobby awaits hosts. */
  readonly canHost?: true | undefined;
  /** Its WebSocket comes from an address that is not public: it is in the server's own network. Only of one that has WebRTC. */
  readonly isLocal?: true | undefined;
};

/** A member that the host has banned. `network`: nobody of it may join until then, in milliseconds since 1970. */
export type Ban = {
  /** Its client id. */
  readonly clientId: string;
  /** The session that spoke for it. */
  readonly session: string;
  readonly name: string;
  readonly network?: string | undefined;
  readonly until?: number | undefined;
};

/** A password as it is kept: `hash` is an HMAC of it under `salt` (worker/platform/passwords.ts). */
export type Password = { readonly salt: string; readonly hash: string };

/**
 * Starts that failed by one player's fault, and when the last did, in milliseconds since 1970. `by`: its client
 * id or, when it has left, its network.
 */
export type CallOff = { readonly by: string; readonly starts: number; readonly at: number };

/** That a member has no connection, as far as the lobby knows. Times are in milliseconds since 1970. */
export type Absence = {
  readonly clientId: string;
  /** It may return until then. */
  readonly until: number;
  /** It could not be reached, and its connection may live: when its holder is next told to let that go (out-of-reach.ts). */
  readonly letGo?: { readonly at: number; readonly pauseMs: number } | undefined;
  /** It could not be reached before its connection ended: nobody knows what was the last that it heard. */
  readonly hasMissedSome?: true | undefined;
};

/** Whether a member has a connection. One that is away may return until then, in milliseconds since 1970. */
export type Presence = { readonly kind: "connected" } | { readonly kind: "away"; readonly until: number };

/**
 * What the lobby is doing. Deadlines are times in milliseconds since 1970: leaving a phase is what cancels
 * them.
 */
export type Phase =
  | {
      readonly kind: "waiting";
      /** Why the last mediation ended without success. */
      readonly aborted?: AbortCode;
    }
  | Gathering
  | Connecting
  /** The lobby is over; only its members and the directory may not know it yet. */
  | { readonly kind: "closing"; readonly success: boolean };

/**
 * When a mediation began, in milliseconds since 1970, and how many members it was to connect. For the log.
 */
export type Began = { readonly at: number; readonly members: number };

/** How a member is connected to its peers: by the weakest of its paths. Plain Orion clients do not say. */
export type Via = "lan" | "direct" | "relay" | "unknown";

/** What a mediation is to do (policy.ts has the presets). */
export type MediationPolicy = {
  /** Client ids. `all` only where nobody may join meanwhile. */
  readonly members: "all" | readonly string[];
  /** A star connects everyone to its center, a mesh everyone to everyone. */
  readonly topology: { readonly kind: "star"; readonly center: string } | { readonly kind: "mesh" };
  /**
   * When a member is lost, does not show its endpoint, or cannot connect: the mediation ends for all, or for
   * that member.
   */
  readonly onLoss: "abort" | "continue";
  /** Afterwards the lobby is over, or as it was before. */
  readonly onSuccess: "close" | "stay";
  /** Whether nobody may join until it is over. */
  readonly locks: boolean;
  /** Client ids of those who came when the others were connected: only pairs with one of them are connected. */
  readonly newcomers?: readonly string[] | undefined;
};

/** What both halves of a mediation have. */
type Mediation = {
  /** The request that started it. */
  readonly requestId: string;
  readonly began: Began;
  readonly policy: MediationPolicy;
  /** Ids of the clients that the mediation goes on without. */
  readonly lost: readonly string[];
  /** The host's last request to go on without those who are missing. */
  readonly proceeded?: string | undefined;
  /** The directory was told meanwhile that nobody can join. */
  readonly isListed?: true | undefined;
};

/** The members are asked for a datagram each. */
export type Gathering = Mediation & {
  readonly kind: "gathering";
  /** The sidecar the members were last sent to, by name. */
  readonly sidecar?: string | undefined;
  /** Those that they were sent to before, the latest last: what these see still counts. */
  readonly sidecarsBefore?: readonly string[] | undefined;
  /** Whether a sidecar that knows links has asked them. */
  readonly offersLinks?: true;
  /** Where that sidecar relays, if it does. Without a name it is that sidecar's: a version before kept none. */
  readonly relay?: (RelayPlace & { name?: string | undefined }) | undefined;
  /** Its members were asked when no sidecar was alive: they can be connected without one. */
  readonly askedWithoutSidecar?: true;
  /** Where the host is, so that a reminder can choose a sidecar again. */
  readonly place?: Place | undefined;
  readonly intervalMs: number;
  readonly connectingMs: number;
  readonly remindAt: number;
  readonly giveUpAt: number;
  /** By client id. */
  readonly seen: Readonly<Record<string, Seen>>;
  /** The same, of what they have said (ready.ts). */
  readonly ready?: Readonly<Record<string, Ready>> | undefined;
  /** When the mediation goes on without those not seen. Only where it may. */
  readonly goOnAt?: number | undefined;
  /** All are seen, some of them long ago: when the mediation goes on although these did not answer again. */
  readonly confirmAt?: number | undefined;
};

/**
 * What the sidecar saw of a member, and when it last saw that, in milliseconds since 1970; 0 for before a
 * sleep.
 */
export type Seen = {
  readonly observed: Observed;
  readonly at: number;
  /** Its IP is that of the member's WebSocket. */
  readonly isAtSocket?: true;
  /** It has taken the place of one at another IP, though nothing showed which of the two is the member's. */
  readonly hasMoved?: true;
};

/** What a member has said of itself in a mediation. */
export type Ready = {
  /** It cannot use UDP. */
  readonly udp?: false | undefined;
  /** To the key that it encrypts its links with (core/wire/commitment.ts). */
  readonly commitment?: string | undefined;
};

/** Every member knows its peers; the members report when they are connected. */
export type Connecting = Mediation & {
  readonly kind: "connecting";
  readonly giveUpAt: number;
  /** When to look at the clock next, so that a jump of it is noticed (clock-jumps.ts). */
  readonly lookAt: number;
  /** Ids of the clients that reported to be connected. */
  readonly reported: readonly string[];
  /** How each of those is connected, in the same order. For the log. */
  readonly via: readonly Via[];
  /** Ids of the clients that were not seen in time, in a lobby that stays: newcomers when the others are connected. */
  readonly late?: readonly string[] | undefined;
};

/**
 * One lobby, all of it. Plain data: what is `lasting` of it fits into the attachment of its host's socket.
 */
export type LobbyState = {
  /** The version of this shape (kept.ts). */
  readonly v: 1;
  readonly lobbyId: string;
  /**
   * Drawn at the opening. Each message between objects carries it, so that news of a former lobby of this
   * code is dropped.
   */
  readonly incarnation: string;
  readonly name: string;
  readonly isPublic: boolean;
  /** It is private now. The directory may have missed that. */
  readonly wasPublic?: true | undefined;
  readonly maxMembers: number;
  /** Whether a mediation goes on when members are lost. Otherwise it ends (Orion). */
  readonly goesOn: boolean;
  /** Whether members are connected through the relay alone, and never told each other's endpoints. */
  readonly relayOnly: boolean;
  readonly hostId: string;
  /**
   * Tags for the networks that the host came from, of a public lobby: the list lets none of them have too much
   * of it. None if its address is not known.
   */
  readonly hostNetworks?: readonly Network[] | undefined;
  /** In order of arrival, the host among them. */
  readonly members: readonly Member[];
  /** Milliseconds that a member without a connection has to return. With 0 it leaves at once (Orion). */
  readonly graceMs: number;
  /** Members without a connection, and until when they may return. */
  readonly away: readonly Absence[];
  readonly phase: Phase;
  /** Who has called off starts lately (griefing.ts). */
  readonly callOffs?: readonly CallOff[] | undefined;
  /** How often members of a network may still leave and return (core/allowance.ts). */
  readonly departures?: readonly ({ readonly network: string } & Readonly<Bucket>)[] | undefined;
  /**
   * Whether something of it must survive its sockets: it is listed, or has had a member elsewhere. Then
   * storage keeps it.
   */
  readonly isLasting: boolean;
  /**
   * When to ask the members' holders whether they are still there, and to refresh the directory. Only if it
   * is lasting.
   */
  readonly auditAt: number;
  /** Milliseconds between the last of these and the next: it grows while nobody joins. */
  readonly auditMs: number;
  /** `session`: the lobby stays when its members are connected, and newcomers are connected to them. */
  readonly lifetime?: "session" | undefined;
  /** Everyone is connected to everyone. */
  readonly topology?: "mesh" | undefined;
  /** When the host is gone, another member becomes host. Else the lobby closes (Orion). */
  readonly onHostLoss?: "migrate" | undefined;
  /**
   * The lobby goes on without its host for as long as members may be away, however the host went. Who can host, and
   * joins meanwhile, is host then (hosts.ts). groovejet's rooms.
   */
  readonly awaitsHost?: true | undefined;
  /** Who does not encrypt its links may not come in. */
  readonly encryption?: "required" | undefined;
  /** Members were given tickets for so many of the lobby's relays over WebSocket (core/relay/groups.ts). */
  readonly relays?: number | undefined;
  /** Any member may signal to any. Else only those who are to be connected. */
  readonly signals?: "all" | undefined;
  /** Counts hosts. The first is 1, and not kept. */
  readonly term?: number | undefined;
  /** Those who are connected by a mediation that has succeeded, and how. Newcomers are connected to them. */
  readonly playing?: readonly { readonly clientId: string; readonly via: Via }[] | undefined;
  /** Members who came, or came back without their links, since then, and wait to be connected. */
  readonly newcomers?: readonly string[] | undefined;
  /** Nobody of them could be seen, perhaps because no sidecar was there: until when they wait for the next try, in milliseconds since 1970; 0 while they are tried. */
  readonly newcomersPause?: { readonly until: number; readonly ms: number } | undefined;
  /** What people read. */
  readonly title?: string | undefined;
  readonly game?: string | undefined;
  readonly password?: Password | undefined;
  /** The host lets nobody in. */
  readonly locked?: true | undefined;
  readonly data?: Data | undefined;
  /** Counts all that members hear of: who comes, goes and leads, and what is changed. */
  readonly version?: number | undefined;
  /** The version of the last change of the lobby, its data, or its members' data. */
  readonly changedAt?: number | undefined;
  readonly bans?: readonly Ban[] | undefined;
  /** Two names that look the same count as one. Orion compares them as they are written. */
  readonly comparesLooks?: true | undefined;
  /** Ids of the last requests that were done and can be repeated. */
  readonly done?: readonly string[] | undefined;
};

/** What members call a mediation when they report: reports of another one are of no interest. */
export function mediationId({ requestId }: Gathering | Connecting): string {
  return requestId.slice(0, 8);
}

/** The session that speaks for a member. Objects know each other's sessions, members each other's client ids. */
export function sessionOf({ session, clientId }: Member): string {
  return session ?? clientId;
}

export function termOf({ term = 1 }: LobbyState): number {
  return term;
}

export function versionOf({ version = 0 }: LobbyState): number {
  return version;
}

/** Whether its client knows the additions to Orion. Another one has no key to return with, and would not know that it leads. */
export function isInformed({ features }: Member): boolean {
  return features !== undefined;
}

/** Those of these whose clients know the additions to Orion: others are not sent messages that Orion does not have. */
export function knowing(members: readonly Member[]): readonly Member[] {
  const some = members.filter(isInformed);
  // The same list where it can be: the shell need not group it by holder again.
  return some.length === members.length ? members : some;
}

/** Whether the lobby's own object holds the member's socket. */
export function isHere({ lobbyId }: Pick<LobbyState, "lobbyId">, { holder }: Member): boolean {
  return holder === lobbyId;
}

export function presenceOf({ away }: LobbyState, clientId: string): Presence {
  const found = away.find((one) => one.clientId === clientId);
  return found ? { kind: "away", until: found.until } : { kind: "connected" };
}

export function isAway(state: LobbyState, clientId: string): boolean {
  return presenceOf(state, clientId).kind === "away";
}

/** The members whose sockets other objects hold. */
export function remoteMembers(state: LobbyState): Member[] {
  return state.members.filter((member) => !isHere(state, member) && !isAway(state, member.clientId));
}

/** Whether there is no place for a newcomer. One that a guest has left for a while is a place. */
export function isFull({ members, maxMembers, away, hostId }: LobbyState): boolean {
  const guestsAway = away.filter(({ clientId }) => clientId !== hostId).length;
  return members.length - guestsAway >= Math.min(maxMembers, wireLimits.seats);
}

/** Whether there is no lobby any more: only its members and the directory may not know it yet. */
export function isOver({ phase }: LobbyState): boolean {
  return phase.kind === "closing";
}

export function isMediating({ phase }: LobbyState): boolean {
  return phase.kind === "gathering" || phase.kind === "connecting";
}

/** Whether members play, or are being connected. */
export function isPlayed(state: LobbyState): boolean {
  return (state.playing?.length ?? 0) > 0 || isMediating(state);
}

/** Whether a mediation is under way that is not for newcomers alone: a start ends those. */
export function isConnectingAll({ phase }: LobbyState): boolean {
  return (phase.kind === "gathering" || phase.kind === "connecting") && phase.policy.newcomers === undefined;
}

/** Whether the lobby awaits a host: the one that it has is away. */
export function isHostless(state: LobbyState): boolean {
  return state.awaitsHost === true && isAway(state, state.hostId);
}

/** Whether nobody may join for as long as this lasts. */
export function isLocked({ phase }: LobbyState): boolean {
  return (phase.kind === "gathering" || phase.kind === "connecting") && phase.policy.locks;
}

export function memberOf({ members }: LobbyState, clientId: string): Member | undefined {
  return members.find((member) => member.clientId === clientId);
}

export function privacyOf({ relayOnly }: Pick<LobbyState, "relayOnly">): Privacy {
  return relayOnly ? "relay-only" : "open";
}

export function listedAs(state: LobbyState): ListedLobby {
  const { lobbyId, name, members, maxMembers, game, title, data, encryption } = state;
  return {
    name,
    id: lobbyId,
    currentMembers: members.length,
    maxMembers,
    privacy: privacyOf(state),
    locked: state.locked === true || isLocked(state),
    hasPassword: state.password !== undefined,
    full: isFull(state),
    ...(encryption && { encryption }),
    ...(game !== undefined && { game }),
    ...(title !== undefined && { title }),
    ...(data && { data: listedData(data) }),
  };
}

/** The first keys of it that fit into what is listed. */
export function listedData(data: Data): Data {
  const listed: Record<string, Data[string]> = {};
  for (const [key, value] of Object.entries(data)) {
    listed[key] = value;
    if (dataBytes(listed) > wireLimits.listedDataBytes) {
      delete listed[key];
      break;
    }
  }
  return listed;
}
