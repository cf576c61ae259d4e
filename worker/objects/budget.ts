import { DurableObject } from "cloudflare:workers";
import { drawFrom, type Budget as Left, type Micros, newBudget, prices } from "../../core/bill.ts";
import { type Env, settingsOf } from "../platform/env.ts";
import type { BudgetPort } from "../platform/ports.ts";
import { objectLimits } from "./limits.ts";

/** The one row. */
const row = "left";

/**
 * What one network, or all relays over WebSocket, may still cost today. Isolates and holders ask it only when the network has spent much more there than a household
 * does, so most networks never have one. It is deleted when it is full again.
 */
export class Budget extends DurableObject<Env> implements BudgetPort {
  #left: Left | null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#left = ctx.storage.kv.get<Left>(row) ?? null;
  }

  /** Not to be repeated by the platform: each call takes. */
  async draw(micros: Micros, share: number): Promise<number> {
    return await this.claim(micros, settingsOf(this.env).networkCentsPerDay * share);
  }

  async claim(micros: Micros, cents: number): Promise<number> {
    const now = Date.now();
    if (!this.#left) this.ctx.storage.setAlarm(now + objectLimits.budgetKeptMs);
    this.#left ??= newBudget(cents, now);
    const wait = drawFrom(this.#left, cents, micros + prices.draw, objectLimits.budgetAgainMicros, now);
    // A refusal writes nothing.
    if (wait === 0) this.ctx.storage.kv.put<Left>(row, this.#left);
    return wait;
  }

  override async alarm(): Promise<void> {
    // After a day without a draw it would be full.
    const at = (this.#left?.at ?? 0) + objectLimits.budgetKeptMs;
    if (at > Date.now()) {
      this.ctx.storage.setAlarm(at);
      return;
    }
    await this.ctx.storage.deleteAll();
    this.#left = null;
  }
}
