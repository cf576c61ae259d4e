/**
 * noray's lines, out of a stream of bytes that is cut anywhere. A line ends with LF, CRLF or CR, as with the original. The
 * reader holds one line at most, and leaves out a line that is too long.
 */
import { norayLimits } from "./limits.ts";

const lf = 10;
const cr = 13;

export class LineReader {
  /** Lines that were left out because they were too long. */
  tooLong = 0;
  readonly #mostBytes: number;
  readonly #decoder = new TextDecoder();
  #held = new Uint8Array(0);
  /** The line that comes in is too long: leave out the rest of it. */
  #isSkipping = false;

  constructor(mostBytes: number = norayLimits.norayLineBytes) {
    this.#mostBytes = mostBytes;
  }

  /** Bytes of the line that has yet to end. */
  get heldBytes(): number {
    return this.#held.length;
  }

  /**
   * The lines that end in these bytes, without their ends. Empty lines are left out. Bytes that are no UTF-8 come as U+FFFD. Each line is
   * made when it is asked for: whoever asks for no more of them reads no further bytes at all.
   */
  *read(bytes: Uint8Array): Generator<string, void> {
    let start = 0;
    for (let at = 0; at < bytes.length; at++) {
      if (bytes[at] !== lf && bytes[at] !== cr) continue;
      if (at > start) this.#hold(bytes.subarray(start, at));
      start = at + 1;
      if (this.#held.length > 0 || this.#isSkipping) yield* this.end();
    }
    this.#hold(bytes.subarray(start));
  }

  /** The line that was cut by the end of the stream, if there is one. The original carries it out. */
  end(): string[] {
    const held = this.#held;
    const isSkipping = this.#isSkipping;
    this.#held = new Uint8Array(0);
    this.#isSkipping = false;
    return held.length === 0 || isSkipping ? [] : [this.#decoder.decode(held)];
  }

  #hold(bytes: Uint8Array): void {
    if (this.#isSkipping || bytes.length === 0) return;
    const length = this.#held.length + bytes.length;
    if (length > this.#mostBytes) {
      this.tooLong += 1;
      this.#held = new Uint8Array(0);
      this.#isSkipping = true;
      return;
    }
    const held = new Uint8Array(length);
    held.set(this.#held);
    held.set(bytes, this.#held.length);
    this.#held = held;
  }
}
