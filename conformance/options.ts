/** The command line of the kit. */
import { commandLineMistake, parseCommandLine } from "../core/command-line.ts";
import { portNumber, positiveInteger } from "../core/settings.ts";
import { runsOf, scripts } from "./conformance.ts";
import { command } from "./kit-command.ts";
import { type Level, levels } from "./rules.ts";

export const help = `Plays with a client of Orion Edge's protocol, and says which of its rules the client breaks.
docs/writing-a-client.md says what the client must be able to do for it.

Usage: ${command} --command "python3 client.py" --level links
       ${command} --listen

  --command <command>  Starts this program for each run, with the server's URL, the level,
                       host or join, and the code to join behind it
  --listen             Waits for the client, which you start yourself for each run, on this
                       machine
  --level <level>      orion, staying, links, sealed or reliable, with all that it builds on.
                       May be repeated. Default: orion
  --run <name>         Only this run. May be repeated. --list tells all
  --list               Tells all runs, and ends
  --port <port>        For HTTP and WebSocket, with --listen. Default: 5981
  --parallel <number>  Runs at a time, with --command. Default: 4
  --patience <seconds> How long to wait for what the client is to do. Default: 15
  --json <file>        Writes the results there, too; - for the output, which then has nothing else
  --help               This text

The exit code is 0 if no rule was broken, 1 if one was, 2 if the command line is wrong.
`;

export type Options =
  | { kind: "help" }
  | { kind: "list" }
  | { kind: "error"; why: string }
  | {
      kind: "play";
      runs: string[];
      /** Null to wait for a client. */
      command: string | null;
      port: number;
      parallel: number;
      patienceMs: number;
      json: string | null;
    };

export function readOptions(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Options {
  try {
    return read(args, environment);
  } catch (error) {
    return { kind: "error", why: commandLineMistake(error) };
  }
}

function read(args: readonly string[], environment: NodeJS.ProcessEnv): Options {
  const text = { type: "string" } as const;
  const texts = { type: "string", multiple: true } as const;
  const options = {
    command: text,
    listen: { type: "boolean" },
    level: texts,
    run: texts,
    list: { type: "boolean" },
    port: text,
    parallel: text,
    patience: text,
    json: text,
    help: { type: "boolean" },
  } as const;
  const { values } = parseCommandLine({ args, options, environment });
  if (values.help) return { kind: "help" };
  if (values.list) return { kind: "list" };
  if ((values.command === undefined) === (values.listen === undefined))
    throw new Error("One of --command and --listen is needed.");
  const wanted = values.level ?? ["orion"];
  const unknown = wanted.find((level) => !levels.some((one) => one === level));
  if (unknown !== undefined)
    throw new Error(`There is no level "${unknown}". There are ${levels.join(", ")}.`);
  const strange = values.run?.find((name) => !Object.hasOwn(scripts, name));
  if (strange !== undefined) throw new Error(`There is no run "${strange}". --list tells all.`);
  const port = portNumber(values.port ?? "5981");
  if (port === null) throw new Error("--port must be a whole number from 0 to 65535.");
  const parallel = positiveInteger(values.parallel ?? "4", 16);
  if (parallel === null) throw new Error("--parallel must be a whole number from 1 to 16.");
  const patience = positiveInteger(values.patience ?? "15", 3_600);
  if (patience === null) throw new Error("--patience must be a whole number from 1 to 3600.");
  return {
    kind: "play",
    runs: values.run ?? runsOf(wanted as Level[]),
    command: values.command ?? null,
    port,
    parallel,
    patienceMs: patience * 1_000,
    json: values.json ?? null,
  };
}
