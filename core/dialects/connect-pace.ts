/**
 * When a sidecar's gateways may open WebSockets to the edge. They connect one by one, at most so many a second. If the edge does not serve one of
 * them, all wait, and then one tries alone. If that fails too, they wait twice as long. Otherwise the rest go on. Those for players whom
 * nothing has proved are fewer: anybody can make up any number of these.
 *
 *     open ── trouble ──▶ held ── the time is over ──▶ one tries ── served ──▶ open
 *                          ▲                              │
 *                          └────────── trouble ───────────┘
 *
 * Times are in milliseconds, of a clock that is never set back.
 */
import { gatewayLimits } from "./limits.ts";

/**
 * How a connect ended. `served`: the edge answered, be it with a refusal of this player. `trouble`: it was unreachable, or wants less of all.
 * `unknown`: the player gave up before.
 */
export type ConnectOutcome = "served" | "trouble" | "unknown";

/** One connect, from its beginning on. */
export type Turn = { readonly startedAt: number };

const { connectsPerSecond, unprovenConnectsPerSecond, connectSpacingMs } = gatewayLimits;
const { firstHoldMs, longestHoldMs, longestAskedHoldMs } = gatewayLimits;

export class ConnectPace {
  #nextAt = Number.NEGATIVE_INFINITY;
  #nextUnprovenAt = Number.NEGATIVE_INFINITY;
  /** When the last ones began, as many as a second may have. */
  readonly #begun: number[] = [];
  readonly #begunUnproven: number[] = [];
  /** Holds in a row. */
  #holds = 0;
  /** When the edge served again: what began before shows nothing new. */
  #openSince = Number.NEGATIVE_INFINITY;
  /** The one that tries alone. */
  #trying: Turn | null = null;

  /** Whether the edge served the last one, as far as that is known. */
  get isOpen(): boolean {
    return this.#holds === 0;
  }

  /** When the next may begin. Infinity while one tries alone. */
  get nextAt(): number {
    return this.#trying ? Number.POSITIVE_INFINITY : this.#nextAt;
  }

  /** The same of those for players whom nothing has proved. */
  get nextUnprovenAt(): number {
    return Math.max(this.nextAt, this.#nextUnprovenAt);
  }

  /** One begins now. `isProven`: it is for a player whose address is no made-up one. */
  begin(now: number, isProven = true): Turn {
    const turn = { startedAt: now };
    this.#nextAt = Math.max(now + connectSpacingMs, freeAt(this.#begun, connectsPerSecond, now));
    if (!isProven) this.#nextUnprovenAt = freeAt(this.#begunUnproven, unprovenConnectsPerSecond, now);
    if (!this.isOpen) this.#trying = turn;
    return turn;
  }

  /** Whether trouble of this one is news. Of many under way at once, the first that fails speaks for all. */
  isNews(turn: Turn): boolean {
    return turn === this.#trying || (this.isOpen && turn.startedAt >= this.#openSince);
  }

  /** It has ended. `random`: from 0 up to 1. `askedMs`: how long the edge asks all to wait, at least. */
  ended(turn: Turn, outcome: ConnectOutcome, now: number, random: number, askedMs = 0): void {
    const isNews = this.isNews(turn);
    if (turn === this.#trying) this.#trying = null;
    if (!isNews || outcome === "unknown") return;
    if (outcome === "served") {
      if (!this.isOpen) this.#openSince = now;
      this.#holds = 0;
      return;
    }
    const holdMs = Math.min(firstHoldMs * 2 ** this.#holds, longestHoldMs) * (0.5 + random);
    const leastMs = Math.min(askedMs, longestAskedHoldMs) * (1 + random / 2);
    this.#holds += 1;
    this.#nextAt = now + Math.max(holdMs, leastMs);
  }
}

/** Notes one that begins now, and says from when on another is not one too many in a second. */
function freeAt(begun: number[], perSecond: number, now: number): number {
  begun.push(now);
  const first = begun.length < perSecond ? undefined : begun.shift();
  return first === undefined ? now : first + 1_000;
}
