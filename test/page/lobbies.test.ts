import { describe, expect, it } from "vitest";
import { connect } from "../../client/index.ts";
import { aPage, aServer, chromium, theServer } from "./a-browser.ts";
import { aGuest, connectionTo, eventually, host, inRoom, isPlaying, players, say, soon } from "./a-player.ts";

describe.skipIf(!chromium)("a lobby on the page", () => {
  it("is hosted, seen in the list, joined, chatted in, and played in", async () => {
    const { url } = await theServer();
    const ada = await aPage(url);
    const bo = await aPage(url);
    await host(ada, { name: "Ada", lobbyName: "Tea at Five" });
    await bo.getByLabel("Your name").fill("Bo");
    await bo.getByRole("button", { name: "Join Tea at Five" }).click(soon);
    await inRoom(bo);
    await eventually(() => players(ada), ["Ada", "Bo"]);
    await eventually(() => players(bo), ["Ada", "Bo"]);

    await say(bo, "Hello, Ada!");
    await ada.getByRole("log").getByText("Hello, Ada!").waitFor(soon);
    await bo.getByRole("log").getByText("Hello, Ada!").waitFor(soon);

    await bo.getByRole("button", { name: "I am ready" }).click();
    await connectionTo(ada, "Bo").getByText("ready").waitFor(soon);
    expect(await bo.getByRole("button", { name: "Start the game" }).isVisible()).toBe(false);

    await ada.getByRole("button", { name: "Start the game" }).click();
    await Promise.all([isPlaying(ada), isPlaying(bo)]);
    await ada.getByRole("button", { name: "End the game" }).click();
    await bo.locator("#stage").waitFor({ state: "hidden", ...soon });
  });

  it("shows each player how the others are connected", async () => {
    const { url } = await theServer();
    const ada = await aPage(url);
    const bo = await aGuest(url, await host(ada), "Bo");
    for (const [page, name] of [
      [ada, "Bo"],
      [bo, "Ada"],
    ] as const) {
      const connection = connectionTo(page, name);
      await connection.getByText(/\d+ ms/).waitFor(soon);
      await connection.getByText("0 %").waitFor(soon);
      await connection.getByText(/code \d{4} \d{4}/).waitFor(soon);
    }
    const [adas, bos] = await Promise.all([ada, bo].map((page) => page.locator("#players").textContent()));
    expect(/code (\d{4} \d{4})/.exec(adas ?? "")?.[1]).toBe(/code (\d{4} \d{4})/.exec(bos ?? "")?.[1]);
  });

  it("is there by an invite link, and its code is in the address from then on", async () => {
    const { url } = await theServer();
    const ada = await aPage(url);
    const code = await host(ada);
    expect(new URL(ada.url()).hash).toBe(`#${code}`);
    expect(await ada.getByLabel("Link", { exact: true }).inputValue()).toBe(`${url.origin}/#${code}`);
    await ada.getByRole("img", { name: "QR code" }).locator("svg").waitFor(soon);
    const bo = await aPage(new URL(`#${code.toLowerCase()}`, url));
    await inRoom(bo);
    expect(new URL(bo.url()).hash).toBe(`#${code}`);
  });

  it("takes several players who click on the link at once", async () => {
    const { url } = await theServer();
    const ada = await aPage(url);
    const code = await host(ada);
    const others = await Promise.all(["Bo", "Cy", "Di"].map((name) => aGuest(url, code, name)));
    await eventually(async () => (await players(ada)).sort(), ["Ada", "Bo", "Cy", "Di"]);
    for (const page of others) {
      await eventually(
        async () =>
          await page
            .locator("#players")
            .getByText(/\d+ ms/)
            .count(),
        3,
      );
    }
  });

  it("is found, or opened, by a player who wants to play now, and who comes later plays at once", async () => {
    const { url } = await aServer();
    const [ada, bo] = [await aPage(url), await aPage(url)];
    await ada.getByRole("button", { name: "Play now" }).click();
    await isPlaying(ada);
    await bo.getByRole("button", { name: "Play now" }).click();
    await isPlaying(bo);
    expect(new URL(bo.url()).hash).toBe(new URL(ada.url()).hash);
    await eventually(async () => (await players(ada)).length, 2);
  });

  it("goes on when the host leaves: the next one is host", async () => {
    const { url } = await theServer();
    const ada = await aPage(url);
    const code = await host(ada);
    const bo = await aGuest(url, code, "Bo");
    const cy = await aGuest(url, code, "Cy");
    await connectionTo(cy, "Bo")
      .getByText(/\d+ ms/)
      .waitFor(soon);
    await ada.getByRole("button", { name: "Leave" }).click();
    await ada.getByRole("heading", { name: "Comets" }).waitFor(soon);
    await bo.getByText("You are the host now.").waitFor(soon);
    await bo.getByRole("button", { name: "Start the game" }).click();
    await Promise.all([isPlaying(bo), isPlaying(cy)]);
    const di = await aGuest(url, code, "Di");
    await isPlaying(di);
  });

  it("loses a player whom the host removes, and who reads why not", async () => {
    const { url } = await theServer();
    const ada = await aPage(url);
    const bo = await aGuest(url, await host(ada), "Bo");
    await ada.getByRole("button", { name: "Remove Bo" }).click(soon);
    await bo.getByRole("alert").getByText("The host has removed you").waitFor(soon);
    await eventually(() => players(ada), ["Ada"]);
  });

  it("is open to two tabs of one player, who has two names in it", async () => {
    const { url } = await theServer();
    const ada = await aPage(url);
    await ada.getByLabel("Your name").fill("Ada");
    const code = await host(ada, { name: "Ada" });
    const second = await aPage(new URL(`#${code}`, url), { next: ada });
    await inRoom(second);
    await eventually(() => players(ada), ["Ada", "Ada 2"]);
  });

  it("can be used by the keyboard alone", async () => {
    const { url } = await theServer();
    const page = await aPage(url);
    await page.getByLabel("Your name").focus();
    await page.keyboard.type("Kay");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await isPlaying(page);
    expect(await page.evaluate(() => document.activeElement?.closest("#stage") !== null)).toBe(true);
    await page.getByRole("button", { name: "Leave" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Comets" }).waitFor(soon);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("home-title");
  });

  it("has a test of the network beside it, with a sentence for the player and a report to copy", async () => {
    const { url } = await theServer();
    const page = await aPage(url);
    await page.getByRole("button", { name: "Test my network" }).click();
    await page.getByText("Report for developers").click({ timeout: 30_000 });
    expect(await page.locator("#network-result").textContent()).toMatch(/\.$/);
    expect(await page.getByLabel("Report", { exact: true }).inputValue()).toContain(url.origin);
  });

  it("has players in Node, too", async () => {
    const { url } = await theServer();
    const ada = await aPage(url);
    const code = await host(ada);
    await using bot = await (await connect(url)).join(code, { name: "Bot" });
    bot.on("link", (link) => link.send("Hello"));
    await connectionTo(ada, "Bot")
      .getByText(/\d+ ms/)
      .waitFor(soon);
    await bot.chat("I am no page.");
    await ada.getByRole("log").getByText("I am no page.").waitFor(soon);
  });
});
