/** Lounges that are full, or end. */
import { once } from "node:events";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { Player } from "../../measure/kit/player.ts";
import { watch } from "../../measure/kit/promises.ts";
import { setLimits, startFaultyServer } from "../../measure/kit/server.ts";

/** Every tenth lounge is for players of whom no place is known, as all are here. */
const shares = 10;

test("a crowd gets in, each to a lounge of its own, though many lounges are full", async () => {
  const server = await startFaultyServer();
  const watcher = watch(server.url);
  try {
    const full = Array.from({ length: 100 }, (_, place) => `l${place * shares}`);
    await Promise.all(full.map((holder) => Player.connect(server.url, `/test/socket?holder=${holder}`)));
    const crowd = await Player.crowd(90, server.url);
    expect(new Set([...full, ...crowd.map(({ holder }) => holder)]).size).toBe(full.length + crowd.length);
    await watcher.settles();
  } finally {
    watcher.stop();
    await server.stop();
  }
});

test("when no lounge has room one is told so, and gets in when one has", async () => {
  const server = await startFaultyServer();
  try {
    await setLimits(server.url, { loungeDraws: 0 });
    const late = new WebSocket(server.url);
    late.on("error", () => {});
    const [, response] = await once(late, "unexpected-response");
    let text = "";
    for await (const part of response) text += part;
    expect(response.statusCode).toBe(503);
    expect(JSON.parse(text).codes).toEqual(["unavailable"]);
    await setLimits(server.url, { loungeDraws: 1 });
    await Player.connect(server.url);
  } finally {
    await server.stop();
  }
});
