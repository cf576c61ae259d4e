import { describe, expect, it } from "vitest";
import { connect } from "../../client/index.ts";
import { aPage, chromium, theServer } from "./a-browser.ts";
import { eventually, host, inRoom, players, say, soon } from "./a-player.ts";

const markup = '<img src=x onerror="document.title=1"><b>x</b>&amp;';

describe.skipIf(!chromium)("what players write", () => {
  it("is shown as it is, markup and all, and runs nothing", async () => {
    const { url } = await theServer();
    const ada = await aPage(url);
    const code = await host(ada, { name: markup.slice(0, 50), lobbyName: "<script>1</script>" });
    await say(ada, markup);
    await ada.getByRole("log").getByText(markup).waitFor(soon);
    expect(await players(ada)).toEqual([markup.slice(0, 50)]);
    await ada.getByRole("heading", { name: "<script>1</script>" }).waitFor(soon);
    const bo = await aPage(url);
    await bo.getByRole("button", { name: "Join <script>1</script>" }).waitFor(soon);
    await bo.goto(new URL(`#${code}`, url).href);
    await inRoom(bo);
    for (const page of [ada, bo]) {
      expect(await page.locator("main img, main script").count()).toBe(0);
      expect(await page.title()).not.toBe("1");
    }
  });

  it("is too long with 10 000 characters, which the page says before it is sent", async () => {
    const { url } = await theServer();
    const page = await aPage(url);
    await page.getByLabel("Your name").fill("x".repeat(10_000));
    await page.getByText("10000 characters of at most 50").waitFor(soon);
    await page.getByRole("button", { name: "Play now" }).click();
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("player-name");
    await host(page, { name: "Ada" });
    await page.getByLabel("Message").fill("y".repeat(10_000));
    await page.getByText("10000 of 250 characters").waitFor(soon);
    expect(await page.getByRole("button", { name: "Send" }).isDisabled()).toBe(true);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    await page.getByLabel("Message").fill("y".repeat(250));
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByRole("log").getByText("y".repeat(250)).waitFor(soon);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
  });

  it("turns no text around it, and a name that would is refused with a sentence", async () => {
    const { url } = await theServer();
    const page = await aPage(url);
    await page.getByLabel("Your name").fill("Ada\u202eevil");
    await page.getByRole("button", { name: "Play now" }).click();
    await page.getByRole("alert").getByText("This cannot be a name").waitFor(soon);
    await host(page, { name: "عائشة" });
    await say(page, "\u202eright to left");
    const line = page.locator("#chat-log p").last();
    await line.waitFor(soon);
    const directions = await line
      .locator("bdi")
      .evaluateAll((texts) =>
        texts.map((text) => [getComputedStyle(text).unicodeBidi, text.getAttribute("dir")]),
      );
    expect(directions).toEqual([
      ["isolate", "auto"],
      ["isolate", "auto"],
    ]);
  });

  it("of a player in Node, in its name, its data and the lobby's, is harmless, too", async () => {
    const { url } = await theServer();
    const orion = await connect(url);
    const data = { playing: "<b>yes</b>", linked: 7 };
    await using eve = await orion.host({
      name: "Eve",
      displayName: markup.slice(0, 50),
      isPublic: true,
      game: "comets",
      data,
    });
    const page = await aPage(new URL(`#${eve.code}`, url));
    await inRoom(page);
    await eve.setMyData({ ready: true, more: markup });
    await eventually(async () => (await players(page))[0], markup.slice(0, 50));
    expect(await page.locator("#stage").isHidden()).toBe(true);
    const { clientId } = eve.members.find(({ isSelf }) => !isSelf) ?? { clientId: "" };
    await eve.kick(clientId, { reason: markup });
    await page.getByRole("alert").getByText(markup).waitFor(soon);
    expect(await page.locator("main img").count()).toBe(0);
  });
});
