/** The kit's end of a link to the client under test: it checks each packet that comes, and sends what its run wants, right or wrong. */
import { randomBytes } from "node:crypto";
import type { Socket } from "node:dgram";
import { nodeCrypto } from "../client/crypto/node.ts";
import { commitmentOf } from "../client/link/sealed-packets.ts";
import { isSigned, signPacket } from "../client/link/signing.ts";
import { signDatagram } from "../client/udp/signing.ts";
import type { Side } from "../core/relay/ticket.ts";
import { deriveLinkKeys } from "../core/sealing/keys.ts";
import { Sealing } from "../core/sealing/sealed.ts";
import type { IntroducedPeer } from "../core/wire/introduction.ts";
import {
  linkNumber,
  linkOf,
  packetKinds,
  readSigned,
  type SignedKind,
  sealedCounter,
  signedPacketBytes,
  writeData,
} from "../core/wire/peer-packet.ts";
import type { SignedDatagram } from "../core/wire/signed-datagram.ts";
import { openSocket } from "./datagram-line.ts";
import { type KitPlayer, newNonce } from "./kit-player.ts";
import type { Run } from "./run.ts";
import type { Via } from "./transcript.ts";
import type { Watch } from "./watch.ts";

type Endpoint = { ip: string; port: number };
type Agreed = { readonly sealing: Sealing; readonly confirm: (bytes: Uint8Array) => Uint8Array };

/** Milliseconds between two checks. */
const checkEveryMs = 100;
/** How a number below 2^48 begins. */
const noHugeNumber = Buffer.alloc(2);
/** Counters that may be missing: packets can be lost on the way. */
const mostMissing = 64;

export class KitLink {
  /** Whether it answers checks, and sends some of its own, on each way. */
  readonly talks: Record<Via, boolean> = { direct: true, relay: true };
  /** Signs answers with the link's key, as a client that does not encrypt. */
  answersUnconfirmed = false;
  /** The public key in its checks; its own unless a run puts another one here. */
  publicKey: Uint8Array | undefined;
  /** Ways that an answer of the client has proved. */
  readonly proven = new Set<Via>();
  /** Whether the relay has said that the other end is bound. */
  isPeerBound = false;
  readonly number: number;
  readonly side: Side;
  readonly clientSide: Side;
  readonly isSealed: boolean;
  readonly #told: IntroducedPeer;
  readonly #player: KitPlayer;
  readonly #run: Run;
  readonly #watch: Watch;
  readonly #mac: (bytes: Uint8Array) => Uint8Array;
  readonly #pairKey: Uint8Array;
  readonly #timer: NodeJS.Timeout;
  readonly #forget: () => void;
  /** Numbers of checks that were sent, by way. */
  readonly #sent = new Map<number, Via>();
  readonly #checked = new Set<number>();
  readonly #counters = new Set<number>();
  #agreed: Agreed | null = null;
  #next = 1;

  /** What the server told this player of the client under test. Null if the client knows no links. */
  static of(told: IntroducedPeer, player: KitPlayer, run: Run, watch: Watch): KitLink | null {
    return told.link ? new KitLink(told, told.link, player, run, watch) : null;
  }

  private constructor(
    told: IntroducedPeer,
    link: NonNullable<IntroducedPeer["link"]>,
    player: KitPlayer,
    run: Run,
    watch: Watch,
  ) {
    this.#told = told;
    this.#player = player;
    this.#run = run;
    this.#watch = watch;
    this.number = linkNumber(link.id);
    this.side = link.side;
    this.clientSide = link.side === "a" ? "b" : "a";
    this.isSealed = told.commitment !== undefined;
    this.#pairKey = Buffer.from(link.key, "base64url");
    this.#mac = nodeCrypto.hmacSha256(this.#pairKey);
    if (this.isSealed) this.publicKey = player.keys.publicKey;
    this.#forget = player.onPacket((bytes, from, signed) => this.#hear(bytes, from, signed));
    this.#timer = setInterval(() => this.#check(), checkEveryMs);
    run.after(() => this.close());
  }

  close(): void {
    clearInterval(this.#timer);
    this.#forget();
  }

  /** Where the client under test is, itself. */
  get endpoint(): Endpoint | null {
    return this.#told.port === undefined ? null : this.#run.line.datagrams.endpointBehind(this.#told.port);
  }

  get relay(): Endpoint {
    return { ip: "127.0.0.1", port: this.#run.stage.ports[0] };
  }

  /** Binds its end at the relay. */
  bind(): void {
    const { relay } = this.#told;
    if (!relay) return;
    const { ticket, key } = relay;
    const { cookie } = this.#player;
    this.#player.udp.send(
      signDatagram(key, "ptpRelay_bind", { ticket, nonce: newNonce(), cookie }),
      this.relay.port,
      this.relay.ip,
    );
  }

  /** The next number of this end. */
  take(): number {
    return this.#next++;
  }

  /** A packet of this end, as it should be, or as its run wants it. */
  signed(kind: SignedKind, number: number, { side = this.side, mac = this.#mac } = {}): Uint8Array {
    const publicKey = kind === "farewell" ? undefined : this.publicKey;
    return signPacket(mac, { kind, link: this.number, side, number, publicKey });
  }

  /** Sends a check, and remembers that it did. */
  check(number = this.take(), via: Via = "direct", socket?: Socket): void {
    this.#sent.set(number, via);
    this.send(this.signed("check", number), via, socket);
  }

  send(bytes: Uint8Array, via: Via = "direct", socket: Socket = this.#player.udp): void {
    const to = via === "relay" ? this.relay : this.endpoint;
    if (to) socket.send(bytes, to.port, to.ip);
  }

  /** A packet of the game, as this link carries it. Null while no keys are agreed on. */
  data(payload: Uint8Array, kind: "game" | "reliable" = "game"): Uint8Array | null {
    if (!this.isSealed) return writeData(this.number, payload);
    return this.#agreed?.sealing.seal(kind, payload) ?? null;
  }

  /** A second socket of this player: another address. What comes to it is heard as from this player. */
  async openAddress(): Promise<Socket> {
    const socket = await openSocket();
    socket.on("message", (bytes, { address, port }) =>
      this.#hear(bytes, { ip: address, port }, null, socket),
    );
    this.#run.after(() => socket.close());
    return socket;
  }

  #check(): void {
    for (const via of ["direct", "relay"] as const) {
      if (this.talks[via] && !this.proven.has(via) && (via === "direct" || this.isPeerBound))
        this.check(undefined, via);
    }
  }

  #hear(bytes: Buffer, from: Endpoint, signed: SignedDatagram | null, socket = this.#player.udp): void {
    const via = from.port === this.relay.port && socket === this.#player.udp ? "relay" : "direct";
    if (signed) {
      this.#hearRelay(signed);
      return;
    }
    const port = from.port;
    if (via === "direct" && !this.#run.line.datagrams.clientPorts.includes(port))
      this.#run.blame("changed_socket", `A packet came from the port ${port}.`);
    const link = linkOf(bytes);
    if (link !== this.number) {
      this.#run.blame("unknown_packet", `It is ${bytes.toString("hex", 0, 24)}.`);
      return;
    }
    if (bytes[0] === packetKinds.data) {
      if (this.isSealed) this.#run.blame("unsealed_data");
      this.#note("data", via, from, -1, bytes.subarray(7));
      return;
    }
    if (bytes[0] === packetKinds.sealed) this.#open(bytes, via, from);
    else this.#verify(bytes, via, from, socket);
  }

  #hearRelay({ method, payload }: SignedDatagram): void {
    if (method === "ptpRelay_challenge") {
      this.#player.cookie = String(payload.cookie);
      this.bind();
    } else if (method === "ptpRelay_bound") {
      this.isPeerBound = payload.peer === true;
    }
  }

  #note(
    kind: SignedKind | "data" | "reliable",
    via: Via,
    from: Endpoint,
    number: number,
    payload: Buffer,
  ): void {
    this.#run.transcript.add({ kind, via, from: from.port, number, payload });
  }

  #verify(bytes: Buffer, via: Via, from: Endpoint, socket: Socket): void {
    const packet = readSigned(bytes);
    if (!packet && bytes[0] === packetKinds.answer && !bytes.subarray(8, 10).equals(noHugeNumber)) {
      this.#run.blame("answers_huge_number");
      return;
    }
    if (!packet) {
      this.#run.blame("unknown_packet", `It is ${bytes.toString("hex", 0, 24)}.`);
      return;
    }
    const { kind, number, side, publicKey } = packet;
    if (side !== this.clientSide) this.#run.blame("wrong_side", `It is a ${kind}.`);
    if (this.isSealed && kind !== "farewell" && !this.#agree(publicKey)) return;
    const isLinks = isSigned(this.#mac, bytes);
    const isConfirmed = this.#agreed !== null && isSigned(this.#agreed.confirm, bytes);
    if (kind === "answer" && this.isSealed && !isConfirmed)
      this.#run.blame(isLinks ? "unconfirmed_answer" : "wrong_mac", "It is an answer.");
    else if (!isLinks && !(kind === "answer" && isConfirmed))
      this.#run.blame("wrong_mac", `It is a ${kind}.`);
    if (kind === "check") {
      if (this.#checked.has(number)) this.#run.blame("number_again", `It is ${number}.`);
      this.#checked.add(number);
    }
    if (kind === "answer") {
      if (this.#sent.get(number) === undefined) this.#run.blame("wrong_answer", `Its number is ${number}.`);
      else this.proven.add(via);
    }
    this.#note(kind, via, from, number, Buffer.from(publicKey ?? []));
    if (kind === "check" && this.talks[via]) {
      const mac = this.#agreed && !this.answersUnconfirmed ? this.#agreed.confirm : this.#mac;
      const answer = this.signed("answer", number, { mac });
      if (via === "relay") this.send(answer, "relay");
      else socket.send(answer, from.port, from.ip);
    }
  }

  /** Whether this is the key that the client has committed itself to. */
  #agree(publicKey: Uint8Array | undefined): boolean {
    if (!publicKey) {
      this.#run.blame("no_key");
      return false;
    }
    if (commitmentOf(nodeCrypto, publicKey) !== this.#told.commitment) {
      this.#run.blame("wrong_key");
      return false;
    }
    if (this.#agreed) return true;
    const us = {
      clientId: this.#player.clientId,
      features: this.#player.features,
      commitment: commitmentOf(nodeCrypto, this.#player.keys.publicKey),
    };
    const them = {
      clientId: this.#told.clientId,
      features: this.#told.features ?? [],
      commitment: this.#told.commitment ?? "",
    };
    const keys = deriveLinkKeys(
      nodeCrypto,
      {
        link: this.#told.link?.id ?? "",
        pairKey: this.#pairKey,
        clients: this.side === "a" ? { a: us, b: them } : { a: them, b: us },
      },
      this.#player.keys,
      publicKey,
    );
    if (!keys) {
      this.#run.blame("wrong_key", "Everybody agrees with it on the same secret.");
      return false;
    }
    const sealing = new Sealing(nodeCrypto, this.number, this.side, keys);
    this.#agreed = { sealing, confirm: nodeCrypto.hmacSha256(keys.confirm) };
    return true;
  }

  #open(bytes: Buffer, via: Via, from: Endpoint): void {
    const counter = sealedCounter(bytes);
    if (!this.isSealed) {
      this.#run.blame("unknown_packet", "It is sealed, and the link is not.");
      return;
    }
    if (!this.#agreed) return;
    if (this.#counters.has(counter)) this.#run.blame("counter_again", `It is ${counter}.`);
    const opened = this.#agreed.sealing.open(bytes);
    if (typeof opened === "string") {
      if (opened === "forged") this.#run.blame("wrong_tag");
      return;
    }
    this.#counters.add(counter);
    if (counter > this.#counters.size + mostMissing)
      this.#run.blame("counter_gap", `It is ${counter}, and ${this.#counters.size} packets have come.`);
    // Others, as the SDK's own signals, are nothing that a client must know.
    if (opened.kind === "game") this.#note("data", via, from, counter, Buffer.from(opened.bytes));
    if (opened.kind === "reliable") this.#note("reliable", via, from, counter, Buffer.from(opened.bytes));
  }

  /** Whether the client has said that it knows links. */
  get clientKnows(): boolean {
    return this.#watch.knowsLinks;
  }
}

/** A packet that looks like one of a link, and is signed by nobody. */
export function forged(packet: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(packet);
  const last = bytes.length - 1;
  bytes[last] = (bytes[last] ?? 0) ^ 1;
  return bytes;
}

/** As many random bytes as a small packet of a game has. */
export function randomPayload(): Buffer {
  return randomBytes(signedPacketBytes - 1);
}
