/** The cryptography of links, as Node has it. */
import {
  createCipheriv,
  createHash,
  createHmac,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
} from "node:crypto";
import type { Aes, KeyPair } from "../../core/sealing/primitives.ts";
import type { LinkCrypto } from "./crypto.ts";

const blockBytes = 16;

export const nodeCrypto: LinkCrypto = {
  randomBytes: (count) => randomBytes(count),
  sha256: (bytes) => createHash("sha256").update(bytes).digest(),
  hmacSha256: (key) => {
    const secret = createSecretKey(key);
    return (bytes) => createHmac("sha256", secret).update(bytes).digest();
  },
  aes: newAes,
  newKeyPair,
};

/** Ciphers are made once: to make one costs more than to encrypt a packet. */
function newAes(key: Uint8Array): Aes {
  const ecb = createCipheriv("aes-128-ecb", key, null).setAutoPadding(false);
  const cbc = createCipheriv("aes-128-cbc", key, new Uint8Array(blockBytes)).setAutoPadding(false);
  /** The cipher adds it to the block that comes next: added once more, it is as if the chain began anew. */
  let last = new Uint8Array(blockBytes);
  return {
    blocks: (plain) => ecb.update(plain),
    chained: (plain) => {
      for (let i = 0; i < blockBytes; i++) plain[i] = (plain[i] ?? 0) ^ (last[i] ?? 0);
      const chain = cbc.update(plain);
      last = new Uint8Array(chain.subarray(chain.length - blockBytes));
      return last;
    },
  };
}

function newKeyPair(): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync("x25519");
  return {
    publicKey: new Uint8Array(Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url")),
    agree: (peer) => {
      try {
        const x = Buffer.from(peer).toString("base64url");
        const other = createPublicKey({ key: { kty: "OKP", crv: "X25519", x }, format: "jwk" });
        return diffieHellman({ privateKey, publicKey: other });
      } catch {
        // The key has a small order, or is none.
        return null;
      }
    },
  };
}
