/**
 * Perfect negotiation (W3C's webrtc-pc, 10.7) of one connection: either end may make an offer at any time, and where both do at once, the polite
 * end takes its own back. One thing is done at a time, so the state that a signal meets is the one that the signal before it has left.
 *
 * | in the state | an offer | an answer | candidates |
 * | --- | --- | --- | --- |
 * | `stable` | is answered | is stale | are taken |
 * | `have-local-offer` | polite: ours is taken back, it is answered. Else it is refused | is taken, if it is to our last offer | wait for a description |
 *
 * Nothing that the peer sends throws: it is dropped, and counted.
 */
import { type CandidateInit, mostCandidates, type WebRtcSignal } from "../../core/wire/webrtc-signal.ts";
import { admitted, type Nearness, strip } from "./candidates.ts";
import { webrtcLimits } from "./limits.ts";
import type { Dropped, SignalLine } from "./signal-line.ts";
import type { GatheredCandidate, PeerConnection } from "./standard.ts";

export type NegotiationOptions = {
  connection: PeerConnection;
  polite: boolean;
  nearness: Nearness;
  line: SignalLine;
  dropped: Dropped;
  /** There is an offer of the peer, which is about to be answered. */
  offered: () => void;
  /** No other ways can be looked for: another connection must be made. */
  stuck: () => void;
};

/** Milliseconds between two looks whether there is a description, and how many. */
const lookMs = 10;
const mostLooks = 200;

export class Negotiation {
  readonly #options: NegotiationOptions;
  /** What is done, one thing after another. */
  #queue: Promise<void> = Promise.resolve();
  #queued = 0;
  /** The number of our last offer. */
  #offered: number | null = null;
  /** An offer is to be made as soon as the one under way is answered. */
  #isOfferDue = false;
  /** Whether the peer's last offer was refused: its candidates are for that. */
  #isRefusing = false;
  #hasDescription = false;
  /** Candidates of the peer that were taken, and since when they count. */
  #taken = 0;
  #refilledAt = performance.now();
  /** Candidates that wait for the peer's description. */
  #waiting: CandidateInit[] = [];
  /** Candidates of our own, to be told together. */
  #gathered: CandidateInit[] = [];
  /** Candidates that were told or are about to be, and whether they are this machine's addresses. */
  readonly #told = new Map<string, boolean>();
  /** What our ways are called: another name after a restart. */
  #fragment: string | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isClosed = false;

  constructor(options: NegotiationOptions) {
    this.#options = options;
    options.connection.onicecandidate = ({ candidate }) => {
      if (candidate) this.#gather(candidate);
    };
  }

  /** Makes an offer, with or without new ways (`restartIce`). */
  offer(restarts: boolean): void {
    this.#do(async () => {
      const { connection, stuck } = this.#options;
      try {
        if (restarts) connection.restartIce();
      } catch {
        // Not every implementation can.
        stuck();
        return;
      }
      // Some make their first offer by themselves, as soon as there is a channel.
      const isFirst = this.#offered === null && !this.#hasDescription;
      if (isFirst || connection.signalingState === "stable") await this.#offer();
      else this.#isOfferDue = true;
    });
  }

  /** The peer's next signal. */
  hear(signal: WebRtcSignal): void {
    if (this.#queued >= webrtcLimits.rtcQueued) {
      this.#options.dropped.flooded += 1;
      return;
    }
    this.#do(async () => await this.#take(signal));
  }

  /** Nothing is sent or done any more. */
  close(): void {
    this.#isClosed = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#options.connection.onicecandidate = null;
  }

  #do(work: () => Promise<void>): void {
    this.#queued += 1;
    this.#queue = this.#queue.then(async () => {
      try {
        if (!this.#isClosed) await work();
      } catch {
        // What the peer has said makes no sense here, or the connection is closed. Another one is tried when this one does not open.
        this.#options.dropped.malformed += 1;
      } finally {
        this.#queued -= 1;
      }
    });
  }

  async #offer(): Promise<void> {
    const { connection, line } = this.#options;
    this.#isOfferDue = false;
    await describe(connection, "offer");
    const sdp = this.#own();
    this.#offered = sdp === null ? null : line.send({ kind: "offer", sdp });
  }

  async #take(signal: WebRtcSignal): Promise<void> {
    switch (signal.kind) {
      case "offer":
        await this.#takeOffer(signal);
        break;
      case "answer":
        await this.#takeAnswer(signal);
        break;
      case "candidates":
        await this.#takeCandidates(signal.candidates);
        break;
      case "wish":
        // The connection is there: that was the wish.
        break;
    }
    if (this.#isOfferDue && this.#options.connection.signalingState === "stable") await this.#offer();
  }

  async #takeOffer({ sdp, number }: Extract<WebRtcSignal, { kind: "offer" }>): Promise<void> {
    const { connection, polite, line, dropped } = this.#options;
    const collides = connection.signalingState !== "stable";
    this.#isRefusing = collides && !polite;
    if (this.#isRefusing) {
      dropped.refused += 1;
      return;
    }
    const described = strip(sdp);
    if (!described) throw new Error("no description of data channels");
    if (collides) {
      await connection.setLocalDescription({ type: "rollback" });
      this.#offered = null;
    }
    await connection.setRemoteDescription({ type: "offer", sdp: described.sdp });
    // Each offer is for new ways: what ours was for is done, too.
    this.#isOfferDue = false;
    this.#options.offered();
    await this.#described();
    await describe(connection, "answer");
    const own = this.#own();
    if (own !== null) line.send({ kind: "answer", sdp: own, to: number });
  }

  async #takeAnswer({ sdp, to }: Extract<WebRtcSignal, { kind: "answer" }>): Promise<void> {
    const { connection, dropped } = this.#options;
    if (connection.signalingState !== "have-local-offer" || to !== this.#offered) {
      dropped.stale += 1;
      return;
    }
    const described = strip(sdp);
    if (!described) throw new Error("no description of data channels");
    this.#isRefusing = false;
    await connection.setRemoteDescription({ type: "answer", sdp: described.sdp });
    await this.#described();
  }

  async #takeCandidates(candidates: readonly CandidateInit[]): Promise<void> {
    const { nearness, dropped } = this.#options;
    for (const candidate of candidates) {
      if (this.#taken >= mostCandidates || admitted(candidate.candidate, nearness) === null) {
        dropped.refused += 1;
        continue;
      }
      this.#taken += 1;
      if (!this.#hasDescription) this.#waiting.push(candidate);
      else await this.#add(candidate);
    }
  }

  /** There is a description of the peer: candidates that waited for it are taken. */
  async #described(): Promise<void> {
    this.#hasDescription = true;
    // A restart brings new ones. An honest peer does not restart often.
    const now = performance.now();
    if (now - this.#refilledAt > webrtcLimits.rtcRestartMs / 2) {
      this.#refilledAt = now;
      this.#taken = this.#waiting.length;
    }
    for (const candidate of this.#waiting.splice(0)) await this.#add(candidate);
  }

  async #add(candidate: CandidateInit): Promise<void> {
    try {
      await this.#options.connection.addIceCandidate(candidate);
    } catch {
      // Those of an offer that was refused fit nothing.
      if (!this.#isRefusing) this.#options.dropped.malformed += 1;
    }
  }

  /** Our description, without candidates: those that it has go by themselves. */
  #own(): string | null {
    const described = strip(this.#options.connection.localDescription?.sdp ?? "");
    const fragment = described && (/^a=ice-ufrag:(.*)$/m.exec(described.sdp)?.[1] ?? "");
    if (fragment !== this.#fragment) this.#told.clear();
    this.#fragment = fragment;
    for (const candidate of described?.candidates ?? [])
      this.#gather({ candidate, sdpMid: null, sdpMLineIndex: 0 });
    return described?.sdp ?? null;
  }

  #gather(gathered: GatheredCandidate): void {
    const {
      candidate,
      sdpMid = null,
      sdpMLineIndex = null,
      usernameFragment,
    } = gathered.toJSON?.() ?? gathered;
    // The line of a description, as some give it.
    const text = candidate.replace(/^a=/, "");
    const kind = admitted(text, this.#options.nearness);
    if (this.#isClosed || kind === null || this.#told.size >= mostCandidates || this.#told.has(text)) return;
    const isHost = kind === "host";
    const most = isHost ? webrtcLimits.rtcOwnHosts : mostCandidates;
    if ([...this.#told.values()].filter((told) => told === isHost).length >= most) return;
    this.#told.set(text, isHost);
    const fragment = typeof usernameFragment === "string" ? { usernameFragment } : {};
    this.#gathered.push({ candidate: text, sdpMid, sdpMLineIndex, ...fragment });
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#options.line.send({ kind: "candidates", candidates: this.#gathered.splice(0) });
    }, webrtcLimits.rtcGatherMs);
  }
}

/**
 * Makes an offer or an answer, and makes it ours. Older implementations cannot do both at once. Some do it by themselves, and somewhat
 * later.
 */
async function describe(connection: PeerConnection, type: "offer" | "answer"): Promise<void> {
  try {
    await connection.setLocalDescription();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const older = connection as unknown as Record<
      "createOffer" | "createAnswer",
      () => Promise<{ type: string }>
    >;
    await connection.setLocalDescription(
      type === "offer" ? await older.createOffer() : await older.createAnswer(),
    );
  }
  for (let looks = 0; looks < mostLooks && connection.localDescription?.type !== type; looks += 1) {
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}
