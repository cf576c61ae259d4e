/** The counts, of all objects: locally they share one isolate with the Worker. */
import type { ObjectTally, Tally } from "../tally.ts";

type Books = { tally: Tally; open: boolean };
const books: Books = { tally: { workerRequests: 0, calls: {}, objects: {} }, open: false };

/** While the books are closed nothing is counted. */
export function openBooks(open: boolean): void {
  books.open = open;
}

export function booksAreOpen(): boolean {
  return books.open;
}

export function readTally(): Tally {
  return books.tally;
}

export function resetTally(): void {
  books.tally = { workerRequests: 0, calls: {}, objects: {} };
}

export function countWorkerRequest(): void {
  if (books.open) books.tally.workerRequests += 1;
}

export function countCall(binding: string, method: string): void {
  const { calls } = books.tally;
  const name = `${binding}.${method}`;
  if (books.open) calls[name] = (calls[name] ?? 0) + 1;
}

/** One object's page of the books, and its clock. */
export class Meter {
  readonly #class: string;
  #busy = 0;
  #since = 0;

  constructor(className: string) {
    this.#class = className;
  }

  count(what: Exclude<keyof ObjectTally, "awakeMs">, times = 1): void {
    this.#add(what, times);
  }

  /** The object is awake as long as this runs, or what it promises. Times that overlap count once. */
  awake<T>(run: () => T): T {
    if (this.#busy++ === 0) this.#since = performance.now();
    const over = () => {
      if (--this.#busy === 0) this.#add("awakeMs", performance.now() - this.#since);
    };
    let result: T;
    try {
      result = run();
    } catch (error) {
      over();
      throw error;
    }
    if (result instanceof Promise) result.then(over, over);
    else over();
    return result;
  }

  #add(what: keyof ObjectTally, count: number): void {
    if (!books.open) return;
    const { objects } = books.tally;
    objects[this.#class] ??= {
      messages: 0,
      framesAtOnce: 0,
      closes: 0,
      alarms: 0,
      rowsWritten: 0,
      awakeMs: 0,
    };
    const page = objects[this.#class];
    if (page) page[what] += count;
  }
}
