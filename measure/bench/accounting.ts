/** What processes cost, as the operating system accounts for it. Only Linux has these files. */
import { existsSync, readdirSync, readFileSync } from "node:fs";

type Row = { pid: number; program: string; ended: boolean; parent: number; group: number; ticks: number };

/** Clock ticks of /proc in a second: 100 on every Linux, whatever the kernel's own clock is (man 5 proc). */
const ticksPerSecond = 100;
/** Seconds that the ticks of a few processes may be ahead by. A larger difference is of threads that have ended. */
const coarseness = 0.04;

/** Whether this system accounts for processes in the way that the bench reads. */
export function isAccounted(): boolean {
  return existsSync("/proc/self/stat");
}

/**
 * Starts to watch a process and all it started. Call what it returns for the seconds of processor time they have taken
 * since then.
 */
export function watchCpu(pid: number): () => number {
  const before = cpuOf(pid);
  return () => {
    const after = cpuOf(pid);
    const [counted, ran] = [after.counted - before.counted, after.ran - before.ran];
    return counted - ran > coarseness ? counted : ran;
  };
}

/**
 * MiB of memory that a process and all it started hold; what they share is counted once. `program`: only those that run a
 * program of this name.
 */
export function memoryMiB(pid: number, program?: string): number {
  const rows = treeOf(pid).filter((row) => program === undefined || row.program === program);
  const kiB = rows.reduce((sum, row) => sum + proportionalKiB(row.pid), 0);
  return kiB / 1024;
}

/** MiB that the kernel holds of what was sent from a TCP port, and not yet read by clients on this machine. */
export function tcpQueueMiB(port: number): number {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  let bytes = 0;
  for (const line of read("/proc/net/tcp").split("\n").slice(1)) {
    const [, local = "", remote = "", , queues = ""] = line.trim().split(/\s+/);
    const [sent = "0", received = "0"] = queues.split(":");
    if (local.endsWith(suffix)) bytes += Number.parseInt(sent, 16);
    if (remote.endsWith(suffix)) bytes += Number.parseInt(received, 16);
  }
  return bytes / 1024 ** 2;
}

/** MiB of memory that this machine can still give to processes. */
export function freeMemoryMiB(): number {
  return Number(/^MemAvailable:\s+(\d+) kB/m.exec(read("/proc/meminfo"))?.[1] ?? 0) / 1024;
}

/** Ids of the processes of a group that have not ended. */
export function membersOf(group: number): number[] {
  return allRows()
    .filter((row) => row.group === group && !row.ended)
    .map(({ pid }) => pid);
}

/** File descriptors that this process, and those it starts, may have open each. */
export function descriptorLimit(): number {
  const [, hard] = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
  const most = Number(hard);
  return Number.isFinite(most) ? most : Number.POSITIVE_INFINITY;
}

/** Of all UDP sockets on a port: bytes that wait to be read, and datagrams that found no room. */
export function udpQueue(port: number): { waitingBytes: number; dropped: number } {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const sockets = ["/proc/net/udp", "/proc/net/udp6"]
    .flatMap((table) => read(table).trim().split("\n").slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = ""]) => local.endsWith(suffix));
  return {
    waitingBytes: sockets.reduce((sum, row) => sum + Number.parseInt(row[4]?.split(":")[1] ?? "0", 16), 0),
    dropped: sockets.reduce((sum, row) => sum + Number(row[12] ?? 0), 0),
  };
}

function treeOf(pid: number): Row[] {
  const rows = allRows();
  const below = (parent: number): Row[] =>
    rows.filter((row) => row.parent === parent).flatMap((row) => [row, ...below(row.pid)]);
  return [...rows.filter((row) => row.pid === pid), ...below(pid)];
}

function allRows(): Row[] {
  return list("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => rowOf(Number(name)));
}

function rowOf(pid: number): Row[] {
  const text = read(`/proc/${pid}/stat`);
  if (text === "") return [];
  // The program's name, in parentheses, may contain anything.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state = "Z", parent, group] = fields;
  const ticks = Number(fields[11]) + Number(fields[12]);
  const program = text.slice(text.indexOf("(") + 1, text.lastIndexOf(")"));
  return [{ pid, program, ended: state === "Z", parent: Number(parent), group: Number(group), ticks }];
}

/** Seconds: as processes have counted them, coarsely; and as their threads of now have, exactly, but without those that ended. */
function cpuOf(pid: number): { counted: number; ran: number } {
  const tree = treeOf(pid);
  return {
    counted: tree.reduce((sum, { ticks }) => sum + ticks / ticksPerSecond, 0),
    ran: tree.reduce((sum, row) => sum + threadSeconds(row.pid), 0),
  };
}

/** 0 where the system does not tell. */
function threadSeconds(pid: number): number {
  return list(`/proc/${pid}/task`).reduce((sum, thread) => {
    const [nanoseconds = "0"] = read(`/proc/${pid}/task/${thread}/schedstat`).split(" ");
    return sum + Number(nanoseconds) / 1e9;
  }, 0);
}

function proportionalKiB(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
}

/** The file's text; empty if it has gone, as those of processes do at any time. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** What is in a folder; nothing if it has gone. */
function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
