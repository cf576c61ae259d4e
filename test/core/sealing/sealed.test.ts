import { createDecipheriv, hkdfSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { cmac as macWith } from "@noble/ciphers/aes.js";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { webCrypto } from "../../../client/crypto/web.ts";
import { Cmac } from "../../../core/sealing/cmac.ts";
import { CounterWindow } from "../../../core/sealing/counter-window.ts";
import { deriveLinkKeys, type LinkIdentity } from "../../../core/sealing/keys.ts";
import type { KeyPair, Primitives } from "../../../core/sealing/primitives.ts";
import { Sealing } from "../../../core/sealing/sealed.ts";
import { encodeBase64Url } from "../../../core/wire/base64.ts";
import { linkNumber, linkOf } from "../../../core/wire/peer-packet.ts";

const hex = (text: string) => Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
const kinds: [string, Primitives][] = [
  ["Node", nodeCrypto],
  ["pages", webCrypto],
];
const link = "0123456789ab";
const cmac = (key: Uint8Array, bytes: Uint8Array) => macWith(bytes, key);
const vectors = JSON.parse(
  readFileSync(new URL("../../../conformance/vectors/sealed.json", import.meta.url), "utf8"),
) as Vectors;

type Vectors = {
  identity: Omit<LinkIdentity, "pairKey"> & { pairKey: string };
  shared: string;
  secret: { text: string; safetyCode: string };
  keys: Record<"aCipher" | "aMac" | "bCipher" | "bMac" | "confirm" | "safetyCode", string>;
  packets: { kind: string; text: string; packet: string }[];
};

function identityOf(primitives: Primitives, a: KeyPair, b: KeyPair): LinkIdentity {
  const clientOf = ({ publicKey }: KeyPair, clientId: string) => {
    const features = ["encrypted", "links"];
    return { clientId, features, commitment: encodeBase64Url(primitives.sha256(publicKey)) };
  };
  const pairKey = Uint8Array.from({ length: 16 }, (_, i) => i);
  return {
    link,
    pairKey,
    clients: { a: clientOf(a, "AAAAAAAAAAAAAAAA"), b: clientOf(b, "BBBBBBBBBBBBBBBB") },
  };
}

/** Both ends, one of each kind. */
function ends(ofA: Primitives = nodeCrypto, ofB: Primitives = webCrypto) {
  const [a, b] = [ofA.newKeyPair(), ofB.newKeyPair()];
  const identity = identityOf(ofA, a, b);
  const [keysA, keysB] = [
    deriveLinkKeys(ofA, identity, a, b.publicKey),
    deriveLinkKeys(ofB, identity, b, a.publicKey),
  ];
  if (!keysA || !keysB) throw new Error("no keys");
  const number = linkNumber(link);
  return { a: new Sealing(ofA, number, "a", keysA), b: new Sealing(ofB, number, "b", keysB), keysA, keysB };
}

describe.each(kinds)("%s", (_, primitives) => {
  test("AES-CMAC is that of RFC 4493, for one packet after another", () => {
    const cmac = new Cmac(primitives.aes(hex("2b7e151628aed2a6abf7158809cf4f3c")));
    const text = hex(
      "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
    );
    for (const [length, mac] of [
      [0, "bb1d6929e95937287fa37d129b756746"],
      [16, "070a16b46b4d4144f79bdd9dd04a287c"],
      [40, "dfa66747de9ae63030ca32611497c827"],
      [64, "51f0bebf7e3b9d92fc49741779363cfe"],
    ] as const) {
      const room = new Uint8Array(80);
      room.set(text.subarray(0, length));
      expect(cmac.of(room, length)).toEqual(hex(mac));
    }
  });

  test("X25519 is that of RFC 7748: two pairs agree, a key of small order agrees with nobody", () => {
    const [a, b] = [primitives.newKeyPair(), primitives.newKeyPair()];
    expect(a.publicKey).toHaveLength(32);
    expect(new Uint8Array(a.agree(b.publicKey) ?? [])).toEqual(new Uint8Array(b.agree(a.publicKey) ?? [1]));
    for (const small of [
      new Uint8Array(32),
      Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0)),
      hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
      hex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ]) {
      expect(a.agree(small)).toBeNull();
    }
    expect(a.agree(new Uint8Array(31))).toBeNull();
  });
});

describe.each([
  ["Node and Node", nodeCrypto, nodeCrypto],
  ["Node and a page", nodeCrypto, webCrypto],
  ["a page and a page", webCrypto, webCrypto],
])("%s", (_, ofA, ofB) => {
  test("what one end seals the other opens, of every length, both ways", () => {
    const { a, b, keysA, keysB } = ends(ofA, ofB);
    expect(keysA.safetyCode).toBe(keysB.safetyCode);
    expect(keysA.safetyCode).toMatch(/^\d{4} \d{4}$/);
    for (const length of [0, 1, 2, 3, 15, 16, 17, 100, 1_199, 1_200]) {
      const bytes = Uint8Array.from({ length }, (_, i) => i & 255);
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        const packet = from.seal("game", bytes) ?? new Uint8Array(0);
        expect(packet).toHaveLength(length + 30);
        expect(linkOf(packet)).toBe(linkNumber(link));
        expect(to.open(packet)).toEqual({ kind: "game", bytes });
        const other = from.seal("reliable", bytes) ?? new Uint8Array(0);
        expect(to.open(other)).toEqual({ kind: "reliable", bytes });
      }
    }
  });
});

test.each(kinds)("the keys and the packets are those of the vectors: %s", (_, primitives) => {
  const { identity, shared, secret, keys, packets } = vectors;
  const pairKey = hex(identity.pairKey);
  const own = { publicKey: new Uint8Array(32), agree: () => hex(shared) };
  const known = { ...identity, pairKey };
  const derived = deriveLinkKeys(primitives, known, own, own.publicKey);
  if (!derived) throw new Error("no keys");
  const { a, b } = derived.from;
  const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  expect({
    aCipher: toHex(a.cipher),
    aMac: toHex(a.mac),
    bCipher: toHex(b.cipher),
    bMac: toHex(b.mac),
    confirm: toHex(derived.confirm),
    safetyCode: derived.safetyCode,
  }).toEqual(keys);
  expect(deriveLinkKeys(primitives, known, own, own.publicKey, secret.text)?.safetyCode).toBe(
    secret.safetyCode,
  );
  const end = new Sealing(primitives, linkNumber(identity.link), "a", derived);
  for (const { kind, text, packet } of packets) {
    const sealed = end.seal(kind === "game" ? "game" : "reliable", new TextEncoder().encode(text));
    expect(toHex(sealed ?? new Uint8Array(0))).toBe(packet);
  }
});

test("the vectors are HKDF, AES-128-CTR and AES-CMAC, as Node has them", () => {
  const { identity, shared, keys, packets } = vectors;
  const { link, clients } = identity;
  const { a, b } = clients;
  const info = [
    ...["orion-edge link 1", link, a.clientId, a.commitment, "links,encrypted"],
    ...[b.clientId, b.commitment, "links,pings,ws-relay,webrtc,encrypted", "open"],
  ].join("\n");
  const bytes = Buffer.from(hkdfSync("sha256", hex(shared), hex(identity.pairKey), info, 104));
  const { aCipher, aMac, bCipher, bMac, confirm } = keys;
  expect(bytes.subarray(0, 96).toString("hex")).toBe(aCipher + aMac + bCipher + bMac + confirm);
  expect(String(bytes.readBigUInt64BE(96) % 100_000_000n).padStart(8, "0")).toBe(
    keys.safetyCode.replace(" ", ""),
  );
  packets.forEach(({ kind, text, packet }, counter) => {
    const sealed = Buffer.from(packet, "hex");
    const iv = Buffer.alloc(16);
    iv.writeBigUInt64BE(BigInt(counter));
    const body = sealed.subarray(13, -16);
    const plain = createDecipheriv("aes-128-ctr", hex(aCipher), iv).update(body);
    expect(plain[0]).toBe(kind === "game" ? 0 : 1);
    expect(plain.subarray(1).toString()).toBe(text);
    expect(sealed.subarray(0, 13).toString("hex")).toBe(`ec${link}${counter.toString(16).padStart(12, "0")}`);
    expect(Buffer.from(cmac(hex(aMac), sealed.subarray(0, -16)))).toEqual(sealed.subarray(-16));
  });
});

test("a packet with any bit turned is dropped, and the real one comes through after it", () => {
  const { a, b } = ends();
  const packet = a.seal("game", new Uint8Array(20)) ?? new Uint8Array(0);
  for (let bit = 0; bit < packet.length * 8; bit++) {
    const turned = packet.slice();
    turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(b.open(turned)).toBe("forged");
  }
  for (let length = 0; length < packet.length; length++)
    expect(b.open(packet.subarray(0, length))).toBe("forged");
  expect(b.open(packet)).toMatchObject({ kind: "game" });
});

test("a packet counts once, our own do not come back to us, and one that is thousands late is dropped", () => {
  const { a, b } = ends();
  const packets = Array.from(
    { length: 3_000 },
    (_, i) => a.seal("game", Uint8Array.of(i & 255)) ?? new Uint8Array(0),
  );
  const [first, second, ...rest] = packets;
  if (!first || !second) throw new Error("no packets");
  expect(a.open(first)).toBe("forged");
  for (const packet of rest.slice(0, 1_000).reverse()) expect(b.open(packet)).toMatchObject({ kind: "game" });
  expect(b.open(second)).toMatchObject({ kind: "game" });
  for (const packet of rest.slice(0, 1_000)) expect(b.open(packet)).toBe("replayed");
  for (const packet of rest.slice(1_000)) expect(b.open(packet)).toMatchObject({ kind: "game" });
  expect(b.open(first)).toBe("replayed");
  for (const packet of packets) expect(b.open(packet)).toBe("replayed");
});

test("the window takes each counter once, and none that is too old, as the plain rule says", () => {
  const window = new CounterWindow();
  const taken = new Set<number>();
  let highest = -1;
  let seed = 5;
  for (let i = 0; i < 20_000; i++) {
    seed = (seed * 48_271) % 2_147_483_647;
    const jump = seed % 100 === 0 ? 5_000 : 40;
    const counter = Math.max(0, highest + (seed % (2 * jump)) - (seed % 7 === 0 ? 1_200 : jump));
    const isNew = counter > highest || (counter > highest - 1_024 && !taken.has(counter));
    expect(window.isNew(counter)).toBe(isNew);
    if (!isNew) continue;
    window.take(counter);
    taken.add(counter);
    highest = Math.max(highest, counter);
  }
});

test("another commitment, another client, another pair key, or a secret that one of the two lacks: other keys", () => {
  const [a, b] = [nodeCrypto.newKeyPair(), nodeCrypto.newKeyPair()];
  const identity = identityOf(nodeCrypto, a, b);
  const derive = (other: LinkIdentity, secret?: string) =>
    deriveLinkKeys(nodeCrypto, other, a, b.publicKey, secret);
  const { clients } = identity;
  const all = [
    derive(identity),
    derive(identity, ""),
    derive(identity, "from the invitation"),
    derive({ ...identity, link: "0123456789ac" }),
    derive({ ...identity, pairKey: new Uint8Array(16) }),
    derive({ ...identity, clients: { ...clients, a: { ...clients.a, clientId: "CCCCCCCCCCCCCCCC" } } }),
    derive({ ...identity, clients: { ...clients, a: { ...clients.a, features: ["links"] } } }),
    derive({ ...identity, clients: { ...clients, b: { ...clients.b, commitment: "x" } } }),
  ].map((keys) => Buffer.from(keys?.from.a.cipher ?? []).toString("hex"));
  expect(new Set(all).size).toBe(all.length);
  expect(derive(identity, "s")).toEqual(deriveLinkKeys(nodeCrypto, identity, b, a.publicKey, "s"));
  expect(deriveLinkKeys(nodeCrypto, identity, a, new Uint8Array(32))).toBeNull();
});

test("who is between the two has another safety code with each of them", () => {
  const [a, m, b] = [nodeCrypto.newKeyPair(), nodeCrypto.newKeyPair(), nodeCrypto.newKeyPair()];
  const toA = deriveLinkKeys(nodeCrypto, identityOf(nodeCrypto, a, m), a, m.publicKey);
  const toB = deriveLinkKeys(nodeCrypto, identityOf(nodeCrypto, m, b), b, m.publicKey);
  expect(toA?.safetyCode).not.toBe(toB?.safetyCode);
});
