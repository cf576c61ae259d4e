/**
 * The files of lobbies that are over. workerd keeps a database file for each object that was ever asked for, even an
 * empty one. Codes are drawn at random, so without a sweep the folder would grow by 4 KiB with each lobby.
 */
import { readdir, readFile, readlink, realpath, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

/** Milliseconds between two sweeps. */
const intervalMs = 30_000;
/** Milliseconds after which an object without an event is out of workerd's memory, and some to spare. */
const idleMs = 20_000;
/** Bytes of a database that has no table: what `deleteAll` leaves, and what an object has that only read. */
const emptyBytes = 4_096;
const database = /^[0-9a-f]{64}\.sqlite$/;
const sweptSuffix = ".swept";
/** Files in one sweep; another follows after a pause if there may be more. */
const mostSwept = 500;
/** Milliseconds between two sweeps if there may be more. */
const pauseMs = 200;

export type Sweeper = {
  /** Files deleted by one sweep, now. */
  sweep(): Promise<number>;
  /** Done when no sweep is under way. */
  stop(): Promise<void>;
};

/**
 * Deletes the empty files of objects that workerd does not hold, from time to time. `folder`: of one class of objects. Only
 * on Linux: elsewhere nothing tells which files are open, so they stay until the server ends.
 */
export function sweepObjectFiles(folder: string): Sweeper {
  let sweeping: Promise<number> | null = null;
  let isStopped = false;
  const sweepOnce = () => {
    sweeping ??= (process.platform === "linux" ? sweepFolder(folder) : Promise.resolve(0))
      // A folder that cannot be swept keeps its files.
      .catch(() => 0)
      .finally(() => {
        sweeping = null;
      });
    return sweeping;
  };
  const sweepAll = async () => {
    // With a pause, so that the sidecar in the same process gets its turn.
    while ((await sweepOnce()) >= mostSwept && !isStopped) await wait(pauseMs);
  };
  const timer = setInterval(() => void sweepAll(), intervalMs).unref();
  return {
    sweep: sweepOnce,
    stop: async () => {
      isStopped = true;
      clearInterval(timer);
      await sweeping;
    },
  };
}

async function sweepFolder(named: string): Promise<number> {
  // The system shows open files by their real paths.
  const folder = await realpath(named);
  const now = Date.now();
  const names = await readdir(folder);
  if (names.length === 0) return 0;
  const before = await openFiles(folder);
  // What a sweep that was cut short left behind. Nobody else has such names.
  for (const name of names) {
    if (name.endsWith(sweptSuffix) && !before.has(join(folder, name)))
      await rm(join(folder, name), { force: true });
  }
  const moved: string[] = [];
  let swept = 0;
  try {
    for (const name of names) {
      const path = join(folder, name);
      if (!database.test(name) || before.has(path) || !(await isEmpty(path, now))) continue;
      // An object may be called at any moment. One that opened its file before it is moved shows the new name; one that comes
      // later makes a new file.
      await rename(path, path + sweptSuffix);
      moved.push(path);
      if (moved.length === mostSwept) break;
    }
    const after = moved.length > 0 ? await openFiles(folder) : new Set();
    while (moved[0] !== undefined) {
      const [path] = moved;
      if (after.has(path + sweptSuffix)) await rename(path + sweptSuffix, path);
      else {
        await rm(path + sweptSuffix, { force: true });
        swept += 1;
      }
      moved.shift();
    }
  } finally {
    // Where it is not known who has a file open, it gets its name back.
    for (const path of moved) await rename(path + sweptSuffix, path).catch(() => {});
  }
  return swept;
}

/** A workerd that was killed may have left data in the log beside the database. */
async function isEmpty(path: string, now: number): Promise<boolean> {
  const [about, log] = await Promise.all([stat(path), stat(`${path}-wal`).catch(() => null)]);
  if (log && log.size > 0) return false;
  return about.size <= emptyBytes && now - about.mtimeMs > idleMs;
}

/**
 * The files of this folder that this process's children have open: workerd is one of them. Throws if that cannot be known:
 * workerd always has its list of alarms open there.
 */
async function openFiles(folder: string): Promise<Set<string>> {
  const open = new Set<string>();
  for (const pid of await descendants(String(process.pid))) {
    for (const descriptor of await readdir(`/proc/${pid}/fd`)) {
      const path = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => "");
      if (path.startsWith(`${folder}/`)) open.add(path);
    }
  }
  if (open.size === 0) throw new Error("workerd's open files are not to be seen");
  return open;
}

async function descendants(pid: string): Promise<string[]> {
  const all: string[] = [];
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const children = await readFile(`/proc/${pid}/task/${thread}/children`, "utf8");
    for (const child of children.split(" ").filter(Boolean)) all.push(child, ...(await descendants(child)));
  }
  return all;
}
