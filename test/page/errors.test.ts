import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { problems } from "../../core/problem.ts";
import { aPage, chromium, seriousFindings, theServer } from "./a-browser.ts";

describe.skipIf(!chromium)("the page for an address that is refused", { timeout: 120_000 }, () => {
  it.each(["dark", "light"] as const)("can be read by everybody in the %s theme", async (colorScheme) => {
    const { url } = await theServer();
    const page = await aPage(new URL("/nowhere", url), {
      colorScheme,
      viewport: { width: 320, height: 640 },
    });
    await page.getByRole("heading", { name: problems.not_found[1] }).waitFor();
    expect(await page.title()).toMatch(/^404\b/);
    expect(await seriousFindings(page)).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth > innerWidth")).toBe(false);
    await page.getByRole("link", { name: "Go to the first page" }).click();
    await page.getByRole("button", { name: "Play now" }).waitFor();
  });

  it("cannot be put into another page's frame, and neither can the first page", async () => {
    const { url } = await theServer();
    const frames = ["/", "/nowhere"].map((path) => `<iframe src="${new URL(path, url)}"></iframe>`);
    const site = createServer((_, response) => response.end(`<!doctype html>${frames.join("")}`));
    site.listen(0, "127.0.0.1");
    await once(site, "listening");
    onTestFinished(() => void site.close());
    const { port } = site.address() as AddressInfo;
    const page = await aPage(`http://127.0.0.1:${port}/`);
    await expect.poll(() => page.mistakes.length).toBeGreaterThanOrEqual(2);
    for (const mistake of page.mistakes.splice(0)) expect(mistake).toMatch(/frame-ancestors|X-Frame-Options/);
    for (const frame of page.frames().slice(1)) expect(await frame.getByRole("heading").count()).toBe(0);
  });
});
