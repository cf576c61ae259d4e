/** `npm run lab`: connects players behind real NATs, and says who reached whom, how, and how fast. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../bench/folder.ts";
import { aboutCommit, aboutMachine } from "../bench/machine.ts";
import { figuresOf } from "./figures.ts";
import { matrixText, pathsOf, verdictText } from "./matrix-text.ts";
import { help, readOptions, type Wish } from "./options.ts";
import { type Pair, type Run, runsOf } from "./pair.ts";
import { whyNoLab } from "./requirement.ts";
import type { Cell, Results } from "./results.ts";
import { eachPair } from "./schedule.ts";
import { startService } from "./service.ts";
import { openTopology } from "./topology.ts";

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
  const why = whyNoLab();
  if (why !== null) {
    console.log(`${why}\nskipped`);
    return;
  }
  makeFolder(wish.out);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, interrupt);
  const results = await run(wish);
  writeFileSync(join(wish.out, `${wish.name}.json`), `${JSON.stringify(results, null, 2)}\n`);
  const { matrixPicture } = await import("./matrix-picture.ts");
  writeFileSync(join(wish.out, `${wish.name}.svg`), matrixPicture(results));
  console.log(`\n${matrixText(results)}\n\n${verdictText(results.cells)}`);
  console.log(`\nWritten to ${join(wish.out, `${wish.name}.json`)} and ${wish.name}.svg.`);
  const stranded = results.cells.filter(({ runs, connected, explained }) => connected + explained < runs);
  if (stranded.length > 0) {
    const pairs = stranded.map(({ a, b }) => `${a} × ${b}`).join(", ");
    throw new Error(`Players were neither connected nor told why: ${pairs}.`);
  }
}

async function run({ pairs, runs, delayMs, parallel }: Wish & { kind: "run" }): Promise<Results> {
  const at = new Date().toISOString();
  const began = performance.now();
  const say = (progress: string) => {
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    console.log(`${seconds.padStart(4)} s  ${progress}`);
  };
  using topology = await openTopology({ only: [...new Set(pairs.flatMap(({ a, b }) => [a, b]))], delayMs });
  const url = await startService(topology.server);
  say(`${pairs.length} ${pairs.length === 1 ? "pair" : "pairs"}, ${runs} runs each`);
  const cells = new Map<Pair, Cell>();
  await eachPair(pairs, parallel, async (pair) => {
    const player = runsOf(pair, topology, url);
    const done: Run[] = [];
    while (done.length < runs) done.push(await player.next());
    player.stop();
    const cell = figuresOf(pair, done);
    cells.set(pair, cell);
    say(`${pair.a} × ${pair.b}: ${progressOf(cell)}`);
  });
  return {
    version: 1,
    at,
    commit: aboutCommit(),
    runs,
    delayMs,
    machine: aboutMachine(),
    cells: pairs.flatMap((pair) => cells.get(pair) ?? []),
  };
}

function progressOf(cell: Cell): string {
  const causes = Object.entries(cell.causes).map(([cause, count]) => `${cause} ${count}`);
  const times = cell.usableMs ? `, usable p95 ${cell.usableMs.p95} ms` : "";
  const direct = cell.directMs ? `, direct p95 ${cell.directMs.p95} ms` : "";
  const why = causes.length > 0 ? ` (${causes.join(", ")})` : "";
  return `${pathsOf(cell).join(", ")}, connected ${cell.connected}/${cell.runs}${times}${direct}${why}`;
}

/** The namespaces, and all that runs in them, go with this process. */
function interrupt(): void {
  console.error("The lab was stopped before its end: nothing was written.");
  process.exit(1);
}
