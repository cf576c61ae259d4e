/** Stands in for local/parts.ts in the package: the Worker's code and the page lie beside this file, built. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Parts } from "../../local/parts.ts";

export async function openParts(): Promise<Parts> {
  const script = await readFile(new URL("worker.js", import.meta.url), "utf8");
  return { script, page: { path: fileURLToPath(new URL("page", import.meta.url)), close: () => {} } };
}

/** They are in the folder of the page. */
export async function buildSdkTypes(): Promise<void> {}
