/** What a relay carries, for whom and how long: the rules, under a time that the test gives. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { relayLimits } from "../../core/relay/limits.ts";
import type { Links } from "../../core/relay/links.ts";
import type { Side, Ticket } from "../../core/relay/ticket.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { aRelay, end, hex, life, number, type Relay, ticket } from "./a-relay.ts";

const hour = 3_600_000;
const nothing = { links: 0, ends: 0, clients: 0, lobbies: 0, senders: 0 };

describe("a link", () => {
  test("passes packets from either end's endpoint to the other, and no one else's", () => {
    const relay = aRelay();
    relay.link();
    expect(relay.pass(100, { port: 1 })).toBe(2);
    expect(relay.pass(100, { port: 2 })).toBe(1);
    expect(relay.pass(100, { port: 3 })).toBe("foreign_sender");
    expect(relay.pass(100, { address: "192.0.2.2" })).toBe("foreign_sender");
    expect(relay.pass(100, { link: number + 1 })).toBe("unknown_link");
  });

  test("whose second end comes, or moves, is news for the other end; a repeated bind is not", () => {
    const { links } = aRelay();
    expect(links.bind(ticket("a"), end(1), 0, 0)).toEqual({ kind: "bound", peer: false, tell: null });
    expect(links.bind(ticket("b"), end(2), 0, 0)).toMatchObject({ peer: true, tell: { port: 1 } });
    expect(links.bind(ticket("b"), end(2), 0, 0)).toEqual({ kind: "bound", peer: true, tell: null });
    expect(links.bind(ticket("b"), end(9), 0, 0)).toMatchObject({ peer: true, tell: { port: 1 } });
    expect(links.bind(ticket("b"), end(9, { address: "192.0.2.9" }), 0, 0)).toMatchObject({
      tell: { port: 1 },
    });
  });

  test("takes either end first, and only tickets that belong together", () => {
    for (const first of ["a", "b"] as const) {
      const second: Side = first === "a" ? "b" : "a";
      for (const wrong of [{ lobbyTag: "ZZZZZ" }, { clientId: "Eve" }, { peerId: "Eve" }]) {
        const { links } = aRelay();
        links.bind(ticket(first), end(1), 0, 0);
        for (const side of [first, second] as const) {
          const refused = links.bind(ticket(side, wrong), end(2), 0, 0);
          expect(refused).toEqual({ kind: "refused", code: "ticket_mismatch" });
        }
        expect(links.bind(ticket(second), end(2), 0, 0)).toMatchObject({ kind: "bound", peer: true });
      }
    }
  });

  test("beyond the last that fits is refused, until another is freed", () => {
    const relay = aRelay({ links: 2 });
    relay.link(1);
    relay.link(2);
    const third = ticket("a", { link: hex(3) });
    expect(relay.links.bind(third, end(7), 0, 0)).toEqual({ kind: "refused", code: "relay_full" });
    expect(relay.links.bind(ticket("b", { link: hex(2) }), end(7), 0, 0)).toMatchObject({ kind: "bound" });
    relay.tick(relayLimits.relayIdleMs + 1);
    expect(relay.links.bind(third, end(7), relay.now, relay.now)).toMatchObject({ kind: "bound" });
  });
});

describe("a client, which is in one mediation at a time,", () => {
  const from = (link: number, begunAt: number, about: Partial<Ticket> = {}) =>
    [ticket("a", { link: hex(link), begunAt, ...about }), end(link)] as const;
  const [first, later] = [0, 1];
  const bound = (links: Links<string>, numbers: number[], now = 0) =>
    numbers.filter((link) => links.pass(link, 10, "192.0.2.1", link, now) !== "unknown_link");

  test("has a link to each other member of its lobby, and not one more", () => {
    const { links } = aRelay();
    for (let link = 1; link < wireLimits.seats; link++) {
      expect(links.bind(...from(link, first, { peerId: `Bob ${link}` }), 0, 0)).toMatchObject({
        kind: "bound",
      });
    }
    const full = { kind: "refused", code: "relay_full" };
    expect(links.bind(...from(64, first), 0, 0)).toEqual(full);
    expect(links.bind(...from(1, first, { peerId: "Bob 1" }), 0, 0)).toMatchObject({ kind: "bound" });
    expect(links.bind(...from(64, first, { clientId: "Cid" }), 0, 0)).toMatchObject({ kind: "bound" });
    expect(links.count()).toMatchObject({ links: 64, clients: 2 });
  });

  test("loses the links of before by a later ticket, and no one else does", () => {
    const { links } = aRelay();
    for (const link of [1, 2, 3]) links.bind(...from(link, first), 0, 0);
    links.bind(...from(4, first, { clientId: "Cid" }), 0, 0);
    links.bind(...from(5, later), 0, 0);
    links.bind(...from(6, later), 0, 0);
    expect(bound(links, [1, 2, 3, 4, 5, 6])).toEqual([4, 5, 6]);
    expect(links.count()).toEqual({ links: 3, ends: 3, clients: 2, lobbies: 1, senders: 1 });
  });

  test("is refused what is of before, until nothing of the later mediation is left", () => {
    const relay = aRelay();
    relay.links.bind(...from(2, later), 0, 0);
    const superseded = { kind: "refused", code: "ticket_superseded" };
    expect(relay.links.bind(...from(1, first), 0, 0)).toEqual(superseded);
    expect(relay.links.bind(...from(2, first), 0, 0)).toEqual(superseded);
    expect(relay.links.size).toBe(1);
    relay.tick(relayLimits.relayIdleMs + 1);
    expect(relay.links.count()).toEqual(nothing);
    expect(relay.links.bind(...from(1, first), relay.now, relay.now)).toMatchObject({ kind: "bound" });
  });

  test("may have a later ticket for the same link, which ends the others", () => {
    const { links } = aRelay();
    for (const link of [1, 2]) links.bind(...from(link, first), 0, 0);
    expect(links.bind(...from(1, later), 0, 0)).toMatchObject({ kind: "bound" });
    expect(bound(links, [1, 2])).toEqual([1]);
    expect(links.bind(...from(2, first), 0, 0)).toEqual({ kind: "refused", code: "ticket_superseded" });
  });

  test("makes room for its later link in a full relay by those of before", () => {
    const { links } = aRelay({ links: 2 });
    for (const link of [1, 2]) links.bind(...from(link, first), 0, 0);
    expect(links.bind(...from(3, later), 0, 0)).toMatchObject({ kind: "bound" });
    expect(links.size).toBe(1);
  });

  test("and its peers can hold no link that it has left: the peer is alone there", () => {
    const relay = aRelay();
    relay.link();
    relay.links.bind(...from(7, later), 0, 0);
    expect(relay.links.bind(ticket("b"), end(2), 0, 0)).toEqual({ kind: "bound", peer: false, tell: null });
    expect(relay.links.count()).toEqual({ links: 2, ends: 2, clients: 2, lobbies: 1, senders: 1 });
  });

  test("collects no links by a thousand mediations with another, and leaves nothing behind", () => {
    const relay = aRelay();
    for (let round = 1; round <= 1_000; round++) relay.link(round, { begunAt: round });
    expect(relay.links.count()).toEqual({ links: 1, ends: 2, clients: 2, lobbies: 1, senders: 1 });
    relay.tick(relayLimits.relayIdleMs + 1);
    expect(relay.links.count()).toEqual(nothing);
  });
});

describe("a link that is idle", () => {
  test("is freed after a while without a word, and leaves nothing behind", () => {
    const relay = aRelay();
    relay.link();
    relay.tick(relayLimits.relayIdleMs);
    expect(relay.links.count()).toEqual({ links: 1, ends: 2, clients: 2, lobbies: 1, senders: 1 });
    relay.tick(relayLimits.relayIdleMs + 1);
    expect(relay.links.count()).toEqual(nothing);
    expect(relay.pass(1)).toBe("unknown_link");
  });

  for (const [what, word] of Object.entries({
    packets: (relay: Relay) => [relay.pass(10, { port: 1 }), relay.pass(10, { port: 2 })],
    binds: (relay: Relay) => relay.link(),
  })) {
    test(`but for ${what} of both ends now and then, stays`, () => {
      const relay = aRelay();
      relay.link();
      for (let now = 0; now < 20 * relayLimits.relayIdleMs; now += relayLimits.relayIdleMs) {
        relay.tick(now);
        word(relay);
      }
      expect(relay.links.size).toBe(1);
    });
  }

  test("whose one end is silent sends it nothing more, though the other goes on, until it is back", () => {
    const relay = aRelay();
    relay.link();
    for (; relay.now <= relayLimits.relayIdleMs; relay.tick(relay.now + 1_000)) {
      expect(relay.pass(10, { port: 2 })).toBe(1);
      expect(relay.links.bind(ticket("b"), end(2), relay.now, relay.now)).toMatchObject({ peer: true });
    }
    expect(relay.pass(10, { port: 2 })).toBe("unbound");
    expect(relay.links.bind(ticket("b"), end(2), relay.now, relay.now)).toMatchObject({ peer: false });
    expect(relay.pass(10, { port: 1 })).toBe("foreign_sender");
    expect(relay.links.count()).toEqual({ links: 1, ends: 1, clients: 1, lobbies: 1, senders: 1 });
    const back = relay.links.bind(ticket("a"), end(1), relay.now, relay.now);
    expect(back).toMatchObject({ peer: true, tell: { port: 2 } });
    expect(relay.pass(10, { port: 2 })).toBe(1);
  });

  test("whose one end only listens, and says so by binding, goes on hearing", () => {
    const relay = aRelay();
    relay.link();
    for (; relay.now < 20 * relayLimits.relayIdleMs; relay.tick(relay.now + 10_000)) {
      relay.links.bind(ticket("a"), end(1), relay.now, relay.now);
      expect(relay.pass(10, { port: 2 })).toBe(1);
    }
  });

  test("a stranger's packets keep no link alive", () => {
    const relay = aRelay();
    relay.link();
    for (let now = 0; now <= 2 * relayLimits.relayIdleMs; now += 1_000) {
      relay.tick(now);
      relay.pass(10, { port: 99 });
    }
    expect(relay.links.size).toBe(0);
  });
});

/** Sends packets until one is dropped. What was told before, the cause, and the bytes that passed. */
function untilDropped(relay: Relay, everyMs: number, bytes: number, link = number) {
  const told: unknown[] = [];
  let passed = 0;
  for (;;) {
    const verdict = relay.pass(bytes, { link });
    if (typeof verdict === "string") return { told, verdict, passed };
    passed += bytes;
    told.push(...relay.told());
    relay.now += everyMs;
  }
}

describe("before a budget cuts, both ends are told", () => {
  test("the rate of the link: when half its burst is used, and how soon it will be empty", () => {
    const relay = aRelay({ linkRate: 1_000 });
    relay.link();
    const { told, verdict, passed } = untilDropped(relay, 100, 200);
    expect(verdict).toBe("rate");
    // 2 000 bytes a second against 1 000, of a burst of 2 000: half is used after a second, all after two. It is told a bit less
    // than is left, as the first packet came at once.
    expect(told).toEqual([[number, "rate", 736]]);
    expect(relay.now).toBe(1_900);
    expect(passed).toBe(3_800);
    expect(relay.told()).toEqual([[number, "rate", 0]]);
    relay.now = 2_000;
    expect(relay.pass(200)).toBe(2);
  });

  test("a cut that lasts is told again, once a second, as one from now on", () => {
    const relay = aRelay({ linkRate: 1_000 });
    relay.link();
    const told: ReturnType<typeof relay.told> = [];
    for (; relay.now < 5_000; relay.now += 10) {
      relay.pass(500);
      told.push(...relay.told());
    }
    expect(told).toHaveLength(5);
    expect(told.slice(1).map(([, , inMs]) => inMs)).toEqual([0, 0, 0, 0]);
  });

  test("a link that keeps to its rate is never told, nor cut", () => {
    const relay = aRelay({ linkRate: 1_000 });
    relay.link();
    for (; relay.now < 60_000; relay.now += 100) expect(relay.pass(100)).toBe(2);
    expect(relay.told()).toEqual([]);
  });

  test("the rate of the lobby: each of its links that sends, and none of another lobby", () => {
    const relay = aRelay({ lobbyRate: 1_000 });
    relay.link(1);
    relay.link(2);
    relay.link(3, { lobbyTag: "OTHER" });
    const { told, verdict } = untilDropped(relay, 100, 200, 1);
    expect(verdict).toBe("lobby_rate");
    expect(told).toEqual([[1, "lobby_rate", 327]]);
    expect(relay.pass(200, { link: 2 })).toBe("lobby_rate");
    expect(relay.told()).toEqual([[2, "lobby_rate", 0]]);
    expect(relay.pass(200, { link: 3 })).toBe(2);
  });

  test("the rate of the address that packets come from: the link that sends, and none of another address", () => {
    const relay = aRelay({ totalRate: 4_000, lobbyRate: 700 });
    const elsewhere = "198.51.100.9";
    relay.link(1);
    relay.link(2, { lobbyTag: "OTHER" });
    relay.link(3, { lobbyTag: "OTHER", address: elsewhere });
    // Two lobbies of 600 bytes a second each, against 1 000 of their address, with a burst of 2 000.
    const told = new Set<string>();
    let verdict: unknown = 2;
    for (; typeof verdict === "number"; relay.now += 100) {
      for (const link of [1, 2]) verdict = relay.pass(60, { link });
      for (const [link, code] of relay.told()) told.add(`${link} ${code}`);
    }
    expect(verdict).toBe("address_rate");
    expect(told).toEqual(new Set(["1 address_rate", "2 address_rate"]));
    expect(relay.pass(60, { link: 3, address: elsewhere })).toBe(2);
  });

  test("the rate of all: those that send more than their share, and no others", () => {
    // Eight greedy lobbies of two each, each behind an address of its own, and a modest one.
    const relay = aRelay({ totalRate: 16_000 });
    for (let link = 1; link <= 9; link++) {
      relay.link(link, { lobbyTag: `LOBBY-${link}`, address: `198.51.100.${link}` });
    }
    const told = new Set<string>();
    const dropped = new Map<number, number>();
    for (; relay.now < 20_000; relay.now += 10) {
      if (relay.now % 1_000 === 0) relay.tick(relay.now);
      for (let link = 1; link <= 9; link++) {
        if (link === 9 && relay.now % 100 > 0) continue;
        const verdict = relay.pass(100, { link, address: `198.51.100.${link}` });
        if (typeof verdict === "string") dropped.set(link, (dropped.get(link) ?? 0) + 1);
      }
      for (const [link, code] of relay.told()) told.add(`${link} ${code}`);
    }
    for (let link = 1; link <= 8; link++) {
      expect(dropped.get(link)).toBeGreaterThan(500);
      expect(told).toContain(`${link} total_rate`);
    }
    expect(dropped.get(9)).toBeUndefined();
    expect(told).not.toContain("9 total_rate");
  });

  test("the rate of all, where very many send: some of them each second, in the end all", () => {
    const relay = aRelay({ totalRate: 10_000 });
    const count = relayLimits.relayFullNotices * 2.5;
    const addressOf = (link: number) => `198.51.${100 + (link >> 6)}.${1 + (link & 63)}`;
    for (let link = 1; link <= count; link++) {
      const players = [`a${link}`, `b${link}`] as const;
      relay.link(link, { lobbyTag: `LOBBY${link}`, address: addressOf(link), players });
    }
    const heard = new Set<number>();
    const told: number[] = [];
    // Each sends ten times a second, too much for all together.
    for (; relay.now < 20_000; relay.now += 1_000) {
      relay.tick(relay.now);
      for (let turn = 0; turn < 10; turn++) {
        for (let link = 1; link <= count; link++) {
          const one = ((link + told.length * 97) % count) + 1;
          relay.pass(50, { link: one, address: addressOf(one) });
        }
      }
      const now = relay.told().filter(([, code]) => code === "total_rate");
      told.push(now.length);
      for (const [link] of now) heard.add(link);
    }
    expect(Math.max(...told)).toBe(relayLimits.relayFullNotices);
    expect(heard.size).toBe(count);
  });

  test("the bytes of the link: at nine tenths; what is used up stays so, and is told to who binds", () => {
    const relay = aRelay({ linkBytes: 10_000, linkRate: 1_000 });
    relay.link();
    const { told, verdict, passed } = untilDropped(relay, 1_000, 600);
    expect(verdict).toBe("bytes");
    expect(passed).toBe(9_600);
    expect(told).toEqual([[number, "bytes", 400]]);
    expect(relay.told()).toEqual([[number, "bytes", 0]]);
    expect(relay.pass(1)).toBe("bytes");
    expect(relay.links.bind(ticket("a"), end(1), relay.now, relay.now)).toEqual({
      kind: "refused",
      code: "bytes",
    });
    relay.tick(relay.now + 10 * relayLimits.relayIdleMs);
    expect(relay.links.bind(ticket("a"), end(1), relay.now, relay.now)).toEqual({
      kind: "refused",
      code: "bytes",
    });
    relay.tick(life);
    expect(relay.links.count()).toEqual(nothing);
  });

  test("its time: a minute ahead, once, and when it is over", () => {
    const relay = aRelay({ idleMs: 2 * life });
    relay.link();
    const told: unknown[] = [];
    for (; relay.now < life; relay.tick(relay.now + 1_000)) {
      expect(relay.pass(10)).toBe(2);
      told.push(...relay.told());
    }
    expect(told).toEqual([[number, "lifetime", relayLimits.relayLastWordMs]]);
    expect(relay.told()).toEqual([[number, "lifetime", 0]]);
    expect(relay.pass(10)).toBe("unknown_link");
  });

  test("its time, in whole milliseconds: clients read no others", () => {
    const relay = aRelay();
    relay.link();
    relay.links.tick(0.25);
    relay.now = life - 30_000.5;
    relay.link();
    relay.tick(relay.now);
    expect(relay.told()).toEqual([[number, "lifetime", 30_000]]);
  });

  test("a link whose time is over is cut at that moment, though nobody looked", () => {
    const relay = aRelay({ idleMs: 2 * life });
    relay.link();
    relay.now = life - 1;
    expect(relay.pass(10)).toBe(2);
    relay.now = life;
    expect(relay.pass(10)).toBe("lifetime");
  });

  test("new tickets make it live on; one end's alone does not", () => {
    const relay = aRelay({ idleMs: 9 * life });
    relay.link();
    const longer = { expiresAt: 2 * life };
    relay.links.bind(ticket("a", longer), end(1, longer), life - 1, life - 1);
    relay.now = life;
    expect(relay.pass(10)).toBe("lifetime");
    relay.links.bind(ticket("a", longer), end(1, longer), life, life);
    expect(relay.pass(10)).toBe("unbound");
    relay.links.bind(ticket("b", longer), end(2, longer), life, life);
    expect(relay.pass(10)).toBe(2);
  });

  test("the end of the relay: all links", () => {
    const relay = aRelay();
    relay.link(1);
    relay.link(2, { lobbyTag: "OTHER" });
    relay.links.leave(500);
    expect(relay.told()).toEqual([
      [1, "leaving", 500],
      [2, "leaving", 500],
    ]);
  });
});

describe("a clock that jumps", () => {
  for (const offMs of [200_000, 1_200_000, 8 * hour, -1_200_000, -8 * hour]) {
    test(`by ${offMs / 1_000} s ends no link, nor a ticket whose holder is there, nor makes either last longer`, () => {
      const relay = aRelay({ idleMs: 9 * life });
      relay.link();
      relay.offMs = offMs;
      for (const time of [1, life - 1]) {
        relay.tick(time);
        expect(relay.pass(100)).toBe(2);
        expect(relay.links.isOver(ticket("a"), time + offMs, time)).toBe(false);
        relay.link();
      }
      relay.told();
      expect(relay.links.isOver(ticket("a"), life + offMs, life)).toBe(true);
      relay.tick(life);
      expect(relay.told()).toEqual([[number, "lifetime", 0]]);
      expect(relay.pass(100)).toBe("unknown_link");
    });
  }

  test("decides over a ticket that is new, and over no other", () => {
    const { links } = aRelay();
    expect(links.isOver(ticket("a"), life - 1, 0)).toBe(false);
    expect(links.isOver(ticket("a"), life, 0)).toBe(true);
    links.bind(ticket("a"), end(1), 0, 0);
    expect(links.isOver(ticket("a"), life, 0)).toBe(false);
    for (const other of [
      ticket("b"),
      ticket("a", { clientId: "Eve" }),
      ticket("a", { lobbyTag: "OTHER" }),
      ticket("a", { link: hex(number + 1) }),
      ticket("a", { expiresAt: life - 1_000 }),
    ]) {
      expect(links.isOver(other, life, 0)).toBe(true);
    }
  });
});

test("a clock that is set back, or far ahead, neither starves a link, nor fills it beyond its burst, nor silences it", () => {
  const relay = aRelay({ linkRate: 1_000, idleMs: hour });
  relay.link();
  relay.now = life / 2;
  expect(relay.pass(1_000)).toBe(2);
  relay.now = 1_000;
  expect(relay.pass(1_000)).toBe(2);
  expect(relay.pass(1_000)).toBe("rate");
  relay.now = 2_000;
  expect(relay.pass(1_000)).toBe(2);
  relay.now = life - 1;
  for (const verdict of [2, 2, "rate"]) expect(relay.pass(1_000)).toBe(verdict);
  relay.told();
  relay.now -= life / 4;
  expect(relay.pass(1_000)).toBe("rate");
  expect(relay.told()).toEqual([[number, "rate", 0]]);
});

test("one after the other, whatever links do, the rates hold, every cut was told, and nothing is left", () => {
  const bounds = { linkRate: 1_000, lobbyRate: 2_500, totalRate: 4_000, linkBytes: 30_000, links: 6 };
  const moves = fc.array(
    fc.record({
      link: fc.nat(8),
      what: fc.constantFrom("bind a", "bind b", "send", "send", "send", "burst"),
      port: fc.integer({ min: 1, max: 3 }),
      bytes: fc.integer({ min: 7, max: 1_207 }),
      waitMs: fc.constantFrom(0, 0, 1, 50, 400, 2_000, 40_000),
    }),
    { maxLength: 120 },
  );
  fc.assert(
    fc.property(moves, (moves) => {
      const relay = aRelay(bounds);
      const passed: { link: number; bytes: number; at: number }[] = [];
      const told = new Set<string>();
      for (const { link, what, port, bytes, waitMs } of moves) {
        relay.tick(relay.now + waitMs);
        const about = { link: hex(link), lobbyTag: `LOB${link % 3}A` };
        if (what === "bind a") relay.links.bind(ticket("a", about), end(port), relay.now, relay.now);
        else if (what === "bind b")
          relay.links.bind(ticket("b", about), end(port + 10), relay.now, relay.now);
        else {
          for (let sent = 0; sent < (what === "burst" ? 10 : 1); sent++) {
            const verdict = relay.pass(bytes, { link, port });
            for (const [number, code] of relay.told()) told.add(`${number} ${code}`);
            if (typeof verdict === "number") passed.push({ link, bytes, at: relay.now });
            else if (/rate|bytes/.test(verdict)) expect([...told]).toContain(`${link} ${verdict}`);
          }
        }
        const { links, ends, clients, lobbies } = relay.links.count();
        expect(clients).toBeLessThanOrEqual(Math.min(2, ends));
        expect(links).toBeLessThanOrEqual(bounds.links);
        expect(ends).toBeLessThanOrEqual(2 * links);
        expect(lobbies).toBeLessThanOrEqual(Math.min(3, links));
      }
      for (const { at: from } of passed) {
        const later = passed.filter(({ at }) => at >= from);
        const seconds = (relay.now - from) / 1_000 + relayLimits.relayBurstMs / 1_000;
        const sum = later.reduce((all, { bytes }) => all + bytes, 0);
        expect(sum).toBeLessThanOrEqual(bounds.totalRate * seconds);
      }
      relay.tick(relay.now + relayLimits.relayIdleMs + 1);
      relay.tick(hour * 9);
      expect(relay.links.count()).toEqual(nothing);
    }),
    { numRuns: 300 },
  );
});
