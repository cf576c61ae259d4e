/**
 * Connections that broke in the moment of their upgrade: the platform tells nobody, and keeps what waits for them (`bufferedAmount`, the bytes that
 * the kernel has not taken).
 */
import { holderLimits } from "./limits.ts";

/** Whether the platform says what waits for a socket. No documentation promises it. */
export const tellsWhatWaits = "bufferedAmount" in WebSocket.prototype;
/** Whether it has said of a connection that it takes what is sent. Before that its word that one does not may mean nothing. */
let tellsWhatIsTaken = false;

/**
 * Something was sent on a new connection. If that takes nothing of it for a while, its client is gone: `unopened` is called. `hasTaken`: null if there
 * is nothing to know any more. Returns what ends the watch.
 */
export function watchOpening(hasTaken: () => boolean | null, unopened: () => void): () => void {
  if (!tellsWhatWaits) return () => {};
  const look = () => {
    const isTaken = hasTaken();
    if (isTaken) tellsWhatIsTaken = true;
    else if (isTaken === false && tellsWhatIsTaken) unopened();
  };
  const timer = setTimeout(look, holderLimits.unopenedMs);
  return () => clearTimeout(timer);
}
