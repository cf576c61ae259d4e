/** Clients under test that are programs: each is started for one run. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Call, Launch } from "./run.ts";

/** Milliseconds that a client has to end by itself. */
const endMs = 2_000;

/** What a client under test is told on its command line: see docs/writing-a-client.md. */
export function argumentsOf({ url, level, role, code }: Call): string[] {
  return [url.href.replace(/\/$/, ""), level, role, ...(role === "join" ? [code] : [])];
}

/** Starts this command, in a shell, with what the run wants behind it. `told`: hears each line that it prints. */
export function launchCommand(command: string, told: (line: string) => void): Launch {
  return async (call) => {
    // The shell passes the words on as they are: a code has a space in it.
    const child = spawn("sh", ["-c", `exec ${command} "$@"`, "sh", ...argumentsOf(call)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (data: Buffer) => data.toString().trimEnd().split("\n").forEach(told));
    child.on("error", (error) => told(error.message));
    const ended = once(child, "close").then(
      () => {},
      () => {},
    );
    return {
      ended,
      stop: async () => {
        child.kill();
        const timer = setTimeout(() => child.kill("SIGKILL"), endMs);
        await ended;
        clearTimeout(timer);
      },
    };
  };
}
