/** A server that has no sidecar: whose SDK knows the relay over WebSocket is connected all the same. */
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { connect as connectPage } from "../../client/browser.ts";
import { connect, type Link, type Lobby, type Orion } from "../../client/index.ts";
import type { Server } from "../../local/server.ts";
import { Player } from "../../measure/kit/player.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { expectError, next, nextOn } from "../client/heard.ts";

let server: Server;
let node: Orion<Lobby>;
let page: Awaited<ReturnType<typeof connectPage>>;
beforeAll(async () => {
  server = await startTestServer({ udpPort: null });
  node = await connect(server.url);
  page = await connectPage(server.url);
});
afterAll(() => server.stop());

/** What each of these links is, by the name of the player at its other end. */
function told(links: readonly Link[]): Record<string, unknown> {
  return Object.fromEntries(links.map(({ peer, path, report }) => [peer.name, [path, report.cause]]));
}

async function bothWays(links: readonly Link[], others: readonly Link[], name: string): Promise<void> {
  const [there] = links.filter(({ peer }) => peer.name === name);
  const [here] = others;
  if (!there || !here) throw new Error("no link");
  for (const [from, to] of [
    [there, here],
    [here, there],
  ] as const) {
    const heard = nextOn(to, "message");
    from.send("hello");
    expect(new TextDecoder().decode(await heard)).toBe("hello");
  }
}

test("a mesh of two pages and a player in Node is linked over WebSocket at once, and each knows why", async () => {
  await using ada = await node.host({ name: "Ada", topology: "mesh" });
  await using bo = await page.join(ada.code, { name: "Bo" });
  await using cy = await page.join(ada.code, { name: "Cy" });
  const [adas, bos, cys] = await Promise.all([ada.start(), bo.started(), cy.started()]);
  const [fromNode, fromPage] = [
    ["websocket", "no-sidecar"],
    ["websocket", "no-udp"],
  ];
  expect(told(adas)).toEqual({ Bo: fromNode, Cy: fromNode });
  expect(told(bos)).toEqual({ Ada: fromPage, Cy: fromPage });
  expect(told(cys)).toEqual({ Ada: fromPage, Bo: fromPage });
  await bothWays(adas, bos, "Bo");
  await Promise.all([...adas, ...bos, ...cys].map((link) => link.close()));
});

test("a page that joins while others play is linked to its host", async () => {
  await using ada = await node.host({ name: "Ada", lifetime: "session" });
  await using bo = await page.join(ada.code, { name: "Bo" });
  const first = await Promise.all([ada.start(), bo.started()]);
  const came = next(ada, "link");
  await using cy = await page.join(ada.code, { name: "Cy" });
  const links = await cy.started();
  const toCy = await came;
  await bothWays([toCy], links, "Cy");
  await Promise.all([...first.flat(), toCy, ...links].map((link) => link.close()));
});

test("with a plain client nobody can start, and nobody hears of it", async () => {
  await using ada = await page.host({ name: "Ada" });
  await using bo = await node.join(ada.code, { name: "Bo" });
  const cy = await Player.connect(server.url);
  onTestFinished(() => cy.vanish());
  await cy.join(ada.code, "Cy");
  await expectError(ada.start(), "no_sidecar");
  await cy.settled();
  expect(cy.methods).not.toContain("ptpMediation_send");
  await cy.leave();
  const links = (await Promise.all([ada.start(), bo.started()])).flat();
  for (const { path } of links) expect(path).toBe("websocket");
  await Promise.all(links.map((link) => link.close()));
});

test("a plain host cannot start with a page, and is told what Orion's clients know", async () => {
  const ada = await Player.connect(server.url, "/lobbies");
  onTestFinished(() => ada.vanish());
  const { body } = await ada.host();
  await using _bo = await page.join(String(body?.lobbyId), { name: "Bo" });
  expectRefused(await ada.start(String(body?.lobbyId)), 503, "no_sidecar");
  expect(ada.methods).not.toContain("ptpMediation_send");
});

test("a game in Node that asks for its own socket is told that there is none, and why", async () => {
  await using ada = await page.host({ name: "Ada" });
  await using bo = await node.join(ada.code, { name: "Bo" });
  const failed = expectError(bo.started({ raw: true }), "no-sidecar");
  await expectError(ada.start(), "could_not_connect");
  await failed;
});
