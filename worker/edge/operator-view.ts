/** What the operator's view shows: asked of the objects that know it, only while somebody looks. Parts that do not answer are missing, and named. */
import { added, type Level, sumOf, sumOfCharts } from "../../core/stats/slots.ts";
import type { Reading } from "../../core/stats/stats.ts";
import type {
  OperatorCharts,
  OperatorLobbies,
  OperatorNow,
  OperatorSidecar,
} from "../../core/wire/operator.ts";
import { liveSidecars } from "../objects/fleet.ts";
import { type Env, settingsOf } from "../platform/env.ts";
import { platformLimits } from "../platform/limits.ts";
import { logFault } from "../platform/log.ts";
import { released, within } from "../platform/retry.ts";
import { statsAt } from "../platform/statistics.ts";
import { directoryAt } from "../platform/stubs.ts";
import { edgeLimits } from "./limits.ts";

const nobody: Level = { lobbies: 0, players: 0 };

/** How it stands now. */
export async function operatorNow(env: Env): Promise<Omit<OperatorNow, "mayAct">> {
  const silent: string[] = [];
  const [readings, counts, sidecars] = await Promise.all([
    readAll(env, false, silent),
    Promise.all(
      upTo(settingsOf(env).directoryShards).map((shard) =>
        ask(`directory ${shard}`, silent, () => directoryAt(env, shard).count()),
      ),
    ),
    liveSidecars(env, false),
  ]);
  const listed = counts.reduce<Level>((sum, one) => added(sum, one ?? nobody), nobody);
  const unlisted = readings.reduce((sum, { unlisted }) => added(sum, unlisted), nobody);
  return {
    at: Date.now(),
    open: added(listed, unlisted),
    listed,
    unlisted,
    lastHour: sumOf(
      0,
      readings.flatMap(({ minutes }) => minutes),
    ),
    total: sumOf(
      0,
      readings.map(({ total }) => total),
    ),
    sidecars: sidecars
      .map(
        ({ name, load, relays = false, heardAt }): OperatorSidecar => ({
          name,
          load,
          relays,
          ageMs: Math.max(0, Date.now() - heardAt),
        }),
      )
      .toSorted((one, other) => (one.name < other.name ? -1 : 1)),
    silent,
  };
}

/** The last hour, and the last day. */
export async function operatorCharts(env: Env): Promise<OperatorCharts> {
  const silent: string[] = [];
  const readings = await readAll(env, true, silent);
  return {
    minutes: sumOfCharts(readings.map(({ minutes }) => minutes)),
    hours: sumOfCharts(readings.map(({ hours }) => hours)),
    silent,
  };
}

/** The lobbies heard of last. */
export async function operatorLobbies(env: Env): Promise<OperatorLobbies> {
  const silent: string[] = [];
  const most = edgeLimits.operatorLobbies;
  const lists = await Promise.all(
    upTo(platformLimits.statsObjects).map((number) =>
      ask(`statistics ${number}`, silent, async () => (await statsAt(env, number)?.latest(most)) ?? []),
    ),
  );
  const lobbies = lists
    .flatMap((list) => list ?? [])
    .toSorted((one, other) => other.heardAt - one.heardAt)
    .slice(0, most);
  return { lobbies, silent };
}

async function readAll(env: Env, withHours: boolean, silent: string[]): Promise<Reading[]> {
  const readings = await Promise.all(
    upTo(platformLimits.statsObjects).map((number) =>
      ask(`statistics ${number}`, silent, async () => (await statsAt(env, number)?.read(withHours)) ?? null),
    ),
  );
  return readings.filter((reading) => reading !== null);
}

/** The answer of one object; null, and its name is noted, if it gives none in time. */
async function ask<T>(name: string, silent: string[], call: () => Promise<T>): Promise<T | null> {
  const failed = (error: unknown) => {
    logFault("stats_unreachable", { name }, error);
    return null;
  };
  const asked = call().then<T | null, null>(released, failed);
  const answer = await within<T | null>(edgeLimits.operatorPatienceMs, asked, null);
  if (answer === null) silent.push(name);
  return answer;
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
