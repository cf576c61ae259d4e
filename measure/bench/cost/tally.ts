/** What the counting Worker has counted (`counting-worker.ts`). */
import { assumed } from "./assumed.ts";
import type { Usage } from "./prices.ts";

export type ObjectTally = {
  /** Messages that came on WebSockets. */
  messages: number;
  /** Frames that were sent in the same turn in which such a message came. */
  framesAtOnce: number;
  /** WebSockets that closed or failed. */
  closes: number;
  alarms: number;
  rowsWritten: number;
  /** Milliseconds in which a handler ran, or a call of its own to another object was under way. */
  awakeMs: number;
};

export type Tally = {
  workerRequests: number;
  /** Calls to objects, upgrades included, by binding and method, like `LOBBY.fetch`. */
  calls: Record<string, number>;
  /** By class. */
  objects: Record<string, ObjectTally>;
};

/** All of them together. */
export function sumOf(tallies: readonly Tally[]): Tally {
  const sum: Tally = { workerRequests: 0, calls: {}, objects: {} };
  for (const { workerRequests, calls, objects } of tallies) {
    sum.workerRequests += workerRequests;
    for (const [name, count] of Object.entries(calls)) sum.calls[name] = (sum.calls[name] ?? 0) + count;
    for (const [name, page] of Object.entries(objects)) {
      const before = sum.objects[name];
      sum.objects[name] = before ? addPages(before, page) : page;
    }
  }
  return sum;
}

function addPages(a: ObjectTally, b: ObjectTally): ObjectTally {
  return {
    messages: a.messages + b.messages,
    framesAtOnce: a.framesAtOnce + b.framesAtOnce,
    closes: a.closes + b.closes,
    alarms: a.alarms + b.alarms,
    rowsWritten: a.rowsWritten + b.rowsWritten,
    awakeMs: a.awakeMs + b.awakeMs,
  };
}

/** WebSocket messages that are billed as one request. */
const messagesPerRequest = 20;

/** What one of these sessions used, on average. */
export function usageOf(
  { workerRequests, calls, objects }: Tally,
  sessions: number,
): Usage & { alarms: number } {
  const total = (count: keyof ObjectTally) => added(Object.values(objects).map((object) => object[count]));
  const called = added(Object.values(calls));
  const events = called + total("messages") + total("closes") + total("alarms");
  const each = (count: number) => count / sessions;
  return {
    workerRequests: each(workerRequests),
    workerCpuMs: each(workerRequests * assumed.workerCpuMs),
    objectRequests: each(called + total("alarms") + total("messages") / messagesPerRequest),
    rowsWritten: each(total("rowsWritten")),
    secondsAwake: each((total("awakeMs") + events * assumed.eventMs) / 1_000),
    alarms: each(total("alarms")),
  };
}

function added(counts: number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
