import { type CodeBook, lobbyIdAt, slotsOf } from "../core/lobby/lobby-id.ts";
import type { LobbyState } from "../core/lobby/state.ts";
import { Lobby, type Residence } from "./lobby.ts";

/** The lobbies that live in one home: found by their codes, opened under free ones, woken by the home's one alarm. */
export class Lobbies {
  readonly #residence: Residence;
  readonly #byId = new Map<string, Lobby>();
  /** An alarm will come by then, or earlier. */
  #alarmAt = Number.POSITIVE_INFINITY;
  /** Where the last free slot was. The slots go round, so that a code is not used again soon. */
  #slot = -1;

  constructor(residence: Residence) {
    this.#residence = residence;
  }

  /** Takes up what sleep or a crash has left: the rows in storage, and the newer states that hosts' sockets brought. */
  revive(stored: readonly LobbyState[], attached: readonly LobbyState[]): void {
    const rows = new Map(stored.map((state) => [state.lobbyId, state]));
    const states = new Map([...stored, ...attached].map((state) => [state.lobbyId, state]));
    for (const [lobbyId, state] of states) {
      const lobby = this.#add(lobbyId, state, rows.get(lobbyId) ?? null);
      // What is to come was seen to before the sleep. What should have come already may never.
      if (lobby.wakeAt > Date.now()) this.#alarmAt = Math.min(this.#alarmAt, lobby.wakeAt);
    }
    for (const lobby of this.#byId.values()) lobby.revive();
  }

  get(lobbyId: string): Lobby | undefined {
    return this.#byId.get(lobbyId);
  }

  /** A lobby that is not open yet, under the code of a free slot, or null if there is none. */
  add(codes: CodeBook): Lobby | null {
    const slots = slotsOf(codes);
    if (this.#byId.size >= slots) return null;
    if (this.#slot < 0) [this.#slot = 0] = crypto.getRandomValues(new Uint32Array(1));
    for (;;) {
      this.#slot = (this.#slot + 1) % slots;
      const lobbyId = lobbyIdAt(codes, Number(this.#residence.home), this.#slot);
      if (!this.#byId.has(lobbyId)) return this.#add(lobbyId, null, null);
    }
  }

  /** The alarm has come: does what is due. Done when what follows from it is. */
  async alarm(): Promise<void> {
    this.#alarmAt = Number.POSITIVE_INFINITY;
    const now = Date.now();
    const due = [...this.#byId.values()].filter((lobby) => lobby.wakeAt <= now);
    await Promise.all(due.map((lobby) => lobby.wake()));
    this.#wakeBy(Math.min(...Array.from(this.#byId.values(), (lobby) => lobby.wakeAt)));
  }

  #add(lobbyId: string, state: LobbyState | null, stored: LobbyState | null): Lobby {
    const lobby = new Lobby(this.#residence, lobbyId, state, stored, {
      wakeBy: (at) => this.#wakeBy(at),
      forget: () => this.#byId.delete(lobbyId),
    });
    this.#byId.set(lobbyId, lobby);
    return lobby;
  }

  /** Sees to it that the alarm comes in time. One that comes early costs less than setting it again. */
  #wakeBy(at: number): void {
    if (at >= this.#alarmAt) return;
    this.#alarmAt = at;
    this.#residence.storage.setAlarm(at);
  }
}
