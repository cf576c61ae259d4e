/**
 * The shell around the state machine in core/lobby: one lobby, as its object runs it. It keeps the state where it outlives
 * the object's memory, has the effects done in their order, and wakes the machine when a deadline comes.
 */
import { mayChat, newChatAllowance, weightOf } from "../../core/chat-allowance.ts";
import { type Place, pickSidecar, type Sidecar } from "../../core/fleet.ts";
import { request } from "../../core/lobby/answer.ts";
import { isDue, onTime } from "../../core/lobby/clock-jumps.ts";
import { wakeAt } from "../../core/lobby/deadlines.ts";
import type { Effect, Step } from "../../core/lobby/effect.ts";
import type { LobbyEvent, Witness } from "../../core/lobby/event.ts";
import { isAwaited } from "../../core/lobby/gathering.ts";
import { type KeptLobby, keptLobby, readKeptLobby } from "../../core/lobby/kept.ts";
import { lifeLines } from "../../core/lobby/life.ts";
import type { AnswerTo, JoinRequest, LobbyRequest, OpenRequest } from "../../core/lobby/request.ts";
import { isHere, type LobbyState, type Member, memberOf, remoteMembers } from "../../core/lobby/state.ts";
import { step } from "../../core/lobby/step.ts";
import { accept, type Outcome } from "../../core/problem.ts";
import type { HostAnswer, JoinAnswer } from "../../core/wire/http.ts";
import { thisBoot } from "../platform/boot.ts";
import { logsLobbies, settingsOf } from "../platform/env.ts";
import { logFault, logLife } from "../platform/log.ts";
import type { Admission, News, OpenCall, StartCall, SteerCall } from "../platform/ports.ts";
import { random } from "../platform/random.ts";
import { within } from "../platform/retry.ts";
import type { LobbyHere } from "../sessions/holder.ts";
import { EffectQueue } from "./effect-queue.ts";
import { liveSidecars } from "./fleet.ts";
import { objectLimits } from "./limits.ts";
import type { LobbyObject } from "./lobby-object.ts";

/** The one row, and which process wrote it. */
const row = "lobby";
type Row = KeptLobby & { boot: string };

export class LobbyMachine implements LobbyHere {
  readonly #object: LobbyObject;
  #state: LobbyState | null = null;
  #isStored = false;
  #effects: EffectQueue;
  /** The members elsewhere are being asked whether they are still there. Done when they have answered. */
  #confirming: Promise<void> | null = null;
  #chat = newChatAllowance(Date.now());

  constructor(object: LobbyObject) {
    this.#object = object;
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

  /** Whether it is open and public, and its members elsewhere are still there: one whose host is gone is closed first. */
  async isListed(): Promise<boolean> {
    if (this.#state?.isPublic) await this.#confirm();
    return this.isOpen && this.#state?.isPublic === true;
  }

  /** Whether this very request of this host has opened the lobby. */
  isMadeBy({ clientId, requestId }: Member): boolean {
    return this.#state !== null && memberOf(this.#state, clientId)?.requestId === requestId;
  }

  async isMember(clientId: string, incarnation: string): Promise<boolean> {
    const state = this.#state;
    return state?.incarnation === incarnation && memberOf(state, clientId) !== undefined;
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
        isHere(state, member) && !connections.get(member.clientId)?.isIn(lobbyId, state.incarnation),
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
    const { lobbyName, isPublic, maxMembers, onLoss, privacy } = wish;
    return await this.#admit({
      kind: "open",
      lobbyId: this.#object.lobbyId,
      incarnation: crypto.randomUUID(),
      name: lobbyName,
      isPublic,
      maxMembers,
      goesOn: onLoss === "continue",
      relayOnly: privacy === "relay-only",
      graceMs: 0,
      host,
      hostNetworks: networks,
    });
  }

  async enter(member: Member): Promise<Outcome<Admission<JoinAnswer>>> {
    return await this.#admit({ kind: "join", member });
  }

  async start(call: StartCall): Promise<Outcome<null>> {
    const timing = settingsOf(this.#object.env);
    return (await this.#ask({ kind: "start", ...call, timing })).answer;
  }

  async steer({ wish: kind, ...by }: SteerCall): Promise<Outcome<null>> {
    return (await this.#ask({ kind, ...by })).answer;
  }

  /** Takes news of a member. False if there is no such member in this lobby. */
  hear({ incarnation, event }: News): boolean {
    const state = this.#state;
    const isOld = incarnation !== undefined && incarnation !== state?.incarnation;
    if (!state || isOld) return false;
    if (event.kind === "message-sent" && !this.#mayChat(event.clientId, event.text)) {
      return memberOf(state, event.clientId) !== undefined;
    }
    this.#happen(event);
    return this.#state !== null && memberOf(this.#state, event.clientId) !== undefined;
  }

  awaits(clientId: string, witness: Witness): boolean {
    return this.#state !== null && isAwaited(this.#state, clientId, witness);
  }

  /** These members could not be reached. */
  lose(clientIds: string[], incarnation: string | undefined): void {
    if (clientIds.length > 0 && this.#state?.incarnation === incarnation)
      this.#happen({ kind: "members-lost", clientIds });
  }

  /** The object's alarm has come: does what is due, and what follows from it. */
  async alarm(): Promise<void> {
    if (this.#state && isDue(this.#state, Date.now())) await this.#wake();
  }

  /** Sees to the next alarm. */
  seeToAlarm(): void {
    if (this.#state) this.#object.wakeUp.wakeBy(wakeAt(this.#state));
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
    const { phase } = onTime(this.#state, now, true);
    const reminding = phase.kind === "gathering" && phase.remindAt <= now;
    const sidecar = reminding
      ? await this.#pickSidecar({ place: phase.place, not: phase.sidecar })
      : undefined;
    await this.#happen({ kind: "deadline-passed", sidecar });
  }

  async #pickSidecar(wish: {
    place?: Place | undefined;
    not?: string | undefined;
  }): Promise<Sidecar | undefined> {
    return pickSidecar(await liveSidecars(this.#object.env, true), { ...wish, chance: random() });
  }

  #mayChat(clientId: string, text: string): boolean {
    const { chatDeliveriesPerSecond: perSecond } = settingsOf(this.#object.env);
    const members = this.#state?.members.length ?? 1;
    return mayChat(this.#chat, clientId, members, Date.now(), { perSecond, weight: weightOf(text) });
  }

  async #admit<R extends OpenRequest | JoinRequest>(asked: R): Promise<Outcome<Admission<AnswerTo<R>>>> {
    const { answer, incarnation, calls } = await this.#ask(asked);
    return answer.ok ? accept({ answer: answer.value, incarnation, calls }) : answer;
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
    // Chat changes no state.
    if (state !== before && logsLobbies(this.#object.env)) logLife(lifeLines(before, input, state, now));
    if (effects.some(({ kind }) => kind === "save")) this.#save();
    const callsBefore = this.#object.callsCaused;
    const done = this.#effects.perform(effects, (state ?? before)?.incarnation ?? "");
    // They wait for the directory: whoever brought this about pays for them now.
    if (done && this.#object.callsCaused === callsBefore)
      this.#object.willCall(callsOf(effects, this.#object.lobbyId));
    return done;
  }

  /**
   * A lobby of which something must survive its sockets is a row, written before anybody hears of the change. Another's
   * state is attached to its host's socket and ends with it: that costs nothing.
   */
  #save(): void {
    const { storage, connections, wakeUp } = this.#object;
    const state = this.#state;
    if (!state) return;
    const host = connections.get(state.hostId);
    if (state.isLasting) {
      if (host?.hosted) host.hosted = null;
      storage.kv.put<Row>(row, { ...keptLobby(state), boot: thisBoot() });
      this.#isStored = true;
    } else if (host) {
      host.hosted = state.phase.kind === "closing" ? null : keptLobby(state);
    }
    wakeUp.wakeBy(wakeAt(state));
  }

  /** Another version kept this lobby, and this one cannot read it: it is over. Members elsewhere hear of it when they say something. */
  #giveUp(): void {
    const { connections, lobbyId } = this.#object;
    logFault("kept_lobby_unreadable", { lobbyId });
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
    const host = this.#object.connections.get(this.#state?.hostId ?? "");
    if (host) host.hosted = null;
    this.#state = null;
    this.#effects = this.#newQueue();
    this.#chat = newChatAllowance(Date.now());
    this.#object.over();
  }
}

/** The other objects that these effects call to tell members something. */
function callsOf(effects: readonly Effect[], lobbyId: string): number {
  const told = effects.flatMap((effect) =>
    effect.kind === "send" || effect.kind === "release" ? effect.to.map(({ holder }) => holder) : [],
  );
  return new Set(told.filter((holder) => holder !== lobbyId)).size;
}
