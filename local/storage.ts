/** The folder of the objects' storage. One server uses it at a time. */
import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { makeFolder } from "./make-folder.ts";

export type Folder = {
  path: string;
  /** Lets other servers use the folder. Deletes it, if it is temporary. May be called again. */
  close(): void;
};

/** The folder cannot be used. The message is a sentence for the person who chose it. */
export class FolderError extends Error {}

/**
 * A SQLite database in each folder. The server that uses the folder holds its lock. The system frees the lock when the
 * server ends in any way, and tells servers in other containers of this machine about it too.
 */
const lockFile = "orion-edge.lock";
const prefix = "orion-edge-";
const memoryFolder = "/dev/shm";
/** Bytes: 1 000 lobbies with 70 kB each, and as much again. A container often has 64 MB there. */
const memoryNeeded = 140 * 1024 ** 2;
/** Milliseconds in which a new temporary folder has got its lock, even on a slow machine. */
const newMs = 60_000;
/** The result codes of SQLite that have a sentence of their own. */
const sqlite = { busy: 5, readOnly: 8, ioError: 10, full: 13, notADatabase: 26 };

/** Opens the folder of `--persist`, and creates it if there is none. Throws a FolderError if it cannot be used. */
export function openFolder(wanted: string): Folder {
  const path = resolve(wanted);
  try {
    if (process.platform !== "win32" && path.includes("\\")) {
      throw new FolderError("its path has a backslash, which workerd takes for a slash.");
    }
    makeFolder(path);
    if (!statSync(path).isDirectory()) throw new FolderError("it is a file, not a folder.");
    tryToWrite(path);
    const lock = lockFolder(path);
    return { path, close: () => lock.close() };
  } catch (error) {
    throw new FolderError(`The folder of --persist cannot be used: ${reason(error)}`);
  }
}

/**
 * A new folder that is deleted when it is closed, in `parent`, or without one where files are fastest. `name` is the
 * beginning of its name, and begins with `prefix`. Deletes folders that servers left behind when they were killed.
 */
export function openTemporaryFolder(parent = fastFolder(), name = prefix): Folder {
  for (const place of new Set([parent, memoryFolder, tmpdir()])) sweep(place);
  const path = mkdtempSync(join(parent, name));
  const lock = lockFolder(path);
  return {
    path,
    close: () => {
      lock.close();
      rmSync(path, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** Throws the system's error if this process cannot write there: SQLite's errors tell less. */
function tryToWrite(path: string): void {
  const probe = join(path, "orion-edge.probe");
  writeFileSync(probe, "probe");
  rmSync(probe, { force: true });
  // Never open the lock file here: when a process closes a file, it loses all locks that it holds on it.
  const lock = join(path, lockFile);
  if (existsSync(lock)) accessSync(lock, constants.R_OK | constants.W_OK);
}

type Lock = { close(): void };

/** Takes a folder's lock. Throws if another server has it, or if nothing can be stored in the folder. */
function lockFolder(path: string): Lock {
  const database = new DatabaseSync(join(path, lockFile));
  try {
    database.exec(`
      PRAGMA locking_mode = EXCLUSIVE;
      BEGIN EXCLUSIVE;
      CREATE TABLE IF NOT EXISTS writer (workerd TEXT NOT NULL);
      COMMIT;
    `);
    const before = String(database.prepare("SELECT workerd FROM writer").get()?.workerd ?? "");
    if (isNewer(before, workerdVersion())) {
      throw new FolderError(
        `a newer version of workerd wrote it, ${before}. Update Orion Edge, or choose another folder.`,
      );
    }
    database.exec("DELETE FROM writer");
    database.prepare("INSERT INTO writer VALUES (?)").run(workerdVersion());
  } catch (error) {
    database.close();
    throw error;
  }
  return {
    close: () => {
      if (database.isOpen) database.close();
    },
  };
}

/** The version of the workerd that Miniflare runs, like `1.20261023.1`. */
function workerdVersion(): string {
  const { version }: { version: string } = createRequire(import.meta.resolve("miniflare"))("workerd");
  return version;
}

function isNewer(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split(".").map(Number));
  const different = a?.findIndex((part, i) => part !== b?.[i]) ?? -1;
  return different >= 0 && (a?.[different] ?? 0) > (b?.[different] ?? 0);
}

function reason(error: unknown): string {
  if (error instanceof FolderError) return error.message;
  const { code, errcode, message } = error as NodeJS.ErrnoException & { errcode?: number };
  // The low byte is the kind of error, the rest its details.
  switch (code === "ERR_SQLITE_ERROR" ? (errcode ?? 0) & 0xff : code) {
    case sqlite.busy:
      return "another server is using it. Give each server a folder of its own.";
    case "EACCES":
    case "EPERM":
      return "this user may not write there.";
    case "EROFS":
    case sqlite.readOnly:
      return "it is read-only.";
    case "ENOSPC":
    case "EDQUOT":
    case sqlite.full:
      return "there is no space left.";
    case "EEXIST":
    case "ENOTDIR":
      return "a part of its path is a file, not a folder.";
    case "ENOENT":
      return "the system lets no program create files there.";
    case "ENAMETOOLONG":
      return "its path is too long.";
    case sqlite.notADatabase:
      return `its file ${lockFile} is damaged. Delete that file, if no server uses the folder.`;
    case sqlite.ioError:
      return "its file system does not let programs lock files. Choose a folder on a local disk.";
    default:
      return `${message}.`;
  }
}

/** Deletes temporary folders of this user that no server uses. */
function sweep(place: string): void {
  for (const name of namesIn(place)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(place, name);
    try {
      const about = lstatSync(path);
      const isOurs = about.isDirectory() && about.uid === process.getuid?.();
      if (!isOurs || Date.now() - about.mtimeMs < newMs || !existsSync(join(path, lockFile))) continue;
      lockFolder(path).close();
      rmSync(path, { recursive: true, force: true });
    } catch {
      // A server uses it, or another one has just swept it.
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Where files cost no disk access, if the system has such a place and room in it. */
function fastFolder(): string {
  try {
    const { bavail, bsize } = statfsSync(memoryFolder);
    return bavail * bsize >= memoryNeeded ? memoryFolder : tmpdir();
  } catch {
    return tmpdir();
  }
}
