/** `npm run bench`: drives the server as its clients do, and says what everything costs it. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { isAccounted } from "./accounting.ts";
import { makeResultsFolder } from "./folder.ts";
import { stopAll } from "./launch.ts";
import { help, readOptions, type Wish } from "./options.ts";
import { type Results, results as resultsSchema } from "./results.ts";
import { checkDescriptors, run } from "./run.ts";
import { scenarios } from "./scenarios.ts";
import { resultsTable } from "./table.ts";

let interrupted = false;

try {
  await grant(readOptions(process.argv.slice(2)));
} catch (error) {
  complain(error instanceof Error ? error.message : String(error));
  await stopAll({ forGood: true });
}
// Timers of what was given up may still be running.
if (!interrupted) process.exit();

async function grant(wish: Wish): Promise<void> {
  switch (wish.kind) {
    case "help":
      console.log(help);
      return;
    case "list":
      for (const { name, title } of scenarios) console.log(`${name.padEnd(18)}  ${title}`);
      return;
    case "compare": {
      const { compareText } = await import("./compare.ts");
      console.log(compareText(readResults(wish.before), readResults(wish.after)));
      return;
    }
    case "run":
      await bench(wish);
  }
}

async function bench({
  picked,
  scale,
  mostHeld,
  rounds,
  slow,
  out,
  httpPort,
}: Wish & { kind: "run" }): Promise<void> {
  if (!isAccounted()) throw new Error("The bench needs Linux: it reads what processes cost from /proc.");
  checkDescriptors({ picked, scale, mostHeld, slow });
  makeResultsFolder(out);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, interrupt);
  const began = performance.now();
  const say = (progress: string) => {
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    console.log(`${seconds.padStart(4)} s  ${progress}`);
  };
  const results = await run({ picked, scale, mostHeld, rounds, slow, httpPort, say, complain });
  if (interrupted) return;
  // What was there before is worth more than nothing at all.
  const { figures, growths, costs, idleCosts } = results;
  if (figures.length + growths.length + costs.length + idleCosts.length === 0) return;
  const json = join(out, "latest.json");
  writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`);
  // Loaded only now, because its charts take a while: a mistake on the command line is answered at once.
  const { reportHtml } = await import("./report.ts");
  writeFileSync(join(out, "latest.html"), reportHtml(results));
  const { costText, idleCostText } = await import("./cost/cost-text.ts");
  const texts = [
    resultsTable(results),
    ...(costs.length > 0 ? [costText(costs)] : []),
    ...(idleCosts.length > 0 ? [idleCostText(idleCosts)] : []),
  ];
  console.log(`\n${texts.join("\n\n")}\n\nWritten to ${json} and latest.html.`);
}

function readResults(path: string): Results {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Error(`${path} cannot be read: ${error instanceof Error ? error.message : error}.`);
  }
  const parsed = resultsSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const [why = ""] = z.prettifyError(parsed.error).split("\n");
  throw new Error(`${path} holds no results of the bench: ${why.replace(/^✖ /, "")}.`);
}

function complain(sentence: string): void {
  if (interrupted) return;
  console.error(sentence);
  process.exitCode = 1;
}

async function interrupt(): Promise<void> {
  interrupted = true;
  // Miniflare, which the costs are found out with, has a handler of its own and another code.
  process.once("exit", () => {
    process.exitCode = 1;
  });
  console.error("The bench was stopped before its end: nothing was written.");
  await stopAll({ forGood: true });
  process.exit(1);
}
