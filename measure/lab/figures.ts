/** What the runs of one pair come to. */
import { pathKinds } from "../../core/wire/path-kinds.ts";
import { percentile } from "../bench/load.ts";
import { type ClientKind, rightCauses } from "./clients.ts";
import type { PlayerOutcome } from "./orders.ts";
import type { Pair } from "./pair.ts";
import type { Cell } from "./results.ts";
import type { Run } from "./runs.ts";

/** Milliseconds within which those who can have a path without relay should have one. */
export const directInTimeMs = 10_000;

export function figuresOf(pair: Pair, runs: readonly Run[], kind: ClientKind = "orion"): Cell {
  const right = rightCauses(kind, pair);
  const players = runs.flatMap(({ host, guest }) => [host, guest]);
  const paths = { lan: 0, direct: 0, turn: 0, relay: 0, websocket: 0, none: 0 };
  for (const run of runs) paths[pathOf(run)] += 1;
  const causes = new Map<string, number>();
  for (const { cause } of players) if (cause !== null) causes.set(cause, (causes.get(cause) ?? 0) + 1);
  return {
    ...pair,
    runs: runs.length,
    connected: runs.filter(isConnected).length,
    explained: runs.filter((run) => !isConnected(run) && isExplained(run, right)).length,
    paths,
    directInTime: runs.filter(isDirectInTime).length,
    usableMs: spread(players.map(({ usableMs }) => usableMs)),
    directMs: spread(players.map(({ directMs }) => directMs)),
    causes: Object.fromEntries(causes),
  };
}

/** The worse of the two players' paths; none unless messages went both ways. */
export function pathOf({ host, guest }: Run): keyof Cell["paths"] {
  if (!isConnected({ host, guest })) return "none";
  const both = [host.path, guest.path];
  return pathKinds.findLast((kind) => both.includes(kind)) ?? "none";
}

function isConnected({ host, guest }: Run): boolean {
  return [host, guest].every(({ path, echoed }) => path !== null && echoed);
}

/** Where datagrams reach the server, "UDP is blocked" explains nothing. */
function isExplained({ host, guest }: Run, right: readonly string[]): boolean {
  return [host, guest].some(({ cause }) => cause !== null && right.includes(cause));
}

function isDirectInTime(run: Run): boolean {
  const inTime = ({ directMs }: PlayerOutcome) => directMs !== null && directMs <= directInTimeMs;
  return ["lan", "direct"].includes(pathOf(run)) && inTime(run.host) && inTime(run.guest);
}

/** The p50 and p95 of those that are known; null if none is. */
export function spread(values: readonly (number | null)[]): Cell["usableMs"] {
  const known = values.filter((value) => value !== null);
  const [p50, p95] = [percentile(known, 0.5), percentile(known, 0.95)];
  return p50 === null || p95 === null ? null : { p50: rounded(p50), p95: rounded(p95) };
}

/** To a tenth of a millisecond: what is finer is noise. */
function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
