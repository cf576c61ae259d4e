import fc from "fast-check";
import { expect, test } from "vitest";
import { Credit } from "../../core/relay/socket/credit.ts";
import { socketRelayLimits as limits } from "../../core/relay/socket/limits.ts";
import { frameOf } from "../../core/wire/relay-frame.ts";
import { aSocketRelay, aTicket, begun, life, numbersOf, packet, type SocketRelay } from "./a-socket-relay.ts";

test("both ends of a link hear when the other one is there, and when it is gone", () => {
  const relay = aSocketRelay();
  relay.open("Ada");
  relay.open("Bob");
  relay.bind("Ada", aTicket("Ada", "Bob", 1));
  expect(relay.heardBy("Ada").texts).toEqual(["bound 1 false"]);
  relay.bind("Bob", aTicket("Bob", "Ada", 1, { side: "b" }));
  expect(relay.heardBy("Bob").texts).toEqual(["bound 1 true"]);
  expect(relay.heardBy("Ada").texts).toEqual(["bound 1 true"]);
  relay.close("Bob");
  expect(relay.heardBy("Ada").texts).toEqual(["bound 1 false"]);
  expect(relay.exchange).toMatchObject({ members: 1, links: 1 });
  relay.close("Ada");
  expect(relay.exchange).toMatchObject({ members: 0, links: 0 });
});

test("a packet reaches the other end of its link, unchanged, and nobody else", () => {
  const relay = aSocketRelay();
  relay.pair("Ada", "Bob", 1);
  relay.pair("Ada", "Eve", 2);
  relay.send("Ada", packet(1, 7));
  expect(relay.heardBy("Bob").frames).toEqual([[packet(1, 7)]]);
  expect(relay.heardBy("Eve").frames).toEqual([]);
  relay.send("Ada", packet(2, 1), packet(2, 2), packet(1, 3));
  expect(numbersOf(relay.heardBy("Eve").frames)).toEqual([[1, 2]]);
  expect(numbersOf(relay.heardBy("Bob").frames)).toEqual([[3]]);
  expect(relay.heardBy("Ada").frames).toEqual([]);
});

const refusals: [string, (relay: SocketRelay) => void, string[]][] = [
  ["of another client", (relay) => relay.bind("Ada", aTicket("Eve", "Bob", 2)), ["refused 2 invalid_ticket"]],
  [
    "that has expired",
    (relay) => relay.bind("Ada", aTicket("Ada", "Eve", 2, { expiresAt: begun })),
    ["refused 2 ticket_expired"],
  ],
  [
    "for the other side of a link it has",
    (relay) => relay.bind("Ada", aTicket("Ada", "Bob", 1, { side: "b" })),
    ["refused 1 invalid_ticket"],
  ],
  [
    "for a link of two others",
    (relay) => {
      relay.open("Eve");
      relay.clear();
      relay.bind("Eve", aTicket("Eve", "Bob", 1, { side: "a" }));
    },
    ["refused 1 invalid_ticket"],
  ],
  [
    "of a mediation before",
    (relay) => relay.bind("Ada", aTicket("Ada", "Bob", 2, { begunAt: begun - 1 })),
    ["refused 2 ticket_superseded"],
  ],
  [
    "of somebody that was removed",
    (relay) => {
      relay.remove("Ada");
      relay.now += 1_000;
      relay.open("Ada");
      relay.clear();
      relay.bind("Ada", aTicket("Ada", "Bob", 1));
    },
    ["refused 1 removed"],
  ],
];
test.each(refusals)("a ticket %s is refused", (which, happens, heard) => {
  const relay = aSocketRelay();
  relay.pair();
  happens(relay);
  const told = relay.heardBy(which.includes("two others") ? "Eve" : "Ada").texts;
  expect(told).toEqual(heard);
});

test("a later link of the same two takes the place of the one before", () => {
  const relay = aSocketRelay();
  relay.pair("Ada", "Bob", 1);
  relay.now += 5_000;
  relay.pair("Ada", "Bob", 2, { begunAt: relay.now });
  expect(relay.exchange.links).toBe(1);
  relay.send("Ada", packet(1, 1), packet(2, 2));
  expect(numbersOf(relay.heardBy("Bob").frames)).toEqual([[2]]);
  expect(relay.heardBy("Ada").texts).toEqual(["refused 1 not_bound"]);
});

test("who was removed is closed, and comes back with tickets of a later mediation alone", () => {
  const relay = aSocketRelay();
  relay.pair();
  relay.now += 1_000;
  relay.remove("Ada");
  expect(relay.heardBy("Ada").closed).toBe("removed");
  expect(relay.heardBy("Bob").texts).toEqual(["bound 1 false"]);
  relay.sleep();
  relay.open("Ada");
  expect(relay.bind("Ada", aTicket("Ada", "Bob", 1, { expiresAt: begun + 2 * life }))).toBe(false);
  expect(relay.bind("Ada", aTicket("Ada", "Bob", 2, { begunAt: begun + 1_001 }))).toBe(true);
});

test("the newer of two sockets of one client wins", () => {
  const relay = aSocketRelay();
  relay.pair();
  relay.open("Ada", "Ada's second");
  expect(relay.heardBy("Ada").closed).toBe("resumed_elsewhere");
  relay.bind("Ada's second", aTicket("Ada", "Bob", 1));
  relay.send("Ada", packet(1, 1));
  relay.send("Ada's second", packet(1, 2));
  expect(numbersOf(relay.heardBy("Bob").frames)).toEqual([[2]]);
  // The older one's end comes late.
  relay.close("Ada");
  relay.send("Bob", packet(1, 3));
  expect(numbersOf(relay.heardBy("Ada's second").frames)).toEqual([[3]]);
});

test("a relay takes 16 members, each with 15 links, and no more", () => {
  const relay = aSocketRelay();
  const names = Array.from({ length: 16 }, (_, i) => `P${i}`);
  let link = 0;
  for (const [i, a] of names.entries()) for (const b of names.slice(i + 1)) relay.pair(a, b, ++link);
  expect(relay.exchange).toMatchObject({ members: 16, links: 120 });
  expect(relay.open("Eve")).toBe(false);
  expect(relay.bind("P0", aTicket("P0", "Eve", 500))).toBe(false);
  expect(relay.heardBy("P0").texts).toEqual(["refused 500 relay_full"]);
  // A link of a later mediation takes the place of the oldest.
  expect(relay.bind("P0", aTicket("P0", "Eve", 500, { begunAt: begun + 1 }))).toBe(true);
  // All of it fits into what a socket keeps through a sleep: 16 KiB.
  const kept = relay.exchange.kept("P0");
  expect(JSON.stringify(kept).length).toBeLessThan(8_192);
  // A place is free when somebody's tickets have all expired.
  relay.now += life + 1;
  expect(relay.open("Eve")).toBe(true);
  expect(relay.heardBy("P1").closed ?? relay.heardBy("P0").closed).toBe("relay_full");
});

test("a link ends with the ticket of either end, and both are told a minute before", () => {
  const relay = aSocketRelay();
  relay.pair();
  relay.now = begun + life - 50_000;
  relay.send("Ada", packet(1, 1));
  expect(relay.heardBy("Ada").texts).toEqual(["notice 1 lifetime"]);
  expect(relay.heardBy("Bob")).toMatchObject({ texts: ["notice 1 lifetime"] });
  relay.bind("Ada", aTicket("Ada", "Bob", 1, { expiresAt: begun + 2 * life }));
  relay.clear();
  relay.now = begun + life;
  relay.send("Ada", packet(1, 2));
  expect(relay.heardBy("Bob")).toMatchObject({ frames: [], texts: ["refused 1 ticket_expired"] });
  expect(relay.heardBy("Ada").texts).toEqual(["bound 1 false"]);
});

test("an end that was silent for 10 s gets nothing, unless it pings", () => {
  const relay = aSocketRelay({ reads: false });
  relay.pair();
  relay.now += limits.socketRelaySilentMs + 1;
  relay.send("Ada", packet(1, 1));
  expect(relay.heardBy("Bob").frames).toEqual([]);
  relay.pinged.set("Bob", relay.now - 5_000);
  relay.send("Ada", packet(1, 2));
  expect(numbersOf(relay.heardBy("Bob").frames)).toEqual([[2]]);
  relay.now += limits.socketRelaySilentMs;
  relay.send("Bob", packet(1, 3));
  relay.send("Ada", packet(1, 4));
  expect(numbersOf(relay.heardBy("Bob").frames)).toEqual([[4]]);
  expect(relay.exchange.carried.lost.silent).toBe(1);
});

test("a relay that has slept knows its members and links", () => {
  const relay = aSocketRelay();
  relay.pair();
  relay.now += 60_000;
  relay.sleep();
  relay.clear();
  relay.send("Bob", packet(1, 1));
  // Ada has not been heard since.
  expect(relay.heardBy("Ada").frames).toEqual([]);
  relay.send("Ada", packet(1, 2));
  relay.send("Bob", packet(1, 3));
  expect(numbersOf(relay.heardBy("Bob").frames)).toEqual([[2]]);
  expect(numbersOf(relay.heardBy("Ada").frames)).toEqual([[3]]);
});

test("of a flood within a second, packets beyond the link's frames share frames, in order", () => {
  const relay = aSocketRelay();
  relay.pair();
  const sent = Array.from({ length: 180 }, (_, i) => i);
  for (const number of sent) {
    relay.send("Ada", packet(1, number));
    relay.now += 5;
  }
  relay.now += 100;
  relay.acknowledge("Bob");
  const frames = numbersOf(relay.heardBy("Bob").frames);
  expect(frames.flat()).toEqual(sent);
  const seconds = (180 * 5 + 100) / 1_000;
  expect(frames.length).toBeLessThanOrEqual(
    limits.socketRelayLinkFrameBurst + seconds * limits.socketRelayLinkFrames + 1,
  );
  expect(frames.length).toBeLessThan(sent.length * 0.75);
});

test("a link carries 64 KiB a second each way, and both are told before it drops more", () => {
  const relay = aSocketRelay();
  relay.pair();
  let told = -1;
  for (let number = 0; number < 2_000; number++) {
    relay.now += 5;
    relay.send("Ada", packet(1, number, 1_000));
    if (told < 0 && relay.of("Ada").texts.includes("notice 1 rate")) {
      told = number;
      expect(relay.exchange.carried.lost.rate).toBe(0);
    }
  }
  expect(told).toBeGreaterThan(0);
  const { bytes, texts } = relay.heardBy("Bob");
  expect(texts).toContain("notice 1 rate");
  // 10 s and the burst of 2.
  expect(bytes).toBeGreaterThan(11 * limits.socketRelayLinkRate);
  expect(bytes).toBeLessThan(12.1 * limits.socketRelayLinkRate);
  // The other way has all of its own.
  relay.send("Bob", packet(1, 1));
  expect(relay.heardBy("Ada").frames.length).toBe(1);
});

test("a relay takes 500 frames a second; who sends more than the others loses first, and is told before", () => {
  const relay = aSocketRelay();
  relay.pair("Ada", "Bob", 1);
  relay.pair("Eve", "Mal", 2);
  relay.pair("Eve", "Mal", 3, { begunAt: begun + 1 });
  const seconds = 20;
  let honest = 0;
  for (let ms = 0; ms < seconds * 1_000; ms++) {
    relay.now += 1;
    if (ms % 50 === 0) {
      relay.send("Ada", packet(1, ++honest));
      relay.send("Bob", packet(1, honest));
    }
    relay.send("Eve", packet(3, ms));
    relay.send("Mal", packet(3, ms));
    if (relay.exchange.carried.lost.frames > 0 && ms < 10_000) {
      expect(relay.of("Eve").texts.some((text) => /frame_rate|relay_rate/.test(text))).toBe(true);
    }
  }
  for (const name of ["Ada", "Bob"]) {
    const { frames, texts } = relay.heardBy(name);
    expect(frames.flat().length).toBe(honest);
    expect(texts).toEqual([]);
  }
  const { frames, lost } = relay.exchange.carried;
  expect(frames - lost.frames).toBeLessThan((seconds + 2) * limits.socketRelayFrames + 1);
});

test("a member that goes on when its frames are dropped is closed", () => {
  const relay = aSocketRelay();
  relay.pair();
  for (let number = 0; number < 3_000; number++) relay.send("Ada", packet(1, number));
  expect(relay.heardBy("Ada").closed).toBe("flood");
  expect(relay.exchange.members).toBe(1);
});

test("a member that does not read holds back little, costs no memory, and is closed", () => {
  const relay = aSocketRelay({ reads: false });
  relay.pair();
  for (let number = 0; number < 600; number++) {
    relay.now += 20;
    relay.send("Ada", packet(1, number, 1_000));
    if (number % 100 === 0) relay.pinged.set("Bob", relay.now);
  }
  const { bytes, closed } = relay.of("Bob");
  expect(bytes).toBeLessThan(limits.socketRelayWindow + 2_000);
  expect(closed).toBeNull();
  for (let number = 0; number < 1_000; number++) {
    relay.now += 20;
    relay.send("Ada", packet(1, number, 1_000));
    relay.pinged.set("Bob", relay.now);
  }
  expect(relay.heardBy("Bob").closed).toBe("unanswered");
  expect(relay.heardBy("Ada").texts).toContain("bound 1 false");
});

test("when a member reads again, it gets the newest packets of each link, in order", () => {
  const relay = aSocketRelay();
  relay.pair();
  relay.waiting.set("Bob", limits.socketRelayWaitingBytes + 1);
  for (let number = 0; number < 100; number++) {
    relay.now += 5;
    relay.send("Ada", packet(1, number));
  }
  expect(relay.heardBy("Bob").frames).toEqual([]);
  relay.waiting.set("Bob", 0);
  relay.send("Ada", packet(1, 100));
  expect(numbersOf(relay.heardBy("Bob").frames)).toEqual([[92, 93, 94, 95, 96, 97, 98, 99, 100]]);
  expect(relay.exchange.carried.lost.stale).toBe(92);
});

test("what was held back for longer than a second is not sent any more", () => {
  const relay = aSocketRelay();
  relay.pair();
  relay.waiting.set("Bob", limits.socketRelayWaitingBytes + 1);
  relay.send("Ada", packet(1, 1));
  relay.waiting.set("Bob", 0);
  relay.now += limits.socketRelayHeldMs + 1;
  relay.send("Ada", packet(1, 2));
  expect(numbersOf(relay.heardBy("Bob").frames)).toEqual([[2]]);
});

test.each([
  ["a network of 8 KB a second", 8_000, 2, 100],
  ["a network of 20 KB a second, a round trip of 600 ms", 20_000, 2, 600],
  ["a network of 1 MB a second", 1_000_000, 0, 40],
])("packets are not late, whatever the receiver's network carries: %s", (_, bytesPerSecond, fewer, rttMs) => {
  // 30 packets of 500 bytes a second, into a bottleneck that queues whatever comes.
  const relay = aSocketRelay({ reads: false });
  relay.pair();
  const late: number[] = [];
  const arrivals: { at: number; total: number }[] = [];
  let [free, total, said] = [0, 0, 0];
  let sent = 0;
  for (let ms = 0; ms < 60_000; ms += 5) {
    relay.now = begun + ms;
    if (ms % 33 < 5) {
      relay.send("Ada", packet(1, ms, 500));
      sent += 1;
    }
    const { frames, bytes } = relay.heardBy("Bob");
    if (frames.length > 0) {
      free = Math.max(free, ms) + (bytes * 1_000) / bytesPerSecond;
      total += bytes;
      arrivals.push({ at: free + rttMs / 2, total });
      for (const number of numbersOf(frames).flat()) late.push(free + rttMs / 2 - number);
    }
    const arrived = arrivals.findLast(({ at }) => at <= ms - rttMs / 2)?.total ?? 0;
    if (ms % 100 === 0 && arrived > said) {
      relay.exchange.hear("Bob", relay.now);
      relay.acknowledge("Bob", arrived);
      said = arrived;
    }
  }
  const sorted = late.slice(late.length / 4).sort((a, b) => a - b);
  const p95 = sorted[Math.floor(sorted.length * 0.95)] ?? Number.POSITIVE_INFINITY;
  console.log(`p95 ${p95.toFixed(0)} ms late, ${late.length} of ${sent} arrived`);
  expect(p95).toBeLessThan(fewer > 0 ? 2_000 : 200);
  const share = Math.min(1, bytesPerSecond / ((sent * 511) / 60));
  expect(late.length / sent).toBeGreaterThan(0.6 * share);
});

test("receipts that cannot be true are believed as far as they can", () => {
  const credit = new Credit();
  credit.sent(1_000, 0);
  credit.acknowledge(5_000, 10);
  expect(credit.underWay).toBe(0);
  credit.sent(2_000, 20);
  credit.acknowledge(4_000, 30);
  expect(credit.underWay).toBe(0);
  credit.sent(10, 40);
  credit.acknowledge(4_000, 50);
  expect(credit.underWay).toBe(10);
});

test("whatever members send, every packet is passed on, lost for a reason, or held back; and little is held", () => {
  const names = ["A", "B", "C", "D"];
  const links = [
    ["A", "B"],
    ["A", "C"],
    ["B", "C"],
    ["C", "D"],
  ] as const;
  const act = fc.oneof(
    {
      weight: 10,
      arbitrary: fc.record({
        kind: fc.constant("send" as const),
        who: fc.nat(3),
        links: fc.array(fc.nat(5), { maxLength: 12 }),
        bytes: fc.nat(1_300),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("junk" as const),
        who: fc.nat(3),
        bytes: fc.uint8Array({ maxLength: 60 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("later" as const), ms: fc.integer({ min: 0, max: 3_000 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("read" as const), who: fc.nat(3), bytes: fc.nat(50_000) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("stand still" as const),
        who: fc.nat(3),
        bytes: fc.nat(40_000),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("leave" as const), who: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("come" as const), who: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("remove" as const), who: fc.nat(3) }) },
  );
  fc.assert(
    fc.property(fc.array(act, { maxLength: 120 }), (acts) => {
      const relay = aSocketRelay({ reads: false });
      const come = (name: string) => {
        relay.open(name);
        for (const [i, [a, b]] of links.entries()) {
          if (a === name) relay.bind(a, aTicket(a, b, i + 1, { begunAt: relay.now }));
          if (b === name) relay.bind(b, aTicket(b, a, i + 1, { begunAt: relay.now, side: "b" }));
        }
      };
      names.forEach(come);
      for (const one of acts) {
        const name = "who" in one ? (names[one.who] ?? "A") : "A";
        if (one.kind === "send") relay.send(name, ...one.links.map((link, i) => packet(link, i, one.bytes)));
        if (one.kind === "junk") relay.sendFrame(name, one.bytes);
        if (one.kind === "later") relay.now += one.ms;
        if (one.kind === "read")
          relay.sendFrame(name, frameOf([Uint8Array.of(0xf0, 0, 0, one.bytes >> 8, one.bytes & 255)]));
        if (one.kind === "stand still") relay.waiting.set(name, one.bytes);
        if (one.kind === "leave") relay.close(name);
        if (one.kind === "come") come(name);
        if (one.kind === "remove") relay.remove(name);
        const { packets, passed, lost } = relay.exchange.carried;
        const { frames: _, ...reasons } = lost;
        const gone = Object.values(reasons).reduce((sum, count) => sum + count, 0);
        const { packets: held, bytes } = relay.exchange.heldBack;
        expect(passed + gone + held).toBe(packets);
        expect(held).toBeLessThanOrEqual(2 * links.length * limits.socketRelayHeld);
        expect(bytes).toBeLessThanOrEqual(2 * links.length * limits.socketRelayHeldBytes);
      }
      for (const name of names) relay.close(name);
      expect(relay.exchange).toMatchObject({ members: 0, links: 0, heldBack: { packets: 0, bytes: 0 } });
    }),
  );
});
