/** Packets of a link that is encrypted: checks carry public keys, all else is sealed with what the two ends agree on (core/sealing/). */

import type { Cause } from "../../core/link/cause.ts";
import type { Side } from "../../core/relay/ticket.ts";
import { deriveLinkKeys, type LinkIdentity } from "../../core/sealing/keys.ts";
import type { KeyPair } from "../../core/sealing/primitives.ts";
import { type PayloadKind, Sealing } from "../../core/sealing/sealed.ts";
import { encodeBase64Url } from "../../core/wire/base64.ts";
import {
  linkNumber,
  packetKinds,
  readSigned,
  type SignedKind,
  type SignedPacket,
} from "../../core/wire/peer-packet.ts";
import type { LinkCrypto, Mac } from "../crypto/crypto.ts";
import type { LinkPackets, Payload } from "./packets.ts";
import { isSigned, signPacket } from "./signing.ts";

export type SealedOptions = {
  crypto: LinkCrypto;
  /** Ours. */
  side: Side;
  /** What the lobby told both ends. */
  identity: LinkIdentity;
  /** Ours for this mediation. */
  keys: KeyPair;
  /** What the invitation said, and the server does not know. */
  secret: string | undefined;
};

/** What a public key is announced by: base64url of its SHA-256. */
export function commitmentOf(crypto: LinkCrypto, publicKey: Uint8Array): string {
  return encodeBase64Url(crypto.sha256(publicKey));
}

type Agreed = { peerKey: Uint8Array; sealing: Sealing; confirm: Mac; safetyCode: string };

export class SealedPackets implements LinkPackets {
  readonly isEncrypted = true;
  readonly dropped = { forged: 0, replayed: 0 };
  readonly #options: SealedOptions;
  readonly #mac: Mac;
  readonly #link: number;
  /** What came of the peer's key, once it is known. */
  #agreed: Agreed | null = null;
  /** Whether the peer has committed itself to a key that cannot be used. It is not computed with again: each time costs more than all else. */
  #isHopeless = false;
  #cause: Cause | null = null;

  constructor(options: SealedOptions) {
    this.#options = options;
    this.#mac = options.crypto.hmacSha256(options.identity.pairKey);
    this.#link = linkNumber(options.identity.link);
  }

  get safetyCode(): string | null {
    return this.#agreed?.safetyCode ?? null;
  }

  get cause(): Cause | null {
    return this.#cause;
  }

  signed(kind: SignedKind, number: number): Uint8Array {
    const { side, keys } = this.#options;
    const publicKey = kind === "farewell" ? undefined : keys.publicKey;
    // A check was answered that had the peer's key: what was agreed on is known.
    const mac = kind === "answer" && this.#agreed ? this.#agreed.confirm : this.#mac;
    return signPacket(mac, { kind, link: this.#link, side, number, publicKey });
  }

  readSigned(bytes: Uint8Array): { kind: SignedKind; number: number } | null {
    const packet = readSigned(bytes);
    if (packet && packet.side !== this.#options.side && this.#isPeers(packet, bytes)) return packet;
    this.dropped.forged += 1;
    return null;
  }

  data(kind: PayloadKind, payload: Uint8Array): Uint8Array | null {
    return this.#agreed?.sealing.seal(kind, payload) ?? null;
  }

  readData(bytes: Uint8Array): Payload | null {
    // What is not encrypted is never taken for the peer's.
    const opened =
      bytes[0] === packetKinds.sealed && this.#agreed ? this.#agreed.sealing.open(bytes) : "forged";
    if (typeof opened === "object") return opened;
    this.dropped[opened] += 1;
    return null;
  }

  #isPeers(packet: SignedPacket, bytes: Uint8Array): boolean {
    switch (packet.kind) {
      case "farewell":
        return isSigned(this.#mac, bytes);
      case "check":
        return isSigned(this.#mac, bytes) && this.#agreeWith(packet) !== null;
      case "answer": {
        const agreed = this.#agreeWith(packet);
        if (!agreed) return false;
        if (isSigned(agreed.confirm, bytes)) return true;
        this.#cause = "keys-differ";
        return false;
      }
    }
  }

  /** What is agreed on with the peer, if this is its key: that to which it has committed itself, and the same each time. */
  #agreeWith({ publicKey }: SignedPacket): Agreed | null {
    if (!publicKey || this.#isHopeless) return null;
    if (this.#agreed)
      return this.#agreed.peerKey.every((byte, i) => byte === publicKey[i]) ? this.#agreed : null;
    const { crypto, side, identity, keys, secret } = this.#options;
    const { commitment } = identity.clients[side === "a" ? "b" : "a"];
    if (commitmentOf(crypto, publicKey) !== commitment) return null;
    const derived = deriveLinkKeys(crypto, identity, keys, publicKey, secret);
    if (!derived) {
      this.#isHopeless = true;
      return null;
    }
    this.#agreed = {
      peerKey: publicKey.slice(),
      sealing: new Sealing(crypto, this.#link, side, derived),
      confirm: crypto.hmacSha256(derived.confirm),
      safetyCode: derived.safetyCode,
    };
    return this.#agreed;
  }
}
