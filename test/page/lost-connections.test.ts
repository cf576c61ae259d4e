import { mkdtempSync, rmSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { aPage, aProxy, aServer, chromium } from "./a-browser.ts";
import { aGuest, connectionTo, eventually, host, inRoom, isPlaying, players, soon } from "./a-player.ts";

/** A place in a lobby waits only for players who have been there for so long. */
const settledMs = 11_000;

/** Of this machine in its network. */
const ownAddress = Object.values(networkInterfaces())
  .flat()
  .find((one) => one && !one.internal && one.family === "IPv4")?.address;

describe.skipIf(!chromium)("a player whose connection is lost", () => {
  it("is the same player after a reload during play, and plays on", async () => {
    const { url } = await aServer();
    const ada = await aPage(url);
    const bo = await aGuest(url, await host(ada), "Bo");
    await ada.getByRole("button", { name: "Start the game" }).click();
    await Promise.all([isPlaying(ada), isPlaying(bo)]);
    await pause(settledMs);
    await bo.reload();
    await isPlaying(bo);
    expect(await players(bo)).toEqual(["Ada", "Bo"]);
    await ada.getByText("Bo is back.").waitFor(soon);
    await connectionTo(ada, "Bo")
      .getByText(/\d+ ms/)
      .waitFor(soon);
    // The host, too. The other one leads meanwhile, or from now on.
    await ada.reload();
    await isPlaying(ada);
    await eventually(async () => (await players(ada)).sort(), ["Ada", "Bo"]);
    await connectionTo(ada, "Bo")
      .getByText(/\d+ ms/)
      .waitFor(soon);
  });

  it("is let in again after a reload in its first seconds, by the name that the page had invented, too", async () => {
    const { url } = await aServer();
    const ada = await aPage(url);
    const code = await host(ada);
    const bo = await aGuest(url, code, "Bo");
    await bo.reload();
    await inRoom(bo);
    await eventually(() => players(ada), ["Ada", "Bo"]);
    const guest = await aPage(new URL(`#${code}`, url));
    await eventually(async () => (await players(ada)).length, 3);
    const before = await players(ada);
    await inRoom(guest);
    await guest.reload();
    await inRoom(guest);
    await eventually(() => players(guest), before);
  });

  it("does not throw out its other tab, which is a duplicate: each is a player", async () => {
    const { url } = await aServer();
    const ada = await aPage(url);
    const code = await host(ada, { name: "Ada" });
    await pause(settledMs);
    const kept = await ada.evaluate(() => sessionStorage.getItem("orion-seat"));
    const duplicate = await aPage("about:blank", { next: ada });
    await duplicate.addInitScript((seat) => sessionStorage.setItem("orion-seat", seat ?? ""), kept);
    await duplicate.goto(new URL(`#${code}`, url).href);
    await inRoom(duplicate);
    await eventually(() => players(ada), ["Ada", "Ada 2"]);
    expect(await ada.locator("#room").isVisible()).toBe(true);
  });

  it.skipIf(ownAddress === undefined)(
    "does the same in a local network over plain HTTP, where browsers keep locks and more back",
    async () => {
      const { url } = await aServer({ host: "0.0.0.0" });
      url.hostname = ownAddress ?? "";
      const ada = await aPage(url);
      expect(await ada.evaluate("isSecureContext")).toBe(false);
      const code = await host(ada, { name: "Ada" });
      await ada.getByRole("button", { name: "Copy link" }).click();
      await ada.getByRole("button", { name: "Copied" }).waitFor(soon);
      const bo = await aGuest(url, code, "Bo");
      await connectionTo(bo, "Ada")
        .getByText(/\d+ ms/)
        .waitFor(soon);
      await pause(settledMs);
      const kept = await ada.evaluate(() => sessionStorage.getItem("orion-seat"));
      const duplicate = await aPage("about:blank", { next: ada });
      await duplicate.addInitScript((seat) => sessionStorage.setItem("orion-seat", seat ?? ""), kept);
      await duplicate.goto(new URL(`#${code}`, url).href);
      await inRoom(duplicate);
      await eventually(() => players(ada), ["Ada", "Bo", "Ada 2"]);
      await bo.reload();
      await inRoom(bo);
      await eventually(async () => (await players(ada)).sort(), ["Ada", "Ada 2", "Bo"]);
    },
  );

  it("gives the role of host to another one when its tab is closed", async () => {
    const { url } = await aServer();
    const ada = await aPage(url);
    const bo = await aGuest(url, await host(ada), "Bo");
    await connectionTo(bo, "Ada")
      .getByText(/\d+ ms/)
      .waitFor(soon);
    // From now on her place would wait for her.
    await pause(settledMs);
    const closed = performance.now();
    await ada.close();
    await bo.getByText("You are the host now.").waitFor({ timeout: 40_000 });
    expect(performance.now() - closed).toBeLessThan(5_000);
  });

  it("is offline for 10 s, and comes back by itself", async () => {
    const server = await aServer();
    const proxy = await aProxy(server);
    const ada = await aPage(server.url);
    const code = await host(ada);
    const bo = await aGuest(proxy.url, code, "Bo");
    await pause(settledMs);
    proxy.cut();
    await bo.getByText("The connection to the server is lost").waitFor(soon);
    await connectionTo(ada, "Bo").getByText("away").waitFor(soon);
    await pause(10_000);
    proxy.mend();
    await bo.locator("#banner-box").waitFor({ state: "hidden", timeout: 20_000 });
    expect(await players(bo)).toEqual(["Ada", "Bo"]);
    await connectionTo(ada, "Bo")
      .getByText(/\d+ ms/)
      .waitFor({ timeout: 30_000 });
  });

  it("comes back by itself to a lobby that the restarted server has kept", async () => {
    const folder = mkdtempSync(join(tmpdir(), "orion-edge-page-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const options = { persist: folder, secret: "5".repeat(64), vars: { codeKey: "7".repeat(32) } };
    const first = await aServer(options);
    const ada = await aPage(first.url);
    const code = await host(ada);
    await pause(settledMs);
    await first.stop();
    await ada.getByText("The connection to the server is lost").waitFor(soon);
    await aServer({ ...options, httpPort: Number(first.url.port) });
    await ada.locator("#banner-box").waitFor({ state: "hidden", timeout: 30_000 });
    await inRoom(ada);
    expect(await ada.locator("#invite-code").textContent()).toBe(code);
  });

  it("reads that the lobby is over if the restarted server has forgotten it, and finds the list again", async () => {
    const first = await aServer();
    const { port } = first.url;
    const ada = await aPage(first.url);
    const bo = await aPage(first.url);
    await host(ada);
    await bo.getByRole("button", { name: /^Join Ada/ }).waitFor(soon);
    await first.stop();
    await bo.getByText("The server does not answer").waitFor(soon);
    const second = await aServer({ httpPort: Number(port) });
    await bo.locator("#banner-box").waitFor({ state: "hidden", timeout: 30_000 });
    await ada.getByRole("alert").getByText("the lobby is over by now").waitFor({ timeout: 60_000 });
    await aGuest(second.url, await host(bo, { name: "Bo" }), "Cy");
  });
});
