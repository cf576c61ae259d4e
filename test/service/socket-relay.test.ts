/** The relay over WebSocket, as a client meets it: real sockets, a real object. */
import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { socketRelayLimits } from "../../core/relay/socket/limits.ts";
import type { Server } from "../../local/server.ts";
import { crash, hibernate, setLimits, startFaultyServer } from "../../measure/kit/server.ts";
import { openRelay, patientRelay, type RelayTicket, relayTicket } from "../../measure/kit/socket-relay.ts";
import { tellTimes } from "../../measure/kit/times.ts";

const secret = randomBytes(32).toString("hex");
const logged: string[] = [];
let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({
    secret,
    udpPort: null,
    vars: { logLobbies: "on" },
    logged: (text) => logged.push(...text.split("\n")),
  });
  await setLimits(server.url, patientRelay);
});
afterAll(() => server.stop());

let lobbies = 0;
const link = "0123456789ab";
/** A lobby of its own for each test, by its tag. */
const newLobby = () => `lobby${String(++lobbies).padStart(3, "0")}`;
const nameOf = (lobby: string, number = 0) => `relay:${lobby}:${number}`;
const ada = (lobby: string, about: Partial<RelayTicket> = {}) =>
  relayTicket(secret, { link, side: "a", lobby, clientId: "ada", peerId: "bob", ...about });
const bob = (lobby: string, about: Partial<RelayTicket> = {}) =>
  relayTicket(secret, { link, side: "b", lobby, clientId: "bob", peerId: "ada", ...about });

/** Two clients with one link. */
async function pair(lobby = newLobby()) {
  const [a, b] = [await openRelay(server.url, ada(lobby)), await openRelay(server.url, bob(lobby))];
  await a.until(() => a.texts.includes(`bound ${link} true`));
  await b.until(() => b.texts.includes(`bound ${link} true`));
  return { lobby, a, b };
}

test("two clients that can only use WebSockets hear each other, in order, and nothing is lost", async () => {
  const { lobby, a, b } = await pair();
  expect(a.protocol).toBe("orion-relay");
  const sent: string[] = [];
  for (let number = 0; number < 100; number++) {
    sent.push(`a${number}`);
    a.send(link, `a${number}`);
    if (number % 10 === 0) b.send(link, `b${number}`, `b${number + 1}`);
    await wait(10);
  }
  await b.until(() => b.packets.length === 100);
  await a.until(() => a.packets.length === 20);
  expect(b.payloads).toEqual(sent);
  expect(a.payloads.slice(0, 4)).toEqual(["b0", "b1", "b10", "b11"]);
  await a.close();
  await b.until(() => b.texts.at(-1) === `bound ${link} false`);
  await b.close();
  await expect
    .poll(() => logged.filter((line) => line.includes("relay_over") && line.includes(nameOf(lobby))))
    .toHaveLength(1);
  const line = JSON.parse(
    logged.find((one) => one.includes(nameOf(lobby)) && one.includes("relay_over")) ?? "",
  );
  expect(line).toMatchObject({
    packets: 120,
    passed: 120,
    lost: { unbound: 0, rate: 0, stale: 0, frames: 0 },
  });
});

test("what is sent on one link comes back by one round trip", async () => {
  const { a, b } = await pair();
  b.socket.on("message", (_, isBinary) => isBinary && b.send(link, "pong"));
  const took: number[] = [];
  for (let i = 0; i < 50; i++) {
    const began = performance.now();
    a.send(link, "ping");
    await a.until(() => a.packets.length === i + 1);
    took.push(performance.now() - began);
    await wait(20);
  }
  tellTimes("round trip", took);
  // A relay that waited for anything, such as the next frame that it may send, would not be that fast even once.
  expect(Math.min(...took)).toBeLessThan(50);
  await Promise.all([a.close(), b.close()]);
});

const wrong: [string, (lobby: string) => { ticket: string; key: string }, string][] = [
  ["forged", (lobby) => ({ ...ada(lobby), key: "A".repeat(22) }), "401 invalid_ticket"],
  [
    "signed by another deployment",
    (lobby) => relayTicket("x".repeat(32), { link, side: "a", lobby, clientId: "ada", peerId: "bob" }),
    "401 invalid_ticket",
  ],
  [
    "changed after it was signed",
    (lobby) => ({ ticket: ada(newLobby()).ticket, key: ada(lobby).key }),
    "401 invalid_ticket",
  ],
  ["for a sidecar's relay", (lobby) => ada(lobby, { relay: "paris" }), "401 invalid_ticket"],
  ["for no relay there can be", (lobby) => ada(lobby, { relay: "~1.mars" }), "401 invalid_ticket"],
  ["that has expired", (lobby) => ada(lobby, { lifeMs: -1_000 }), "401 ticket_expired"],
  ["that is no ticket", () => ({ ticket: "nonsense", key: "key" }), "401 invalid_ticket"],
];
test.each(wrong)("a ticket %s opens nothing, and no object is asked", async (_, of, refusal) => {
  const lobby = newLobby();
  // Whatever reaches an object fails.
  await expect(openRelay(server.url, of(lobby))).rejects.toThrow(refusal);
  expect(logged.some((line) => line.includes("object_unreachable"))).toBe(false);
});

test("without a ticket, /relay is a path as any other", async () => {
  const url = new URL("/relay", server.url);
  url.protocol = "ws:";
  for (const protocols of [[], ["orion-relay"], ["orion"]]) {
    const socket = new WebSocket(url, protocols);
    const text = await new Promise<string>((resolve, reject) => {
      socket.once("message", (data) => resolve(String(data)));
      socket.once("error", reject);
    });
    expect(text).toMatch(/^client_registered:/);
    socket.close();
  }
  expect((await fetch(new URL("/relay", server.url))).status).toBe(404);
});

test("more links are bound on the same socket; foreign and forged tickets are not", async () => {
  const { lobby, a, b } = await pair();
  const second = "0123456789ff";
  const eve = await openRelay(
    server.url,
    relayTicket(secret, { link: second, side: "b", lobby, clientId: "eve", peerId: "ada" }),
  );
  const good = ada(lobby, { link: second, peerId: "eve" });
  const ofEve = relayTicket(secret, {
    link: "0000000000aa",
    side: "a",
    lobby,
    clientId: "eve",
    peerId: "bob",
  });
  const elsewhere = ada(newLobby(), { link: "0000000000bb" });
  const forged = { ...ada(lobby, { link: "0000000000cc" }), key: "no key" };
  a.bind(good, ofEve, elsewhere, forged, { ticket: "nonsense", key: "" });
  await a.until(() => a.texts.filter((text) => text.startsWith("refused")).length === 4);
  expect(a.texts).toContain(`bound ${second} true`);
  for (const of of ["0000000000aa", "0000000000bb", "0000000000cc", ""])
    expect(a.texts).toContain(`refused ${of} invalid_ticket`);
  a.send(second, "to Eve");
  a.send(link, "to Bob");
  await eve.until(() => eve.packets.length === 1);
  await b.until(() => b.packets.length === 1);
  expect([eve.payloads, b.payloads]).toEqual([["to Eve"], ["to Bob"]]);
  await Promise.all([a.close(), b.close(), eve.close()]);
});

test("what makes no sense is answered with a code, once a second, and the socket stays", async () => {
  const { a, b } = await pair();
  for (const junk of [
    "nonsense",
    "relay_bind:e30",
    new Uint8Array(),
    new Uint8Array([0, 9, 1]),
    randomBytes(500),
  ])
    a.sendRaw(junk);
  a.send("00000000dead", "to nobody");
  a.send(link, "still here");
  await b.until(() => b.packets.length === 1);
  expect(a.texts.filter((text) => text.startsWith("refused"))).toEqual([
    "refused  malformed",
    "refused 00000000dead not_bound",
  ]);
  a.sendRaw(new Uint8Array(20 * 1024 + 1));
  await a.until(() => a.closed !== null);
  expect(a.closed?.code).toBe(1009);
  await b.close();
});

test("of two sockets of one member the newer wins", async () => {
  const { lobby, a, b } = await pair();
  // workerd ends the TCP connection of a client that has never said anything only when the server stops.
  a.send(link, "hello");
  await b.until(() => b.packets.length === 1);
  const again = await openRelay(server.url, ada(lobby));
  await a.until(() => a.closed !== null);
  expect(a.closed).toMatchObject({ code: 1008 });
  await again.until(() => again.texts.includes(`bound ${link} true`));
  b.send(link, "hello again");
  await again.until(() => again.packets.length === 1);
  await Promise.all([again.close(), b.close()]);
});

test("a relay whose object sleeps goes on by itself; one that is ended lets its members come back", async () => {
  const { lobby, a, b } = await pair();
  const object = { className: "Relay", name: nameOf(lobby) } as const;
  await hibernate(server, object);
  // Nobody knows yet who is still there: the first packet is lost, as an end that is silent gets nothing.
  b.send(link, "lost");
  // The two sockets are not in any order: what b is answered says that its packet was there before.
  const told = b.texts.length;
  b.bind(bob(lobby));
  await b.until(() => b.texts.length > told);
  a.send(link, "1");
  b.send(link, "2");
  await b.until(() => b.packets.length === 1);
  await a.until(() => a.packets.length === 1);
  expect([a.payloads, b.payloads]).toEqual([["2"], ["1"]]);
  for (const end of ["close", "crash"]) {
    if (end === "close") await server.evict(object, "close");
    else await crash(server.url, { relay: nameOf(lobby) });
    const [again, too] = [await openRelay(server.url, ada(lobby)), await openRelay(server.url, bob(lobby))];
    await again.until(() => again.texts.includes(`bound ${link} true`));
    again.send(link, end);
    await too.until(() => too.packets.length === 1);
    expect(too.payloads).toEqual([end]);
    if (end === "crash") await Promise.all([again.close(), too.close()]);
  }
});

test("a member that floods is warned, and then closed; its neighbour hears all that others send", async () => {
  const { lobby, a, b } = await pair();
  const third = "0123456789ff";
  const eve = await openRelay(
    server.url,
    relayTicket(secret, { link: third, side: "a", lobby, clientId: "eve", peerId: "bob" }),
  );
  b.bind(bob(lobby, { link: third, peerId: "eve" }));
  await eve.until(() => eve.texts.includes(`bound ${third} true`));
  let isOver = false;
  const flood = (async () => {
    for (let sent = 0; eve.closed === null; sent++) {
      eve.send(third, `${sent}`);
      // Far faster than a member may, also where the machine is so busy that the wait is long.
      if (sent % 500 === 0) await wait(5);
    }
    isOver = true;
  })();
  let honest = 0;
  while (!isOver) {
    a.send(link, `honest ${++honest}`);
    await wait(50);
  }
  await flood;
  await eve.until(() => eve.closed !== null);
  expect(eve.closed).toMatchObject({ code: 1008, reason: "Too many messages." });
  expect(eve.texts.some((text) => /notice .*rate$/.test(text))).toBe(true);
  await b.until(() => b.payloads.filter((text) => text.startsWith("honest")).length === honest);
  await Promise.all([a.close(), b.close()]);
});

test("a member that does not read costs its neighbours nothing and the relay little, and is closed", async () => {
  const { lobby, a, b } = await pair();
  const third = "0123456789ff";
  const deaf = await openRelay(
    server.url,
    relayTicket(secret, { link: third, side: "b", lobby, clientId: "eve", peerId: "ada" }),
    { reads: false },
  );
  a.bind(ada(lobby, { link: third, peerId: "eve" }));
  await deaf.until(() => deaf.texts.includes(`bound ${third} true`));
  await setLimits(server.url, { socketRelayDeafMs: 4_000 });
  deaf.socket.pause();
  const payload = "x".repeat(1_000);
  const pings = setInterval(() => deaf.socket.send("ping"), 1_000);
  for (let i = 0; i < 250; i++) {
    a.send(third, payload);
    if (i % 5 === 0) a.send(link, `${i}`);
    await wait(20);
  }
  clearInterval(pings);
  await b.until(() => b.packets.length === 50);
  expect(b.payloads).toEqual(Array.from({ length: 50 }, (_, i) => `${i * 5}`));
  await a.until(() => a.texts.includes(`bound ${third} false`));
  deaf.socket.resume();
  await deaf.until(() => deaf.closed !== null);
  expect(deaf.closed).toMatchObject({ code: 1013 });
  // No more than the first window, of 250 000 bytes.
  expect(deaf.packets.length * 1_009).toBeLessThan(34_500);
  await setLimits(server.url, { socketRelayDeafMs: 30_000 });
  await Promise.all([a.close(), b.close()]);
});

test("frames come in no more often than 60 times a second for a link: later packets share frames", async () => {
  const { socketRelayLinkFrameBurst } = socketRelayLimits;
  await setLimits(server.url, { socketRelayLinkFrameBurst });
  const { a, b } = await pair();
  const began = performance.now();
  for (let i = 0; i < 400; i++) a.send(link, `${i}`);
  // What is held back leaves with the next frame that comes in.
  for (let i = 400; b.packets.length < 400; i++) {
    a.send(link, `${i}`);
    await wait(100);
  }
  const seconds = (performance.now() - began) / 1_000;
  const numbers = b.payloads.map(Number);
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => i));
  expect(b.frames).toBeLessThan(61 + seconds * 60);
  expect(b.frames).toBeLessThan(numbers.length);
  await Promise.all([a.close(), b.close()]);
});
