/** Outcomes, cells and results of a lab that never was, to be told about. */
import { accesses } from "../../measure/lab/access.ts";
import { type ClientKind, hasLinks, isBlocked, isPunchable } from "../../measure/lab/clients.ts";
import { rungNetworks, rungs } from "../../measure/lab/ladder.ts";
import type { PlayerOutcome } from "../../measure/lab/orders.ts";
import { pairsOf } from "../../measure/lab/pair.ts";
import type { Cell, Results, RungCell, UplinkCell } from "../../measure/lab/results.ts";
import { uplinkChanges, uplinkPeers } from "../../measure/lab/uplinks.ts";

/** How often each path was there, where none was. */
export const noPaths = { lan: 0, direct: 0, turn: 0, relay: 0, websocket: 0, none: 0 };

export function anOutcome(about: Partial<PlayerOutcome> = {}): PlayerOutcome {
  return { usableMs: 80, directMs: 90, path: "direct", cause: null, echoed: true, ...about };
}

/** A pair that was always direct, and fast. */
export function aCell(about: Partial<Cell> = {}): Cell {
  return {
    a: "none",
    b: "port-restricted",
    runs: 20,
    connected: 20,
    explained: 0,
    paths: { ...noPaths, direct: 20 },
    directInTime: 20,
    usableMs: { p50: 80, p95: 120 },
    directMs: { p50: 90, p95: 150 },
    causes: {},
    ...about,
  };
}

/** All pairs, each as it should be. */
export function goodResults(): Results {
  const hard = (access: string) => access === "symmetric" || access === "cgnat";
  const cells = pairsOf(accesses).map((pair) => {
    if (pair.b === "udp-dropped") {
      const paths = { ...noPaths, websocket: 20 };
      return aCell({ ...pair, paths, directInTime: 0, directMs: null });
    }
    if (hard(pair.a) && hard(pair.b)) {
      return aCell({
        ...pair,
        paths: { ...noPaths, relay: 20 },
        directInTime: 0,
        directMs: null,
      });
    }
    return aCell(pair);
  });
  return {
    version: 1,
    at: "2030-01-01T12:00:00.000Z",
    commit: "0123456",
    clients: "orion",
    runs: 20,
    delayMs: 40,
    machine: { cpu: "A processor", cores: 2, memoryGiB: 16, system: "Linux", node: "24", workerd: "1" },
    cells,
    uplinks: uplinkChanges.flatMap(({ name }) => uplinkPeers.map((peer) => anUplinkCell(name, peer))),
    ladder: rungs.flatMap(({ name }) => rungNetworks.map((network) => aRungCell({ rung: name, network }))),
  };
}

/** A change that never took long. */
export function anUplinkCell(
  change: string,
  peer: UplinkCell["peer"],
  about: Partial<UplinkCell> = {},
): UplinkCell {
  const flows = { flows: 40, flowed: 40, flowMs: { p50: 2_000, p95: 2_500 } };
  return { change, peer, runs: 20, ...flows, paths: { relay: 40 }, causes: {}, ...about };
}

/** A rung on which nothing is wrong. */
export function aRungCell(about: Partial<RungCell> = {}): RungCell {
  const counts = { runs: 20, connected: 20, kept: 20, reliable: 20, delivered: 0.995 };
  const times = { usableMs: { p50: 80, p95: 120 }, silenceMs: { p50: 90, p95: 200 } };
  const more = { reliableMs: { p50: 100, p95: 200 }, rttMs: { p50: 80, p95: 90 } };
  const rest = { paths: { direct: 40 }, causes: {} };
  return { rung: "good", network: "udp", ...counts, ...times, ...more, ...rest, ...about };
}

const untold = { paths: { ...noPaths, none: 20 }, usableMs: null };

/** The same for clients of another server: each pair as it can be at best. */
export function goodResultsOf(clients: ClientKind): Results {
  const orion = goodResults();
  if (hasLinks(clients)) return { ...orion, clients };
  const cells = orion.cells.map((cell) => {
    if (isPunchable(cell)) return cell;
    if (isBlocked(cell)) return { ...cell, ...untold, connected: 0, explained: 20 };
    const connected = clients === "noray" ? 20 : 0;
    return {
      ...cell,
      connected,
      explained: 20 - connected,
      paths: { ...noPaths, relay: connected, none: 20 - connected },
      directInTime: 0,
      directMs: null,
    };
  });
  return { ...orion, clients, cells, uplinks: [], ladder: [] };
}
