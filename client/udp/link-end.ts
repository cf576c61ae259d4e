/** Our end of a link to one peer: does what the link's state machine (core/link/) decides. */
import type { KeyObject } from "node:crypto";
import type { Endpoint } from "../../core/endpoint.ts";
import type { Cause } from "../../core/link/cause.ts";
import type { LinkConfig } from "../../core/link/config.ts";
import type { LinkStep } from "../../core/link/draft.ts";
import type { LinkEffect } from "../../core/link/effect.ts";
import type { LinkEvent } from "../../core/link/event.ts";
import { causeInUse } from "../../core/link/ladder.ts";
import { linkLimits } from "../../core/link/limits.ts";
import type { LocalSocket, Path, PathKind } from "../../core/link/path.ts";
import { type LinkState, roundTripMs } from "../../core/link/state.ts";
import { openLink, step, wakeAt } from "../../core/link/step.ts";
import { type CheckAllowance, mayCheck } from "../../core/link/unproven.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { dataHeaderBytes, linkOf, packetKinds, readSigned, writeData } from "../../core/wire/peer-packet.ts";
import type { SignedDatagram } from "../../core/wire/signed-datagram.ts";
import { Emitter } from "../emitter.ts";
import { ownError } from "../error.ts";
import { type LinkEvents, type LinkReport, linkEvents } from "../link-events.ts";
import type { Peer } from "../peer.ts";
import type { TimelineEntry } from "../report.ts";
import { bytesOf } from "./packet.ts";
import type { RelayEnd } from "./relay-end.ts";
import { isSigned, signPacket } from "./signing.ts";
import type { Turns } from "./turns.ts";
import { ExtraSockets, type UdpSockets } from "./udp-sockets.ts";

export type LinkParts = {
  peer: Peer;
  config: LinkConfig;
  /** Of its packets (core/wire/peer-packet.ts). */
  number: number;
  key: KeyObject;
  sockets: UdpSockets;
  relay: RelayEnd | null;
  turns: Turns<LinkEnd>;
  /** Shared by all links of the client. */
  checks: CheckAllowance;
};

/** Addresses from which the game's packets are taken. The peer has a handful, and changes them rarely. */
const mostProven = 64;
/** Milliseconds between two words to the state machine that packets of the game still come from an address. */
const aliveMs = 250;
/** Packets that wait until the game listens. */
const mostEarly = 64;
/** Lines of the timeline for the relay's notices. It has room for all of the state machine's besides, and for the end. */
const mostNotices = 8;
const mostLines = linkLimits.linkNotes + mostNotices + 1;

export class LinkEnd {
  readonly peer: Peer;
  readonly events = new Emitter<LinkEvents>(linkEvents);
  /** Done when the link is usable, or is over without ever having been. */
  readonly decided: Promise<void>;
  /** Done when the link is over. */
  readonly over: Promise<void>;
  readonly #parts: LinkParts;
  readonly #extra: ExtraSockets;
  readonly #openedAt = performance.now();
  readonly #timeline: TimelineEntry[] = [];
  /** By socket and address, when the state machine was last told that packets come from there. */
  readonly #proven = new Map<string, number>();
  #state: LinkState | null = null;
  #waiting: LinkEvent[] = [];
  #isStepping = false;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #path: Path | null = null;
  /** Why it is over. */
  #cause: Cause | null = null;
  #hasSettled = false;
  #noticesLeft = mostNotices;
  /** Why it is to end, where the lobby says so. */
  #verdict: Cause | null = null;
  #isClosing = false;
  #hasEnded = false;
  #early: Uint8Array[] = [];
  #decide: () => void = () => {};
  #finish: () => void = () => {};

  constructor(parts: LinkParts) {
    this.peer = parts.peer;
    this.#parts = parts;
    this.#extra = new ExtraSockets((...arrival) => this.receive(...arrival));
    this.decided = new Promise((resolve) => {
      this.#decide = resolve;
    });
    this.over = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** Begins to look for paths. */
  open(): void {
    this.#run(openLink(this.#parts.config, this.#now()));
  }

  get isUsable(): boolean {
    return this.#path !== null && !this.#hasEnded;
  }

  get isOver(): boolean {
    return this.#hasEnded;
  }

  /** Whether it is over the relay, or may come to be. */
  get needsRelay(): boolean {
    if (this.#hasEnded || this.#parts.relay === null) return false;
    return !this.#hasSettled || this.path === null || this.path === "relay";
  }

  /** Our end of the relay; null if there is none. */
  get relay(): RelayEnd | null {
    return this.#parts.relay;
  }

  /** The relay's ticket was renewed. */
  rebind(): void {
    this.#take({ kind: "ticket-renewed" });
  }

  get path(): PathKind | null {
    return this.#path?.kind ?? null;
  }

  get rttMs(): number | null {
    const ms = this.#state && roundTripMs(this.#state);
    return ms === null ? null : Math.round(ms * 10) / 10;
  }

  get report(): LinkReport {
    return {
      path: this.isUsable ? this.path : null,
      rttMs: this.rttMs,
      cause: this.#hasEnded ? this.#cause : this.#causeInUse,
      timeline: [...this.#timeline],
    };
  }

  /** What has happened that is told to those who listen later. */
  get past(): Partial<LinkEvents> {
    return this.#hasSettled && !this.#hasEnded ? { settled: { cause: this.#causeInUse } } : {};
  }

  /** Sends a copy of the game's packet. Throws `invalid_packet`, `packet_too_large` or `link_closed`. */
  send(packet: unknown): void {
    const bytes = bytesOf(packet);
    if (!this.#path || this.#isClosing || this.#hasEnded) throw ownError("link_closed");
    const { local, remote } = this.#path;
    this.#transmit(writeData(this.#parts.number, bytes), local, remote);
  }

  /** Says farewell, and is over. The cause is for whoever asks why; null if the game wanted it. */
  async close(verdict: Cause | null = null): Promise<void> {
    if (!this.#hasEnded) {
      this.#isClosing = true;
      this.#verdict ??= verdict;
      this.#take({ kind: "close-requested" });
    }
    await this.over;
  }

  /** Of its packets (core/wire/peer-packet.ts). */
  get number(): number {
    return this.#parts.number;
  }

  /** Takes a packet from anywhere: whoever it is from, and for whomever, it does no harm. */
  receive(bytes: Uint8Array, local: LocalSocket, remote: Endpoint): void {
    if (this.#hasEnded || linkOf(bytes) !== this.#parts.number) return;
    const place = `${local} ${remote.ip} ${remote.port}`;
    if (bytes[0] === packetKinds.data) this.#takeData(bytes, place, local, remote);
    else this.#takeSigned(bytes, place, local, remote);
  }

  /** Whether it is there that this link's relay is. */
  isRelayedBy({ ip, port }: Endpoint): boolean {
    const relay = this.#hasEnded ? null : this.#parts.relay?.endpoint;
    return relay?.port === port && relay.ip === ip;
  }

  /** Takes what a relay says, to this link or to another. */
  hearRelay(datagram: SignedDatagram, from: Endpoint): void {
    const word = this.isRelayedBy(from) ? this.#parts.relay?.hear(datagram) : null;
    if (!word) return;
    if (word.kind === "relay-noticed") {
      const { code, inMs } = word;
      if (this.#noticesLeft > 0) this.#note(`relay: ${code} in ${inMs} ms`);
      this.#noticesLeft -= 1;
      this.events.emit("relay", { code, inMs });
    } else {
      this.#take(word);
    }
  }

  /** The game listens: what came before is given to it. */
  deliverEarly(): void {
    queueMicrotask(() => {
      for (const payload of this.#early.splice(0)) if (!this.#isClosing) this.events.emit("message", payload);
    });
  }

  #takeData(bytes: Uint8Array, place: string, local: LocalSocket, remote: Endpoint): void {
    const toldAt = this.#proven.get(place);
    if (
      this.#isClosing ||
      toldAt === undefined ||
      bytes.length > dataHeaderBytes + wireLimits.gamePacketBytes
    )
      return;
    const now = this.#now();
    if (now - toldAt >= aliveMs) {
      this.#proven.set(place, now);
      this.#take({ kind: "data-received", local, remote });
    }
    const payload = new Uint8Array(
      bytes.buffer,
      bytes.byteOffset + dataHeaderBytes,
      bytes.length - dataHeaderBytes,
    );
    if (this.isUsable && this.#early.length === 0 && this.events.hears("message")) {
      this.events.emit("message", payload);
    } else {
      this.#early.push(payload);
      if (this.#early.length > mostEarly) this.#early.shift();
    }
  }

  #takeSigned(bytes: Uint8Array, place: string, local: LocalSocket, remote: Endpoint): void {
    const packet = readSigned(bytes);
    // One of our own side was sent back to us, by whomever.
    if (!packet || packet.side === this.#parts.config.side || !isSigned(this.#parts.key, bytes)) return;
    const before = this.#state;
    this.#take({ kind: `${packet.kind}-received`, number: packet.number, local, remote });
    // A packet that changes nothing was sent before, and may come from anybody who has heard it then.
    if (this.#state !== before && packet.kind !== "farewell") this.#prove(place);
  }

  #prove(place: string): void {
    const toldAt = this.#proven.get(place) ?? Number.NEGATIVE_INFINITY;
    // The one not heard for longest is the first.
    this.#proven.delete(place);
    this.#proven.set(place, toldAt);
    if (this.#proven.size <= mostProven) return;
    for (const oldest of this.#proven.keys()) {
      this.#proven.delete(oldest);
      return;
    }
  }

  /** One event at a time: what an effect brings about comes after it. */
  #take(event: LinkEvent): void {
    this.#waiting.push(event);
    if (!this.#isStepping) this.#run(null);
  }

  /** Does what comes of the opening, or of nothing, and then of all events that wait. */
  #run(opened: LinkStep | null): void {
    this.#isStepping = true;
    if (opened) this.#do(opened);
    for (let next = this.#waiting.shift(); next && this.#state; next = this.#waiting.shift())
      this.#do(step(this.#state, next, this.#now()));
    this.#isStepping = false;
    this.#wake();
  }

  #do({ state, effects }: LinkStep): void {
    this.#state = state;
    for (const effect of effects) this.#doOne(effect);
  }

  #doOne(effect: LinkEffect): void {
    const { config, number: link, key, relay, turns, checks } = this.#parts;
    switch (effect.kind) {
      case "send": {
        const { packet: kind, number, local, remote, unproven } = effect;
        if (unproven && !mayCheck(checks, unproven, performance.now())) {
          if (kind === "check") this.#take({ kind: "check-withheld", number });
          break;
        }
        this.#transmit(signPacket(key, { kind, link, side: config.side, number }), local, remote);
        break;
      }
      case "bind-relay":
        relay?.bind();
        break;
      case "ask-turn":
        turns.ask(
          this,
          () => this.#take({ kind: "turn-given" }),
          () => this.#take({ kind: "turn-over" }),
        );
        break;
      case "end-turn":
        turns.end(this);
        break;
      case "open-sockets":
        void this.#extra.open(effect.count).then((count) => this.#take({ kind: "sockets-opened", count }));
        break;
      case "close-sockets":
        this.#extra.closeAllBut(effect.keep);
        break;
      case "use-path":
        this.#use(effect.path);
        break;
      case "settle":
        this.#hasSettled = true;
        this.events.emit("settled", { cause: effect.cause });
        break;
      case "end":
        this.#end(effect.cause);
        break;
      case "note":
        this.#note(effect.what);
        break;
    }
  }

  get #causeInUse(): Cause | null {
    return this.#state && causeInUse(this.#state);
  }

  #use(path: Path): void {
    const before = this.#path;
    this.#path = path;
    if (before === null) this.#decide();
    else if (before.kind !== path.kind) this.events.emit("path", path.kind);
  }

  #end(cause: Cause | null): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#cause = this.#verdict ?? cause;
    this.#note(this.#cause === null ? "closed" : `over: ${this.#cause}`);
    if (this.#timer) clearTimeout(this.#timer);
    this.#extra.close();
    this.#parts.turns.end(this);
    this.#decide();
    this.#finish();
    this.events.emit("closed", { cause: this.#cause });
  }

  #transmit(bytes: Uint8Array, local: LocalSocket, remote: Endpoint): void {
    if (typeof local === "number") this.#extra.send(bytes, local, remote);
    else this.#parts.sockets.send(bytes, local, remote);
  }

  /** One timer, for the next time the state machine has something to do by itself. */
  #wake(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const at = this.#state && !this.#hasEnded ? wakeAt(this.#state) : Number.POSITIVE_INFINITY;
    if (at === Number.POSITIVE_INFINITY) return;
    // Timers may be early by a part of a millisecond.
    this.#timer = setTimeout(
      () => this.#take({ kind: "deadline-passed" }),
      Math.max(0, Math.ceil(at - this.#now())),
    );
  }

  #note(what: string): void {
    if (this.#timeline.length >= mostLines) return;
    this.#timeline.push({ atMs: Math.round(this.#now()), what: what.slice(0, wireLimits.timelineText) });
  }

  /** Milliseconds since the link was made. */
  #now(): number {
    return performance.now() - this.#openedAt;
  }
}
