/** The browser of the lab's pages. */
import { spawnSync } from "node:child_process";

const names = ["chromium", "chromium-browser", "google-chrome"];

/** What Chromium is called on this machine; undefined if there is none. */
export function chromiumHere(): string | undefined {
  return names.find((name) => spawnSync(name, ["--version"]).status === 0);
}
