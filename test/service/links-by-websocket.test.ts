/** Links whose players cannot use UDP, or one of whom cannot, by the real server and its relay over WebSocket. */
import dgram from "node:dgram";
import { syncBuiltinESMExports } from "node:module";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { connect, type Link, type Lobby, type Orion } from "../../client/index.ts";
import { parseTicket, relayName } from "../../core/relay/ticket.ts";
import { offeredTicket } from "../../core/wire/relay-message.ts";
import type { Server } from "../../local/server.ts";
import { crash, startFaultyServer } from "../../measure/kit/server.ts";
import { next, nextOn } from "../client/heard.ts";

let server: Server;
let orion: Orion<Lobby>;
beforeAll(async () => {
  // If the lobby waited for datagrams of players without UDP, they would not be linked before the test is over.
  const longMs = 3_600_000;
  server = await startFaultyServer({
    timing: { ptpmConnectRequestIntervalMs: longMs, ptpmServerConnectTimeoutMs: longMs },
  });
  orion = await connect(server.url);
});
afterAll(() => server.stop());

/** From now on, and until the test is over, this program gets no UDP out: to nobody, or from sockets that are opened from now on. */
function blockUdp(how: "no sockets" | "nothing gets out"): () => void {
  const real = dgram.createSocket;
  const create = (...args: Parameters<typeof dgram.createSocket>) => {
    if (how === "no sockets") throw new Error("no UDP here");
    const socket = real(...args);
    socket.send = () => {};
    return socket;
  };
  dgram.createSocket = create as typeof dgram.createSocket;
  syncBuiltinESMExports();
  const unblock = () => {
    dgram.createSocket = real;
    syncBuiltinESMExports();
  };
  onTestFinished(unblock);
  return unblock;
}

async function hears(from: Link | undefined, to: Link | undefined, word: string): Promise<void> {
  const heard = to && nextOn(to, "message");
  from?.send(word);
  expect(new TextDecoder().decode(await heard)).toBe(word);
}

async function bothWays([a, b]: (Link | undefined)[]): Promise<void> {
  await hears(a, b, "hello");
  await hears(b, a, "and you");
}

test("players that cannot open a UDP socket are linked over WebSocket, and wait for nothing", async () => {
  blockUdp("no sockets");
  await using ada = await orion.host({ name: "Ada" });
  await using bo = await orion.join(ada.code, { name: "Bo" });
  const links = (await Promise.all([ada.start(), bo.started()])).flat();
  expect(links.map(({ path, report }) => [path, report.cause])).toEqual(
    Array(2).fill(["websocket", "no-udp"]),
  );
  await bothWays(links);
  await Promise.all(links.map((link) => link.close()));
});

test("a player whose network blocks UDP is linked over WebSocket to one whose does not", async () => {
  await using ada = await orion.host({ name: "Ada" });
  await using bo = await orion.join(ada.code, { name: "Bo" });
  const unblock = blockUdp("nothing gets out");
  // Each opens its sockets when it is asked to be seen.
  const started = bo.started();
  const asked = next(bo, "progress").then(unblock);
  const links = (await Promise.all([ada.start(), started])).flat();
  await asked;
  for (const { path } of links) expect(path).toBe("websocket");
  for (const { report } of links) expect(["udp-blocked", "no-udp"]).toContain(report.cause);
  await bothWays(links);
  await Promise.all(links.map((link) => link.close()));
});

test("players that can use UDP are linked directly, whatever was first", async () => {
  await using ada = await orion.host({ name: "Ada" });
  await using bo = await orion.join(ada.code, { name: "Bo" });
  const links = (await Promise.all([ada.start(), bo.started()])).flat();
  await vi.waitFor(() => expect(links.map(({ path }) => path)).toEqual(["lan", "lan"]));
  await bothWays(links);
  await Promise.all(links.map((link) => link.close()));
});

test("a mesh of players without UDP is linked, each to each", async () => {
  blockUdp("no sockets");
  await using ada = await orion.host({ name: "Ada", topology: "mesh", lifetime: "session" });
  await using bo = await orion.join(ada.code, { name: "Bo" });
  await using cy = await orion.join(ada.code, { name: "Cy" });
  const all = await Promise.all([ada.start(), bo.started(), cy.started()]);
  expect(all.map((links) => links.length)).toEqual([2, 2, 2]);
  const toBo = all[0].find(({ peer }) => peer.name === "Bo");
  const toAda = all[1].find(({ peer }) => peer.name === "Ada");
  await bothWays([toBo, toAda]);
  await Promise.all(all.flat().map((link) => link.close()));
});

test("links over WebSocket go on when their lobby is over", async () => {
  blockUdp("no sockets");
  const ada = await orion.host({ name: "Ada" });
  const bo = await orion.join(ada.code, { name: "Bo" });
  const over = [next(ada, "closed"), next(bo, "closed")];
  const links = (await Promise.all([ada.start(), bo.started()])).flat();
  expect(await Promise.all(over)).toEqual(Array(2).fill({ reason: "connected" }));
  await Promise.all([ada.leave(), bo.leave()]);
  await bothWays(links);
  await Promise.all(links.map((link) => link.close()));
});

test("a player that is removed is cut off from the relay as well", async () => {
  blockUdp("no sockets");
  await using ada = await orion.host({ name: "Ada", lifetime: "session" });
  await using bo = await orion.join(ada.code, { name: "Bo" });
  const [[toBo], [toAda]] = await Promise.all([ada.start(), bo.started()]);
  if (!toBo || !toAda) throw new Error("no link");
  await bothWays([toBo, toAda]);
  const ends: unknown[] = [];
  toAda.on("closed", (end) => ends.push(end));
  await ada.kick(bo.clientId);
  await vi.waitFor(() => expect(ends.length).toBe(1));
});

/** The names of the relays that this program connects to from now on. */
function watchRelays(): Set<string> {
  const names = new Set<string>();
  const Real = globalThis.WebSocket;
  globalThis.WebSocket = class extends Real {
    constructor(...[url, protocols]: ConstructorParameters<typeof WebSocket>) {
      super(url, protocols);
      const offered = Array.isArray(protocols) ? offeredTicket(protocols.join(", ")) : null;
      const ticket = parseTicket(offered?.ticket ?? "");
      if (ticket) names.add(relayName(ticket.lobbyTag, 0));
    }
  };
  onTestFinished(() => {
    globalThis.WebSocket = Real;
  });
  return names;
}

test("a relay whose object ends without a word is there again, and so are its links", async () => {
  blockUdp("no sockets");
  const relays = watchRelays();
  await using ada = await orion.host({ name: "Ada", lifetime: "session" });
  await using bo = await orion.join(ada.code, { name: "Bo" });
  const links = (await Promise.all([ada.start(), bo.started()])).flat();
  await bothWays(links);
  const [relay = ""] = relays;
  await crash(server.url, { relay });
  const [hers, his] = links;
  const heard = his && nextOn(his, "message");
  const sending = setInterval(() => {
    // Until the path is there again the link has none, and what is sent is lost.
    if (hers?.report.path) hers.send("again");
  }, 50);
  onTestFinished(() => clearInterval(sending));
  expect(new TextDecoder().decode(await heard)).toBe("again");
  clearInterval(sending);
  expect(links.map(({ path }) => path)).toEqual(["websocket", "websocket"]);
  await Promise.all(links.map((link) => link.close()));
});
