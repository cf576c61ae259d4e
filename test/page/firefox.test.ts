/** What the other tests try in Chromium, once in Firefox: the list, the room, the game in both roles, the operator's view. What it logs as an error fails the test. */
import { describe, expect, it, vi } from "vitest";
import { connect } from "../../client/index.ts";
import { lookKey, operatorVars } from "../../measure/kit/operator.ts";
import { join, type Player, until } from "../game/a-party.ts";
import { aPage, aServer, chromium, firefox, type PlayerPage } from "./a-browser.ts";
import { aGuest, connectionTo, host, isPlaying, say } from "./a-player.ts";

/** Milliseconds for what the page does by itself. */
const soon = { timeout: 60_000 };
/** Small: without a graphics card, each pixel costs. */
const viewport = { width: 480, height: 480 };

/** Whether the world of this player is moved by the member of this name. */
const isLedBy = ({ lobby, bot }: Player, name: string) =>
  lobby.members.find(({ displayName }) => displayName === name)?.clientId === bot.flight.stats.leaderId;

/** Holds a key until the comet of this name has turned once round, as the other player sees it. At a wall it turns half round at most. */
async function circles(page: PlayerPage, name: string, { bot, lobby }: Player): Promise<void> {
  const id = lobby.members.find(({ displayName }) => displayName === name)?.clientId;
  let before: number | null = null;
  let turned = 0;
  await page.keyboard.down("ArrowLeft");
  await vi.waitFor(
    () => {
      const heading = bot.flight.view()?.comets.find((comet) => comet.id === id)?.head.heading ?? null;
      if (heading !== null && before !== null) turned += Math.sin(heading - before);
      before = heading;
      if (Math.abs(turned) < 2 * Math.PI) throw new Error(`It has turned ${turned} rad.`);
    },
    { ...soon, interval: 20 },
  );
  await page.keyboard.up("ArrowLeft");
}

/** Waits until the page's game names all of them. */
async function scores(page: PlayerPage, ...names: string[]): Promise<void> {
  for (const name of names)
    await page.locator(".comets-scores bdi").getByText(name, { exact: true }).waitFor(soon);
}

describe.skipIf(!chromium || !firefox)("Firefox", { timeout: 300_000 }, () => {
  it("joins from the list, chats, plays as the guest of a page in Chromium, and plays on with Node when that is gone", async () => {
    const { url } = await aServer();
    const ada = await aPage(url, { viewport });
    const code = await host(ada, { name: "Ada", lobbyName: "Foxes welcome" });
    const fox = await aPage(url, { browser: "firefox", viewport });
    await fox.getByLabel("Your name").fill("Fox");
    await fox.getByRole("button", { name: "Join Foxes welcome" }).click();
    await fox.locator("#room").waitFor(soon);
    await connectionTo(fox, "Ada")
      .getByText(/\d+ ms/)
      .waitFor(soon);
    await connectionTo(ada, "Fox")
      .getByText(/code \d{4} \d{4}/)
      .waitFor(soon);
    await say(fox, "Hello from Firefox!");
    await ada.getByRole("log").getByText("Hello from Firefox!").waitFor(soon);
    await ada.getByRole("button", { name: "Start the game" }).click();
    await Promise.all([isPlaying(ada), isPlaying(fox)]);
    const bot = await join(url, code, "Bot");
    await Promise.all([scores(ada, "Ada", "Fox", "Bot"), scores(fox, "Ada", "Fox", "Bot")]);
    await until(() => isLedBy(bot, "Ada"));
    await circles(fox, "Fox", bot);
    await ada.getByRole("button", { name: "Leave" }).click();
    await fox.getByText("You are the host now.").waitFor(soon);
    // The host leads, unless it is too busy: then the other does.
    await until(() => isLedBy(bot, "Fox") || isLedBy(bot, "Bot"));
    await circles(fox, "Fox", bot);
  });

  it("hosts a game for a page in Chromium and for Node, and follows Node after a reload", async () => {
    const { url } = await aServer();
    const fox = await aPage(url, { browser: "firefox", viewport });
    const code = await host(fox, { name: "Fox" });
    await fox.getByRole("button", { name: "Start the game" }).click();
    await isPlaying(fox);
    const bot = await join(url, code, "Bot");
    const ada = await aGuest(url, code, "Ada", { viewport });
    await isPlaying(ada);
    await until(() => isLedBy(bot, "Fox"));
    await Promise.all([scores(ada, "Ada", "Fox", "Bot"), scores(fox, "Ada", "Fox", "Bot")]);
    await circles(ada, "Ada", bot);
    await fox.reload();
    await until(() => isLedBy(bot, "Bot"));
    await isPlaying(fox);
    await scores(fox, "Ada", "Fox", "Bot");
    await circles(fox, "Fox", bot);
  });

  it("shows the operator how things are, and a lobby", async () => {
    const { url } = await aServer({ vars: operatorVars });
    await using lobby = await (await connect(url)).host({ name: "Eve", title: "Night", isPublic: true });
    const page = await aPage(new URL("/operator", url), { browser: "firefox" });
    await page.getByLabel("Key").fill(lookKey);
    await page.getByRole("button", { name: "Look", exact: true }).click();
    await page.getByRole("img", { name: /^Players and lobbies/ }).waitFor(soon);
    await page.getByRole("button", { name: "Last day" }).click();
    await page.getByLabel("Code or tag").fill(lobby.code);
    await page.getByRole("button", { name: "Look into it" }).click();
    await page.locator("#look article").getByText("Night").waitFor(soon);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
  });
});
