/**
 * Our end of a link to one peer: does what the link's state machine (core/link/) decides.
 *
 * Packets are made and read by `LinkPackets` (packets.ts) alone: that is where they are signed, sealed and opened. What it opens is the game's
 * (`#takeData`). They leave by the socket that the path in use names (`#transmit`), and come in by `receive`, from whichever socket
 * it is. So all that rides on packets knows nothing of paths.
 */
import type { Endpoint } from "../../core/endpoint.ts";
import type { Cause } from "../../core/link/cause.ts";
import type { LinkConfig } from "../../core/link/config.ts";
import type { LinkStep } from "../../core/link/draft.ts";
import type { LinkEffect } from "../../core/link/effect.ts";
import type { LinkEvent } from "../../core/link/event.ts";
import { causeInUse } from "../../core/link/ladder.ts";
import { linkLimits } from "../../core/link/limits.ts";
import {
  channelEnd,
  isChannel,
  isStraight,
  type LocalSocket,
  type Path,
  type PathKind,
} from "../../core/link/path.ts";
import { type LinkState, roundTripMs } from "../../core/link/state.ts";
import { openLink, step, wakeAt } from "../../core/link/step.ts";
import { type CheckAllowance, mayCheck } from "../../core/link/unproven.ts";
import type { SocketRelayCode } from "../../core/relay/socket/codes.ts";
import type { RelayCode } from "../../core/relay/ticket.ts";
import { reliableLimits } from "../../core/reliable/limits.ts";
import type { PayloadKind } from "../../core/sealing/sealed.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { linkOf, packetKinds } from "../../core/wire/peer-packet.ts";
import { Emitter } from "../emitter.ts";
import { ownError } from "../error.ts";
import type { Peer } from "../peer.ts";
import type { TimelineEntry } from "../report.ts";
import { type LinkEvents, type LinkReport, linkEvents } from "./link-events.ts";
import { bytesOf, messageOf } from "./packet.ts";
import type { LinkPackets } from "./packets.ts";
import type { RelayWord, SignalledChannel, TicketedChannel, UdpRelay, UdpWire } from "./platform.ts";
import { ReliableEnd } from "./reliable-end.ts";
import type { TicketHolder } from "./renewals.ts";
import type { Turns } from "./turns.ts";

export type LinkParts = {
  peer: Peer;
  config: LinkConfig;
  /** Of its packets (core/wire/peer-packet.ts). */
  number: number;
  packets: LinkPackets;
  /** Null without UDP. */
  udp: UdpWire | null;
  channels: { readonly ws: TicketedChannel | null; readonly rtc: SignalledChannel | null };
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
/** Bytes of reliable messages that wait until the game listens, and of what keeping them takes. Then the peer has to wait, too. */
const mostEarlyReliable = 1024 * 1024;
/** Lines of the timeline for the relay's notices. It has room for all of the state machine's besides, and for the end. */
const mostNotices = 8;
const mostLines = linkLimits.linkNotes + mostNotices + 1;

export class LinkEnd {
  readonly peer: Peer;
  readonly events = new Emitter<LinkEvents>(linkEvents, () => ownError("link_closed"));
  /** Done when the link is usable, or is over without ever having been. */
  readonly decided: Promise<void>;
  /** Done when the link is over. */
  readonly over: Promise<void>;
  readonly #parts: LinkParts;
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
  #earlyReliable: Uint8Array[] = [];
  #earlyReliableBytes = 0;
  readonly #reliable: ReliableEnd;
  /** What the two ends tell each other about the link: signals of WebRTC. The game never sees it. */
  readonly #control: ReliableEnd;
  #decide: () => void = () => {};
  #finish: () => void = () => {};

  constructor(parts: LinkParts) {
    this.peer = parts.peer;
    this.#parts = parts;
    this.#reliable = new ReliableEnd({
      transmit: (packet) => this.#sendData("reliable", packet),
      received: (message) => this.#takeReliable(message),
      isFull: () => this.#earlyReliableBytes >= mostEarlyReliable,
      broken: () => void this.close("invalid-packets"),
      now: () => this.#now(),
    });
    this.#control = new ReliableEnd({
      transmit: (packet) => this.#sendData("control", packet),
      received: (message) => this.#takeControl(message),
      isFull: () => false,
      broken: () => void this.close("invalid-packets"),
      now: () => this.#now(),
    });
    this.decided = new Promise((resolve) => {
      this.#decide = resolve;
    });
    this.over = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** Begins to look for paths. */
  open(): void {
    this.#parts.udp?.open({
      received: (...arrival) => this.receive(...arrival),
      relaySaid: (word) => this.#hearRelay(word),
    });
    this.#run(openLink(this.#parts.config, this.#now()));
    for (const local of ["ws", "rtc"] as const) {
      this.#parts.channels[local]?.open({
        opened: (path) => this.#take({ kind: "channel-opened", local, path }),
        closed: (code) => this.#take({ kind: "channel-closed", local, code }),
        received: (bytes) => this.receive(bytes, local, channelEnd),
        noticed: (code, inMs) => this.#hearNotice(code, inMs),
      });
    }
  }

  get isUsable(): boolean {
    return this.#path !== null && !this.#hasEnded;
  }

  get isOver(): boolean {
    return this.#hasEnded;
  }

  /** Whether nothing has come for so long that the peer has given the link up. This end has not, so its program did not run: a tab was suspended. */
  get isGivenUp(): boolean {
    const heardAt = Math.max(...(this.#state?.candidates ?? []).map((candidate) => candidate.heardAt));
    return this.isUsable && this.#now() - heardAt > linkLimits.deadMs + linkLimits.graceMs;
  }

  /** Whether it is over a relay, or may come to be. */
  get needsRelay(): boolean {
    const { udp, channels } = this.#parts;
    if (this.#hasEnded || (channels.ws === null && udp?.relay?.lifeMs === undefined)) return false;
    return !this.#hasSettled || this.path === null || !isStraight(this.path);
  }

  /** The tickets for relays that are renewed as long as the link is not over. `lifeMs`: for how long the first one is good. */
  get tickets(): { lifeMs: number; holder: TicketHolder }[] {
    const { udp, channels } = this.#parts;
    const relay = udp?.relay ?? null;
    const held = [relay, channels.ws].map((ticketed) => {
      if (ticketed?.lifeMs === undefined) return null;
      const holder = this.#holderOf(ticketed, () => {
        if (ticketed === relay) this.#take({ kind: "ticket-renewed" });
      });
      return { lifeMs: ticketed.lifeMs, holder };
    });
    return held.filter((each) => each !== null);
  }

  #holderOf(ticketed: UdpRelay | TicketedChannel, renewed: () => void): TicketHolder {
    const isOver = () => this.#hasEnded;
    return {
      get held() {
        return ticketed.held;
      },
      get isOver() {
        return isOver();
      },
      renew: (ticket) => {
        const isOurs = ticketed.renew(ticket);
        if (isOurs) renewed();
        return isOurs;
      },
    };
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
      dropped: { ...this.#parts.packets.dropped },
      timeline: [...this.#timeline],
    };
  }

  get isEncrypted(): boolean {
    return this.#parts.packets.isEncrypted;
  }

  get safetyCode(): string | null {
    return this.#parts.packets.safetyCode;
  }

  /** What has happened that is told to those who listen later. */
  get past(): Partial<LinkEvents> {
    return this.#hasSettled && !this.#hasEnded ? { settled: { cause: this.#causeInUse } } : {};
  }

  /** Sends a copy of the game's packet. Throws `invalid_packet`, `packet_too_large` or `link_closed`. */
  send(packet: unknown): void {
    const bytes = bytesOf(packet);
    if (!this.#path || this.#isClosing || this.#hasEnded) throw ownError("link_closed");
    this.#sendData("game", bytes);
  }

  /** Sends a copy of the game's message. Done when there is room for more. */
  async sendReliable(message: unknown): Promise<void> {
    const bytes = messageOf(message);
    if (!this.#path || this.#isClosing || this.#hasEnded) throw ownError("link_closed");
    if (!this.isEncrypted) throw ownError("peer_too_old");
    await this.#reliable.send(bytes);
  }

  /** Done when the peer has all of those. */
  async delivered(): Promise<void> {
    await this.#reliable.delivered();
  }

  /** Tells the peer's end something, in order. Done when it has it. Null while it cannot be told. */
  tell(told: object): Promise<void> | null {
    if (!this.#path || this.#isClosing || this.#hasEnded || !this.isEncrypted) return null;
    // Where it waits for room, it is delivered later all the same.
    this.#control.send(new TextEncoder().encode(JSON.stringify(told))).catch(() => {});
    return this.#control.delivered();
  }

  /** The peer's signal by the lobby, which says that it is the peer's. */
  hearSignal(signal: unknown): void {
    if (!this.#hasEnded) this.#parts.channels.rtc?.hear(signal);
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
    if (bytes[0] === packetKinds.data || bytes[0] === packetKinds.sealed)
      this.#takeData(bytes, place, local, remote);
    else this.#takeSigned(bytes, place, local, remote);
  }

  #hearRelay(word: RelayWord): void {
    if (word.kind === "relay-noticed") this.#hearNotice(word.code, word.inMs);
    else this.#take(word);
  }

  #hearNotice(code: RelayCode | SocketRelayCode, inMs: number): void {
    if (this.#noticesLeft > 0) this.#note(`relay: ${code} in ${inMs} ms`);
    this.#noticesLeft -= 1;
    this.events.emit("relay", { code, inMs });
  }

  /** The game listens: what came before is given to it. */
  deliverEarly(event: keyof LinkEvents): void {
    if (event !== "message" && event !== "reliable") return;
    queueMicrotask(() => {
      const early = event === "message" ? this.#early : this.#earlyReliable;
      // A listener for one takes one: the others wait for the next.
      while (!this.#isClosing && this.events.hears(event)) {
        const payload = early.shift();
        if (!payload) break;
        if (event === "reliable") this.#earlyReliableBytes -= reliableCost(payload);
        this.events.emit(event, payload);
      }
    });
  }

  /** Sends by the path in use. While there is none it is lost, as on the way. */
  #sendData(kind: PayloadKind, bytes: Uint8Array): void {
    const packet = this.#path && !this.#hasEnded ? this.#parts.packets.data(kind, bytes) : null;
    if (this.#path && packet) this.#transmit(packet, this.#path.local, this.#path.remote);
  }

  #takeControl(message: Uint8Array): void {
    let told: unknown = null;
    try {
      told = JSON.parse(new TextDecoder().decode(message));
    } catch {
      // No signal either: it is counted as such.
    }
    this.hearSignal(told);
  }

  #takeReliable(message: Uint8Array): void {
    if (this.#isClosing) return;
    if (this.#earlyReliable.length === 0 && this.events.hears("reliable")) {
      this.events.emit("reliable", message);
      return;
    }
    this.#earlyReliable.push(message);
    this.#earlyReliableBytes += reliableCost(message);
  }

  #takeData(bytes: Uint8Array, place: string, local: LocalSocket, remote: Endpoint): void {
    const toldAt = this.#proven.get(place);
    if (this.#isClosing || toldAt === undefined) return;
    const payload = this.#parts.packets.readData(bytes);
    if (!payload) return;
    const now = this.#now();
    if (now - toldAt >= aliveMs) {
      this.#proven.set(place, now);
      this.#take({ kind: "data-received", local, remote });
    }
    if (payload.kind === "reliable") {
      this.#reliable.hear(payload.bytes);
    } else if (payload.kind === "control") {
      this.#control.hear(payload.bytes);
    } else if (this.isUsable && this.#early.length === 0 && this.events.hears("message")) {
      this.events.emit("message", payload.bytes);
    } else {
      this.#early.push(payload.bytes);
      if (this.#early.length > mostEarly) this.#early.shift();
    }
  }

  #takeSigned(bytes: Uint8Array, place: string, local: LocalSocket, remote: Endpoint): void {
    const packet = this.#parts.packets.readSigned(bytes);
    if (!packet) return;
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
    const { packets, udp, channels, turns, checks } = this.#parts;
    switch (effect.kind) {
      case "send": {
        const { packet: kind, number, local, remote, unproven } = effect;
        if (unproven && !mayCheck(checks, unproven, performance.now())) {
          if (kind === "check") this.#take({ kind: "check-withheld", number });
          break;
        }
        this.#transmit(packets.signed(kind, number), local, remote);
        break;
      }
      case "bind-relay":
        udp?.relay?.bind();
        break;
      case "reopen-channel":
        channels[effect.local]?.reopen();
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
        void udp?.openSockets(effect.count).then((count) => this.#take({ kind: "sockets-opened", count }));
        break;
      case "close-sockets":
        udp?.closeSockets(effect.keep);
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
    if (before?.kind !== path.kind) {
      for (const stream of [this.#reliable, this.#control]) stream.changePath(path.kind, this.rttMs);
    }
    if (before === null) this.#parts.channels.rtc?.signalByLink();
    if (before === null) this.#decide();
    else if (before.kind !== path.kind) this.events.emit("path", path.kind);
  }

  #end(cause: Cause | null): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const isUnmet = this.#path === null && cause !== null;
    this.#cause = this.#verdict ?? (isUnmet ? this.#parts.packets.cause : null) ?? cause;
    this.#note(this.#cause === null ? "closed" : `over: ${this.#cause}`);
    if (this.#timer) clearTimeout(this.#timer);
    this.#reliable.close();
    this.#control.close();
    const { udp, channels } = this.#parts;
    udp?.close();
    channels.ws?.close();
    channels.rtc?.close();
    this.#parts.turns.end(this);
    this.#decide();
    this.#finish();
    this.events.emit("closed", { cause: this.#cause });
  }

  #transmit(bytes: Uint8Array, local: LocalSocket, remote: Endpoint): void {
    if (isChannel(local)) this.#parts.channels[local]?.send(bytes);
    else this.#parts.udp?.send(bytes, local, remote);
  }

  /** One timer, for the next time the state machine has something to do by itself. */
  #wake(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const at = this.#state && !this.#hasEnded ? wakeAt(this.#state) : Number.POSITIVE_INFINITY;
    if (at === Number.POSITIVE_INFINITY) return;
    // Timers may be early by a part of a millisecond.
    const due = () => {
      // The program was suspended. Checks would take as long again to show what is certain.
      const wasSuspended = this.#now() - at > linkLimits.deadMs;
      if (wasSuspended && this.isGivenUp && !this.#isClosing) void this.close("path-lost");
      else this.#take({ kind: "deadline-passed" });
    };
    this.#timer = setTimeout(due, Math.max(0, Math.ceil(at - this.#now())));
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

/** Bytes that a message takes while it waits. */
function reliableCost(message: Uint8Array): number {
  return message.length + reliableLimits.segmentCostBytes;
}
