/** How clients of one home take seats: one at a time, and the same request, repeated, gets the same answer. */
import { limits } from "../core/limits.ts";
import type { Seat } from "../core/lobby/state.ts";
import { type Outcome, refuse } from "../core/problem.ts";
import type { HostAnswer } from "../core/wire/http.ts";
import type { Client } from "./client.ts";
import { logFault } from "./log.ts";
import type { HomePort, SeatRef } from "./ports.ts";
import { retry } from "./retry.ts";

/** What seating needs of its home. */
export type Hall = {
  clientOf(clientId: string): Client | undefined;
  /** The home of that name: this one itself, or one that is called. */
  homeAt(home: string): Pick<HomePort, "enter" | "isSeated">;
  /** Tells a lobby that this client, or with an attempt the seat it took, is gone. */
  giveBack(home: string, lobbyId: string, clientId: string, attempt?: string): void;
  dropSeat(stray: SeatRef): void;
};

/** Where a seat is being taken. */
type Aim = (home: string, lobbyId: string) => void;

export class Seating {
  readonly #hall: Hall;

  constructor(hall: Hall) {
    this.#hall = hall;
  }

  /**
   * Lets the client take one seat, unless it has one or is taking one. `take` is told the client, and aims at a lobby
   * before it asks it.
   */
  async take<T extends HostAnswer>(
    clientId: string,
    attempt: string,
    take: (client: Client, aim: Aim) => Promise<Outcome<T>>,
  ): Promise<Outcome<T>> {
    const client = this.#hall.clientOf(clientId);
    if (!client) return refuse("invalid_token");
    while (client.taking?.attempt === attempt) await client.taking.ended;
    if (client.taking) return refuse("already_in_lobby");

    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const taking = { attempt, lobbyId: "", home: "", released: false, ended };
    client.taking = taking;
    try {
      if (await this.#isElsewhere(client, attempt)) return refuse("already_in_lobby");
      const outcome = await take(client, (home, lobbyId) => {
        taking.home = home;
        taking.lobbyId = lobbyId;
      });
      if (!outcome.ok) return outcome;
      const { lobbyId, lobbyName } = outcome.value;
      const { home } = taking;
      if (!this.#hall.clientOf(clientId)) {
        this.#hall.giveBack(home, lobbyId, clientId);
        return refuse("invalid_token");
      }
      if (!taking.released) client.seat = { lobbyId, lobbyName, home, attempt };
      return outcome;
    } finally {
      client.taking = null;
      end();
    }
  }

  /** Asks a lobby for a seat. If it cannot be known whether the seat was given, it is given back. */
  async ask(home: string, lobbyId: string, seat: Seat): ReturnType<HomePort["enter"]> {
    try {
      return await retry(() => this.#hall.homeAt(home).enter(lobbyId, seat), limits.promptRetryDelaysMs);
    } catch (error) {
      logFault("lobby unreachable", { lobbyId }, error);
      this.#hall.giveBack(home, lobbyId, seat.clientId, seat.attempt);
      return refuse("unavailable");
    }
  }

  /** Whether the client has a seat that another attempt took. One that only this home believes in is given up. */
  async #isElsewhere({ id, seat }: Client, attempt: string): Promise<boolean> {
    if (!seat || seat.attempt === attempt) return false;
    const stray = { lobbyId: seat.lobbyId, clientId: id };
    try {
      if (await this.#hall.homeAt(seat.home).isSeated(stray)) return true;
    } catch (error) {
      logFault("lobby unreachable", { lobbyId: seat.lobbyId }, error);
      return true;
    }
    this.#hall.dropSeat(stray);
    return false;
  }
}
