/** The examples that are pages do what their pages say, in Chromium. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, onTestFinished, test } from "vitest";
import { root, startProgram } from "../../measure/kit/program.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { noChromium, openBrowser } from "./a-browser.ts";

const source = (path: string) => readFileSync(join(root, path), "utf8");
const lines = (path: string) => source(path).trimEnd().split("\n").length;

/** As `npm start`: only pages of this machine and its network may call it. */
async function startServer(): Promise<URL> {
  const server = await startTestServer({ vars: { allowedOrigin: "local" } });
  onTestFinished(() => server.stop());
  return server.url;
}

/** `npm run example`, at a free port. */
async function serve(example: string): Promise<string> {
  const program = startProgram(process.execPath, ["examples/serve.ts", example, "--port", "0"]);
  onTestFinished(() => program.stop());
  await program.prints(/Open (http:\S+)/);
  return /Open (http:\S+)/.exec(program.output)?.[1] ?? "";
}

const patience = { timeout: 30_000, interval: 200 };
const says = (page: Page, text: string | RegExp) => page.getByText(text).waitFor();

describe.skipIf(noChromium)("with Chromium", { timeout: 180_000 }, () => {
  test("two tabs find each other by their address, and hear what the other says", async () => {
    const open = await openBrowser(await startServer());
    const first = await open(await serve("two-tabs"));
    await first.waitForURL(/#.{5}$/);
    const second = await open(first.url());
    await Promise.all([says(first, /^Connected to Tab/), says(second, /^Connected to Tab/)]);
    for (const [from, to] of [
      [first, second],
      [second, first],
    ] as const) {
      await from.getByLabel("Say something").fill("<b>Hello</b>");
      await from.getByRole("button", { name: "Send" }).click();
      await says(to, /^Tab \d+: <b>Hello<\/b>$/);
    }
  });

  test("a third tab, opened while two are connected, hears both", async () => {
    const open = await openBrowser(await startServer());
    const first = await open(await serve("two-tabs"));
    await first.waitForURL(/#.{5}$/);
    const second = await open(first.url());
    await says(second, /^Connected to Tab/);
    const third = await open(first.url());
    await says(third, /^Connected to Tab/);
    for (const tab of [first, second]) {
      // A link of the other may be a moment behind.
      await expect
        .poll(async () => {
          await tab.getByLabel("Say something").fill("Hello");
          await tab.getByRole("button", { name: "Send" }).click();
          return await third.getByText(/: Hello$/).count();
        }, patience)
        .toBeGreaterThan(0);
    }
  });

  test("a tab with the code of no lobby says so", async () => {
    const open = await openBrowser(await startServer());
    const page = await open(`${await serve("two-tabs")}#AAAAA`);
    await says(page, /no such lobby/);
  });

  test("the lines at the top of the README connect two pages", async () => {
    const open = await openBrowser(await startServer());
    const [, script = ""] = /```js\n(import[\s\S]*?)```/.exec(source("README.md")) ?? [];
    const site = createServer((_, response) =>
      response.setHeader("content-type", "text/html").end(`<script type="module">${script}</script>`),
    ).listen(0, "localhost");
    await once(site, "listening");
    onTestFinished(() => void site.close());
    const address = site.address();
    const host = await open(`http://localhost:${typeof address === "object" ? address?.port : 0}/`);
    const toHost = host.waitForEvent("console", (line) => line.text() === "Hello from Bo");
    await host.waitForURL(/#.{5}$/);
    const guest = await open(host.url());
    await Promise.all([toHost, guest.waitForEvent("console", (line) => line.text() === "Hello from Ada")]);
  });

  test("two people chat in React: each sees who is there, markup is text, and one leaves", async () => {
    const open = await openBrowser(await startServer());
    const url = await serve("react-chat");
    const enter = async (page: Page, name: string) => {
      await page.getByLabel("Your name").fill(name);
      await page.getByRole("button", { name: "Enter" }).click();
      await page.getByRole("heading", { name: /^Lobby/ }).waitFor();
      return page;
    };
    const ada = await enter(await open(url), "Ada");
    const bo = await enter(await open(ada.url()), "Bo");
    const members = (page: Page) => page.getByLabel("Members").getByRole("listitem").allInnerTexts();
    // In development React mounts everything twice: the first time must leave nothing behind.
    for (const page of [ada, bo])
      await expect.poll(() => members(page), patience).toEqual(["Ada (host)", "Bo"]);
    await bo.getByLabel("Say something").fill("<i>Tea?</i>");
    await bo.getByRole("button", { name: "Send" }).click();
    for (const page of [ada, bo]) {
      await expect
        .poll(() => page.getByLabel("Chat").getByRole("listitem").allInnerTexts(), patience)
        .toEqual(["Bo: <i>Tea?</i>"]);
    }
    await bo.getByRole("button", { name: "Leave" }).click();
    await expect.poll(() => members(ada), patience).toEqual(["Ada (host)"]);
  });
});

test("the examples are as short as their pages say", () => {
  expect(lines("examples/two-tabs/index.html")).toBeLessThan(60);
  expect(lines("examples/react-chat/use-lobby.js")).toBeLessThanOrEqual(40);
});

test("an example that is not there is answered with those that are", async () => {
  const program = startProgram(process.execPath, ["examples/serve.ts", "three-tabs"]);
  expect(await program.ended).toBe(1);
  expect(program.errors).toContain("two-tabs");
});
