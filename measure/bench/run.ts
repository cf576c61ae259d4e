/** One run: everything that was picked, one after another, and what it came to. */
import { descriptorsFor } from "../../local/descriptors.ts";
import { descriptorLimit } from "./accounting.ts";
import { growthScenarios, measureGrowth } from "./growth.ts";
import { stopAll } from "./launch.ts";
import { type Extent, heldIn } from "./load.ts";
import { aboutCommit, aboutMachine } from "./machine.ts";
import type { Results } from "./results.ts";
import { measureGuesses } from "./scenarios/guesses.ts";
import { measureIdle } from "./scenarios/idle.ts";
import { measureSlow, slowClients } from "./scenarios/slow.ts";
import { floors, loads, type Scenario } from "./scenarios.ts";
import { membersWith } from "./slow-crowd.ts";
import { startSubject } from "./subject.ts";
import { takeTurns, turnsOf } from "./turn.ts";

export type Order = {
  picked: readonly Scenario[];
  scale: number;
  /** Clients to hold at most, whatever the scale. */
  mostHeld: number;
  /** How often everything is measured; as often as the scale has without. */
  rounds: number | undefined;
  /** Clients that do not read; as many as the scale has without. */
  slow: number | undefined;
  /** The port of the server under test; any free one without. */
  httpPort: number | undefined;
  /** Hears how far the run is. */
  say(progress: string): void;
  /** Hears, in a sentence, what went wrong with a scenario. The run goes on with the next. */
  complain(sentence: string): void;
};

/** Throws a sentence if `npm start` would refuse some of the clients asked for, because a process may have too few file descriptors. */
export function checkDescriptors({
  picked,
  scale,
  mostHeld,
  slow,
}: Pick<Order, "picked" | "scale" | "mostHeld" | "slow">): void {
  const limit = descriptorLimit();
  for (const { name, clients, held } of picked) {
    const holds = name === "slow" ? membersWith(slowIn({ scale, slow })) : heldIn({ scale, mostHeld }, held);
    const needed = descriptorsFor(clients + holds);
    if (needed > limit) {
      throw new Error(
        `${name} needs ${needed} file descriptors in one process, and there may be ${limit}: ` +
          "raise the limit (ulimit -n), or choose a smaller --scale, or fewer --clients or --slow.",
      );
    }
  }
}

/** Rejects, with a sentence, only if no server comes up. */
export async function run({
  picked,
  scale,
  mostHeld,
  rounds = scale < 0.1 ? 1 : 3,
  slow,
  httpPort,
  say,
  complain,
}: Order): Promise<Results> {
  const extent: Extent = { scale, mostHeld, rounds };
  const wanted = ({ name }: { name: string }) => picked.some((scenario) => scenario.name === name);
  const results: Results = {
    version: 1,
    at: new Date().toISOString(),
    commit: aboutCommit(),
    scale,
    machine: aboutMachine(),
    figures: [],
    growths: [],
    costs: [],
    idleCosts: [],
  };
  const attempt = async (name: string, work: () => Promise<void>) => {
    say(name);
    try {
      await work();
    } catch (error) {
      complain(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      await stopAll();
    }
  };

  results.figures.push(
    ...(await takeTurns(turnsOf(loads.filter(wanted), floors), { ...extent, httpPort, attempt })),
  );
  if (wanted({ name: "idle" })) {
    await attempt("idle", async () => {
      const [server, floor] = await Promise.all([startSubject("server", httpPort), startSubject("floor")]);
      results.figures.push(...(await measureIdle(server, floor, extent)));
      await stopAll();
    });
  }
  if (wanted({ name: "guesses" })) {
    await attempt("guesses", async () => {
      results.figures.push(await measureGuesses(scale, httpPort));
      await stopAll();
    });
  }
  if (wanted({ name: "slow" })) {
    await attempt("slow", async () => {
      const server = await startSubject("server", httpPort);
      results.figures.push(await measureSlow(server, slowIn({ scale, slow }), scale));
      await stopAll();
    });
  }
  for (const scenario of growthScenarios.filter(wanted)) {
    await attempt(scenario.name, async () => {
      const [empty, crowded] = await Promise.all([startSubject("server"), startSubject("server", httpPort)]);
      const tell = (progress: string) => say(`  ${progress}`);
      results.growths.push(...(await measureGrowth(scenario, { empty, crowded }, extent, tell)));
      await stopAll();
    });
  }
  if (wanted({ name: "cost" })) {
    await attempt("cost", async () => {
      const { measureCosts } = await import("./cost/cost.ts");
      results.costs.push(...(await measureCosts(scale)));
    });
  }
  if (wanted({ name: "cost-idle" })) {
    await attempt("cost-idle", async () => {
      const { measureIdleCosts } = await import("./cost/cost.ts");
      results.idleCosts.push(...(await measureIdleCosts(scale)));
    });
  }
  return results;
}

function slowIn({ scale, slow }: Pick<Order, "scale" | "slow">): number {
  return slow ?? Math.ceil(slowClients * scale);
}
