/**
 * Players who are on their way into lobbies of one shard: those with a place kept for a moment, and those who wait
 * until somebody has opened a lobby for them. Kept in memory alone: the lobby decides who gets in, and what is
 * forgotten here costs a player another try.
 *
 * A place is kept from the turn in which a player is sent to a lobby until the lobby says that the player is in, the
 * player's holder says that it is not, or `matchKeptMs` have passed. So two players are never sent to one place, and a
 * place that is free is never taken for taken.
 */
import { fulfils } from "../../core/directory/search.ts";
import type { ListedLobby } from "../../core/wire/http.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import type { Placement, Seeker } from "../platform/ports.ts";
import { objectLimits } from "./limits.ts";

/** A lobby that somebody has been sent to open. */
type Pending = {
  readonly game: string;
  /** Its code, if nobody has it. */
  readonly code: string;
  /** The session that opens it. */
  readonly opener: string;
  readonly plan: Seeker["plan"];
  readonly until: number;
  /** By session, in the order in which they came. */
  readonly waiting: Map<string, Waiting>;
};
/** Null: it waits no more, because its player asks again. */
type End = (placement: Placement | null) => void;
type Waiting = { readonly seeker: Seeker; readonly end: End };

/** A listed lobby that may be joined, and where it stands. */
export type Candidate = { readonly lobby: ListedLobby; readonly round?: number };

export class Matches {
  /** Lobbies of a game that are shown, in the order of the list. */
  readonly #listed: (game: string) => Iterable<Candidate>;
  /** Places that are kept, by session. The one that ends first comes first. */
  readonly #kept = new Map<string, { readonly lobbyId: string; readonly until: number }>();
  /** How many of these each lobby has. */
  readonly #counts = new Map<string, number>();
  /** By code. The one that ends first comes first. */
  readonly #pending = new Map<string, Pending>();

  constructor(listed: (game: string) => Iterable<Candidate>) {
    this.#listed = listed;
  }

  /** What is kept now: places, and lobbies to come. */
  get size(): { kept: number; pending: number } {
    return { kept: this.#kept.size, pending: this.#pending.size };
  }

  /**
   * Sends a player to a lobby, or has it open one. If it has to wait for another who opens one, `end` is called later.
   * Whatever the player was given before is given back, but for a lobby that it is opening under the same code.
   */
  place(seeker: Seeker, now: number, end: End): Placement | "waits" {
    this.expire(now);
    const own = this.#pending.get(seeker.code);
    if (own?.opener === seeker.session) return { kind: "open" };
    this.giveBack(seeker.session, now);
    return this.#place(seeker, now, end);
  }

  #place(seeker: Seeker, now: number, end: End): Placement | "waits" {
    const found = seeker.opens ? undefined : this.#find(seeker);
    if (found) {
      this.#keep(seeker.session, found, now);
      return { kind: "join", lobbyId: found };
    }
    const coming = seeker.opens ? undefined : this.#coming(seeker);
    if (coming) {
      coming.waiting.set(seeker.session, { seeker, end });
      return "waits";
    }
    const { session: opener, game, code, plan } = seeker;
    // Beyond the bound lobbies are opened all the same, and nobody waits for them.
    if (this.#pending.size < objectLimits.matchPending) {
      const until = now + objectLimits.matchOpeningMs;
      this.#pending.set(code, { game, code, opener, plan, until, waiting: new Map() });
    }
    return { kind: "open" };
  }

  /** Of the lobbies in the first round that has any, the one with the fewest places left: it is full soonest. */
  #find({ game, where, not }: Seeker): string | undefined {
    const isMeant = fulfils(where);
    let best: { lobby: ListedLobby; round: number; left: number } | null = null;
    for (const { lobby, round = 0 } of this.#listed(game)) {
      if (best && round > best.round) break;
      const left = this.#placesIn(lobby);
      if (left <= 0 || (best && left >= best.left) || not.includes(lobby.id) || !isMeant(lobby)) continue;
      best = { lobby, round, left };
    }
    return best?.lobby.id;
  }

  /** Places that nobody has, nor is on the way to. One that a member has left for a while is its own. */
  #placesIn({ id, currentMembers, maxMembers, locked, hasPassword, full }: ListedLobby): number {
    if (locked || hasPassword || full) return 0;
    const most = Math.min(maxMembers, wireLimits.seats);
    return most - currentMembers - (this.#counts.get(id) ?? 0);
  }

  #coming({ game, where, not }: Seeker): Pending | undefined {
    const isMeant = fulfils(where);
    for (const pending of this.#pending.values()) {
      if (pending.game !== game || not.includes(pending.code)) continue;
      const lobby = { ...pending.plan, id: pending.code, game, currentMembers: 1 + pending.waiting.size };
      if (this.#placesIn(lobby) > 0 && isMeant(lobby)) return pending;
    }
    return undefined;
  }

  /** A lobby is open and told the directory: whoever waited for it goes there. `joined`: sessions that are in it now. */
  isOpen({ id, game }: ListedLobby, joined: readonly string[], now: number): void {
    for (const session of joined) if (this.#kept.get(session)?.lobbyId === id) this.#free(session);
    const pending = this.#pending.get(id);
    if (!pending || pending.game !== game) return;
    this.#pending.delete(id);
    for (const [session, { end }] of pending.waiting) {
      this.#keep(session, id, now);
      end({ kind: "join", lobbyId: id });
    }
  }

  /** The player does not take what it was given: others may have its place, and open what it was to open. */
  giveBack(session: string, now: number): void {
    this.#free(session);
    for (const pending of this.#pending.values()) {
      if (pending.opener === session) this.#giveUp(pending, now);
      const waiting = pending.waiting.get(session);
      pending.waiting.delete(session);
      waiting?.end(null);
    }
  }

  /** Gives up what has lasted too long. The clock may have been set back: nothing lasts longer than it was meant to. */
  expire(now: number): void {
    const isOver = (until: number, mostMs: number) => until <= now || until > now + mostMs;
    for (const [session, { until }] of this.#kept) {
      if (!isOver(until, objectLimits.matchKeptMs)) break;
      this.#free(session);
    }
    for (const pending of [...this.#pending.values()]) {
      if (isOver(pending.until, objectLimits.matchOpeningMs)) this.#giveUp(pending, now);
    }
  }

  /** The first who waited for a lobby opens one, and the others wait for that, as far as it is one for them. */
  #giveUp(pending: Pending, now: number): void {
    if (!this.#pending.delete(pending.code)) return;
    for (const { seeker, end } of pending.waiting.values()) {
      const placement = this.#place(seeker, now, end);
      if (placement !== "waits") end(placement);
    }
  }

  #keep(session: string, lobbyId: string, now: number): void {
    this.#free(session);
    // Beyond the bound players are sent without: then a lobby may refuse one, who tries again.
    if (this.#kept.size >= objectLimits.matchKept) return;
    this.#kept.set(session, { lobbyId, until: now + objectLimits.matchKeptMs });
    this.#counts.set(lobbyId, (this.#counts.get(lobbyId) ?? 0) + 1);
  }

  #free(session: string): void {
    const kept = this.#kept.get(session);
    if (!kept) return;
    this.#kept.delete(session);
    const left = (this.#counts.get(kept.lobbyId) ?? 0) - 1;
    if (left > 0) this.#counts.set(kept.lobbyId, left);
    else this.#counts.delete(kept.lobbyId);
  }
}
