/** Calls between objects fail when one is moved, restarted or overloaded, and may take their time. */

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
