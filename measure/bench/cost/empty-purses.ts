/**
 * Runs in the Worker before its code: a session has nothing in its purse, and its connection pays for none, so that all it spends is taken out of
 * its network's budget.
 */
import { prices } from "../../../core/bill.ts";
import { holderLimits } from "../../../worker/sessions/limits.ts";

Object.assign(prices, { connect: prices.connect - holderLimits.purseMicros });
Object.assign(holderLimits, { purseMicros: 0, purseLeastDraw: 0.1, purseMostDraw: 0.1, purseHandMicros: 0 });
