/** Which targets a run reaches. */
import type { Cost, Figure, Growth, IdleCost, Results } from "./results.ts";

/** `value` is null where a target stands for something that was not measured: it is not reached. */
export type Verdict = { what: string; value: number | null; most: number; unit: string; reached: boolean };

type Target = Figure["target"][number];

const words: Record<Target["of"], { what: string; unit: string }> = {
  ratio: { what: "ratio to the floor", unit: "×" },
  cpuUs: { what: "CPU", unit: "µs" },
  p50Ms: { what: "p50", unit: "ms" },
  p99Ms: { what: "p99", unit: "ms" },
  memoryKiB: { what: "memory", unit: "KiB" },
  objects: { what: "objects made", unit: "" },
  files: { what: "files left", unit: "" },
  memoryRatio: { what: "memory, to that before", unit: "×" },
};

export function verdictsOnFigure(figure: Figure): Verdict[] {
  return figure.target.map(({ of, most }) => judge(words[of], measured(figure, of), most));
}

export function verdictOnGrowth({ ratio, target }: Growth): Verdict | null {
  return target === null ? null : judge({ what: "growth", unit: "×" }, ratio, target);
}

export function verdictOnCost({ dollarsPerMillion, target }: Cost): Verdict | null {
  return target === null ? null : judge({ what: "a million sessions", unit: "$" }, dollarsPerMillion, target);
}

export function verdictOnIdleCost({ dollarsPerMonth, lobbies, target }: IdleCost): Verdict | null {
  return target === null
    ? null
    : judge({ what: `a month of ${lobbies} lobbies`, unit: "$" }, dollarsPerMonth, target);
}

/** Every target of a run, under the name of what it is a target for. */
export function verdictsOn({
  figures,
  growths,
  costs,
  idleCosts,
}: Results): { name: string; verdict: Verdict }[] {
  return [
    ...figures.map((figure) => ({ name: figure.name, verdicts: verdictsOnFigure(figure) })),
    ...growths.map((growth) => ({ name: `growth of ${growth.name}`, verdicts: [verdictOnGrowth(growth)] })),
    ...costs.map((cost) => ({ name: `cost of ${cost.name}`, verdicts: [verdictOnCost(cost)] })),
    ...idleCosts.map((cost) => ({ name: `idle cost of ${cost.name}`, verdicts: [verdictOnIdleCost(cost)] })),
  ].flatMap(({ name, verdicts }) =>
    verdicts.filter((verdict) => verdict !== null).map((verdict) => ({ name, verdict })),
  );
}

function judge(words: { what: string; unit: string }, value: number | null, most: number): Verdict {
  return { ...words, value, most, reached: value !== null && value <= most };
}

function measured(figure: Figure, of: Target["of"]): number | null {
  if (of === "ratio") return figure.floor?.ratio ?? null;
  if (of === "cpuUs" || of === "p50Ms" || of === "p99Ms") return figure[of];
  return figure.more[of] ?? null;
}
