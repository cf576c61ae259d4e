/** Guests whose host is at another gateway: a session joins the host's lobby for a moment, and the two gateways tell each other about the players. */
import { randomBytes } from "node:crypto";
import { type Bucket, fill, newBucket, type Rate } from "../../../core/allowance.ts";
import { nameIn } from "../../../core/dialects/names.ts";
import { answer, type Failure } from "../../../core/dialects/noray/command.ts";
import { norayLimits } from "../../../core/dialects/noray/limits.ts";
import { type MeetingAnswer, type MeetingAsk, meetingAnswer } from "../../../core/dialects/noray/meeting.ts";
import { Recent } from "../../../core/dialects/recent.ts";
import { networksOf } from "../../../core/network.ts";
import { SessionError } from "../../../session/error.ts";
import type { Session } from "../../../session/session.ts";
import { signal as sendSignal } from "../../../session/wishes.ts";
import type { EdgeSessions } from "../edge-sessions.ts";
import type { Bridge, Bridges } from "./bridges.ts";
import type { NorayCounts } from "./counts.ts";
import type { Introduction, Player } from "./introductions.ts";

/** What a network may ask for, and what it has left. */
type Allowed = { readonly rate: Rate; readonly bucket: Bucket };

export type LookUpsOptions = {
  sessions: EdgeSessions;
  bridges: Bridges;
  counts: NorayCounts;
  elapsed: () => number;
  /** Milliseconds that one may take, where they are not what core/dialects/noray/limits.ts has. */
  meetingMs?: number | undefined;
};

export class LookUps {
  readonly #options: LookUpsOptions;
  /** What each address, and each network around it, may still ask for. */
  readonly #allowed = new Recent<Allowed>(norayLimits.norayLookUpAddresses);
  /** Oids that nobody had, and when. */
  readonly #unknown = new Recent<number>(norayLimits.norayUnknownOids);
  #underWay = 0;

  constructor(options: LookUpsOptions) {
    this.#options = options;
  }

  /** Both players have their lines when this returns null; else it says why not. */
  async introduce(guest: Player, oid: string, how: Introduction): Promise<Failure | null> {
    const { sessions, elapsed } = this.#options;
    const code = nameIn("noray", oid);
    if (code === null || this.#isUnknown(oid)) return "unknown_oid";
    if (this.#underWay >= norayLimits.norayLookUps || !this.#mayAsk(guest.owner.address)) return "not_now";
    this.#underWay += 1;
    const signal = AbortSignal.timeout(this.#options.meetingMs ?? norayLimits.norayMeetingMs);
    try {
      const name = `guest-${randomBytes(6).toString("hex")}`;
      const session = await sessions.join(guest.owner.address, code, { name }, { signal });
      try {
        return await this.#meet(session, guest, how, signal);
      } finally {
        void session.leave();
      }
    } catch (error) {
      if (!(error instanceof SessionError) || error.code !== "no_such_lobby") return "not_now";
      this.#unknown.set(oid, elapsed());
      return "unknown_oid";
    } finally {
      this.#underWay -= 1;
    }
  }

  #isUnknown(oid: string): boolean {
    const since = this.#unknown.get(oid);
    return since !== undefined && this.#options.elapsed() - since < norayLimits.norayUnknownMs;
  }

  /** Counts one look-up of this address, if it and each network around it has one left. This machine itself is not counted. */
  #mayAsk(address: string): boolean {
    const now = this.#options.elapsed();
    const allowed = networksOf(address).map(({ name, shares }) => this.#allowedTo(name, shares, now));
    for (const { bucket, rate } of allowed) fill(bucket, rate, now);
    if (allowed.some(({ bucket }) => bucket.left < 1)) return false;
    for (const { bucket } of allowed) bucket.left -= 1;
    return true;
  }

  #allowedTo(network: string, shares: number, now: number): Allowed {
    const known = this.#allowed.get(network);
    if (known) return known;
    const { norayLookUpBurst, norayLookUpsPerSecond } = norayLimits;
    const rate = { burst: norayLookUpBurst * shares, perSecond: norayLookUpsPerSecond * shares };
    const made = { rate, bucket: newBucket(rate, now) };
    this.#allowed.set(network, made);
    return made;
  }

  async #meet(
    session: Session,
    guest: Player,
    how: Introduction,
    signal: AbortSignal,
  ): Promise<Failure | null> {
    const { bridges, counts } = this.#options;
    if (!guest.endpoint) return "no_address";
    const isRelayed = how === "connect-relay";
    const bridge = isRelayed ? await bridges.open(guest) : null;
    if (isRelayed && !bridge) return "no_relay";
    const failure = await this.#told(session, guest, bridge, signal).catch((): Failure => "not_now");
    if (failure !== null && bridge) bridges.discard(bridge.relay);
    if (failure === null) counts.messages.met += 1;
    return failure;
  }

  async #told(
    session: Session,
    guest: Player,
    bridge: Bridge | null,
    signal: AbortSignal,
  ): Promise<Failure | null> {
    const host = session.members.find(({ isHost }) => isHost);
    const player = guest.endpoint;
    if (!host || !player) return "not_now";
    const ask: MeetingAsk = {
      noray: "ask",
      ask: randomBytes(9).toString("base64url"),
      player,
      ...(bridge && { relay: bridge.end }),
    };
    const answered = answerTo(session, host.clientId, ask.ask, signal);
    await sendSignal(session, host.clientId, ask);
    const said = await answered;
    if (!said) return "not_now";
    if (said.noray === "refused") return said.why;
    if (!bridge) guest.owner.say(answer.connect(said.player));
    else {
      if (!said.relay || !(await this.#options.bridges.connect(bridge, said.relay))) return "no_relay";
      guest.owner.say(answer.relay(bridge.end.port));
    }
    return null;
  }
}

/** What the host's gateway says; null if it says nothing in time, or the lobby is over. */
function answerTo(
  session: Session,
  host: string,
  ask: string,
  signal: AbortSignal,
): Promise<MeetingAnswer | null> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(null));
    void session.closed.then(() => resolve(null));
    session.listen((event) => {
      if (event.kind === "signal-failed") resolve(null);
      if (event.kind !== "signal" || event.clientId !== host) return;
      const { data } = meetingAnswer.safeParse(event.data);
      if (data?.ask === ask) resolve(data);
    });
  });
}
