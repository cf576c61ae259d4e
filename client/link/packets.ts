/** How the packets of one link are written, proved and read. */
import type { Cause } from "../../core/link/cause.ts";
import type { Side } from "../../core/relay/ticket.ts";
import type { PayloadKind } from "../../core/sealing/sealed.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import {
  dataHeaderBytes,
  packetKinds,
  readSigned,
  type SignedKind,
  writeData,
} from "../../core/wire/peer-packet.ts";
import type { Mac } from "../crypto/crypto.ts";
import { isSigned, signPacket } from "./signing.ts";

/** What a packet was for. `kind`: the game, its reliable stream, or that of the SDK itself. */
export type Payload = { readonly kind: PayloadKind; readonly bytes: Uint8Array };

/** Written once for each link, so it may keep counters and windows. Nothing here throws for what a stranger sends. */
export interface LinkPackets {
  /** Whether nobody between the two ends can read what they send. */
  readonly isEncrypted: boolean;
  /** The digits that both ends have, as soon as they know each other's keys; null for a link that is not encrypted. */
  readonly safetyCode: string | null;
  /** Packets that came and were dropped: those that nobody who knows the keys has sent, and those that had come before. */
  readonly dropped: Readonly<Record<"forged" | "replayed", number>>;
  /** What keeps the two ends from being connected, if packets have shown it. */
  readonly cause: Cause | null;
  /** A check, an answer or a farewell of ours. */
  signed(kind: SignedKind, number: number): Uint8Array;
  /** The peer's check, answer or farewell. Null for what the peer has not signed, or what is our own. */
  readSigned(bytes: Uint8Array): { kind: SignedKind; number: number } | null;
  /** A packet for the peer. The payload is copied. Null if it cannot be sent. */
  data(kind: PayloadKind, payload: Uint8Array): Uint8Array | null;
  /** What is for us. Null for what is not as the peer's `data` makes it. */
  readData(bytes: Uint8Array): Payload | null;
}

/** For a peer whose client does not encrypt. Checks are signed with the pair's key, packets of the game are as the game gives them. */
export class PlainPackets implements LinkPackets {
  readonly isEncrypted = false;
  readonly safetyCode = null;
  readonly cause = null;
  readonly dropped = { forged: 0, replayed: 0 };
  readonly #mac: Mac;
  readonly #link: number;
  readonly #side: Side;

  constructor(mac: Mac, link: number, side: Side) {
    this.#mac = mac;
    this.#link = link;
    this.#side = side;
  }

  signed(kind: SignedKind, number: number): Uint8Array {
    return signPacket(this.#mac, { kind, link: this.#link, side: this.#side, number });
  }

  readSigned(bytes: Uint8Array): { kind: SignedKind; number: number } | null {
    const packet = readSigned(bytes);
    // One of our own side was sent back to us, by whomever.
    if (packet && packet.side !== this.#side && isSigned(this.#mac, bytes)) return packet;
    this.dropped.forged += 1;
    return null;
  }

  data(kind: PayloadKind, payload: Uint8Array): Uint8Array | null {
    return kind === "game" ? writeData(this.#link, payload) : null;
  }

  readData(bytes: Uint8Array): Payload | null {
    const length = bytes.length - dataHeaderBytes;
    if (bytes[0] !== packetKinds.data || length > wireLimits.gamePacketBytes) return null;
    return {
      kind: "game",
      bytes: new Uint8Array(bytes.buffer, bytes.byteOffset + dataHeaderBytes, length),
    };
  }
}
