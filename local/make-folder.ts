import { existsSync, mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** Creates a folder and its parents. In places like /proc, Node's own `recursive` tries for ever; this throws the system's error. */
export function makeFolder(path: string): void {
  const missing: string[] = [];
  for (let at = resolve(path); !existsSync(at) && dirname(at) !== at; at = dirname(at)) missing.unshift(at);
  for (const folder of missing) mkdirSync(folder);
  // Something is there: it must be a folder.
  if (missing.length === 0) mkdirSync(path, { recursive: true });
}
