/** The results of a run that never was, to be told about. */
import type { Cost, Figure, Growth, IdleCost, Results } from "../../measure/bench/results.ts";

export function aFigure(about: Partial<Figure> = {}): Figure {
  return {
    name: "life-2/direct",
    title: "life of a 2-member lobby, direct path",
    operations: 1_000,
    seconds: 4,
    cpuUs: 1_500,
    p50Ms: 12,
    p99Ms: 40,
    memoryMiB: 210,
    floor: { name: "floor/connect", times: 2, ratio: 1.8 },
    target: [{ of: "ratio", most: 2 }],
    more: {},
    ...about,
  };
}

export function aGrowth(about: Partial<Growth> = {}): Growth {
  const point = (count: number, cpuUs: number) => ({ count, cpuUs, p50Ms: 12, p99Ms: 40 });
  return {
    name: "life-2/plain",
    title: "life of a 2-member lobby, plain path",
    of: "idle clients",
    points: [point(0, 1_500), point(1_000, 1_550), point(10_000, 1_600)],
    ratio: 1.07,
    target: 1.2,
    ...about,
  };
}

export function aCost(about: Partial<Cost> = {}): Cost {
  return {
    name: "plain, private",
    title: "4 players by the plain path",
    workerRequests: 10,
    objectRequests: 20,
    rowsWritten: 8,
    alarms: 2,
    secondsAwake: 2,
    workerCpuMs: 10,
    dollarsPerMillion: 17.4,
    target: 25,
    ...about,
  };
}

export function anIdleCost(about: Partial<IdleCost> = {}): IdleCost {
  const { dollarsPerMillion: _, ...usage } = aCost();
  return { ...usage, name: "idle, private", lobbies: 10_000, dollarsPerMonth: 8, target: 10, ...about };
}

export function aRun(about: Partial<Results> = {}): Results {
  return {
    version: 1,
    at: "2030-01-01T12:00:00.000Z",
    commit: "0123456",
    scale: 1,
    machine: {
      cpu: "A processor",
      cores: 2,
      memoryGiB: 16,
      system: "Linux 6.1",
      node: "v24.0.0",
      workerd: "1.20300101.0",
    },
    figures: [aFigure()],
    growths: [aGrowth()],
    costs: [aCost()],
    idleCosts: [anIdleCost()],
    ...about,
  };
}
