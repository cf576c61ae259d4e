/** Does what the lobby's state machine wants done, in its order, and never lets a later effect overtake an earlier one. */
import type { Effect, Introduction } from "../core/lobby/effect.ts";
import type { Seat } from "../core/lobby/state.ts";
import type { ListedLobby } from "../core/wire/http.ts";
import { introductions, type Letter } from "./introductions.ts";
import { Listing } from "./listing.ts";
import type { Residence } from "./lobby.ts";

/** What the outbox needs of its lobby. */
export type Sender = {
  readonly lobbyId: string;
  listingFailed(): void;
  forget(): void;
};

export class Outbox {
  readonly #residence: Residence;
  readonly #sender: Sender;
  /** Of a public lobby. */
  #listing: Listing | null = null;
  /** The last list of seats that was sent to, by home. Seats are never changed in place: the same list has the same homes. */
  #grouped: { seats: readonly Seat[]; byHome: Map<string, string[]> } | null = null;
  /** The last parcel to each other home: when it has arrived, so have those before it. */
  readonly #underWay = new Map<string, Promise<boolean>>();
  /** Whether the directory may still have the lobby. */
  #listed = false;
  /** Effects that wait for earlier ones. */
  #tail: Promise<void> | null = null;

  constructor(residence: Residence, sender: Sender) {
    this.#residence = residence;
    this.#sender = sender;
  }

  /** Done when the effects are; null if that is now, because none has to wait for another object. */
  perform(effects: readonly Effect[]): Promise<void> | null {
    if (this.#tail) return this.#wait(this.#tail, effects);
    for (const [index, effect] of effects.entries()) {
      const under = this.#do(effect);
      if (under) return this.#wait(under, effects.slice(index + 1));
    }
    return null;
  }

  #wait(before: Promise<void>, effects: readonly Effect[]): Promise<void> {
    const perform = async () => {
      await before;
      for (const effect of effects) await this.#do(effect);
    };
    const tail = perform().finally(() => {
      if (this.#tail === tail) this.#tail = null;
    });
    this.#tail = tail;
    return tail;
  }

  /** Null when it is done. */
  #do(effect: Effect): Promise<void> | null {
    switch (effect.kind) {
      case "list":
        return this.#tell(effect.lobby);
      case "unlist":
        return this.#tell(null);
      case "send":
        return this.#send(effect.to, { frame: effect.frame });
      case "introduce":
        return this.#introduce(effect);
      case "release":
        return this.#send(effect.to, { frame: effect.frame, release: true });
      case "audit":
        return this.#send(effect.seats, {});
      case "forget":
        return this.#forget();
      case "answer":
      case "save":
        // The lobby itself did these when the event happened.
        return null;
    }
  }

  async #tell(lobby: ListedLobby | null): Promise<void> {
    const { env, home } = this.#residence;
    this.#listing ??= new Listing(env, this.#sender.lobbyId, home, () => this.#sender.listingFailed());
    this.#listed = !(await this.#listing.tell(lobby)) || lobby !== null;
  }

  /** A lobby that may still be listed is not forgotten: its alarm repeats the closing. */
  #forget(): Promise<void> | null {
    const forget = () => {
      if (!this.#listed) this.#sender.forget();
    };
    if (this.#underWay.size > 0) return Promise.all(this.#underWay.values()).then(forget);
    forget();
    return null;
  }

  #introduce(introduction: Introduction): Promise<void> | null {
    const { env } = this.#residence;
    const letters = introductions(env, this.#sender.lobbyId, introduction);
    const post = (some: Letter[]) => {
      for (const { to, frame } of some) this.#send(to, { frame });
    };
    if (letters instanceof Promise) return letters.then(post);
    post(letters);
    return null;
  }

  #send(to: readonly Seat[], parcel: { frame?: string; release?: boolean }): null {
    const { lobbyId } = this.#sender;
    for (const [home, clientIds] of this.#byHome(to)) {
      if (home === this.#residence.home) this.#residence.deliver({ lobbyId, to: clientIds, ...parcel });
      else this.#track(home, this.#residence.send(home, { lobbyId, to: clientIds, ...parcel }));
    }
    return null;
  }

  #track(home: string, arriving: Promise<boolean>): void {
    this.#underWay.set(home, arriving);
    arriving.finally(() => {
      if (this.#underWay.get(home) === arriving) this.#underWay.delete(home);
    });
  }

  #byHome(seats: readonly Seat[]): Map<string, string[]> {
    if (this.#grouped?.seats === seats) return this.#grouped.byHome;
    const groups = Map.groupBy(seats, (seat) => seat.home);
    const byHome = new Map(Array.from(groups, ([home, group]) => [home, group.map((seat) => seat.clientId)]));
    this.#grouped = { seats, byHome };
    return byHome;
  }
}
