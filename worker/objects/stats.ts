import { retryable } from "cloudflare:durable-objects";
import { DurableObject } from "cloudflare:workers";
import { type Bucket, draw, newBucket } from "../../core/allowance.ts";
import { type KeptStats, keptStats, readKeptStats } from "../../core/stats/kept.ts";
import { statsLimits } from "../../core/stats/limits.ts";
import type { StatsNews } from "../../core/stats/news.ts";
import { hear, latest, type Reading, read, type Stats as State } from "../../core/stats/stats.ts";
import { thisBoot } from "../platform/boot.ts";
import type { Env } from "../platform/env.ts";
import { logFault } from "../platform/log.ts";
import type { ShownLobby, StatsPort } from "../platform/ports.ts";
import { lobbyTag, shownOf } from "../platform/tags.ts";
import { writeDataPoints } from "./data-points.ts";

/** The one row, which process wrote it, and when (milliseconds since 1970). */
const row = "stats";
type Row = KeptStats & { boot: string; savedAt: number };

const rowRate = { burst: statsLimits.statsRowBurst, perSecond: statsLimits.statsRowsPerSecond };

/**
 * A part of the operator's statistics: of one lobby in eight, and of what isolates refuse. It is told what happens, asks nobody, and has no
 * alarm. In a quiet deployment each piece of news is a row; an object that hears some every second writes once a minute, and what it heard since
 * is lost if it ends.
 */
export class Stats extends DurableObject<Env> implements StatsPort {
  static {
    // Not `hearNews`: what is counted twice is wrong for a day, and what is lost is one piece of news.
    const { read, latest, find } = Stats.prototype;
    retryable(read, latest, find);
  }

  readonly #stats: State;
  readonly #rowsLeft: Bucket = newBucket(rowRate, Date.now());
  /** Something is in memory that is worth a row. */
  #isAhead = false;
  #savedAt: number;
  /** Pieces of news in this minute, and in the one before. */
  #minute = { at: 0, news: 0, newsBefore: 0 };

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const stored = ctx.storage.kv.get<Row>(row);
    this.#savedAt = stored?.savedAt ?? 0;
    // With `npm start` the lobbies of an earlier process have ended with it.
    const isLost = env.codeKey !== undefined && stored?.boot !== thisBoot();
    this.#stats = readKeptStats(stored, isLost);
  }

  async hearNews(news: readonly StatsNews[]): Promise<void> {
    const now = Date.now();
    const isWorthARow = hear(this.#stats, news, now);
    writeDataPoints(this.env.ANALYTICS, news);
    this.#isAhead ||= isWorthARow || Math.abs(now - this.#savedAt) >= statsLimits.statsAliveRowMs;
    if (this.#isAhead && this.#mayWrite(now)) this.#save(now);
  }

  async read(withHours: boolean): Promise<Reading> {
    return read(this.#stats, Date.now(), { withHours });
  }

  async latest(most: number): Promise<ShownLobby[]> {
    return latest(this.#stats, most).map(([lobbyId, lobby]) => ({
      tag: lobbyTag(this.env, lobbyId),
      ...lobby,
    }));
  }

  async find(tag: string): Promise<string | null> {
    const shown = tag.slice(0, tag.lastIndexOf("-"));
    for (const lobbyId of this.#stats.open.keys())
      if (shownOf(lobbyId) === shown && lobbyTag(this.env, lobbyId) === tag) return lobbyId;
    return null;
  }

  #mayWrite(now: number): boolean {
    const at = Math.floor(now / 60_000);
    if (this.#minute.at !== at)
      this.#minute = { at, news: 0, newsBefore: this.#minute.at === at - 1 ? this.#minute.news : 0 };
    this.#minute.news += 1;
    const { news, newsBefore } = this.#minute;
    const isBusy = Math.max(news, newsBefore) > statsLimits.statsBusyNews;
    if (isBusy) return Math.abs(now - this.#savedAt) >= statsLimits.statsBusyRowMs;
    return draw(this.#rowsLeft, rowRate, now);
  }

  #save(now: number): void {
    this.#isAhead = false;
    this.#savedAt = now;
    try {
      this.ctx.storage.kv.put<Row>(row, { ...keptStats(this.#stats), boot: thisBoot(), savedAt: now });
    } catch (error) {
      logFault("stats_unreachable", {}, error);
    }
  }
}
