/** AES-CMAC (RFC 4493), by a CBC that engines have: one call for each packet. */
import type { Aes } from "./primitives.ts";

const blockBytes = 16;

export class Cmac {
  readonly #aes: Aes;
  /** For a last block that is whole, and for one that was filled up. */
  readonly #whole: Uint8Array;
  readonly #filled: Uint8Array;

  constructor(aes: Aes) {
    this.#aes = aes;
    this.#whole = doubled(aes.blocks(new Uint8Array(blockBytes)));
    this.#filled = doubled(this.#whole);
  }

  /** The mac of the first `length` bytes, 16 bytes. The memory after them is used: it must reach to the end of the block. */
  of(bytes: Uint8Array, length: number): Uint8Array {
    const end = Math.max(blockBytes, Math.ceil(length / blockBytes) * blockBytes);
    const isWhole = length === end;
    const mask = isWhole ? this.#whole : this.#filled;
    if (!isWhole) {
      bytes.fill(0, length, end);
      bytes[length] = 0x80;
    }
    for (let i = 0; i < blockBytes; i++) {
      const at = end - blockBytes + i;
      bytes[at] = (bytes[at] ?? 0) ^ (mask[i] ?? 0);
    }
    return this.#aes.chained(bytes.subarray(0, end));
  }
}

/** Twice this element of GF(2^128). */
function doubled(block: Uint8Array): Uint8Array {
  const result = new Uint8Array(blockBytes);
  for (let i = 0; i < blockBytes; i++) result[i] = ((block[i] ?? 0) << 1) | ((block[i + 1] ?? 0) >> 7);
  if (((block[0] ?? 0) & 0x80) !== 0) result[blockBytes - 1] = (result[blockBytes - 1] ?? 0) ^ 0x87;
  return result;
}
