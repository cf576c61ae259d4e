/**
 * The way to one peer by WebRTC (`rtc`): one connection after another, each with a number that both ends count by.
 *
 * The impolite end makes the offer of each connection. The polite one wishes for it, if it wants another one. A signal of a later connection ends the
 * one before; signals of an earlier one are dropped. A connection that never opens is tried twice: then nothing but a TURN server would help, and
 * the relay over WebSocket carries the link. One that was open is tried for as long as the link lives.
 */
import { draw, newBucket } from "../../core/allowance.ts";
import { readWebRtcSignal, type WebRtcSignal } from "../../core/wire/webrtc-signal.ts";
import type { ChannelListener, SignalledChannel } from "../link/platform.ts";
import type { Nearness } from "./candidates.ts";
import { webrtcLimits } from "./limits.ts";
import { RtcConnection } from "./rtc-connection.ts";
import { type Dropped, SignalLine, type SignalWays } from "./signal-line.ts";
import type { IceServer, NewConnection } from "./standard.ts";

export type RtcChannelOptions = {
  /** 12 hex digits. */
  link: string;
  polite: boolean;
  nearness: Nearness;
  ways: SignalWays;
  newConnection: NewConnection;
  /** Never throws. */
  iceServers: () => Promise<IceServer[]>;
};

/** One connection, and the signals about it. `made`: null until the servers of ICE are known, or while the peer's offer is awaited. */
type Current = { number: number; line: SignalLine; made: RtcConnection | null; early: WebRtcSignal[] };

const peers = {
  burst: webrtcLimits.rtcPeersConnections,
  perSecond: 1_000 / webrtcLimits.rtcPeersConnectionMs,
};

export class RtcChannel implements SignalledChannel {
  /** The peer's signals that were dropped. */
  readonly dropped: Dropped = {
    malformed: 0,
    old: 0,
    repeated: 0,
    early: 0,
    stale: 0,
    refused: 0,
    flooded: 0,
  };
  readonly #options: RtcChannelOptions;
  readonly #allowed = newBucket(peers, performance.now());
  #listener: ChannelListener | null = null;
  #current: Current | null = null;
  #failures = 0;
  /** Whether any connection was open, and whether the link believes that one is. */
  #wasOpen = false;
  #isToldOpen = false;
  #retry: ReturnType<typeof setTimeout> | null = null;

  constructor(options: RtcChannelOptions) {
    this.#options = options;
  }

  open(listener: ChannelListener): void {
    this.#listener = listener;
    this.#begin(0);
  }

  send(bytes: Uint8Array): void {
    this.#current?.made?.send(bytes);
  }

  reopen(): void {
    const made = this.#current?.made;
    if (made) made.restart();
    else if (this.#wasOpen && this.#retry) this.#tryAgain();
  }

  hear(told: unknown): void {
    const signal = readWebRtcSignal(told);
    if (!signal || signal.link !== this.#options.link) {
      this.dropped.malformed += 1;
      return;
    }
    if (!this.#listener) return;
    const number = this.#current?.number ?? -1;
    if (signal.connection < number) {
      this.dropped.old += 1;
      return;
    }
    if (signal.connection > number && !this.#follow(signal.connection)) return;
    const current = this.#current;
    for (const due of current?.line.hear(signal) ?? []) this.#take(due);
  }

  signalByLink(): void {
    this.#current?.line.sendByLink();
  }

  close(): void {
    this.#listener = null;
    if (this.#retry) clearTimeout(this.#retry);
    this.#retry = null;
    this.#drop();
  }

  /** The peer has begun another connection. False if it does so too often. */
  #follow(number: number): boolean {
    if (!draw(this.#allowed, peers, performance.now(), 1)) {
      this.dropped.flooded += 1;
      return false;
    }
    this.#leave();
    this.#begin(number);
    return true;
  }

  #begin(number: number): void {
    if (this.#retry) clearTimeout(this.#retry);
    this.#retry = null;
    const { link, ways } = this.#options;
    const line = new SignalLine({ link, connection: number }, ways, this.dropped);
    const current: Current = { number, line, made: null, early: [] };
    this.#current = current;
    void this.#make(current);
  }

  async #make(current: Current): Promise<void> {
    const { newConnection, nearness, polite, iceServers } = this.#options;
    const servers = await iceServers();
    // It may have been closed meanwhile: nobody would close what is made now.
    if (this.#current !== current || !this.#listener) return;
    try {
      current.made = new RtcConnection({
        connection: newConnection({
          iceServers: servers,
          iceTransportPolicy: nearness.relayOnly ? "relay" : "all",
        }),
        line: current.line,
        polite,
        nearness,
        dropped: this.dropped,
        opened: (kind) => {
          this.#wasOpen = true;
          this.#isToldOpen = true;
          this.#failures = 0;
          this.#listener?.opened(kind);
        },
        received: (bytes) => this.#listener?.received(bytes),
        gone: () => this.#lose(),
      });
    } catch {
      // The implementation refuses to make any: so it would the next.
      this.#failures = webrtcLimits.rtcFirstTries;
      return;
    }
    if (!polite) current.made.offer();
    for (const signal of current.early.splice(0)) current.made.hear(signal);
  }

  #take(signal: WebRtcSignal): void {
    const { made, early } = this.#current ?? {};
    if (made) made.hear(signal);
    else if (early && early.length < webrtcLimits.rtcEarly) early.push(signal);
    else this.dropped.flooded += 1;
  }

  /** The connection is lost, or could not be opened. */
  #lose(): void {
    this.#leave();
    this.#failures += 1;
    if (!this.#wasOpen && this.#failures >= webrtcLimits.rtcFirstTries) return;
    const { rtcRetryMs: retryMs, rtcRetryMostMs: retryMostMs, rtcPoliteMs: politeMs } = webrtcLimits;
    const ms = Math.min(retryMostMs, retryMs * 2 ** Math.min(this.#failures - 1, 10));
    this.#retry = setTimeout(() => this.#tryAgain(), ms + (this.#options.polite ? politeMs : 0));
  }

  #tryAgain(): void {
    const number = (this.#current?.number ?? -1) + 1;
    this.#begin(number);
    if (this.#options.polite) this.#current?.line.send({ kind: "wish" });
  }

  /** Packets go this way no more. The number stays: the next connection has a later one. */
  #leave(): void {
    this.#drop();
    if (!this.#isToldOpen) return;
    this.#isToldOpen = false;
    this.#listener?.closed(null);
  }

  #drop(): void {
    const { made, line } = this.#current ?? {};
    made?.close();
    line?.close();
    if (this.#current) this.#current.made = null;
  }
}
