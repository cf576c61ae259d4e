import { retryable } from "cloudflare:durable-objects";
import { DurableObject } from "cloudflare:workers";
import { afterSilence, isNews, type Place, type Sidecar } from "../../core/fleet.ts";
import { sharedLimits } from "../../core/limits.ts";
import type { Heartbeat } from "../../core/wire/sidecar-post.ts";
import { type Env, settingsOf } from "../platform/env.ts";
import { logFault } from "../platform/log.ts";
import type { FleetPort } from "../platform/ports.ts";
import { retry, within } from "../platform/retry.ts";
import { callOptions } from "../platform/stubs.ts";
import { objectLimits } from "./limits.ts";

const prefix = "sidecar:";
/** When a sidecar that is gone signed its last heartbeat: kept for as long as one signed before would be taken. */
const gonePrefix = "gone:";

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
  /** By name: times by sidecars' own clocks. */
  readonly #gone = new Map<string, number>();
  /** When this object was last asked or told something, in milliseconds since 1970. */
  #lastAt = Date.now();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    for (const [, sidecar] of ctx.storage.kv.list<Sidecar>({ prefix }))
      this.#sidecars.set(sidecar.name, sidecar);
    for (const [key, at] of ctx.storage.kv.list<number>({ prefix: gonePrefix }))
      this.#gone.set(key.slice(gonePrefix.length), at);
  }

  /**
   * Takes a heartbeat. `address` and `place` are what the edge knows of its sender. False for one that is not newer
   * than the last of this sidecar: repeated by somebody else, it would tell players a wrong address, or that one lives
   * which is dead.
   */
  async hear(
    { at, name, host, port, secondPort, relays, load, leaving }: Heartbeat,
    from: { address?: string | undefined; place?: Place | undefined },
  ): Promise<boolean> {
    const now = this.#look();
    if (!isNews(at, this.#sidecars.get(name)?.signedAt ?? this.#gone.get(name), now)) return false;
    if (leaving) {
      this.#remove(name, at);
      return true;
    }
    if (!this.#sidecars.has(name) && this.#sidecars.size >= objectLimits.fleetSize) return true;
    const sidecar: Sidecar = {
      name,
      host: host ?? from.address,
      port,
      secondPort,
      relays,
      load,
      place: from.place,
      heardAt: now,
      signedAt: at,
    };
    this.#sidecars.set(name, sidecar);
    if (this.#gone.delete(name)) this.ctx.storage.kv.delete(gonePrefix + name);
    this.ctx.storage.kv.put<Sidecar>(prefix + name, sidecar);
    return true;
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

  #remove(name: string, signedAt = this.#sidecars.get(name)?.signedAt): void {
    if (this.#sidecars.delete(name)) this.ctx.storage.kv.delete(prefix + name);
    if (signedAt === undefined) return;
    this.#gone.set(name, signedAt);
    this.ctx.storage.kv.put<number>(gonePrefix + name, signedAt);
    for (const [other, at] of this.#gone) {
      // What was signed before that is too old by now, whosever clock is wrong.
      if (at + 2 * sharedLimits.postClockMs > Date.now()) continue;
      this.#gone.delete(other);
      this.ctx.storage.kv.delete(gonePrefix + other);
    }
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
    if (sidecars) copy = { at: now, sidecars };
  } catch (error) {
    logFault("fleet_unreachable", {}, error);
  }
  return copy.sidecars;
}

export function fleetAt(env: Env): DurableObjectStub<FleetPort> {
  const { region } = settingsOf(env);
  return env.FLEET.getByName("fleet", callOptions(region));
}
