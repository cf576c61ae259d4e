/** The processes of this machine, as `ps` tells them. */
import { execFileSync } from "node:child_process";

/** Ids of all processes that this one started, and of those that they started. */
export function descendants(pid: number): number[] {
  const rows = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).trim().split("\n");
  const parents = rows.map((row) => row.trim().split(/\s+/).map(Number));
  const children = (of: number): number[] =>
    parents.flatMap(([child = 0, parent]) => (parent === of ? [child, ...children(child)] : []));
  return children(pid);
}

/** Whether a process runs. A zombie does not. */
export function runs(pid: number): boolean {
  try {
    return !execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).startsWith("Z");
  } catch {
    return false;
  }
}

/** Ids of the processes of that program that this one started, or those that it started. */
export function descendantsNamed(pid: number, name: string): number[] {
  return descendants(pid).filter((id) => commandOf(id).includes(name));
}

function commandOf(pid: number): string {
  try {
    return execFileSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" });
  } catch {
    return "";
  }
}
