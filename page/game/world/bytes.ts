/** Numbers in bytes, one after another, in network order. */

/** A writer that stops at its bound: `isFull` says that something did not fit. */
export class ByteWriter {
  readonly #view: DataView<ArrayBuffer>;
  #at = 0;
  isFull = false;

  constructor(most: number) {
    this.#view = new DataView(new ArrayBuffer(most));
  }

  get length(): number {
    return this.#at;
  }

  u8(value: number): void {
    if (this.#room(1)) this.#view.setUint8(this.#at - 1, value);
  }

  u16(value: number): void {
    if (this.#room(2)) this.#view.setUint16(this.#at - 2, value);
  }

  u32(value: number): void {
    if (this.#room(4)) this.#view.setUint32(this.#at - 4, value);
  }

  text(value: Uint8Array): void {
    this.u8(value.length);
    for (const byte of value) this.u8(byte);
  }

  /** Forgets what was written after this length. */
  rewind(length: number): void {
    this.#at = length;
    this.isFull = false;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#view.buffer, 0, this.#at);
  }

  #room(bytes: number): boolean {
    if (this.isFull || this.#at + bytes > this.#view.byteLength) {
      this.isFull = true;
      return false;
    }
    this.#at += bytes;
    return true;
  }
}

/** A reader of what a stranger sent. Past the end it reads zeros, and `isBroken` says so. */
export class ByteReader {
  readonly #view: DataView;
  #at = 0;
  isBroken = false;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Whether everything was read, and nothing more. */
  get isDone(): boolean {
    return !this.isBroken && this.#at === this.#view.byteLength;
  }

  u8(): number {
    return this.#has(1) ? this.#view.getUint8(this.#at - 1) : 0;
  }

  u16(): number {
    return this.#has(2) ? this.#view.getUint16(this.#at - 2) : 0;
  }

  u32(): number {
    return this.#has(4) ? this.#view.getUint32(this.#at - 4) : 0;
  }

  text(): Uint8Array {
    const length = this.u8();
    if (!this.#has(length)) return new Uint8Array();
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + this.#at - length, length);
  }

  #has(bytes: number): boolean {
    if (this.isBroken || this.#at + bytes > this.#view.byteLength) {
      this.isBroken = true;
      return false;
    }
    this.#at += bytes;
    return true;
  }
}
