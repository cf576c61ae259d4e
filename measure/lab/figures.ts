/** What the runs of one pair come to. */
import { percentile } from "../bench/load.ts";
import type { PlayerOutcome } from "./orders.ts";
import type { Pair, Run } from "./pair.ts";
import type { Cell } from "./results.ts";

/** Milliseconds within which those who can have a path without relay should have one. */
export const directInTimeMs = 10_000;
/** The cause of the SDK for players whose network lets no datagram through. */
export const udpBlocked = "udp-blocked";

export function figuresOf(pair: Pair, runs: readonly Run[]): Cell {
  const players = runs.flatMap(({ host, guest }) => [host, guest]);
  const paths = { lan: 0, direct: 0, relay: 0, none: 0 };
  for (const run of runs) paths[pathOf(run)] += 1;
  const causes = new Map<string, number>();
  for (const { cause } of players) if (cause !== null) causes.set(cause, (causes.get(cause) ?? 0) + 1);
  return {
    ...pair,
    runs: runs.length,
    connected: runs.filter(isConnected).length,
    explained: isBlocked(pair) ? runs.filter((run) => !isConnected(run) && isExplained(run)).length : 0,
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
  if (both.includes("relay")) return "relay";
  return both.includes("direct") ? "direct" : "lan";
}

function isConnected({ host, guest }: Run): boolean {
  return [host, guest].every(({ path, echoed }) => path !== null && echoed);
}

/** Where datagrams reach the server, "UDP is blocked" explains nothing. */
function isBlocked({ a, b }: Pair): boolean {
  return a === "udp-dropped" || b === "udp-dropped";
}

function isExplained({ host, guest }: Run): boolean {
  return [host, guest].some(({ cause }) => cause === udpBlocked);
}

function isDirectInTime(run: Run): boolean {
  const inTime = ({ directMs }: PlayerOutcome) => directMs !== null && directMs <= directInTimeMs;
  return ["lan", "direct"].includes(pathOf(run)) && inTime(run.host) && inTime(run.guest);
}

function spread(values: readonly (number | null)[]): Cell["usableMs"] {
  const known = values.filter((value) => value !== null);
  const [p50, p95] = [percentile(known, 0.5), percentile(known, 0.95)];
  return p50 === null || p95 === null ? null : { p50: rounded(p50), p95: rounded(p95) };
}

/** To a tenth of a millisecond: what is finer is noise. */
function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
