/**
 * Sealed packets: what a link carries, encrypted and authenticated from end to end, the same on every path.
 *
 * | bytes | |
 * | --- | --- |
 * | 1 + 6 | the kind, and the link's id |
 * | 6 | the sender's counter, from 0. No number is used twice, whatever path the packet takes |
 * | 1 | encrypted: what it is. 0 for a packet of the game, 1 for the reliable stream, 2 for that of the SDK itself |
 * | the rest | encrypted: the packet |
 * | 16 | the tag: AES-CMAC of all bytes before |
 *
 * Encrypted by AES-128-CTR (keystream.ts), then authenticated, with keys of its own for each direction (keys.ts). Every engine has AES by blocks and
 * by CBC, and no more is needed. 1 200 bytes of a game make 1 230: they pass where IPv6 passes.
 */
import type { Side } from "../relay/ticket.ts";
import { wireLimits } from "../wire/limits.ts";
import { sealedCounter, sealedHeaderBytes, tagBytes, writeSealedHeader } from "../wire/peer-packet.ts";
import { Cmac } from "./cmac.ts";
import { CounterWindow } from "./counter-window.ts";
import type { DirectionKeys, LinkKeys } from "./keys.ts";
import { Keystream } from "./keystream.ts";
import type { Primitives } from "./primitives.ts";

export const payloadKinds = { game: 0, reliable: 1, control: 2 } as const;
export type PayloadKind = keyof typeof payloadKinds;

/** Bytes that are encrypted at most: that byte, and a packet of the game. */
const plainBytes = 1 + wireLimits.gamePacketBytes;
/** With room for the last block of the mac. */
const roomBytes = sealedHeaderBytes + plainBytes + tagBytes;
/** No link lives so long that it would count farther. */
const lastCounter = 2 ** 48 - 1;

type Direction = { readonly stream: Keystream; readonly cmac: Cmac };
export type Opened = { readonly kind: PayloadKind; readonly bytes: Uint8Array };
/** Why a packet was dropped. */
export type Unopened = "forged" | "replayed";

/** What one end of a link seals and opens packets with. */
export class Sealing {
  readonly #link: number;
  readonly #out: Direction;
  readonly #in: Direction;
  #counter = 0;
  readonly #window = new CounterWindow();
  /** A whole packet, as its mac is made. */
  readonly #room = new Uint8Array(roomBytes);
  /** What is encrypted or decrypted, as bytes and as words. */
  readonly #body = new Uint8Array(4 * Math.ceil(plainBytes / 4));
  readonly #words = new Uint32Array(this.#body.buffer);

  constructor(primitives: Primitives, link: number, side: Side, { from }: LinkKeys) {
    this.#link = link;
    this.#out = directionOf(primitives, from[side]);
    this.#in = directionOf(primitives, from[side === "a" ? "b" : "a"]);
  }

  /** The packet for up to 1 200 bytes, in memory of its own. Null when the counter is used up: the link is over. */
  seal(kind: PayloadKind, bytes: Uint8Array): Uint8Array | null {
    if (this.#counter > lastCounter) return null;
    const counter = this.#counter++;
    const length = 1 + bytes.length;
    const end = sealedHeaderBytes + length;
    const room = this.#room;
    writeSealedHeader(room, this.#link, counter);
    this.#body[0] = payloadKinds[kind];
    this.#body.set(bytes, 1);
    this.#out.stream.apply(counter, this.#words, length);
    room.set(this.#body.subarray(0, length), sealedHeaderBytes);
    const packet = new Uint8Array(end + tagBytes);
    packet.set(room.subarray(0, end));
    packet.set(this.#out.cmac.of(room, end), end);
    return packet;
  }

  /** What is in a packet, in memory of its own; or why there is nothing. Only a genuine packet changes anything. */
  open(packet: Uint8Array): Opened | Unopened {
    const end = packet.length - tagBytes;
    if (end <= sealedHeaderBytes || end > sealedHeaderBytes + plainBytes) return "forged";
    const counter = sealedCounter(packet);
    if (!this.#window.isNew(counter)) return "replayed";
    const room = this.#room;
    room.set(packet.subarray(0, end));
    const tag = this.#in.cmac.of(room, end);
    let difference = 0;
    for (let i = 0; i < tagBytes; i++) difference |= (tag[i] ?? 0) ^ (packet[end + i] ?? 0);
    if (difference !== 0) return "forged";
    this.#window.take(counter);
    const length = end - sealedHeaderBytes;
    this.#body.set(packet.subarray(sealedHeaderBytes, end));
    this.#in.stream.apply(counter, this.#words, length);
    const kind = kindOf(this.#body[0]);
    // Of a later version: it is genuine, and says nothing to us.
    return kind ? { kind, bytes: this.#body.slice(1, length) } : "forged";
  }
}

function directionOf({ aes }: Primitives, { cipher, mac }: DirectionKeys): Direction {
  return { stream: new Keystream(aes(cipher), plainBytes), cmac: new Cmac(aes(mac)) };
}

function kindOf(byte: number | undefined): PayloadKind | null {
  if (byte === payloadKinds.game) return "game";
  if (byte === payloadKinds.reliable) return "reliable";
  return byte === payloadKinds.control ? "control" : null;
}
