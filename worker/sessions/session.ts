/** A client's presence at the edge. It lasts as long as its WebSocket, and so does what is attached to that. */
import {
  draw,
  fill,
  newAllowance,
  newBucket,
  type Rate,
  secondsUntilOne,
  strangerFrames,
} from "../../core/allowance.ts";
import { type Spender, spendersOf } from "../../core/bill.ts";
import type { Room } from "../../core/dialects/groovejet/room.ts";
import type { Feature } from "../../core/lobby/features.ts";
import type { KeptLobby } from "../../core/lobby/kept.ts";
import type { LobbyMessage } from "../../core/lobby/message.ts";
import { type Network, networksOf } from "../../core/network.ts";
import { lobbyTagOf } from "../../core/relay/ticket.ts";
import { clientIdBytes } from "../../core/token.ts";
import { encodeBase64Url } from "../../core/wire/base64.ts";
import type { Guessing } from "../platform/ports.ts";
import { holderLimits } from "./limits.ts";
import { type KeptPurse, Purse } from "./purse.ts";

/** What a socket's attachment keeps of its session through hibernation: at most 16 KiB. */
type Attachment = {
  id: string;
  token: string;
  membership: Membership | null;
  /** Whether it came to open the lobby of the object that holds it, and has not done so. */
  opensHere: boolean;
  /** The lobby here of which it is the host, as long as storage need not keep it. */
  hosted: KeptLobby | null;
  /** What it said that it can do. */
  features?: readonly Feature[];
  /** When it said that it pings, in milliseconds since 1970. */
  pingsSince?: number;
  /** When a look first found it silent, in milliseconds since 1970. */
  doubtedSince?: number;
  /** When it tried its last codes of no lobby, in milliseconds since 1970. */
  failedAt?: readonly number[];
  /** When the socket was opened, in milliseconds since 1970; none if a version of before took it. */
  openedAt?: number;
  /** The client's address, as core/endpoint.ts writes it. */
  address?: string;
  /** It runs on the server's own machine. */
  atServer?: true;
  /** The gateways that it comes through. */
  gateway?: string;
  /** Whether it ever was in a lobby. */
  hasJoined?: boolean;
  purse?: KeptPurse;
  /** The client id of the member that it came back as, if that joined by another session. */
  memberId?: string;
  /** The lobbies whose host has removed it. */
  removals?: readonly Removal[];
  /** It was told the client id that groovejet's clients have, and has not decided which language it speaks. */
  hasIdentity?: boolean;
  /** It speaks groovejet. */
  groovejet?: SpeaksGroovejet;
  /** It is over. Its socket is there for as long as its client does not go. */
  isOver?: true;
};

/** `room`: the one that it is in; null for none. `toldId`: the client id that it was told in its last room. */
type SpeaksGroovejet = { room: Room | null; toldId?: string };

const requestRate: Rate = { burst: holderLimits.requestBurst, perSecond: holderLimits.requestsPerSecond };
const failedJoinRate: Rate = {
  burst: holderLimits.failedJoinBurst,
  perSecond: holderLimits.failedJoinsPerSecond,
};
const sightingRate: Rate = {
  burst: holderLimits.sightingsCharged,
  perSecond: holderLimits.sightingsChargedPerSecond,
};
const renewRate: Rate = { burst: holderLimits.renewBurst, perSecond: holderLimits.renewsPerSecond };

/** A lobby whose host has removed a session. Tickets for the relay with its tag are not renewed, and it is not matched with it. */
type Removal = { lobbyId: string; tag: string };

/** The lobby that a session is in. `requestId`: what made it a member. */
export type Membership = { lobbyId: string; lobbyName: string; incarnation: string; requestId: string };

/** A lobby that is being asked to take the session in. One at a time: two racing requests cannot both win. */
type Entering = { requestId: string; lobbyId: string; released: boolean; ended: Promise<void> };

/**
 * How a client came. `opensHere`: to open the lobby of the object that holds it. `address`: undefined if nobody knows it. `atServer`: from
 * the server's own machine, which has no address. `gateway`: the gateways
 * that it comes through (core/bill.ts), if it does.
 */
export type Arrival = {
  opensHere?: boolean;
  address?: string | undefined;
  atServer?: boolean;
  gateway?: string | undefined;
};

export class Session {
  readonly socket: WebSocket;
  readonly allowance = newAllowance(Date.now());
  /** What it may say while it is in no lobby, in a lobby's object. Apart, so that it has its full allowance when it joins. */
  readonly strangerAllowance = newAllowance(Date.now(), strangerFrames);
  entering: Entering | null = null;
  /** Whether no mediation waited for what a sidecar saw of it last. */
  isIdle = false;
  /** The last request by which it left a lobby: repeated, it is the same. In memory alone. */
  leftBy = "";
  /** What its groovejet room has said while it was being let in; null when it is not. */
  heldBack: LobbyMessage[] | null = null;
  /** When it last said something, in milliseconds since 1970; 0 for never since its object woke. */
  spokeAt = 0;
  // In memory alone: an object that slept has had no request for a while.
  readonly #requests = newBucket(requestRate, Date.now());
  readonly #failedJoins = newBucket(failedJoinRate, Date.now());
  readonly #renewals = newBucket(renewRate, Date.now());
  readonly #sightings = newBucket(sightingRate, Date.now());
  /** The request counted last: repeated, it is the same. */
  #counted = "";
  readonly #kept: Attachment;
  #networks: readonly Network[] | null = null;
  #keeping = false;
  #purse: Purse | null = null;
  #spenders: readonly Spender[] | null = null;

  private constructor(socket: WebSocket, kept: Attachment) {
    this.socket = socket;
    this.#kept = kept;
  }

  /** The session of a socket that was just accepted. */
  static admit(
    socket: WebSocket,
    token: string,
    id: string,
    { opensHere = false, address, atServer = false, gateway }: Arrival = {},
  ): Session {
    const session = new Session(socket, {
      id,
      token,
      opensHere,
      membership: null,
      hosted: null,
      openedAt: Date.now(),
      ...(address !== undefined && { address }),
      ...(atServer && { atServer }),
      ...(gateway !== undefined && { gateway }),
    });
    session.#keep();
    return session;
  }

  /** The session of a socket that outlived its object's memory. Null if another version attached what this one cannot read. */
  static revive(socket: WebSocket): Session | null {
    const kept: unknown = socket.deserializeAttachment();
    return isAttachment(kept) ? new Session(socket, kept) : null;
  }

  static drawId(): string {
    return encodeBase64Url(crypto.getRandomValues(new Uint8Array(clientIdBytes)));
  }

  get id(): string {
    return this.#kept.id;
  }

  get token(): string {
    return this.#kept.token;
  }

  get membership(): Membership | null {
    return this.#kept.membership;
  }

  set membership(membership: Membership | null) {
    this.#kept.membership = membership;
    if (membership) this.#forgive(membership.incarnation);
    this.#kept.opensHere = false;
    this.#kept.hasJoined = true;
    this.#keep();
  }

  /** Whether it may open the lobby of the object that holds it: once. Its next lobby has another code. */
  get opensHere(): boolean {
    return this.#kept.opensHere;
  }

  /** When its socket was opened, in milliseconds since 1970; 0 for longer ago than anybody knows. */
  get openedAt(): number {
    return this.#kept.openedAt ?? 0;
  }

  /** The address its socket comes from, undefined if it is not known. For comparing and counting: no log has it, and no other client. */
  get address(): string | undefined {
    return this.#kept.address;
  }

  /** Whether it runs on the server's own machine. */
  get isAtServer(): boolean {
    return this.#kept.atServer === true;
  }

  /** The gateways that it comes through: their sidecar's name, and the number of its key. Undefined if it comes itself. */
  get gateway(): string | undefined {
    return this.#kept.gateway;
  }

  /** The networks that its address is in, as they are counted; none if that is not known. */
  get networks(): readonly Network[] {
    this.#networks ??= this.address === undefined ? [] : networksOf(this.address, this.gateway);
    return this.#networks;
  }

  /** The client ids that its tickets for the relay may name: its own, and that of the member it came back as. */
  get clientIds(): readonly string[] {
    const { id, memberId } = this.#kept;
    return memberId === undefined ? [id] : [id, memberId];
  }

  /** It has come back as this member. */
  set memberId(clientId: string) {
    if (clientId === this.#kept.id || clientId === this.#kept.memberId) return;
    this.#kept.memberId = clientId;
    this.#keep();
  }

  /** The lobbies whose host has removed it. */
  get removals(): readonly Removal[] {
    return this.#kept.removals ?? [];
  }

  /** The host of its lobby has removed it. */
  remove(lobbyId: string, incarnation: string): void {
    const removals = [...this.removals, { lobbyId, tag: lobbyTagOf(incarnation) }];
    this.#kept.removals = removals.slice(-holderLimits.removalsKept);
    this.#keep();
  }

  /** It is in that lobby again, and has tickets of it. */
  #forgive(incarnation: string): void {
    if (this.removals.length === 0) return;
    const tag = lobbyTagOf(incarnation);
    this.#kept.removals = this.removals.filter((one) => one.tag !== tag);
  }

  get hosted(): KeptLobby | null {
    return this.#kept.hosted;
  }

  set hosted(hosted: KeptLobby | null) {
    this.#kept.hosted = hosted;
    this.#keep();
  }

  /** What it said that it can do; undefined if it never did. */
  get features(): readonly Feature[] | undefined {
    return this.#kept.features;
  }

  set features(features: readonly Feature[]) {
    this.#kept.features = features;
    this.#keep();
  }

  get hasIdentity(): boolean {
    return this.#kept.hasIdentity === true;
  }

  set hasIdentity(hasIdentity: boolean) {
    this.#kept.hasIdentity = hasIdentity;
    this.#keep();
  }

  /** Where it is, if it speaks groovejet. Undefined for one that speaks Orion, or has not decided. */
  get groovejet(): SpeaksGroovejet | undefined {
    return this.#kept.groovejet;
  }

  set groovejet(groovejet: SpeaksGroovejet) {
    this.#kept.groovejet = groovejet;
    this.#keep();
  }

  /** When it said that it pings, in milliseconds since 1970; null if it never did. */
  get pingsSince(): number | null {
    return this.#kept.pingsSince ?? null;
  }

  set pingsSince(at: number) {
    this.#kept.pingsSince = at;
    this.#keep();
  }

  /** When a look first found it silent, in milliseconds since 1970; null if the last one did not. */
  get doubtedSince(): number | null {
    return this.#kept.doubtedSince ?? null;
  }

  set doubtedSince(at: number | null) {
    if (at === this.doubtedSince) return;
    if (at === null) delete this.#kept.doubtedSince;
    else this.#kept.doubtedSince = at;
    this.#keep();
  }

  /** Whether it has ended. Its socket does not tell: after a second sleep the platform calls one open that was closed, and whose client does not go. */
  get isOver(): boolean {
    return this.#kept.isOver === true;
  }

  /** It has ended, and never begins again. */
  end(): void {
    this.#kept.isOver = true;
    this.#keep();
  }

  /** Whether it ever was in a lobby. */
  get hasJoined(): boolean {
    return this.#kept.hasJoined === true || this.#kept.membership !== null;
  }

  /** Whose budgets it spends: those of its network, and of the gateways that it comes through. */
  get spenders(): readonly Spender[] {
    this.#spenders ??= spendersOf(this.address, this.gateway);
    return this.#spenders;
  }

  /** What it may still spend. */
  get purse(): Purse {
    this.#purse ??= new Purse(this.#kept.purse, this.openedAt, (kept) => {
      this.#kept.purse = kept;
      this.#keep();
    });
    return this.#purse;
  }

  /** The lobby the session is in, or about to be. */
  get lobbyId(): string | undefined {
    return this.membership?.lobbyId ?? this.entering?.lobbyId;
  }

  /** Whether it is in this lobby, or is being let in: then it does not know yet which lobby of this code it is. */
  isIn(lobbyId: string, incarnation: string): boolean {
    const { membership } = this;
    if (!membership) return this.entering?.lobbyId === lobbyId;
    return membership.lobbyId === lobbyId && membership.incarnation === incarnation;
  }

  /** The lobby is over for this session, perhaps before it heard that it was in. */
  release(): void {
    if (this.membership) this.membership = null;
    else if (this.entering) this.entering.released = true;
  }

  /** Counts a request to host, join or start. Seconds until it may be made; 0 for now. */
  countRequest(requestId: string): number {
    if (this.#counted === requestId || draw(this.#requests, requestRate, Date.now())) {
      this.#counted = requestId;
      return 0;
    }
    return secondsUntilOne(this.#requests, requestRate);
  }

  /** Seconds until it may try another code, after so many of no lobby. `guessing`: others at its address try too many. */
  guessesAgainIn(guessing: Guessing | undefined): number {
    fill(this.#failedJoins, failedJoinRate, Date.now());
    const isGuesser =
      guessing !== undefined &&
      (this.openedAt >= guessing.since ||
        this.#failedSince(guessing.since) > holderLimits.neighbourFailedJoins);
    return isGuesser ? guessing.seconds : secondsUntilOne(this.#failedJoins, failedJoinRate);
  }

  /** Counts a code of no lobby. */
  countFailedJoin(): void {
    const now = Date.now();
    draw(this.#failedJoins, failedJoinRate, now);
    const before = (this.#kept.failedAt ?? []).slice(-holderLimits.neighbourFailedJoins);
    this.#kept.failedAt = [...before, now];
    this.#keep();
  }

  /** How many codes of no lobby it has tried since then; it remembers one more than a neighbour of a guesser may. */
  #failedSince(since: number): number {
    return (this.#kept.failedAt ?? []).filter((at) => at >= since).length;
  }

  /** Counts a message that has tickets renewed. Whether it may. */
  countRenewal(): boolean {
    return draw(this.#renewals, renewRate, Date.now());
  }

  /** Whether it pays for one more endpoint that a sidecar says it has seen: only for as many as its client can bring about. */
  paysForSighting(): boolean {
    return draw(this.#sightings, sightingRate, Date.now());
  }

  /**
   * Whether it was sent: nothing can be to a socket that is closing; its close event tells the lobby. The platform is only asked
   * whether it is when it refuses: to ask for each frame of a broadcast costs a tenth of the broadcast.
   */
  send(frame: string): boolean {
    try {
      this.socket.send(frame);
      return true;
    } catch (error) {
      if (this.socket.readyState === WebSocket.OPEN) throw error;
      return false;
    }
  }

  /** Once for all that changes in a turn: no object goes to sleep in the middle of one. */
  #keep(): void {
    if (this.#keeping) return;
    this.#keeping = true;
    queueMicrotask(() => {
      this.#keeping = false;
      try {
        // Also to one that is over: it may still pay for what it said last, and its socket may outlive a sleep, even a closed one.
        this.socket.serializeAttachment(this.#kept);
      } catch (error) {
        if (this.socket.readyState !== WebSocket.CLOSED) throw error;
      }
    });
  }
}

function isAttachment(kept: unknown): kept is Attachment {
  if (typeof kept !== "object" || kept === null) return false;
  return "id" in kept && typeof kept.id === "string" && "token" in kept && typeof kept.token === "string";
}
