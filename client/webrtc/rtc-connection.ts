/**
 * One WebRTC connection to a peer, from its making until it is given up: two channels, and what is done when it falls silent.
 *
 * | channel | | carries |
 * | --- | --- | --- |
 * | 0 | unordered, sent once | packets of the link |
 * | 1 | ordered, sent until it arrives | the link's farewell |
 *
 * Both have fixed numbers (`negotiated`), so neither end waits for the other's. What is silent for a second gets new ways (`restartIce`), at most every
 * ten. It is given up when that has not helped for eight.
 */
import type { PathKind } from "../../core/link/path.ts";
import { packetKinds } from "../../core/wire/peer-packet.ts";
import type { WebRtcSignal } from "../../core/wire/webrtc-signal.ts";
import type { Nearness } from "./candidates.ts";
import { webrtcLimits } from "./limits.ts";
import { Negotiation } from "./negotiation.ts";
import { pathKindOf } from "./path-kind.ts";
import type { Dropped, SignalLine } from "./signal-line.ts";
import type { DataChannel, PeerConnection } from "./standard.ts";

export type RtcConnectionOptions = {
  connection: PeerConnection;
  line: SignalLine;
  polite: boolean;
  nearness: Nearness;
  dropped: Dropped;
  /** Packets may go this way. Told again when the kind changes. */
  opened: (kind: PathKind) => void;
  received: (bytes: Uint8Array) => void;
  /** It has ended, or is given up. Told once, unless it is closed before. */
  gone: () => void;
};

type Timer = ReturnType<typeof setTimeout> | null;

export class RtcConnection {
  readonly #options: RtcConnectionOptions;
  readonly #negotiation: Negotiation;
  /** Null until there is an offer: some implementations make one of their own as soon as there is a channel. */
  #channels: { packets: DataChannel; control: DataChannel } | null = null;
  #kind: PathKind | null = null;
  #isOver = false;
  #restartedAt = Number.NEGATIVE_INFINITY;
  #lookMs: number = webrtcLimits.rtcLookMs;
  #looks: Timer = null;
  #silence: Timer = null;
  /** Until it is given up. */
  #patience: Timer;

  /** Throws if the implementation refuses. */
  constructor(options: RtcConnectionOptions) {
    this.#options = options;
    const { connection } = options;
    if (!options.polite) this.#openChannels();
    this.#negotiation = new Negotiation({
      ...options,
      offered: () => this.#openChannels(),
      stuck: () => this.#giveUp(),
    });
    connection.onconnectionstatechange = () => this.#hearState(connection.connectionState);
    // Some tell the one, some the other.
    connection.oniceconnectionstatechange = () => this.#hearState(connection.iceConnectionState);
    this.#patience = setTimeout(() => this.#giveUp(), webrtcLimits.rtcOpenMs);
  }

  /** Makes the first offer. */
  offer(): void {
    this.#negotiation.offer(false);
  }

  /** The peer's next signal. */
  hear(signal: WebRtcSignal): void {
    this.#negotiation.hear(signal);
  }

  /** Nothing comes from the peer: other ways are looked for, unless that was done just now. */
  restart(): void {
    const now = performance.now();
    if (this.#isOver || now - this.#restartedAt < webrtcLimits.rtcRestartMs) return;
    this.#restartedAt = now;
    this.#negotiation.offer(true);
  }

  /** Sends a packet, or drops it. */
  send(bytes: Uint8Array): void {
    const { packets, control } = this.#channels ?? {};
    const channel = bytes[0] === packetKinds.farewell ? control : packets;
    if (
      this.#isOver ||
      channel?.readyState !== "open" ||
      channel.bufferedAmount > webrtcLimits.rtcWaitingBytes
    )
      return;
    try {
      channel.send(bytes);
    } catch {
      // It closes just now.
    }
  }

  /** Ends it, and tells nothing more. A farewell still goes out. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { connection, line } = this.#options;
    for (const timer of [this.#looks, this.#silence, this.#patience]) if (timer) clearTimeout(timer);
    for (const channel of Object.values(this.#channels ?? {})) {
      channel.onopen = null;
      channel.onclose = null;
      channel.onmessage = null;
    }
    connection.onconnectionstatechange = null;
    connection.oniceconnectionstatechange = null;
    this.#negotiation.close();
    line.close();
    const end = () => {
      try {
        connection.close();
      } catch {
        // It was never more than made.
      }
    };
    if (this.#kind === null) end();
    else setTimeout(end, webrtcLimits.rtcLingerMs);
  }

  #openChannels(): void {
    if (this.#channels) return;
    const packets = this.#channel(0, { ordered: false, maxRetransmits: 0 });
    packets.onopen = () => void this.#look();
    this.#channels = { packets, control: this.#channel(1, { ordered: true }) };
    if (packets.readyState === "open") void this.#look();
  }

  #channel(id: 0 | 1, how: { ordered: boolean; maxRetransmits?: number }): DataChannel {
    const channel = this.#options.connection.createDataChannel(id === 0 ? "packets" : "control", {
      negotiated: true,
      id,
      ...how,
    });
    channel.binaryType = "arraybuffer";
    channel.onmessage = ({ data }) => {
      const bytes = bytesOf(data);
      if (bytes && bytes.length <= webrtcLimits.rtcMessageBytes) this.#options.received(bytes);
      else this.#options.dropped.malformed += 1;
    };
    channel.onclose = () => this.#giveUp();
    return channel;
  }

  #hearState(state: string): void {
    switch (state) {
      case "connected":
      case "completed":
        if (this.#silence) clearTimeout(this.#silence);
        this.#silence = null;
        if (this.#kind === null) return;
        if (this.#patience) clearTimeout(this.#patience);
        this.#patience = null;
        // The way may be another one now.
        this.#lookMs = webrtcLimits.rtcLookMs;
        void this.#look();
        return;
      case "disconnected":
        this.#silence ??= setTimeout(() => this.restart(), webrtcLimits.rtcSilenceMs);
        this.#giveUpSoon();
        return;
      case "failed":
        this.restart();
        this.#giveUpSoon();
        return;
      case "closed":
        this.#giveUp();
        return;
      default:
    }
  }

  #giveUpSoon(): void {
    // Before it was open, it has its own time.
    if (this.#kind === null || this.#isOver) return;
    this.#patience ??= setTimeout(() => this.#giveUp(), webrtcLimits.rtcGiveUpMs);
  }

  #giveUp(): void {
    if (this.#isOver) return;
    this.close();
    this.#options.gone();
  }

  /** Looks which way the packets go, now and from time to time. */
  async #look(): Promise<void> {
    if (this.#looks) clearTimeout(this.#looks);
    const found = await this.#pathKind();
    if (this.#isOver || this.#channels?.packets.readyState !== "open") return;
    if (this.#kind === null && this.#patience) {
      clearTimeout(this.#patience);
      this.#patience = null;
    }
    const kind = found ?? this.#kind ?? (this.#options.nearness.relayOnly ? "turn" : "direct");
    if (kind !== this.#kind) {
      this.#kind = kind;
      this.#options.opened(kind);
    }
    if (this.#looks) clearTimeout(this.#looks);
    this.#looks = setTimeout(() => void this.#look(), this.#lookMs);
    this.#lookMs = Math.min(2 * this.#lookMs, webrtcLimits.rtcLookMostMs);
  }

  /** Null if nobody knows. */
  async #pathKind(): Promise<PathKind | null> {
    const { connection, nearness } = this.#options;
    let timer: Timer = null;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, webrtcLimits.rtcStatsMs, null);
    });
    const kind = async () => pathKindOf(await connection.getStats(), nearness.near);
    try {
      return await Promise.race([kind().catch(() => null), late]);
    } finally {
      if (timer) clearTimeout(timer);
    }
  }
}

/** Implementations for Node give buffers of their own. Null for a text. */
function bytesOf(data: unknown): Uint8Array | null {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return null;
}
