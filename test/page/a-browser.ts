/** Servers, and pages in Chromium and Firefox, for tests of the page. What a page logs as an error, or throws, fails the test. */
import { once } from "node:events";
import { connect as connectTcp, createServer, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium as driver, type Page } from "playwright-core";
import { afterAll, expect, onTestFinished } from "vitest";
import { type Server, type ServerOptions, startServer } from "../../local/server.ts";
import { bundleOnce } from "../../measure/kit/bundle-once.ts";
import { chromium } from "../client/a-page.ts";
import { firefox, startFirefox } from "./a-firefox.ts";

export { chromium, firefox };

/** A server on free ports, until the end of the test. */
export async function aServer(options: Partial<ServerOptions> = {}): Promise<Server> {
  const server = await startServer({
    httpPort: 0,
    udpPort: 0,
    host: "127.0.0.1",
    logged: () => {},
    bundle: bundleOnce,
    ...options,
  });
  onTestFinished(async () => await server.stop());
  return server;
}

let shared: Promise<Server> | null = null;

/** One for all tests of a file that do it no harm. Lobbies of the tests before may still be open. */
export async function theServer(): Promise<Server> {
  shared ??= startServer({
    httpPort: 0,
    udpPort: 0,
    host: "127.0.0.1",
    logged: () => {},
    bundle: bundleOnce,
  });
  return await shared;
}

/** `large-text`: Chromium of somebody who has set its text to twice the size. */
type BrowserName = "chromium" | "firefox" | "large-text";

const browsers = new Map<BrowserName, Promise<Browser>>();

/** One of each for all tests of a file. */
async function theBrowser(name: BrowserName): Promise<Browser> {
  const started = browsers.get(name) ?? start(name);
  browsers.set(name, started);
  return await started;
}

async function start(name: BrowserName): Promise<Browser> {
  if (name === "firefox") return await startFirefox();
  const args = ["--no-sandbox", "--disable-gpu"];
  if (name === "large-text") args.push("--blink-settings=defaultFontSize=32");
  return await driver.launch({ executablePath: `/usr/bin/${chromium}`, args });
}

afterAll(async () => {
  for (const started of browsers.values()) await (await started).close();
  browsers.clear();
  await (await shared)?.stop();
  shared = null;
});

export type PlayerPage = Page & {
  /** What it has logged as errors, and thrown. Empty it if that is as it should be. */
  readonly mistakes: string[];
  /** Bytes that came over the network, gzipped, by URL. */
  readonly weights: Map<string, number>;
};

/** Milliseconds for what a test does on a page. */
const patienceMs = { chromium: 30_000, "large-text": 30_000, firefox: 60_000 };

/** What the browser logs of failures in the network, and of headers that it takes over HTTPS alone, is no mistake of the page. */
const expected =
  /Failed to load resource|WebSocket connection to|net::ERR_|Opener-Policy header has been ignored/;

type PageOptions = BrowserContextOptions & {
  browser?: BrowserName;
  /** Runs in the page before its own scripts. */
  before?: () => void;
  /** Another page of the same player's profile. */
  next?: Page;
};

/** A page of a player with a profile of its own, closed at the end of the test. */
export async function aPage(
  url: URL | string,
  { browser = "chromium", before, next, ...options }: PageOptions = {},
): Promise<PlayerPage> {
  const context = next?.context() ?? (await (await theBrowser(browser)).newContext(options));
  if (!next) onTestFinished(async () => await context.close());
  const mistakes: string[] = [];
  const weights = new Map<string, number>();
  const page: PlayerPage = Object.assign(await context.newPage(), { mistakes, weights });
  page.setDefaultTimeout(patienceMs[browser]);
  page.on("pageerror", (error) => mistakes.push(String(error.stack ?? error)));
  page.on("console", (message) => {
    if (message.type() === "error" && !expected.test(message.text())) mistakes.push(message.text());
  });
  page.on("response", async (response) => {
    const body = await response.body().catch(() => Buffer.alloc(0));
    weights.set(response.url(), gzipSync(body).length);
  });
  if (before) await page.addInitScript(before);
  onTestFinished(() => expect(mistakes).toEqual([]));
  await page.goto(String(url));
  return page;
}

/** What axe-core finds serious, by rule and element. */
export async function seriousFindings(page: Page): Promise<string[]> {
  // Not `addScriptTag`: the page's policy allows no such script.
  await page.evaluate(axe.source);
  return await page.evaluate(async () => {
    const { axe: here } = globalThis as unknown as { axe: typeof axe };
    const { violations } = await here.run();
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 120)}`));
  });
}

export type Proxy = {
  url: URL;
  /** Cuts all connections and takes no others. */
  cut: () => void;
  /** Takes connections again. */
  mend: () => void;
  /** From now on WebSockets are refused. */
  refuseWebSockets: () => void;
};

/** Something between the page and the server. */
export async function aProxy(server: { url: URL }): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let isCut = false;
  let takesWebSockets = true;
  const proxy = createServer((near) => {
    if (isCut) return near.destroy();
    const far = connectTcp(Number(server.url.port), server.url.hostname);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on("error", () => {});
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    near.on("data", (bytes) => {
      if (!takesWebSockets && /^upgrade: *websocket\r$/im.test(bytes.toString("latin1"))) {
        near.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
      } else far.write(bytes);
    });
    far.on("data", (bytes) => near.write(bytes));
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const cut = () => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(() => {
    cut();
    proxy.close();
  });
  const address = proxy.address();
  const port = typeof address === "object" ? address?.port : 0;
  return {
    url: new URL(`http://127.0.0.1:${port}/`),
    cut,
    mend: () => {
      isCut = false;
    },
    refuseWebSockets: () => {
      takesWebSockets = false;
      for (const socket of sockets) socket.destroy();
    },
  };
}
