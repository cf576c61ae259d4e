/**
 * A home's post: frames of its lobbies for clients, here or in other homes, and news of its clients for lobbies. What the
 * receiver has no use for comes back as strays, and whoever believed in it is put right.
 */
import type { MemberEvent } from "../core/lobby/event.ts";
import { serverMessage } from "../core/wire/server-message.ts";
import type { ClientSeat } from "./client.ts";
import type { Crowd } from "./crowd.ts";
import { Answers, type Batch, Flights } from "./flight.ts";
import type { Lobby } from "./lobby.ts";
import { logFault } from "./log.ts";
import type { Mail, News, Parcel, SeatRef } from "./ports.ts";

/** What a post office needs of its home. */
export type Premises = {
  /** The home's number. */
  home(): string;
  readonly crowd: Crowd;
  lobbyOf(lobbyId: string): Lobby | undefined;
  /** Brings a batch to another home; answers with its strays. */
  bring(home: string, batch: Batch<Mail>): Promise<SeatRef[]>;
};

export class PostOffice {
  readonly #premises: Premises;
  readonly #answers = new Answers<SeatRef[]>();
  readonly #flights: Flights<Mail, SeatRef[]>;

  constructor(premises: Premises) {
    this.#premises = premises;
    this.#flights = new Flights({
      call: (home, batch) => premises.bring(home, batch),
      arrived: (strays) => this.#giveUp(strays),
      lost: (home, mail, error) => this.#mailLost(home, mail, error),
    });
  }

  /** Sends a parcel to another home. True once it is there, false if it is lost. */
  send(home: string, parcel: Parcel): Promise<boolean> {
    return this.#flights.push(home, parcel);
  }

  /** Tells a lobby of a member. True once it knows. `seat` is where the one that the news is of believes to have one. */
  tell(
    seat: Pick<ClientSeat, "home" | "lobbyId"> & { attempt?: string },
    news: MemberEvent,
  ): true | Promise<boolean> {
    const mail = { lobbyId: seat.lobbyId, news, attempt: seat.attempt };
    if (seat.home !== this.#premises.home()) return this.#flights.push(seat.home, mail);
    this.#giveUp(this.#hear(mail));
    return true;
  }

  /** What another home brings. The same batch again gets the same answer. */
  receive(from: string, batch: Batch<Mail>): SeatRef[] {
    return this.#answers.once(from, batch, Date.now(), () => batch.items.flatMap((mail) => this.#take(mail)));
  }

  /** Hands a parcel to its clients. Returns those that are not here, or not in that lobby. */
  deliver({ lobbyId, to, frame, release }: Parcel): SeatRef[] {
    const { crowd } = this.#premises;
    const strays: SeatRef[] = [];
    for (const clientId of to) {
      const client = crowd.get(clientId);
      if (client?.lobbyId !== lobbyId) {
        strays.push({ lobbyId, clientId });
        continue;
      }
      if (frame !== undefined) crowd.send(client, frame);
      if (release) client.release();
    }
    return strays;
  }

  /** The lobby does not know the client: what the client has not heard of it is that it is closed. */
  dropSeat({ lobbyId, clientId, attempt }: SeatRef): void {
    const { crowd } = this.#premises;
    const client = crowd.get(clientId);
    const seat = client?.seat;
    if (!client || seat?.lobbyId !== lobbyId) return;
    // What is told late may be of a seat before.
    if (attempt !== undefined && attempt !== seat.attempt) return;
    client.seat = null;
    crowd.send(client, serverMessage("lobby_closed", { lobbyId, lobbyName: seat.lobbyName }));
  }

  /** Takes one piece of a batch, whatever becomes of the others. Returns the strays. */
  #take(mail: Mail): SeatRef[] {
    try {
      return "to" in mail ? this.deliver(mail) : this.#hear(mail);
    } catch (error) {
      logFault("mail was not dealt with", { lobbyId: mail.lobbyId }, error);
      return [];
    }
  }

  /** News of a member for a lobby of this home. Returns the member if it has no seat there, and has not just left it. */
  #hear({ lobbyId, news, attempt }: News): SeatRef[] {
    const lobby = this.#premises.lobbyOf(lobbyId);
    lobby?.hear(news);
    const { kind, clientId } = news;
    return kind === "member-left" || lobby?.isSeated(clientId) ? [] : [{ lobbyId, clientId, attempt }];
  }

  /** Strays of what this home has sent: members of its lobbies that are gone, or clients that are in no lobby there. */
  #giveUp(strays: readonly SeatRef[]): void {
    for (const [lobbyId, some] of Map.groupBy(strays, (stray) => stray.lobbyId)) {
      this.#loseMembers(
        lobbyId,
        some.map(({ clientId }) => clientId),
      );
      for (const stray of some) this.dropSeat(stray);
    }
  }

  #mailLost(home: string, mail: Mail[], error: unknown): void {
    logFault("home unreachable", { from: this.#premises.home(), home, lost: mail.length }, error);
    const parcels = mail.filter((item) => "to" in item);
    for (const [lobbyId, some] of Map.groupBy(parcels, (parcel) => parcel.lobbyId)) {
      this.#loseMembers(
        lobbyId,
        some.flatMap(({ to }) => to),
      );
    }
  }

  #loseMembers(lobbyId: string, clientIds: string[]): void {
    this.#premises.lobbyOf(lobbyId)?.happen({ kind: "members-lost", clientIds });
  }
}
