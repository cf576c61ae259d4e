/** An object's one alarm, and what it believes of it. */
import { expect, test } from "vitest";

type Storage = { setAlarm(at: number): void; getAlarm(): Promise<number | null> };
type Alarm = {
  wakeBy(at: number): void;
  isSetBy(at: number): Promise<void>;
  rang(): void;
  deleted(): void;
  mayBeStored(): void;
  readonly isPending: boolean;
  readonly isAskedFor: boolean;
};
/** The Worker's half as it is used here. It is imported by address because its types are those of Workers. */
const { Alarm }: { Alarm: new (storage: Storage) => Alarm } = await import(
  new URL("../../worker/platform/alarm.ts", import.meta.url).href
);

/** A storage that answers when it is told to, with what it had when it was asked. */
function aStorage(stored: number | null) {
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  const storage = {
    at: stored,
    setAlarm: (at: number) => {
      storage.at = at;
    },
    getAlarm: async () => {
      const before = storage.at;
      await answered;
      return before;
    },
  };
  return { storage, answer };
}

test("an alarm that is set while the one before is being read counts, and not the one before", async () => {
  const { storage, answer } = aStorage(120);
  const alarm = new Alarm(storage);
  const looking = alarm.isSetBy(130);
  alarm.wakeBy(225);
  answer();
  await looking;
  // Storage has 225 now, or earlier: what is needed by then must be set.
  alarm.wakeBy(124);
  expect(storage.at).toBeLessThanOrEqual(124);
});

test("an alarm that was deleted while it was being read is neither believed in nor set again", async () => {
  const { storage, answer } = aStorage(120);
  const alarm = new Alarm(storage);
  const looking = alarm.isSetBy(110);
  alarm.deleted();
  storage.at = null;
  answer();
  await looking;
  expect(storage.at).toBeNull();
  alarm.wakeBy(200);
  expect(storage.at).toBe(200);
});

test("an alarm that is known to come earlier is not set again", async () => {
  const { storage, answer } = aStorage(100);
  answer();
  const alarm = new Alarm(storage);
  await alarm.isSetBy(150);
  expect(storage.at).toBe(100);
  alarm.rang();
  alarm.wakeBy(300);
  expect(storage.at).toBe(300);
});

test("after a sleep an alarm may come, until it has", () => {
  const { storage } = aStorage(null);
  const alarm = new Alarm(storage);
  expect(alarm.isPending).toBe(false);
  alarm.mayBeStored();
  expect(alarm.isPending).toBe(true);
  expect(alarm.isAskedFor).toBe(false);
  alarm.rang();
  expect(alarm.isPending).toBe(false);
});
