/** The examples in other languages pass the levels that they say they pass. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { launchCommand } from "../../conformance/command.ts";
import { play, runsOf, scripts } from "../../conformance/conformance.ts";
import { openStage, type Stage } from "../../conformance/stage.ts";
import { root } from "../../measure/kit/program.ts";
import { parallelRuns } from "./parallel.ts";

const runs = (program: string, ...args: string[]) => spawnSync(program, args).status === 0;
const hasPython = runs("python3", "-c", "import sys; assert sys.version_info >= (3, 9)");
const hasCryptography = hasPython && runs("python3", "-c", "import cryptography");
const hasMono = runs("mcs", "--version") && runs("mono", "--version");
if (!hasCryptography) console.warn("Skipped: Python's player encrypts with python3-cryptography.");
if (!hasMono) console.warn("Skipped: C# needs mcs and mono (Debian's mono-mcs and mono-runtime).");

/** As long as it takes on a busy machine. */
const patience = { startMs: 120_000, stepMs: 60_000 };
vi.setConfig({ maxConcurrency: parallelRuns });

let stage: Stage;
let folder: string;
beforeAll(async () => {
  stage = await openStage();
  folder = mkdtempSync(join(tmpdir(), "orion-edge-csharp-"));
  if (hasMono) {
    const sources = readdirSync(`${root}examples/csharp`).filter((name) => name.endsWith(".cs"));
    const compile = ["-optimize+", "-langversion:6", "-r:System.Core", `-out:${folder}/player.exe`];
    execFileSync("mcs", [...compile, ...sources], { cwd: `${root}examples/csharp` });
  }
}, 180_000);
afterAll(async () => {
  await stage.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function passes(run: string, command: string): Promise<void> {
  const said: string[] = [];
  const launch = launchCommand(command, (line) => said.push(line));
  const { findings } = await play(run, stage, launch, { patience });
  expect({ findings, said: findings.length > 0 ? said : [] }).toEqual({ findings: [], said: [] });
}

const all = runsOf(["sealed"]);

describe.skipIf(!hasPython).concurrent("the player in Python breaks no rule", () => {
  for (const run of all)
    test.skipIf(scripts[run]?.level === "sealed" && !hasCryptography)(run, { timeout: 600_000 }, () =>
      passes(run, `python3 -B -u ${root}examples/python/player.py`),
    );
});

describe.skipIf(!hasMono).concurrent("the player in C# breaks no rule", () => {
  for (const run of all) test(run, { timeout: 600_000 }, () => passes(run, `mono ${folder}/player.exe`));
});
