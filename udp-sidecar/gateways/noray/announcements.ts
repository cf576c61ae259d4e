/**
 * Hosts whom other gateways can find: each has a session at the edge, and a lobby under its oid (docs/dialects.md). What fails is tried
 * again, later and later: players of this gateway never wait for it.
 */
import { setTimeout as wait } from "node:timers/promises";
import { type Bucket, drawAhead, newBucket } from "../../../core/allowance.ts";
import { Admission } from "../../../core/dialects/admission.ts";
import type { AdmissionLimits } from "../../../core/dialects/limits.ts";
import { nameIn } from "../../../core/dialects/names.ts";
import { answer } from "../../../core/dialects/noray/command.ts";
import type { IntroductionBudget } from "../../../core/dialects/noray/introduction-budget.ts";
import { norayLimits } from "../../../core/dialects/noray/limits.ts";
import { type MeetingAnswer, type MeetingAsk, meetingAsk } from "../../../core/dialects/noray/meeting.ts";
import { Recent } from "../../../core/dialects/recent.ts";
import { networkOf } from "../../../core/network.ts";
import type { Session } from "../../../session/session.ts";
import { signal as sendSignal } from "../../../session/wishes.ts";
import type { EdgeSessions } from "../edge-sessions.ts";
import type { Bridges } from "./bridges.ts";
import type { NorayCounts } from "./counts.ts";
import type { Player } from "./introductions.ts";
import { WaitingHosts } from "./waiting-hosts.ts";

const announcing = {
  burst: norayLimits.norayAnnouncements,
  perSecond: norayLimits.norayAnnouncementsPerSecond,
};

export type AnnouncementsOptions = {
  sessions: EdgeSessions;
  bridges: Bridges;
  /** The gateway's, for guests of other gateways too. */
  budget: IntroductionBudget;
  /** Of sessions at the edge. */
  admission: AdmissionLimits;
  counts: NorayCounts;
  elapsed: () => number;
};

export class Announcements {
  readonly #options: AnnouncementsOptions;
  readonly #admission: Admission;
  /** How often each address may still be announced. */
  readonly #buckets = new Recent<Bucket>(norayLimits.norayAnnouncementAddresses);
  /** Players with a session, or one on its way, and what ends it. */
  readonly #announced = new Map<Player, AbortController>();
  /** Players who wait until others have gone. */
  readonly #waiting = new WaitingHosts<Player>();

  constructor(options: AnnouncementsOptions) {
    this.#options = options;
    this.#admission = new Admission(options.admission);
  }

  announce(player: Player): void {
    const code = nameIn("noray", player.oid);
    if (code === null || this.#announced.has(player)) return;
    const refusal = this.#admission.enter(player.owner.address);
    if (refusal) {
      if (!this.#waiting.has(player)) this.#options.counts.drops[`edge_${refusal}`] += 1;
      this.#waiting.add(player, player.owner.address, refusal);
      return;
    }
    this.#waiting.delete(player);
    const ending = new AbortController();
    this.#announced.set(player, ending);
    void this.#keep(player, code, ending.signal);
  }

  withdraw(player: Player): void {
    this.#waiting.delete(player);
    const ending = this.#announced.get(player);
    if (!ending) return;
    this.#announced.delete(player);
    this.#admission.leave(player.owner.address);
    ending.abort();
    for (const next of this.#waiting.nextAfter(player.owner.address)) {
      this.announce(next);
      if (this.#announced.has(next)) return;
    }
  }

  /** Ends all. */
  stop(): void {
    for (const ending of this.#announced.values()) ending.abort();
  }

  /** Has a session as long as the player is here. */
  async #keep(player: Player, code: string, signal: AbortSignal): Promise<void> {
    const { sessions } = this.#options;
    const wish = {
      name: "host",
      isPublic: false,
      maxMembers: norayLimits.norayLobbyMembers,
      topology: "star",
      graceMs: norayLimits.norayGraceMs,
    } as const;
    for (let failures = 0; !signal.aborted; failures++) {
      await this.#untilInTime(player.owner.address, signal);
      if (signal.aborted) return;
      const patience = { forMs: Number.POSITIVE_INFINITY, signal };
      const session = await sessions.host(player.owner.address, code, wish, patience).catch(() => null);
      if (session) {
        failures = 0;
        await this.#serve(session, player, signal);
      }
      const pauseMs = Math.min(norayLimits.norayLongestPauseMs, norayLimits.norayPauseMs * 2 ** failures);
      // Many lose their sessions in one moment, and should not all come back in another.
      await wait(pauseMs * (0.5 + Math.random()), null, { signal, ref: false }).catch(() => null);
    }
  }

  /** Until the player's address may be announced once more. Who leaves before has not used its turn. */
  async #untilInTime(address: string, signal: AbortSignal): Promise<void> {
    const network = networkOf(address);
    if (network === null) return;
    const now = this.#options.elapsed();
    const bucket = this.#buckets.get(network) ?? newBucket(announcing, now);
    this.#buckets.set(network, bucket);
    const waitMs = drawAhead(bucket, announcing, now);
    if (waitMs === 0) return;
    await wait(waitMs, null, { signal, ref: false }).catch(() => {
      bucket.left += 1;
    });
  }

  /** Answers other gateways until the session is over. */
  async #serve(session: Session, player: Player, signal: AbortSignal): Promise<void> {
    const { bridges, budget, elapsed } = this.#options;
    session.listen((event) => {
      if (event.kind !== "signal") return;
      const { data: ask } = meetingAsk.safeParse(event.data);
      if (!ask) return;
      const isScarce = ask.relay !== undefined && bridges.areScarceFor(player);
      const isInTime = budget.take(player, ask.player.ip, elapsed(), isScarce);
      void this.#answer(player, ask, isInTime).then((said) =>
        sendSignal(session, event.clientId, said).catch(() => {}),
      );
    });
    const leave = () => void session.leave();
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave);
    await session.closed;
    signal.removeEventListener("abort", leave);
  }

  async #answer(host: Player, { ask, player, relay }: MeetingAsk, isInTime: boolean): Promise<MeetingAnswer> {
    const { bridges, counts } = this.#options;
    const refuse = (why: "host_has_no_address" | "no_relay" | "not_now"): MeetingAnswer => {
      counts.drops[why] += 1;
      return { noray: "refused", ask, why };
    };
    if (!isInTime) return refuse("not_now");
    if (!host.endpoint) return refuse("host_has_no_address");
    if (!relay) {
      host.owner.say(answer.connect(player));
      counts.messages.met += 1;
      return { noray: "met", ask, player: host.endpoint };
    }
    const bridge = await bridges.open(host);
    if (!bridge) return refuse("no_relay");
    if (!(await bridges.connect(bridge, relay))) {
      bridges.discard(bridge.relay);
      return refuse("no_relay");
    }
    host.owner.say(answer.relay(bridge.end.port));
    counts.messages.met += 1;
    return { noray: "met", ask, player: host.endpoint, relay: bridge.end };
  }
}
