/** What the objects say to each other. Everything here is plain data: it crosses RPC. */

import type { Data } from "../../core/data.ts";
import type { Rank } from "../../core/directory/cursor.ts";
import type { Condition, Sorting, Standing } from "../../core/directory/search.ts";
import type { Place, Sidecar } from "../../core/fleet.ts";
import type { MemberEvent, Witness } from "../../core/lobby/event.ts";
import type { Feature } from "../../core/lobby/features.ts";
import type { LobbyMessage } from "../../core/lobby/message.ts";
import type { SteerRequest } from "../../core/lobby/request.ts";
import type { Member } from "../../core/lobby/state.ts";
import type { Observed } from "../../core/mapping.ts";
import type { Network } from "../../core/network.ts";
import type { Outcome } from "../../core/problem.ts";
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
import type { Picture } from "../../core/wire/picture.ts";
import type { Privacy } from "../../core/wire/privacy.ts";
import type { Heartbeat } from "../../core/wire/sidecar-post.ts";
import type { Batch } from "./flights.ts";

/** The header of an upgrade that the Worker hands to an object: the client's address, if it is known. */
export const addressHeader = "orion-client-address";

/**
 * The client's network tries codes of no lobby. Only a socket that was opened before `since` (milliseconds since 1970), and has hardly tried
 * one itself, is told of any lobby; the others, in so many seconds.
 */
export type Guessing = { since: number; seconds: number };

/** `requestId` names one HTTP request, so that a call can be repeated when its answer was lost. */
export type HostCall = { clientId: string; requestId: string; request: Omit<HostRequest, "token"> };
/** `lobbyId` is null where the text that a player typed can be no code: there is no such lobby, but other refusals come first. */
export type JoinCall = {
  clientId: string;
  requestId: string;
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
};
export type MatchCall = { clientId: string; requestId: string; request: Omit<MatchRequest, "token"> };
/** `sidecar`: the best for the host; none if none is alive. The Worker reads it, so that no lobby has to ask the fleet. */
export type StartCall = {
  clientId: string;
  requestId: string;
  guessing?: Guessing | undefined;
  sidecar: Sidecar | undefined;
  place?: Place | undefined;
  patienceMs?: number | undefined;
  term?: number | undefined;
};
/** What the host wants of the mediation under way. */
export type SteerCall = {
  clientId: string;
  requestId: string;
  guessing?: Guessing | undefined;
  wish: SteerRequest["kind"];
  term?: number | undefined;
};
/** A client that was a member comes back, by another connection. */
export type ResumeCall = {
  clientId: string;
  requestId: string;
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
  | { kind: "read-snapshot" }
  | { kind: "write-snapshot"; bytes: Uint8Array; ifVersion?: number | undefined };
/** `hostNetworks`: tags for those that the client comes from, where the lobby may become public. */
export type AskCall = {
  clientId: string;
  requestId: string;
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
  request: Omit<HostRequest, "token">;
  networks?: readonly Network[] | undefined;
};
/** A lobby's answer to a new member, and which lobby of this code it is. `calls`: those that the lobby makes to tell others of it. */
export type Admission<Answer> = { answer: Answer; incarnation: string; calls?: number };
/** What a member's request came to, and `calls`: those to other objects that it made necessary. The member pays for them. */
export type Costing<T> = Outcome<T> & { calls?: number };

/** A message that is a WebSocket's text already: each member's introduction has keys of its own. */
export type EncodedMessage = { type: "encoded"; text: string };
/** A message for some of an object's sessions. Without one it only asks whether they are still there and in this lobby. */
export type Delivery = {
  lobbyId: string;
  incarnation: string;
  to: string[];
  message?: LobbyMessage | EncodedMessage;
  release?: boolean;
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
  leaveLobby(lobbyId: string | null, call: { clientId: string; requestId: string }): Promise<Outcome<null>>;
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
  /** `password`: the one that the newcomer gives. */
  enter(member: Member, password?: string): Promise<Outcome<Admission<JoinAnswer>>>;
  comeBack(call: ReturnCall): Promise<Outcome<Admission<ResumeAnswer>>>;
  ask(call: AskCall): Promise<Costing<WishAnswer>>;
  start(call: StartCall): Promise<Costing<null>>;
  steer(call: SteerCall): Promise<Costing<null>>;
  isMember(clientId: string, incarnation: string): Promise<boolean>;
  /** Whether it is open and public, and of this game: null for none. A directory of before does not say. */
  isListed(game?: string | null): Promise<boolean>;
}

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

/** What one network may still cost. */
export interface BudgetPort extends Rpc.DurableObjectBranded {
  /**
   * Takes millionths of a dollar, if anything is left. The seconds until it may be asked again; 0 if it was taken. `share`: how many
   * times `networkCentsPerDay` the network has.
   */
  draw(micros: number, share: number): Promise<number>;
}
