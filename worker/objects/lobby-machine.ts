/**
 * The shell around the state machine in core/lobby: one lobby, as its object runs it. It keeps the state where it outlives
 * the object's memory, has the effects done in their order, and wakes the machine when a deadline comes.
 */
import { mayChat, newChatAllowance, weightOf } from "../../core/chat-allowance.ts";
import { type Place, pickSidecar, type Sidecar } from "../../core/fleet.ts";
import { request } from "../../core/lobby/answer.ts";
import { isDue, onTime } from "../../core/lobby/clock-jumps.ts";
import { lastingFrom, wakeAt } from "../../core/lobby/deadlines.ts";
import type { Effect, Step } from "../../core/lobby/effect.ts";
import type { LobbyEvent, MemberEvent, Witness } from "../../core/lobby/event.ts";
import { isAwaited } from "../../core/lobby/gathering.ts";
import { type Inspection, inspected } from "../../core/lobby/inspection.ts";
import { type KeptLobby, keptLobby, readKeptLobby } from "../../core/lobby/kept.ts";
import { lifeLines } from "../../core/lobby/life.ts";
import { isPauseOver } from "../../core/lobby/newcomers-pause.ts";
import { isOutOfReach } from "../../core/lobby/out-of-reach.ts";
import type {
  AnswerTo,
  JoinRequest,
  Leads,
  LobbyOptions,
  LobbyRequest,
  OpenRequest,
  ReturnRequest,
} from "../../core/lobby/request.ts";
import { permit } from "../../core/lobby/rules.ts";
import {
  isHere,
  isOver,
  type LobbyState,
  type Member,
  memberOf,
  remoteMembers,
  sessionOf,
} from "../../core/lobby/state.ts";
import { step } from "../../core/lobby/step.ts";
import { accept, type Outcome, type ProblemCode, refuse, refuseFor } from "../../core/problem.ts";
import { fitsLobby, fitsMember } from "../../core/wire/data.ts";
import type { HostAnswer, JoinAnswer, MemberAnswer, ResumeAnswer } from "../../core/wire/http.ts";
import type { IceAnswer } from "../../core/wire/ice.ts";
import { thisBoot } from "../platform/boot.ts";
import { logsLobbies, settingsOf } from "../platform/env.ts";
import { issueResumeKey, type ResumeKey, verifyResumeKey } from "../platform/keys.ts";
import { platformLimits } from "../platform/limits.ts";
import { logFault, logLife } from "../platform/log.ts";
import { keptPassword, passwordHash } from "../platform/passwords.ts";
import type {
  Admission,
  AskCall,
  Costing,
  LobbyWish,
  News,
  OpenCall,
  OperatorWish,
  ReturnCall,
  StartCall,
  SteerCall,
  WishAnswer,
} from "../platform/ports.ts";
import { random } from "../platform/random.ts";
import { within } from "../platform/retry.ts";
import type { LobbyHere } from "../sessions/lobbies.ts";
import type { Session } from "../sessions/session.ts";
import { EffectQueue } from "./effect-queue.ts";
import { liveSidecars } from "./fleet.ts";
import { objectLimits } from "./limits.ts";
import type { LobbyObject } from "./lobby-object.ts";
import { MemberRates } from "./member-rates.ts";
import { RecentChat } from "./recent-chat.ts";
import { SignalAllowance } from "./signal-allowance.ts";
import { Snapshots, type SnapshotWish } from "./snapshots.ts";
import { StatsTeller } from "./stats-teller.ts";
import { TurnUsers } from "./turn-users.ts";

/** The one row, and which process wrote it. */
const row = "lobby";
type Row = KeptLobby & { boot: string };

const snapshotReads = { burst: objectLimits.snapshotReads, perSecond: 1 };
const iceRequests = { burst: objectLimits.iceRequests, perSecond: 1 / 60 };

export class LobbyMachine implements LobbyHere {
  readonly #object: LobbyObject;
  #state: LobbyState | null = null;
  #isStored = false;
  #effects: EffectQueue;
  /** The members elsewhere are being asked whether they are still there. Done when they have answered. */
  #confirming: Promise<void> | null = null;
  #chat = newChatAllowance(Date.now());
  #signals = new SignalAllowance();
  #recentChat = new RecentChat(Date.now());
  readonly #snapshots: Snapshots;
  readonly #turn: TurnUsers;
  readonly #statistics: StatsTeller;
  /** Sessions that are in this lobby no more, and whose last message is on its way. */
  readonly #leaving = new Set<string>();
  /** How often each member may read the snapshot, and ask for servers of ICE. */
  readonly #reads = new MemberRates(snapshotReads);
  readonly #iceRequests = new MemberRates(iceRequests);

  constructor(object: LobbyObject) {
    this.#object = object;
    this.#snapshots = new Snapshots(object.storage, object.wakeUp);
    this.#turn = new TurnUsers(object.env, object.storage);
    this.#statistics = new StatsTeller(object.env, object.lobbyId);
    this.#effects = this.#newQueue();
  }

  /** Whether storage has its row. */
  get isStored(): boolean {
    return this.#isStored;
  }

  /** Whether there is no lobby here, nor anything left of one. */
  get isFree(): boolean {
    return this.#state === null;
  }

  get isOpen(): boolean {
    return this.#state !== null && this.#state.phase.kind !== "closing";
  }

  /**
   * Whether it is open and public, and its members elsewhere are still there: one whose host is gone is closed first. `game`: and of this
   * one, or of none. A former lobby of this code may be listed elsewhere.
   */
  async isListed(game?: string | null): Promise<boolean> {
    if (this.#state?.isPublic) await this.#confirm();
    const isMeant = game === undefined || game === (this.#state?.game ?? null);
    return this.isOpen && this.#state?.isPublic === true && isMeant;
  }

  /** Whether this very request of this host has opened the lobby. */
  isMadeBy({ clientId, requestId }: Member): boolean {
    return this.#state !== null && memberOf(this.#state, clientId)?.requestId === requestId;
  }

  async isMember(session: string, incarnation: string): Promise<boolean> {
    const member = this.#state?.incarnation === incarnation ? this.#memberFor(session) : undefined;
    if (member) this.#noteHeard(member.clientId);
    return member !== undefined;
  }

  /**
   * The member that a session speaks for. Objects know each other's sessions, and the state machine its members: here one is
   * translated into the other, and nowhere else.
   */
  #memberFor(session: string): Member | undefined {
    return this.#state?.members.find((member) => sessionOf(member) === session);
  }

  /** The client id of the member that a session speaks for. Empty if it speaks for none: it may once have been a member's. */
  #clientIdFor(session: string): string {
    return this.#memberFor(session)?.clientId ?? "";
  }

  /** The same of a session that asks for something. */
  #askerOf(session: string): string {
    const clientId = this.#clientIdFor(session);
    this.#noteHeard(clientId);
    return clientId;
  }

  /**
   * Takes up what sleep or a reset has left: the row, or what is attached to the host's socket. Members whose sockets this
   * object lost are gone, and a closing that was cut short goes on. Without either it only reads.
   */
  revive(): void {
    const { connections, lobbyId, wakeUp } = this.#object;
    const sessions = [...connections];
    const stored = this.#object.storage.kv.get<Row>(row);
    this.#isStored = stored !== undefined;
    const kept = stored ?? sessions.find(({ hosted }) => hosted !== null)?.hosted ?? null;
    if (sessions.length > 0 || this.#isStored) wakeUp.mayBeStored();
    if (!kept) return;
    const state = readKeptLobby(kept, lobbyId);
    if (!state) {
      this.#giveUp();
      return;
    }
    this.#state = state;
    // An alarm for what is to come was set before the sleep. If one is overdue, it may be what wakes the object just now, and
    // to set it again would cost a row. If it is not, it may have been lost: then it is set a moment later.
    const next = wakeAt(state);
    if (next > Date.now()) wakeUp.wasToWakeBy(next);
    else setTimeout(() => this.seeToAlarm(), 0);
    if (state.phase.kind === "closing") {
      this.#state = { ...state, auditAt: Date.now() };
      this.#happen({ kind: "deadline-passed" });
      return;
    }
    const lost = state.members.filter(
      (member) =>
        isHere(state, member) && !connections.get(sessionOf(member))?.isIn(lobbyId, state.incarnation),
    );
    if (lost.length > 0)
      this.#happen({ kind: "members-lost", clientIds: lost.map(({ clientId }) => clientId) });
    // Another process kept this lobby: it may have ended with all who were in the lobby. So they are asked before anybody
    // hears of it. Then the row gets the name of this process.
    if (stored && stored.boot !== thisBoot()) void this.#confirm().then(() => this.#save());
  }

  /** Asks the members elsewhere whether they are still there. Done when they have answered. */
  #confirm(): Promise<void> {
    const state = this.#state;
    const members = state ? remoteMembers(state) : [];
    if (this.#confirming || !state || members.length === 0) return this.#confirming ?? Promise.resolve();
    const effects = this.#effects;
    const asked = effects.perform([{ kind: "audit", members }], state.incarnation) ?? Promise.resolve();
    this.#confirming = asked
      .then(() => effects.arrived())
      .finally(() => {
        this.#confirming = null;
      });
    return this.#confirming;
  }

  async open({ host, request: wish, networks }: OpenCall): Promise<Outcome<Admission<HostAnswer>>> {
    const { lobbyName, isPublic, maxMembers, onLoss, privacy, graceMs = 0 } = wish;
    if (wish.topology === "mesh" && this.#isTooLargeForMesh(maxMembers)) return refuse("mesh_too_large");
    if (wish.data && !fitsLobby(wish.data)) return refuse("data_too_large");
    if (host.data && !fitsMember(host.data)) return refuse("data_too_large");
    return await this.#admit({
      kind: "open",
      lobbyId: this.#object.lobbyId,
      incarnation: crypto.randomUUID(),
      name: lobbyName,
      isPublic,
      maxMembers,
      goesOn: onLoss === "continue",
      relayOnly: privacy === "relay-only",
      graceMs,
      host,
      hostNetworks: networks,
      options: await optionsOf(wish),
    });
  }

  /** `password`: what the newcomer gives as the lobby's. `leads`: whether it becomes host, if there is none. */
  async enter(member: Member, password?: string, leads?: Leads): Promise<Outcome<Admission<JoinAnswer>>> {
    const salt = this.#state?.password?.salt;
    const isChecked = password !== undefined && salt !== undefined;
    return await this.#admit({
      kind: "join",
      member,
      leads,
      ...(isChecked && { passwordHash: await passwordHash(salt, password) }),
    });
  }

  /** Why it would refuse a newcomer of whom it knows nothing; null if it would not. */
  async refusedBy(leads?: Leads): Promise<ProblemCode | null> {
    const nobody: Member = { clientId: "", name: "", holder: "", requestId: "" };
    const permitted = permit(this.#state, "join", { kind: "join", member: nobody, leads }, Date.now());
    return permitted.ok ? null : (permitted.codes[0] ?? null);
  }

  /** A member comes back by another connection. A wrong key changes nothing. */
  async comeBack({ request: wish, ...by }: ReturnCall): Promise<Outcome<Admission<ResumeAnswer>>> {
    const before = this.#state;
    if (!before || isOver(before)) return refuse("no_such_lobby");
    const key = await verifyResumeKey(this.#object.env, before.incarnation, wish.resumeKey);
    if (!key) return refuse("wrong_resume_key");
    const { clientId, resumes } = key;
    const absence = before.away.find((one) => one.clientId === clientId);
    const isUnsure = absence?.letGo !== undefined || absence?.hasMissedSome;
    const lostAt = isUnsure ? 0 : absence ? absence.until - before.graceMs : Date.now();
    // What was said before it came is not for it.
    const heardAt = Math.max(wish.heardAt ?? lostAt, memberOf(before, clientId)?.since ?? 0);
    const { requestId: resumedBy, reconnect } = wish;
    const admitted = await this.#admit({ kind: "return", clientId, resumes, resumedBy, reconnect, ...by });
    if (!admitted.ok) return admitted;
    const { answer, ...about } = admitted.value;
    return accept({ answer: { ...answer, missed: this.#recentChat.after(heardAt) }, ...about });
  }

  async start({ clientId: session, ...call }: StartCall): Promise<Costing<null>> {
    const timing = settingsOf(this.#object.env);
    return await this.#askAsMember({ kind: "start", clientId: this.#askerOf(session), ...call, timing });
  }

  async steer({ wish: kind, clientId: session, ...by }: SteerCall): Promise<Costing<null>> {
    return await this.#askAsMember({ kind, clientId: this.#askerOf(session), ...by });
  }

  /** What a member, or the host, asks besides. */
  async ask({ clientId: session, requestId, wish, hostNetworks }: AskCall): Promise<Costing<WishAnswer>> {
    const by = { clientId: this.#askerOf(session), requestId };
    switch (wish.kind) {
      case "look":
        return await this.#askAsMember({ kind: "look", ...by });
      case "hand-over":
      case "kick":
      case "unban":
        return await this.#askAsMember({ ...wish, ...by });
      case "change": {
        if (this.#state?.topology === "mesh" && this.#isTooLargeForMesh(wish.change.maxMembers))
          return refuse("mesh_too_large");
        if (!this.#mayChat(by.clientId, JSON.stringify(wish.change))) return refuseFor(1);
        const { password: text, ifVersion, term, ...rest } = wish.change;
        const password =
          text === undefined ? {} : { password: text === null ? null : await keptPassword(text) };
        const change = { ...rest, ...password };
        return await this.#askAsMember({ kind: "change", ...by, change, ifVersion, term, hostNetworks });
      }
      case "change-member": {
        if (!this.#mayChat(by.clientId, JSON.stringify(wish.change))) return refuseFor(1);
        const { ifVersion, ...change } = wish.change;
        return await this.#askAsMember({ kind: "change-member", ...by, change, ifVersion });
      }
      case "ice":
        return await this.#iceServers(by.clientId);
      case "read-snapshot":
        return this.#readSnapshot(by.clientId);
      case "write-snapshot":
        return this.#writeSnapshot(by.clientId, { ...wish, requestId });
    }
  }

  /** What the operator of the server wants. */
  async operate(wish: OperatorWish): Promise<Outcome<Inspection | null>> {
    switch (wish.kind) {
      case "look": {
        const state = this.#state;
        return state && !isOver(state) ? accept(inspected(state)) : refuse("no_such_lobby");
      }
      case "close":
        return await this.#askAsMember({ ...wish, kind: "operator-close" });
      case "kick":
        return await this.#askAsMember({ ...wish, kind: "operator-kick" });
    }
  }

  #isTooLargeForMesh(maxMembers = 0): boolean {
    return maxMembers > settingsOf(this.#object.env).meshMembers;
  }

  #readSnapshot(clientId: string): Outcome<WishAnswer> {
    const now = Date.now();
    const permitted = permit(this.#state, "read-snapshot", { clientId }, now);
    if (!permitted.ok) return permitted;
    const state = permitted.value;
    const waitS = this.#reads.draw(clientId, state.members.length, now);
    if (waitS > 0) return refuseFor(waitS);
    return this.#snapshots.read(state.incarnation);
  }

  /** The operator's own servers, and those of Cloudflare with a credential for this member. */
  async #iceServers(clientId: string): Promise<Outcome<IceAnswer>> {
    const now = Date.now();
    const permitted = permit(this.#state, "ice", { clientId }, now);
    if (!permitted.ok) return permitted;
    const { incarnation, members, isLasting } = permitted.value;
    const waitS = this.#iceRequests.draw(clientId, members.length, now);
    if (waitS > 0) return refuseFor(waitS);
    const own = [...settingsOf(this.#object.env).iceServers];
    const lifeMs = platformLimits.turnLifeS * 1000;
    if (!this.#turn.isOffered) return accept({ iceServers: own, lifeMs });
    // What is kept beside a lobby must not outlive it.
    if (!isLasting) {
      this.#state = lastingFrom(permitted.value, now);
      this.#save();
    }
    const isMember = () =>
      this.#state?.incarnation === incarnation && memberOf(this.#state, clientId) !== undefined;
    const issued = await this.#turn.issue(incarnation, clientId, isMember);
    return accept({ iceServers: [...own, ...(issued ?? [])], lifeMs });
  }

  #writeSnapshot(clientId: string, snapshot: SnapshotWish): Outcome<WishAnswer> {
    const now = Date.now();
    const permitted = permit(this.#state, "write-snapshot", { clientId }, now);
    if (!permitted.ok) return permitted;
    const state = permitted.value;
    // What is kept beside a lobby must not outlive it.
    if (!state.isLasting) {
      this.#state = lastingFrom(state, now);
      this.#save();
    }
    return this.#snapshots.write(state.incarnation, snapshot, now);
  }

  /** Takes news of a member. False if there is no such member in this lobby. */
  hear({ incarnation, event: news }: News): boolean {
    const state = this.#state;
    const isOld = incarnation !== undefined && incarnation !== state?.incarnation;
    const member = this.#memberFor(news.clientId);
    // Its last message says why it is out. To say now that the lobby is over would come before that.
    if (state && !isOld && !member && this.#leaving.has(news.clientId)) return true;
    if (!state || isOld || !member) return false;
    const { clientId } = member;
    const event: MemberEvent = { ...news, clientId };
    if (event.kind !== "member-left" && event.kind !== "connection-lost") this.#noteHeard(clientId);
    switch (event.kind) {
      case "message-sent": {
        if (!this.#mayChat(clientId, event.text)) return true;
        if (state.graceMs > 0) this.#recentChat.add({ at: Date.now(), from: member.name, text: event.text });
        break;
      }
      case "visibility-changed":
        if (!this.#mayChat(clientId, "")) return true;
        break;
      case "signal-sent": {
        const { to, data } = event;
        if (this.#signals.allows(state, { from: clientId, to, data }, Date.now())) break;
        const code = "too_many_requests";
        const failed = { kind: "send", to: [member], message: { type: "signalFailed", to, code } } as const;
        this.#effects.perform([failed], state.incarnation);
        return true;
      }
    }
    this.#happen(event);
    return this.#memberFor(news.clientId) !== undefined;
  }

  awaits(session: string, witness: Witness): boolean {
    return this.#state !== null && isAwaited(this.#state, this.#clientIdFor(session), witness);
  }

  /** The members that these sessions speak for are gone, or their object is out of reach. */
  lose(sessions: string[], incarnation: string | undefined, how: "gone" | "out of reach"): void {
    if (this.#state?.incarnation !== incarnation) return;
    const clientIds = sessions.map((session) => this.#clientIdFor(session)).filter((one) => one !== "");
    if (clientIds.length === 0) return;
    const isOutOfReach = how === "out of reach" ? true : undefined;
    this.#happen({ kind: "members-lost", clientIds, isOutOfReach });
  }

  /** This member has said or asked something, so its connection lives. */
  #noteHeard(clientId: string): void {
    if (this.#state && isOutOfReach(this.#state, clientId)) this.#happen({ kind: "member-heard", clientId });
  }

  /** The object's alarm has come: does what is due, and what follows from it. */
  async alarm(): Promise<void> {
    this.#snapshots.writeDue(Date.now());
    if (this.#state && isDue(this.#state, Date.now())) await this.#wake();
  }

  /** Sees to the next alarm. */
  seeToAlarm(): void {
    if (!this.#state) return;
    this.#object.wakeUp.wakeBy(Math.min(wakeAt(this.#state), this.#snapshots.wakeAt));
  }

  /** Deletes the row of a lobby that is over. */
  deleteRow(): void {
    if (this.#isStored && !this.#state) this.#object.storage.kv.delete(row);
    this.#isStored = false;
  }

  /** All of the object's storage is deleted. */
  deleted(): void {
    this.#isStored = false;
  }

  /** A deadline has passed. Done when what follows from it is. */
  async #wake(): Promise<void> {
    if (!this.#state) return;
    const now = Date.now();
    const state = onTime(this.#state, now, true);
    const { phase } = state;
    const reminding = phase.kind === "gathering" && phase.remindAt <= now;
    const wish = reminding ? { place: phase.place, not: phase.sidecar } : {};
    const sidecar = reminding || isPauseOver(state, now) ? await this.#pickSidecar(wish) : undefined;
    await this.#happen({ kind: "deadline-passed", sidecar });
  }

  async #pickSidecar(wish: {
    place?: Place | undefined;
    not?: string | undefined;
  }): Promise<Sidecar | undefined> {
    return pickSidecar(await liveSidecars(this.#object.env, true), { ...wish, chance: random() });
  }

  /** A stranger is refused anyway, so it uses up nothing. */
  #mayChat(clientId: string, text: string): boolean {
    if (clientId === "") return true;
    const { chatDeliveriesPerSecond: perSecond } = settingsOf(this.#object.env);
    const members = this.#state?.members.length ?? 1;
    return mayChat(this.#chat, clientId, members, Date.now(), { perSecond, weight: weightOf(text) });
  }

  async #admit<R extends OpenRequest | JoinRequest | ReturnRequest>(
    asked: R,
  ): Promise<Outcome<Admission<AnswerTo<R>>>> {
    const { answer, incarnation, calls } = await this.#ask(asked);
    if (!answer.ok) return answer;
    const key = await this.#resumeKey(resumeKeyAfter(asked), incarnation, answer.value);
    return accept({ answer: { ...answer.value, ...key }, incarnation, calls });
  }

  /** The key for the next time that this member loses its connection: for clients that know of it, where there is a grace period. */
  async #resumeKey(next: ResumeKey, incarnation: string, { lobby }: MemberAnswer): Promise<MemberAnswer> {
    if (!lobby || lobby.graceMs === 0) return {};
    return { resumeKey: await issueResumeKey(this.#object.env, incarnation, next) };
  }

  async #askAsMember<R extends LobbyRequest>(asked: R): Promise<Costing<AnswerTo<R>>> {
    const { answer, calls } = await this.#ask(asked);
    return calls > 0 ? { ...answer, calls } : answer;
  }

  /** The answer to a request, and of which lobby of this code it is, once what must be known before it is known. */
  async #ask<R extends LobbyRequest>(
    asked: R,
  ): Promise<{ answer: Outcome<AnswerTo<R>>; incarnation: string; calls: number }> {
    // A lounge that does not answer keeps nobody waiting for long.
    if (this.#confirming) await within(objectLimits.directoryPatienceMs, this.#confirming, undefined);
    const now = Date.now();
    const { answer, ...taken } = request(this.#state, asked, now);
    const incarnation = taken.state?.incarnation ?? "";
    const before = this.#object.callsCaused;
    const done = this.#take(asked, taken, now);
    const calls = this.#object.callsCaused - before;
    if (done) await done;
    return { answer, incarnation, calls };
  }

  /** Takes an event. Done when what follows from it is; null if that is now. */
  #happen(event: LobbyEvent): Promise<void> | null {
    const now = Date.now();
    return this.#take(event, step(this.#state, event, now), now);
  }

  /**
   * Takes the state after a request or an event, keeps it if it must be, and sends what there is to send: one turn, no
   * await. Null if all is done.
   */
  #take(
    input: LobbyRequest | LobbyEvent,
    { state, effects }: Step<LobbyState | null>,
    now: number,
  ): Promise<void> | null {
    const before = this.#state;
    this.#state = state;
    if (state !== before)
      this.#turn.keepOnly(
        state?.incarnation,
        (clientId) => state?.members.some((one) => one.clientId === clientId) ?? false,
      );
    this.#statistics.note(before, input, state, now);
    // Chat changes no state.
    if (state !== before && logsLobbies(this.#object.env)) logLife(lifeLines(before, input, state, now));
    if (effects.some(({ kind }) => kind === "save")) this.#save();
    const callsBefore = this.#object.callsCaused;
    const done = this.#effects.perform(effects, (state ?? before)?.incarnation ?? "");
    const calls = () => callsOf(effects, this.#object.lobbyId);
    // They wait for the directory: whoever brought this about pays for them now.
    if (done && this.#object.callsCaused === callsBefore) this.#object.willCall(calls());
    // When its time to return is over, nobody is there to pay for what the others are told then.
    const goesAway = (state?.away.length ?? 0) > (before?.away.length ?? 0);
    if (goesAway) this.#object.willCall(calls() + objectLimits.absenceCalls);
    const isConnected = input.kind === "links-lost" && state !== before;
    if (state && (isConnected || isToBeConnected(input, state))) this.#object.willCall(newcomerCalls(state));
    this.#noteLeaving(effects, done);
    return done;
  }

  #noteLeaving(effects: readonly Effect[], done: Promise<void> | null): void {
    const released = effects.flatMap((effect) => (effect.kind === "release" ? effect.to.map(sessionOf) : []));
    if (released.length === 0) return;
    for (const session of released) this.#leaving.add(session);
    const queue = this.#effects;
    const arrived = async () => {
      await done;
      await queue.arrived();
      for (const session of released) this.#leaving.delete(session);
    };
    void arrived();
  }

  /**
   * A lobby of which something must survive its sockets is a row, written before anybody hears of the change. Another's
   * state is attached to its host's socket and ends with it: that costs nothing.
   */
  #save(): void {
    const { storage, wakeUp } = this.#object;
    const state = this.#state;
    if (!state) return;
    const host = this.#hostSession(state);
    if (state.isLasting) {
      if (!this.#isStored) this.#detach();
      storage.kv.put<Row>(row, { ...keptLobby(state), boot: thisBoot() });
      this.#isStored = true;
    } else if (host) {
      host.hosted = state.phase.kind === "closing" ? null : keptLobby(state);
    }
    wakeUp.wakeBy(wakeAt(state));
  }

  /** Storage has the lobby from now on. */
  #detach(): void {
    for (const session of this.#object.connections) if (session.hosted) session.hosted = null;
  }

  #hostSession(state: LobbyState): Session | undefined {
    const host = memberOf(state, state.hostId);
    return host && this.#object.connections.get(sessionOf(host));
  }

  /** Another version kept this lobby, and this one cannot read it: it is over. Members elsewhere hear of it when they say something. */
  #giveUp(): void {
    const { connections, lobbyId } = this.#object;
    logFault("kept_lobby_unreadable", { lobbyId });
    this.#statistics.over();
    for (const session of connections) {
      session.hosted = null;
      connections.drop({ lobbyId, clientId: session.id });
    }
    this.#forget();
  }

  #newQueue(): EffectQueue {
    return new EffectQueue(this.#object, {
      listingFailed: () => this.#happen({ kind: "listing-failed" }),
      forget: () => this.#forget(),
    });
  }

  /** Nothing of this lobby is left: the next one of this code begins anew. */
  #forget(): void {
    const before = this.#state;
    const host = before && this.#hostSession(before);
    if (host) host.hosted = null;
    this.#state = null;
    this.#snapshots.forget();
    const { phase } = before ?? {};
    // After a success the members play on, by whatever servers their links use.
    if (phase?.kind === "closing" && phase.success) this.#turn.letGo();
    else this.#turn.keepOnly(undefined, () => false);
    this.#signals = new SignalAllowance();
    this.#recentChat = new RecentChat(Date.now());
    this.#reads.forget();
    this.#iceRequests.forget();
    this.#effects = this.#newQueue();
    this.#chat = newChatAllowance(Date.now());
    this.#object.over();
  }
}

/** What a host wants of its lobby besides Orion's fields. What is as Orion has it is left out. */
async function optionsOf({
  lifetime,
  topology,
  onHostLoss,
  signals,
  encryption,
  game,
  title,
  password,
  locked,
  data,
  awaitsHost,
}: LobbyWish): Promise<LobbyOptions> {
  return {
    ...(lifetime === "session" && { lifetime }),
    ...(topology === "mesh" && { topology }),
    ...(onHostLoss === "migrate" && { onHostLoss }),
    ...(awaitsHost && { awaitsHost }),
    ...(signals === "all" && { signals }),
    ...(encryption === "required" && { encryption }),
    ...(game !== undefined && { game }),
    ...(title !== undefined && { title }),
    ...(password !== undefined && { password: await keptPassword(password) }),
    ...(locked && { locked }),
    ...(data && { data }),
  };
}

/** What the member's next resume key says. */
function resumeKeyAfter(asked: OpenRequest | JoinRequest | ReturnRequest): ResumeKey {
  switch (asked.kind) {
    case "open":
      return { clientId: asked.host.clientId, resumes: 0 };
    case "join":
      return { clientId: asked.member.clientId, resumes: 0 };
    case "return":
      return { clientId: asked.clientId, resumes: asked.resumes + 1 };
  }
}

/** Whether this brings a player who is connected to those who play, by a mediation that begins by itself. */
function isToBeConnected(input: LobbyRequest | LobbyEvent, { playing = [] }: LobbyState): boolean {
  return (
    playing.length > 0 && (input.kind === "join" || (input.kind === "return" && input.reconnect === true))
  );
}

/** What such a player causes, in calls. */
function newcomerCalls({ topology, members }: LobbyState): number {
  const peers = topology === "mesh" ? members.length - 1 : 1;
  return objectLimits.newcomerCalls + peers * objectLimits.peerCalls;
}

/** The other objects that these effects call to tell members something. */
function callsOf(effects: readonly Effect[], lobbyId: string): number {
  const told = effects.flatMap((effect) =>
    effect.kind === "send" || effect.kind === "release" ? effect.to.map(({ holder }) => holder) : [],
  );
  return new Set(told.filter((holder) => holder !== lobbyId)).size;
}
