import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reliableLimits } from "../../../core/reliable/limits.ts";
import { writeAcknowledgement, writeSegment } from "../../../core/reliable/packet.ts";
import { ReliableStream } from "../../../core/reliable/stream.ts";
import { type Conditions, Network, numbered } from "./a-network.ts";

const networks: { name: string; conditions: Conditions }[] = [
  { name: "good", conditions: {} },
  { name: "a tenth lost", conditions: { loss: 0.1 } },
  { name: "two fifths lost", conditions: { loss: 0.4 } },
  { name: "overtaken by up to 200 ms", conditions: { jitterMs: 200 } },
  { name: "half of them doubled", conditions: { doubled: 0.5 } },
  { name: "all of it", conditions: { loss: 0.2, doubled: 0.2, jitterMs: 100 } },
  { name: "a satellite", conditions: { delayMs: 300, loss: 0.02 } },
  { name: "a narrow line", conditions: { bytesPerSecond: 20_000 } },
];

/** Bytes that are in use. */
function memory(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

describe.each(networks)("$name", ({ conditions }) => {
  test("each message comes once, whole, and in order, both ways", () => {
    const network = new Network(conditions, 7);
    const lengths = [0, 1, 1_194, 1_195, 1_196, 5_000, 65_536, 0, 17, 20_000];
    lengths.forEach((length, i) => {
      expect(network.a.push(numbered(i, length), 0)).toBe(true);
      expect(network.b.push(numbered(i + 100, length), 0)).toBe(true);
    });
    const isDone = () => network.got.a.length === lengths.length && network.got.b.length === lengths.length;
    expect(network.run(120_000, isDone)).toBe(true);
    lengths.forEach((length, i) => {
      expect(network.got.b[i]).toEqual(numbered(i, length));
      expect(network.got.a[i]).toEqual(numbered(i + 100, length));
    });
    network.run(10_000);
    expect(network.got.a.length + network.got.b.length).toBe(2 * lengths.length);
    expect(network.a.waiting).toBe(0);
    expect(network.a.wakeAt(network.now)).toBe(Number.POSITIVE_INFINITY);
  });
});

test("whatever the network does, and whenever it is cut, nothing is lost, doubled or out of order", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 31 - 2 }),
      fc.record({
        loss: fc.double({ min: 0, max: 0.5, noNaN: true }),
        doubled: fc.double({ min: 0, max: 0.3, noNaN: true }),
        delayMs: fc.integer({ min: 0, max: 300 }),
        jitterMs: fc.integer({ min: 0, max: 300 }),
      }),
      fc.array(fc.integer({ min: 0, max: 9_000 }), { minLength: 1, maxLength: 20 }),
      (seed, conditions, lengths) => {
        const network = new Network(conditions, seed);
        lengths.forEach((length, i) => {
          network.a.push(numbered(i, length), network.now);
          network.run(Math.floor(network.chance() * 200));
          if (network.chance() < 0.3) {
            network.cut();
            network.a.changePath(null, 50_000, network.now);
            network.b.changePath(40, Number.POSITIVE_INFINITY, network.now);
          }
        });
        expect(network.run(600_000, () => network.got.b.length === lengths.length)).toBe(true);
        expect(network.got.b).toEqual(lengths.map((length, i) => numbered(i, length)));
      },
    ),
    { numRuns: 100 },
  );
});

test("a good path is used: 1 MiB with 40 ms there and back takes less than a second and a half", () => {
  const network = new Network({ delayMs: 20 });
  for (let i = 0; i < 16; i++) network.a.push(numbered(i, 65_536), 0);
  expect(network.run(1_500, () => network.got.b.length === 16)).toBe(true);
  // Little is sent twice, and one acknowledgement for each two segments.
  expect(network.packets).toBeLessThan((1.6 * 16 * 65_536) / reliableLimits.segmentBytes);
});

test("a lost segment does not wait for a timeout: the next ones show that it is lost", () => {
  const network = new Network({ delayMs: 100 });
  network.a.push(numbered(0, 20_000), 0);
  expect(network.run(5_000, () => network.got.b.length === 1)).toBe(true);
  const begunAt = network.now;
  network.a.push(numbered(1, 100), network.now);
  network.a.packets.splice(0);
  network.run(30);
  network.a.push(numbered(2, 100), network.now);
  network.run(60);
  network.a.push(numbered(3, 100), network.now);
  expect(network.run(5_000, () => network.got.b.length === 4)).toBe(true);
  // 30 ms, the next one there, its acknowledgement back, and the lost one there.
  expect(network.now - begunAt).toBeLessThan(30 + 3 * 100 + 100);
});

test("a path's rate is kept, so that a long message leaves room for the game", () => {
  const network = new Network({ delayMs: 10 });
  network.a.changePath(20, 32 * 1024, 0);
  network.a.push(numbered(1, 65_536), 0);
  network.run(1_000);
  expect(network.bytes).toBeLessThan(32 * 1024 + reliableLimits.burstBytes + 4_000);
  expect(network.run(2_000, () => network.got.b.length === 1)).toBe(true);
});

test("on a new path all goes on at once, although nothing that was on the old one comes", () => {
  const network = new Network({ delayMs: 50 });
  for (let i = 0; i < 4; i++) network.a.push(numbered(i, 30_000), 0);
  network.run(200);
  network.cut();
  network.conditions = { delayMs: 5 };
  network.a.changePath(10, Number.POSITIVE_INFINITY, network.now);
  network.b.changePath(10, Number.POSITIVE_INFINITY, network.now);
  expect(network.run(300, () => network.got.b.length === 4)).toBe(true);
});

test("while nothing comes through it tries again ever more slowly, and not for ever faster", () => {
  const network = new Network({ loss: 1 });
  network.a.push(numbered(1, 60_000), 0);
  network.run(60_000);
  expect(network.packets).toBeLessThan(80);
  network.conditions = {};
  expect(network.run(5_000, () => network.got.b.length === 1)).toBe(true);
});

test("what waits is bounded, empty messages too, and the sender is asked to wait before", () => {
  const stream = new ReliableStream(0);
  const message = new Uint8Array(65_536);
  let taken = 0;
  while (stream.push(message, 0)) taken += 1;
  expect(taken).toBeGreaterThan(50);
  expect(taken * 65_536).toBeLessThan(reliableLimits.waitingBytes);
  expect(stream.hasRoom).toBe(false);
  const empty = new ReliableStream(0);
  let pushed = 0;
  while (empty.push(new Uint8Array(0), 0)) pushed += 1;
  expect(pushed).toBeLessThan(50_000);
});

describe("a peer that does not keep to it", () => {
  test("segments beyond the window are not kept, and a message without an end breaks the stream", () => {
    const stream = new ReliableStream(0);
    const bytes = new Uint8Array(reliableLimits.segmentBytes);
    stream.hear(writeSegment({ number: reliableLimits.windowSegments, isLast: true, bytes }), 0);
    stream.hear(writeSegment({ number: 2 ** 32 - 1, isLast: true, bytes }), 0);
    for (let number = 0; number < 54; number++) {
      stream.hear(writeSegment({ number, isLast: false, bytes }), 0);
      expect(stream.isBroken).toBe(false);
    }
    stream.hear(writeSegment({ number: 54, isLast: true, bytes }), 0);
    expect(stream.isBroken).toBe(true);
    expect(stream.messages).toEqual([]);
    stream.hear(writeSegment({ number: 55, isLast: true, bytes }), 0);
    expect(stream.messages).toEqual([]);
  });

  test("a message that comes byte by byte takes no more memory than it has bytes", () => {
    const stream = new ReliableStream(0);
    const before = memory();
    for (let number = 0; number < reliableLimits.messageBytes; number++) {
      const isLast = number === reliableLimits.messageBytes - 1;
      if (isLast) expect(memory() - before).toBeLessThan(1024 * 1024);
      stream.hear(writeSegment({ number, isLast, bytes: Uint8Array.of(number & 255) }), 0);
      stream.packets.splice(0);
    }
    expect(stream.messages).toEqual([
      Uint8Array.from({ length: reliableLimits.messageBytes }, (_, i) => i & 255),
    ]);
    expect(stream.isBroken).toBe(false);
  });

  test("an acknowledgement of what was never sent changes nothing", () => {
    const stream = new ReliableStream(0);
    stream.push(numbered(1, 3_000), 0);
    const { waiting } = stream;
    stream.hear(
      writeAcknowledgement(4, 4, () => true),
      1,
    );
    stream.hear(
      writeAcknowledgement(2 ** 32 - 1, 2 ** 32 - 1, () => true),
      1,
    );
    expect(stream.waiting).toBe(waiting);
    stream.hear(
      writeAcknowledgement(0, 200, () => true),
      1,
    );
    // The first was not acknowledged, the two others were.
    expect(stream.waiting).toBe(reliableLimits.segmentBytes + reliableLimits.segmentCostBytes);
  });

  test("any bytes at all: nothing throws, memory stays bounded, and an answer is no longer than what it answers", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 1_300 }), { maxLength: 100 }),
        fc.boolean(),
        (packets, hasSent) => {
          const stream = new ReliableStream(0);
          if (hasSent) stream.push(numbered(1, 10_000), 0);
          const own = stream.packets.splice(0).length;
          for (const packet of packets) {
            if (packet[0] !== undefined) packet[0] %= 4;
            stream.hear(packet, 1);
            stream.tick(1);
          }
          const acknowledgements = stream.packets.filter((packet) => packet[0] === 2);
          expect(acknowledgements.length).toBeLessThanOrEqual(packets.length);
          for (const one of acknowledgements) {
            expect(one.length).toBeLessThanOrEqual(5 + reliableLimits.windowSegments / 8);
          }
          expect(own).toBeLessThanOrEqual(reliableLimits.firstWindow);
        },
      ),
      { numRuns: 300 },
    );
  });
});
