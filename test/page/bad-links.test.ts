import { describe, expect, it } from "vitest";
import { connect } from "../../client/index.ts";
import { aPage, aProxy, chromium, theServer } from "./a-browser.ts";
import { host, inRoom, soon } from "./a-player.ts";

describe.skipIf(!chromium)("an invite link", () => {
  it("that is none says so, and the start is there", async () => {
    const { url } = await theServer();
    const page = await aPage(new URL("#<b>K7Q2M", url));
    await page.getByRole("alert").getByText("This is not an invite link").waitFor(soon);
    await page.getByRole("button", { name: "Play now" }).waitFor(soon);
    expect(new URL(page.url()).hash).toBe("");
  });

  it("to a lobby that is over says so", async () => {
    const { url } = await theServer();
    const ada = await aPage(url);
    const code = await host(ada);
    await ada.getByRole("button", { name: "Leave" }).click();
    await ada.getByRole("heading", { name: "Comets" }).waitFor(soon);
    const page = await aPage(new URL(`#${code}`, url));
    await page.getByRole("alert").getByText("There is no lobby with this code").waitFor(soon);
  });

  it("to a lobby that closes while the link opens says so", async () => {
    const { url } = await theServer();
    const lobby = await (await connect(url)).host({ name: "Eve" });
    const page = await aPage(new URL(`#${lobby.code}`, url));
    await Promise.all([inRoom(page), lobby.leave()]).catch(() => {});
    await page
      .getByRole("alert")
      .getByText(/The lobby is closed|There is no lobby/)
      .waitFor(soon);
    await page.getByRole("button", { name: "Play now" }).waitFor(soon);
  });

  it.each([
    ["full", { maxMembers: 1 }, "The lobby is full"],
    ["locked", { locked: true }, "The host has locked the lobby"],
  ])("to a lobby that is %s says so", async (_, options, sentence) => {
    const { url } = await theServer();
    await using lobby = await (await connect(url)).host({ name: "Eve", ...options });
    const page = await aPage(new URL(`#${lobby.code}`, url));
    await page.getByRole("alert").getByText(sentence).waitFor(soon);
  });

  it("to a lobby with a password asks for it, also a second time, and can be given up", async () => {
    const { url } = await theServer();
    await using lobby = await (await connect(url)).host({ name: "Eve", password: "comet" });
    const page = await aPage(new URL(`#${lobby.code}`, url));
    await page.getByLabel("Password of the lobby").fill("commet");
    await page.keyboard.press("Enter");
    await page.getByText("This is not the password.").waitFor(soon);
    await page.getByLabel("Password of the lobby").fill("comet");
    await page.keyboard.press("Enter");
    await inRoom(page);
    const other = await aPage(new URL(`#${lobby.code}`, url));
    await other.getByText("This lobby has a password").waitFor(soon);
    await other.keyboard.press("Escape");
    await other.getByRole("button", { name: "Play now" }).waitFor(soon);
  });

  it("is followed from a page that is in another lobby", async () => {
    const { url } = await theServer();
    const ada = await aPage(url);
    await using lobby = await (await connect(url)).host({ name: "Eve", title: "The other one" });
    await host(ada, { lobbyName: "The first one" });
    await ada.goto(new URL(`#${lobby.code}`, url).href);
    await ada.getByRole("heading", { name: "The other one" }).waitFor(soon);
  });

  it("leads nowhere behind a proxy that refuses WebSockets, and the page says why", async () => {
    const server = await theServer();
    const proxy = await aProxy(server);
    proxy.refuseWebSockets();
    await using lobby = await (await connect(server.url)).host({ name: "Eve" });
    const page = await aPage(new URL(`#${lobby.code}`, proxy.url));
    await page.getByRole("alert").getByText("no WebSocket").waitFor({ timeout: 30_000 });
  });

  it("works where the browser keeps nothing for the page", async () => {
    const { url } = await theServer();
    const ada = await aPage(url);
    const code = await host(ada);
    const before = () => {
      for (const storage of ["localStorage", "sessionStorage"]) {
        Object.defineProperty(globalThis, storage, {
          get: () => {
            throw new DOMException("The user denied permission.", "SecurityError");
          },
        });
      }
    };
    const bo = await aPage(new URL(`#${code}`, url), { before });
    await inRoom(bo);
    await bo.reload();
    await inRoom(bo);
  });

  it("opens no page inside a frame of another one", async () => {
    const { url } = await theServer();
    const page = await aPage(url);
    await page.evaluate(() => {
      const frame = document.createElement("iframe");
      frame.src = "/";
      document.body.append(frame);
    });
    await expect.poll(() => page.mistakes.length, { timeout: 10_000 }).toBeGreaterThan(0);
    expect(page.mistakes.join()).toMatch(/frame/i);
    page.mistakes.length = 0;
    expect(await page.frames()[1]?.evaluate(() => document.querySelector("#home"))).toBeFalsy();
  });
});
