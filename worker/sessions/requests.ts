/** What clients ask by HTTP of lobbies: to let them in, and, as members, for all else. Each request of a session is counted, and done once. */
import { prices } from "../../core/bill.ts";
import { scopeOf } from "../../core/endpoint.ts";
import type { Feature } from "../../core/lobby/features.ts";
import type { Leads } from "../../core/lobby/request.ts";
import type { Member } from "../../core/lobby/state.ts";
import type { Region } from "../../core/lounges.ts";
import {
  accept,
  type Outcome,
  type ProblemCode,
  type Refusal,
  refuse,
  refuseFor,
  wrongGuesses,
} from "../../core/problem.ts";
import { fitsLobby, fitsMember } from "../../core/wire/data.ts";
import type { MatchAnswer } from "../../core/wire/finding.ts";
import type { HostAnswer, JoinAnswer, ResumeAnswer } from "../../core/wire/http.ts";
import type { Env } from "../platform/env.ts";
import { networkTag } from "../platform/keys.ts";
import { platformLimits } from "../platform/limits.ts";
import { logFault } from "../platform/log.ts";
import type {
  Admission,
  AskCall,
  CallOfClient,
  Costing,
  HostCall,
  JoinCall,
  MatchCall,
  ResumeCall,
  StartCall,
  SteerCall,
  WishAnswer,
} from "../platform/ports.ts";
import { retry } from "../platform/retry.ts";
import { taggedNetworks } from "../platform/tags.ts";
import type { Charges } from "./charges.ts";
import type { Connections } from "./connections.ts";
import { enter, undo } from "./joining.ts";
import type { Asked, Lobbies } from "./lobbies.ts";
import type { LobbyNews } from "./lobby-news.ts";
import { match, matchAgain } from "./matching.ts";
import type { Session } from "./session.ts";

/** Each is one of `HolderPort` (worker/platform/ports.ts), by a shorter name. */
export class Requests {
  readonly #env: Env;
  readonly #lobbies: Lobbies;
  readonly #connections: Connections;
  readonly #charges: Charges;
  readonly #news: LobbyNews;

  constructor(env: Env, lobbies: Lobbies, connections: Connections, charges: Charges, news: LobbyNews) {
    this.#env = env;
    this.#lobbies = lobbies;
    this.#connections = connections;
    this.#charges = charges;
    this.#news = news;
  }

  async host(call: HostCall): Promise<Outcome<HostAnswer>> {
    const { requestId, request } = call;
    const counted = this.#counted(call);
    if (!counted.ok) return counted;
    const session = counted.value;
    learn(session, request.features);
    return await this.#enter<HostAnswer>(session, requestId, async (aim) => {
      const { membership } = session;
      const before = membership?.requestId === requestId ? membership.lobbyId : null;
      const { code: name, ...wish } = request;
      const fresh = name === undefined ? this.#lobbies.codes(session) : [name];
      for (const lobbyId of before === null ? fresh : [before]) {
        aim(lobbyId);
        const outcome = await this.#open(session, { requestId, lobbyId, request: wish });
        if (outcome.ok || !outcome.codes.includes("code_taken")) return outcome;
      }
      return refuse(name === undefined ? "code_taken" : "name_in_use");
    });
  }

  /** Opens a lobby under this code, if nobody has it. */
  async #open(
    session: Session,
    { requestId, lobbyId, request }: Omit<HostCall, "clientId"> & { lobbyId: string },
  ): Promise<Outcome<Admission<HostAnswer>>> {
    const { id: clientId, features, address } = session;
    // So that a ban of a neighbour does not ban the host.
    const network = features && (await networkTag(this.#env, address));
    const host: Member = {
      clientId,
      name: request.hostName,
      holder: this.#lobbies.holder,
      requestId,
      features,
      ...(network !== undefined && { network }),
      ...localMark(session),
      ...personOf(request),
    };
    const networks = request.isPublic ? taggedNetworks(this.#env, address) : undefined;
    const open = (lobby: Asked) => lobby.open({ lobbyId, host, request, networks });
    return await this.#ask(lobbyId, host, open, this.#lobbies.region);
  }

  async join(call: JoinCall): Promise<Outcome<JoinAnswer>> {
    const { clientId, requestId, lobbyId } = call;
    this.#connections.stir(this.#connections.get(clientId));
    const counted = this.#counted(call);
    if (!counted.ok) return counted;
    const session = counted.value;
    return await this.#enter<JoinAnswer>(session, requestId, async (aim) => {
      const wait = session.guessesAgainIn(call.guessing);
      if (wait > 0) return refuseFor(wait);
      learn(session, call.features);
      if (lobbyId !== null) aim(lobbyId);
      const outcome =
        lobbyId === null ? refuse("no_such_lobby") : await this.#join(session, { ...call, lobbyId });
      if (isWrongGuess(outcome)) session.countFailedJoin();
      return outcome;
    });
  }

  async #join(
    session: Session,
    call: Omit<JoinCall, "clientId" | "guessing"> & { lobbyId: string },
  ): Promise<Outcome<Admission<JoinAnswer>>> {
    const { id: clientId, features, address } = session;
    const { lobbyId, requestId, peerName, privacy, password, leads } = call;
    const network = await networkTag(this.#env, address);
    const member: Member = {
      clientId,
      name: peerName,
      holder: this.#lobbies.holder,
      requestId,
      features,
      ...(network !== undefined && { network }),
      ...localMark(session),
      ...(privacy === "relay-only" && { relayOnly: true }),
      ...(leads === "may" && { canHost: true }),
      ...personOf(call),
    };
    const outcome = await this.#ask(lobbyId, member, (lobby) => lobby.enter(member, password, leads));
    if (outcome.ok) this.#charges.charge(session, (outcome.value.calls ?? 0) * prices.call);
    return outcome;
  }

  /** Why the lobby would not let a newcomer in as far as it can tell without knowing it; null if it would. */
  async refusedBy(lobbyId: string, leads: Leads | undefined): Promise<ProblemCode | null> {
    try {
      return await retry(
        () => this.#lobbies.at(lobbyId).refusedBy(leads),
        platformLimits.promptRetryDelaysMs,
      );
    } catch (error) {
      logFault("lobby_unreachable", { lobbyId }, error);
      return "unavailable";
    }
  }

  async match(call: MatchCall): Promise<Outcome<MatchAnswer>> {
    const { clientId, requestId, request } = call;
    this.#connections.stir(this.#connections.get(clientId));
    const counted = this.#counted(call);
    if (!counted.ok) return counted;
    const session = counted.value;
    const { game, peerName, displayName, memberData, privacy, create } = request;
    learn(session, request.features);
    // Before others wait for a lobby that nobody can open.
    if (create.data && !fitsLobby(create.data)) return refuse("data_too_large");
    if (memberData && !fitsMember(memberData)) return refuse("data_too_large");
    const player = { requestId, displayName, memberData };
    return await this.#enter<MatchAnswer>(session, requestId, async (aim) => {
      const { membership } = session;
      const open = (lobbyId: string) => {
        aim(lobbyId);
        const opened = { ...create, hostName: peerName, isPublic: true, game, displayName, memberData };
        return this.#open(session, { requestId, lobbyId, request: opened });
      };
      const join = (lobbyId: string) => {
        aim(lobbyId);
        return this.#join(session, { ...player, lobbyId, peerName, privacy });
      };
      const isHere = () => this.#connections.get(clientId) === session;
      const closed = session.removals.map((one) => one.lobbyId);
      const doors = { codes: this.#lobbies.codes(session), open, join, closed, isHere };
      if (membership?.requestId === requestId) return await matchAgain(membership.lobbyId, doors);
      return await match(this.#env, clientId, request, doors);
    });
  }

  async resume(call: ResumeCall): Promise<Outcome<ResumeAnswer>> {
    const { clientId, requestId, lobbyId, request } = call;
    this.#connections.stir(this.#connections.get(clientId));
    const counted = this.#counted(call);
    if (!counted.ok) return counted;
    const session = counted.value;
    const features = learn(session, request.features);
    const about = { session: clientId, holder: this.#lobbies.holder, requestId, features, request };
    const resume = async (aim: (lobbyId: string) => void) => {
      const wait = session.guessesAgainIn(call.guessing);
      if (wait > 0) return refuseFor(wait);
      if (lobbyId !== null) aim(lobbyId);
      const outcome =
        lobbyId === null
          ? refuse("no_such_lobby")
          : await this.#ask(lobbyId, { clientId, requestId }, (lobby) => lobby.comeBack(about));
      if (isWrongGuess(outcome)) session.countFailedJoin();
      if (outcome.ok) {
        session.memberId = memberOfKey(request.resumeKey);
        this.#charges.charge(session, (outcome.value.calls ?? 0) * prices.call);
      }
      return outcome;
    };
    return await this.#enter<ResumeAnswer>(session, requestId, resume, lobbyId ?? undefined);
  }

  async leave(lobbyId: string | null, call: CallOfClient): Promise<Outcome<null>> {
    const { clientId, requestId } = call;
    const counted = this.#counted(call);
    if (!counted.ok) return counted;
    const session = counted.value;
    if (session.leftBy === requestId) return accept(null);
    const { membership } = session;
    if (!membership || membership.lobbyId !== lobbyId) return refuse("not_a_member");
    session.membership = null;
    session.leftBy = requestId;
    await this.#news.tell(membership, { kind: "member-left", clientId });
    return accept(null);
  }

  async ask(lobbyId: string | null, call: AskCall): Promise<Outcome<WishAnswer>> {
    const session = this.#connections.get(call.clientId);
    const mayList = call.wish.kind === "change" && call.wish.change.isPublic === true;
    const hostNetworks = mayList ? taggedNetworks(this.#env, session?.address) : undefined;
    return await this.#askAsMember(lobbyId, call, (lobby) => lobby.ask({ ...call, hostNetworks }));
  }

  async takeBack(clientId: string, requestId: string): Promise<void> {
    const session = this.#connections.get(clientId);
    const membership = session && (await undo(session, requestId));
    if (membership) this.#news.tell(membership, { kind: "member-left", clientId, requestId });
  }

  async start(lobbyId: string | null, call: StartCall): Promise<Outcome<null>> {
    return await this.#askAsMember(lobbyId, call, (lobby) => lobby.start(call));
  }

  async steer(lobbyId: string | null, call: SteerCall): Promise<Outcome<null>> {
    const session = this.#connections.get(call.clientId);
    // Others send their token over UDP in clear, so this may be its reader. And none of them knows these requests.
    if (session && !session.features?.includes("links")) return refuse("needs_links");
    return await this.#askAsMember(lobbyId, call, (lobby) => lobby.steer(call));
  }

  /** `again`: a lobby that the session may be in already. */
  #enter<Answer extends Pick<HostAnswer, "lobbyId" | "lobbyName">>(
    session: Session,
    requestId: string,
    ask: (aim: (lobbyId: string) => void) => Promise<Outcome<Admission<Answer>>>,
    again?: string,
  ): Promise<Outcome<Answer>> {
    const aftermath = {
      isHere: () => this.#connections.get(session.id) === session,
      isMember: (one: Session) => this.#isMember(one),
      giveBack: ({
        lobbyId,
        incarnation,
        clientId,
      }: {
        lobbyId: string;
        incarnation: string;
        clientId: string;
      }) =>
        this.#news.tell(
          { lobbyId, incarnation },
          { kind: "connection-lost", clientId, holder: this.#lobbies.holder },
        ),
    };
    return enter(session, requestId, ask, aftermath, { again });
  }

  /** Asks a lobby for something that only a member may ask for. */
  async #askAsMember<T>(
    lobbyId: string | null,
    call: StartCall | SteerCall | AskCall,
    ask: (lobby: Asked) => Promise<Costing<T>>,
  ): Promise<Outcome<T>> {
    const counted = this.#counted(call);
    if (!counted.ok) return counted;
    const session = counted.value;
    const isMember = lobbyId !== null && session.membership?.lobbyId === lobbyId;
    // To ask about codes of others is to guess.
    const wait = isMember ? 0 : session.guessesAgainIn(call.guessing);
    if (wait > 0) return refuseFor(wait);
    if (lobbyId === null) return noLobby(session);
    try {
      const asked = () => ask(this.#lobbies.at(lobbyId));
      const { calls = 0, ...outcome } = await retry(asked, platformLimits.promptRetryDelaysMs);
      this.#charges.charge(session, calls * prices.call);
      return !outcome.ok && outcome.codes.includes("no_such_lobby") ? noLobby(session) : outcome;
    } catch (error) {
      logFault("lobby_unreachable", { lobbyId }, error);
      return refuse("unavailable");
    }
  }

  /** Asks a lobby to let a session in. If nobody can know whether it did, the session leaves it again. */
  async #ask<T>(
    lobbyId: string,
    { clientId, requestId }: Pick<Member, "clientId" | "requestId">,
    ask: (lobby: Asked) => Promise<Outcome<T>>,
    region: Region | null = null,
  ): Promise<Outcome<T>> {
    try {
      return await retry(() => ask(this.#lobbies.at(lobbyId, region)), platformLimits.promptRetryDelaysMs);
    } catch (error) {
      logFault("lobby_unreachable", { lobbyId }, error);
      this.#news.tell({ lobbyId, requestId }, { kind: "member-left", clientId, requestId });
      return refuse("unavailable");
    }
  }

  /** Whether the session's lobby has it as a member. If it has not, the session is in none. */
  async #isMember({ id: clientId, membership }: Session): Promise<boolean> {
    if (!membership) return false;
    const { lobbyId, incarnation } = membership;
    try {
      const asked = () => this.#lobbies.at(lobbyId).isMember(clientId, incarnation);
      if (await asked()) return true;
    } catch (error) {
      logFault("lobby_unreachable", { lobbyId }, error);
      return true;
    }
    this.#connections.drop({ lobbyId, clientId, incarnation });
    return false;
  }

  /**
   * The session that asks, if it may ask now, and comes through the gateways that have opened it. What such a session may do is decided by that: a
   * thief of a sidecar's key leaves the header out of later requests, and would be at the address that he named in lobbies with codes.
   */
  #counted({ clientId, requestId, gateway }: CallOfClient): Outcome<Session> {
    const session = this.#connections.get(clientId);
    if (!session) return refuse("invalid_token");
    const seconds = session.countRequest(requestId);
    if (seconds > 0) return refuseFor(seconds);
    if (gateway !== undefined && gateway !== (session.gateway ?? null)) return refuse("gateway_only");
    return accept(session);
  }
}

/** Only WebRTC asks who is in the server's own network, or on its machine. An address that is not known is in none. */
function localMark({ features, address, isAtServer }: Session): Pick<Member, "isLocal"> {
  const isLocal = isAtServer || (address !== undefined && scopeOf(address) !== "public");
  return isLocal && features?.includes("webrtc") ? { isLocal: true } : {};
}

/** What a player says of itself besides its name. */
function personOf({
  displayName,
  memberData,
}: Pick<JoinCall, "displayName" | "memberData">): Pick<Member, "displayName" | "data"> {
  return { ...(displayName !== undefined && { displayName }), ...(memberData && { data: memberData }) };
}

/** The client id in a resume key. */
function memberOfKey(key: string): string {
  return key.split(".", 1)[0] ?? "";
}

/** Whether somebody may be trying codes, passwords or keys. */
function isWrongGuess(outcome: Outcome<unknown>): boolean {
  return !outcome.ok && outcome.codes.some((code) => wrongGuesses.has(code));
}

/** The session has asked about a code of no lobby. */
function noLobby(session: Session): Refusal {
  session.countFailedJoin();
  return refuse("no_such_lobby");
}

/** What the client can do, as it has said on its WebSocket or says with this request: either may come first. */
function learn(session: Session, told: readonly Feature[] | undefined): readonly Feature[] | undefined {
  if (told && session.features === undefined) session.features = told;
  return session.features;
}
