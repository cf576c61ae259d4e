/** Plays the runs of the chosen levels with a client under test, and says what came of each. */
import { Unheard } from "./kit-player.ts";
import { Line } from "./line.ts";
import type { Level } from "./rules.ts";
import { type Finding, type Launch, type Patience, Run, RunEnded } from "./run.ts";
import { linkRuns } from "./runs/links.ts";
import { orionRuns } from "./runs/orion.ts";
import { reliableRuns } from "./runs/reliable.ts";
import { sealedRuns } from "./runs/sealed.ts";
import { stayingRuns } from "./runs/staying.ts";
import type { Script } from "./runs/steps.ts";
import type { Stage } from "./stage.ts";
import { Transcript } from "./transcript.ts";
import { Watch } from "./watch.ts";

/** All runs, by name, in the order in which a client should learn to pass them. */
export const scripts: Readonly<Record<string, Script>> = {
  ...orionRuns,
  ...stayingRuns,
  ...linkRuns,
  ...sealedRuns,
  ...reliableRuns,
};

/** What a level takes: its own runs, and those of the levels that it builds on. */
const needs: Readonly<Record<Level, readonly Level[]>> = {
  orion: ["orion"],
  staying: ["orion", "staying"],
  links: ["orion", "links"],
  sealed: ["orion", "links", "sealed"],
  reliable: ["orion", "links", "sealed", "reliable"],
};

/** The names of the runs of these levels. */
export function runsOf(levels: readonly Level[]): string[] {
  const wanted = new Set(levels.flatMap((level) => needs[level]));
  return Object.keys(scripts).filter((name) => wanted.has(scripts[name]?.level ?? "orion"));
}

export type Result = {
  readonly run: string;
  readonly level: Level;
  readonly about: string;
  /** How far it came. */
  readonly steps: readonly string[];
  readonly findings: readonly Finding[];
};

/** Plays one run. Throws only if the kit itself fails. */
export async function play(
  name: string,
  stage: Stage,
  launch: Launch,
  { patience, port = 0 }: { patience: Patience; port?: number },
): Promise<Result> {
  const script = scripts[name];
  if (!script) throw new Error(`There is no run called ${name}.`);
  const transcript = new Transcript();
  const line = await Line.open(stage, transcript, port);
  const run = new Run(name, { stage, line, transcript }, launch, patience);
  const watch = new Watch(run);
  try {
    await script.play(run, watch);
  } catch (error) {
    if (error instanceof Unheard) run.blame("stuck", error.message);
    else if (!(error instanceof RunEnded)) throw error;
  } finally {
    await run.close();
  }
  const { level, about } = script;
  return { run: name, level, about, steps: run.steps, findings: run.findings };
}
