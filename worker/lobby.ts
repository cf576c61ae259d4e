import { mayChat, newChatAllowance, weightOf } from "../core/chat-allowance.ts";
import { type Place, pickSidecar, type Sidecar } from "../core/fleet.ts";
import { isDue, onTime } from "../core/lobby/clock.ts";
import type { Effect, LobbyAnswer } from "../core/lobby/effect.ts";
import type { LobbyEvent, MemberEvent } from "../core/lobby/event.ts";
import { type LastingState, lasting } from "../core/lobby/lasting.ts";
import { lifeLines } from "../core/lobby/life.ts";
import { isAudited, type LobbyState, remoteSeats, seatOf, wakeAt } from "../core/lobby/state.ts";
import { step } from "../core/lobby/step.ts";
import type { Outcome } from "../core/problem.ts";
import { type Env, logsLobbies, settingsOf } from "./env.ts";
import { liveSidecars } from "./fleet.ts";
import { logLife } from "./log.ts";
import { Outbox } from "./outbox.ts";
import type { Parcel, StartCall } from "./ports.ts";

/** What lobbies need of the home they live in. */
export type Residence = {
  readonly env: Env;
  readonly home: string;
  readonly storage: DurableObjectStorage;
  /** Keeps the state in the attachment of its host's socket, if that is still there. */
  attach(state: LastingState): void;
  /** Takes the lobby off there, if it is this one. */
  detach(hostId: string, lobbyId: string): void;
  /** Whether this client's socket is here and in this lobby. */
  holds(clientId: string, lobbyId: string): boolean;
  /** Hands a parcel to clients that the home itself holds. */
  deliver(parcel: Parcel): void;
  /** Sends a parcel to another home. True once it is there, false if it is lost. */
  send(home: string, parcel: Parcel): Promise<boolean>;
};

/** Who looks after a lobby. */
export type Keeper = {
  /** Sees to it that the home's alarm comes by then. */
  wakeBy(at: number): void;
  /** The lobby is over and everyone knows. */
  forget(): void;
};

const prefix = "lobby:";

/** The lobbies of which others outside a home know, as storage has them. */
export function storedLobbies(storage: DurableObjectStorage): LastingState[] {
  return [...storage.kv.list<LastingState>({ prefix })].map(([, state]) => state);
}

/** One game room: the shell around the state machine in core/lobby. It lives in the home of its host. */
export class Lobby {
  readonly id: string;
  readonly #residence: Residence;
  readonly #keeper: Keeper;
  readonly #outbox: Outbox;
  readonly #chat = newChatAllowance(Date.now());
  #state: LobbyState | null;
  /** The remote members that the row in storage has; without a row, null. */
  #stored: ReadonlySet<string> | null;

  /** `stored` is the lobby's row, if there is one. */
  constructor(
    residence: Residence,
    id: string,
    state: LobbyState | null,
    stored: LobbyState | null,
    keeper: Keeper,
  ) {
    this.id = id;
    this.#residence = residence;
    this.#keeper = keeper;
    this.#state = state;
    this.#stored = stored && idsOf(stored);
    this.#outbox = new Outbox(residence, {
      lobbyId: id,
      listingFailed: () => this.happen({ kind: "listing-failed" }),
      forget: () => this.#forget(),
    });
  }

  get isOpen(): boolean {
    return this.#state !== null && this.#state.phase.kind !== "closing";
  }

  /** Whether it is open, and in the directory. */
  get isListed(): boolean {
    return this.isOpen && this.#state?.isPublic === true;
  }

  isSeated(clientId: string): boolean {
    return this.#state !== null && seatOf(this.#state, clientId) !== undefined;
  }

  /** When the lobby next has something to do by itself; infinity for never. */
  get wakeAt(): number {
    return this.#state ? wakeAt(this.#state) : Number.POSITIVE_INFINITY;
  }

  /** Whether the lobby has something to do by itself now. */
  get isDue(): boolean {
    return this.#state !== null && isDue(this.#state, Date.now());
  }

  /** Back from sleep, or a crash: members whose socket the home lost are gone, and a closing that was cut short goes on. */
  revive(): void {
    const state = this.#state;
    if (!state) return;
    const { home } = this.#residence;
    if (state.phase.kind === "closing") {
      this.#state = { ...state, auditAt: Date.now() };
      this.happen({ kind: "deadline-passed" });
      return;
    }
    const lost = state.seats.filter(
      (seat) => seat.home === home && !this.#residence.holds(seat.clientId, this.id),
    );
    if (lost.length > 0)
      this.happen({ kind: "members-lost", clientIds: lost.map(({ clientId }) => clientId) });
  }

  /** Takes news of a member, unless it is chat beyond what a lobby delivers. */
  hear(news: MemberEvent): void {
    if (news.kind === "message-sent" && !this.#mayChat(news.clientId, news.text)) return;
    this.happen(news);
  }

  #mayChat(clientId: string, text: string): boolean {
    const { chatDeliveriesPerSecond: perSecond } = settingsOf(this.#residence.env);
    const members = this.#state?.seats.length ?? 1;
    return mayChat(this.#chat, clientId, members, Date.now(), { perSecond, weight: weightOf(text) });
  }

  async start({ clientId, attempt, place }: StartCall): Promise<Outcome<null>> {
    const { env } = this.#residence;
    const sidecar = await this.#pickSidecar({ place });
    return await this.answer({
      kind: "start-requested",
      clientId,
      attempt,
      timing: settingsOf(env),
      sidecar,
      place,
    });
  }

  /** A deadline has passed. Done when what follows from it is. */
  async wake(): Promise<void> {
    if (!this.#state) return;
    const now = Date.now();
    const { phase } = onTime(this.#state, now, true);
    const reminding = phase.kind === "gathering" && phase.remindAt <= now;
    const sidecar = reminding
      ? await this.#pickSidecar({ place: phase.place, not: phase.sidecar }, true)
      : undefined;
    await this.happen({ kind: "deadline-passed", sidecar }).done;
  }

  /** The answer to a request, once what must be known before it is known. */
  async answer<T extends LobbyAnswer>(event: LobbyEvent): Promise<Outcome<T>> {
    const { effects, done } = this.happen(event);
    if (done) await done;
    const answer = effects.find((effect) => effect.kind === "answer");
    if (!answer) throw new Error(`${event.kind} was not answered`);
    return answer.outcome as Outcome<T>;
  }

  /**
   * Takes the event into the state, keeps it if it must be, and sends what there is to send: one turn, no await.
   * Without a `done`, all is done.
   */
  happen(event: LobbyEvent): { effects: Effect[]; done: Promise<void> | null } {
    const [before, now] = [this.#state, Date.now()];
    const { state, effects } = step(before, event, now);
    this.#state = state;
    // Chat changes no state.
    if (state !== before && logsLobbies(this.#residence.env)) logLife(lifeLines(before, event, state, now));
    if (effects.some(({ kind }) => kind === "save")) this.#save();
    return { effects, done: this.#outbox.perform(effects) };
  }

  async #pickSidecar(
    wish: { place?: Place | undefined; not?: string },
    fresh = false,
  ): Promise<Sidecar | undefined> {
    return pickSidecar(await liveSidecars(this.#residence.env, fresh), wish);
  }

  /**
   * The state goes where the host's socket goes. What others outside must hear of if that is lost (the directory,
   * homes of members) is a row besides, written when there is more of it, and at the end.
   */
  #save(): void {
    const state = this.#state;
    if (!state) return;
    const { storage } = this.#residence;
    const closing = state.phase.kind === "closing";
    // Its host may have another lobby by the time that a closing is repeated.
    if (closing) this.#residence.detach(state.hostId, this.id);
    else this.#residence.attach(lasting(state));
    this.#keeper.wakeBy(wakeAt(state));
    if (closing ? this.#stored !== null : this.#isUnknownOutside(state)) {
      storage.kv.put<LastingState>(prefix + this.id, lasting(state));
      this.#stored = idsOf(state);
    }
  }

  /** Whether somebody outside is about to know of the lobby of whom the row does not say so. */
  #isUnknownOutside(state: LobbyState): boolean {
    const stored = this.#stored;
    if (stored === null) return isAudited(state);
    return remoteSeats(state).some(({ clientId }) => !stored.has(clientId));
  }

  #forget(): void {
    this.#state = null;
    if (this.#stored) this.#residence.storage.kv.delete(prefix + this.id);
    this.#stored = null;
    this.#keeper.forget();
  }
}

function idsOf(state: LobbyState): ReadonlySet<string> {
  return new Set(remoteSeats(state).map(({ clientId }) => clientId));
}
