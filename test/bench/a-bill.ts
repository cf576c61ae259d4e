/** What an address does is charged at least what Cloudflare bills for it. */
import { expect, test } from "vitest";
import { countMeans } from "../../measure/bench/cost/attackers.ts";

/** A test for each of these means, several at a time: each has a server of its own, and most of it is waiting. */
export function testCharges(means: readonly Parameters<typeof countMeans>[0][]): void {
  test.concurrent.each(means.map((one) => [one.name, one] as const))(
    "an address is charged at least what it costs: %s",
    async (_, one) => {
      const { billed, charged, acts } = await countMeans(one);
      console.log(`${one.name}: ${acts} acts, billed ${billed.toFixed(3)}, charged ${charged.toFixed(3)}`);
      expect(billed).toBeGreaterThan(0);
      expect(charged).toBeGreaterThanOrEqual(billed);
    },
    180_000,
  );
}
