/** What a player does on the page. */
import type { BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";
import { aPage, type PlayerPage } from "./a-browser.ts";

/** Milliseconds for what the page does by itself. */
export const soon = { timeout: 15_000 };

type HostOptions = { name?: string; lobbyName?: string; isPublic?: boolean; password?: string };

/** Opens a lobby on a page that shows the start; its code. */
export async function host(page: Page, options: HostOptions = {}): Promise<string> {
  const { name = "Ada", lobbyName = "", isPublic = true, password = "" } = options;
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("Name of the lobby").fill(lobbyName);
  await page.getByLabel("Password (optional)").fill(password);
  await page.getByLabel("Show it in the list").setChecked(isPublic);
  await page.getByRole("button", { name: "Host", exact: true }).click();
  await inRoom(page);
  return (await page.locator("#invite-code").textContent()) ?? "";
}

export async function inRoom(page: Page): Promise<void> {
  await page.locator("#room").waitFor(soon);
}

/** A page of another player, who has this name and opens the invite link. */
export async function aGuest(
  url: URL,
  code: string,
  name: string,
  options: BrowserContextOptions = {},
): Promise<PlayerPage> {
  const page = await aPage(url, options);
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("Your name").blur();
  await page.goto(new URL(`#${code}`, url).href);
  await inRoom(page);
  return page;
}

/** Names of the players that the page shows, in order of arrival. */
export async function players(page: Page): Promise<string[]> {
  return await page.locator("#players .player-head bdi").allTextContents();
}

/** What the page shows of its connection to this player. */
export function connectionTo(page: Page, name: string) {
  return page.locator("#players .player", { has: page.getByText(name, { exact: true }) });
}

export async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message").fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

/** Waits until something is so. */
export async function eventually(what: () => Promise<unknown>, expected: unknown): Promise<void> {
  await expect.poll(what, { timeout: 15_000, interval: 50 }).toEqual(expected);
}

export async function isPlaying(page: Page): Promise<void> {
  await page.locator("#stage canvas").first().waitFor(soon);
}
