/** Waiting for the server: with a time limit, until the caller calls it off, and again after a failure. */
import { SessionError, sessionError } from "./error.ts";

/** Milliseconds in all for an attempt and its repetitions. */
const retryForMs = 10_000;
/** Milliseconds for one attempt. TCP repeats a lost packet of a connect after 1, 3 and 7 s. */
const attemptMs = 8_000;
/**
 * Milliseconds before the second attempt. Each pause is twice as long as the one before, give or take half.
 */
const firstPauseMs = 100;
const longestPauseMs = 2_000;

const losses: ReadonlySet<string> = new Set(["unreachable", "disconnected", "unanswered"]);

/** Whether the connection failed. The next attempt may succeed. */
export function isLoss(error: unknown): error is SessionError {
  return error instanceof SessionError && losses.has(error.code);
}

/** `firstMs`: for the first attempt, if that should be shorter; each has twice as long as the one before. */
type RetryTimes = { forMs?: number | undefined; firstMs?: number };

/**
 * Tries until an attempt succeeds, is refused for good, or `forMs` are almost over. If the server says when to ask
 * again, the next attempt is then. An attempt must stop when its signal is aborted. Throws the last attempt's
 * error, or `aborted`.
 */
export async function retry<T>(
  attempt: (signal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
  mayPass: (error: unknown) => boolean = isLoss,
  { forMs = retryForMs, firstMs = attemptMs }: RetryTimes = {},
): Promise<T> {
  const giveUpAt = performance.now() + forMs;
  let limitMs = firstMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    let waitMs: number;
    try {
      return await inTime(attempt, signal, Math.min(limitMs, giveUpAt - performance.now()));
    } catch (error) {
      const askedMs = error instanceof SessionError && (error.retryAfterS ?? 0) * 1_000;
      if (!askedMs && !mayPass(error)) throw error;
      waitMs = askedMs || pauseMs * (0.5 + Math.random());
      if (performance.now() + Math.max(waitMs, 2 * pauseMs) > giveUpAt) throw error;
    }
    await pause(waitMs, signal);
    limitMs = Math.min(2 * limitMs, attemptMs);
  }
}

/**
 * One attempt. Its signal is aborted with `aborted` if the caller calls it off, with `unanswered` if it takes
 * too long. The attempt must then throw the signal's reason.
 */
export async function inTime<T>(
  attempt: (signal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
  ms = attemptMs,
): Promise<T> {
  throwIfAborted(signal);
  const ending = new AbortController();
  const late = setTimeout(() => ending.abort(sessionError("unanswered")), ms);
  const callOff = () => ending.abort(signal && abortError(signal));
  signal?.addEventListener("abort", callOff);
  try {
    return await attempt(ending.signal);
  } finally {
    clearTimeout(late);
    signal?.removeEventListener("abort", callOff);
  }
}

/** The promise's outcome, or `aborted` if the signal is aborted first. */
export function abortable<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const callOff = () => reject(abortError(signal));
    if (signal.aborted) callOff();
    signal.addEventListener("abort", callOff, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", callOff));
  });
}

export function throwIfAborted(signal?: AbortSignal): void {
  if (signal?.aborted) throw abortError(signal);
}

function abortError({ reason }: AbortSignal): SessionError {
  return reason instanceof SessionError ? reason : sessionError("aborted", reason);
}

async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await abortable(over, signal).finally(() => clearTimeout(timer));
}
