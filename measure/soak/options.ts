/** The options of `npm run soak`. */
import { commandLineMistake, parseCommandLine } from "../../core/command-line.ts";
import { positiveInteger } from "../../core/settings.ts";

export type SoakOptions = {
  seconds: number;
  players: number;
  /** The same seed makes the same decisions. What comes of them depends on the machine's timing too. */
  seed: number;
};

export const help = `Hundreds of players do everything at random on a server whose parts fail at random, and every promise of
docs/promises.md that shows from outside is checked.

Usage: npm run soak -- [options]

  --minutes <number>  How long. Default: 5
  --players <number>  How many at a time. Default: 200
  --seed <number>     Repeats the decisions of the run that printed it. Default: a random one
  --help              This text

It ends with 0 when nothing was violated, and with 1 and the stories of the players concerned when something was.
`;

export type Wish = { kind: "run"; options: SoakOptions } | { kind: "help" } | { kind: "error"; why: string };

export function readOptions(args: string[], randomSeed: number): Wish {
  try {
    const text = { type: "string" } as const;
    const { values } = parseCommandLine({
      args,
      options: { minutes: text, players: text, seed: text, help: { type: "boolean" } },
      environment: process.env,
    });
    if (values.help) return { kind: "help" };
    const minutes = Number(values.minutes ?? 5);
    if (!(minutes > 0 && minutes <= 24 * 60)) throw new Error("--minutes must be a number above 0.");
    const number = (name: "players" | "seed", fallback: number) => {
      const given = values[name];
      const value = given === undefined ? fallback : positiveInteger(given, 2 ** 32 - 1);
      if (value === null) throw new Error(`--${name} must be a positive whole number, not "${given}".`);
      return value;
    };
    const options = { players: number("players", 200), seed: number("seed", randomSeed) };
    return { kind: "run", options: { seconds: minutes * 60, ...options } };
  } catch (error) {
    return { kind: "error", why: commandLineMistake(error) };
  }
}
