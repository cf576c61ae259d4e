/** The addon breaks no rule of the conformance kit. All of its players are in one process of the engine. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { play, runsOf, scripts } from "../../conformance/conformance.ts";
import { levels } from "../../conformance/rules.ts";
import type { Launch } from "../../conformance/run.ts";
import { openStage, type Stage } from "../../conformance/stage.ts";
import { makeGodotProject } from "../../measure/kit/godot-project.ts";
import { type Puppet, startPuppet } from "../../measure/kit/godot-puppet.ts";
import { installGodot4, installMs, mayHaveGodot4 } from "../../measure/kit/godot4.ts";

/** As long as it takes on a busy machine. */
const patient = { startMs: 60_000, stepMs: 60_000 };
/** For what never comes: a greeting of a plain client. All that is awaited before that comes within seconds. */
const hurried = { startMs: 60_000, stepMs: 20_000 };
/** These runs end with greetings between plain clients of Orion. The addon is connected by links alone. */
const plain = ["hosting", "joining", "aborting"];

/** Most of a run is waiting, but all players share one thread of the engine. */
vi.setConfig({ maxConcurrency: 8 });

describe.skipIf(!mayHaveGodot4)("In Godot 4", () => {
  let stage: Stage;
  let puppet: Puppet;
  beforeAll(async () => {
    await installGodot4("test/engines/godot4");
    [stage, puppet] = await Promise.all([openStage(), startPuppet(makeGodotProject("conformance"))]);
  }, installMs);
  afterAll(async () => {
    await puppet?.stop();
    await stage?.stop();
  });

  let players = 0;
  const launch: Launch = async ({ url, ...call }) => {
    players += 1;
    const who = `player ${players}`;
    await puppet.ask("conform", { who, url: url.href, ...call });
    return {
      ended: new Promise(() => {}),
      stop: async () => {
        await puppet.ask("part", { who });
      },
    };
  };

  describe.concurrent("the addon breaks no rule", () => {
    for (const run of runsOf(levels))
      test(`${run}: ${scripts[run]?.about}`, { timeout: 600_000 }, async () => {
        const isPlain = plain.includes(run);
        const { steps, findings } = await play(run, stage, launch, { patience: isPlain ? hurried : patient });
        const codes = findings.map(({ code, detail }) => `${code} ${detail}`.trim());
        expect({ steps, codes }).toEqual({ steps, codes: isPlain ? ["no_punch"] : [] });
      });
  });

  test("no script of the addon has failed in all of this", () => {
    expect(puppet.program.output).not.toMatch(/SCRIPT ERROR|Invalid call|Resumed function/);
  });
});
