/** Stands in for local/parts.ts in packages: the Worker's code and the page, if the package has one, lie beside this file, built. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Parts, PartsWanted } from "../local/parts.ts";

export async function openParts({ page = true }: PartsWanted): Promise<Parts> {
  const script = await readFile(new URL("worker.js", import.meta.url), "utf8");
  const path = fileURLToPath(new URL("page", import.meta.url));
  return { script, page: page ? { path, close: () => {} } : null };
}

/** They are in the folder of the page. */
export async function buildSdkTypes(): Promise<void> {}
