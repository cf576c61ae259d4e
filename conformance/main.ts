/** `npm run conformance`: plays with somebody else's client, and says which rules it breaks. */
import { closeSync, openSync, writeFileSync } from "node:fs";
import { commandLineMistake } from "../core/command-line.ts";
import { portSentence, tryPort } from "../local/port.ts";
import { argumentsOf, launchCommand } from "./command.ts";
import { play, type Result, scripts } from "./conformance.ts";
import { help, readOptions } from "./options.ts";
import { jsonOf, textOf, totalOf } from "./report.ts";
import type { Launch } from "./run.ts";
import { openStage } from "./stage.ts";

/** Milliseconds for a person to start a client, and for a program to come up. */
const personMs = 600_000;
const programMs = 60_000;

const options = readOptions(process.argv.slice(2), process.env);
switch (options.kind) {
  case "help":
    console.log(help);
    break;
  case "list":
    for (const [name, { level, about }] of Object.entries(scripts))
      console.log(`${level.padEnd(9)}${name.padEnd(13)}${about}`);
    break;
  case "error":
    console.error(`${options.why} (--help tells all options)`);
    process.exit(2);
    break;
  case "play":
    process.exit((await refusal(options)) ?? (await playAll(options)));
}

/** Says what keeps the kit from playing at all, before a client has been started in vain. The exit code then, or null. */
async function refusal({
  command,
  port,
  json,
}: Extract<typeof options, { kind: "play" }>): Promise<number | null> {
  try {
    if (command === null)
      await tryPort(port, "127.0.0.1").catch((error: NodeJS.ErrnoException) => {
        throw new Error(portSentence("TCP", port, "--port", error));
      });
    // Results of minutes would be lost.
    if (json !== null && json !== "-") closeSync(openSync(json, "a"));
    return null;
  } catch (error) {
    console.error(commandLineMistake(error));
    return 2;
  }
}

async function playAll({
  runs,
  command,
  port,
  parallel,
  patienceMs,
  json,
}: Extract<typeof options, { kind: "play" }>): Promise<number> {
  const tell = (text: string) => {
    if (json !== "-") console.log(text);
  };
  const stage = await openStage();
  try {
    const results: Result[] = [];
    const waiting = runs.map((run, i) => ({ run, i }));
    const patience = { startMs: command === null ? personMs : programMs, stepMs: patienceMs };
    // A person can start only one client at a time, and its port stays the same.
    const where = command === null ? { port } : {};
    const next = async (): Promise<void> => {
      for (let one = waiting.shift(); one; one = waiting.shift()) {
        const launch =
          command === null
            ? announce(one.run, tell)
            : launchCommand(command, (line) => tell(`${one?.run}: the client says: ${line}`));
        const result = await play(one.run, stage, launch, { patience, ...where });
        results[one.i] = result;
        tell(textOf(result));
      }
    };
    await Promise.all(Array.from({ length: command === null ? 1 : parallel }, next));
    tell(totalOf(results));
    if (json === "-") console.log(jsonOf(results));
    else if (json !== null) writeFileSync(json, jsonOf(results));
    return results.every(({ findings }) => findings.length === 0) ? 0 : 1;
  } finally {
    await stage.stop();
  }
}

/** Tells a person to start the client. The person ends it, too: the kit cuts its connections. */
function announce(run: string, tell: (text: string) => void): Launch {
  return async (call) => {
    tell(`\n${run}: start your client now, as <your client> ${argumentsOf(call).map(quoted).join(" ")}`);
    // Nobody tells when a client ends that a person has started.
    return { ended: new Promise(() => {}), stop: async () => tell(`${run}: over. End your client.`) };
  };
}

function quoted(word: string): string {
  return /[\s"]/.test(word) ? JSON.stringify(word) : word;
}
