/** One JSON object a line. Never a token, a secret or a player's address. */
import { draw, newBucket, type Rate } from "../core/allowance.ts";
import { limits } from "../core/limits.ts";

export type Details = Record<string, string | number | undefined>;

/** A fault of ours, or of the platform: always written. */
export function logFault(what: string, details: Details = {}, error?: unknown): void {
  console.error(
    JSON.stringify({
      level: "error",
      what,
      ...details,
      ...(error !== undefined && { error: reason(error) }),
    }),
  );
}

const rate = (): Rate => ({ burst: limits.refusalLineBurst, perSecond: limits.refusalLinesPerSecond });
const lines = newBucket(rate(), 0);
/** Lines not written since the last that was, by what they were about. */
const leftOut = new Map<string, number>();

/**
 * Something that a stranger can bring about as often as it likes. Only so many lines a second are written; the next that
 * is says how many were left out before it.
 */
export function logRefusal(what: string, details: Details = {}): void {
  if (!draw(lines, rate(), Date.now())) {
    leftOut.set(what, (leftOut.get(what) ?? 0) + 1);
    return;
  }
  const missing = leftOut.size > 0 && { leftOut: Object.fromEntries(leftOut) };
  console.log(JSON.stringify({ level: "info", what, ...details, ...missing }));
  leftOut.clear();
}

const tokenShape = /\d{1,8}\.[\w-]{16}\.[\w-]{22}/g;
/** UTF-16 units of an error's text: others wrote it. */
const longestReason = 300;

/** What an error says, without what it may have quoted. */
export function reason(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.replace(tokenShape, "(a token)").slice(0, longestReason);
}
