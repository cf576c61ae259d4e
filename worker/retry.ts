/** Calls between objects fail when one is moved, restarted or overloaded. */

/**
 * The call's result, after as many tries as there are delays (milliseconds) and one. The call must be
 * safe to repeat: an answer may be lost after the work was done. Throws what the last try threw. An object that
 * is overloaded is left alone, unless the caller has one call under way at most and can wait.
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
      if (isOverloaded(error) && !evenOverloaded) throw error;
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

/** The platform sets this on errors after which another try makes things worse. */
function isOverloaded(error: unknown): boolean {
  return error instanceof Error && "overloaded" in error && error.overloaded === true;
}
