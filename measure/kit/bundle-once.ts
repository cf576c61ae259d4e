/** The Worker of tests' servers, bundled once for all servers of a run, as that takes nearly half of what the start of one takes. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleWorker } from "../../local/bundle-worker.ts";

/**
 * Names the folder of what this run of tests has bundled (`bundle-once-setup.ts`). Programs that tests start inherit it. Without it,
 * nothing is kept.
 */
export const bundlesVariable = "ORION_TEST_BUNDLES";

/** As `bundleWorker`, if no other server of this run had the same modules before. */
export async function bundleOnce(entry: string, inject: readonly string[] = []): Promise<string> {
  const folder = process.env[bundlesVariable];
  if (folder === undefined) return await bundleWorker(entry, inject);
  const modules = JSON.stringify([entry, ...inject]);
  const path = join(folder, `${createHash("sha256").update(modules).digest("hex")}.js`);
  if (existsSync(path)) return readFileSync(path, "utf8");
  const script = await bundleWorker(entry, inject);
  // Another process may look for it now: it finds all of it or nothing.
  const part = `${path}-${crypto.randomUUID()}`;
  writeFileSync(part, script);
  renameSync(part, path);
  return script;
}
