import { expect, test } from "vitest";
import { accesses } from "../../measure/lab/access.ts";
import { type Pair, pairsOf } from "../../measure/lab/pair.ts";
import { eachPair } from "../../measure/lab/schedule.ts";

test("every pair has its turn, no more at once than wanted, and no player is in two of them", async () => {
  const underWay = new Set<Pair>();
  const had: Pair[] = [];
  let most = 0;
  await eachPair(pairsOf(accesses), 3, async (pair) => {
    for (const other of underWay) expect(other.a !== pair.a && other.b !== pair.b).toBe(true);
    underWay.add(pair);
    most = Math.max(most, underWay.size);
    await new Promise(setImmediate);
    underWay.delete(pair);
    had.push(pair);
  });
  expect(most).toBe(3);
  const names = (pairs: Pair[]) => pairs.map(({ a, b }) => `${a} × ${b}`).toSorted();
  expect(names(had)).toEqual(names(pairsOf(accesses)));
});

test("after a failure nothing new begins, and what has begun is over", async () => {
  const begun: Pair[] = [];
  let over = 0;
  const all = eachPair(pairsOf(accesses), 2, async (pair) => {
    begun.push(pair);
    await new Promise(setImmediate);
    over += 1;
    if (begun.length === 2) throw new Error("broken");
  });
  await expect(all).rejects.toThrow("broken");
  expect(over).toBe(begun.length);
  expect(begun.length).toBeLessThan(5);
});
