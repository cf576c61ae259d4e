/** What an object remembers of the batches it has received, so that a repeated batch is not dealt with twice. */
import { expect, test } from "vitest";
import { platformLimits } from "../../worker/platform/limits.ts";

/** The Worker's part as it is used here. It is imported by address because its types are those of Workers. */
type WorkerFlight = {
  Answers: new () => {
    once(peer: string, batch: { id: string }, now: number, answer: () => string): string;
  };
};
const { Answers }: WorkerFlight = await import(
  new URL("../../worker/platform/flights.ts", import.meta.url).href
);

const noon = Date.UTC(2026, 0, 1, 12);

/** An object that deals with batches: what it answered says how often it has. */
function anObject() {
  const answers = new Answers();
  let dealtWith = 0;
  return (peer: string, id: string, now = noon) =>
    answers.once(peer, { id }, now, () => {
      dealtWith += 1;
      return `answer ${dealtWith}`;
    });
}

test("a repeated batch gets the answer it got, and is not done again", () => {
  const receive = anObject();
  expect(receive("7", "a")).toBe("answer 1");
  expect(receive("7", "a")).toBe("answer 1");
  expect(receive("7", "b")).toBe("answer 2");
});

test("nor is it when hundreds of batches of others came between", () => {
  const receive = anObject();
  receive("7", "a");
  for (let i = 0; i < 700; i++) receive(i % 2 ? "8" : "9", `of others ${i}`);
  for (let i = 0; i < 700; i++) receive(`peer ${i}`, "its first");
  expect(receive("7", "a")).toBe("answer 1");
});

test("a batch is remembered for longer than all tries of it take", () => {
  const receive = anObject();
  const tries = platformLimits.retryDelaysMs.reduce((sum, delay) => sum + delay, 0);
  receive("7", "a");
  receive("8", "b", noon + 2 * tries);
  expect(receive("7", "a", noon + 2 * tries)).toBe("answer 1");
});

test("a peer that is silent is forgotten in time, and one that is not is not", () => {
  const receive = anObject();
  receive("lively", "a");
  receive("silent", "a");
  receive("lively", "b", noon + platformLimits.batchRememberedMs - 1);
  expect(receive("silent", "a", noon + platformLimits.batchRememberedMs - 1)).toBe("answer 2");
  receive("another", "a", noon + platformLimits.batchRememberedMs);
  expect(receive("silent", "a", noon + platformLimits.batchRememberedMs)).toBe("answer 5");
  expect(receive("lively", "b", noon + platformLimits.batchRememberedMs)).toBe("answer 3");
});
