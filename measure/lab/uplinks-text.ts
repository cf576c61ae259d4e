/** Changes of uplinks in words, for a terminal and a picture. */
import { columns } from "../bench/report/columns.ts";
import type { Results, UplinkCell } from "./results.ts";
import { uplinkChanges } from "./uplinks.ts";

/** A line for every change, with each peer. Empty if none was run. */
export function uplinksText({ uplinks }: Results): string {
  if (uplinks.length === 0) return "";
  const rows = uplinks.map((cell) => [titleOf(cell), `peer ${cell.peer}`, uplinkWords(cell)]);
  return `The uplink of one changes. Milliseconds until packets flow again, in either direction.\n\n${columns(rows)}`;
}

export function titleOf({ change }: UplinkCell): string {
  return uplinkChanges.find(({ name }) => name === change)?.title ?? change;
}

/** What came of it, in one line. */
export function uplinkWords({ flows, flowed, flowMs, paths, causes }: UplinkCell): string {
  const times = flowMs ? `p50 ${flowMs.p50.toFixed(0)} ms, p95 ${flowMs.p95.toFixed(0)} ms, ` : "";
  const ways = Object.entries(paths).map(([path, count]) => `${path} ${count}`);
  const why = Object.entries(causes).map(([cause, count]) => `${cause} ${count}`);
  return `${times}${flowed}/${flows} (${[...ways, ...why].join(", ")})`;
}
