/** A short soak, as `npm run soak` has long ones. */
import { randomInt } from "node:crypto";
import { expect, test } from "vitest";
import { soak } from "../../measure/soak/run.ts";

const some = randomInt(1, 2 ** 32);

for (const [which, seed] of [
  ["the seed 1", 1],
  ["a random seed", some],
] as const) {
  test(`60 players who do everything at random, while things fail at random: every promise is kept (${which})`, async () => {
    console.log(`soak --seed ${seed}`);
    const { violation } = await soak({ seconds: 20, players: 60, seed }, () => {});
    expect(violation, `npm run soak -- --players 60 --seed ${seed}`).toBeNull();
  }, 150_000);
}
