/** Programs of the project that run somewhere in the lab. */
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { within } from "../bench/patience.ts";
import type { Place } from "./topology.ts";

export type Program = {
  /** Says a line to it. */
  say(line: string): void;
  /** The next line it prints of which `find` makes something; those before are forgotten. Rejects with a sentence if it ends or none comes in time. */
  hears<T>(find: (line: string) => T | null, awaited: string, ms: number): Promise<T>;
  /** Ends it, at once. */
  stop(): void;
};

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Starts a script with Node at a place. `what` is how sentences call it: "The server". It ends with its namespace. */
export function startProgram(place: Place, what: string, script: string, args: string[] = []): Program {
  return startCommand(place, what, [process.execPath, script, ...args]);
}

/** Starts any other program in the same way. */
export function startCommand(place: Place, what: string, words: readonly [string, ...string[]]): Program {
  const [command, line] = place.namespace.command(...words);
  const child = spawn(command, line, {
    cwd: root,
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const news = new EventEmitter();
  const lines: string[] = [];
  let lastWords = "";
  let ended: string | null = null;
  createInterface(child.stdout).on("line", (text: string) => {
    lines.push(text);
    news.emit("news");
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    lastWords = (lastWords + text).slice(-2_000);
  });
  child.stdin.on("error", () => {});
  const end = (why: string) => {
    ended ??= `${what} has ended: ${lastWords.trim().split("\n").at(-1) || why}`;
    news.emit("news");
  };
  child.on("error", (error) => end(error.message));
  child.on("close", (code, signal) => end(code === null ? `by ${signal}.` : `exit code ${code}.`));

  const find = async <T>(matching: (line: string) => T | null): Promise<T> => {
    for (;;) {
      for (let text = lines.shift(); text !== undefined; text = lines.shift()) {
        const found = matching(text);
        if (found !== null) return found;
      }
      if (ended !== null) throw new Error(ended);
      await once(news, "news");
    }
  };
  return {
    say: (text) => child.stdin.write(`${text}\n`),
    hears: (matching, awaited, ms) => within(find(matching), `${what} did not say ${awaited} in time.`, ms),
    stop: () => child.kill("SIGKILL"),
  };
}
