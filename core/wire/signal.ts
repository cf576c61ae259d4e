/** What one member signals to another: any JSON, within bounds. */
import { wireLimits } from "./limits.ts";

const encoder = new TextEncoder();

/** Objects and lists inside of each other that a signal may have: what goes through several programs must not exhaust their stacks. */
const signalDepth = 32;

/** Whether this may be a signal: its JSON has `signalBytes` at most. */
export function isSignal(data: unknown): boolean {
  return (
    data !== undefined &&
    isShallow(data, signalDepth) &&
    encoder.encode(JSON.stringify(data)).length <= wireLimits.signalBytes
  );
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depth > 0 && Object.values(value).every((one) => isShallow(one, depth - 1));
}
