/** noray's relays: who hears whom by which port, behind which routers, and how much. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { norayLimits } from "../../../core/dialects/noray/limits.ts";
import type { Own } from "../../../core/dialects/noray/own.ts";
import { Ports } from "../../../core/dialects/noray/ports.ts";
import type { Relay, Way } from "../../../core/dialects/noray/relay.ts";
import { type NorayDrop, type NorayRelayBounds, NorayRelays } from "../../../core/dialects/noray/relays.ts";
import type { Endpoint } from "../../../core/endpoint.ts";

const bounds: NorayRelayBounds = {
  rate: 50_000,
  networkRate: 1e9,
  totalRate: 1e9,
  lifetimeBytes: 1e9,
  lifetimeMs: 3_600_000,
  idleMs: 30_000,
};
const host: Endpoint = { ip: "192.0.2.1", port: 1_000 };
const guest: Endpoint = { ip: "198.51.100.2", port: 2_000 };

type R = Relay<string>;

/** A host and a guest, paired. Ports 101 and 102 of the server stand for them. */
function aPair(some: Partial<NorayRelayBounds> = {}) {
  const relays = new NorayRelays<string>({ ...bounds, ...some }, 0);
  const ofHost = relays.open({ port: 101, via: "host's socket", owner: host }, 0);
  const ofGuest = relays.open({ port: 102, via: "guest's socket", owner: guest }, 0);
  relays.pair(ofGuest, ofHost, 0);
  return { relays, ofHost, ofGuest };
}

/** Where a packet goes: `<port of the server> > <address>`, or why it does not. */
function passed(
  relays: NorayRelays<string>,
  at: R,
  { ip, port }: Endpoint,
  elapsed = 0,
  length = 100,
): string {
  return toldOf(relays.pass(at, length, ip, port, elapsed));
}

function toldOf(way: Way<string> | NorayDrop): string {
  return typeof way === "string" ? way : `${way.via.port} > ${way.back.address}:${way.back.port}`;
}

test("each of a pair hears the other from the other's port", () => {
  const { relays, ofHost, ofGuest } = aPair();
  expect(passed(relays, ofHost, guest)).toBe("102 > 192.0.2.1:1000");
  expect(passed(relays, ofGuest, host)).toBe("101 > 198.51.100.2:2000");
});

test("nobody else passes a port, and a stranger leaves nothing behind", () => {
  const { relays, ofHost, ofGuest } = aPair();
  const strangers = [
    { ip: "203.0.113.9", port: 2_000 },
    // The host itself is in no pair with its own port.
    host,
  ];
  for (let elapsed = 0; elapsed < 20_000; elapsed += 100) {
    for (const stranger of strangers) expect(passed(relays, ofHost, stranger, elapsed)).toBe("stranger");
  }
  expect([relays.size, relays.newcomers.length, relays.moved]).toEqual([2, 0, 0]);
  expect([ofHost.strangers.size, ofHost.ways.size, ofGuest.ways.size]).toEqual([0, 1, 1]);
});

test("a packet from port 0, where nothing can be sent, moves nobody there", () => {
  const { relays, ofHost, ofGuest } = aPair();
  expect(passed(relays, ofHost, { ...guest, port: 0 })).toBe("stranger");
  expect(passed(relays, ofGuest, host)).toBe(`101 > ${guest.ip}:${guest.port}`);
});

test("a player may pair with itself, as a test of its own network", () => {
  const { relays, ofHost } = aPair();
  relays.pair(ofHost, ofHost, 0);
  expect(passed(relays, ofHost, host)).toBe("101 > 192.0.2.1:1000");
  expect(passed(relays, ofHost, guest)).toBe("102 > 192.0.2.1:1000");
});

test("a host has one port for all its guests", () => {
  const { relays, ofHost } = aPair();
  const other = { ip: "203.0.113.3", port: 3_000 };
  const ofOther = relays.open({ port: 103, via: "other's socket", owner: other }, 0);
  expect(passed(relays, ofHost, other)).toBe("stranger");
  relays.pair(ofOther, ofHost, 0);
  expect(passed(relays, ofHost, other)).toBe("103 > 192.0.2.1:1000");
  expect(passed(relays, ofOther, host)).toBe("101 > 203.0.113.3:3000");
  // The guests are in no pair with each other.
  expect(passed(relays, ofOther, guest)).toBe("stranger");
});

/** A router that gives its player another port for each port of the server, and lets answers in from that port alone. */
function symmetricNat(ip: string) {
  const ports = new Map<number, number>();
  return {
    out(to: number): Endpoint {
      ports.set(to, ports.get(to) ?? 50_000 + ports.size * 7);
      return { ip, port: ports.get(to) ?? 0 };
    },
    letsIn: (from: number, port: number) => ports.get(from) === port,
  };
}

test("two players behind symmetric NATs hear each other, once both have sent", () => {
  const nats = { host: symmetricNat("192.0.2.1"), guest: symmetricNat("198.51.100.2") };
  const registrar = 8_809;
  const relays = new NorayRelays<string>(bounds, 0);
  const ofHost = relays.open({ port: 101, via: "h", owner: nats.host.out(registrar) }, 0);
  const ofGuest = relays.open({ port: 102, via: "g", owner: nats.guest.out(registrar) }, 0);
  relays.pair(ofGuest, ofHost, 0);
  /** Whether a packet to this relay arrives behind the other's router. */
  const arrives = (from: typeof nats.host, to: typeof nats.host, at: R, elapsed: number) => {
    const { ip, port } = from.out(at.port);
    const way = relays.pass(at, 4, ip, port, elapsed);
    return typeof way !== "string" && to.letsIn(way.via.port, way.back.port);
  };
  // netfox: the guest sends handshakes, the host blasts, both every 100 ms.
  const heard: boolean[] = [];
  for (let elapsed = 0; elapsed < 8_000; elapsed += 100) {
    heard.push(arrives(nats.guest, nats.host, ofHost, elapsed));
    heard.push(arrives(nats.host, nats.guest, ofGuest, elapsed));
  }
  expect(heard.slice(0, 4)).toEqual([false, true, true, true]);
  expect(heard.slice(1)).not.toContain(false);
  expect(relays.moved).toBe(2);
});

test("a host behind a symmetric NAT has many guests behind others", () => {
  const hostNat = symmetricNat("192.0.2.1");
  const relays = new NorayRelays<string>(bounds, 0);
  const ofHost = relays.open({ port: 101, via: "h", owner: hostNat.out(8_809) }, 0);
  const guests = Array.from({ length: 20 }, (_, i) => {
    const nat = symmetricNat(`198.51.100.${i + 1}`);
    const relay = relays.open({ port: 200 + i, via: `g${i}`, owner: nat.out(8_809) }, 0);
    relays.pair(relay, ofHost, 0);
    return { nat, relay };
  });
  for (let round = 0; round < 3; round++) {
    for (const { nat, relay } of guests) {
      const there = relays.pass(ofHost, 9, nat.out(101).ip, nat.out(101).port, round);
      const back = relays.pass(relay, 9, hostNat.out(relay.port).ip, hostNat.out(relay.port).port, round);
      if (typeof there === "string" || typeof back === "string") throw new Error("dropped");
      expect(nat.letsIn(back.via.port, back.back.port)).toBe(true);
      if (round > 0) expect(hostNat.letsIn(there.via.port, there.back.port)).toBe(true);
    }
  }
});

test("guests behind one router are told apart, whatever ports it gives them", () => {
  const relays = new NorayRelays<string>(bounds, 0);
  const ofHost = relays.open({ port: 101, via: "h", owner: host }, 0);
  const guests = [0, 1, 2].map((i) => {
    const owner = { ip: guest.ip, port: 2_000 + i };
    const relay = relays.open({ port: 200 + i, via: `g${i}`, owner }, 0);
    relays.pair(relay, ofHost, 0);
    return relay;
  });
  const from = (port: number, elapsed: number) => passed(relays, ofHost, { ip: guest.ip, port }, elapsed);
  const first = [9_001, 9_002, 9_003].map((port) => from(port, 100));
  expect(new Set(first).size).toBe(3);
  for (let elapsed = 200; elapsed < 10_000; elapsed += 100) {
    expect([9_001, 9_002, 9_003].map((port) => from(port, elapsed))).toEqual(first);
  }
  // What the host answers to each port goes to the player who is heard from it.
  const answers = guests.map((relay) => passed(relays, relay, host, 10_000));
  expect(answers.sort()).toEqual([9_001, 9_002, 9_003].map((port) => `101 > ${guest.ip}:${port}`));
});

test("a player whose router changes its port in a game is heard again after its silence", () => {
  const { relays, ofHost, ofGuest } = aPair();
  for (let elapsed = 0; elapsed < 5_000; elapsed += 50) passed(relays, ofHost, guest, elapsed);
  const moved = { ...guest, port: 2_777 };
  const quiet = norayLimits.norayQuietMs;
  expect(passed(relays, ofHost, moved, 5_000)).toBe("stranger");
  expect(passed(relays, ofHost, moved, 4_949 + quiet)).toBe("stranger");
  expect(passed(relays, ofHost, moved, 4_950 + quiet)).toBe("102 > 192.0.2.1:1000");
  expect(passed(relays, ofGuest, host, 5_000 + quiet)).toBe(`101 > ${guest.ip}:2777`);
  expect(relays.newcomers).toEqual([]);
});

test("a pair that is made again may come from other ports at once", () => {
  const { relays, ofHost, ofGuest } = aPair();
  passed(relays, ofHost, guest, 1_000);
  const again = { ...guest, port: 2_001 };
  expect(passed(relays, ofHost, again, 1_010)).toBe("stranger");
  relays.pair(ofGuest, ofHost, 1_020);
  expect(passed(relays, ofHost, again, 1_030)).toBe("102 > 192.0.2.1:1000");
  expect(passed(relays, ofGuest, host, 1_030)).toBe(`101 > ${guest.ip}:2001`);
  expect([ofHost.ways.size, ofGuest.ways.size]).toEqual([1, 1]);
});

test("a player whom the registrar has seen at another port is heard from there at once", () => {
  const { relays, ofHost, ofGuest } = aPair();
  passed(relays, ofHost, guest, 1_000);
  const again = { ...guest, port: 2_001 };
  expect(passed(relays, ofHost, again, 1_010)).toBe("stranger");
  relays.moveOwner(ofGuest, again, 1_015);
  expect(passed(relays, ofHost, again, 1_020)).toBe("102 > 192.0.2.1:1000");
  expect(passed(relays, ofGuest, host, 1_020)).toBe(`101 > ${guest.ip}:2001`);
});

test("the address that the registrar sees counts until the player is heard at the port itself", () => {
  const { relays, ofHost, ofGuest } = aPair();
  relays.moveOwner(ofGuest, { ip: "198.51.100.77", port: 5 }, 0);
  expect(passed(relays, ofGuest, host)).toBe("101 > 198.51.100.77:5");
  expect(passed(relays, ofHost, guest)).toBe("stranger");
  expect(passed(relays, ofHost, { ip: "198.51.100.77", port: 5 })).toBe("102 > 192.0.2.1:1000");
  relays.moveOwner(ofGuest, guest, 0);
  expect(passed(relays, ofGuest, host)).toBe("101 > 198.51.100.77:5");
});

test("another program at a player's address gets a relay of its own, after a while and once", () => {
  const { relays, ofHost } = aPair();
  const other = { ...guest, port: 2_001 };
  const told: string[] = [];
  for (let elapsed = 0; elapsed <= norayLimits.norayQuietMs; elapsed += 100) {
    passed(relays, ofHost, guest, elapsed);
    told.push(passed(relays, ofHost, other, elapsed));
  }
  expect(new Set(told)).toEqual(new Set(["stranger"]));
  expect(relays.newcomers).toEqual([{ at: ofHost, from: other, provenIp: guest.ip }]);
  const [{ at, from } = { at: ofHost, from: other }] = relays.newcomers.splice(0);
  const now = norayLimits.norayQuietMs + 10;
  const made = relays.open({ port: 103, via: "n", owner: from, madeFor: at }, now);
  relays.pair(made, at, now);
  expect(passed(relays, ofHost, other, now)).toBe("103 > 192.0.2.1:1000");
  expect(passed(relays, made, host, now)).toBe(`101 > ${guest.ip}:2001`);
});

test("one address cannot take up the ports with such programs", () => {
  const { relays, ofHost } = aPair();
  let made = 0;
  for (let elapsed = 0; elapsed < 60_000; elapsed += 100) {
    passed(relays, ofHost, guest, elapsed);
    for (let i = 0; i < 10; i++) passed(relays, ofHost, { ...guest, port: 3_000 + i }, elapsed);
    expect(ofHost.strangers.size).toBeLessThanOrEqual(norayLimits.norayStrangers);
    for (const { at, from } of relays.newcomers.splice(0)) {
      relays.open({ port: 300 + made++, via: "n", owner: from, madeFor: at }, elapsed);
    }
  }
  expect(made).toBe(norayLimits.norayDynamicRelays);
});

test("a program that goes on gets its relay, however many ports are tried beside it, once those before it have gone", () => {
  const { relays, ofHost } = aPair();
  const other = { ...guest, port: 2_001 };
  const quiet = norayLimits.norayQuietMs;
  const others = (elapsed: number, first: number) => {
    passed(relays, ofHost, guest, elapsed);
    for (let i = 0; i < 10; i++) passed(relays, ofHost, { ...guest, port: first + i }, elapsed);
  };
  // They speak once, and hold all that is remembered for a while.
  others(0, 3_000);
  for (let elapsed = 100; elapsed <= 3 * quiet; elapsed += 100) {
    passed(relays, ofHost, other, elapsed);
    others(elapsed, 3_010 + elapsed);
    expect(ofHost.strangers.size).toBeLessThanOrEqual(norayLimits.norayStrangers);
  }
  expect(relays.newcomers).toEqual([{ at: ofHost, from: other, provenIp: guest.ip }]);
});

test("a player takes back its way at once from another program at its address that had it", () => {
  const { relays, ofHost, ofGuest } = aPair();
  const quiet = norayLimits.norayQuietMs;
  const other = { ...guest, port: 2_001 };
  passed(relays, ofHost, guest, 0);
  // The guest was silent: the other has its way, and goes on.
  for (let elapsed = quiet; elapsed < 2 * quiet; elapsed += 100) {
    expect(passed(relays, ofHost, other, elapsed)).toBe("102 > 192.0.2.1:1000");
  }
  expect(passed(relays, ofHost, guest, 2 * quiet)).toBe("102 > 192.0.2.1:1000");
  expect(passed(relays, ofHost, other, 2 * quiet)).toBe("stranger");
  expect(passed(relays, ofGuest, host, 2 * quiet)).toBe(`101 > ${guest.ip}:${guest.port}`);
  expect(relays.moved).toBe(2);
});

test("a pair cannot be made from where another player speaks, until that has been silent for a while", () => {
  const { relays, ofHost, ofGuest } = aPair();
  const quiet = norayLimits.norayQuietMs;
  passed(relays, ofHost, guest, 1_000);
  passed(relays, ofGuest, host, 1_000);
  const thief = relays.open({ port: 103, via: "t", owner: guest }, 1_000);
  expect([relays.pair(thief, ofHost, 1_010), relays.pair(ofHost, thief, 1_010)]).toEqual([false, false]);
  expect([thief.ways.size, ofHost.byAddress.get(guest.ip)?.size]).toEqual([0, 1]);
  expect(passed(relays, ofHost, guest, 1_020)).toBe("102 > 192.0.2.1:1000");
  expect(relays.pair(thief, ofHost, 1_019 + quiet)).toBe(false);
  expect(relays.pair(thief, ofHost, 1_020 + quiet)).toBe(true);
  expect(passed(relays, ofHost, guest, 1_020 + quiet)).toBe("103 > 192.0.2.1:1000");
});

test.each(["the registrar", "another pair"])("no way moves to where another player speaks, by %s", (by) => {
  const { relays, ofHost } = aPair();
  const owner = { ip: guest.ip, port: 2_001 };
  const thief = relays.open({ port: 103, via: "t", owner }, 0);
  expect(relays.pair(thief, ofHost, 0)).toBe(true);
  passed(relays, ofHost, guest, 1_000);
  relays.moveOwner(thief, guest, 1_010);
  if (by === "another pair") expect(relays.pair(thief, ofHost, 1_010)).toBe(true);
  expect(passed(relays, ofHost, guest, 1_020)).toBe("102 > 192.0.2.1:1000");
  expect(passed(relays, thief, host, 1_020)).toBe(`101 > ${owner.ip}:${owner.port}`);
});

test("a port of two gateways is not led to its own player", () => {
  const relays = new NorayRelays<string>(bounds, 0);
  const relay = relays.open({ port: 101, via: "s", owner: guest }, 0);
  expect([relays.bridge(relay, guest, 0), relay.ways.size]).toEqual([false, 0]);
});

test("a relay that was made for such a program makes none for others", () => {
  const { relays, ofHost } = aPair();
  const other = { ...guest, port: 2_001 };
  const made = relays.open({ port: 103, via: "n", owner: other, madeFor: ofHost }, 0);
  relays.pair(made, ofHost, 0);
  for (let elapsed = 0; elapsed < 20_000; elapsed += 100) {
    passed(relays, made, host, elapsed);
    passed(relays, made, { ...host, port: 1_001 }, elapsed);
  }
  expect([relays.newcomers.length, made.strangers.size]).toEqual([0, 0]);
});

test("a game that loads a level is not cut, and a flood is, packet by packet", () => {
  const { relays, ofHost, ofGuest } = aPair();
  passed(relays, ofGuest, host);
  const burst = Array.from({ length: 50 }, () => passed(relays, ofHost, guest, 0, 1_200));
  expect(burst).not.toContain("rate");
  const flood = Array.from({ length: 1_000 }, () => passed(relays, ofHost, guest, 0, 1_200));
  expect(flood.at(-1)).toBe("rate");
  // It goes on as soon as there is something in the bucket.
  expect(passed(relays, ofHost, guest, 1_000, 1_200)).toBe("102 > 192.0.2.1:1000");
});

test.each([
  ["network_rate", { networkRate: 1_000 }],
  ["total_rate", { totalRate: 1_000 }],
  ["bytes", { lifetimeBytes: 1_000 }],
] as const)("what is too much for the bound is dropped: %s", (cause, some) => {
  const { relays, ofHost } = aPair(some);
  const told = Array.from({ length: 100 }, () => passed(relays, ofHost, guest));
  expect(told.at(-1)).toBe(cause);
  expect(told[0]).toBe("102 > 192.0.2.1:1000");
});

test("a relay carries nothing after its hours, and is replaced by the next pair", () => {
  const { relays, ofHost, ofGuest } = aPair({ lifetimeMs: 60_000 });
  expect(passed(relays, ofHost, guest, 59_999)).toBe("102 > 192.0.2.1:1000");
  expect(passed(relays, ofHost, guest, 60_000)).toBe("lifetime");
  expect([relays.isGood(ofGuest, 59_999), relays.isGood(ofGuest, 60_000)]).toEqual([true, false]);
});

test("a relay that nobody uses is freed, with both its pairs' ways", () => {
  const { relays, ofHost, ofGuest } = aPair();
  passed(relays, ofHost, guest, 19_000);
  passed(relays, ofGuest, host, 20_000);
  expect(relays.tick(49_999)).toEqual([]);
  expect(relays.tick(50_000)).toEqual([ofHost, ofGuest]);
  expect([relays.size, ofHost.ways.size, ofGuest.ways.size]).toEqual([0, 0, 0]);
  expect(relays.isGood(ofHost, 50_000)).toBe(false);
  expect(passed(relays, ofHost, guest, 50_000)).toBe("stranger");
});

test("a player who is never heard gets so many bytes, and packets to it keep no port for it", () => {
  const { relays, ofHost, ofGuest } = aPair({ rate: 1e9 });
  const most = Math.floor(norayLimits.norayUnheardBytes / 1_000);
  const told = Array.from({ length: most + 2 }, () => passed(relays, ofHost, guest, 20_000, 1_000));
  expect(told.filter((to) => to === "unheard")).toHaveLength(2);
  // Pairing again gives no more.
  relays.pair(ofGuest, ofHost, 20_000);
  expect(passed(relays, ofHost, guest, 20_000, 1_000)).toBe("unheard");
  expect(passed(relays, ofGuest, host, 20_001)).toBe(`101 > ${guest.ip}:${guest.port}`);
  const after = Array.from({ length: 2 * most }, () => passed(relays, ofHost, guest, 20_002, 1_000));
  expect(new Set(after)).toEqual(new Set(["102 > 192.0.2.1:1000"]));

  const other = aPair();
  passed(other.relays, other.ofHost, guest, 20_000);
  expect(other.relays.tick(30_000)).toEqual([other.ofHost]);
});

const { norayUnprovenBytes, norayUnprovenTimes, norayHeaderBytes, norayUnheardBytes } = norayLimits;
/** A neighbour of the guest's: what made-up datagrams can name as the guest's address. */
const neighbour = { ip: "198.51.100.200", port: 4_000 };

/** A host, and a guest whose TCP connection comes from another address of its /24 than its datagrams. */
function aNearPair(some: Partial<NorayRelayBounds> = { rate: 1e9 }) {
  const relays = new NorayRelays<string>({ ...bounds, ...some }, 0);
  const ofHost = relays.open({ port: 101, via: "h", owner: host }, 0);
  const ofGuest = relays.open({ port: 102, via: "g", owner: neighbour, provenIp: guest.ip }, 0);
  relays.pair(ofGuest, ofHost, 0);
  return { relays, ofHost, ofGuest };
}

/** How many packets of this length pass, of 1 000 that are sent at once. */
function passing(relays: NorayRelays<string>, at: R, from: Endpoint, length: number, elapsed: number) {
  const told = Array.from({ length: 1_000 }, () => passed(relays, at, from, elapsed, length));
  expect(new Set(told.filter((to) => !to.includes(">")))).toEqual(new Set(["unheard"]));
  return told.filter((to) => to.includes(">")).length;
}

test("an address that is only near its player's own gets next to nothing until it answers, whoever sends to it", () => {
  const { relays, ofGuest } = aNearPair();
  const cost = 100 + norayHeaderBytes;
  expect(passing(relays, ofGuest, host, 100, 0)).toBe(Math.floor(norayUnprovenBytes / cost));
  // Other hosts, and pairs that are made again, get no more for it.
  const other = { ip: "192.0.2.77", port: 1 };
  const ofOther = relays.open({ port: 103, via: "o", owner: other }, 0);
  relays.pair(ofGuest, ofOther, 0);
  expect(passing(relays, ofGuest, other, 100, 0)).toBe(0);
  relays.pair(ofGuest, ofOther, 0);
  expect(passing(relays, ofGuest, other, 100, 60_000)).toBe(0);
});

test("what a player sends in a neighbour's name counts for its own address, and the neighbour's packets pass", () => {
  const relays = new NorayRelays<string>({ ...bounds, rate: 50_000, networkRate: 50_000 }, 0);
  const [liar, neighbour, friend] = ["192.0.2.7", "192.0.2.9", "198.51.100.2"];
  const open = (port: number, ip: string, provenIp = ip) =>
    relays.open({ port, via: `${port}`, owner: { ip, port }, provenIp }, 0);
  const ofFriend = open(1, friend);
  const [made, honest] = [open(2, neighbour, liar), open(3, neighbour)];
  for (const one of [made, honest]) expect(relays.pair(one, ofFriend, 0)).toBe(true);
  passed(relays, made, ofFriend.owner);
  passed(relays, honest, ofFriend.owner);
  let told = "";
  for (let i = 0; i < 2_000; i++) told = passed(relays, ofFriend, made.owner);
  expect(told).toMatch(/rate$/);
  expect(passed(relays, ofFriend, honest.owner)).toBe(`3 > ${friend}:1`);
});

test("a player at such an address plays on as soon as it has answered, also if strangers have used up what it had", () => {
  const { relays, ofHost, ofGuest } = aNearPair();
  const stranger = { ip: "203.0.113.66", port: 6 };
  const ofStranger = relays.open({ port: 103, via: "s", owner: stranger }, 0);
  relays.pair(ofGuest, ofStranger, 0);
  passing(relays, ofGuest, stranger, 0, 0);
  expect(passed(relays, ofGuest, host, 10, 48)).toBe("unheard");
  // Its first word has 4 bytes: three times its 32 are enough for an answer of ENet's.
  expect(passed(relays, ofHost, neighbour, 20, 4)).toBe("102 > 192.0.2.1:1000");
  expect(passed(relays, ofGuest, host, 30, 3 * norayHeaderBytes)).toBe("unheard");
  expect(passed(relays, ofGuest, host, 30, 48)).toBe("101 > 198.51.100.200:4000");
  expect(passed(relays, ofGuest, host, 30, 48)).toBe("unheard");
  passed(relays, ofHost, neighbour, 40, 4);
  for (let elapsed = 50; elapsed < 2_000; elapsed += 50) {
    expect(passed(relays, ofGuest, host, elapsed, 1_200)).toBe("101 > 198.51.100.200:4000");
    expect(passed(relays, ofHost, neighbour, elapsed, 60)).toBe("102 > 192.0.2.1:1000");
  }
});

test("one who makes up packets of such an address, and never reads one, makes the relay send three times their bytes", () => {
  const { relays, ofHost, ofGuest } = aNearPair();
  ofGuest.unprovenBytes = 0;
  let heard = 0;
  for (let i = 0; i < 50; i++) {
    expect(passed(relays, ofHost, neighbour, 0, 100)).toBe("102 > 192.0.2.1:1000");
    heard += 100 + norayHeaderBytes;
  }
  const most = Math.floor((norayUnprovenTimes * heard) / (1_000 + norayHeaderBytes));
  expect(passing(relays, ofGuest, host, 1_000, 0)).toBe(most);
});

test("an address that has answered, and is near its player's own, gets 64 KB more at most when it falls silent", () => {
  const { relays, ofHost, ofGuest } = aNearPair();
  passed(relays, ofGuest, host, 0, 4);
  passed(relays, ofHost, neighbour, 10, 4);
  const most = Math.floor(norayUnheardBytes / (1_000 + norayHeaderBytes));
  expect(passing(relays, ofGuest, host, 1_000, 20)).toBe(most);
  passed(relays, ofHost, neighbour, 30, 4);
  expect(passed(relays, ofGuest, host, 30, 1_000)).toBe("101 > 198.51.100.200:4000");
});

test("a player whom the registrar sees at a neighbour's address from then on has to answer from there", () => {
  const { relays, ofHost, ofGuest } = aPair({ rate: 1e9 });
  relays.moveOwner(ofGuest, neighbour, 0);
  expect(passing(relays, ofGuest, host, 1_000, 0)).toBe(1);
  relays.moveOwner(ofGuest, guest, 10);
  expect(passing(relays, ofGuest, host, 1_000, 10)).toBeGreaterThan(50);
  expect(passed(relays, ofHost, guest, 20)).toBe("102 > 192.0.2.1:1000");
  expect(passed(relays, ofGuest, host, 20)).toBe(`101 > ${guest.ip}:${guest.port}`);
});

test("one that has answered from one such address has to answer again from another", () => {
  const { relays, ofHost, ofGuest } = aNearPair();
  passed(relays, ofGuest, host, 0, 4);
  passed(relays, ofHost, neighbour, 10, 4);
  relays.moveOwner(ofGuest, { ...neighbour, ip: "198.51.100.201" }, 20);
  relays.pair(ofGuest, ofHost, 20);
  const most = Math.floor(norayUnprovenBytes / (1_000 + norayHeaderBytes));
  expect(passing(relays, ofGuest, host, 1_000, 20)).toBe(most);
});

test("what went to a player's own address is answered by nobody at another", () => {
  const { relays, ofHost, ofGuest } = aPair({ rate: 1e9 });
  passed(relays, ofGuest, host, 0);
  relays.moveOwner(ofGuest, neighbour, 10);
  passed(relays, ofHost, neighbour, 20, 4);
  expect(passing(relays, ofGuest, host, 1_000, 20)).toBe(1);
});

test("a player whose pair is made again has to be heard again", () => {
  const { relays, ofHost, ofGuest } = aPair({ rate: 1e9 });
  passed(relays, ofHost, guest, 0);
  relays.pair(ofGuest, ofHost, 10);
  expect(passing(relays, ofGuest, host, 1_000, 10)).toBe(Math.floor(norayUnheardBytes / 1_000));
});

test("another program at such an address gets a relay that knows no more of it", () => {
  const { relays, ofHost, ofGuest } = aNearPair();
  const other = { ...neighbour, port: 4_001 };
  passed(relays, ofGuest, host, 0, 4);
  for (let elapsed = 0; elapsed <= norayLimits.norayQuietMs; elapsed += 100) {
    passed(relays, ofHost, neighbour, elapsed);
    passed(relays, ofHost, other, elapsed);
  }
  expect(relays.newcomers).toEqual([{ at: ofHost, from: other, provenIp: guest.ip }]);
});

/** A gateway at 203.0.113.1, which listens at 8809 and 101 to 103. */
const own: Own = {
  isAddress: (ip) => ip === "203.0.113.1",
  isEndpoint: ({ ip, port }) => ip === "203.0.113.1" && [8_809, 101, 102, 103].includes(port),
};

test("no relay leads to the gateway itself: not by a pair, nor by another gateway, nor by a player who moves", () => {
  const relays = new NorayRelays<string>(bounds, 0, own);
  const self = { ip: "203.0.113.1", port: 102 };
  const local = { ip: "203.0.113.1", port: 40_000 };
  const [ofHost, ofLocal, ofSelf] = [host, local, self].map((owner, i) =>
    relays.open({ port: 101 + i, via: "s", owner }, 0),
  );
  if (!ofHost || !ofLocal || !ofSelf) throw new Error("no relay");
  expect([relays.pair(ofSelf, ofHost, 0), relays.pair(ofHost, ofSelf, 0)]).toEqual([false, false]);
  for (const port of [101, 102, 8_809]) expect(relays.bridge(ofHost, { ...self, port }, 0)).toBe(false);
  expect(relays.bridge(ofSelf, guest, 0)).toBe(false);
  for (const ip of ["0.0.0.0", "224.0.0.1", "255.255.255.255"]) {
    expect(relays.bridge(ofHost, { ip, port: 5 }, 0)).toBe(false);
  }
  expect([ofHost, ofSelf].map(({ ways }) => ways.size)).toEqual([0, 0]);
  // A player of the gateway's own machine plays.
  expect(relays.pair(ofLocal, ofHost, 0)).toBe(true);
  relays.moveOwner(ofLocal, self, 0);
  expect(passed(relays, ofHost, self)).toBe("stranger");
  expect(passed(relays, ofLocal, host)).toBe("101 > 203.0.113.1:40000");
  expect([40_000, 40_001].map((port) => relays.leadsTo(port))).toEqual([true, false]);
});

test("another gateway alone does not keep a port for a player who is silent", () => {
  const relays = new NorayRelays<string>(bounds, 0);
  const gateway = { ip: "203.0.113.50", port: 49_200 };
  const relay = relays.open({ port: 101, via: "s", owner: guest }, 0);
  relays.bridge(relay, gateway, 0);
  passed(relays, relay, gateway, 20_000);
  expect(relays.tick(30_000)).toEqual([relay]);
});

test("packets that are dropped keep no relay", () => {
  const { relays, ofHost } = aPair({ lifetimeMs: 1_000 });
  for (let elapsed = 0; elapsed < 40_000; elapsed += 100) passed(relays, ofHost, guest, elapsed);
  expect(relays.tick(40_000)).toHaveLength(2);
});

test("a port of two gateways carries its player's packets to the other gateway, and back", () => {
  const relays = new NorayRelays<string>(bounds, 0);
  const gateway = { ip: "203.0.113.50", port: 49_200 };
  const relay = relays.open({ port: 101, via: "s", owner: guest }, 0);
  relays.bridge(relay, gateway, 0);
  expect(passed(relays, relay, guest)).toBe("101 > 203.0.113.50:49200");
  expect(passed(relays, relay, gateway)).toBe("101 > 198.51.100.2:2000");
  // The player's router may have given it another port; another program at the gateway's address is a stranger.
  expect(passed(relays, relay, { ...gateway, port: 5 })).toBe("stranger");
  relays.bridge(relay, gateway, 10);
  expect(passed(relays, relay, { ...guest, port: 2_111 }, 20)).toBe("101 > 203.0.113.50:49200");
  expect(passed(relays, relay, gateway, 20)).toBe("101 > 198.51.100.2:2111");
});

test("ports are taken from the end of the range, and one that was just freed is taken last", () => {
  const ports = new Ports([1, 2, 3]);
  expect([ports.take(), ports.take()]).toEqual([3, 2]);
  ports.giveBack(3);
  ports.giveBack(99);
  expect([ports.take(), ports.take(), ports.take(), ports.take()]).toEqual([1, 3, null, null]);
  expect([ports.size, ports.free]).toEqual([3, 0]);
});

/** Players at four addresses of two networks. */
const endpoint = fc.record({
  ip: fc.constantFrom("192.0.2.1", "192.0.2.2", "198.51.100.3", "127.0.0.1"),
  port: fc.integer({ min: 1, max: 6 }),
});
const act = fc.oneof(
  fc.record({ kind: fc.constant("open" as const), owner: endpoint }),
  fc.record({ kind: fc.constant("pair" as const), a: fc.nat(5), b: fc.nat(5) }),
  fc.record({ kind: fc.constant("bridge" as const), a: fc.nat(5), gateway: endpoint }),
  fc.record({ kind: fc.constant("move" as const), a: fc.nat(5), owner: endpoint }),
  fc.record({ kind: fc.constant("packet" as const), a: fc.nat(5), from: endpoint }),
  fc.record({ kind: fc.constant("close" as const), a: fc.nat(5) }),
  fc.record({ kind: fc.constant("tick" as const), ms: fc.nat(20_000) }),
);

test("whatever happens, a packet goes from a paired address to its partner, and nothing is left of freed relays", () => {
  fc.assert(
    fc.property(fc.array(act, { minLength: 20, maxLength: 120 }), (acts) => {
      const relays = new NorayRelays<string>(bounds, 0);
      const open: R[] = [];
      let [elapsed, port] = [0, 100];
      for (const one of acts) {
        if (one.kind === "open") {
          if (open.length < 6) open.push(relays.open({ port: port++, via: "s", owner: one.owner }, elapsed));
        } else if (one.kind === "tick") {
          elapsed += one.ms;
          for (const freed of relays.tick(elapsed)) open.splice(open.indexOf(freed), 1);
        } else {
          const a = open[one.a];
          if (!a) continue;
          if (one.kind === "pair") {
            const b = open[one.b];
            if (b) relays.pair(a, b, elapsed);
          } else if (one.kind === "bridge") relays.bridge(a, one.gateway, elapsed);
          else if (one.kind === "move") relays.moveOwner(a, one.owner, elapsed);
          else if (one.kind === "close") {
            relays.close(a);
            open.splice(one.a, 1);
          } else {
            const known = [...a.byAddress.values()].flatMap((ways) => [...ways]);
            const way = relays.pass(a, 10, one.from.ip, one.from.port, elapsed);
            if (typeof way === "string") continue;
            expect(known.includes(way) && way.at === a && way.back.back === way).toBe(true);
            expect([way.address, way.port]).toEqual([one.from.ip, one.from.port]);
            expect(open.includes(way.via) && way.back.at === way.via).toBe(true);
          }
        }
        for (const relay of open) {
          for (const ways of relay.byAddress.values()) {
            for (const { via, back } of ways) expect(open.includes(via) && open.includes(back.at)).toBe(true);
          }
        }
      }
      expect(relays.size).toBe(open.length);
    }),
    { numRuns: 500 },
  );
});
