/** How objects and isolates tell the operator's statistics what happens. Nobody waits for that, and nobody minds if it fails. */
import { waitUntil } from "cloudflare:workers";
import type { StatsNews } from "../../core/stats/news.ts";
import { type Env, settingsOf } from "./env.ts";
import { platformLimits } from "./limits.ts";
import { logFault } from "./log.ts";
import { keepsStats } from "./operator-keys.ts";
import type { StatsPort } from "./ports.ts";
import { random } from "./random.ts";
import { hasUntoldRefusals, takeRefusals } from "./refusal-counts.ts";
import { callOptions } from "./stubs.ts";
import { lobbyTag } from "./tags.ts";

/** One of the objects, by its number. Undefined if the deployment has none. */
export function statsAt(env: Env, number: number): DurableObjectStub<StatsPort> | undefined {
  return env.STATS?.getByName(`stats-${number}`, callOptions(settingsOf(env).region));
}

/** The object that knows the lobby of this tag: always the same one. */
export function statsOf(env: Env, tag: string): DurableObjectStub<StatsPort> | undefined {
  return statsAt(env, Number.parseInt(tag.slice(-6), 16) % platformLimits.statsObjects);
}

/** Tells news of a lobby, and what else waits in this isolate. Never throws. */
export async function tellOfLobby(env: Env, lobbyId: string, news: readonly StatsNews[]): Promise<void> {
  await tell(statsOf(env, lobbyTag(env, lobbyId)), [...news, ...refusals()]);
}

/** The same of the fleet. */
export async function tellOfFleet(env: Env, sidecars: number, load: number): Promise<void> {
  await tell(statsAt(env, 0), [{ kind: "fleet", sidecars, load }]);
}

/** When this isolate began to wait before it tells of refusals, in milliseconds since 1970. */
let waitingSince = Number.NEGATIVE_INFINITY;

/** Of the refusals of some seconds the statistics hear in one call: a flood of them costs no more than one. For requests, not for objects: those would stay awake. */
export function tellRefusalsSoon(env: Env): void {
  const now = Date.now();
  // If the platform has ended the request that waited, another one does.
  if (!hasUntoldRefusals() || Math.abs(now - waitingSince) < 2 * platformLimits.refusalsToldMs) return;
  if (!keepsStats(env)) {
    takeRefusals();
    return;
  }
  waitingSince = now;
  const told = async () => {
    await scheduler.wait(platformLimits.refusalsToldMs);
    waitingSince = Number.NEGATIVE_INFINITY;
    const number = Math.floor(random() * platformLimits.statsObjects);
    await tell(statsAt(env, number), refusals());
  };
  waitUntil(told());
}

function refusals(): StatsNews[] {
  return hasUntoldRefusals() ? [{ kind: "refused", counts: takeRefusals() }] : [];
}

async function tell(
  stats: DurableObjectStub<StatsPort> | undefined,
  news: readonly StatsNews[],
): Promise<void> {
  if (!stats || news.length === 0) return;
  try {
    await stats.hearNews(news);
  } catch (error) {
    logFault("stats_unreachable", {}, error);
  }
}
