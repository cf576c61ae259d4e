import type { StatsNews } from "../../core/stats/news.ts";

/** Points that the platform takes in one call are 250. A piece of news is one point; of refusals, one for each code. */
const mostPoints = 100;

/**
 * Writes what is counted to Cloudflare's Analytics Engine, where an operator binds a data set: for charts of months. No lobby, player or address is
 * in it. docs/operator.md tells operators what each point has.
 */
export function writeDataPoints(
  dataset: AnalyticsEngineDataset | undefined,
  news: readonly StatsNews[],
): void {
  if (!dataset) return;
  for (const [kind, what, why, times, members] of news.flatMap(pointsOf).slice(0, mostPoints)) {
    try {
      dataset.writeDataPoint({ indexes: [kind], blobs: [kind, what, why], doubles: [times, members] });
    } catch {
      // What cannot be written is not worth an object's failure.
      return;
    }
  }
}

type Point = [kind: string, what: string, why: string, times: number, members: number];

function pointsOf(news: StatsNews): Point[] {
  switch (news.kind) {
    case "open":
      return news.isNew
        ? [["lobby", "opened", news.isPublic ? "public" : "private", 1, news.members]]
        : [["lobby", "changed", news.isPublic ? "public" : "private", 1, news.members]];
    case "over":
      return [["lobby", "closed", "", 1, 0]];
    case "outcome": {
      const { kind, why, leftOut } = news.outcome;
      return [["mediation", kind, why.join(" "), 1, leftOut]];
    }
    case "refused":
      return Object.entries(news.counts).map(([code, times]): Point => ["refused", code, "", times, 0]);
    case "fleet":
      return [["fleet", "load", "", news.load, news.sidecars]];
  }
}
