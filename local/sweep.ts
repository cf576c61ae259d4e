/**
 * Every object ever used leaves a database file, and an object that has deleted its storage an empty one
 * of 4 KiB. On Cloudflare nobody sees them; here they would fill the disk, or the memory, in the end.
 */
import { readdir, stat, unlink } from "node:fs/promises";
import { join } from "node:path";

const intervalMs = 60_000;
/** A database with anything in it has more than one page. */
const emptyBytes = 4096;

/** Removes empty databases, minutes after their last use, until the returned function is called. */
export function sweepRegularly(folder: string): () => void {
  const timer = setInterval(() => sweep(folder, Date.now() - 2 * intervalMs).catch(() => {}), intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Removes the empty databases last changed before `before` (milliseconds since 1970). Returns how many. */
export async function sweep(folder: string, before: number): Promise<number> {
  let removed = 0;
  for (const kind of await readdir(folder)) {
    const names = new Set(await readdir(join(folder, kind)));
    for (const name of names) {
      // The runtime keeps a -shm file beside every database it has open.
      if (!name.endsWith(".sqlite") || name.startsWith("metadata") || names.has(`${name}-shm`)) continue;
      const path = join(folder, kind, name);
      const { size, mtimeMs } = await stat(path);
      if (size > emptyBytes || mtimeMs >= before) continue;
      await unlink(path);
      removed += 1;
    }
  }
  return removed;
}
