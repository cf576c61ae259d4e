/**
 * Standing: what the edge said last of each client, and what follows from that.
 *
 * Orion's datagram proves little: its token may be that of a socket that closed days ago, and its source may be
 * made up. Only the edge knows better. So it says with each answer which clients it does not hold (`gone`),
 * which are in no mediation that waits for what this sidecar sees (`idle`), and by that which are `wanted`.
 *
 * - gone: client ids are never given twice, so nothing more is posted for a minute, then for two, up to an hour.
 *   It is asked again at all in case the edge was wrong.
 * - idle: nothing is posted for 1 s, then for 2, up to a minute. The newest datagram of that time is kept, and
 *   posted at its end: an honest client may send one late datagram, and start again a moment later.
 * - wanted: it draws on a budget of its own, as often as an honest client has to be posted.
 *
 * Who is quiet for long is forgotten, and the table is bounded: an attacker who fills it gains some posts, which
 * the budget bounds (posting.ts). Plain data, changed in place. `now` is in milliseconds and never goes back.
 */
import { type Bucket, draw, newBucket, type Rate } from "../allowance.ts";
import { observingLimits } from "./limits.ts";

export type Verdict = "wanted" | "idle" | "gone";

type Standing =
  | { readonly kind: "wanted"; readonly until: number; readonly posts: Bucket }
  /** `strikes`: how often it was said, one time after the other. `wasWanted`: before. */
  | {
      readonly kind: "idle" | "gone";
      readonly until: number;
      readonly strikes: number;
      readonly wasWanted: boolean;
    };

/** By the text of the token or pass, the one said last at the end. Ids would be no good: others know them. */
export type Standings = Map<string, Standing>;

const wantedRate: Rate = {
  burst: observingLimits.wantedBurst,
  perSecond: observingLimits.wantedPerSecond,
};

/** Until when a client is ignored, and why; null if it is not. */
export function ignored(
  standings: Standings,
  key: string,
  now: number,
): { readonly kind: "idle" | "gone"; readonly until: number } | null {
  const standing = standings.get(key);
  return standing && standing.kind !== "wanted" && standing.until > now ? standing : null;
}

/**
 * Whether a client was wanted a moment ago, and has not been posted too often since: counts one more post. Null if
 * it was not wanted.
 */
export function drawWanted(standings: Standings, key: string, now: number): boolean | null {
  const standing = standings.get(key);
  if (standing?.kind !== "wanted" || standing.until <= now) return null;
  return draw(standing.posts, wantedRate, now);
}

/** Whether a client was wanted at any time, and is not gone. Null if the edge has not said. */
export function wasWanted(standings: Standings, key: string): boolean | null {
  const standing = standings.get(key);
  if (wasWantedIn(standing)) return true;
  return standing?.kind === "gone" ? false : null;
}

/** Takes the edge's word. True for a client that is wanted, and was not known to be. */
export function note(standings: Standings, key: string, verdict: Verdict, now: number): boolean {
  const before = standings.get(key);
  // Set anew, it is the last again.
  standings.delete(key);
  const [oldest] = standings.keys();
  if (oldest !== undefined && standings.size >= observingLimits.standingsRemembered) standings.delete(oldest);
  if (verdict === "wanted") {
    const known = before?.kind === "wanted" && before.until > now ? before : null;
    const posts = known?.posts ?? newBucket(wantedRate, now);
    standings.set(key, { kind: "wanted", until: now + observingLimits.wantedMs, posts });
    return known === null;
  }
  const wasWantedBefore = verdict === "idle" && wasWantedIn(before);
  const { firstMs, mostMs } = pauses[verdict];
  const isRepeated = before?.kind === verdict && before.until + mostMs > now;
  const strikes = isRepeated ? before.strikes + 1 : 1;
  const until = now + Math.min(mostMs, firstMs * 2 ** (strikes - 1));
  standings.set(key, { kind: verdict, until, strikes, wasWanted: wasWantedBefore });
  return false;
}

function wasWantedIn(standing: Standing | undefined): boolean {
  return standing?.kind === "wanted" || standing?.wasWanted === true;
}

const pauses = {
  idle: { firstMs: observingLimits.idleMs, mostMs: observingLimits.idleMostMs },
  gone: { firstMs: observingLimits.goneMs, mostMs: observingLimits.goneMostMs },
} as const;
