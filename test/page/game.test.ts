/** The game as people play it: in pages, with players in Node beside them. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { setLimits, startFaultyServer } from "../../measure/kit/server.ts";
import { join, seen, until } from "../game/a-party.ts";
import { aStage, chromium, codeOf, players, type Stage, said, sees, statsOf } from "./a-stage.ts";

let server: Server;
beforeAll(async () => {
  server = await startFaultyServer();
  // The place of a player who has just come waits as well.
  await setLimits(server.url, { presentMs: 0 });
});
afterAll(() => server.stop());

const here = test.skipIf(chromium === undefined);
const turnOf = (before: { x: number; y: number }, then: { x: number; y: number }) =>
  Math.hypot(before.x - then.x, before.y - then.y);

/** Until the comet stays where it is for a while. Straight on it would make 340 units. */
async function circles(page: Stage, isSelf: boolean): Promise<void> {
  const end = Date.now() + 25_000;
  for (;;) {
    const spots: { x: number; y: number }[] = [];
    for (let i = 0; i < 10; i++) {
      const comet = players(await statsOf(page)).find((one) => one.isSelf === isSelf);
      if (comet) spots.push(comet);
      await page.waitForTimeout(200);
    }
    const wide = (values: number[]) => Math.max(...values) - Math.min(...values);
    const most = Math.max(wide(spots.map(({ x }) => x)), wide(spots.map(({ y }) => y)));
    if (spots.length === 10 && most < 150) return;
    if (Date.now() > end) throw new Error(`It flew ${most} units.`);
  }
}

here(
  "a person alone sees something move at once: their own comet and two drones",
  async () => {
    const ada = await aStage(server.url, { name: "Ada" });
    const { comets, firstPictureMs } = await sees(ada, ({ comets }) => comets.length === 3);
    expect(firstPictureMs).toBeLessThan(1_000);
    const own = comets.find(({ isSelf }) => isSelf);
    const later = await sees(ada, ({ tick }) => tick > 60);
    const moved = later.comets.find(({ isSelf }) => isSelf);
    expect(turnOf(own ?? { x: 0, y: 0 }, moved ?? { x: 0, y: 0 })).toBeGreaterThan(20);
    expect(await ada.locator(".comets-scores li").count()).toBe(3);
    expect((await said(ada))[0]).toContain("steer");
  },
  60_000,
);

here(
  "two pages play together: keys steer the guest's comet on both, and both see the same stars",
  async () => {
    const ada = await aStage(server.url, { name: "Ada" });
    const bo = await aStage(server.url, { name: "Bo", code: await codeOf(ada) });
    await sees(bo, (stats) => players(stats).length === 2);
    await sees(ada, (stats) => players(stats).length === 2);
    expect([(await statsOf(ada)).role, (await statsOf(bo)).role]).toEqual(["leading", "following"]);
    // A full circle takes less than two seconds: as long as the key is held, the comet stays where it is.
    await bo.keyboard.down("ArrowLeft");
    await circles(ada, false);
    await bo.keyboard.up("ArrowLeft");
    // Letters go to the chat, not to the comet.
    await bo.locator("#chat").focus();
    await bo.keyboard.type("a d w");
    expect(await bo.locator("#chat").inputValue()).toBe("a d w");
  },
  90_000,
);

here(
  "a page and a player in Node play together, and a name with markup is text",
  async () => {
    const name = "<img src=x>";
    const ada = await aStage(server.url, { name });
    const bot = await join(server.url, await codeOf(ada), "Bo");
    await sees(ada, (stats) => players(stats).length === 2);
    await until(() => [...seen(bot).keys()].sort().join() === [name, "Bo"].sort().join());
    expect(await ada.locator(".comets-scores bdi").allTextContents()).toContain(name);
    expect(await ada.locator(".comets img").count()).toBe(0);
  },
  60_000,
);

here(
  "a guest that loads its page again during play goes on with the same comet",
  async () => {
    const ada = await aStage(server.url, { name: "Ada" });
    const code = await codeOf(ada);
    const bo = await aStage(server.url, { name: "Bo", code });
    const before = await sees(ada, (stats) => players(stats).length === 2);
    const id = players(before).find(({ isSelf }) => !isSelf)?.id;
    await bo.reload();
    await bo.waitForFunction(() => "game" in window);
    const back = await sees(bo, (stats) => players(stats).length === 2 && stats.role === "following");
    expect(players(back).find(({ isSelf }) => isSelf)?.id).toBe(id);
    await sees(ada, (stats) => players(stats).every(({ isGhost }) => !isGhost));
    expect(players(await statsOf(ada)).length).toBe(2);
  },
  90_000,
);

here(
  "a host that loads its page again finds the game going on without it, and leads again",
  async () => {
    const ada = await aStage(server.url, { name: "Ada" });
    const code = await codeOf(ada);
    const bo = await aStage(server.url, { name: "Bo", code });
    const bot = await join(server.url, code, "Cy");
    await sees(bo, (stats) => players(stats).length === 3);
    await until(() => (seen(bot).get("Cy")?.stars ?? 0) >= 3);
    const { tick } = await statsOf(bo);
    await ada.reload();
    await ada.waitForFunction(() => "game" in window);
    const back = await sees(ada, (stats) => players(stats).length === 3 && stats.role === "leading", 30_000);
    // The same game, not a new one.
    expect(back.tick).toBeGreaterThan(tick);
    await sees(bo, (stats) => stats.role === "following" && players(stats).every(({ isGhost }) => !isGhost));
  },
  120_000,
);

here(
  "when the host's tab is closed, the others play on within a second or two",
  async () => {
    const ada = await aStage(server.url, { name: "Ada" });
    const code = await codeOf(ada);
    const bo = await aStage(server.url, { name: "Bo", code });
    const bot = await join(server.url, code, "Cy");
    const { tick } = await sees(bo, (stats) => players(stats).length === 3);
    const at = performance.now();
    await ada.close();
    const { leaderId } = await sees(bo, (stats) => stats.role === "leading");
    // A second on an idle machine; this one may be busy.
    expect(performance.now() - at).toBeLessThan(3_000);
    await until(() => bot.bot.flight.stats.leaderId === leaderId);
    await sees(bo, (stats) => stats.tick > tick + 60);
  },
  90_000,
);

here(
  "on a phone a held finger steers, a drag is a stick, and a second finger boosts",
  async () => {
    const phone = {
      viewport: { width: 320, height: 640 },
      hasTouch: true,
      isMobile: true,
      deviceScaleFactor: 2,
    };
    const ada = await aStage(server.url, { name: "Ada" }, phone);
    await sees(ada, ({ comets }) => comets.length === 3);
    const canvas = await ada.locator(".comets-canvas").boundingBox();
    if (!canvas) throw new Error("It is there.");
    expect(canvas.width).toBeGreaterThan(280);
    expect(await ada.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
    const touch = await ada.context().newCDPSession(ada);
    const fingers = async (
      type: "touchStart" | "touchMove" | "touchEnd",
      ...touchPoints: { x: number; y: number }[]
    ) => await touch.send("Input.dispatchTouchEvent", { type, touchPoints });
    const left = { x: canvas.x + 40, y: canvas.y + canvas.height / 2 };
    await fingers("touchStart", left);
    await circles(ada, true);
    // Dragged to the right it is a stick: the comet flies there.
    await fingers("touchMove", { x: left.x + 50, y: left.y });
    await ada.waitForTimeout(1_500);
    const from = (await statsOf(ada)).comets.find(({ isSelf }) => isSelf);
    await ada.waitForTimeout(300);
    const to = (await statsOf(ada)).comets.find(({ isSelf }) => isSelf);
    const isAtEdge = Math.hypot(to?.x ?? 0, to?.y ?? 0) > 940;
    if (!isAtEdge) expect((to?.x ?? 0) - (from?.x ?? 0)).toBeGreaterThan(15);
    await fingers("touchEnd");
    const button = await ada.locator(".comets-boost").boundingBox();
    expect(Math.min(button?.width ?? 0, button?.height ?? 0)).toBeGreaterThanOrEqual(44);
  },
  60_000,
);

here(
  "a guest that is offline for ten seconds is back by itself, with its comet",
  async () => {
    const ada = await aStage(server.url, { name: "Ada" });
    const bo = await aStage(server.url, { name: "Bo", code: await codeOf(ada) });
    const first = await sees(bo, (stats) => players(stats).length === 2 && stats.role === "following");
    const id = players(first).find(({ isSelf }) => isSelf)?.id;
    expect(id, JSON.stringify(first)).toBeDefined();
    await bo.context().setOffline(true);
    await bo.waitForTimeout(10_000);
    await bo.context().setOffline(false);
    await sees(
      bo,
      (stats) => players(stats).length === 2 && players(stats).every(({ isGhost }) => !isGhost),
      30_000,
    );
    const host = await sees(ada, (stats) => players(stats).every(({ isGhost }) => !isGhost));
    expect(players(host).find(({ isSelf }) => !isSelf)?.id).toBe(id);
    expect([host.role, (await statsOf(bo)).role].sort()).toEqual(["following", "leading"]);
  },
  90_000,
);

here(
  "a host whose page nobody looks at hands over to one who looks",
  async () => {
    const ada = await aStage(server.url, { name: "Ada" });
    const bo = await aStage(server.url, { name: "Bo", code: await codeOf(ada) });
    await sees(bo, (stats) => players(stats).length === 2 && stats.role === "following");
    await ada.evaluate(() => {
      Object.defineProperty(document, "hidden", { get: () => true });
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await sees(bo, (stats) => stats.role === "leading");
    await sees(ada, (stats) => stats.role === "following" && players(stats).length === 2);
  },
  60_000,
);

here(
  "after a stop the stage is empty, and nothing of the game runs on",
  async () => {
    const ada = await aStage(server.url, { name: "Ada" });
    await sees(ada, ({ comets }) => comets.length === 3);
    const left = await ada.evaluate(async () => {
      const { game } = window as unknown as { game: { stop: () => void; stats: () => { tick: number } } };
      game.stop();
      const { tick } = game.stats();
      await new Promise((resolve) => setTimeout(resolve, 300));
      return [document.querySelector("#stage")?.childNodes.length, game.stats().tick - tick];
    });
    expect(left).toEqual([0, 0]);
  },
  60_000,
);
