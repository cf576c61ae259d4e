/** The servers of ICE that a lobby's server names for this member. They are asked for when the first connection needs them, and again when half of their time is over. */
import { readAs } from "../../core/shape.ts";
import { iceAnswer } from "../../core/wire/ice.ts";
import { webrtcLimits } from "./limits.ts";
import type { IceServer } from "./standard.ts";

/** Asks the server. May throw, or never end. */
export type AskIce = (signal: AbortSignal) => Promise<unknown>;

export class IceServers {
  readonly #ask: AskIce;
  #known: { servers: Promise<IceServer[]>; until: number } | null = null;

  constructor(ask: AskIce) {
    this.#ask = ask;
  }

  /** None, if they are not to be had in time. Never throws. */
  get(): Promise<IceServer[]> {
    if (!this.#known || performance.now() >= this.#known.until) {
      // Connections that begin meanwhile wait for the same answer.
      this.#known = { servers: this.#fetch(), until: Number.POSITIVE_INFINITY };
    }
    return this.#known.servers;
  }

  /** Done when nothing is asked for any more. A lobby that is over names no servers. */
  async settled(): Promise<void> {
    await this.#known?.servers;
  }

  async #fetch(): Promise<IceServer[]> {
    let lifeMs: number = webrtcLimits.rtcServersAgainMs;
    try {
      const answer = readAs(iceAnswer, await this.#ask(AbortSignal.timeout(webrtcLimits.rtcServersMs)));
      if (answer) lifeMs = answer.lifeMs / 2;
      return answer?.iceServers ?? [];
    } catch {
      lifeMs = webrtcLimits.rtcRetryMs;
      return [];
    } finally {
      if (this.#known) this.#known.until = performance.now() + lifeMs;
    }
  }
}
