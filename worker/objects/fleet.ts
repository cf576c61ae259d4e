import { retryable } from "cloudflare:durable-objects";
import { DurableObject } from "cloudflare:workers";
import { type Bucket, draw, newBucket, type Rate } from "../../core/allowance.ts";
import { afterSilence, isNews, type Place, type Sidecar, type Word } from "../../core/fleet.ts";
import { sharedLimits } from "../../core/limits.ts";
import type { Heartbeat } from "../../core/wire/sidecar-post.ts";
import { type Env, settingsOf } from "../platform/env.ts";
import { platformLimits } from "../platform/limits.ts";
import { logFault } from "../platform/log.ts";
import { keepsStats } from "../platform/operator-keys.ts";
import type { FleetPort } from "../platform/ports.ts";
import { retry, within } from "../platform/retry.ts";
import { sidecarId } from "../platform/sidecar-id.ts";
import { tellOfFleet } from "../platform/statistics.ts";
import { callOptions } from "../platform/stubs.ts";
import { objectLimits } from "./limits.ts";

const prefix = "sidecar:";
/** When a sidecar that is gone signed its last heartbeat: kept for as long as one signed before would be taken. */
const gonePrefix = "gone:";
/** Under which of its keys, if that was not the first. A row of its own: a version of before reads the other. */
const goneKeyPrefix = "gone-key:";

/** Rows of one sidecar that may be written. */
const rowRate = (): Rate => ({
  burst: objectLimits.fleetRowBurst,
  perSecond: objectLimits.fleetRowsPerSecond,
});

/**
 * The sidecars that are alive. One object for the deployment: a sidecar tells it every 10 s that it lives,
 * and the Worker reads it, through its isolate's copy, when a mediation starts.
 */
export class Fleet extends DurableObject<Env> implements FleetPort {
  static {
    // Not `hear`: the second time a heartbeat is no news, and its sidecar would be refused.
    retryable(Fleet.prototype.live);
  }

  readonly #sidecars = new Map<string, Sidecar>();
  /** By name. */
  readonly #gone = new Map<string, { at: number; keyNumber: number }>();
  /** By name. */
  readonly #rowsLeft = new Map<string, Bucket>();
  /** When this object was last asked or told something, in milliseconds since 1970. */
  #lastAt = Date.now();
  /** When the statistics were last told. */
  #toldAt = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    for (const [, sidecar] of ctx.storage.kv.list<Sidecar>({ prefix }))
      this.#sidecars.set(sidecar.name, sidecar);
    for (const [key, at] of ctx.storage.kv.list<number>({ prefix: gonePrefix })) {
      const name = key.slice(gonePrefix.length);
      this.#gone.set(name, { at, keyNumber: ctx.storage.kv.get<number>(goneKeyPrefix + name) ?? 1 });
    }
  }

  /**
   * Takes a heartbeat. `address` and `place` are what the edge knows of its sender, and `keyNumber` which of its keys it used. False for
   * one that is not newer than the last of this sidecar: repeated by somebody else, it would tell players a wrong address, or that one
   * lives which is dead.
   */
  async hear(
    { at, name, host, port, secondPort, relays, stun, load, leaving }: Heartbeat,
    from: { address?: string | undefined; place?: Place | undefined; keyNumber?: number | undefined },
  ): Promise<boolean> {
    const now = this.#look();
    this.#tellStats(now);
    const { keyNumber } = from;
    if (!isNews({ at, keyNumber }, this.#lastWord(name), now)) return false;
    const isKept = this.#mayKeep(name, now);
    if (leaving) {
      this.#remove(name, { at, keyNumber }, isKept);
      return true;
    }
    if (!this.#sidecars.has(name) && this.#sidecars.size >= objectLimits.fleetSize) return true;
    const sidecar: Sidecar = {
      name,
      host: host ?? from.address,
      port,
      secondPort,
      relays,
      stun,
      load,
      place: from.place,
      heardAt: now,
      signedAt: at,
      keyNumber,
    };
    this.#sidecars.set(name, sidecar);
    if (!isKept) {
      this.#gone.delete(name);
      return true;
    }
    if (this.#gone.has(name)) this.#forgetGone(name);
    this.ctx.storage.kv.put<Sidecar>(prefix + name, sidecar);
    return true;
  }

  /**
   * Whether a heartbeat may cost a row. Beyond that it is in memory alone: if the object ends, the fleet goes by the one of a second before.
   */
  #mayKeep(name: string, now: number): boolean {
    let left = this.#rowsLeft.get(name);
    if (!left) {
      const [oldest] = this.#rowsLeft.keys();
      if (oldest !== undefined && this.#rowsLeft.size >= objectLimits.fleetSize)
        this.#rowsLeft.delete(oldest);
      left = newBucket(rowRate(), now);
      this.#rowsLeft.set(name, left);
    }
    return draw(left, rowRate(), now);
  }

  /** A heartbeat comes anyway, so this needs no timer. */
  #tellStats(now: number): void {
    const isTold = Math.abs(now - this.#toldAt) < platformLimits.fleetToldMs;
    if (isTold || !keepsStats(this.env)) return;
    this.#toldAt = now;
    const all = [...this.#sidecars.values()];
    void tellOfFleet(
      this.env,
      all.length,
      all.reduce((sum, { load }) => sum + load, 0),
    );
  }

  async live(): Promise<Sidecar[]> {
    this.#look();
    return [...this.#sidecars.values()];
  }

  /** Forgets the sidecars that are dead, and tells the time. */
  #look(): number {
    const now = Date.now();
    for (const [name, sidecar] of this.#sidecars) {
      const seen = afterSilence(sidecar, this.#lastAt, now);
      if (seen.heardAt + sharedLimits.sidecarLifeMs <= now) this.#remove(name);
      else this.#sidecars.set(name, seen);
    }
    this.#lastAt = now;
    return now;
  }

  #lastWord(name: string): Word | undefined {
    const sidecar = this.#sidecars.get(name);
    if (sidecar?.signedAt === undefined) return this.#gone.get(name);
    return { at: sidecar.signedAt, keyNumber: sidecar.keyNumber };
  }

  #remove(name: string, { at, keyNumber = 1 } = this.#lastWord(name) ?? {}, isKept = true): void {
    const { kv } = this.ctx.storage;
    if (this.#sidecars.delete(name) && isKept) kv.delete(prefix + name);
    if (at === undefined) return;
    this.#gone.set(name, { at, keyNumber });
    if (!isKept) return;
    kv.put<number>(gonePrefix + name, at);
    if (keyNumber > 1) kv.put<number>(goneKeyPrefix + name, keyNumber);
    for (const [other, { at }] of this.#gone) {
      // What was signed before that is too old by now, whosever clock is wrong.
      if (at + 2 * sharedLimits.postClockMs <= Date.now()) this.#forgetGone(other);
    }
  }

  #forgetGone(name: string): void {
    const keyNumber = this.#gone.get(name)?.keyNumber ?? 1;
    this.#gone.delete(name);
    this.ctx.storage.kv.delete(gonePrefix + name);
    if (keyNumber > 1) this.ctx.storage.kv.delete(goneKeyPrefix + name);
  }
}

/** This isolate's copy. Data, not a promise: requests must not share those. */
let copy: { at: number; sidecars: Sidecar[] } = { at: Number.NEGATIVE_INFINITY, sidecars: [] };

/** The live sidecars, as they were a few seconds ago at most; `fresh`, or an empty copy, asks again. If the fleet does not answer, those known before. */
export async function liveSidecars(env: Env, fresh: boolean): Promise<Sidecar[]> {
  const now = Date.now();
  const age = now - copy.at;
  // A clock that was set back makes no copy new.
  if (!fresh && copy.sidecars.length > 0 && age >= 0 && age < objectLimits.fleetAgeMs) return copy.sidecars;
  try {
    const asked = retry(() => fleetAt(env).live(), [50]);
    const sidecars = await within(objectLimits.fleetPatienceMs, asked, null);
    if (sidecars) copy = { at: now, sidecars: sidecars.filter((one) => !isRevoked(env, one)) };
  } catch (error) {
    logFault("fleet_unreachable", {}, error);
  }
  return copy.sidecars;
}

/**
 * The same for what may be out of date: a copy of up to `fleetHintAgeMs` will do, one of an empty fleet as well. So it asks the fleet once in that
 * time, and waits for it only for a moment.
 */
export async function recentSidecars(env: Env): Promise<readonly Sidecar[]> {
  const age = Date.now() - copy.at;
  if (age >= 0 && age < objectLimits.fleetHintAgeMs) return copy.sidecars;
  return await within(objectLimits.fleetHintPatienceMs, liveSidecars(env, true), copy.sidecars);
}

/** Whether its last heartbeat was under a key that the operator has revoked since: its thief may have sent it. */
function isRevoked(env: Env, { name, keyNumber }: Sidecar): boolean {
  return keyNumber !== undefined && keyNumber < sidecarId(env, name).number;
}

export function fleetAt(env: Env): DurableObjectStub<FleetPort> {
  const { region } = settingsOf(env);
  return env.FLEET.getByName("fleet", callOptions(region));
}
