/**
 * The two parts of the server that are built: the Worker's code, and the page. Here they are built from the sources. A package
 * that has the server brings them along, and packages/parts.ts stands in for this file.
 */
import { fileURLToPath } from "node:url";
import { stop as stopEsbuild } from "esbuild";
import { bundleWorker } from "./bundle-worker.ts";
import { openPage } from "./page-folder.ts";
import type { Folder } from "./storage.ts";

export { buildSdkTypes } from "../page/build.ts";

/** `script`: the Worker as one module of JavaScript. `page`: null if none is wanted. Close it when the server has ended. */
export type Parts = { script: string; page: Folder | null };

let builds = 0;

/** What of a server's options says how its parts are built: the Worker's entry file, modules that run before it, and the bundler. Tests have their own. `page`: false for none. */
export type PartsWanted = {
  entry?: string | undefined;
  inject?: string[] | undefined;
  bundle?: typeof bundleWorker | undefined;
  page?: boolean | undefined;
};

/** Builds what has changed. */
export async function openParts(wanted: PartsWanted): Promise<Parts> {
  const {
    entry = fileURLToPath(new URL("worker.ts", import.meta.url)),
    inject,
    bundle = bundleWorker,
    page: isPageWanted = true,
  } = wanted;
  return await withEsbuild(async () => {
    const [script, page] = await Promise.all([bundle(entry, inject), isPageWanted ? openPage() : null]);
    return { script, page };
  });
}

/** Stops esbuild's process when nobody here needs it any more: it would stay until this one ends. */
async function withEsbuild<T>(work: () => Promise<T>): Promise<T> {
  builds += 1;
  try {
    return await work();
  } finally {
    builds -= 1;
    if (builds === 0) await stopEsbuild();
  }
}
