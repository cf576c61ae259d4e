/**
 * The files of lobbies that are over. workerd keeps a database file for each object that was ever asked for, even an
 * empty one. Codes are drawn at random, so without a sweep the folder would grow by 4 KiB with each lobby.
 */
import { readdirSync, readFileSync, readlinkSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/** Milliseconds between two sweeps. */
const intervalMs = 30_000;
/** Milliseconds after which an object without an event is out of workerd's memory, and some to spare. */
const idleMs = 20_000;
/** Bytes of a database that has no table: what `deleteAll` leaves, and what an object has that only read. */
const emptyBytes = 4_096;
const database = /^[0-9a-f]{64}\.sqlite$/;
const sweptSuffix = ".swept";

export type Sweeper = {
  /** Files deleted by one sweep, now. */
  sweep(): number;
  stop(): void;
};

/**
 * Deletes the empty files of objects that workerd does not hold, from time to time. `folder`: of one class of objects. Only
 * on Linux: elsewhere nothing tells which files are open, so they stay until the server ends.
 */
export function sweepObjectFiles(folder: string): Sweeper {
  const sweep = () => (process.platform === "linux" ? sweepFolder(folder) : 0);
  const timer = setInterval(sweep, intervalMs).unref();
  return { sweep, stop: () => clearInterval(timer) };
}

function sweepFolder(folder: string): number {
  const now = Date.now();
  const empty = namesIn(folder).filter((name) => database.test(name) && isEmpty(join(folder, name), now));
  if (empty.length === 0) return 0;
  const before = openFiles();
  const free = empty.map((name) => join(folder, name)).filter((path) => !before.has(path));
  // An object may be called at any moment. One that opened its file before it was moved shows the new name; one that comes
  // later makes a new file.
  const moved = free.filter((path) => move(path, path + sweptSuffix));
  const after = openFiles();
  let swept = 0;
  for (const path of moved) {
    if (after.has(path + sweptSuffix)) move(path + sweptSuffix, path);
    else {
      for (const rest of [sweptSuffix, "-wal", "-shm"]) {
        if (rest === sweptSuffix || !after.has(path + rest)) rmSync(path + rest, { force: true });
      }
      swept += 1;
    }
  }
  return swept;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // No object of this class was asked for yet.
    return [];
  }
}

/** A workerd that was killed may have left data in the log beside the database. */
function isEmpty(path: string, now: number): boolean {
  const about = statSync(path, { throwIfNoEntry: false });
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
  if (!about || (log && log.size > 0)) return false;
  return about.size <= emptyBytes && now - about.mtimeMs > idleMs;
}

function move(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}

/** The files that this process's children have open: workerd is one of them. */
function openFiles(): Set<string> {
  const open = new Set<string>();
  for (const pid of descendants(String(process.pid))) {
    for (const descriptor of namesIn(`/proc/${pid}/fd`)) {
      try {
        open.add(readlinkSync(`/proc/${pid}/fd/${descriptor}`));
      } catch {
        // Closed meanwhile.
      }
    }
  }
  return open;
}

function descendants(pid: string): string[] {
  const children = namesIn(`/proc/${pid}/task`).flatMap((thread) => {
    try {
      return readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean);
    } catch {
      return [];
    }
  });
  return children.flatMap((child) => [child, ...descendants(child)]);
}
