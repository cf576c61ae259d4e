import { type Bucket, draw, newBucket } from "../../core/allowance.ts";
import type { LobbyEvent } from "../../core/lobby/event.ts";
import { type Explained, explainedBy, nothingExplained, outcomesOf } from "../../core/lobby/outcome.ts";
import type { LobbyRequest } from "../../core/lobby/request.ts";
import { isMediating, isOver, type LobbyState } from "../../core/lobby/state.ts";
import type { StatsNews } from "../../core/stats/news.ts";
import type { Env } from "../platform/env.ts";
import { platformLimits } from "../platform/limits.ts";
import { keepsStats } from "../platform/operator-keys.ts";
import { tellOfLobby } from "../platform/statistics.ts";

const rate = { burst: platformLimits.statsNewsBurst, perSecond: platformLimits.statsNewsPerSecond };

/**
 * Tells the operator's statistics of one lobby: when it opens and ends, how many members it has, and how its mediations end. One call is under way
 * at most, and no timer waits for anything. The lobby's own work never waits for it, and chat causes none.
 */
export class StatsTeller {
  readonly #env: Env;
  readonly #lobbyId: string;
  readonly #left: Bucket;
  /** What members have said in the mediation under way. An object that sleeps meanwhile forgets it. */
  #explained: Explained = nothingExplained;
  /** News that have not been told. Of how many members there are, the last. */
  #standing: StatsNews | null = null;
  #outcomes: StatsNews[] = [];
  /** When the call under way began, in milliseconds since 1970; null if there is none. */
  #callingSince: number | null = null;

  constructor(env: Env, lobbyId: string) {
    this.#env = env;
    this.#lobbyId = lobbyId;
    this.#left = newBucket(rate, Date.now());
  }

  /** What has led from one state to the other. */
  note(
    before: LobbyState | null,
    input: LobbyRequest | LobbyEvent,
    after: LobbyState | null,
    now: number,
  ): void {
    if (!keepsStats(this.#env)) return;
    this.#explained = explainedBy(this.#explained, input);
    if (before === after) return;
    const outcomes = outcomesOf(before, input, after, this.#explained, now);
    if (!after || !isMediating(after) || outcomes.length > 0) this.#explained = nothingExplained;
    const news = outcomes.map((outcome): StatsNews => ({ kind: "outcome", outcome }));
    this.#outcomes = [...this.#outcomes, ...news].slice(-platformLimits.statsNewsKept);
    const standing = standingAfter(before, input, after);
    // That it was opened is not lost when somebody joins at once.
    const isNew = this.#standing?.kind === "open" && this.#standing.isNew === true;
    if (standing) this.#standing = isNew && standing.kind === "open" ? { ...standing, isNew } : standing;
    this.#tell(now);
  }

  /** The lobby is over, though nothing has led there. */
  over(): void {
    if (!keepsStats(this.#env)) return;
    this.#standing = { kind: "over", lobbyId: this.#lobbyId };
    this.#tell(Date.now());
  }

  #tell(now: number): void {
    const standing = this.#standing;
    if (!standing && this.#outcomes.length === 0) return;
    const isCalling =
      this.#callingSince !== null && Math.abs(now - this.#callingSince) < platformLimits.statsPatienceMs;
    if (isCalling) return;
    // That it is over nothing comes after, so it cannot wait.
    if (standing?.kind !== "over" && !draw(this.#left, rate, now)) return;
    const news = [...(standing ? [standing] : []), ...this.#outcomes];
    this.#standing = null;
    this.#outcomes = [];
    this.#callingSince = now;
    const call = async () => {
      await tellOfLobby(this.#env, this.#lobbyId, news);
      // One that began later has taken its place.
      if (this.#callingSince !== now) return;
      this.#callingSince = null;
      this.#tell(Date.now());
    };
    void call();
  }
}

/** What there is to say of how it stands now; null if that is as it was. An audit says again that it is open. */
function standingAfter(
  before: LobbyState | null,
  input: LobbyRequest | LobbyEvent,
  after: LobbyState | null,
): StatsNews | null {
  const lobbyId = after?.lobbyId ?? before?.lobbyId ?? "";
  const wasOpen = before !== null && !isOver(before);
  if (after === null || isOver(after)) return wasOpen ? { kind: "over", lobbyId } : null;
  const { isPublic, members } = after;
  const open: StatsNews = { kind: "open", lobbyId, isPublic, members: members.length };
  if (!wasOpen) return { ...open, isNew: true };
  const isAudited = input.kind === "deadline-passed" && before.auditAt !== after.auditAt;
  const isSame = before.members.length === members.length && before.isPublic === isPublic;
  return isSame && !isAudited ? null : open;
}
