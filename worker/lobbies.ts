import { type LastingState, restored } from "../core/lobby/lasting.ts";
import { type CodeBook, clearCodesOf } from "../core/lobby/lobby-id.ts";
import type { LobbyState } from "../core/lobby/state.ts";
import type { Alarm } from "./alarm.ts";
import { Lobby, type Residence } from "./lobby.ts";

/** The lobbies that live in one home: found by their codes, opened under free ones, woken by the home's one alarm. */
export class Lobbies {
  readonly #residence: Residence;
  readonly #alarm: Alarm;
  readonly #byId = new Map<string, Lobby>();
  /** The home's codes under the book that they were last drawn from. */
  #codes: { book: CodeBook; all: string[] } | null = null;
  /**
   * Codes drawn so far. A home draws its codes in turn, so that none is used again soon. After a sleep it goes on as if it
   * had drawn one each second.
   */
  #drawn = Math.floor(Date.now() / 1_000);

  constructor(residence: Residence, alarm: Alarm) {
    this.#residence = residence;
    this.#alarm = alarm;
  }

  /** Takes up what sleep or a crash has left: the rows in storage, and the newer states that hosts' sockets brought. */
  revive(stored: readonly LastingState[], attached: readonly LastingState[]): void {
    const rows = new Map(stored.map((state) => [state.lobbyId, state]));
    const states = new Map([...stored, ...attached].map((state) => [state.lobbyId, state]));
    for (const [lobbyId, state] of states) this.#add(lobbyId, restored(state), rows.get(lobbyId) ?? null);
    // What is to come was seen to before the sleep. What should have come already may be about to, or never come.
    const next = this.#nextWake();
    if (next > Date.now()) this.#alarm.wasToWakeBy(next);
    else this.#alarm.wakeBy(Date.now());
    for (const lobby of this.#byId.values()) lobby.revive();
  }

  get(lobbyId: string): Lobby | undefined {
    return this.#byId.get(lobbyId);
  }

  /** A lobby that is not open yet, under a free code, or null if there is none. */
  add(book: CodeBook): Lobby | null {
    if (this.#codes?.book !== book) {
      this.#codes = { book, all: clearCodesOf(book, Number(this.#residence.home)) };
    }
    const { all } = this.#codes;
    for (let tried = 0; tried < all.length; tried++) {
      this.#drawn += 1;
      const lobbyId = all[this.#drawn % all.length] ?? "";
      if (!this.#byId.has(lobbyId)) return this.#add(lobbyId, null, null);
    }
    return null;
  }

  /** The alarm has come: does what is due. Returns what is done when all that follows from it is. */
  alarm(): Promise<void>[] {
    const due = [...this.#byId.values()].filter((lobby) => lobby.isDue);
    this.#alarm.wakeBy(this.#nextWake((lobby) => !due.includes(lobby)));
    return due.map(async (lobby) => {
      try {
        await lobby.wake();
      } finally {
        this.#alarm.wakeBy(lobby.wakeAt);
      }
    });
  }

  /** When the first of these lobbies has something to do by itself; infinity for never. */
  #nextWake(which: (lobby: Lobby) => boolean = () => true): number {
    return Math.min(...[...this.#byId.values()].filter(which).map((lobby) => lobby.wakeAt));
  }

  #add(lobbyId: string, state: LobbyState | null, stored: LobbyState | null): Lobby {
    const lobby = new Lobby(this.#residence, lobbyId, state, stored, {
      wakeBy: (at) => this.#alarm.wakeBy(at),
      forget: () => this.#byId.delete(lobbyId),
    });
    this.#byId.set(lobbyId, lobby);
    return lobby;
  }
}
