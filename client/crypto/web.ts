/**
 * The cryptography of links, for pages. WebCrypto answers later, in no order that a packet could wait for: so it is computed here, by a library
 * (docs/decisions/025).
 */
import { cbc, ecb } from "@noble/ciphers/aes.js";
import { pow } from "@noble/curves/abstract/modular.js";
import { montgomery } from "@noble/curves/abstract/montgomery.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { LinkCrypto } from "./crypto.ts";

const blockBytes = 16;
const zero = new Uint8Array(blockBytes);
/** The prime of Curve25519 (RFC 7748, 4.1). */
const prime = 2n ** 255n - 19n;
/** X25519 by the ladder alone: the library's own has all of Ed25519 with it, four times as much (docs/decisions/026). */
const x25519 = montgomery({
  P: prime,
  type: "x25519",
  powPminus2: (x) => pow(x, prime - 2n, prime),
  // RFC 7748, 5.
  adjustScalarBytes: (bytes: Uint8Array) => {
    bytes[0] = (bytes[0] ?? 0) & 248;
    bytes[31] = ((bytes[31] ?? 0) & 127) | 64;
    return bytes;
  },
});

export const webCrypto: LinkCrypto = {
  randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
  sha256: (bytes) => sha256(bytes),
  hmacSha256: (key) => (bytes) => hmac(sha256, key, bytes),
  aes: (key) => ({
    blocks: (plain) => ecb(key, { disablePadding: true }).encrypt(plain),
    chained: (plain) => cbc(key, zero, { disablePadding: true }).encrypt(plain).slice(-blockBytes),
  }),
  newKeyPair: () => {
    const { secretKey, publicKey } = x25519.keygen();
    return {
      publicKey,
      agree: (peer) => {
        try {
          return x25519.getSharedSecret(secretKey, peer);
        } catch {
          // The key has a small order, or is none.
          return null;
        }
      },
    };
  },
};
