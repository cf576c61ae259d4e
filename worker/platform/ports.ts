/** What the objects say to each other. Everything here is plain data: it crosses RPC. */

import type { Data } from "../../core/data.ts";
import type { Rank } from "../../core/directory/cursor.ts";
import type { Condition, Sorting, Standing } from "../../core/directory/search.ts";
import type { Place, Sidecar } from "../../core/fleet.ts";
import type { MemberEvent, Witness } from "../../core/lobby/event.ts";
import type { Feature } from "../../core/lobby/features.ts";
import type { Inspection } from "../../core/lobby/inspection.ts";
import type { LobbyMessage } from "../../core/lobby/message.ts";
import type { Leads, SteerRequest } from "../../core/lobby/request.ts";
import type { Member } from "../../core/lobby/state.ts";
import type { Observed } from "../../core/mapping.ts";
import type { Network } from "../../core/network.ts";
import type { Outcome, ProblemCode } from "../../core/problem.ts";
import type { StatsNews } from "../../core/stats/news.ts";
import type { Level } from "../../core/stats/slots.ts";
import type { Reading } from "../../core/stats/stats.ts";
import type { MatchAnswer, MatchRequest } from "../../core/wire/finding.ts";
import type {
  ChangeMemberRequest,
  ChangeRequest,
  HostAnswer,
  HostRequest,
  JoinAnswer,
  ListedLobby,
  ResumeAnswer,
  ResumeRequest,
  SnapshotAnswer,
  VersionAnswer,
} from "../../core/wire/http.ts";
import type { IceAnswer } from "../../core/wire/ice.ts";
import type { Picture } from "../../core/wire/picture.ts";
import type { Privacy } from "../../core/wire/privacy.ts";
import type { Heartbeat } from "../../core/wire/sidecar-post.ts";
import type { Batch } from "./flights.ts";

/** The header of an upgrade that the Worker hands to an object: the client's address, if it is known. */
export const addressHeader = "orion-client-address";
/** `yes`, where the client runs on the server's own machine, and nothing passes on what others say. */
export const atServerHeader = "orion-client-at-server";
/** The gateways that the client comes through, if there are any: their sidecar's name, and the number of its key. */
export const gatewayNameHeader = "orion-client-gateway";
/** The ticket of the client, which the Worker has verified, where the object is a relay over WebSocket. */
export const ticketHeader = "orion-relay-ticket";
/** In the answer of a relay over WebSocket: what it has claimed of the budget of all relays to take this client, in millionths of a dollar. */
export const claimedHeader = "orion-relay-claimed";

/**
 * The client's network tries codes of no lobby. Only a socket that was opened before `since` (milliseconds since 1970), and has hardly tried
 * one itself, is told of any lobby; the others, in so many seconds.
 */
export type Guessing = { since: number; seconds: number };

/**
 * A client's HTTP request, as its holder hears of it. `requestId` names it, so that a call can be repeated when its answer was lost. `gateway`: through
 * which gateways it came, as in `gatewayNameHeader`; null for none. Undefined where a holder asks for one of its own sessions, and of a version before.
 */
export type CallOfClient = { clientId: string; requestId: string; gateway?: string | null | undefined };
export type HostCall = CallOfClient & { request: LobbyWish };
/** What a host wants. `awaitsHost`: of groovejet's rooms alone, no request can say it. */
export type LobbyWish = Omit<HostRequest, "token"> & { awaitsHost?: true };
/** `lobbyId` is null where the text that a player typed can be no code: there is no such lobby, but other refusals come first. */
export type JoinCall = CallOfClient & {
  guessing?: Guessing | undefined;
  lobbyId: string | null;
  peerName: string;
  /** Of this member alone. */
  privacy?: Privacy | undefined;
  password?: string | undefined;
  displayName?: string | undefined;
  memberData?: Data | undefined;
  /** What its client says it can do. */
  features?: readonly Feature[] | undefined;
  /** Whether it becomes host of a lobby that awaits one. No request can say it. */
  leads?: Leads | undefined;
};
export type MatchCall = CallOfClient & { request: Omit<MatchRequest, "token"> };
/** `sidecar`: the best for the host; none if none is alive. The Worker reads it, so that no lobby has to ask the fleet. */
export type StartCall = CallOfClient & {
  guessing?: Guessing | undefined;
  sidecar: Sidecar | undefined;
  place?: Place | undefined;
  patienceMs?: number | undefined;
  term?: number | undefined;
};
/** What the host wants of the mediation under way. */
export type SteerCall = CallOfClient & {
  guessing?: Guessing | undefined;
  wish: SteerRequest["kind"];
  term?: number | undefined;
};
/** A client that was a member comes back, by another connection. */
export type ResumeCall = CallOfClient & {
  guessing?: Guessing | undefined;
  lobbyId: string | null;
  request: Omit<ResumeRequest, "token">;
};
/** What a member, or the host, asks of its lobby besides. */
export type MemberWish =
  | { kind: "hand-over"; memberId: string; term?: number | undefined }
  | { kind: "kick"; memberId: string; reason: string; ban: boolean; term?: number | undefined }
  | { kind: "unban"; memberId: string; term?: number | undefined }
  | { kind: "change"; change: Omit<ChangeRequest, "token"> }
  | { kind: "change-member"; change: Omit<ChangeMemberRequest, "token"> }
  | { kind: "look" }
  | { kind: "ice" }
  | { kind: "read-snapshot" }
  | { kind: "write-snapshot"; bytes: Uint8Array; ifVersion?: number | undefined };
/** `hostNetworks`: tags for those that the client comes from, where the lobby may become public. */
export type AskCall = CallOfClient & {
  guessing?: Guessing | undefined;
  wish: MemberWish;
  hostNetworks?: readonly Network[] | undefined;
};
/** What each wish is answered. */
export type WishAnswer =
  | null
  | VersionAnswer
  | Picture
  | SnapshotAnswer
  | IceAnswer
  | { bytes: Uint8Array; version: number };
/** A member's session at its holder, and what brings it back. */
export type ReturnCall = {
  session: string;
  holder: string;
  requestId: string;
  features?: readonly Feature[] | undefined;
  request: Omit<ResumeRequest, "token">;
};
/** What a sidecar saw of a client. */
export type Seen = { clientId: string; observed: Observed } & Witness;
/**
 * What became of it, by ids of clients: the lobby could not be told; there is no such client; no mediation waits for what
 * this sidecar sees of it.
 */
export type Sighted = { again: string[]; gone: string[]; idle: string[] };

/** What a host wants, for the lobby's object. `networks`: tags for those that the host of a public lobby comes from. */
export type OpenCall = {
  lobbyId: string;
  host: Member;
  request: LobbyWish;
  networks?: readonly Network[] | undefined;
};
/** A lobby's answer to a new member, and which lobby of this code it is. `calls`: those that the lobby makes to tell others of it. */
export type Admission<Answer> = { answer: Answer; incarnation: string; calls?: number };
/** What a member's request came to, and `calls`: those to other objects that it made necessary. The member pays for them. */
export type Costing<T> = Outcome<T> & { calls?: number };

/** A message that is a WebSocket's text already: each member's introduction has keys of its own. */
export type EncodedMessage = { type: "encoded"; text: string };
/**
 * A message for some of an object's sessions. Without one it only asks whether they are still there and in this lobby. `letsGo`: they
 * have missed some before, so their connections are closed; a version of before leaves them open.
 */
export type Delivery = {
  lobbyId: string;
  incarnation: string;
  to: string[];
  message?: LobbyMessage | EncodedMessage;
  release?: boolean;
  letsGo?: true;
};
/**
 * News of a member for its lobby. Without an incarnation it is of the member that `requestId` made, if there is one.
 * `requestId`: what made it a member, as its holder knows it.
 */
export type News = {
  lobbyId: string;
  incarnation?: string | undefined;
  requestId?: string | undefined;
  event: MemberEvent;
};
/** What one object has to say to another. */
export type Message = News | Delivery;
/** A session that a lobby, or its holder, does not have as a member. */
export type Stray = {
  lobbyId: string;
  clientId: string;
  incarnation?: string | undefined;
  requestId?: string | undefined;
};

/**
 * What one object has to say to another, in one call. `after`: the batch, the other way, in whose answer deliveries went:
 * they come first. `takesDeliveries`: the caller takes such an answer.
 */
export type MessageBatch = Batch<Message> & { after?: string | undefined; takesDeliveries?: boolean };
/**
 * The answer to a batch: its strays, and what the lobby that took it has to tell sessions of the caller. `calls`: those that the
 * lobby makes to other objects because of it, which the senders pay for.
 */
export type BatchAnswer = {
  strays: Stray[];
  deliveries: Delivery[];
  calls?: number;
  /** Clients whose endpoint, in this batch, no mediation waits for. A version of before does not say. */
  idle?: string[];
};

/** What each object that holds sockets does for the Worker and for other objects. */
export interface HolderPort extends Rpc.DurableObjectBranded {
  fetch(request: Request): Promise<Response>;
  hostLobby(call: HostCall): Promise<Outcome<HostAnswer>>;
  joinLobby(call: JoinCall): Promise<Outcome<JoinAnswer>>;
  /** Into an open public lobby of a game, or into a new one. */
  matchLobby(call: MatchCall): Promise<Outcome<MatchAnswer>>;
  /** Undoes what this request did, if it did anything: the client was told that it did not. */
  takeBack(clientId: string, requestId: string): Promise<void>;
  startMediation(lobbyId: string | null, call: StartCall): Promise<Outcome<null>>;
  /** Stops the mediation of the client's lobby, or has it go on without those who are missing. */
  steerMediation(lobbyId: string | null, call: SteerCall): Promise<Outcome<null>>;
  /** Lets a client that was a member be that member again. */
  resumeMember(call: ResumeCall): Promise<Outcome<ResumeAnswer>>;
  /** The client leaves its lobby, and its socket stays. */
  leaveLobby(lobbyId: string | null, call: CallOfClient): Promise<Outcome<null>>;
  askLobby(lobbyId: string | null, call: AskCall): Promise<Outcome<WishAnswer>>;
  /** Without `takesAll`, which a version of before does not say, only ids of the clients whose lobby could not be told. */
  observe(seen: Seen[], caller?: { takesAll: true }): Promise<string[] | Sighted>;
  /** Answers with the strays: members that the lobby here does not have, and sessions that are not here in that lobby. */
  receive(from: string, batch: MessageBatch): Promise<BatchAnswer | Stray[]>;
  /** The server stops: closes each client's socket. */
  goodbye(): Promise<void>;
}

/** What a lobby's object does besides. Each of these may be repeated. */
export interface LobbyPort extends HolderPort {
  open(call: OpenCall): Promise<Outcome<Admission<HostAnswer>>>;
  /** `password`: the one that the newcomer gives. `leads`: whether it becomes host of a lobby that awaits one. */
  enter(member: Member, password?: string, leads?: Leads): Promise<Outcome<Admission<JoinAnswer>>>;
  /** Why it would not let somebody in whom it does not know; null if it would. */
  refusedBy(leads?: Leads): Promise<ProblemCode | null>;
  comeBack(call: ReturnCall): Promise<Outcome<Admission<ResumeAnswer>>>;
  ask(call: AskCall): Promise<Costing<WishAnswer>>;
  start(call: StartCall): Promise<Costing<null>>;
  steer(call: SteerCall): Promise<Costing<null>>;
  isMember(clientId: string, incarnation: string): Promise<boolean>;
  /** Whether it is open and public, and of this game: null for none. A directory of before does not say. */
  isListed(game?: string | null): Promise<boolean>;
  /** What the operator of the server wants of it. */
  operate(wish: OperatorWish): Promise<Outcome<Inspection | null>>;
}

/** The operator looks into a lobby, ends it, or removes a member. */
export type OperatorWish =
  | { kind: "look" }
  | { kind: "close"; requestId: string }
  | { kind: "kick"; requestId: string; memberId: string; reason: string; ban: boolean };

/**
 * What is wanted of the list. `name`: only lobbies whose name contains it, in any case. `game`: only those of the game. `where`, `open`: as in the
 * query. `from`: only those after this rank, or after this place in a list that is sorted. `limit`: so many at most.
 */
export type Search = {
  name?: string | undefined;
  game?: string | undefined;
  where?: readonly Condition[] | undefined;
  open?: boolean | undefined;
  from?: Rank | undefined;
  sort?: (Sorting & { after?: Standing | undefined }) | undefined;
  limit?: number | undefined;
};
/**
 * `lobbies` is the inside of a JSON array, of so many (`count`). `ranks` has their ranks, and where in the text each of them ends; `values`
 * what a list is sorted by. `hasMore`: the limit cut it off. A version before says less. One text and some numbers cross RPC in a fraction of the
 * time of as many objects.
 */
export type Page = {
  lobbies: string;
  count: number;
  ranks?: { isFull: boolean[]; round: number[]; order: number[]; end: number[] };
  values?: Standing["value"][];
  hasMore?: boolean;
};

/** A player who looks for a lobby of a game, for the shard that lists the game. */
export type Seeker = {
  /** The player's session. */
  session: string;
  game: string;
  where: readonly Condition[];
  /** Lobbies that have refused it. */
  not: readonly string[];
  /** The last of these, if there is no such lobby. */
  gone?: string | undefined;
  /** Enough of them have: it is to open one. */
  opens?: boolean;
  /** If it is to open a lobby: the code, if nobody has it, and what will be listed. */
  code: string;
  plan: Omit<ListedLobby, "id" | "game" | "currentMembers">;
};
/** What a player is to do: join this lobby, or open one under its code. Null if it waited for too long. */
export type Placement = { kind: "join"; lobbyId: string } | { kind: "open" };

/** What a shard of the directory does. */
export interface DirectoryPort extends Rpc.DurableObjectBranded {
  /**
   * Lists a lobby, or brings its entry up to date. `from`: tags for the networks of its host. `joined`: sessions that have come since
   * the last time.
   */
  put(lobby: ListedLobby, from?: readonly Network[], joined?: readonly string[]): Promise<void>;
  remove(lobbyId: string): Promise<void>;
  list(search: Search): Promise<Page>;
  /** For a Worker of the version before: the first page, as the inside of a JSON array. */
  all(): Promise<string>;
  /** Sends a player to a lobby with a place for it, or has it open one: one turn. Null if others take too long to open one. */
  match(seeker: Seeker): Promise<Placement | null>;
  /** The player does not take what it was given. */
  unmatch(session: string): Promise<void>;
  /** How many lobbies this shard shows, and players in them. No lobby is asked. */
  count(): Promise<Level>;
}

/** An open lobby, as the operator's list has it. Times are in milliseconds since 1970. */
export type ShownLobby = {
  /** What the operator, and the log, call it (tags.ts). */
  tag: string;
  isPublic: boolean;
  members: number;
  openedAt: number;
  heardAt: number;
};

/** One of the objects that keep the operator's statistics. */
export interface StatsPort extends Rpc.DurableObjectBranded {
  hearNews(news: readonly StatsNews[]): Promise<void>;
  read(withHours: boolean): Promise<Reading>;
  /** So many of the lobbies heard of last, the latest first. */
  latest(most: number): Promise<ShownLobby[]>;
  /** The code of the lobby of this tag, if this object knows it. */
  find(tag: string): Promise<string | null>;
}

/** What the fleet does. */
export interface FleetPort extends Rpc.DurableObjectBranded {
  /** False for a heartbeat that is not newer than the last of this sidecar. */
  hear(
    beat: Heartbeat,
    from: { address?: string | undefined; place?: Place | undefined; keyNumber?: number | undefined },
  ): Promise<boolean>;
  live(): Promise<Sidecar[]>;
}

/** What a relay over WebSocket does for the lobby whose packets it carries. */
export interface RelayPort extends Rpc.DurableObjectBranded {
  fetch(request: Request): Promise<Response>;
  /** These members are in the lobby no more: their tickets of until now are no good, and what they have open is closed. May be repeated. */
  drop(clientIds: readonly string[]): Promise<void>;
  /** Does nothing: it wakes the object. */
  wake(): Promise<void>;
  /** The server stops: closes each member's socket. */
  goodbye(): Promise<void>;
}

/** What one network may still cost. */
export interface BudgetPort extends Rpc.DurableObjectBranded {
  /**
   * Takes millionths of a dollar, if anything is left. The seconds until it may be asked again; 0 if it was taken. `share`: how many
   * times `networkCentsPerDay` the network has.
   */
  draw(micros: number, share: number): Promise<number>;
  /** The same out of a budget of so many cents a day. */
  claim(micros: number, cents: number): Promise<number>;
}
