/** As bill.test.ts, of what members who stay may ask for. Apart, so that the two run at the same time. */
import { expect, test } from "vitest";
import { countMeans } from "../../measure/bench/cost/attackers.ts";
import { stayingMeans } from "../../measure/bench/cost/staying-attackers.ts";

test.each(stayingMeans.map((one) => [one.name, one] as const))(
  "an address is charged at least what it costs: %s",
  async (_, one) => {
    const { billed, charged, acts } = await countMeans(one);
    console.log(`${one.name}: ${acts} acts, billed ${billed.toFixed(3)}, charged ${charged.toFixed(3)}`);
    expect(billed).toBeGreaterThan(0);
    expect(charged).toBeGreaterThanOrEqual(billed);
  },
  180_000,
);
