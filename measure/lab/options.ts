/** The options of `npm run lab`. */
import { commandLineMistake, parseCommandLine } from "../../core/command-line.ts";
import { positiveInteger } from "../../core/settings.ts";
import { type Access, accesses, builds } from "./access.ts";
import { type ClientKind, clientKinds, clients, hasSdk } from "./clients.ts";
import { type Pair, pairOf, pairsOf } from "./pair.ts";

export const help = `Connects players behind real NATs, of network namespaces on this machine, in all combinations.

Usage: npm run lab -- [options]

  --clients <whose>   What the players are, see below. Default: orion
  --runs <number>     Runs of each pair, and of each change of an uplink; of a rung of the ladder, 5 at
                      the most. Default: 20
  --parts <a>[,<b>…]  Of pairs, uplinks and ladder, see below. Default: all, or pairs alone with --cells,
                      with --only, with clients of other servers and in Godot
  --cells <a>,<b>     Only this pair; may be given several times. Default: all
  --only <a>[,<b>…]   Only pairs of these
  --delay <ms>        How much longer every player's round trip to the server takes, half of it
                      each way; 0 for nothing at all. Default: 40
  --parallel <number> Pairs, and other trials, at the same time. Default: 3
  --out <folder>      Where latest.json and latest.svg are written, or latest-noray.json and so on.
                      Default: measure/lab/results
  --reference         Call them reference.json and so on: what the pages show
  --help              This text

Clients:
${clientKinds.map((kind) => `  ${kind.padEnd(18)}  ${clients[kind].title}`).join("\n")}

Networks:
${accesses.map((access) => `  ${access.padEnd(18)}  ${builds[access].title}`).join("\n")}

Parts:
  pairs               Each network with each: who reaches whom, how, and how fast
  uplinks             The uplink of one changes during play: how long until packets flow again
  ladder              Uplinks, each worse than the one before: what arrives, and where it breaks

It needs Linux, root, iproute2 and nftables, Chromium for pages, and debootstrap for Godot 4, which it
installs; elsewhere it says so, and is skipped.
`;

export const parts = ["pairs", "uplinks", "ladder"] as const;
export type Part = (typeof parts)[number];

/** What the command line asks for. */
export type Wish =
  | { kind: "help" }
  | {
      kind: "run";
      clients: ClientKind;
      parts: readonly Part[];
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
  const kind = clientsOf(values.clients ?? "orion");
  const name = values.reference ? "reference" : "latest";
  return {
    kind: "run",
    clients: kind,
    parts: partsOf(values, kind),
    pairs: values.cells
      ? uniquePairs(values.cells)
      : pairsOf(accessesOf("only", values.only ?? accesses.join())),
    runs: number("runs", values.runs, 20, 10_000),
    delayMs: values.delay === "0" ? 0 : number("delay", values.delay, 40, 1_000, 0),
    parallel: number("parallel", values.parallel, 3, 16),
    out,
    name: kind === "orion" ? name : `${name}-${kind}`,
  };
}

function partsOf(given: ReturnType<typeof parse>, kind: ClientKind): Part[] {
  const isNarrow = given.cells !== undefined || given.only !== undefined;
  if (given.parts === undefined) return isNarrow || !hasSdk(kind) ? ["pairs"] : [...parts];
  if (isNarrow && given.parts !== "pairs")
    throw new Error("--cells and --only are for the part pairs alone.");
  const wanted = given.parts.split(",").map((word) => {
    const part = parts.find((part) => part === word);
    if (!part) throw new Error(`--parts knows ${parts.join(", ")}, not "${word}".`);
    return part;
  });
  if (!hasSdk(kind) && wanted.some((part) => part !== "pairs"))
    throw new Error(`Clients of ${kind} have the part pairs alone.`);
  return wanted;
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

function clientsOf(text: string): ClientKind {
  const kind = clientKinds.find((kind) => kind === text);
  if (!kind) throw new Error(`--clients knows ${clientKinds.join(", ")}, not "${text}".`);
  return kind;
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
        clients: text,
        parts: text,
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
