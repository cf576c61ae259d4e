/** A link of the small client: checks, the relay, sealed packets, the reliable stream, and one rule that it breaks. */
import { randomBytes } from "node:crypto";
import type { Socket } from "node:dgram";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { isSigned, signPacket } from "../../client/link/signing.ts";
import { isSignedWith, signDatagram } from "../../client/udp/signing.ts";
import { forged } from "../../conformance/kit-link.ts";
import type { RuleCode } from "../../conformance/rules.ts";
import type { Side } from "../../core/relay/ticket.ts";
import { ReliableStream } from "../../core/reliable/stream.ts";
import { deriveLinkKeys, type LinkKeys } from "../../core/sealing/keys.ts";
import type { KeyPair } from "../../core/sealing/primitives.ts";
import { Sealing } from "../../core/sealing/sealed.ts";
import {
  linkNumber,
  linkOf,
  packetKinds,
  readSigned,
  type SignedKind,
  writeData,
} from "../../core/wire/peer-packet.ts";
import type { SignedDatagram } from "../../core/wire/signed-datagram.ts";

export type ToldPeer = {
  clientId: string;
  port: number;
  proven: boolean;
  link: { id: string; key: string; side: Side };
  relay?: { port: number; ticket: string; key: string; lifeMs: number };
  commitment?: string;
  features?: string[];
};
type Parts = {
  own: { id: string; features: string[]; keys: KeyPair };
  udp: Socket;
  cookie: string | undefined;
  say: (method: string, payload: Record<string, unknown>) => void;
  flaw: RuleCode | null;
};

const ip = "127.0.0.1";
/** Milliseconds after which nobody hopes for a path any more. */
const oldMs = 10_000;

export class SmallLink {
  readonly #told: ToldPeer;
  readonly #parts: Parts;
  readonly #number: number;
  readonly #mac: (bytes: Uint8Array) => Uint8Array;
  readonly #openedAt = performance.now();
  readonly #sent = new Map<number, number>();
  readonly #heard = new Set<number>();
  /** Ports from which a check or an answer came, and those with an answer. */
  readonly #known = new Set<number>();
  readonly #proven = new Set<number>();
  #keys: LinkKeys | null = null;
  #peerKey: Uint8Array | null = null;
  #sealing: Sealing | null = null;
  readonly #stream: ReliableStream;
  #next = 1;
  #isOver = false;
  #checkedAt = 0;
  #boundAt = 0;
  #renewedAt: number;
  #lifeMs: number;
  #ticket: { ticket: string; key: string } | null;
  #cookie: string | undefined;
  readonly #nonce = randomBytes(9).toString("base64url");
  #isPeerBound = false;

  constructor(told: ToldPeer, parts: Parts) {
    this.#told = told;
    this.#parts = parts;
    this.#number = linkNumber(told.link.id);
    this.#mac = nodeCrypto.hmacSha256(Buffer.from(told.link.key, "base64url"));
    this.#ticket = told.relay ?? null;
    this.#cookie = parts.cookie;
    this.#renewedAt = performance.now();
    this.#lifeMs = told.relay?.lifeMs ?? Number.POSITIVE_INFINITY;
    this.#stream = new ReliableStream(performance.now());
    this.#stream.changePath(null, 1e6, performance.now());
  }

  #breaks(code: RuleCode): boolean {
    return this.#parts.flaw === code;
  }

  get peerId(): string {
    return this.#told.clientId;
  }

  get path(): "direct" | "relay" | null {
    if (this.#proven.has(this.#told.port)) return "direct";
    return this.#proven.size > 0 ? "relay" : null;
  }

  get isOld(): boolean {
    return performance.now() - this.#openedAt > oldMs;
  }

  close(): void {
    this.#isOver = true;
  }

  isFor(bytes: Uint8Array): boolean {
    return linkOf(bytes) === this.#number;
  }

  renew(ticket: { ticket: string; key: string }, lifeMs: number): void {
    if (!ticket.ticket.startsWith(this.#told.link.id)) return;
    this.#ticket = ticket;
    this.#lifeMs = lifeMs;
    this.#bind();
  }

  tick(now: number): void {
    if (this.#isOver) return;
    const { relay, port, proven } = this.#told;
    if (now - this.#checkedAt > (this.#proven.has(port) ? 1_000 : 90) && !this.#breaks("no_check")) {
      this.#checkedAt = now;
      if (proven || this.#sent.size < 5) this.#check(port);
      if (relay && this.#isPeerBound && !this.#breaks("no_relay")) this.#check(relay.port);
    }
    const pause = this.#isPeerBound ? (this.#breaks("no_rebind") ? 60_000 : 9_500) : 500;
    if (relay && now - this.#boundAt > pause) this.#bind();
    if (relay && now - this.#renewedAt > 0.6 * this.#lifeMs && !this.#breaks("no_renewal")) {
      this.#renewedAt = now;
      this.#parts.say("ptpRelay_renew", {
        tickets: [{ ticket: this.#ticket?.ticket, key: this.#ticket?.key }],
      });
    }
    if (this.#stream.wakeAt(now) <= now) this.#stream.tick(now);
    this.#flush();
  }

  #send(bytes: Uint8Array, port: number): void {
    this.#parts.udp.send(bytes, port, ip);
  }

  #bind(): void {
    if (!this.#told.relay || !this.#ticket || this.#breaks("no_bind")) return;
    this.#boundAt = performance.now();
    const { ticket, key } = this.#ticket;
    const nonce = this.#breaks("wrong_bind") ? "short" : this.#nonce;
    const bind = signDatagram(key, "ptpRelay_bind", { ticket, nonce, cookie: this.#cookie });
    this.#parts.udp.send(bind, this.#told.relay.port, ip);
  }

  hearRelay(signed: SignedDatagram): void {
    const { method, payload } = signed;
    if (payload.nonce !== this.#nonce || !isSignedWith(this.#ticket?.key ?? "", signed)) return;
    if (method === "ptpRelay_challenge") {
      this.#cookie = String(payload.cookie);
      this.#bind();
    } else if (method === "ptpRelay_bound") this.#isPeerBound = payload.peer === true;
  }

  #check(port: number): void {
    // With each check: the first one may come before the peer knows the link.
    if (this.#breaks("unknown_packet")) this.#send(Buffer.from("hello"), port);
    const isSafe = (this.#told.proven && port === this.#told.port) || port === this.#told.relay?.port;
    const skips = () => (isSafe || this.#breaks("foretold_number") ? 0 : 64 + randomBytes(2).readUInt16BE());
    this.#next += skips();
    const number = this.#breaks("number_again") ? 7 : this.#next++;
    this.#next += skips();
    this.#sent.set(number, port);
    this.#send(this.#signed("check", number), port);
  }

  #signed(kind: SignedKind, number: number): Uint8Array {
    const { side } = this.#told.link;
    const other = side === "a" ? "b" : "a";
    const own = this.#breaks("wrong_key")
      ? nodeCrypto.newKeyPair().publicKey
      : this.#parts.own.keys.publicKey;
    const publicKey = this.#told.commitment && !this.#breaks("no_key") ? own : undefined;
    const isConfirmed = kind === "answer" && this.#keys && !this.#breaks("unconfirmed_answer");
    const mac = isConfirmed && this.#keys ? nodeCrypto.hmacSha256(this.#keys.confirm) : this.#mac;
    const packet = signPacket(mac, {
      kind,
      link: this.#number,
      side: this.#breaks("wrong_side") ? other : side,
      number,
      publicKey,
    });
    return this.#breaks("wrong_mac") ? forged(packet) : packet;
  }

  hear(bytes: Buffer, port: number): void {
    if (this.#isOver && !this.#breaks("talks_after_farewell")) return;
    if (bytes[0] === packetKinds.data || bytes[0] === packetKinds.sealed) {
      if (this.#known.has(port) || this.#breaks("takes_strangers_data")) this.#take(bytes, port);
    } else this.#hearSigned(bytes, port);
  }

  #hearSigned(bytes: Buffer, port: number): void {
    const packet = readSigned(bytes) ?? (this.#breaks("answers_huge_number") ? hugeOf(bytes) : null);
    if (!packet) return;
    const { kind, number, side, publicKey } = packet;
    if (side === this.#told.link.side && !this.#breaks("answers_own_side")) return;
    if (this.#told.commitment && kind !== "farewell" && !this.#agree(publicKey)) return;
    const isConfirmed = this.#keys && isSigned(nodeCrypto.hmacSha256(this.#keys.confirm), bytes);
    const isLinks = isSigned(this.#mac, bytes);
    if (
      kind === "answer" && this.#keys
        ? !isConfirmed && !(isLinks && this.#breaks("takes_unconfirmed"))
        : !isLinks
    )
      if (!this.#breaks("answers_forged")) return;
    if (kind === "answer") {
      if (this.#sent.get(number) !== port) return;
      this.#known.add(port);
      this.#proven.add(port);
      return;
    }
    if (this.#heard.has(number) && !this.#breaks("answers_replay")) return;
    this.#heard.add(number);
    if (kind === "farewell") {
      this.#isOver = true;
      return;
    }
    const isNew = !this.#known.has(port);
    this.#known.add(port);
    if (this.#breaks("unanswered_check")) return;
    const answered = this.#breaks("wrong_answer") ? number + 1_000_000 : number;
    this.#send(number > 2 ** 53 ? hugeAnswer(bytes, this.#mac) : this.#signed("answer", answered), port);
    const isMapped = port === this.#told.port || port === this.#told.relay?.port;
    if (isNew && !isMapped && !this.#breaks("ignores_new_address")) this.#check(port);
  }

  #agree(publicKey: Uint8Array | undefined): boolean {
    const { commitment = "", clientId, features = [], link } = this.#told;
    if (!publicKey) return false;
    if (this.#peerKey) return Buffer.from(this.#peerKey).equals(publicKey);
    const hash = Buffer.from(nodeCrypto.sha256(publicKey)).toString("base64url");
    if (hash !== commitment && !this.#breaks("takes_wrong_key")) return false;
    const { id, features: ownFeatures, keys } = this.#parts.own;
    const commitmentOf = (key: Uint8Array) => Buffer.from(nodeCrypto.sha256(key)).toString("base64url");
    const us = { clientId: id, features: ownFeatures, commitment: commitmentOf(keys.publicKey) };
    const them = { clientId, features, commitment };
    const careless: KeyPair = { ...keys, agree: (key) => keys.agree(key) ?? new Uint8Array(32) };
    const derived = deriveLinkKeys(
      nodeCrypto,
      {
        link: link.id,
        pairKey: Buffer.from(link.key, "base64url"),
        clients: link.side === "a" ? { a: us, b: them } : { a: them, b: us },
      },
      this.#breaks("takes_zero_key") ? careless : keys,
      publicKey,
    );
    if (!derived) return false;
    this.#keys = derived;
    this.#peerKey = publicKey.slice();
    this.#sealing = this.#newSealing();
    if (this.#breaks("counter_gap"))
      for (let i = 0; i < 1_000; i++) this.#sealing?.seal("game", new Uint8Array(1));
    return true;
  }

  #newSealing(): Sealing | null {
    return this.#keys && new Sealing(nodeCrypto, this.#number, this.#told.link.side, this.#keys);
  }

  #take(bytes: Buffer, port: number): void {
    if (bytes[0] === packetKinds.data) {
      if (!this.#told.commitment || this.#breaks("takes_unsealed")) this.#echo(bytes.subarray(7), port);
      return;
    }
    const sealing = this.#breaks("takes_replay") ? this.#newSealing() : this.#sealing;
    let opened = sealing?.open(bytes);
    if (opened === "forged" && this.#breaks("takes_forged")) opened = sealing?.open(forged(bytes));
    if (typeof opened !== "object") return;
    if (opened.kind === "game") this.#echo(opened.bytes, port);
    if (opened.kind !== "reliable") return;
    this.#stream.hear(opened.bytes, performance.now());
    for (const message of this.#stream.messages.splice(0)) {
      const changed = this.#breaks("message_changed") && message.length > 0;
      if (!this.#breaks("message_lost"))
        this.#stream.push(changed ? message.map((byte) => byte ^ 1) : message, performance.now());
    }
    this.#flush();
  }

  #echo(payload: Uint8Array, port: number): void {
    if (this.#breaks("no_data")) return;
    const to = this.#proven.has(port) ? port : [...this.#proven][0];
    if (to !== undefined) this.#sendData("game", payload, to);
  }

  #sendData(kind: "game" | "reliable", payload: Uint8Array, port: number): void {
    const isClear = !this.#told.commitment || this.#breaks("unsealed_data");
    const sealing = this.#breaks("counter_again") ? this.#newSealing() : this.#sealing;
    const packet = isClear ? writeData(this.#number, payload) : sealing?.seal(kind, payload);
    if (packet) this.#send(this.#breaks("wrong_tag") ? forged(packet) : packet, port);
  }

  #flush(): void {
    const [port] = this.#proven;
    if (port === undefined) return;
    const send = (bytes: Uint8Array) => this.#sendData("reliable", bytes, port);
    for (const packet of this.#stream.packets.splice(0)) {
      if (packet[0] === 2 && this.#breaks("no_acknowledgement")) continue;
      if (packet[0] === 2 && this.#breaks("wrong_acknowledgement")) send(Uint8Array.of(2, 0, 1, 0, 0));
      if (this.#breaks("malformed_stream")) send(Uint8Array.of(9, 0, 0, 0, 0));
      if (this.#breaks("window_exceeded")) send(Uint8Array.of(1, 0, 1, 0, 0, 1));
      send(packet);
      if (packet[0] !== 2 && this.#breaks("segment_changed")) {
        // Again and again: some are lost on the way.
        for (let i = 1; i < 5; i++)
          send(packet.map((byte, at) => (at === packet.length - 1 ? byte ^ i : byte)));
      }
    }
  }
}

/** A check with a number that nobody may have, as a careless client reads it. */
function hugeOf(bytes: Uint8Array): ReturnType<typeof readSigned> {
  const small = Uint8Array.from(bytes);
  small[8] = 0;
  small[9] = 0;
  const packet = readSigned(small);
  return packet && { ...packet, number: 2 ** 60 };
}

/** The answer to it. */
function hugeAnswer(check: Uint8Array, mac: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  const answer = Uint8Array.from(check);
  answer[0] = packetKinds.answer;
  answer[7] = (answer[7] ?? 0) ^ 1;
  answer.set(mac(answer.subarray(0, -16)).subarray(0, 16), answer.length - 16);
  return answer;
}
