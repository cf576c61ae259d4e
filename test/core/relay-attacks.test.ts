/** What those can do to a relay who want to keep others off it; and that crowds of honest players are no such people. */
import { describe, expect, test } from "vitest";
import { relayLimits } from "../../core/relay/limits.ts";
import { aRelay, end, hex, life, number, type Relay, ticket } from "./a-relay.ts";

const { relayLinks, relayHalfBound, relayHalfBoundMs, relayLargestPart } = relayLimits;

/** The one end of a link that a client nobody else has heard of binds, from this address. */
function bindHalf(relay: Relay, link: number, address: string): string {
  const its = ticket("a", {
    link: hex(link),
    clientId: `client ${link}`,
    peerId: "nobody",
    lobbyTag: "EVIL",
  });
  const binding = relay.bind(its, end(9, { address }));
  return binding.kind === "bound" ? binding.kind : binding.code;
}
/** Addresses that are told apart. */
const from = (index: number) => `198.51.${100 + (index >> 8)}.${index & 255}`;
/** Those of different owners. */
const far = (index: number) => `45.${index & 255}.${index >> 8}.7`;
/** Those of one owner, who has a whole /48. */
const six = (index: number) => `2001:db8:77:${index.toString(16)}::1`;
const bound = ["bound", "bound"];

describe("links that only one end binds", () => {
  test("fill the relay from many addresses, and an honest pair binds all the same, also the next", () => {
    const relay = aRelay();
    const address = "203.0.113.5";
    relay.link(1, { address });
    for (let link = 100; relay.links.size < relayLinks; link++) {
      expect(bindHalf(relay, link, far(Math.floor((link - 100) / relayHalfBound)))).toBe("bound");
    }
    for (const link of [2, 3, 4]) expect(relay.link(link, { address })).toEqual(bound);
    expect(relay.links.size).toBe(relayLinks);
    for (const link of [1, 2, 3, 4]) expect(relay.pass(10, { link, address })).toBe(2);
    // The first of them has made room, not the last.
    expect(relay.pass(10, { link: 100, port: 9, address: far(0) })).toBe("unknown_link");
    expect(relay.pass(10, { link: 103, port: 9, address: far(0) })).toBe("unbound");
  });

  test("of one address are so many at most: its own first ones make room, and nobody else's", () => {
    const relay = aRelay();
    const address = "203.0.113.5";
    bindHalf(relay, 1, address);
    for (let link = 100; link < 100 + 2 * relayHalfBound; link++) bindHalf(relay, link, from(0));
    expect(relay.links.size).toBe(relayHalfBound + 1);
    expect(relay.pass(10, { link: 1, port: 9, address })).toBe("unbound");
    expect(relay.link(2, { address: from(0) })).toEqual(bound);
  });

  test("live for half a minute, whatever their end says", () => {
    const relay = aRelay();
    for (; relay.now < relayHalfBoundMs; relay.tick(relay.now + 1_000)) {
      bindHalf(relay, 1, from(0));
      expect(relay.pass(10, { link: 1, port: 9, address: from(0) })).toBe("unbound");
    }
    bindHalf(relay, 1, from(0));
    relay.tick(relay.now + 1_000);
    expect(relay.links.size).toBe(0);
  });

  test("of many addresses of one owner are bounded, too: of an IPv6 /48 to four times those of one address, of a /24 to eight times", () => {
    for (const [address, shares] of [
      [six, 4],
      [(i: number) => `198.51.100.${i & 255}`, 8],
    ] as const) {
      const relay = aRelay();
      for (let link = 1; link <= 16 * relayHalfBound; link++) bindHalf(relay, link, address(link));
      expect(relay.links.size).toBe(shares * relayHalfBound);
      expect(relay.link(9_999, { address: address(1) })).toEqual(bound);
    }
  });

  test("of a /64 count as those of one address, and of an IPv4 address as those of it written as IPv6", () => {
    const relay = aRelay();
    const addresses = [(i: number) => `2001:db8:0:7::${i.toString(16)}`, () => "::ffff:203.0.113.7"];
    for (const [index, address] of addresses.entries()) {
      for (let i = 0; i < 2 * relayHalfBound; i++) bindHalf(relay, 1_000 * (index + 1) + i, address(i));
    }
    expect(relay.links.size).toBe(2 * relayHalfBound);
    expect(relay.links.count().senders).toBe(2);
  });
});

test("links with two ends are a quarter of the relay for one address, keep their place, and others have theirs", () => {
  const relay = aRelay({ links: 1_000 });
  const players = (link: number) => [`a${link}`, `b${link}`] as const;
  const most = (1_000 * relayLargestPart) / 2;
  for (let link = 1; link <= most; link++) {
    expect(relay.link(link, { address: from(0), players: players(link) })).toEqual(bound);
  }
  for (let link = 500; link < 600; link++) {
    expect(relay.link(link, { address: from(0), players: players(link) })).toEqual([
      "relay_full",
      "relay_full",
    ]);
  }
  // It may move its ends, and bind them again.
  expect(relay.link(1, { address: from(0), players: players(1) })).toEqual(bound);
  expect(relay.link(2, { address: from(1), players: players(2) })).toEqual(bound);
  expect(relay.link(600, { address: from(0), players: players(600) })).toEqual(bound);
  for (let address = 2; relay.links.size < 1_000; address++) {
    for (let link = 1; link <= most && relay.links.size < 1_000; link++) {
      const one = address * 1_000 + link;
      expect(relay.link(one, { address: from(address), players: players(one) })).toEqual(bound);
    }
  }
  expect(relay.link(9_999, { address: from(99), players: players(9_999) })).toEqual([
    "relay_full",
    "relay_full",
  ]);
  expect(relay.pass(10, { link: 3, address: from(0) })).toBe(2);
});

test("links with two ends of one owner of a /48 are half of a relay at most", () => {
  const relay = aRelay();
  for (let link = 1; link <= relayLinks; link++) {
    relay.link(link, { address: six(link & 1023), players: [`a${link}`, `b${link}`] });
  }
  expect(relay.links.size).toBe(relayLinks / 2);
  expect(relay.link(2 ** 30, { address: from(0), players: ["Cid", "Dan"] })).toEqual(bound);
});

describe("honest players are all carried:", () => {
  /** A lobby of so many behind one address: the first is the host. All bind, the host and its guests in any order. */
  function lobby(relay: Relay, tag: string, size: number, address: string, first: number): number {
    const sides = ["a", "b"] as const;
    for (const side of first % 2 === 0 ? sides : sides.toReversed()) {
      for (let guest = 1; guest < size; guest++) {
        const [host, other] = [`${tag} host`, `${tag} ${guest}`];
        const [clientId, peerId] = side === "a" ? [host, other] : [other, host];
        const its = ticket(side, { link: hex(first + guest), lobbyTag: tag, clientId, peerId });
        expect(relay.bind(its, end(guest, { address }))).toMatchObject({ kind: "bound" });
      }
    }
    return size - 1;
  }

  test("a hundred players behind one address, in lobbies of eight", () => {
    const relay = aRelay();
    let links = 0;
    for (let room = 0; room < 13; room++) links += lobby(relay, `ROOM-${room}`, 8, from(0), room * 100);
    expect(relay.links.count()).toMatchObject({ links, ends: 2 * links, senders: 1 });
  });

  test("a LAN party of a full lobby, also on a small relay, and four of them at once", () => {
    for (const [links, rooms] of [
      [64, 1],
      [relayLinks, 4],
    ] as const) {
      const relay = aRelay({ links });
      for (let room = 0; room < rooms; room++) lobby(relay, `ROOM-${room}`, 64, from(0), room * 100);
      expect(relay.links.count()).toMatchObject({ links: 63 * rooms, ends: 2 * 63 * rooms });
    }
  });

  test("a carrier's NAT of a thousand players, each with a partner elsewhere", () => {
    const relay = aRelay();
    for (let link = 1; link <= 1_000; link++) {
      const [a, b] = [`a${link}`, `b${link}`];
      const both = { link: hex(link), lobbyTag: `LOBBY${link % 999}` };
      const here = relay.bind(
        ticket("a", { ...both, clientId: a, peerId: b }),
        end(link, { address: from(0) }),
      );
      const there = ticket("b", { ...both, clientId: b, peerId: a });
      expect(here).toMatchObject({ kind: "bound" });
      expect(relay.bind(there, end(2, { address: from(link) }))).toMatchObject({ peer: true });
    }
    expect(relay.links.count()).toMatchObject({ links: 1_000, senders: 1_001 });
  });
});

describe("those who send all they can", () => {
  const totalRate = 1024 ** 2;
  type Sender = { link: number; address: string; bytes: number; everyMs: number };

  /** A pair that sends from one end, in a lobby. */
  function pair(
    relay: Relay,
    link: number,
    lobbyTag: string,
    address: string,
  ): Pick<Sender, "link" | "address"> {
    expect(relay.link(link, { lobbyTag, address, players: [`a${link}`, `b${link}`] })).toEqual(bound);
    return { link, address };
  }

  /** All send for so long. The part of their packets that passed, of each. */
  function deliveries(relay: Relay, senders: readonly Sender[], forMs = 20_000): number[] {
    const sent = senders.map(() => 0);
    const passed = senders.map(() => 0);
    const until = relay.now + forMs;
    for (; relay.now < until; relay.now += 5) {
      if (relay.now % 1_000 === 0) relay.tick(relay.now);
      for (const [i, { link, address, bytes, everyMs }] of senders.entries()) {
        if ((relay.now + 5 * i) % everyMs > 0) continue;
        sent[i] = (sent[i] ?? 0) + 1;
        if (typeof relay.pass(bytes, { link, address }) === "number") passed[i] = (passed[i] ?? 0) + 1;
      }
      relay.told();
    }
    return passed.map((count, i) => count / (sent[i] || 1));
  }
  const greedy = { bytes: 1_200, everyMs: 5 };
  /** 7 links of 10 kB a second: a game of eight. */
  const honest = (relay: Relay) =>
    Array.from({ length: 7 }, (_, i) => ({
      ...pair(relay, 1 + i, "HONEST", `203.0.113.${1 + i}`),
      bytes: 200,
      everyMs: 20,
    }));
  /** The worst delivery of an honest link. */
  const worst = (relay: Relay, hostile: readonly Sender[], forMs?: number) =>
    Math.min(...deliveries(relay, [...honest(relay), ...hostile], forMs).slice(0, 7));
  const bounds = { totalRate, linkRate: totalRate, lobbyRate: 8 * totalRate };

  for (const lobbies of [1, 2, 4, 12]) {
    test(`in ${lobbies} lobbies, at many times what the relay carries, take nothing from an honest one`, () => {
      const relay = aRelay(bounds);
      const hostile = Array.from({ length: lobbies * 4 }, (_, i) => ({
        ...pair(relay, 100 + i, `EVIL-${i % lobbies}`, from(i)),
        ...greedy,
      }));
      expect(worst(relay, hostile)).toBeGreaterThanOrEqual(0.99);
    });
  }

  test("one lobby and one address get a quarter of the relay, even if nobody else wants it", () => {
    for (const [lobbyOf, addressOf] of [
      [() => "EVIL", from],
      [(i: number) => `EVIL-${i}`, () => from(0)],
    ] as const) {
      const relay = aRelay(bounds);
      const hostile = Array.from({ length: 20 }, (_, i) => ({
        ...pair(relay, 100 + i, lobbyOf(i), addressOf(i)),
        ...greedy,
      }));
      const passed = deliveries(relay, hostile).map((part) => part * 20 * 200 * 1_200);
      const sum = passed.reduce((all, one) => all + one, 0);
      // Of 20 seconds, and of the 2 that may come at once.
      expect(sum).toBeLessThanOrEqual((22 * totalRate) / 4);
      expect(sum).toBeGreaterThan((20 * totalRate) / 4);
    }
  });

  test("one address gets no more by moving its ends away and back", () => {
    const relay = aRelay();
    const players = (i: number) => ({ clientId: `Evil ${i}`, peerId: `Eve ${i}`, lobbyTag: `EVIL${i % 12}` });
    const move = (address: string) => {
      for (let i = 1; i <= 96; i++)
        relay.bind(ticket("a", { link: hex(i), ...players(i) }), end(1, { address }));
    };
    move(from(0));
    for (let i = 1; i <= 96; i++) {
      const { clientId, peerId, lobbyTag } = players(i);
      const its = ticket("b", { link: hex(i), lobbyTag, clientId: peerId, peerId: clientId });
      relay.bind(its, end(2, { address: from(2) }));
    }
    let passed = 0;
    for (let sent = 0; relay.now < 10_000; relay.now += 1) {
      if (relay.now % 500 === 0) for (const address of [from(1), from(0)]) move(address);
      if (relay.now % 1_000 === 0) relay.tick(relay.now);
      for (const most = sent + 12; sent < most; sent++)
        if (typeof relay.pass(1_200, { link: 1 + (sent % 96), address: from(0) }) === "number")
          passed += 1_200;
      relay.told();
    }
    // Of 10 seconds, and of the 2 that may come at once.
    expect(passed).toBeLessThanOrEqual((12 * relayLimits.relayTotalRate) / 4);
    expect(passed).toBeGreaterThan((9 * relayLimits.relayTotalRate) / 4);
    relay.tick(60_000);
    relay.tick(70_000);
    expect(relay.links.count()).toMatchObject({ links: 0, senders: 0 });
  });

  test("in 63 lobbies of one owner, take nothing from an honest one; nor in one lobby behind 63 addresses", () => {
    for (const [lobbyOf, addressOf] of [
      [(i: number) => `EVIL-${i}`, six],
      [(i: number) => `EVIL-${i}`, () => from(0)],
      [() => "EVIL", from],
    ] as const) {
      const relay = aRelay(bounds);
      const hostile = Array.from({ length: 63 }, (_, i) => ({
        ...pair(relay, 100 + i, lobbyOf(i), addressOf(i)),
        ...greedy,
      }));
      expect(worst(relay, hostile, 5_000)).toBeGreaterThanOrEqual(0.99);
    }
  });

  test("in 64 lobbies behind four addresses, or in four lobbies behind 256, take nothing from an honest one", () => {
    for (const [lobbies, addresses] of [
      [64, 4],
      [4, 256],
    ] as const) {
      const relay = aRelay(bounds);
      const hostile = Array.from({ length: Math.max(lobbies, addresses) }, (_, i) => ({
        ...pair(relay, 100 + i, `EVIL-${i % lobbies}`, far(i % addresses)),
        ...greedy,
      }));
      expect(worst(relay, hostile, 5_000)).toBeGreaterThanOrEqual(0.99);
    }
  });

  test("and open a thousand lobbies besides that hardly send, take nothing from an honest one", () => {
    const relay = aRelay(bounds);
    const hostile = Array.from({ length: 48 }, (_, i) => ({
      ...pair(relay, 100 + i, `EVIL-${i % 6}`, from(i)),
      ...greedy,
    }));
    const idle = Array.from({ length: 1_000 }, (_, i) => ({
      ...pair(relay, 1_000 + i, `IDLE-${i}`.slice(-8), from(100 + i)),
      bytes: 30,
      everyMs: 1_000,
    }));
    expect(worst(relay, [...hostile, ...idle], 5_000)).toBeGreaterThanOrEqual(0.99);
  });

  test("in packets of 8 bytes, send few of them, and take nothing from an honest one", () => {
    const relay = aRelay();
    const hostile = Array.from({ length: 4 }, (_, i) => ({
      ...pair(relay, 100 + i, "EVIL", from(i)),
      ...{ bytes: 8, everyMs: 5 },
    }));
    // Each of the four, forty times as often as that: 32 000 packets a second.
    const sent = 4 * 40 * 200 * 10;
    let passed = 0;
    for (; relay.now < 10_000; relay.now += 5) {
      if (relay.now % 1_000 === 0) relay.tick(relay.now);
      for (const { link, address } of hostile) {
        for (let i = 0; i < 40; i++) if (typeof relay.pass(8, { link, address }) === "number") passed += 1;
      }
      relay.told();
    }
    expect(sent).toBe(320_000);
    // Of 10 seconds, and of the 2 that may come at once.
    const { relayLinkRate, relayPacketBytes } = relayLimits;
    expect(passed).toBeLessThanOrEqual((12 * 4 * relayLinkRate) / relayPacketBytes);
    expect(worst(relay, hostile, 5_000)).toBeGreaterThanOrEqual(0.99);
  });

  test.each([
    ["one address", () => from(0)],
    ["as many addresses", from],
  ])("in the honest players' own lobby, from %s, take nothing from them", (_, addressOf) => {
    const relay = aRelay();
    // Packets no larger than the honest ones: larger ones leave room for those.
    const hostile = Array.from({ length: 16 }, (_, i) => {
      const its = { ...pair(relay, 100 + i, "HONEST", addressOf(i)), bytes: 200, everyMs: 5 };
      return Array.from({ length: 6 }, () => its);
    });
    const modest = honest(relay);
    // The honest ones send last: of what comes in 5 ms, the rest have had theirs.
    expect(
      Math.min(...deliveries(relay, [...hostile.flat(), ...modest], 10_000).slice(-modest.length)),
    ).toBeGreaterThanOrEqual(0.99);
  });

  test("in a lobby of 64 that are all linked, have the relay sign few notices, and none of them at once", () => {
    const relay = aRelay();
    const pairs = Array.from({ length: 64 }, (_, a) => Array.from({ length: a }, (_, b) => [a, b] as const));
    const links = pairs.flat().map(([a, b], i) => {
      const players = [`Evil ${a}`, `Evil ${b}`] as const;
      expect(relay.link(100 + i, { lobbyTag: "EVIL", address: from(a), players })).toEqual([
        "bound",
        "bound",
      ]);
      return { link: 100 + i, address: from(a) };
    });
    const { relayFullNotices } = relayLimits;
    const [counts, most]: [number[], number[]] = [[], []];
    for (let n = 0; relay.now < 5_000; relay.now += 1, n += 3) {
      const second = Math.floor(relay.now / 1_000);
      for (const i of [n, n + 1, n + 2]) {
        relay.pass(1_200, links[i % links.length]);
        const told = relay.told().length;
        counts[second] = (counts[second] ?? 0) + told;
        most[second] = Math.max(most[second] ?? 0, told);
      }
    }
    expect(Math.max(...counts)).toBe(relayFullNotices);
    expect(Math.max(...most)).toBe(1);
  });

  test("in bursts, a second of every four, take next to nothing from an honest one", () => {
    const relay = aRelay(bounds);
    const hostile = Array.from({ length: 64 }, (_, i) => ({
      ...pair(relay, 100 + i, `EVIL-${i % 8}`, from(i)),
      ...greedy,
    }));
    const modest = honest(relay);
    const parts: number[] = [];
    for (let burst = 0; burst < 6; burst++) {
      parts.push(...deliveries(relay, [...modest, ...hostile], 1_000).slice(0, 7));
      deliveries(relay, modest, 3_000);
    }
    expect(Math.min(...parts)).toBeGreaterThanOrEqual(0.99);
  });

  test("while nobody else does get what is left", () => {
    const relay = aRelay(bounds);
    const hungry = Array.from({ length: 6 }, (_, i) => ({
      ...pair(relay, 100 + i, `LOBBY-${i}`, from(i)),
      bytes: 1_200,
      everyMs: 10,
    }));
    const passed = deliveries(relay, hungry).map((part) => part * 20 * 100 * 1_200);
    const sum = passed.reduce((all, one) => all + one, 0);
    expect(sum).toBeGreaterThan(0.94 * 20 * Math.min(totalRate, 6 * 120_000));
  });
});

describe("a ticket that is renewed", () => {
  const at = 0.6 * life;
  const renewed = { expiresAt: at + life };

  test("makes the link live on, disturbs no one, and fills no budget", () => {
    const relay = aRelay({ linkRate: 1_000, linkBytes: 3_000, idleMs: 2 * life });
    relay.link();
    for (const bytes of [1_000, 900]) expect(relay.pass(bytes)).toBe(2);
    relay.now = at;
    relay.told();
    for (const side of ["a", "b"] as const) {
      const binding = relay.bind(ticket(side, renewed), end(side === "a" ? 1 : 2));
      expect(binding).toEqual({ kind: "bound", peer: true, tell: null });
    }
    relay.now = at + life - 1;
    expect(relay.pass(1_000)).toBe(2);
    expect(relay.pass(200)).toBe("bytes");
    relay.now = at + life;
    expect(relay.pass(10)).toBe("lifetime");
  });

  test("still counts when a bind with the one before comes late", () => {
    const relay = aRelay({ idleMs: 2 * life });
    relay.link();
    relay.now = at;
    for (const side of ["a", "b"] as const) {
      const key = `later ${side}`;
      relay.bind(ticket(side, renewed), end(side === "a" ? 1 : 2, { key }));
      relay.bind(ticket(side), end(side === "a" ? 1 : 2));
    }
    relay.now = at + life - 1;
    expect(relay.links.pass(number, 10, "192.0.2.1", 1, relay.now)).toMatchObject({ key: "later b" });
    expect(relay.links.isOver(ticket("a"), relay.now, relay.now)).toBe(true);
  });

  test("does not make an earlier mediation of its client the later one", () => {
    const relay = aRelay();
    relay.link(2, { begunAt: 1 });
    const superseded = { kind: "refused", code: "ticket_superseded" };
    expect(relay.bind(ticket("a", { link: hex(1), expiresAt: 2 * life }), end(1))).toEqual(superseded);
  });

  test("lasts no longer than any, whatever the relay's clock is", () => {
    const relay = aRelay({ idleMs: 9 * life });
    relay.offMs = -8 * life;
    relay.link();
    relay.now = life - 1;
    expect(relay.pass(10)).toBe(2);
    relay.now = life;
    expect(relay.pass(10)).toBe("lifetime");
  });
});
