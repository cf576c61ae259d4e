/** The session that causes work pays for it, out of its purse (docs/decisions/020). */
import { type Micros, prices, spenderText } from "../../core/bill.ts";
import { drawBudgets, hasBudgets } from "../platform/budgets.ts";
import type { Env } from "../platform/env.ts";
import { logRefusal } from "../platform/log.ts";
import type { Delivery } from "../platform/ports.ts";
import { holderLimits } from "./limits.ts";
import type { Session } from "./session.ts";

export class Charges {
  readonly #env: Env;
  readonly #expel: (session: Session) => void;

  /** `expel`: throws out a session that goes on when its network has spent all it may. */
  constructor(env: Env, expel: (session: Session) => void) {
    this.#env = env;
    this.#expel = expel;
  }

  /**
   * Charges a session, if its network has a budget, for what it causes and for what happens to it. It goes when it owes much, whatever for:
   * what cost the most while nobody paid was never what was said.
   */
  charge(session: Session, micros: Micros): void {
    if (session.spenders.length === 0 || !hasBudgets(this.#env)) return;
    const wanted = session.purse.spend(micros, Date.now());
    if (wanted > 0) void this.#fill(session, wanted);
    const { purseOverdraft, memberOverdraft } = holderLimits;
    // With a member its lobby may end, for players of other networks too.
    const most = session.lobbyId === undefined ? purseOverdraft : memberOverdraft;
    // Later, not in the middle of what the lobby does.
    if (session.purse.owesMoreThan(most)) queueMicrotask(() => this.#expel(session));
  }

  /** Charges a session for what its lobby does by itself. */
  chargeForDelivery(session: Session, { message }: Delivery): void {
    if (!message) this.charge(session, prices.audit);
    else if (message.type === "encoded" || message.type === "endpointWanted")
      this.charge(session, prices.ownFrame);
  }

  async #fill({ spenders, purse }: Session, wanted: Micros): Promise<void> {
    const drawn = await drawBudgets(this.#env, spenders, wanted);
    purse.answered(wanted, drawn?.seconds ?? null, Date.now());
    if (drawn?.refuser)
      logRefusal("network_over_budget", { from: spenderText(drawn.refuser), seconds: drawn.seconds });
  }
}
