/** WebRTC between two ends in one process, by a stack for Node. Between pages: test/pages. */
import { expect, test, vi } from "vitest";
import { webrtcLimits } from "../../client/webrtc/limits.ts";
import { writeSigned } from "../../core/wire/peer-packet.ts";
import type { WebRtcSignal } from "../../core/wire/webrtc-signal.ts";
import { type End, linkId, openPair } from "./a-webrtc-pair.ts";

/** A connection opens within a second or two; the machine may be busy. */
const soon = { interval: 20 };
const isOpen = async (...ends: End[]) =>
  await vi.waitFor(() => expect(ends.map(({ told }) => told.at(-1) ?? null)).not.toContain(null), soon);
const nothing = { malformed: 0, old: 0, repeated: 0, early: 0, stale: 0, refused: 0, flooded: 0 };

test("two players connect by WebRTC, and packets pass both ways", async () => {
  const [ada, bo] = openPair();
  await isOpen(ada, bo);
  expect([ada.told, bo.told]).toEqual([["lan"], ["lan"]]);
  ada.channel.send(Uint8Array.of(1, 2));
  bo.channel.send(new Uint8Array(1_232));
  await vi.waitFor(() => expect(bo.received).toEqual([Uint8Array.of(1, 2)]), soon);
  await vi.waitFor(() => expect(ada.received).toEqual([new Uint8Array(1_232)]), soon);
  expect([ada.channel.dropped, bo.channel.dropped]).toEqual([nothing, nothing]);
});

test("a link that is over before the servers of ICE are known makes no connection any more", async () => {
  const servers = Promise.withResolvers<[]>();
  const ends = openPair({ iceServers: () => servers.promise });
  for (const { channel } of ends) channel.close();
  servers.resolve([]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(ends.map(({ made }) => made.length)).toEqual([0, 0]);
});

test("signals go by the lobby where the link has no path", async () => {
  const ways: string[] = [];
  const [ada, bo] = openPair({
    isLinked: false,
    meddle: (signal, by) => {
      ways.push(by);
      return [signal];
    },
  });
  await isOpen(ada, bo);
  expect(new Set(ways)).toEqual(new Set(["lobby"]));
});

test("signals that come doubled, late and in another order still connect the two", async () => {
  const held: WebRtcSignal[] = [];
  const [ada, bo] = openPair({
    meddle: (signal) => {
      // Each waits for the one after it, and comes twice; old ones come again with every later one.
      held.push(signal);
      return signal.kind === "candidates" || held.length > 1
        ? [...held].reverse().flatMap((one) => [one, one])
        : [signal];
    },
  });
  await isOpen(ada, bo);
  expect(ada.channel.dropped.repeated + bo.channel.dropped.repeated).toBeGreaterThan(0);
});

test("what is no signal, of another link or of a connection before is dropped, and counted", async () => {
  const [ada, bo] = openPair();
  await isOpen(ada, bo);
  const offer = { link: linkId, connection: 0, number: 99, kind: "offer", sdp: "v=0\r\nm=audio 9 RTP 0\r\n" };
  const bad: unknown[] = [
    null,
    "x",
    7,
    [],
    {},
    { ...offer, link: "ffffffffffff" },
    { ...offer, sdp: "x".repeat(5_000) },
  ];
  for (const told of bad) bo.channel.hear(told);
  expect(bo.channel.dropped).toMatchObject({ malformed: bad.length });
  bo.channel.hear({ ...offer, connection: -1 });
  bo.channel.hear({ ...offer, number: 199 });
  expect(bo.channel.dropped).toMatchObject({ malformed: bad.length + 1, early: 1 });
  ada.channel.send(Uint8Array.of(1));
  await vi.waitFor(() => expect(bo.received).toEqual([Uint8Array.of(1)]), soon);
});

test("an offer that is no description, or one of sound, does not harm the connection that is open", async () => {
  let next = 0;
  const [ada, bo] = openPair({
    meddle: (signal) => {
      if (signal.kind === "candidates") next = Math.max(next, signal.number + 1);
      return [signal];
    },
  });
  await isOpen(ada, bo);
  await vi.waitFor(() => expect(next).toBeGreaterThan(0), soon);
  const texts = [
    "",
    "v=0\r\n",
    "v=0\r\nm=audio 9 RTP/AVP 0\r\n",
    "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n",
  ];
  texts.forEach((sdp, i) => {
    bo.channel.hear({ link: linkId, connection: 0, number: next + i, kind: "offer", sdp });
  });
  bo.channel.hear({
    link: linkId,
    connection: 0,
    number: next + texts.length,
    kind: "answer",
    sdp: "v=0\r\n",
    to: 3,
  });
  await vi.waitFor(
    () => expect(bo.channel.dropped).toMatchObject({ malformed: texts.length, stale: 1 }),
    soon,
  );
  ada.channel.send(Uint8Array.of(1));
  await vi.waitFor(() => expect(bo.received).toEqual([Uint8Array.of(1)]), soon);
});

test("no more than 20 candidates of the peer are taken, and no private ones of a peer that is not near", async () => {
  const [, bo] = openPair({ nearness: { near: false, relayOnly: false }, meddle: () => [] });
  await vi.waitFor(() => expect(bo.made).toHaveLength(1), soon);
  const candidates = Array.from({ length: 15 }, (_, i) => {
    return { candidate: `candidate:1 1 udp 1 203.0.113.${i} 5000 typ host`, sdpMid: "0", sdpMLineIndex: 0 };
  });
  const privateOnes = [
    "192.168.0.7",
    "10.0.0.1",
    "fd00::1",
    "0f1e2d3c-0000-4000-8000-000000000000.local",
  ].map((address) => ({
    candidate: `candidate:1 1 udp 1 ${address} 5000 typ host`,
    sdpMid: "0",
    sdpMLineIndex: 0,
  }));
  const about = { link: linkId, connection: 0, kind: "candidates" };
  bo.channel.hear({ ...about, number: 0, candidates: privateOnes });
  bo.channel.hear({ ...about, number: 1, candidates });
  bo.channel.hear({ ...about, number: 2, candidates });
  await vi.waitFor(() => expect(bo.channel.dropped).toMatchObject({ refused: 4 + 10 }), soon);
});

test("a farewell goes out before the connection is closed", async () => {
  const [ada, bo] = openPair();
  await isOpen(ada, bo);
  const farewell = writeSigned({ kind: "farewell", link: 1, side: "a", number: 1 });
  ada.channel.send(farewell);
  ada.channel.close();
  await vi.waitFor(() => expect(bo.received).toEqual([farewell]), soon);
  await vi.waitFor(() => expect(bo.told).toEqual(["lan", null]), soon);
});

test("a connection that breaks is replaced by another, and signals of the one before are dropped", async () => {
  const first: WebRtcSignal[] = [];
  const [ada, bo] = openPair({
    meddle: (signal) => {
      if (signal.connection === 0) first.push(signal);
      return [signal];
    },
  });
  await isOpen(ada, bo);
  bo.made[0]?.close();
  await vi.waitFor(
    () =>
      expect([ada.told, bo.told]).toEqual([
        ["lan", null, "lan"],
        ["lan", null, "lan"],
      ]),
    soon,
  );
  for (const signal of first) bo.channel.hear(signal);
  expect(bo.channel.dropped.old).toBe(first.length);
});

test("a peer that begins one connection after another is not followed", async () => {
  const [, bo] = openPair({ meddle: () => [] });
  for (let connection = 1; connection <= 50; connection += 1) {
    bo.channel.hear({ link: linkId, connection, number: 0, kind: "wish" });
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(bo.made.length).toBeLessThanOrEqual(1 + webrtcLimits.rtcPeersConnections);
  expect(bo.channel.dropped.flooded).toBe(50 - webrtcLimits.rtcPeersConnections);
});

test("where packets wait in the channel, newer ones are dropped", async () => {
  const [ada, bo] = openPair();
  await isOpen(ada, bo);
  for (let i = 0; i < 10_000; i += 1) ada.channel.send(new Uint8Array(1_200));
  let before = -1;
  while (before < bo.received.length || before === 0) {
    before = bo.received.length;
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
  // Without that all of them arrive.
  expect(bo.received.length).toBeLessThan(9_000);
});
