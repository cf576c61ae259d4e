/** How Miniflare starts workerd. */
import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const starter = fileURLToPath(new URL("./workerd.sh", import.meta.url));

/**
 * Makes each workerd that this process starts end with this process, and raises its limit of file descriptors. The command
 * that starts it; null where that cannot be done, as on Windows.
 */
export function setUpWorkerd(descriptors: number | null): string | null {
  if (process.platform === "win32" || process.env.MINIFLARE_WORKERD_PATH !== undefined) return null;
  try {
    accessSync(starter, constants.X_OK);
  } catch {
    // An archive may have lost that the script can be run. The server runs without it.
    return null;
  }
  const workerd: { default: string } = createRequire(import.meta.resolve("miniflare"))("workerd");
  process.env.MINIFLARE_WORKERD_PATH = starter;
  process.env.ORION_WORKERD = workerd.default;
  process.env.ORION_DESCRIPTORS = String(descriptors ?? "");
  return starter;
}
