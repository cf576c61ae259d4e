/** The Firefox of this machine under Playwright. It has its own Firefox in mind, but drives any that speaks WebDriver BiDi. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, firefox as driver } from "playwright-core";
import { root } from "../../measure/kit/program.ts";
import { firefox } from "../client/a-page.ts";

export { firefox };

/** Milliseconds: on a busy machine its start takes most of a minute. */
const startMs = 110_000;

/** Started in a profile of its own. */
export async function startFirefox(): Promise<Browser> {
  const folder = mkdtempSync(join(tmpdir(), "orion-edge-firefox-"));
  // Playwright starts one program, by its path.
  const program = join(folder, "firefox");
  const words = [process.execPath, join(root, "test/page/firefox-for-playwright.ts"), firefox];
  const quoted = words.map((word) => `'${word}'`).join(" ");
  writeFileSync(program, `#!/bin/sh\nexec ${quoted} "$@"\n`, { mode: 0o700 });
  const browser = await driver.launch({
    channel: "moz-firefox",
    executablePath: program,
    timeout: startMs,
    env: { ...process.env, HOME: folder },
  });
  browser.on("disconnected", () => rmSync(folder, { recursive: true, force: true }));
  return browser;
}
