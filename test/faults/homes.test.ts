/** Homes that are full, that are too many, or that begin anew. */
import { once } from "node:events";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { Player } from "../support/player.ts";
import { watch } from "../support/promises.ts";
import { expectRefused } from "../support/refusal.ts";
import { crash, later, startFaultyServer } from "../support/server.ts";

/** Every tenth home is for players of whom no place is known, as all are here. */
const shares = 10;

test("a crowd gets in, each to a home of its own, though more than a third of the homes are full", async () => {
  const server = await startFaultyServer({ vars: { clientsPerLounge: 1, homes: 2_560 } });
  const watcher = watch(server.url);
  try {
    // With a hundred of 256 full and another ninety wanted, the last ones find room in one of four.
    const full = Array.from({ length: 100 }, (_, place) => String(place * shares));
    await Promise.all(full.map((holder) => Player.connect(server.url, `/test/socket?home=${holder}`)));
    const crowd = await Player.crowd(90, server.url);
    expect(new Set([...full, ...crowd.map(({ holder }) => holder)]).size).toBe(full.length + crowd.length);
    await watcher.settles();
  } finally {
    watcher.stop();
    await server.stop();
  }
});

// Nobody is watched here: no lobby is opened, and whoever looked how it settles would take the only place there is.
test("when there is no room at all one is told so, and gets in when another has left", async () => {
  const server = await startFaultyServer({ vars: { clientsPerLounge: 1, homes: shares } });
  try {
    const only = await Player.connect(server.url);
    const late = new WebSocket(server.url);
    late.on("error", () => {});
    const [, response] = await once(late, "unexpected-response");
    let text = "";
    for await (const part of response) text += part;
    expect(response.statusCode).toBe(503);
    expect(JSON.parse(text).codes).toEqual(["unavailable"]);
    await only.leave();
    await Player.connect(server.url);
  } finally {
    await server.stop();
  }
});

// With some numbers of homes such a home would find a code that leads nowhere, with others search for one forever.
for (const { homes, holder } of [
  { homes: 58_000, holder: "58900" },
  { homes: 100, holder: "5000" },
]) {
  test(`when there are only ${homes} homes any more, one who is in home ${home} cannot host, but join`, async () => {
    const server = await startFaultyServer({ vars: { homes } });
    const watcher = watch(server.url);
    try {
      const beyond = await Player.connect(server.url, `/test/socket?home=${holder}`);
      expect(beyond.holder).toBe(holder);
      expectRefused(await beyond.host(), 503, "code_taken");
      const host = await Player.connect(server.url);
      const lobbyId = String((await host.host()).body?.lobbyId);
      expect((await beyond.join(lobbyId, "Guest")).status).toBe(200);
      await host.hears("lobby_peerConnect");
      await watcher.settles();
    } finally {
      watcher.stop();
      await server.stop();
    }
  });
}

test("a lobby's code is not given to the next lobbies of its home", async () => {
  const server = await startFaultyServer({ vars: { clientsPerLounge: 256, homes: 59_000 } });
  const watcher = watch(server.url);
  try {
    const codes = new Set<unknown>();
    for (let i = 0; i < 50; i++) {
      const host = await Player.connect(server.url, "/test/socket?home=0");
      codes.add((await host.host()).body?.lobbyId);
      await host.leave();
    }
    expect(codes.size).toBe(50);
    await watcher.settles();
  } finally {
    watcher.stop();
    await server.stop();
  }
});

test("nor to those that come after its home has lost its memory, again and again", async () => {
  const server = await startFaultyServer({ vars: { clientsPerLounge: 256, homes: 59_000 } });
  const watcher = watch(server.url);
  try {
    const codes = new Set<unknown>();
    // As many as would likely share a code if it was drawn among the thousand of the home.
    for (let i = 0; i < 120; i++) {
      const host = await Player.connect(server.url, "/test/socket?home=0");
      codes.add((await host.host()).body?.lobbyId);
      await crash(server.url, { holder: "0" });
      await host.closed;
      // It goes on as if there had been a lobby a second.
      await later(server.url, 1_000);
    }
    expect(codes.size).toBe(120);
    await watcher.settles();
  } finally {
    watcher.stop();
    await server.stop();
  }
});
