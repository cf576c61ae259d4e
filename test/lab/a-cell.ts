/** Outcomes, cells and results of a lab that never was, to be told about. */
import { accesses } from "../../measure/lab/access.ts";
import type { PlayerOutcome } from "../../measure/lab/orders.ts";
import { pairsOf } from "../../measure/lab/pair.ts";
import type { Cell, Results } from "../../measure/lab/results.ts";

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
    paths: { lan: 0, direct: 20, relay: 0, none: 0 },
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
      const paths = { lan: 0, direct: 0, relay: 0, none: 20 };
      return aCell({
        ...pair,
        connected: 0,
        explained: 20,
        paths,
        directInTime: 0,
        usableMs: null,
        directMs: null,
      });
    }
    if (hard(pair.a) && hard(pair.b)) {
      return aCell({
        ...pair,
        paths: { lan: 0, direct: 0, relay: 20, none: 0 },
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
    runs: 20,
    delayMs: 40,
    machine: { cpu: "A processor", cores: 2, memoryGiB: 16, system: "Linux", node: "24", workerd: "1" },
    cells,
  };
}
