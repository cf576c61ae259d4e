/**
 * `npm run picture`: the screenshot of the page in the README. Ada hosts in Chromium, three players of Node join her, and they play for a while.
 * Written to docs/images/page.jpg, or to the file that is named.
 */
import { existsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { RTCPeerConnection } from "node-datachannel/polyfill";
import { chromium, type Page } from "playwright-core";
import { connect, type Lobby } from "../../client/index.ts";
import { commandLineMistake, parseCommandLine } from "../../core/command-line.ts";
import { positiveInteger } from "../../core/settings.ts";
import { makeFolder } from "../../local/make-folder.ts";
import { startServer } from "../../local/server.ts";
import { type Bot, playAsBot } from "../../page/game/bot.ts";

const help = `Takes the README's picture of the page: a game of four, in Chromium.

Usage: npm run picture -- [options]

  --out <file>         Where it is written. Default: docs/images/page.jpg
  --scheme <scheme>    dark or light. Default: dark
  --seconds <number>   How long they play, at least 15. The best moment is taken. Default: 40
  --chromium <file>    Default: /usr/bin/chromium
  --help               This text
`;

const root = fileURLToPath(new URL("../..", import.meta.url));
/** Pixels: twice as wide as it is shown, for sharp screens, would be too many bytes. */
const viewport = { width: 1180, height: 740 };
const guests = ["Bo", "Chidi", "Dana"];

const options = read(process.argv.slice(2));
const server = await startServer({ httpPort: 0, udpPort: 0, host: "127.0.0.1", logged: () => {} });
const browser = await chromium.launch({
  executablePath: options.chromium,
  args: ["--no-sandbox", "--disable-gpu"],
});
const lobbies: Lobby[] = [];
try {
  const context = await browser.newContext({ viewport, colorScheme: options.scheme });
  const page = await context.newPage();
  await page.goto(server.url.href);
  const code = await host(page);
  for (const name of guests) lobbies.push(await enter(code, name));
  const bots = lobbies.map((lobby) => playAsBot(lobby, lobby.clientId));
  for (const lobby of lobbies) void lobby.started().catch(() => {});
  await page.getByRole("button", { name: "Start the game" }).click();
  await page.locator("#stage canvas").first().waitFor();
  await lobbies[0]?.chat("Here I come!");
  await page.getByLabel("Message").fill("Catch me if you can");
  await page.getByRole("button", { name: "Send" }).click();
  let best = Number.POSITIVE_INFINITY;
  for (let second = 0; second < options.seconds; second++) {
    // A comet that flies straight on is soon at the edge.
    await page.locator("#stage").focus();
    await page.keyboard.down("ArrowRight");
    await pass(400);
    await page.keyboard.up("ArrowRight");
    await pass(400);
    const distance = distanceOfOthers(bots);
    if (distance > best) continue;
    best = distance;
    // Without the ring of the keyboard's focus.
    await page.evaluate("document.activeElement?.blur(); scrollTo(0, 0)");
    await page.screenshot({ path: options.out, quality: 85 });
  }
  for (const bot of bots) bot.stop();
  if (best === Number.POSITIVE_INFINITY) throw new Error("There was nothing to see. Give it more --seconds.");
  console.log(`${options.out}: ${Math.ceil(statSync(options.out).size / 1000)} KB`);
} finally {
  await Promise.allSettled(lobbies.map((lobby) => lobby.leave()));
  await browser.close();
  await server.stop();
}
process.exit(0);

/** How far from Ada's comet the others are, as a bot sees it: the nearer, the more there is to see. Those with a tail count. */
function distanceOfOthers([bot]: readonly Bot[]): number {
  const comets = bot?.flight.view()?.comets ?? [];
  const ada = comets.find(({ id }) => id === lobbies[0]?.hostId);
  const others = comets.filter((comet) => comet !== ada && comet.stars > 3);
  if (!ada || others.length < 2) return Number.POSITIVE_INFINITY;
  const distances = others.map(({ head }) => Math.hypot(head.x - ada.head.x, head.y - ada.head.y));
  return distances.reduce((sum, distance) => sum + distance, 0);
}

async function host(page: Page): Promise<string> {
  await page.getByLabel("Your name").fill("Ada");
  await page.getByLabel("Name of the lobby").fill("Tea at Five");
  await page.getByRole("button", { name: "Host", exact: true }).click();
  await page.locator("#room").waitFor();
  return (await page.locator("#invite-code").textContent()) ?? "";
}

async function enter(code: string, name: string): Promise<Lobby> {
  const lobby = await (await connect(server.url, { RTCPeerConnection })).join(code, { name });
  await lobby.setReady(true);
  return lobby;
}

type Options = { out: string; scheme: "dark" | "light"; seconds: number; chromium: string };

function read(args: string[]): Options {
  try {
    const text = { type: "string" } as const;
    const { values } = parseCommandLine({
      args,
      options: { out: text, scheme: text, seconds: text, chromium: text, help: { type: "boolean" } },
      environment: process.env,
    });
    if (values.help) {
      console.log(help);
      process.exit(0);
    }
    const { scheme = "dark", chromium = "/usr/bin/chromium" } = values;
    if (scheme !== "dark" && scheme !== "light") throw new Error("--scheme must be dark or light.");
    const seconds = positiveInteger(values.seconds ?? "40");
    if (seconds === null || seconds < 15) throw new Error("--seconds must be a whole number from 15 up.");
    if (!existsSync(chromium))
      throw new Error(`Chromium is not at ${chromium}: say with --chromium where it is.`);
    const out = values.out ?? join(root, "docs/images/page.jpg");
    makeFolder(dirname(resolve(out)));
    return { out, scheme, seconds, chromium };
  } catch (error) {
    console.error(commandLineMistake(error));
    process.exit(1);
  }
}
