/** Waiting: with an end, for the game's word that it is called off, and again when an attempt failed. */
import { OrionError, ownError } from "./error.ts";

/** Milliseconds in all that something is tried again and again. */
const patienceMs = 10_000;
/** Milliseconds one attempt may take: a lost packet of a connect is repeated after 1, 3 and 7 s. */
const attemptMs = 8_000;
/** Milliseconds before the second attempt; doubled with each, up to the longest, and spread by half. */
const firstPauseMs = 100;
const longestPauseMs = 2_000;

const losses: ReadonlySet<string> = new Set(["unreachable", "disconnected", "unanswered"]);

/** Whether the connection failed, which may be over at the next attempt. */
export function isLoss(error: unknown): error is OrionError {
  return error instanceof OrionError && losses.has(error.code);
}

/** Tries until it is done, refused for good, or some 10 s are over: where the server says when to ask again, then. The attempt's signal ends it. */
export async function persist<T>(
  attempt: (signal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
  isPassing: (error: unknown) => boolean = isLoss,
): Promise<T> {
  const giveUpAt = performance.now() + patienceMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    let waitMs: number;
    try {
      return await inTime(attempt, signal, Math.min(attemptMs, giveUpAt - performance.now()));
    } catch (error) {
      const askedMs = error instanceof OrionError && (error.retryAfterS ?? 0) * 1_000;
      if (!askedMs && !isPassing(error)) throw error;
      waitMs = askedMs || pauseMs * (0.5 + Math.random());
      if (performance.now() + Math.max(waitMs, 2 * pauseMs) > giveUpAt) throw error;
    }
    await pause(waitMs, signal);
  }
}

/** The attempt, once. It heeds its signal: `aborted` if the game called it off, `unanswered` if it takes too long. */
export async function inTime<T>(
  attempt: (signal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
  ms = attemptMs,
): Promise<T> {
  throwIfAborted(signal);
  const ending = new AbortController();
  const late = setTimeout(() => ending.abort(ownError("unanswered")), ms);
  const callOff = () => ending.abort(signal && abortError(signal));
  signal?.addEventListener("abort", callOff);
  try {
    return await attempt(ending.signal);
  } finally {
    clearTimeout(late);
    signal?.removeEventListener("abort", callOff);
  }
}

/** What the promise comes to, unless the signal is aborted first. */
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

function abortError({ reason }: AbortSignal): OrionError {
  return reason instanceof OrionError ? reason : ownError("aborted", reason);
}

async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await abortable(over, signal).finally(() => clearTimeout(timer));
}
