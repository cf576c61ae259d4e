/**
 * Clients that ping. The platform answers them while their home sleeps, and remembers when it did; one that has said
 * that it pings, and stopped, is gone, whatever its socket looks like from here.
 */
import { limits } from "../core/limits.ts";
import { doubtLastsMs, presenceOf } from "../core/presence.ts";
import { pingText, pongText } from "../core/wire/ping.ts";
import type { Alarm } from "./alarm.ts";
import type { Client } from "./client.ts";
import { logFault } from "./log.ts";

/** What is needed of the home. */
export type Ward = {
  clients(): Iterable<Client>;
  /** This client has stopped pinging. */
  miss(client: Client): void;
};

export class Pings {
  readonly #ctx: DurableObjectState;
  readonly #alarm: Alarm;
  readonly #ward: Ward;
  #lookedAt = 0;

  constructor(ctx: DurableObjectState, alarm: Alarm, ward: Ward) {
    this.#ctx = ctx;
    this.#alarm = alarm;
    this.#ward = ward;
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(pingText, pongText));
  }

  /** The client says that it pings from now on. */
  expect(client: Client): void {
    const now = Date.now();
    client.pingsSince = now;
    this.#alarm.wakeBy(now + limits.pingCheckMs);
  }

  /** When the client last pinged, in milliseconds since 1970; 0 for never. */
  lastOf(client: Client): number {
    return this.#ctx.getWebSocketAutoResponseTimestamp(client.socket)?.getTime() ?? 0;
  }

  /** Something happens here: a look costs little now. */
  lookInPassing(): void {
    // A clock that was set back would put off the next look for as long.
    if (Math.abs(Date.now() - this.#lookedAt) >= limits.pingMs) this.look();
  }

  /** Misses those who stopped. As long as there is anybody who pings, the home's alarm comes for another look. */
  look(): void {
    const now = Date.now();
    this.#lookedAt = now;
    const expected = [...this.#ward.clients()].filter(({ pingsSince }) => pingsSince !== null);
    let nextInMs: number = limits.pingCheckMs;
    for (const client of expected) {
      const signs = [client.pingsSince ?? 0, client.spokeAt, this.lastOf(client)];
      const presence = presenceOf(signs, client.doubtedSince, now);
      client.doubtedSince = presence.kind === "doubted" ? presence.since : null;
      if (presence.kind === "gone") this.#miss(client);
      else if (presence.kind === "doubted")
        nextInMs = Math.min(nextInMs, presence.since + doubtLastsMs() - now);
    }
    if (expected.length === 0) return;
    this.#alarm.isSetBy(now + nextInMs).catch((error: unknown) => logFault("no alarm for pings", {}, error));
  }

  /** Whatever becomes of one, the others are looked at. */
  #miss(client: Client): void {
    try {
      this.#ward.miss(client);
    } catch (error) {
      logFault("a silent client was not dealt with", { clientId: client.id }, error);
    }
  }
}
