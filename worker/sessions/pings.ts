/**
 * Clients that ping. The platform answers them while their object sleeps, and remembers when it did. A client that said
 * that it pings, and stopped, is gone, whatever its socket looks like from here.
 */
import { sharedLimits } from "../../core/limits.ts";
import { doubtLastsMs, presenceOf } from "../../core/presence.ts";
import { pingText, pongText } from "../../core/wire/ping.ts";
import type { Alarm } from "../platform/alarm.ts";
import { logFault } from "../platform/log.ts";
import { holderLimits } from "./limits.ts";
import type { Session } from "./session.ts";

export class Pings {
  readonly #ctx: DurableObjectState;
  readonly #alarm: Alarm;
  #lookedAt = 0;

  constructor(ctx: DurableObjectState, alarm: Alarm) {
    this.#ctx = ctx;
    this.#alarm = alarm;
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(pingText, pongText));
  }

  /** The client says that it pings from now on. */
  expect(session: Session): void {
    const now = Date.now();
    session.pingsSince = now;
    this.#alarm.wakeBy(now + holderLimits.pingCheckMs);
  }

  /** When the client last pinged, in milliseconds since 1970; 0 for never. */
  lastOf({ socket }: Session): number {
    return this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
  }

  /** Whether a look is worth it when something else has woken the object: then it costs little. */
  get isLookDue(): boolean {
    // A clock that was set back would put off the next look for as long.
    return Math.abs(Date.now() - this.#lookedAt) >= sharedLimits.pingMs;
  }

  /**
   * The sessions that stopped pinging. The alarm comes for another look as long as anybody pings: the longer nobody new
   * has said so, the rarer.
   */
  look(sessions: Iterable<Session>): Session[] {
    const now = Date.now();
    this.#lookedAt = now;
    const expected = [...sessions].filter(({ pingsSince }) => pingsSince !== null);
    if (expected.length === 0) return [];
    const gone: Session[] = [];
    const quietMs = now - Math.max(...expected.map(({ pingsSince }) => pingsSince ?? 0));
    let nextInMs = Math.min(Math.max(quietMs, holderLimits.pingCheckMs), holderLimits.pingCheckMostMs);
    for (const session of expected) {
      const signs = [session.pingsSince ?? 0, session.spokeAt, this.lastOf(session)];
      const presence = presenceOf(signs, session.doubtedSince, now);
      session.doubtedSince = presence.kind === "doubted" ? presence.since : null;
      if (presence.kind === "gone") gone.push(session);
      else if (presence.kind === "doubted")
        nextInMs = Math.min(nextInMs, presence.since + doubtLastsMs() - now);
    }
    this.#alarm.isSetBy(now + nextInMs).catch((error: unknown) => logFault("ping_alarm_failed", {}, error));
    return gone;
  }
}
