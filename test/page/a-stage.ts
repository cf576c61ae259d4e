/** The game in pages of Chromium: a bare page with a stage, under the policy of the real one. What a page throws fails the test. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium as driver, type Page } from "playwright-core";
import { afterAll, expect, onTestFinished } from "vitest";
import { root } from "../../measure/kit/program.ts";
import type { GameStats } from "../../page/game/play.ts";
import { bundle, chromium } from "../client/a-page.ts";

export { chromium };

const script = `
  import { connect } from "./client/browser.ts";
  import { play } from "./page/game/play.ts";
  const wish = new URLSearchParams(location.search);
  const orion = await connect(wish.get("server"));
  const code = wish.get("code");
  const name = wish.get("name");
  const key = sessionStorage.getItem("key");
  const options = { lifetime: "session", topology: "mesh", onHostLoss: "migrate", maxMembers: 8, game: "comets" };
  const begun = performance.now();
  const lobby = key ? await orion.resume(key) : code ? await orion.join(code, { name }) : await orion.host({ name, ...options });
  const keep = () => sessionStorage.setItem("key", lobby.returnKey());
  keep();
  lobby.on("resumed", keep);
  let isLinked = key !== null;
  const link = () => {
    if (!lobby.isHost || isLinked || lobby.members.length < 2) return;
    isLinked = true;
    lobby.start().catch(() => { isLinked = false; setTimeout(link, 300); });
  };
  lobby.on("joined", link);
  link();
  const said = [];
  const results = [];
  const game = play(lobby, document.querySelector("#stage"), {
    selfId: lobby.clientId,
    comesBack: false,
    onEnd: (result) => results.push(result),
    announce: (sentence) => said.push(sentence),
    settings: { reducedMotion: matchMedia("(prefers-reduced-motion: reduce)").matches },
  });
  Object.assign(window, { lobby, game, said, results, begun });
`;
const html = `<!doctype html><html lang="en"><head><title>Comets</title><meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="/style.css"><script type="module" src="/stage.js"></script></head>
<body><main><h1>Comets</h1><div id="stage"></div><label>Chat <input id="chat"></label></main></body></html>`;

let site: Promise<string> | null = null;
let browser: Promise<Browser> | null = null;
const closing: (() => unknown)[] = [];
afterAll(async () => {
  await (await browser)?.close();
  for (const close of closing) await close();
});

async function startSite(): Promise<string> {
  const files: Record<string, [string, string]> = {
    "/stage.js": ["text/javascript", await bundle(script, ".")],
    "/style.css": [
      "text/css",
      `#stage { height: 480px } ${readFileSync(join(root, "page/game/style.css"), "utf8")}`,
    ],
    "/": ["text/html", html],
  };
  const server = createServer((request, response) => {
    const [type, text] = files[request.url?.split("?")[0] ?? ""] ?? ["text/plain", ""];
    response.setHeader("content-type", `${type}; charset=utf-8`);
    const policy =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src *";
    response.setHeader("content-security-policy", policy);
    response.end(text);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/`;
}

type GameWindow = {
  game: { stats: () => GameStats; stop: () => void };
  lobby: { code: string; clientId: string; isHost: boolean; leave: () => Promise<void> };
  said: string[];
  results: unknown[];
};

export type Stage = Page & { readonly mistakes: string[] };

/** Somebody's page, in a profile of its own. Without a code it hosts. */
export async function aStage(
  server: URL,
  wish: { name: string; code?: string },
  options: BrowserContextOptions = {},
): Promise<Stage> {
  site ??= startSite();
  browser ??= driver.launch({
    executablePath: `/usr/bin/${chromium}`,
    args: ["--no-sandbox", "--disable-gpu"],
  });
  const context = await (await browser).newContext(options);
  onTestFinished(async () => await context.close());
  const mistakes: string[] = [];
  const page = Object.assign(await context.newPage(), { mistakes });
  page.setDefaultTimeout(20_000);
  page.on("pageerror", (error) => mistakes.push(String(error.stack ?? error)));
  page.on("console", (message) => {
    if (message.type() !== "error" || /net::ERR|WebSocket|Failed to load/.test(message.text())) return;
    mistakes.push(message.text());
  });
  onTestFinished(() => expect(mistakes).toEqual([]));
  await page.goto(`${await site}?${new URLSearchParams({ server: String(server), ...wish })}`);
  await page.waitForFunction(() => "game" in window);
  return page;
}

export async function statsOf(page: Page): Promise<GameStats> {
  return await page.evaluate(() => (window as unknown as GameWindow).game.stats());
}

export async function codeOf(page: Page): Promise<string> {
  return await page.evaluate(() => (window as unknown as GameWindow).lobby.code);
}

export async function said(page: Page): Promise<string[]> {
  return await page.evaluate(() => (window as unknown as GameWindow).said);
}

/** Until it is so, as the page's game sees it. */
export async function sees(
  page: Page,
  isSo: (stats: GameStats) => boolean,
  timeout = 20_000,
): Promise<GameStats> {
  const end = Date.now() + timeout;
  for (;;) {
    const stats = await statsOf(page);
    if (isSo(stats)) return stats;
    if (Date.now() > end) throw new Error(`The page does not see it: ${isSo} in ${JSON.stringify(stats)}`);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}

export const players = ({ comets }: GameStats) => comets.filter(({ id }) => !id.startsWith("~"));
