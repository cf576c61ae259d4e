/** What encryption is built of. Node and browsers have it in different forms; both give it in this one. All of it is synchronous. */

export type Primitives = {
  sha256(bytes: Uint8Array): Uint8Array;
  /** HMACs under this key, 32 bytes each. */
  hmacSha256(key: Uint8Array): (bytes: Uint8Array) => Uint8Array;
  /** AES-128 under one key of 16 bytes. */
  aes(key: Uint8Array): Aes;
  /** A new X25519 pair of keys. */
  newKeyPair(): KeyPair;
};

export type Aes = {
  /** Encrypts each block of 16 bytes by itself (ECB). */
  blocks(plain: Uint8Array): Uint8Array;
  /** The last block of the CBC encryption under a zero IV, of whole blocks. Their memory may be changed. */
  chained(plain: Uint8Array): Uint8Array;
};

export type KeyPair = {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The secret shared with the owner of that key, 32 bytes; null for a key that gives everybody the same one. */
  agree(publicKey: Uint8Array): Uint8Array | null;
};
