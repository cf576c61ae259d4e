/** Two ends of an encrypted link, and between them a network that is the test: it sees, changes and repeats what it likes. */
import { expect, onTestFinished, test, vi } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { webCrypto } from "../../client/crypto/web.ts";
import { Link } from "../../client/link/link.ts";
import { LinkEnd } from "../../client/link/link-end.ts";
import { type LinkPackets, PlainPackets } from "../../client/link/packets.ts";
import type { UdpWire } from "../../client/link/platform.ts";
import { commitmentOf, SealedPackets } from "../../client/link/sealed-packets.ts";
import { signPacket } from "../../client/link/signing.ts";
import { Turns } from "../../client/link/turns.ts";
import { newCheckAllowance } from "../../core/link/unproven.ts";
import { writeSegment } from "../../core/reliable/packet.ts";
import type { KeyPair } from "../../core/sealing/primitives.ts";
import { linkNumber, packetKinds } from "../../core/wire/peer-packet.ts";
import { config } from "../core/link/a-link.ts";

const link = "0123456789ab";
const pairKey = new Uint8Array(16).fill(7);
const endpoints = { a: { ip: "192.0.2.1", port: 1 }, b: { ip: "192.0.2.2", port: 2 } } as const;
type Name = "a" | "b";

type Options = {
  /** What the network makes of a packet: those that come out at the other end. */
  pass?: (from: Name, bytes: Uint8Array) => Uint8Array[];
  secrets?: Partial<Record<Name, string>>;
  /** What the lobby says that they have committed themselves to. */
  commitments?: Partial<Record<Name, string>>;
  packets?: Partial<Record<Name, LinkPackets>>;
};

function aPair({ pass = (_, bytes) => [bytes], secrets = {}, commitments = {}, packets = {} }: Options = {}) {
  const keys: Record<Name, KeyPair> = { a: nodeCrypto.newKeyPair(), b: webCrypto.newKeyPair() };
  const clientOf = (name: Name) => {
    return {
      clientId: name.repeat(16),
      features: [],
      commitment: commitments[name] ?? commitmentOf(nodeCrypto, keys[name].publicKey),
    };
  };
  const identity = { link, pairKey, clients: { a: clientOf("a"), b: clientOf("b") } };
  const seen: Uint8Array[] = [];
  const ends = {} as Record<Name, LinkEnd>;
  const made = {} as Record<Name, LinkPackets>;
  const make = (name: Name, other: Name) => {
    const wire: UdpWire = {
      relay: null,
      open: () => {},
      send: (bytes) => {
        seen.push(bytes.slice());
        for (const one of pass(name, bytes.slice()))
          setImmediate(() => ends[other].receive(one, "v4", endpoints[name]));
      },
      openSockets: async () => 0,
      closeSockets: () => {},
      close: () => {},
    };
    const crypto = name === "a" ? nodeCrypto : webCrypto;
    const sealed = { crypto, side: name, identity, keys: keys[name], secret: secrets[name] };
    const peer = {
      ...config.peer,
      endpoint: endpoints[other],
      proven: true,
      ports: [endpoints[other].port],
      candidates: [],
    };
    made[name] = packets[name] ?? new SealedPackets(sealed);
    ends[name] = new LinkEnd({
      peer: { name: other, clientId: other, ...peer },
      config: {
        ...config,
        side: name,
        you: { endpoint: endpoints[name], mapping: "endpoint-independent" },
        peer,
        sidecar: { ip: "192.0.2.9", port: 9 },
        relay: false,
      },
      number: linkNumber(link),
      packets: made[name],
      udp: wire,
      channels: { ws: null, rtc: null },
      turns: new Turns(),
      checks: newCheckAllowance(performance.now()),
    });
  };
  make("a", "b");
  make("b", "a");
  onTestFinished(async () => {
    await Promise.all([ends.a.close(), ends.b.close()]);
  });
  ends.a.open();
  ends.b.open();
  return { ends, links: { a: new Link(ends.a), b: new Link(ends.b) }, seen, made };
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test("nobody on the way reads what two players send, and both have one safety code", async () => {
  const { ends, links, seen } = aPair();
  await Promise.all([ends.a.decided, ends.b.decided]);
  expect(links.a.encrypted && links.b.encrypted).toBe(true);
  expect(links.a.safetyCode).toMatch(/^\d{4} \d{4}$/);
  expect(links.a.safetyCode).toBe(links.b.safetyCode);
  const heard: string[] = [];
  links.b.on("message", (bytes) => heard.push(text(bytes)));
  links.a.send("where the treasure is");
  await vi.waitFor(() => expect(heard).toEqual(["where the treasure is"]));
  const kinds = new Set(seen.map((bytes) => bytes[0]));
  expect(kinds).not.toContain(packetKinds.data);
  expect(seen.some((bytes) => Buffer.from(bytes).includes("treasure"))).toBe(false);
});

test("packets that were changed, repeated, kept back, or not encrypted are dropped and counted", async () => {
  let isHostile = false;
  const kept: Uint8Array[] = [];
  const { ends, links } = aPair({
    pass: (from, bytes) => {
      if (!isHostile || bytes[0] !== packetKinds.sealed || from === "b") return [bytes];
      const changed = bytes.slice();
      changed[20] = (changed[20] ?? 0) ^ 1;
      kept.push(bytes);
      const plain = Uint8Array.from([packetKinds.data, ...bytes.subarray(1, 7), 1, 2, 3]);
      return [changed, bytes, bytes, plain];
    },
  });
  await Promise.all([ends.a.decided, ends.b.decided]);
  const heard: string[] = [];
  links.b.on("message", (bytes) => heard.push(text(bytes)));
  isHostile = true;
  links.a.send("first");
  links.a.send("second");
  await vi.waitFor(() => expect(heard).toEqual(["first", "second"]));
  expect(links.b.report.dropped).toEqual({ forged: 4, replayed: 2 });
  isHostile = false;
  for (let i = 0; i < 2_000; i++) links.a.send("later");
  await vi.waitFor(() => expect(heard).toHaveLength(2_002));
  for (const bytes of kept) ends.b.receive(bytes, "v4", endpoints.a);
  expect(heard).toHaveLength(2_002);
});

test.each(["a", "b"] as const)(
  "a key that is not the one %s has committed itself to is no key",
  async (liar) => {
    const other = commitmentOf(nodeCrypto, nodeCrypto.newKeyPair().publicKey);
    const { ends } = aPair({ commitments: { [liar]: other } });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(ends.a.isUsable || ends.b.isUsable).toBe(false);
  },
);

test("a key that cannot be used is computed with once, however often the peer shows it", () => {
  let computed = 0;
  const own = nodeCrypto.newKeyPair();
  const keys: KeyPair = {
    ...own,
    agree: (peerKey) => {
      computed += 1;
      return own.agree(peerKey);
    },
  };
  const small = new Uint8Array(32);
  const clientOf = (publicKey: Uint8Array, clientId: string) => {
    return { clientId, features: [], commitment: commitmentOf(nodeCrypto, publicKey) };
  };
  const clients = { a: clientOf(own.publicKey, "a".repeat(16)), b: clientOf(small, "b".repeat(16)) };
  const identity = { link, pairKey, clients };
  const packets = new SealedPackets({ crypto: nodeCrypto, side: "a", identity, keys, secret: undefined });
  const mac = nodeCrypto.hmacSha256(pairKey);
  for (let number = 1; number <= 100; number++) {
    const check = { kind: "check", link: linkNumber(link), side: "b", number, publicKey: small } as const;
    expect(packets.readSigned(signPacket(mac, check))).toBeNull();
  }
  expect(computed).toBe(1);
  expect(packets.dropped.forged).toBe(100);
});

test("a client that does not encrypt is not taken for one that does", async () => {
  const { ends } = aPair({
    packets: { a: new PlainPackets(nodeCrypto.hmacSha256(pairKey), linkNumber(link), "a") },
  });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(ends.b.isUsable).toBe(false);
});

test("players with the same secret are connected, those with another, or none, are not, and hear why", async () => {
  const same = aPair({ secrets: { a: "xyz", b: "xyz" } });
  await Promise.all([same.ends.a.decided, same.ends.b.decided]);
  expect(same.links.a.safetyCode).toBe(same.links.b.safetyCode);
  const { ends } = aPair({ secrets: { a: "xyz" } });
  await Promise.all([ends.a.decided, ends.b.decided]);
  expect([ends.a.isUsable, ends.b.isUsable]).toEqual([false, false]);
  expect(ends.a.report.cause).toBe("keys-differ");
});

test("reliable messages come once and in order, of every size, though a third of all packets is lost", async () => {
  let count = 0;
  const { ends, links } = aPair({
    pass: (_, bytes) => (bytes[0] === packetKinds.sealed && count++ % 3 === 1 ? [] : [bytes]),
  });
  await Promise.all([ends.a.decided, ends.b.decided]);
  const sizes = [0, 1, 1_200, 65_536, 5, 30_000];
  // The game at the other end listens later: nothing is lost.
  for (const size of sizes) await links.a.sendReliable(new Uint8Array(size).fill(size & 255));
  const heard: Uint8Array[] = [];
  links.b.on("reliable", (bytes) => heard.push(bytes));
  await links.a.delivered();
  await vi.waitFor(() => expect(heard.map(({ length }) => length)).toEqual(sizes));
  expect(heard.every((bytes) => bytes.every((byte) => byte === (bytes.length & 255)))).toBe(true);
});

test("what cannot be sent reliably is refused with a code, and a game that listens late makes the sender wait", async () => {
  const { ends, links } = aPair();
  await Promise.all([ends.a.decided, ends.b.decided]);
  await expect(links.a.sendReliable(new Uint8Array(65_537))).rejects.toMatchObject({
    code: "message_too_large",
  });
  // @ts-expect-error: a game in JavaScript.
  await expect(links.a.sendReliable(5)).rejects.toMatchObject({ code: "invalid_packet" });
  const sent = Array.from({ length: 100 }, () => links.a.sendReliable(new Uint8Array(65_536)));
  const results = Promise.allSettled(sent);
  await expect(sent.at(-1)).rejects.toMatchObject({ code: "too_much_waits" });
  let heard = 0;
  await new Promise((resolve) => setTimeout(resolve, 300));
  links.b.on("reliable", () => heard++);
  const taken = (await results).filter(({ status }) => status === "fulfilled").length;
  await links.a.delivered();
  await vi.waitFor(() => expect(heard).toBe(taken));
  await links.a.close();
  await expect(links.a.sendReliable("x")).rejects.toMatchObject({ code: "link_closed" });
});

test("of a game that does not listen few messages wait, empty ones too: the peer has to wait with the others", async () => {
  const { ends, links, made } = aPair();
  await Promise.all([ends.a.decided, ends.b.decided]);
  const bytes = new Uint8Array(0);
  for (let number = 0; number < 20_000; number++) {
    const packet = made.a.data("reliable", writeSegment({ number, isLast: true, bytes }));
    if (packet) ends.b.receive(packet, "v4", endpoints.a);
  }
  let heard = 0;
  links.b.on("reliable", () => heard++);
  await vi.waitFor(() => expect(heard).toBeGreaterThan(10_000));
  expect(heard).toBeLessThan(11_000);
});

test("to a client that does not encrypt nothing is sent reliably, and the code says why", async () => {
  const plain = (side: Name) => new PlainPackets(nodeCrypto.hmacSha256(pairKey), linkNumber(link), side);
  const { ends, links } = aPair({ packets: { a: plain("a"), b: plain("b") } });
  await Promise.all([ends.a.decided, ends.b.decided]);
  expect([links.a.encrypted, links.a.safetyCode]).toEqual([false, null]);
  await expect(links.a.sendReliable("x")).rejects.toMatchObject({ code: "peer_too_old" });
});
