/** How a program of ours ends with those around it: with the npm that started it, and its own children with it. */
import { spawnSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = realpathSync(fileURLToPath(new URL("..", import.meta.url)));

/** Milliseconds between two looks for the npm that started this process. */
const lookMs = 500;

/**
 * Calls `ended` if the `npm run <script>` that started this process ends before it. npm passes SIGINT and SIGTERM
 * on. SIGHUP and SIGKILL end npm alone, and would leave the server on its port.
 */
export function whenNpmEnds(script: string, ended: () => void): void {
  const { npm_lifecycle_event: event, npm_package_json: file } = process.env;
  if (event !== script || file === undefined || realpathSync(file) !== join(root, "package.json")) return;
  const npm = process.ppid;
  const look = setInterval(() => {
    if (isRunning(npm)) return;
    clearInterval(look);
    ended();
  }, lookMs);
  look.unref();
}

/** Whether the parent of this process still runs. Windows keeps telling the id of a parent that has ended. */
function isRunning(parent: number): boolean {
  if (process.platform !== "win32") return process.ppid === parent;
  try {
    return process.kill(parent, 0);
  } catch {
    return false;
  }
}

/**
 * The words to put before a command so that the system sends it this signal when this process ends in any way,
 * SIGKILL included. None where the system has no such thing: on macOS and Windows.
 */
export function endingWithUs(signal: "TERM" | "KILL"): string[] {
  if (process.platform !== "linux") return [];
  const words = ["setpriv", "--pdeathsig", signal];
  return spawnSync("setpriv", [...words.slice(1), "true"]).status === 0 ? words : [];
}
