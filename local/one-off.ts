/** Programs that do one thing and end: what they are asked for, or one sentence about what is missing. */
import {
  type CommandLine,
  commandLineMistake,
  type Options,
  parseCommandLine,
} from "../core/command-line.ts";

/**
 * Reads the command line, and does the work, or prints `help`. What either throws ends the program with its message, without a stack,
 * and with exit code 1.
 */
export async function runOneOff<const O extends Options & { help: { type: "boolean" } }>(
  { help, options, mostWords = 0 }: { help: string; options: O; mostWords?: number },
  work: (commandLine: CommandLine<O>) => Promise<void> | void,
): Promise<void> {
  try {
    const line = parseCommandLine({
      args: process.argv.slice(2),
      options,
      mostWords,
      environment: process.env,
    });
    if (line.values.help) console.log(help);
    else await work(line);
  } catch (error) {
    console.error(`${commandLineMistake(error)} (--help tells all options)`);
    process.exitCode = 1;
  }
}
