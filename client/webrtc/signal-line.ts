/**
 * Carries the signals of one connection: numbered, each once, in order.
 *
 * They go by the link itself as soon as it has any path, so that nobody in between can exchange them, and it works when the lobby is over. What the
 * link does not deliver in time goes by the lobby, too: perhaps the connection that has fallen silent was the only path. The receiver drops
 * what has come before, so nothing is lost by saying it twice.
 */
import { inLobby } from "../../core/wire/lobby-signal.ts";
import { mostSignals, type SignalBody, type WebRtcSignal } from "../../core/wire/webrtc-signal.ts";
import { webrtcLimits } from "./limits.ts";

/** The two ways of signals. */
export type SignalWays = {
  /** By the link, sealed and in order. Done when the peer has it. Null while that cannot be. */
  byLink: (signal: WebRtcSignal) => Promise<void> | null;
  /** By the lobby, if it still passes signals on. */
  byLobby: (data: object) => void;
};

/** Signals of the peer that were dropped, by the reason. */
export type Dropped = Record<
  "malformed" | "old" | "repeated" | "early" | "stale" | "refused" | "flooded",
  number
>;

type Sent = { signal: WebRtcSignal; state: "waits" | "on the link" | "delivered"; isToldLobby: boolean };

export class SignalLine {
  readonly #about: { link: string; connection: number };
  readonly #ways: SignalWays;
  readonly #dropped: Dropped;
  readonly #sent: Sent[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** The number that the peer's next signal has, and those that came before their turn. */
  #expected = 0;
  readonly #early = new Map<number, WebRtcSignal>();
  #isClosed = false;

  constructor(about: { link: string; connection: number }, ways: SignalWays, dropped: Dropped) {
    this.#about = about;
    this.#ways = ways;
    this.#dropped = dropped;
  }

  /** Sends it, and says its number. Null if this connection has had too many. */
  send(body: SignalBody): number | null {
    const number = this.#sent.length;
    if (number >= mostSignals || this.#isClosed) return null;
    this.#sent.push({ signal: { ...this.#about, ...body, number }, state: "waits", isToldLobby: false });
    this.sendByLink();
    this.#timer ??= setTimeout(() => this.#sendByLobby(), webrtcLimits.rtcLinkPatienceMs);
    return number;
  }

  /** Sends what waits by the link, which may be able to carry it now. */
  sendByLink(): void {
    if (this.#isClosed) return;
    for (const sent of this.#sent) {
      if (sent.state !== "waits") continue;
      const delivered = this.#ways.byLink(sent.signal);
      if (!delivered) return;
      sent.state = "on the link";
      delivered.then(
        () => {
          sent.state = "delivered";
        },
        () => {},
      );
    }
  }

  /** The peer's signal, and those that it lets have their turn. Empty for one that came before, or too early. */
  hear(signal: WebRtcSignal): WebRtcSignal[] {
    const { number } = signal;
    if (number < this.#expected || this.#early.has(number)) {
      this.#dropped.repeated += 1;
      return [];
    }
    if (number >= this.#expected + webrtcLimits.rtcEarly) {
      this.#dropped.early += 1;
      return [];
    }
    this.#early.set(number, signal);
    const due: WebRtcSignal[] = [];
    for (let next = this.#early.get(this.#expected); next; next = this.#early.get(this.#expected)) {
      this.#early.delete(this.#expected);
      this.#expected += 1;
      due.push(next);
    }
    return due;
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  #sendByLobby(): void {
    this.#timer = null;
    for (const sent of this.#sent) {
      if (sent.state === "delivered" || sent.isToldLobby) continue;
      sent.isToldLobby = true;
      this.#ways.byLobby(inLobby(sent.signal));
    }
  }
}
