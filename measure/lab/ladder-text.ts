/** The ladder of uplinks in words, for a terminal and a picture. */
import { columns } from "../bench/report/columns.ts";
import { rungs, stallMs } from "./ladder.ts";
import type { Results, RungCell } from "./results.ts";

/** A line for every rung. Empty if none was run. */
export function ladderText({ ladder }: Results): string {
  if (ladder.length === 0) return "";
  const rows = ladder.map((cell) => [rungTitle(cell), cell.network, rungVerdict(cell), rungWords(cell)]);
  return `Uplinks of one of the two, each worse than the one before.\n\n${columns(rows)}`;
}

export function rungTitle({ rung }: RungCell): string {
  return rungs.find(({ name }) => name === rung)?.title ?? rung;
}

/** `breaks`: not all were connected, a link died, or reliable messages did not arrive. `stalls`: players see that nothing moves. */
export function rungVerdict({ runs, connected, kept, reliable, silenceMs }: RungCell): string {
  if (Math.min(connected, kept, reliable) < runs) return "breaks";
  return silenceMs !== null && silenceMs.p95 >= stallMs ? "stalls" : "plays";
}

/** What came of it, in one line. */
export function rungWords(cell: RungCell): string {
  const { runs, connected, kept, reliable, delivered, causes } = cell;
  const ms = (name: string, spread: RungCell["rttMs"]) =>
    `${name} ${spread ? `${spread.p95.toFixed(0)} ms` : "–"}`;
  const why = Object.entries(causes).map(([cause, count]) => `${cause} ${count}`);
  const ways = Object.entries(cell.paths).map(([path, count]) => `${path} ${count}`);
  return [
    `connected ${connected}/${runs}, kept ${kept}, reliable ${reliable}`,
    `arrived ${(delivered * 100).toFixed(1)} %`,
    ms("usable", cell.usableMs),
    ms("silence", cell.silenceMs),
    ms("10 KiB reliably", cell.reliableMs),
    ms("round trip", cell.rttMs),
    ...ways,
    ...why,
  ].join(", ");
}
