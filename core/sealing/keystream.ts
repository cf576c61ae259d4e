/**
 * The key stream of AES-CTR, for one direction of a link. The block that is encrypted is: 8 bytes of the packet's counter, 4 zero bytes,
 * and 4 bytes that count the packet's blocks. Packets come mostly in order. So the stream of several is made at once: a call into the system's
 * crypto costs more than the blocks. It is added in words: byte by byte takes longer than all else.
 */
import type { Aes } from "./primitives.ts";

const blockBytes = 16;
const wordsPerBlock = 4;
/** Packets whose stream is made at once. */
const ahead = 8;

export class Keystream {
  readonly #aes: Aes;
  readonly #packetWords: number;
  readonly #blocks: Uint8Array;
  readonly #view: DataView;
  /** What was made last, in words of the machine's own order. */
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  #first = Number.POSITIVE_INFINITY;

  /** `mostBytes`: of a packet. */
  constructor(aes: Aes, mostBytes: number) {
    this.#aes = aes;
    const perPacket = Math.ceil(mostBytes / blockBytes);
    this.#packetWords = perPacket * wordsPerBlock;
    this.#blocks = new Uint8Array(ahead * perPacket * blockBytes);
    this.#view = new DataView(this.#blocks.buffer);
    this.#bytes = new Uint8Array(this.#blocks.length);
    this.#words = new Uint32Array(this.#bytes.buffer);
    for (let i = 0; i < ahead * perPacket; i++) this.#view.setUint32(i * blockBytes + 12, i % perPacket);
  }

  /** Encrypts or decrypts the first `length` bytes of the packet with this counter, in place. `words` may be a few bytes longer, which mean nothing after. */
  apply(counter: number, words: Uint32Array, length: number): void {
    if (counter < this.#first || counter >= this.#first + ahead) this.#make(counter);
    const made = this.#words;
    const at = (counter - this.#first) * this.#packetWords;
    const count = (length + 3) >> 2;
    for (let i = 0; i < count; i++) words[i] = (words[i] as number) ^ (made[at + i] as number);
  }

  #make(first: number): void {
    const view = this.#view;
    const packetBytes = this.#packetWords * 4;
    for (let packet = 0; packet < ahead; packet++) {
      const counter = first + packet;
      const [high, low] = [Math.floor(counter / 2 ** 32), counter % 2 ** 32];
      for (let at = packet * packetBytes; at < (packet + 1) * packetBytes; at += blockBytes) {
        view.setUint32(at, high);
        view.setUint32(at + 4, low);
      }
    }
    this.#bytes.set(this.#aes.blocks(this.#blocks));
    this.#first = first;
  }
}
