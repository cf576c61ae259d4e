import { createSocket } from "node:dgram";
import { once } from "node:events";
import { inspect } from "node:util";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { connect, type HostOptions, type Link, type Lobby, type Orion } from "../../client/index.ts";
import type { Server } from "../../local/server.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { HandmadePeer, packetOf } from "./handmade-peer.ts";
import { next, nextOn, record } from "./heard.ts";

let server: Server;
let orion: Orion<Lobby>;
beforeAll(async () => {
  server = await startTestServer();
  orion = await connect(server.url);
});
afterAll(() => server.stop());

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

async function lobbyOf(names: string[], options: Partial<HostOptions> = {}) {
  const ada = await orion.host({ name: "Ada", ...options });
  const others: Lobby[] = [];
  for (const name of names) others.push(await orion.join(ada.code, { name }));
  return { ada, others, all: [ada, ...others] };
}

/** Ada's links, and each other one's to her. */
async function linkAll({
  ada,
  others,
}: {
  ada: Lobby;
  others: Lobby[];
}): Promise<{ hers: Link[]; theirs: Link[] }> {
  const started = others.map((other) => other.started());
  const hers = await ada.start();
  return { hers, theirs: (await Promise.all(started)).flat() };
}

async function close(...links: Link[]): Promise<void> {
  await Promise.all(links.map((link) => link.close()));
}

test("players get links to the host, and what they send each other arrives", async () => {
  const lobby = await lobbyOf(["Bo", "Cy"]);
  const closed = lobby.all.map((player) => next(player, "closed"));
  const introduced = record(lobby.ada, "introduced", "link");
  const { hers, theirs } = await linkAll(lobby);
  expect(hers.map(({ peer }) => peer.name)).toEqual(["Bo", "Cy"]);
  expect(theirs.map(({ peer }) => peer.name)).toEqual(["Ada", "Ada"]);
  expect(introduced.map(([event]) => event)).toEqual(["introduced", "link", "link"]);
  for (const [i, link] of hers.entries()) {
    const theirEnd = theirs[i] ?? link;
    const answered = nextOn(link, "message");
    theirEnd.on("message", (bytes) => theirEnd.send(bytes));
    link.send(bytes(`Hello, ${link.peer.name}!`));
    expect(text(await answered)).toBe(`Hello, ${link.peer.name}!`);
    expect(link.rttMs).toBeGreaterThan(0);
    expect(link.report).toMatchObject({ path: link.path, timeline: expect.any(Array) });
  }
  expect(await Promise.all(closed)).toEqual(Array(3).fill({ reason: "connected" }));
  // The lobby is over, the links are not.
  const [first = null] = hers;
  const again = theirs[0] && nextOn(theirs[0], "message");
  first?.send(bytes("Still here"));
  expect(text((await again) ?? bytes(""))).toBe("Still here");
  const parted = theirs.map((link) => nextOn(link, "closed"));
  await close(...hers);
  expect(await Promise.all(parted)).toEqual(Array(2).fill({ cause: "peer-left" }));
  expect(() => theirs[0]?.send(bytes("Hello?"))).toThrow(expect.objectContaining({ code: "link_closed" }));
  await Promise.all(lobby.all.map((player) => player.leave()));
});

test("in a relay-only lobby players are linked by the relay, and nobody learns an address", async () => {
  const lobby = await lobbyOf(["Bo"], { privacy: "relay-only" });
  const report = next(lobby.ada, "report");
  const introduced = lobby.all.map((player) => next(player, "introduced"));
  const { hers, theirs } = await linkAll(lobby);
  const [link] = hers;
  const [theirEnd] = theirs;
  // The relay over WebSocket may be the first that is usable.
  await vi.waitFor(() => expect([link?.path, theirEnd?.path]).toEqual(["relay", "relay"]));
  const heard = theirEnd && nextOn(theirEnd, "message");
  link?.send(bytes("psst"));
  expect(text((await heard) ?? bytes(""))).toBe("psst");
  for (const { peers } of await Promise.all(introduced)) {
    expect(peers).toMatchObject([{ endpoint: null, ports: [], candidates: [] }]);
  }
  expect(await report).toMatchObject({
    name: "Bo",
    peers: [{ name: "Ada", path: expect.toBeOneOf(["relay", "websocket"]), cause: "relay-only" }],
  });
  await close(...hers, ...theirs);
});

test("who listens to a link that has settled already is told so, once", async () => {
  const lobby = await lobbyOf(["Bo"], { privacy: "relay-only" });
  const { hers, theirs } = await linkAll(lobby);
  const [link] = hers;
  if (!link) throw new Error("no link");
  const heard: unknown[] = [];
  expect(await nextOn(link, "settled")).toEqual({ cause: "relay-only" });
  link.on("settled", (settled) => heard.push(settled));
  link.on("settled", (settled) => heard.push(settled))();
  await Promise.resolve();
  expect(heard).toEqual([{ cause: "relay-only" }]);
  await close(...hers, ...theirs);
});

test("a link that was told to close sends nothing and hears nothing any more", async () => {
  const { hers, theirs } = await linkAll(await lobbyOf(["Bo"]));
  const [link] = hers;
  const [theirEnd] = theirs;
  const heard: unknown[] = [];
  link?.on("message", (message) => heard.push(message));
  const closing = link?.close();
  expect(() => link?.send(bytes("Wait!"))).toThrow(expect.objectContaining({ code: "link_closed" }));
  theirEnd?.send(bytes("Bye"));
  await closing;
  expect(heard).toEqual([]);
  await close(...theirs);
});

test("where there is only IPv6, players are linked as well", async () => {
  const six = await startTestServer({ host: "::1" });
  onTestFinished(() => six.stop());
  const there = await connect(six.url);
  const ada = await there.host({ name: "Ada" });
  const bo = await there.join(ada.code, { name: "Bo" });
  const { hers, theirs } = await linkAll({ ada, others: [bo] });
  const heard = theirs[0] && nextOn(theirs[0], "message");
  hers[0]?.send(bytes("six"));
  expect(text((await heard) ?? bytes(""))).toBe("six");
  expect(hers[0]?.peer.endpoint?.ip).toBe("::1");
  await close(...hers, ...theirs);
});

test("packets that come before anyone listens are not lost", async () => {
  const lobby = await lobbyOf(["Bo"]);
  const { hers, theirs } = await linkAll(lobby);
  hers[0]?.send(bytes("one"));
  hers[0]?.send(bytes("two"));
  hers[0]?.on("message", () => {});
  theirs[0]?.send(bytes("go"));
  if (hers[0]) await vi.waitFor(() => expect(theirs[0]?.report.timeline.length).toBeGreaterThan(0));
  const heard: string[] = [];
  theirs[0]?.on("message", (bytes) => heard.push(text(bytes)));
  await vi.waitFor(() => expect(heard).toEqual(["one", "two"]));
  await close(...hers, ...theirs);
});

test("a packet has 1 200 bytes at most, and may have none", async () => {
  const lobby = await lobbyOf(["Bo"]);
  const { hers, theirs } = await linkAll(lobby);
  const heard: number[] = [];
  theirs[0]?.on("message", ({ length }) => heard.push(length));
  expect(() => hers[0]?.send(new Uint8Array(1_201))).toThrow(
    expect.objectContaining({ code: "packet_too_large" }),
  );
  hers[0]?.send(new Uint8Array(1_200));
  hers[0]?.send(new Uint8Array(0));
  await vi.waitFor(() => expect(heard).toEqual([1_200, 0]));
  await close(...hers, ...theirs);
});

test("links end at the end of the block that uses them", async () => {
  const lobby = await lobbyOf(["Bo"]);
  const { hers, theirs } = await linkAll(lobby);
  const closed = theirs[0] && nextOn(theirs[0], "closed");
  {
    await using link = hers[0];
    expect(link?.peer.name).toBe("Bo");
  }
  expect(await closed).toEqual({ cause: "peer-left" });
});

test("no key shows in what is printed of a link, a lobby or a peer", async () => {
  const lobby = await lobbyOf(["Bo"]);
  const peer = next(lobby.ada, "introduced");
  const { hers, theirs } = await linkAll(lobby);
  for (const thing of [hers, theirs, lobby.ada, (await peer).peers, hers[0]?.report]) {
    const printed = JSON.stringify(thing) + inspect(thing, { depth: 20, showHidden: true });
    expect(printed).not.toMatch(/[\w-]{22}/);
    expect(printed).not.toMatch(/token|secret|ticket|key\b/i);
  }
  await close(...hers, ...theirs);
});

/** Ada and a client made by hand, linked. */
async function withHandmade() {
  const ada = await orion.host({ name: "Ada" });
  const peer = await HandmadePeer.join(server.url, ada.code, "Bo");
  const starting = ada.start();
  await peer.meets();
  peer.check();
  const [link] = await starting;
  if (!link) throw new Error("no link");
  const heard: string[] = [];
  link.on("message", (bytes) => heard.push(text(bytes)));
  onTestFinished(async () => {
    await link.close();
    await Promise.all([ada.leave(), peer.leave()]);
  });
  /** All that was sent before has come, for this has. */
  const delivered = async (word: string) => {
    await vi.waitFor(() => {
      peer.send(peer.data(word));
      expect(heard).toContain(word);
    });
  };
  return { ada, peer, link, heard, delivered };
}

test("a client made from the documentation alone is linked, heard and bidden farewell", async () => {
  const { peer, link, delivered } = await withHandmade();
  await delivered("hello");
  link.send(bytes("hi"));
  await vi.waitFor(() => expect(peer.heard).toContainEqual(peer.data("hi")));
  const closed = nextOn(link, "closed");
  peer.farewell();
  expect(await closed).toEqual({ cause: "peer-left" });
  expect(link.report.cause).toBe("peer-left");
});

test("whatever strangers send to a player's port, nothing of it is delivered, and the link goes on", async () => {
  const { peer, link, heard, delivered } = await withHandmade();
  await delivered("before");
  const stranger = createSocket("udp4").bind(0, "127.0.0.1");
  await once(stranger, "listening");
  onTestFinished(() => {
    stranger.close();
  });
  const answered: Buffer[] = [];
  stranger.on("message", (bytes) => answered.push(bytes));
  const replayed = peer.check();
  await delivered("the check has come before");
  const strange: string[] = [];
  link.on("message", (bytes) => {
    if (!["the check has come before", "meanwhile", "after"].includes(text(bytes))) strange.push(text(bytes));
  });
  const forged = { ...peer.link, key: Buffer.alloc(16).toString("base64url") };
  const attempts = [
    // A check that was heard once, from somewhere else.
    replayed,
    // Without the key.
    packetOf(forged, "check", 1, 1_000_000),
    packetOf(forged, "farewell", 1, 1_000_001),
    // Of the host's own side: what it has sent itself.
    packetOf(peer.link, "check", 0, 1_000_002),
    ...peer.heard.slice(0, 20),
    // Of another link, of another side, with a number that is none.
    packetOf({ ...peer.link, id: "0123456789ab" }, "check", 1, 1_000_003),
    packetOf(peer.link, "check", 2, 1_000_004),
    packetOf(peer.link, "check", 1, 2 ** 53 + 2),
    // Of the game, but from an address that has proved nothing.
    peer.data("not from Bo"),
    // Cut off, too long, and no packets at all.
    ...[0, 1, 6, 7, 15, 16, 31].map((length) => replayed.subarray(0, length)),
    Buffer.concat([replayed, Buffer.of(0)]),
    peer.data(Buffer.alloc(60_000)),
    ...Array.from({ length: 256 }, (_, byte) => Buffer.of(byte, 1, 2, 3, 4, 5, 6, 7, 8)),
    Buffer.from("ptpMediation_seen:e30=.aaaaaaaaaaaaaaaaaaaaaa"),
    Buffer.from("ptpRelay_refused:e30=.aaaaaaaaaaaaaaaaaaaaaa"),
    Buffer.from("ptpRelay_notice:bm9uc2Vuc2U.aaaaaaaaaaaaaaaaaaaaaa"),
  ];
  // A few at a time: what the system drops for being too much is not tested.
  for (let i = 0; i < attempts.length; i += 20) {
    for (const attempt of attempts.slice(i, i + 20)) stranger.send(attempt, peer.port, "127.0.0.1");
    await delivered("meanwhile");
    heard.splice(0);
  }
  stranger.send(peer.data("now from a proven address?"), peer.port, "127.0.0.1");
  // Bo itself is not believed everything either.
  peer.send(peer.data(Buffer.alloc(1_201)));
  peer.send(replayed);
  await delivered("after");
  expect(strange).toEqual([]);
  expect(answered).toEqual([]);
  expect(link.path).toBe("lan");
});

test("a peer whose router has given it another port is heard there, once it has proved itself", async () => {
  const { peer, heard, delivered } = await withHandmade();
  await delivered("before");
  const moved = createSocket("udp4").bind(0, "127.0.0.1");
  await once(moved, "listening");
  onTestFinished(() => {
    moved.close();
  });
  peer.check(moved);
  await vi.waitFor(() => {
    moved.send(peer.data("from another port"), peer.port, "127.0.0.1");
    expect(heard).toContain("from another port");
  });
});

test("a peer that forges the sender of its packets turns nobody's game on a third party", async () => {
  const ada = await orion.host({ name: "Ada" });
  const mal = await HandmadePeer.join(server.url, ada.code, "Mal");
  mal.answers = false;
  // A forged packet is one from the third party's own socket, of which Mal never reads what comes.
  const third = createSocket("udp4").bind(0, "127.0.0.5");
  await once(third, "listening");
  const aimed = { checks: 0, data: 0 };
  third.on("message", (bytes) => {
    aimed[bytes[0] === 0xea ? "data" : "checks"] += 1;
  });
  const forge = (bytes: Buffer) => third.send(bytes, mal.port, "127.0.0.1");
  let seen = 0;
  mal.socket.on("message", (bytes) => {
    if (bytes[0] === 0xe8) seen = Math.max(seen, Number(bytes.readBigUInt64BE(8)));
  });
  const meeting = mal.meets();
  const linked = record(ada, "link");
  ada.start().catch(() => {});
  await meeting;
  for (let round = 1; round <= 12; round++) {
    const before = seen;
    forge(packetOf(mal.link, "check", 1, round));
    await vi.waitFor(() => expect(seen).toBeGreaterThan(before));
    for (let i = 1; i <= 8; i++) forge(packetOf(mal.link, "answer", 1, seen + i));
  }
  await vi.waitFor(() => expect(aimed.checks).toBeGreaterThan(3));
  expect(linked).toEqual([]);
  expect(aimed.data).toBe(0);
  third.close();
  await mal.leave();
  await ada.leave();
});
