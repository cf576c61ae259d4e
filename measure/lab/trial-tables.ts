/** What the picture says of uplinks that change, and of bad ones: lines of tables. */

import { rungNetworks, rungs } from "./ladder.ts";
import { rungVerdict } from "./ladder-text.ts";
import type { Results, RungCell, UplinkCell } from "./results.ts";
import { uplinkChanges, uplinkPeers } from "./uplinks.ts";

/** `at`: pixels from the left of each cell. */
export type TableLine = { kind: "head" | "row" | "space"; cells: readonly { text: string; at: number }[] };

const uplinkColumns = [4, 300, 460, 620];
const ladderColumns = [4, 376, 600];

/** None for what was not run. */
export function trialTables({ uplinks, ladder }: Results): TableLine[] {
  return [...uplinkLines(uplinks), ...ladderLines(ladder)];
}

function uplinkLines(uplinks: readonly UplinkCell[]): TableLine[] {
  if (uplinks.length === 0) return [];
  const rows = uplinkChanges.map(({ name, title }) => {
    const cells = uplinkPeers.map((peer) =>
      uplinks.find((cell) => cell.change === name && cell.peer === peer),
    );
    return line("row", uplinkColumns, [title, ...cells.map(uplinkCellWords)]);
  });
  const heads = ["An uplink changes (p95)", "peer with a cone", "peer with CGNAT", "peer without UDP"];
  return [line("head", uplinkColumns, heads), ...rows, line("space", [], [])];
}

function uplinkCellWords(cell: UplinkCell | undefined): string {
  if (!cell) return "";
  const time = cell.flowMs ? `${cell.flowMs.p95.toFixed(0)} ms, ${most(cell.paths)}` : "never";
  return cell.flowed === cell.flows ? time : `${time} (${cell.flowed}/${cell.flows})`;
}

function ladderLines(ladder: readonly RungCell[]): TableLine[] {
  if (ladder.length === 0) return [];
  const rows = rungs.map(({ name, title }) => {
    const cells = rungNetworks.map((network) =>
      ladder.find((cell) => cell.rung === name && cell.network === network),
    );
    return line("row", ladderColumns, [title, ...cells.map(rungCellWords)]);
  });
  const heads = ["The uplink of one is bad", "by UDP: arrived, longest silence", "without UDP"];
  return [line("head", ladderColumns, heads), ...rows, line("space", [], [])];
}

function rungCellWords(cell: RungCell | undefined): string {
  if (!cell) return "";
  const silence = cell.silenceMs ? `${cell.silenceMs.p95.toFixed(0)} ms` : "–";
  return `${rungVerdict(cell)}: ${Math.floor(cell.delivered * 100)} %, ${silence}`;
}

/** What was there most often. */
function most(paths: UplinkCell["paths"]): string {
  const [first] = Object.entries(paths).toSorted(([, one], [, other]) => other - one);
  return first?.[0] ?? "";
}

function line(kind: TableLine["kind"], columns: readonly number[], texts: readonly string[]): TableLine {
  return { kind, cells: texts.map((text, i) => ({ text, at: columns[i] ?? 0 })) };
}
