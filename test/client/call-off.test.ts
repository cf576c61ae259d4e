/** Starts that the game calls off: they end for all, and leave nothing behind. */
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { connect, type Lobby, type Orion } from "../../client/index.ts";
import type { Server } from "../../local/server.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { HandmadePeer } from "./handmade-peer.ts";
import { expectError, next } from "./heard.ts";
import { watchUdpSockets } from "./udp-resources.ts";

let server: Server;
let orion: Orion<Lobby>;
let closesSockets: () => void;
beforeAll(async () => {
  server = await startTestServer();
  orion = await connect(server.url);
  closesSockets = watchUdpSockets();
});
afterAll(() => server.stop());
// However it ended: the sockets are closed that were opened for it.
beforeEach(() => closesSockets());

async function twoPlayers() {
  const ada = await orion.host({ name: "Ada" });
  const bo = await orion.join(ada.code, { name: "Bo" });
  onTestFinished(async () => {
    await Promise.all([ada.leave(), bo.leave()]);
  });
  return { ada, bo };
}

async function startsAgain({ ada, bo }: { ada: Lobby; bo: Lobby }): Promise<void> {
  // Bo may not have heard yet that the last one is over.
  const his = bo.started().catch(() => bo.started());
  const links = (await Promise.all([ada.start(), his])).flat();
  expect(links.map(({ peer }) => peer.name)).toEqual(["Bo", "Ada"]);
  await Promise.all(links.map((link) => link.close()));
}

test("a start that is called off while the server waits for a player ends, and can be made again", async () => {
  const players = await twoPlayers();
  const cy = await HandmadePeer.join(server.url, players.ada.code, "Cy");
  const ending = new AbortController();
  const failed = [
    expectError(players.ada.start({ signal: ending.signal }), "aborted"),
    expectError(players.bo.started(), "stopped"),
  ];
  await cy.player.hears("ptpMediation_send");
  ending.abort();
  await Promise.all(failed);
  await cy.leave();
  await startsAgain(players);
});

test("a start that is called off before the server has answered ends as well", async () => {
  const players = await twoPlayers();
  for (const ms of [0, 1, 3]) {
    const ending = new AbortController();
    const failed = expectError(players.ada.start({ signal: ending.signal }), "aborted");
    setTimeout(() => ending.abort(), ms);
    await failed;
  }
  await startsAgain(players);
});

test("a start that is called off while the players look for each other ends for all of them", async () => {
  for (const who of ["ada", "bo"] as const) {
    const players = await twoPlayers();
    const { ada, bo } = players;
    const ending = new AbortController();
    players[who].on("introduced", () => ending.abort());
    const links = [ada, bo].map((lobby) => {
      const signal = lobby === players[who] ? { signal: ending.signal } : {};
      return lobby === ada ? ada.start(signal) : bo.started(signal);
    });
    const aborted = next(ada, "aborted");
    const [hers, his] = await Promise.allSettled(links);
    expect(who === "ada" ? hers : his).toMatchObject({ status: "rejected", reason: { code: "aborted" } });
    // The host has stopped it; a guest could not take part.
    const code = who === "ada" ? "stopped" : "could_not_connect";
    expect(await aborted).toMatchObject({ code });
    await startsAgain(players);
  }
});

test("a start for which somebody else waits goes on", async () => {
  const { ada, bo } = await twoPlayers();
  const ending = new AbortController();
  const failed = expectError(bo.started({ signal: ending.signal }), "aborted");
  const others = bo.started();
  bo.on("introduced", () => ending.abort());
  const links = (await Promise.all([ada.start(), others])).flat();
  await failed;
  expect(links.length).toBe(2);
  await Promise.all(links.map((link) => link.close()));
});

test("a UDP socket that was called off as it was handed out is closed", async () => {
  const { ada, bo } = await twoPlayers();
  const ending = new AbortController();
  bo.on("introduced", () => ending.abort());
  const failed = expectError(bo.started({ raw: true, signal: ending.signal }), "aborted");
  // Ada's was handed out, and what becomes of it is hers; or she has heard of the end before.
  await ada.start({ raw: true }).then(
    ({ socket }) => void socket.close(),
    (error: unknown) => expect(error).toMatchObject({ code: "could_not_connect" }),
  );
  await failed;
});

test("a game with a UDP stack of its own says that it could not connect, and the host may start again", async () => {
  const players = await twoPlayers();
  const { ada, bo } = players;
  const raw = await Promise.all([ada.start({ raw: true }), bo.started({ raw: true })]);
  const aborted = next(ada, "aborted");
  const report = next(ada, "report");
  bo.reportFailed("one-way");
  expect(await aborted).toMatchObject({ code: "could_not_connect" });
  expect(await report).toMatchObject({ name: "Bo", cause: "one-way" });
  for (const { socket } of raw) socket.close();
  await startsAgain(players);
});

test("who leaves while a start is on its way hears that it has left", async () => {
  const { ada } = await twoPlayers();
  const failed = expectError(ada.start(), "left");
  await ada.leave();
  await failed;
  await expectError(ada.start(), "left");
});
