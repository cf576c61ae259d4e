import { type Place, pickSidecar, type Sidecar } from "../core/fleet.ts";
import { limits } from "../core/limits.ts";
import type { Effect, LobbyAnswer } from "../core/lobby/effect.ts";
import type { LobbyEvent, MemberEvent } from "../core/lobby/event.ts";
import { type LobbyState, type Seat, seatOf, wakeAt } from "../core/lobby/state.ts";
import { step } from "../core/lobby/step.ts";
import { type Outcome, refuse } from "../core/problem.ts";
import type { HostAnswer, JoinAnswer } from "../core/wire/http.ts";
import { type Env, settingsOf } from "./env.ts";
import { liveSidecars } from "./fleet.ts";
import { Answers, type Batch } from "./flight.ts";
import { Home, type LocalLobby } from "./home.ts";
import { Outbox } from "./outbox.ts";
import type { OpenCall, StartCall } from "./ports.ts";

/** What storage keeps: the whole lobby in one row, and when the alarm is set for. */
type Row = { state: LobbyState; alarmAt: number };
const rowKey = "lobby";

/** One game room: the shell around the state machine in core/lobby, and a home for members who came by the direct path. */
export class Lobby extends Home implements LocalLobby {
  protected override readonly local = this;
  readonly #answers = new Answers<string[]>();
  #state: LobbyState | null = null;
  /** The alarm that is set, as far as is known. */
  #alarmAt = Number.POSITIVE_INFINITY;
  #outbox: Outbox | null = null;
  /** An object woken by its alarm may not be told its name: then the stored lobby, or a token, tells it. */
  #lobbyId = "";

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const row = ctx.storage.kv.get<Row>(rowKey);
    this.#lobbyId = row?.state.lobbyId ?? ctx.id.name ?? this.nameInTokens ?? "";
    if (!row) return;
    this.#state = row.state;
    if (row.alarmAt > Date.now()) this.#alarmAt = row.alarmAt;
    const lost = row.state.seats.filter(
      ({ home, clientId }) => home === this.lobbyId && !this.holds(clientId, this.lobbyId),
    );
    if (row.state.phase.kind === "closing") {
      // A closing that was cut short is repeated at once.
      this.#state = { ...row.state, auditAt: Date.now() };
      this.#happen({ kind: "deadline-passed" });
    } else if (lost.length > 0)
      this.#happen({ kind: "members-lost", clientIds: lost.map(({ clientId }) => clientId) });
  }

  get lobbyId(): string {
    return this.#lobbyId;
  }

  /** An upgrade that means this lobby: `/host/<code>` by one who drew its code, `/join/<code>` by one who knows it. */
  override async fetch(request: Request): Promise<Response> {
    const [, intent, lobbyId = ""] = new URL(request.url).pathname.split("/");
    const open = this.#state !== null && this.#state.phase.kind !== "closing";
    const hosting = intent === "host";
    const welcome = hosting ? !this.#state && !this.awaitsOpening : open;
    if (!welcome || this.size >= limits.lobbySockets) return new Response(null, { status: 409 });
    if (!this.#state) this.#rename(lobbyId);
    return await this.accept(lobbyId, hosting);
  }

  /** An object that was woken nameless learns its name from whoever calls it by that. */
  #rename(lobbyId: string): void {
    this.#lobbyId = lobbyId;
    this.#outbox = null;
  }

  async open({ lobbyId, lobby, host }: OpenCall): Promise<Outcome<HostAnswer>> {
    const { lobbyName, isPublic, maxMembers } = lobby;
    // A code that somebody else is about to open is as good as taken.
    if (!this.#state && host.home !== lobbyId && this.awaitsOpening) return refuse("code_taken");
    if (!this.#state) this.#rename(lobbyId);
    return await this.#answer({
      kind: "open-requested",
      lobbyId,
      name: lobbyName,
      isPublic,
      maxMembers,
      host,
    });
  }

  async enter(seat: Seat): Promise<Outcome<JoinAnswer>> {
    return await this.#answer({ kind: "join-requested", seat });
  }

  async start({ clientId, attempt, place }: StartCall): Promise<Outcome<null>> {
    const sidecar = this.#state ? await this.#pickSidecar({ place }) : undefined;
    return await this.#answer({
      kind: "start-requested",
      clientId,
      attempt,
      timing: settingsOf(this.env),
      sidecar,
      place,
    });
  }

  async receive(batch: Batch<MemberEvent>): Promise<string[]> {
    return this.#answers.once(batch, () => {
      this.apply(batch.items);
      const clientIds = new Set(batch.items.map(({ clientId }) => clientId));
      return [...clientIds].filter((clientId) => !this.#state || !seatOf(this.#state, clientId));
    });
  }

  async isSeated(clientId: string): Promise<boolean> {
    return this.#state !== null && seatOf(this.#state, clientId) !== undefined;
  }

  apply(events: readonly MemberEvent[]): void {
    this.#happen(...events);
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = Number.POSITIVE_INFINITY;
    if (!this.#state) return;
    const { phase } = this.#state;
    const reminding = phase.kind === "gathering" && phase.remindAt <= Date.now();
    const sidecar = reminding
      ? await this.#pickSidecar({ place: phase.place, not: phase.sidecar }, true)
      : undefined;
    await this.#happen({ kind: "deadline-passed", sidecar }).done;
    this.#setAlarm();
  }

  async #pickSidecar(
    wish: { place?: Place | undefined; not?: string },
    fresh = false,
  ): Promise<Sidecar | undefined> {
    return pickSidecar(await liveSidecars(this.env, fresh), wish);
  }

  /** The answer to a request, once what must be known before it is known. */
  async #answer<T extends LobbyAnswer>(event: LobbyEvent): Promise<Outcome<T>> {
    const { effects, done } = this.#happen(event);
    await done;
    const answer = effects.find((effect) => effect.kind === "answer");
    if (!answer) throw new Error(`${event.kind} was not answered`);
    return answer.outcome as Outcome<T>;
  }

  /** Takes the events into the state, saves it if it must be, and sends what there is to send: one turn, no await. */
  #happen(...events: readonly LobbyEvent[]): { effects: Effect[]; done: Promise<void> } {
    const effects: Effect[] = [];
    for (const event of events) {
      const taken = step(this.#state, event, Date.now());
      this.#state = taken.state;
      effects.push(...taken.effects);
    }
    if (effects.some(({ kind }) => kind === "save")) this.#save();
    this.#outbox ??= this.#newOutbox();
    return { effects, done: this.#outbox.perform(effects) };
  }

  #save(): void {
    if (!this.#state) return;
    this.#setAlarm();
    this.ctx.storage.kv.put<Row>(rowKey, { state: this.#state, alarmAt: this.#alarmAt });
  }

  /** Sees to it that the alarm comes in time. One that comes early costs less than setting it again. */
  #setAlarm(): void {
    if (!this.#state) return;
    const at = wakeAt(this.#state);
    if (at >= this.#alarmAt) return;
    this.#alarmAt = at;
    this.ctx.storage.setAlarm(at);
  }

  /** The lobby is over and everyone knows. */
  #forget(): void {
    this.#state = null;
    this.#alarmAt = Number.POSITIVE_INFINITY;
    this.#outbox = null;
    this.ctx.storage.deleteAll();
  }

  #newOutbox(): Outbox {
    return new Outbox(this.env, {
      lobbyId: this.lobbyId,
      deliverHere: (lobbyId, parcels) => this.deliverHere(lobbyId, parcels),
      lost: (clientIds) => this.#happen({ kind: "members-lost", clientIds }),
      listingFailed: () => this.#happen({ kind: "listing-failed" }),
      forget: () => this.#forget(),
    });
  }
}
