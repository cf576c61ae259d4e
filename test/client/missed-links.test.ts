/** When a player asks the server to be connected again to a peer that it has lost. */
import { beforeEach, expect, test, vi } from "vitest";
import { type Miss, MissedLinks } from "../../client/missed-links.ts";

const misses = new Map<string, Miss>();
const asked: string[][] = [];
const newMissed = () =>
  new MissedLinks(
    (peers) => asked.push(peers),
    (clientId) => misses.get(clientId) ?? "over",
  );

beforeEach(() => {
  misses.clear();
  asked.length = 0;
  vi.useFakeTimers();
  return () => vi.useRealTimers();
});

test("a link that has died is asked for at once, and then in pauses that grow to half a minute", () => {
  const missed = newMissed();
  misses.set("bo", "missed");
  missed.add("bo");
  vi.advanceTimersByTime(750);
  expect(asked).toEqual([["bo"]]);
  vi.advanceTimersByTime(5 * 60_000);
  // 5 + 10 + 20 + 30 s and so on, each give or take half.
  expect(asked.length).toBeGreaterThan(6);
  expect(asked.length).toBeLessThan(24);
  missed.stop();
  const before = asked.length;
  vi.advanceTimersByTime(5 * 60_000);
  expect(asked.length).toBe(before);
});

test("nobody is asked for who is linked again, is gone, or is away", () => {
  const missed = newMissed();
  misses.set("bo", "later").set("cid", "missed");
  for (const peer of ["bo", "cid", "dan"]) missed.add(peer);
  vi.advanceTimersByTime(750);
  expect(asked).toEqual([["cid"]]);
  misses.set("bo", "missed").set("cid", "over");
  vi.advanceTimersByTime(7_500);
  expect(asked.at(-1)).toEqual(["bo"]);
  misses.set("bo", "over");
  const before = asked.length;
  vi.advanceTimersByTime(5 * 60_000);
  expect(asked.length).toBe(before);
  expect(vi.getTimerCount()).toBe(0);
});
