/** What a frame of the game costs a browser without a GPU, in the time that its processes have computed: a busy machine hardly changes that. */
import type { CDPSession, Page } from "playwright-core";
import { expect, test } from "vitest";
import { aPage, chromium, theServer } from "./a-browser.ts";
import { host, isPlaying } from "./a-player.ts";

/** Milliseconds. It is 6 to 8 on a quiet machine and was 23 with round corners that the browser cut out of each frame. */
const mostMs = 16;
const frames = 45;

/** Seconds that all processes that draw have computed. */
async function computed(browser: CDPSession): Promise<number> {
  const { processInfo } = await browser.send("SystemInfo.getProcessInfo");
  const drawing = processInfo.filter(({ type }) => type === "renderer" || type === "GPU");
  return drawing.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}

async function pass(page: Page, count: number): Promise<void> {
  await page.evaluate(async (count) => {
    for (let i = 0; i < count; i++) await new Promise(requestAnimationFrame);
  }, count);
}

test.skipIf(chromium === undefined)(
  "a frame of the game costs a weak machine so little that it can draw 60 a second",
  async () => {
    const { url } = await theServer();
    const page = await aPage(url);
    const browser = await page.context().browser()?.newBrowserCDPSession();
    if (!browser) throw new Error("It is one that the test has started.");
    await host(page, { name: "Ada" });
    await page.getByRole("button", { name: "Start the game" }).click();
    await isPlaying(page);
    // The first frames make what the others use.
    await pass(page, 15);
    const before = await computed(browser);
    await pass(page, frames);
    const perFrame = (1000 * ((await computed(browser)) - before)) / frames;
    expect(perFrame).toBeLessThan(mostMs);
  },
  120_000,
);
