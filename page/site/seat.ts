/**
 * This tab's place in a lobby, so that a page that is loaded again comes back as the same player.
 *
 * The key to come back with is kept for this tab alone. A browser copies it when somebody duplicates a tab, and a key is good once: two tabs
 * with it would throw each other out. So a tab holds a lock while it plays, and comes back only if it gets that lock. The
 * duplicate does not get it: it joins as another player.
 */
import type { Lobby } from "/sdk.js";
import { keep, recall } from "./storage.ts";

/** `returnKey`: a secret. */
export type Seat = { code: string; clientId: string; returnKey: string };
/** Gives the place up to other tabs. */
export type Release = () => void;

const key = "orion-seat";
/** Milliseconds for the page before, which is being unloaded, to let go of its lock. */
const patienceMs = 1_000;
/** Milliseconds for another tab to answer, where there are no locks: over plain HTTP, in a local network. */
const answerMs = 250;

/** The place that this tab had when it was loaded last, or null. */
export function keptSeat(): Seat | null {
  try {
    const seat: unknown = JSON.parse(recall("session", key) ?? "null");
    return isSeat(seat) ? seat : null;
  } catch {
    return null;
  }
}

/** Keeps the way back into this lobby. To be called again after each return: a key is good once. */
export function keepSeat(lobby: Lobby): void {
  const returnKey = lobby.returnKey();
  const { code, clientId } = lobby;
  keep("session", key, returnKey === null ? null : JSON.stringify({ code, clientId, returnKey }));
}

export function forgetSeat(): void {
  keep("session", key, null);
}

/** Holds the place of this member for this tab. Null if another tab does. */
export async function holdSeat(clientId: string): Promise<Release | null> {
  const name = `orion-seat ${clientId}`;
  // Browsers leave it out over plain HTTP.
  const { locks } = navigator as { locks?: LockManager };
  return locks ? await lock(locks, name) : await claim(name);
}

async function lock(locks: LockManager, name: string): Promise<Release | null> {
  const { promise, resolve } = Promise.withResolvers<Release | null>();
  const held = () => new Promise<void>((release) => resolve(release));
  locks.request(name, { signal: AbortSignal.timeout(patienceMs) }, held).catch(() => resolve(null));
  return await promise;
}

/** The same by asking the other tabs. */
async function claim(name: string): Promise<Release | null> {
  if (typeof BroadcastChannel === "undefined") return () => {};
  const channel = new BroadcastChannel(name);
  const isHeld = await new Promise<boolean>((resolve) => {
    channel.onmessage = ({ data }) => {
      if (data === "held") resolve(true);
    };
    channel.postMessage("held?");
    setTimeout(() => resolve(false), answerMs);
  });
  if (isHeld) {
    channel.close();
    return null;
  }
  channel.onmessage = ({ data }) => {
    if (data === "held?") channel.postMessage("held");
  };
  return () => channel.close();
}

function isSeat(value: unknown): value is Seat {
  if (typeof value !== "object" || value === null) return false;
  const { code, clientId, returnKey } = value as Record<string, unknown>;
  return [code, clientId, returnKey].every((text) => typeof text === "string" && text !== "");
}
