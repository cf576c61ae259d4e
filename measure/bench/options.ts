/** The options of `npm run bench`. */
import { commandLineMistake, parseCommandLine } from "../../core/command-line.ts";
import { positiveInteger } from "../../core/settings.ts";
import { pick, type Scenario } from "./scenarios.ts";

/** How large a run is: a factor of operations, and of clients that are held open. */
const scales = new Map([
  ["tiny", 0.01],
  ["small", 0.2],
  ["full", 1],
]);

export const help = `Measures Orion Edge as npm start runs it, and the floor that this machine sets.

Usage: npm run bench -- [options]

  --scenario <name>   Only this; may be given several times. Without a path, like life-2,
                      both paths. Default: all
  --scale <scale>     tiny: seconds, to see that everything works; small: about two
                      minutes; full: about 12 minutes. Default: full
  --clients <number>  Hold at most so many idle clients or other lobbies, whatever the scale.
                      Default: as many as the scale has, which is up to 15 000
  --rounds <number>   How often everything is measured. Default: 3; 1 at the scale tiny
  --slow <number>     So many clients that do not read, in the scenario slow. Default: as many
                      as the scale has, which is up to 224, of up to 8 MiB each
  --out <folder>      Where latest.json and latest.html are written. Default: measure/bench/results
  --httpPort <port>   The TCP port of the server under test. Default: a free one
  --compare <before.json> [<after.json>]
                      Runs nothing, but compares two results. Default of the second:
                      latest.json of the folder above
  --list              The scenarios, one a line
  --help              This text

It needs Linux, whose accounting of processes it reads.
`;

/** What the command line asks for. */
export type Wish =
  | {
      kind: "run";
      picked: Scenario[];
      scale: number;
      mostHeld: number;
      rounds: number | undefined;
      slow: number | undefined;
      out: string;
      httpPort: number | undefined;
    }
  | { kind: "compare"; before: string; after: string }
  | { kind: "list" }
  | { kind: "help" };

/** Throws a sentence if the command line asks for nothing that there is. */
export function readOptions(args: string[]): Wish {
  const { values, words } = parse(args);
  if (values.help) return { kind: "help" };
  if (values.list) return { kind: "list" };
  const out = values.out ?? "measure/bench/results";
  if (out === "") throw new Error("--out must name a folder.");
  if (values.compare !== undefined) {
    const [after = `${out}/latest.json`] = words;
    return { kind: "compare", before: values.compare, after };
  }
  const [word] = words;
  if (word !== undefined) throw new Error(`"${word}" is not an option. A scenario follows --scenario.`);
  const scale = scales.get(values.scale ?? "full");
  if (scale === undefined) {
    throw new Error(`--scale must be ${[...scales.keys()].join(", ")}, not "${values.scale}".`);
  }
  const number = (name: "httpPort" | "clients" | "rounds" | "slow", most: number) => {
    const given = values[name];
    const value = given === undefined ? undefined : positiveInteger(given, most);
    if (value === null)
      throw new Error(`--${name} must be a whole number from 1 to ${most}, not "${given}".`);
    return value;
  };
  return {
    kind: "run",
    picked: pick(values.scenario ?? []),
    scale,
    mostHeld: number("clients", 1_000_000) ?? Number.POSITIVE_INFINITY,
    rounds: number("rounds", 1_000),
    slow: number("slow", 1_000_000),
    out,
    // As with npm start, 0 is any free one.
    httpPort: values.httpPort === "0" ? undefined : number("httpPort", 65535),
  };
}

function parse(args: string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  try {
    return parseCommandLine({
      args,
      mostWords: 1,
      options: {
        scenario: { type: "string", multiple: true },
        scale: text,
        out: text,
        clients: text,
        rounds: text,
        slow: text,
        httpPort: text,
        compare: text,
        list: flag,
        help: flag,
      },
      environment: process.env,
    });
  } catch (error) {
    throw new Error(commandLineMistake(error));
  }
}
