/** `npm run lab`: connects players behind real NATs, and says who reached whom, how, and how fast. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeResultsFolder } from "../bench/folder.ts";
import { aboutCommit, aboutMachine } from "../bench/machine.ts";
import { installGodot4 } from "../kit/godot4.ts";
import { accesses } from "./access.ts";
import { hasGodot } from "./clients.ts";
import { figuresOf } from "./figures.ts";
import { climb, rungHomes, rungNetworks, rungs } from "./ladder.ts";
import { ladderText, rungWords } from "./ladder-text.ts";
import { matrixText, pathsOf, verdictText } from "./matrix-text.ts";
import { help, type Part, readOptions, type Wish } from "./options.ts";
import type { Pair } from "./pair.ts";
import { whyNoLab } from "./requirement.ts";
import type { Cell, Results, RungCell, UplinkCell } from "./results.ts";
import { type Run, runsOf } from "./runs.ts";
import { eachTrial, playersOf, type Trial } from "./schedule.ts";
import { startService } from "./service.ts";
import { openTopology } from "./topology.ts";
import { changeUplink, uplinkChanges, uplinkPeers } from "./uplinks.ts";
import { uplinksText, uplinkWords } from "./uplinks-text.ts";

/** Runs of one rung, at the most: each takes a quarter of a minute, and what arrives is counted in hundreds of packets. */
const mostClimbs = 5;

try {
  await grant(readOptions(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
process.exit();

async function grant(wish: Wish): Promise<void> {
  if (wish.kind === "help") {
    console.log(help);
    return;
  }
  const why = whyNoLab(wish.clients);
  if (why !== null) {
    console.log(`${why}\nskipped`);
    return;
  }
  if (hasGodot(wish.clients)) await installGodot4();
  makeResultsFolder(wish.out);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, interrupt);
  keepTemporaryFiles();
  const results = await run(wish);
  writeFileSync(join(wish.out, `${wish.name}.json`), `${JSON.stringify(results, null, 2)}\n`);
  const { matrixPicture } = await import("./matrix-picture.ts");
  writeFileSync(join(wish.out, `${wish.name}.svg`), matrixPicture(results));
  const told = [matrixText(results), uplinksText(results), ladderText(results), verdictText(results)];
  console.log(`\n${told.filter((text) => text !== "").join("\n\n")}`);
  console.log(`\nWritten to ${join(wish.out, `${wish.name}.json`)} and ${wish.name}.svg.`);
  const stranded = results.cells.filter(({ runs, connected, explained }) => connected + explained < runs);
  if (stranded.length > 0) {
    const pairs = stranded.map(({ a, b }) => `${a} × ${b}`).join(", ");
    throw new Error(`Players were neither connected nor told why: ${pairs}.`);
  }
}

async function run({
  clients: kind,
  parts,
  pairs: all,
  runs,
  delayMs,
  parallel,
}: Wish & { kind: "run" }): Promise<Results> {
  const at = new Date().toISOString();
  const began = performance.now();
  const say = (progress: string) => {
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    console.log(`${seconds.padStart(4)} s  ${progress}`);
  };
  const has = (part: Part) => parts.includes(part);
  const pairs = has("pairs") ? all : [];
  const only = pairs.flatMap(({ a, b }) => [a, b]);
  if (has("uplinks")) only.push(...uplinkPeers);
  if (has("ladder")) only.push("port-restricted");
  using topology = await openTopology({
    only: [...new Set(only)],
    delayMs,
    homes: has("ladder") ? rungHomes : [],
    roamers: has("uplinks") ? uplinkChanges : [],
  });
  const server = await startService(topology.server, kind);
  const lab = { topology, kind, server };
  const cells = new Map<Pair, Cell>();
  const uplinks: UplinkCell[] = [];
  const ladder: RungCell[] = [];
  const pairTrials = pairs.map((pair): Trial => {
    const work = async () => {
      const player = runsOf(pair, lab);
      const done: Run[] = [];
      while (done.length < runs) {
        const run = await player.next();
        done.push(run);
        for (const { timeline = [] } of [run.host, run.guest]) tellTimeline(timeline);
      }
      player.stop();
      const cell = figuresOf(pair, done, kind);
      cells.set(pair, cell);
      say(`${pair.a} × ${pair.b}: ${progressOf(cell)}`);
    };
    return { needs: playersOf(pair), work };
  });
  const changes = uplinkPeers.flatMap((peer) => uplinkChanges.map((change) => ({ change, peer })));
  const changeTrials = changes.map(({ change, peer }): Trial => {
    const work = async () => {
      const slow = (ms: number | null, timeline: readonly string[]) => {
        say(`${change.title}, peer ${peer}: packets flowed after ${ms?.toFixed(0) ?? "many"} ms`);
        tellTimeline(timeline);
      };
      const cell = await changeUplink(change, peer, lab, runs, slow);
      uplinks.push(cell);
      say(`${change.title}, peer ${peer}: ${uplinkWords(cell)}`);
    };
    return { needs: [change.name], work };
  });
  const steps = rungs.flatMap((rung) => rungNetworks.map((network) => ({ rung, network })));
  const rungTrials = steps.map(({ rung, network }): Trial => {
    const work = async () => {
      const cell = await climb(rung, network, lab, Math.min(runs, mostClimbs));
      ladder.push(cell);
      say(`${rung.name}, ${network}: ${rungWords(cell)}`);
    };
    return { needs: [], work };
  });
  const trials = [
    ...pairTrials,
    ...(has("uplinks") ? changeTrials : []),
    ...(has("ladder") ? rungTrials : []),
  ];
  say(`${trials.length} ${trials.length === 1 ? "trial" : "trials"}, up to ${runs} runs each`);
  await eachTrial(trials, parallel);
  const placeOf = (cell: RungCell) =>
    steps.findIndex(({ rung, network }) => rung.name === cell.rung && network === cell.network);
  const rowOf = ({ change, peer }: UplinkCell) =>
    uplinkChanges.findIndex(({ name }) => name === change) * accesses.length + accesses.indexOf(peer);
  return {
    version: 1,
    at,
    commit: aboutCommit(),
    clients: kind,
    runs,
    delayMs,
    machine: aboutMachine(),
    cells: pairs.flatMap((pair) => cells.get(pair) ?? []),
    uplinks: uplinks.toSorted((one, other) => rowOf(one) - rowOf(other)),
    ladder: ladder.toSorted((one, other) => placeOf(one) - placeOf(other)),
  };
}

function tellTimeline(timeline: readonly string[]): void {
  for (const line of timeline) console.log(`          ${line}`);
}

function progressOf(cell: Cell): string {
  const causes = Object.entries(cell.causes).map(([cause, count]) => `${cause} ${count}`);
  const times = cell.usableMs ? `, usable p95 ${cell.usableMs.p95} ms` : "";
  const direct = cell.directMs ? `, direct p95 ${cell.directMs.p95} ms` : "";
  const why = causes.length > 0 ? ` (${causes.join(", ")})` : "";
  return `${pathsOf(cell).join(", ")}, connected ${cell.connected}/${cell.runs}${times}${direct}${why}`;
}

/** Has all programs of the lab keep theirs in one folder, which goes with this process: most of them are killed. */
function keepTemporaryFiles(): void {
  const folder = mkdtempSync(join(tmpdir(), "orion-edge-lab-"));
  process.env.TMPDIR = folder;
  process.on("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
}

/** The namespaces, and all that runs in them, go with this process. */
function interrupt(): void {
  console.error("The lab was stopped before its end: nothing was written.");
  process.exit(1);
}
