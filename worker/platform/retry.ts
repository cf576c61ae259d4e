/**
 * Calls between objects fail when one is moved, restarted or overloaded, and may take their time. At Cloudflare the platform
 * repeats a call itself, in so far as its stub allows (`callOptions` in stubs.ts). Our own tries come on top: the open workerd of
 * `npm start` repeats nothing, and an object that is gone for seconds is worth more patience than the platform has.
 */

/**
 * The call's result, after as many tries as there are delays (milliseconds) and one. No try begins once twice the time of all
 * delays has passed: each may take its time, and somebody waits. The call must be safe to repeat: an answer may be lost
 * after the work was done. Throws what the last try threw. Only faults of the platform are tried again;
 * an error that our own code threw would only come again. An object that is overloaded is left alone, unless the caller
 * has one call under way at most and can wait.
 */
export async function retry<T>(
  call: () => Promise<T>,
  delaysMs: readonly number[],
  { evenOverloaded = false } = {},
): Promise<T> {
  const began = Date.now();
  const mostMs = 2 * delaysMs.reduce((sum, delay) => sum + delay, 0);
  for (const delay of delaysMs) {
    try {
      return released(await call());
    } catch (error) {
      const isLate = Date.now() + delay - began > mostMs;
      if (isLate || !isWorthRetrying(error, evenOverloaded)) throw error;
      await scheduler.wait(delay);
    }
  }
  return released(await call());
}

/** The result of a call. The platform keeps something of the call for one that is an object, until it is told. */
export function released<T>(result: T): T {
  if (typeof result === "object" && result !== null && Symbol.dispose in result) {
    (result as Disposable)[Symbol.dispose]();
  }
  return result;
}

/**
 * The platform marks its errors. `remote`: our own code threw it, in the object. `overloaded`: another try makes things
 * worse. Outside production `retryable` is missing where an object was reset.
 */
function isWorthRetrying(error: unknown, evenOverloaded: boolean): boolean {
  if (isMarked(error, "overloaded")) return evenOverloaded;
  return (
    (isMarked(error, "retryable") || isMarked(error, "durableObjectReset")) && !isMarked(error, "remote")
  );
}

/** Whether the platform has put this mark on the error of a call. */
export function isMarked(
  error: unknown,
  mark: "retryable" | "durableObjectReset" | "overloaded" | "remote",
): boolean {
  return error instanceof Error && Reflect.get(error, mark) === true;
}

/** What the promise comes to, or `otherwise` if that takes longer than `ms`. */
export async function within<T>(ms: number, promise: Promise<T>, otherwise: T): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const tooLate = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), ms);
  });
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
