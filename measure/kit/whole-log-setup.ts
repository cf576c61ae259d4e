/** Runs in every test file (vitest.config.ts): nothing that is logged in it may be a secret, whatever its tests are about. */
import { appendFileSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, beforeEach, inject } from "vitest";
import { beginTest, lookThrough } from "./whole-log.ts";
import { beganMark } from "./whole-log-total.ts";

appendFileSync(inject("wholeLog"), `${beganMark}\n`);

beforeEach(({ task }) => beginTest(task.name));

// Of these hooks the one that is declared first runs last: all servers are stopped.
afterAll(async () => {
  // What they had still written is in their pipes.
  for (let i = 0; i < 10; i++) await turn();
  const { wrong, looked } = lookThrough();
  appendFileSync(inject("wholeLog"), `${JSON.stringify(looked)}\n`);
  if (wrong.length > 0)
    throw new Error([`${wrong.length} times in this file:`, ...wrong.slice(0, 20)].join("\n"));
});
