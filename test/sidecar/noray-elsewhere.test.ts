/** Players of noray at two gateways of one deployment, over a real edge. */

import { networkInterfaces } from "node:os";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { norayLimits } from "../../core/dialects/noray/limits.ts";
import { meetingAnswer } from "../../core/dialects/noray/meeting.ts";
import type { Server } from "../../local/server.ts";
import {
  type EdgeGateway,
  startNorayAt,
  type startTestNoray,
  type TestGateway,
  unreachable,
} from "../../measure/kit/noray.ts";
import { type Game, NorayClient } from "../../measure/kit/noray-client.ts";
import { holderOf, secret } from "../../measure/kit/secret.ts";
import { crash, startFaultyServer } from "../../measure/kit/server.ts";
import { SymmetricNat } from "../../measure/kit/symmetric-nat.ts";
import { signal } from "../../session/wishes.ts";

let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({ udpPort: null, secret });
});
afterAll(() => server.stop());

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const soon = { interval: 5 };
/** A gateway of the sidecar of this name. */
async function gatewayOf(sidecar: string, ...more: Parameters<typeof startTestNoray>): Promise<EdgeGateway> {
  const gateway = await startNorayAt(server.url, sidecar, ...more);
  cleanUps.push(gateway.stop);
  return gateway;
}

async function player({ at }: TestGateway, ...from: [string?, SymmetricNat?]): Promise<NorayClient> {
  const [address, nat] = from;
  const opened = await NorayClient.connect(at, address, nat?.open);
  cleanUps.push(() => opened.close());
  return await opened.register();
}

/** A host whom other gateways find. */
async function announced(gateway: EdgeGateway, ...from: [string?, SymmetricNat?]): Promise<NorayClient> {
  const before = gateway.sessions.open;
  const host = await player(gateway, ...from);
  await vi.waitFor(() => expect(gateway.sessions.open).toBe(before + 1), soon);
  return host;
}

async function gameOf(of: NorayClient): Promise<Game> {
  const game = await of.game();
  cleanUps.push(() => game.close());
  return game;
}

test("a guest of one gateway is punched through to a host of another", async () => {
  const [paris, oslo] = [await gatewayOf("paris"), await gatewayOf("oslo")];
  const host = await announced(paris);
  const guest = await player(oslo);
  const hostGame = await gameOf(host);
  void host.nextTarget("connect").then((target) => hostGame.blast(target));
  const { target, shaken } = await guest.join("connect", host.oid);
  expect([target.port, shaken]).toEqual([host.localPort, "ok"]);
  const guestGame = await gameOf(guest);
  guestGame.send("hello", target);
  expect((await hostGame.hears("hello")).port).toBe(guest.localPort);
  expect([paris.relays(), oslo.relays()]).toEqual([0, 0]);
  expect(guest.lines.filter((line) => line.startsWith("connect "))).toHaveLength(1);
});

test("players of two gateways behind symmetric NATs play through both", async () => {
  const [paris, oslo] = [await gatewayOf("paris"), await gatewayOf("oslo")];
  const nats = [new SymmetricNat("127.0.0.2"), new SymmetricNat("127.0.0.3")];
  for (const nat of nats) cleanUps.push(() => nat.close());
  const host = await announced(paris, "127.0.0.2", nats[0]);
  const guest = await player(oslo, "127.0.0.3", nats[1]);
  const hostGame = await gameOf(host);
  const told = host.nextTarget("connect-relay");
  void told.then((target) => hostGame.blast(target));
  const { target, shaken } = await guest.join("connect-relay", host.oid);
  expect(shaken).toBe("ok");
  // Each dials a port of the gateway that it knows.
  expect(oslo.relayPorts).toContain(target.port);
  expect(paris.relayPorts).toContain((await told).port);
  const guestGame = await gameOf(guest);
  guestGame.send("hello", target);
  const from = await hostGame.hears("hello");
  expect(from).toEqual(await told);
  hostGame.send("welcome", from);
  expect(await guestGame.hears("welcome")).toEqual(target);
  expect([paris.relays(), oslo.relays()]).toEqual([1, 1]);
});

test("a host has guests of its own gateway and of another at once", async () => {
  const [paris, oslo] = [await gatewayOf("paris"), await gatewayOf("oslo")];
  const host = await announced(paris);
  const hostGame = await gameOf(host);
  const guests = [await player(paris), await player(oslo), await player(oslo)];
  for (const [i, guest] of guests.entries()) {
    const target = await guest.ask("connect-relay", host.oid);
    const game = await gameOf(guest);
    game.send(`guest ${i}`, target);
    const from = await hostGame.hears(`guest ${i}`);
    hostGame.send(`to ${i}`, from);
    expect(await game.hears(`to ${i}`)).toEqual(target);
  }
  expect([paris.relays(), oslo.relays()]).toEqual([4, 2]);
});

test("an oid that nobody has is unknown, and asked for once", async () => {
  const oslo = await gatewayOf("oslo");
  const guest = await player(oslo);
  for (let times = 1; times <= 3; times++) {
    guest.say("connect V1StGXR8_Z5jdHi6B-myT");
    await vi.waitFor(() => expect(oslo.counts.drops.unknown_oid).toBe(times), soon);
  }
  guest.say("connect not an oid");
  await vi.waitFor(() => expect(oslo.counts.drops.unknown_oid).toBe(4), soon);
  expect(oslo.sessions.failed).toEqual({ no_such_lobby: 1 });
});

test("a host whose gateway has no relay left is not waited for, and takes none of the guest's gateway", async () => {
  const [paris, oslo] = [await gatewayOf("paris", { relays: 0 }), await gatewayOf("oslo")];
  const host = await announced(paris);
  const guest = await player(oslo);
  guest.say(`connect-relay ${host.oid}`);
  await vi.waitFor(() => expect(oslo.counts.drops.no_relay).toBe(1), soon);
  expect([paris.counts.drops.no_relay, paris.relays(), oslo.relays()]).toEqual([1, 0, 0]);
  // By its address it can still be found.
  expect((await guest.ask("connect", host.oid)).port).toBe(host.localPort);
});

const own = Object.values(networkInterfaces())
  .flatMap((all = []) => all)
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;

test.skipIf(own === undefined)("one address asks the edge for so many oids, and no more", async () => {
  const oslo = await gatewayOf("oslo", { host: "0.0.0.0" }, { elapsed: () => 0 });
  const guest = await player({ ...oslo, at: { ...oslo.at, address: own ?? "" } }, own);
  for (let i = 0; i < 20; i++) guest.say(`connect nobody-${i}`);
  await vi.waitFor(() => {
    const { unknown_oid = 0, not_now = 0 } = oslo.counts.drops;
    expect(unknown_oid + not_now).toBe(20);
  }, soon);
  expect(oslo.sessions.failed).toEqual({ no_such_lobby: norayLimits.norayLookUpBurst });
});

test("a network whose players ask for a host at another gateway all the time keeps it from no other", async () => {
  const [paris, oslo] = [await gatewayOf("paris", {}, { elapsed: () => 0 }), await gatewayOf("oslo")];
  const host = await announced(paris);
  const session = await oslo.join(`noray:${host.oid}`);
  const told: string[] = [];
  session.listen((event) => {
    const { data } = meetingAnswer.safeParse(event.kind === "signal" ? event.data : null);
    if (data) told.push(data.noray);
  });
  const leader = session.members.find(({ isHost }) => isHost)?.clientId ?? "";
  const ask = async (ip: string, times: number) => {
    for (let i = 0; i < times; i++) {
      await signal(session, leader, { noray: "ask", ask: `${i}`, player: { ip, port: 4_000 } });
    }
  };
  const half = norayLimits.norayCommandBurst / 2;
  await ask("203.0.113.7", half + 3);
  await vi.waitFor(() => expect(told).toHaveLength(half + 3), soon);
  expect(told).toEqual([...Array(half).fill("met"), ...Array(3).fill("refused")]);
  await ask("198.51.100.9", 1);
  await vi.waitFor(() => expect(told.at(half + 3)).toBe("met"), soon);
});

test.skipIf(own === undefined)(
  "guests of another gateway who ask for one relay after the other leave half of them to others",
  async () => {
    let now = 0;
    const relays = norayLimits.norayAddressRelays;
    const at = { host: "0.0.0.0", relays };
    const [paris, oslo] = [await gatewayOf("paris", at, { elapsed: () => now }), await gatewayOf("oslo")];
    const host = await announced({ ...paris, at: { ...paris.at, address: own ?? "" } }, own);
    const session = await oslo.join(`noray:${host.oid}`);
    const told: string[] = [];
    session.listen((event) => {
      const { data } = meetingAnswer.safeParse(event.kind === "signal" ? event.data : null);
      if (data) told.push(data.noray);
    });
    const leader = session.members.find(({ isHost }) => isHost)?.clientId ?? "";
    const ask = async (ip: string) => {
      const relay = { host: "203.0.113.1", port: 4_000 };
      await signal(session, leader, { noray: "ask", ask: "1", player: { ip, port: 4_000 }, relay });
    };
    for (let asked = 1; asked <= relays / 2 + 2; asked++) {
      now += 250;
      await ask("203.0.113.7");
      await vi.waitFor(() => expect(told).toHaveLength(asked), soon);
    }
    expect(told).toEqual([...Array(relays / 2).fill("met"), ...Array(2).fill("refused")]);
    await ask("198.51.100.9");
    await vi.waitFor(() => expect(told.at(-1)).toBe("met"), soon);
    expect(paris.relays()).toBe(relays / 2 + 1);
  },
);

test("another gateway that names this one's own ports gets no relay to them", async () => {
  const [paris, oslo] = [await gatewayOf("paris"), await gatewayOf("oslo")];
  const host = await announced(paris);
  const guest = await player(paris);
  const { port: relay } = await guest.ask("connect-relay", host.oid);
  const session = await oslo.join(`noray:${host.oid}`);
  const told: string[] = [];
  session.listen((event) => {
    const { data } = meetingAnswer.safeParse(event.kind === "signal" ? event.data : null);
    if (data) told.push(data.noray === "met" ? "met" : data.why);
  });
  const leader = session.members.find(({ isHost }) => isHost)?.clientId ?? "";
  const address = "127.0.0.1";
  for (const port of [relay, paris.at.registrar, oslo.at.registrar]) {
    const ask = { noray: "ask", ask: `${port}`, player: { ip: address, port: 4_000 } };
    await signal(session, leader, { ...ask, relay: { host: address, port } });
  }
  await vi.waitFor(() => expect(told).toEqual(["no_relay", "no_relay", "met"]), soon);
});

test("a host that has gone is unknown at the other gateway, and its name is free", async () => {
  const [paris, oslo] = [await gatewayOf("paris"), await gatewayOf("oslo")];
  const host = await announced(paris);
  const guest = await player(oslo);
  host.close();
  await vi.waitFor(() => expect(paris.sessions.open).toBe(0), soon);
  await vi.waitFor(async () => {
    const before = oslo.counts.drops.unknown_oid ?? 0;
    guest.say(`connect ${host.oid}`);
    await vi.waitFor(() => expect(oslo.counts.drops.unknown_oid).toBe(before + 1), soon);
  }, soon);
});

test("two players of one address are known elsewhere, and a third when one of them goes", async () => {
  const limits = { addressSessions: 2, wideSessions: 20, sessions: 2, addressDatagramsPerSecond: 5 };
  const paris = await gatewayOf("paris", {}, { admission: limits });
  const [first] = [await announced(paris), await announced(paris)];
  const third = await player(paris);
  expect([paris.sessions.open, paris.counts.drops.edge_gateway_full]).toEqual([2, 1]);
  const oslo = await gatewayOf("oslo");
  const guest = await player(oslo);
  first.close();
  await vi.waitFor(async () => {
    guest.say(`connect ${third.oid}`);
    await guest.nextTarget("connect", 2_500);
  }, soon);
});

test("a host whose lobby is lost is found again by and by", async () => {
  const [paris, oslo] = [await gatewayOf("paris"), await gatewayOf("oslo")];
  const host = await announced(paris);
  const guest = await player(oslo);
  // Its lobby's object, which begins again from its row, and the one that holds its session.
  await crash(server.url, { holder: `noray:${host.oid}` });
  expect((await guest.ask("connect", host.oid)).port).toBe(host.localPort);
  await crash(server.url, { holder: holderOf(paris.hosted.at(-1)?.token() ?? "") });
  await vi.waitFor(async () => {
    expect((await guest.ask("connect", host.oid)).port).toBe(host.localPort);
  }, soon);
  // What ends it altogether, as a deployment that forgets: the gateway opens it again.
  await paris.hosted.at(-1)?.leave();
  expect(paris.sessions.open).toBe(0);
  await vi.waitFor(() => expect(paris.sessions.open).toBe(1), soon);
  expect((await guest.ask("connect", host.oid)).port).toBe(host.localPort);
});

test("while nobody reaches the edge, players of one gateway meet, and others hear that it does not work now", async () => {
  const paris = await gatewayOf("paris", { meetingMs: 300 }, { sessions: () => unreachable });
  const [host, guest] = [await player(paris), await player(paris)];
  expect((await guest.ask("connect", host.oid)).port).toBe(host.localPort);
  expect(paris.relayPorts).toContain((await guest.ask("connect-relay", host.oid)).port);
  guest.say("connect V1StGXR8_Z5jdHi6B-myT");
  await vi.waitFor(() => expect(paris.counts.drops.not_now).toBe(1), soon);
});
