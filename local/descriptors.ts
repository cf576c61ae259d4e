/**
 * File descriptors. workerd ends at once when the system gives it no more of them, so the server takes less work than
 * its limit allows.
 */
import { spawnSync } from "node:child_process";
import { edgeLimits } from "../worker/edge/limits.ts";
import { commands } from "./commands.ts";

/** What a server may hold at a time. */
export type Room = { sockets: number };

/** When a server takes no more connections (door.ts). */
export type DoorBounds = {
  /** Open descriptors of workerd at which the door shuts. */
  shutAt: number;
  /** Connections that wait for workerd to take them. It takes them even after the door is shut. */
  waiting: number;
};

/** Descriptors for some 3 000 players. With fewer, the operator gets a warning. */
export const enoughDescriptors = 16_384;
/** Below this, a server has room for a handful of players only. */
export const fewestDescriptors = 256;
/** What the server asks for, the best first. One machine cannot open connections enough to use up the first. */
const wantedDescriptors = [262_144, 65_536, 16_384];
/** For the operator, after a colon. */
export const howToRaiseIt = `run "ulimit -n 65536" before ${commands.start}, or set LimitNOFILE=65536 in systemd.`;

/** Descriptors that workerd itself, the directory and the fleet take, and some to spare. */
const baseDescriptors = 96;
/** Descriptors of an object that does something: its database has three files. */
const objectDescriptors = 3;
/** Objects that strangers can have made by guessing codes, at a time: an object sleeps after ten seconds without an event. */
const guessedObjects = edgeLimits.unknownCodeBurst + 10 * edgeLimits.unknownCodesPerSecond;
/** Descriptors of a connection: workerd duplicates what it accepts. */
const connectionDescriptors = 2;
/** Descriptors for what comes in while the door is being shut, and for objects afterwards. A small limit has a share of it. */
const spareDescriptors = 4_096;
const spareShare = 1 / 4;
/** What of them connections may take that wait for workerd. The rest lasts until the door is shut. */
const waitingShare = 1 / 4;
/** Descriptors that are kept for each open WebSocket (`roomFor`). */
const socketDescriptors = 2 * connectionDescriptors + objectDescriptors;

/**
 * The descriptors that a process of this one may have, once it asks for more. Only root may raise its hard limit.
 * Null where the system has no such limit.
 */
export function descriptorLimit(): number | null {
  if (process.platform === "win32") return null;
  const { stdout } = spawnSync("sh", ["-c", askForMore, "sh", ...wantedDescriptors.map(String)], {
    encoding: "utf8",
  });
  const limit = Number(stdout?.trim());
  return Number.isInteger(limit) && limit > 0 ? limit : null;
}

const askForMore = `
  for wanted do
    [ "$(ulimit -n)" -ge "$wanted" ] && break
    ulimit -n "$wanted" && break
  done 2> /dev/null
  ulimit -n
`;

/**
 * What fits into a limit. Guessed codes get what their objects need, a fifth at most. Of the rest, each open WebSocket gets
 * its connection, one more for requests and for connections that say nothing, and a lobby of its own.
 */
export function roomFor(limit: number): Room {
  const free = limit - baseDescriptors;
  const guessed = Math.min(guessedObjects * objectDescriptors, Math.floor(free / 5));
  return { sockets: Math.floor((free - guessed) / socketDescriptors) };
}

/** The door of a server with that limit. */
export function doorFor(limit: number): DoorBounds {
  const spare = Math.min(spareDescriptors, Math.floor(limit * spareShare));
  return { shutAt: limit - spare, waiting: Math.floor((spare * waitingShare) / connectionDescriptors) };
}

/**
 * How many requests a server with that limit may let in before it looks again, each of which may create an object: a third of what their files
 * would take, because some were let in before and have none yet. Connections that wait keep their part.
 */
export function requestsFor(limit: number, open: number): number {
  const free = limit - open - doorFor(limit).waiting * connectionDescriptors;
  return Math.max(0, Math.floor(free / (3 * objectDescriptors)));
}

/** The limit that has room for so many WebSockets. */
export function descriptorsFor(sockets: number): number {
  return baseDescriptors + guessedObjects * objectDescriptors + sockets * socketDescriptors;
}
