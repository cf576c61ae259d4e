/**
 * How the two ends of a link agree on keys. Each has a new X25519 pair of keys for each mediation.
 *
 * 1. Each says SHA-256 of its public key to the lobby (the commitment), before it knows any peer's.
 * 2. The introduction tells each the other's commitment.
 * 3. Each sends its public key to the other, in its checks and answers. A key that does not fit the commitment is no key.
 * 4. An answer is signed with what both have derived: so the check that it answers has proved that they have the same keys.
 *
 * Who listens on the way, and the relay, know neither secret. The server, which passes the commitments on, could put itself between the two. But
 * it must give each of them a commitment before it sees the key of the other. So it cannot choose keys that lead to one safety code for both:
 * players who read the code to each other find it out, except once in 100 million times. A secret that came with the invitation, and that the
 * server never saw, keeps it out altogether.
 */
import type { Side } from "../relay/ticket.ts";
import type { KeyPair, Primitives } from "./primitives.ts";

/** What both ends know of a link, from the lobby. */
export type LinkIdentity = {
  /** The link's id: 12 hex digits, drawn anew for each mediation and pair. */
  readonly link: string;
  /** 16 bytes that the lobby gave the pair. */
  readonly pairKey: Uint8Array;
  readonly clients: Readonly<Record<Side, LinkClient>>;
};

/** `features`: what it has said that it can do. A server that leaves one of them out, so that something worse is used, keeps the two apart. */
export type LinkClient = {
  readonly clientId: string;
  readonly commitment: string;
  readonly features: readonly string[];
};

/** Keys of 16 bytes, for what one end sends. */
export type DirectionKeys = { readonly cipher: Uint8Array; readonly mac: Uint8Array };
export type LinkKeys = {
  readonly from: Readonly<Record<Side, DirectionKeys>>;
  /** 32 bytes. Signs answers. */
  readonly confirm: Uint8Array;
  /** Eight digits that are the same at both ends, if nobody is between them: `1234 5678`. */
  readonly safetyCode: string;
};

const label = "orion-edge link 1";
/** Those that count, in this order. Of later ones one of the two may not know. */
const boundFeatures = ["links", "pings", "ws-relay", "webrtc", "encrypted"];
const encoder = new TextEncoder();
const keyBytes = 16;
const confirmBytes = 32;
/** Four keys, the one that signs answers, and the number of the safety code. */
const derivedBytes = 4 * keyBytes + confirmBytes + 8;

/**
 * The keys of a link, or null if the peer's public key cannot be used. `secret`: what the invitation said and the server never saw; both or none
 * of the two have it, else they have different keys.
 */
export function deriveLinkKeys(
  primitives: Primitives,
  { link, pairKey, clients }: LinkIdentity,
  own: KeyPair,
  peerKey: Uint8Array,
  secret?: string,
): LinkKeys | null {
  const shared = own.agree(peerKey);
  if (!shared) return null;
  const parts = [
    label,
    link,
    ...partsOf(clients.a),
    ...partsOf(clients.b),
    secret === undefined ? "open" : "secret",
  ];
  const info = encoder.encode(parts.join("\n"));
  const material = secret === undefined ? shared : joined(shared, encoder.encode(secret));
  const bytes = expand(primitives, primitives.hmacSha256(pairKey)(material), info);
  const keyAt = (place: number) => bytes.slice(place * keyBytes, (place + 1) * keyBytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset + 4 * keyBytes + confirmBytes);
  const digits = String(view.getBigUint64(0) % 100_000_000n).padStart(8, "0");
  return {
    from: { a: { cipher: keyAt(0), mac: keyAt(1) }, b: { cipher: keyAt(2), mac: keyAt(3) } },
    confirm: bytes.slice(4 * keyBytes, 4 * keyBytes + confirmBytes),
    safetyCode: `${digits.slice(0, 4)} ${digits.slice(4)}`,
  };
}

function partsOf({ clientId, commitment, features }: LinkClient): string[] {
  return [clientId, commitment, boundFeatures.filter((feature) => features.includes(feature)).join(",")];
}

/** The second half of HKDF (RFC 5869). */
function expand({ hmacSha256 }: Primitives, key: Uint8Array, info: Uint8Array): Uint8Array {
  const result = new Uint8Array(derivedBytes);
  const mac = hmacSha256(key);
  let block: Uint8Array = new Uint8Array(0);
  for (let at = 0, i = 1; at < derivedBytes; at += block.length, i++) {
    block = mac(joined(block, info, Uint8Array.of(i)));
    result.set(block.subarray(0, derivedBytes - at), at);
  }
  return result;
}

function joined(...parts: Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
