/** Does what the lobby's state machine wants done, in its order, and never lets a later effect overtake an earlier one. */
import type { Effect } from "../core/lobby/effect.ts";
import type { Seat } from "../core/lobby/state.ts";
import type { ListedLobby } from "../core/wire/http.ts";
import type { Env } from "./env.ts";
import { Flights } from "./flight.ts";
import { Listing } from "./listing.ts";
import { logFault } from "./log.ts";
import { homeAt, type Parcel } from "./ports.ts";

/** What the outbox needs of its lobby. */
export type Sender = {
  readonly lobbyId: string;
  /** Hands parcels to the clients that this object itself holds. */
  deliverHere(lobbyId: string, parcels: readonly Parcel[]): void;
  /** These members turned out to be gone. */
  lost(clientIds: string[]): void;
  listingFailed(): void;
  forget(): void;
};

export class Outbox {
  readonly #sender: Sender;
  readonly #listing: Listing;
  readonly #flights: Flights<Parcel>;
  /** Whom a list of seats is, by home. Seats are never changed in place, so the grouping lasts as long as they do. */
  readonly #groups = new WeakMap<readonly Seat[], Map<string, string[]>>();
  /** Whether the directory may still have the lobby. */
  #listed = false;
  /** Effects that wait for earlier ones. */
  #tail: Promise<void> | null = null;

  constructor(env: Env, sender: Sender) {
    this.#sender = sender;
    this.#listing = new Listing(env, sender.lobbyId, () => sender.listingFailed());
    this.#flights = new Flights(
      async (home, { id, items }) => {
        const gone = (await homeAt(env, home)?.deliver(sender.lobbyId, { id, items })) ?? recipients(items);
        if (gone.length > 0) sender.lost(gone);
      },
      (home, items, error) => {
        logFault("home unreachable", { lobbyId: sender.lobbyId, home, lost: items.length }, error);
        sender.lost(recipients(items));
      },
    );
  }

  /** Done when the effects are: at once, unless the directory has to be heard first. */
  perform(effects: readonly Effect[]): Promise<void> {
    if (this.#tail === null && !effects.some(takesTime)) {
      for (const effect of effects) this.#do(effect);
      return done;
    }
    const tail = (this.#tail ?? done).then(async () => {
      for (const effect of effects) await this.#do(effect);
    });
    this.#tail = tail;
    tail.finally(() => {
      if (this.#tail === tail) this.#tail = null;
    });
    return tail;
  }

  #do(effect: Effect): Promise<void> | undefined {
    switch (effect.kind) {
      case "list":
        return this.#tell(effect.lobby);
      case "unlist":
        return this.#tell(null);
      case "send":
        this.#send(effect.to, { frame: effect.frame });
        return;
      case "release":
        this.#send(effect.to, { frame: effect.frame, release: true });
        return;
      case "audit":
        this.#send(effect.seats, {});
        return;
      case "forget":
        return this.#forget();
      case "answer":
      case "save":
        // The lobby itself did these when the event happened.
        return;
    }
  }

  async #tell(lobby: ListedLobby | null): Promise<void> {
    this.#listed = !(await this.#listing.tell(lobby)) || lobby !== null;
  }

  /** A lobby that may still be listed is not forgotten: its alarm repeats the closing. */
  async #forget(): Promise<void> {
    await this.#flights.settled();
    if (!this.#listed) this.#sender.forget();
  }

  #send(to: readonly Seat[], parcel: Omit<Parcel, "to">): void {
    for (const [home, clientIds] of this.#byHome(to)) {
      if (home === this.#sender.lobbyId) this.#sender.deliverHere(home, [{ to: clientIds, ...parcel }]);
      else this.#flights.push(home, { to: clientIds, ...parcel });
    }
  }

  #byHome(seats: readonly Seat[]): Map<string, string[]> {
    const known = this.#groups.get(seats);
    if (known) return known;
    const groups = Map.groupBy(seats, (seat) => seat.home);
    const byHome = new Map(Array.from(groups, ([home, group]) => [home, group.map((seat) => seat.clientId)]));
    this.#groups.set(seats, byHome);
    return byHome;
  }
}

const done = Promise.resolve();

function takesTime(effect: Effect): boolean {
  return effect.kind === "list" || effect.kind === "unlist" || effect.kind === "forget";
}

function recipients(parcels: readonly Parcel[]): string[] {
  return parcels.flatMap(({ to }) => to);
}
