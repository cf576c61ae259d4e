/** Other programs, as processes of their own. */
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { fileURLToPath } from "node:url";
import { noteLines, noteSettings } from "./whole-log.ts";

/** The project's folder. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

export type Program = {
  readonly pid: number;
  /** All it has printed so far. */
  readonly output: string;
  /** What of that it has printed as errors. */
  readonly errors: string;
  /** Waits until it has printed something that matches. */
  prints(pattern: RegExp): Promise<void>;
  /** Its exit code, when it has ended. */
  readonly ended: Promise<number | null>;
  /** Asks the program and its children to stop, as Ctrl-C does, and waits until they have. */
  stop(): Promise<void>;
};

/** Several servers run at a time, and the ports of gateways are always the same, unless a test says otherwise. */
const withoutGateways = { ORION_NORAY_PORT: "off", ORION_RABID_PORT: "off" };

/** Milliseconds after which what was waited for will not be printed any more. wrangler is slow to start. */
const patienceMs = 60_000;

export function startProgram(command: string, args: string[], environment: NodeJS.ProcessEnv = {}): Program {
  noteSettings(environment);
  const child = spawn(command, args, {
    cwd: root,
    env: { ...process.env, ...withoutGateways, NO_COLOR: "1", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  let errors = "";
  let over = false;
  const news = new EventEmitter();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      news.emit("news");
    });
  }
  child.stderr.on("data", (text: string) => {
    errors += text;
  });
  // The pipes close when the last process that holds them has ended: npm goes before its script.
  const ended = once(child, "close").then(([code]): number | null => {
    over = true;
    noteLines([command, ...args].join(" "), output);
    news.emit("news");
    return code;
  });
  return {
    pid: child.pid ?? 0,
    get output() {
      return output;
    },
    get errors() {
      return errors;
    },
    prints: async (pattern) => {
      const signal = AbortSignal.timeout(patienceMs);
      const missing = () =>
        new Error(`${command} ${args.join(" ")} did not print ${pattern}, but:\n${output}`);
      while (!pattern.test(output)) {
        if (over) throw missing();
        await once(news, "news", { signal }).catch(() => {
          throw missing();
        });
      }
    },
    ended,
    stop: async () => {
      try {
        if (child.pid !== undefined && !over) process.kill(-child.pid, "SIGTERM");
      } catch {
        // It has just ended, and its last output is on its way.
      }
      await ended;
    },
  };
}
