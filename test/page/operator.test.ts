/** The operator's view in a browser. */
import { describe, expect, it } from "vitest";
import { actKey, lookKey, operatorVars } from "../../measure/kit/operator.ts";
import { lobbyOf, type Player } from "../../measure/kit/player.ts";
import { aPage, aServer, chromium, type PlayerPage, seriousFindings } from "./a-browser.ts";

const soon = { timeout: 15_000 };

/** A server with an operator, and some life: a public lobby, a private one, a mediation that succeeded, and one that did not. */
async function aBusyServer(): Promise<{ url: URL; names: Player[]; code: string }> {
  const { url } = await aServer({ vars: operatorVars });
  const open = await lobbyOf(3, url, {
    isPublic: true,
    title: "<b>Night</b> of the \u05d0\u05d1\u05d2",
    features: ["links"],
  });
  await lobbyOf(2, url);
  const pair = await lobbyOf(2, url);
  await pair.host.start(pair.lobbyId);
  for (const player of pair.all) {
    await player.hears("ptpMediation_peersConnection_start");
    player.reportsSuccess();
  }
  const failing = await lobbyOf(2, url, { features: ["links"] });
  await failing.host.start(failing.lobbyId);
  const { mediation } = await failing.host.hears("ptpMediation_send");
  failing.host.say("ptpMediation_peersConnection_failure", { mediation, cause: "udp-blocked", peers: [] });
  return { url, names: open.all, code: open.lobbyId };
}

async function enter(page: PlayerPage, key = lookKey): Promise<void> {
  await page.getByLabel("Key").fill(key);
  await page.getByRole("button", { name: "Look", exact: true }).click();
}

const number = (page: PlayerPage, name: string) =>
  page.locator(".figures > div", { has: page.getByText(name, { exact: true }) }).locator(".number");

describe.skipIf(!chromium)("the operator's view", () => {
  it("asks for a key, says when it is wrong, and shows how things are when it is right", async () => {
    const { url } = await aBusyServer();
    const page = await aPage(new URL("/operator", url));
    await enter(page, `${lookKey}x`);
    await page.getByRole("alert").getByText("not a key").waitFor(soon);
    await enter(page);
    await number(page, "Lobbies").getByText("3").waitFor(soon);
    await number(page, "Players").getByText("7").waitFor(soon);
    await number(page, "Mediations, last hour").getByText("2").waitFor(soon);
    await page.getByRole("table", { name: "Why mediations failed" }).getByText("udp-blocked").waitFor(soon);
    await page.getByRole("table", { name: "Sidecars" }).getByText("local").waitFor(soon);
    const chart = page.getByRole("img", { name: /^Players and lobbies/ });
    await chart.waitFor(soon);
    // Its numbers are there for those who see no picture.
    await page.locator('details[data-chart="Players and lobbies"] summary').click();
    const numbers = page.getByRole("table", { name: "Players and lobbies" });
    await numbers.waitFor(soon);
    const latest = await numbers.getByRole("row").nth(1).getByRole("cell").allTextContents();
    // At its highest, so a lobby that is over by now may be among them.
    expect(Number(latest[1])).toBeGreaterThanOrEqual(7);
    expect(await numbers.getByRole("row").count()).toBe(61);
    await page.getByRole("button", { name: "Last day" }).click();
    // A key that may look shows no deed.
    expect(await page.getByRole("button", { name: "End the lobby" }).count()).toBe(0);
  });

  it("keeps the key in this tab alone: not in the address, not in a cookie, not for another tab", async () => {
    const { url } = await aServer({ vars: operatorVars });
    const page = await aPage(new URL("/operator", url));
    await enter(page);
    await number(page, "Lobbies").waitFor(soon);
    expect(page.url()).not.toContain(lookKey);
    expect(await page.evaluate(() => [document.cookie, localStorage.length])).toEqual(["", 0]);
    await page.reload();
    await number(page, "Lobbies").waitFor(soon);
    const other = await aPage(new URL("/operator", url), { next: page });
    await other.getByLabel("Key").waitFor(soon);
    await page.getByRole("button", { name: "Forget the key" }).click();
    await page.getByLabel("Key").waitFor(soon);
    await page.reload();
    await page.getByLabel("Key").waitFor(soon);
  });

  it("looks into a lobby by its code, and reads what players have written as text", async () => {
    const { url, code } = await aBusyServer();
    const page = await aPage(new URL("/operator", url));
    await enter(page);
    await page.getByLabel("Code or tag").fill(code.toLowerCase());
    await page.getByRole("button", { name: "Look into it" }).click();
    const lobby = page.locator("#look article");
    await lobby.getByText("<b>Night</b> of the").waitFor(soon);
    expect(await lobby.locator("h3 b").count()).toBe(0);
    expect(await lobby.getByRole("row").count()).toBe(4);
    // Neither here nor anywhere on the page.
    expect(await page.locator("body").innerText()).not.toContain(code);
    await page.getByLabel("Code or tag").fill("00000");
    await page.getByRole("button", { name: "Look into it" }).click();
    await page.getByText("There is no such lobby").waitFor(soon);
  });

  it("lets a key that may act remove a player and end a lobby, after a question", async () => {
    const { url, code, names } = await aBusyServer();
    const [host, guest] = names as [Player, Player];
    const page = await aPage(new URL("/operator", url));
    await enter(page, actKey);
    await page.getByLabel("Code or tag").fill(code);
    await page.getByRole("button", { name: "Look into it" }).click();
    const row = page.locator("#look").getByRole("row", { name: "Guest 1" });
    await row.getByRole("button", { name: "Remove" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("What the player is told").fill("Please be kind.");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await row.getByRole("button", { name: "Remove" }).click();
    await dialog.getByLabel("What the player is told").fill("Please be kind.");
    await dialog.getByRole("button", { name: "Remove" }).click();
    expect(await guest.hears("lobby_kicked")).toMatchObject({ reason: "Please be kind." });
    await row.waitFor({ state: "detached", ...soon });
    await page.getByRole("button", { name: "End the lobby" }).click();
    await dialog.getByRole("button", { name: "End the lobby" }).click();
    await host.hears("lobby_closed");
    await page.getByText("is over").waitFor(soon);
  });

  it("says that the server does not answer, and comes back by itself", async () => {
    const { url } = await aServer({ vars: operatorVars });
    const page = await aPage(new URL("/operator", url));
    await enter(page);
    await number(page, "Lobbies").waitFor(soon);
    await page.context().setOffline(true);
    await page.getByRole("alert").getByText("tries again").waitFor(soon);
    await page.context().setOffline(false);
    await page
      .getByRole("alert")
      .getByText("tries again")
      .waitFor({ state: "detached", ...soon });
  });

  it("has no fault that axe finds, and does not scroll sideways, from 320 px up", async () => {
    const { url, code } = await aBusyServer();
    for (const colorScheme of ["dark", "light"] as const) {
      for (const width of [320, 768, 1440]) {
        const page = await aPage(new URL("/operator", url), {
          colorScheme,
          viewport: { width, height: 900 },
        });
        expect(await seriousFindings(page)).toEqual([]);
        await enter(page, actKey);
        await page.getByRole("img", { name: /^Players and lobbies/ }).waitFor(soon);
        await page.getByLabel("Code or tag").fill(code);
        await page.getByRole("button", { name: "Look into it" }).click();
        await page.locator("#look article").waitFor(soon);
        expect(await seriousFindings(page)).toEqual([]);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect([width, wide <= 0]).toEqual([width, true]);
        const folder = process.env.PICTURES;
        if (folder)
          await page.screenshot({ path: `${folder}/operator-${width}-${colorScheme}.png`, fullPage: true });
      }
    }
  }, 240_000);

  it("is in nobody's frame, and needs nothing of another site", async () => {
    const { url } = await aServer({ vars: operatorVars });
    const { headers } = await fetch(new URL("/operator", url));
    expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    expect(headers.get("content-security-policy")).toContain("script-src 'self'");
  });
});
