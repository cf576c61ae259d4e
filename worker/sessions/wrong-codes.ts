/**
 * Codes of no room that groovejet's clients try. Orion's clients try theirs in requests, which the Worker counts; these say theirs on sockets, so
 * the lounge that holds them counts. There are two bounds:
 *
 * - A network that tries too many is told nothing about any code, not even a right one.
 * - The lounge asks lobbies about few unknown codes, because each may create an object. While only the half is left that it keeps for networks that
 *   do not guess, networks that do are told nothing about any code: a refusal of unknown codes alone would show which rooms are open.
 *
 * A code counts before its lobby is asked, and is taken back if there is a room: many may come at once. A code that is refused for lack of the second
 * counts, too. A host that names its room in a query always counts: it is let in where there is no room, and told so where there is one.
 */
import { type Bucket, draw, fill, newBucket, type Rate, secondsUntilOne } from "../../core/allowance.ts";
import { groovejetLimits } from "../../core/dialects/groovejet/limits.ts";
import type { Network } from "../../core/network.ts";
import { ofOpenLobbies, type ProblemCode, type Refusal, refuseFor } from "../../core/problem.ts";

/** How a question ended: why the lobby let nobody in, null if it did. Said once. */
type Ended = (refused: ProblemCode | null) => void;
/** One question about a code that passes the check. */
export type Asking = { refusal: Refusal } | { refusal: null; ended: Ended };

/** What a network may still try: in all, and as one that does not guess. */
type Tries = { all: Bucket; quiet: Bucket };
/** What was counted, to be taken back. */
type Counted = { bucket: Bucket; burst: number };
/** A code that lobbies are being asked about. Many of one network may ask about it at once: that is one guess. */
type Asked = { clients: number; readonly networks: Set<string> };

const ofLounge = (): Rate => ({
  burst: groovejetLimits.unknownCodes,
  perSecond: groovejetLimits.unknownCodes,
});

export class WrongCodes {
  /** By the network's name. The one that tried a wrong code longest ago comes first. */
  readonly #networks = new Map<string, Tries>();
  readonly #unknown = newBucket(ofLounge(), Date.now());
  /** Rooms that were open at some time, so their objects exist anyway. The one that was used longest ago comes first. */
  readonly #open = new Set<string>();
  readonly #asked = new Map<string, Asked>();

  /** A refusal, if clients of these networks are told nothing about any code at the moment. */
  refuse(networks: readonly Network[]): Refusal | null {
    const now = Date.now();
    const waits = networks.map(({ name, shares }) => {
      const tries = this.#networks.get(name);
      if (!tries) return 0;
      fill(tries.all, rateOf(shares), now);
      return secondsUntilOne(tries.all, rateOf(shares));
    });
    const wait = Math.max(0, ...waits);
    if (wait > 0) return refuseFor(wait);
    if (!this.#guess(networks)) return null;
    const { burst, perSecond } = ofLounge();
    fill(this.#unknown, ofLounge(), now);
    const missing = 1 + burst / 2 - this.#unknown.left;
    return missing > 0 ? refuseFor(Math.ceil(missing / perSecond)) : null;
  }

  /** A client of these networks has tried a code that fails the check. No lobby is asked. */
  count(networks: readonly Network[]): void {
    this.#count(networks);
  }

  /** Counts a question about a code before its lobby is asked. `refuse` comes before it, in the same turn. */
  ask(lobbyId: string, networks: readonly Network[], who: "guest" | "host"): Asking {
    const isKnown = this.#open.has(lobbyId);
    const about = this.#asked.get(lobbyId);
    const draws = !isKnown && !about;
    if (draws && !draw(this.#unknown, ofLounge(), Date.now())) {
      this.#count(networks);
      return { refusal: refuseFor(secondsUntilOne(this.#unknown, ofLounge())) };
    }
    const [{ name } = { name: "" }] = networks;
    const isAskedBefore = about?.networks.has(name) === true;
    const counts = who === "host" || (!isKnown && !isAskedBefore);
    const counted = counts ? this.#count(networks) : [];
    if (!isKnown) this.#begin(lobbyId, name);
    const ended: Ended = (refused) => {
      if (!isKnown) this.#end(lobbyId);
      const isOpen = refused === null || ofOpenLobbies.has(refused);
      if (isOpen) this.noteOpen(lobbyId);
      // Other refusals come before the lobby is asked: they must use up nothing of what others may ask.
      const isAsked = refused === "no_such_lobby" || refused === "unavailable";
      if (draws && !isAsked) takeBack([{ bucket: this.#unknown, burst: ofLounge().burst }]);
      // Of rooms that a lounge has known, only this shows that one is over.
      if (isKnown && who === "guest" && refused === "no_such_lobby") this.#count(networks);
      const isGuess = refused === "no_such_lobby" || (who === "host" && refused !== null);
      if (!isGuess) takeBack(counted);
    };
    return { refusal: null, ended };
  }

  /** A lobby of this name is open: to ask it counts no more. */
  noteOpen(lobbyId: string): void {
    this.#open.delete(lobbyId);
    const [oldest] = this.#open;
    if (this.#open.size >= groovejetLimits.openRooms && oldest !== undefined) this.#open.delete(oldest);
    this.#open.add(lobbyId);
  }

  #begin(lobbyId: string, network: string): void {
    const about = this.#asked.get(lobbyId) ?? { clients: 0, networks: new Set() };
    about.clients += 1;
    about.networks.add(network);
    this.#asked.set(lobbyId, about);
  }

  #end(lobbyId: string): void {
    const about = this.#asked.get(lobbyId);
    if (!about) return;
    about.clients -= 1;
    if (about.clients === 0) this.#asked.delete(lobbyId);
  }

  /** Whether one of these networks has tried more codes of no room lately than players do who mistype. */
  #guess(networks: readonly Network[]): boolean {
    return ofOneOwner(networks).some(({ name, shares }) => {
      const tries = this.#networks.get(name);
      if (!tries) return false;
      fill(tries.quiet, quietRateOf(shares), Date.now());
      return tries.quiet.left < 1;
    });
  }

  #count(networks: readonly Network[]): Counted[] {
    const now = Date.now();
    const counted: Counted[] = [];
    const take = (bucket: Bucket, rate: Rate): boolean => {
      const isTaken = draw(bucket, rate, now);
      if (isTaken) counted.push({ bucket, burst: rate.burst });
      return isTaken;
    };
    for (const network of networks) take(this.#triesOf(network, now).all, rateOf(network.shares));
    // What is too much for a network does not count for the wider ones: it never makes guessers of its neighbours.
    for (const network of ofOneOwner(networks))
      if (!take(this.#triesOf(network, now).quiet, quietRateOf(network.shares))) break;
    return counted;
  }

  /** Remembers a network as the one that tried a code last. */
  #triesOf({ name, shares }: Network, now: number): Tries {
    const tries = this.#networks.get(name) ?? {
      all: newBucket(rateOf(shares), now),
      quiet: newBucket(quietRateOf(shares), now),
    };
    this.#networks.delete(name);
    for (const oldest of this.#networks.keys()) {
      if (this.#networks.size < groovejetLimits.wrongCodeNetworks) break;
      this.#networks.delete(oldest);
    }
    this.#networks.set(name, tries);
    return tries;
  }
}

function takeBack(counted: readonly Counted[]): void {
  for (const { bucket, burst } of counted) bucket.left = Math.min(burst, bucket.left + 1);
}

/** Without the provider's /32, which many strangers share. */
function ofOneOwner(networks: readonly Network[]): readonly Network[] {
  return networks.filter(({ name }) => !name.endsWith("/32"));
}

/** A wider network has several shares. */
function rateOf(shares: number): Rate {
  const { wrongCodes, wrongCodesPerSecond } = groovejetLimits;
  return { burst: shares * wrongCodes, perSecond: shares * wrongCodesPerSecond };
}

function quietRateOf(shares: number): Rate {
  const { quietCodes, quietCodesPerSecond } = groovejetLimits;
  return { burst: shares * quietCodes, perSecond: shares * quietCodesPerSecond };
}
