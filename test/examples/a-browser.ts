/** Chromium for tests of examples, whose pages call a server at `http://localhost:5980`. */
import { type Browser, chromium, type Page } from "playwright-core";
import { expect, onTestFinished } from "vitest";
import { chromium as program } from "../client/a-page.ts";

export const noChromium = program === undefined;

/** Opens pages in contexts of their own, for which `http://localhost:5980` is this server. An error in any of them fails the test. */
export async function openBrowser(server: URL): Promise<(url: string) => Promise<Page>> {
  const browser: Browser = await chromium.launch({
    executablePath: `/usr/bin/${program}`,
    args: ["--no-sandbox", `--host-resolver-rules=MAP localhost:5980 127.0.0.1:${server.port}`],
  });
  const errors: string[] = [];
  onTestFinished(async () => {
    await browser.close();
    expect(errors).toEqual([]);
  });
  return async (url) => {
    const page = await (await browser.newContext()).newPage();
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (message) => {
      // What the browser says of the network is not the page's: a refusal that is expected, an icon that is not there, a
      // packet for a WebSocket that the other end has just closed.
      const isNetwork = /^Failed to load resource|^WebSocket is already in CLOSING/.test(message.text());
      if (message.type() === "error" && !isNetwork) errors.push(message.text());
    });
    await page.goto(url);
    return page;
  };
}
