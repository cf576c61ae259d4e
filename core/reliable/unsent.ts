/**
 * Messages that are to be sent, cut into segments one by one. To push a message or to take a segment costs the same whether few messages wait or
 * many: a peer that acknowledges slowly makes many wait.
 */
import { reliableLimits } from "./limits.ts";

const { segmentBytes } = reliableLimits;

/** The next segment of a message. */
export type Cut = { readonly bytes: Uint8Array; readonly isLast: boolean };

/** How many segments a message takes. An empty one is a segment, too. */
export function segmentCount(message: Uint8Array): number {
  return Math.max(1, Math.ceil(message.length / segmentBytes));
}

export class Unsent {
  #messages: Uint8Array[] = [];
  /** Of the first message that is not all taken: where it is, and how many of its bytes are taken. */
  #at = 0;
  #taken = 0;

  push(message: Uint8Array): void {
    this.#messages.push(message);
  }

  /** The segment that is next. */
  get first(): Cut | undefined {
    const message = this.#messages[this.#at];
    if (!message) return undefined;
    const end = this.#taken + segmentBytes;
    return { bytes: message.subarray(this.#taken, end), isLast: end >= message.length };
  }

  /** Takes it. */
  take(): Cut | undefined {
    const { first } = this;
    if (!first) return undefined;
    this.#taken += segmentBytes;
    if (first.isLast) {
      this.#at += 1;
      this.#taken = 0;
      this.#forget();
    }
    return first;
  }

  /** Lets go of those that are taken, once they are as many as the others. */
  #forget(): void {
    if (2 * this.#at < this.#messages.length) return;
    this.#messages = this.#messages.slice(this.#at);
    this.#at = 0;
  }
}
