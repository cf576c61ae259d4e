/** Calls between objects fail when one is moved, restarted or overloaded, and may take their time. */

/**
 * The call's result, after as many tries as there are delays (milliseconds) and one. The call must be safe to repeat: an
 * answer may be lost after the work was done. Throws what the last try threw. Only faults of the platform are tried again;
 * an error that our own code threw would only come again. An object that is overloaded is left alone, unless the caller
 * has one call under way at most and can wait.
 */
export async function retry<T>(
  call: () => Promise<T>,
  delaysMs: readonly number[],
  { evenOverloaded = false } = {},
): Promise<T> {
  for (const delay of delaysMs) {
    try {
      return released(await call());
    } catch (error) {
      if (!isWorthRetrying(error, evenOverloaded)) throw error;
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
  if (!(error instanceof Error)) return false;
  const is = (mark: string) => Reflect.get(error, mark) === true;
  if (is("overloaded")) return evenOverloaded;
  return (is("retryable") || is("durableObjectReset")) && !is("remote");
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
