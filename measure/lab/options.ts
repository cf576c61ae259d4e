/** The options of `npm run lab`. */
import { commandLineMistake, parseCommandLine } from "../../core/command-line.ts";
import { positiveInteger } from "../../core/settings.ts";
import { type Access, accesses, builds } from "./access.ts";
import { type Pair, pairOf, pairsOf } from "./pair.ts";

export const help = `Connects players behind real NATs, of network namespaces on this machine, in all combinations.

Usage: npm run lab -- [options]

  --runs <number>     Runs of each pair. Default: 20
  --cells <a>,<b>     Only this pair; may be given several times. Default: all
  --only <a>[,<b>…]   Only pairs of these
  --delay <ms>        How much longer every player's round trip to the server takes, half of it
                      each way; 0 for nothing at all. Default: 40
  --parallel <number> Pairs at the same time. Default: 3
  --out <folder>      Where latest.json and latest.svg are written. Default: lab/results
  --reference         Call them reference.json and reference.svg: what the README shows
  --help              This text

${accesses.map((access) => `  ${access.padEnd(18)}  ${builds[access].title}`).join("\n")}

It needs Linux, root, iproute2 and nftables; elsewhere it says so, and is skipped.
`;

/** What the command line asks for. */
export type Wish =
  | { kind: "help" }
  | {
      kind: "run";
      pairs: Pair[];
      runs: number;
      delayMs: number;
      parallel: number;
      out: string;
      name: string;
    };

/** Throws a sentence if the command line asks for nothing that there is. */
export function readOptions(args: string[]): Wish {
  const values = parse(args);
  if (values.help) return { kind: "help" };
  const out = values.out ?? "measure/lab/results";
  if (out === "") throw new Error("--out must name a folder.");
  if (values.cells && values.only) throw new Error("--cells and --only cannot be given together.");
  return {
    kind: "run",
    pairs: values.cells
      ? uniquePairs(values.cells)
      : pairsOf(accessesOf("only", values.only ?? accesses.join())),
    runs: number("runs", values.runs, 20, 10_000),
    delayMs: values.delay === "0" ? 0 : number("delay", values.delay, 40, 1_000, 0),
    parallel: number("parallel", values.parallel, 3, 16),
    out,
    name: values.reference ? "reference" : "latest",
  };
}

function uniquePairs(given: readonly string[]): Pair[] {
  const pairs = given.map((text) => {
    const [one, other, ...rest] = accessesOf("cells", text);
    if (!one || !other || rest.length > 0)
      throw new Error(`--cells takes two accesses, like none,cgnat, not "${text}".`);
    return pairOf(one, other);
  });
  return pairs.filter(({ a, b }, index) => index === pairs.findIndex((pair) => pair.a === a && pair.b === b));
}

function accessesOf(option: string, text: string): Access[] {
  return text.split(",").map((word) => {
    const access = accesses.find((access) => access === word);
    if (!access) throw new Error(`--${option} knows ${accesses.join(", ")}, not "${word}".`);
    return access;
  });
}

function number(name: string, given: string | undefined, fallback: number, most: number, least = 1): number {
  if (given === undefined) return fallback;
  const value = positiveInteger(given, most);
  if (value === null)
    throw new Error(`--${name} must be a whole number from ${least} to ${most}, not "${given}".`);
  return value;
}

function parse(args: string[]) {
  const text = { type: "string" } as const;
  const several = { type: "string", multiple: true } as const;
  const flag = { type: "boolean" } as const;
  try {
    return parseCommandLine({
      args,
      options: {
        runs: text,
        cells: several,
        only: text,
        delay: text,
        parallel: text,
        out: text,
        reference: flag,
        help: flag,
      },
      environment: process.env,
    }).values;
  } catch (error) {
    throw new Error(commandLineMistake(error));
  }
}
