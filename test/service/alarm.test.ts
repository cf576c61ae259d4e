/** What an object's alarm costs: each time it is set is a row written, each look at it a row read. */
import { expect, test } from "vitest";

type Alarm = {
  wakeBy(at: number): void;
  wasToWakeBy(at: number): void;
  isSetBy(at: number): Promise<void>;
  rang(): void;
};

/** An alarm, and what it does with its storage. `set`: what was set before the object slept. */
async function anAlarm(set: number | null = null): Promise<{ alarm: Alarm; done: string[] }> {
  const { Alarm } = await import(new URL("../../worker/platform/alarm.ts", import.meta.url).href);
  const done: string[] = [];
  const storage = {
    setAlarm: (at: number) => done.push(`set ${at}`),
    getAlarm: async () => {
      done.push("look");
      return set;
    },
  };
  return { alarm: new Alarm(storage), done };
}

test("an alarm that comes anyway is not set again", async () => {
  const { alarm, done } = await anAlarm();
  alarm.wakeBy(100);
  alarm.wakeBy(100);
  alarm.wakeBy(200);
  await alarm.isSetBy(150);
  expect(done).toEqual(["set 100"]);
  alarm.wakeBy(50);
  expect(done).toEqual(["set 100", "set 50"]);
});

test("after a sleep one that was set before is looked at once, and left as it is if it is early enough", async () => {
  const { alarm, done } = await anAlarm(100);
  alarm.wasToWakeBy(300);
  await alarm.isSetBy(200);
  await alarm.isSetBy(150);
  expect(done).toEqual(["look"]);
  await alarm.isSetBy(90);
  expect(done).toEqual(["look", "set 90"]);
});

test("when it has rung, it is set once, whoever wants it, and in whichever order", async () => {
  const { alarm, done } = await anAlarm();
  alarm.rang();
  const soon = alarm.isSetBy(100);
  alarm.wakeBy(300);
  await soon;
  expect(done).toEqual(["set 100"]);
});
