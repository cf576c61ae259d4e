/**
 * Room for the objects' storage. An object whose write fails is ended by workerd, and its players' sockets with it. So the
 * server stops taking new work before its disk is full, and keeps a file in reserve: when the disk fills up, it deletes
 * that file, and the lobbies that are open have its room.
 */
import { randomFillSync } from "node:crypto";
import { closeSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Line, SidecarEvent } from "../udp-sidecar/log.ts";

/** What `npm start` tells of its sidecar, its storage, and its door. */
export type LocalLine = Line<
  SidecarEvent | "storage_almost_full" | "storage_has_room" | "connections_refused" | "connections_accepted"
>;

export type FreeSpace = {
  /** Whether there is room for new lobbies and players. */
  readonly hasRoom: boolean;
  stop(): void;
};

const mebibyte = 1024 ** 2;
/** Bytes of the reserve: thousands of alarms and rows. A small disk keeps an eighth of what is free. */
const mostReserved = 32 * mebibyte;
const leastReserved = mebibyte;
/** Milliseconds between two looks. */
const lookMs = 200;
const fileName = "orion-edge.reserve";

/** Watches the disk of this folder until it is stopped. `keepReserve`: not for a folder that is in memory. */
export function watchFreeSpace(
  folder: string,
  { keepReserve, told }: { keepReserve: boolean; told: (line: LocalLine) => void },
): FreeSpace {
  const file = join(folder, fileName);
  remove(file);
  const most = Math.min(mostReserved, Math.max(leastReserved, Math.floor(freeBytes(folder) / 8)));
  /** With less, nothing new is begun. */
  const least = most / 2;
  const reserve = () => keepReserve && freeBytes(folder) > most + least && writeReserve(file, most);
  let hasRoom = true;
  let hasReserve = reserve();

  const look = () => {
    const free = freeBytes(folder);
    if (hasRoom && free < least) {
      hasRoom = false;
      if (hasReserve) remove(file);
      told({
        level: "error",
        event: "storage_almost_full",
        freeMiB: Math.floor(free / mebibyte),
        reservedMiB: hasReserve ? Math.floor(most / mebibyte) : 0,
      });
      hasReserve = false;
    } else if (!hasRoom && free > 2 * most + least) {
      hasRoom = true;
      hasReserve = reserve();
      told({ level: "info", event: "storage_has_room", freeMiB: Math.floor(free / mebibyte) });
    }
  };
  look();
  const timer = setInterval(look, lookMs);
  timer.unref();
  return {
    get hasRoom() {
      return hasRoom;
    },
    stop: () => {
      clearInterval(timer);
      remove(file);
    },
  };
}

/** A disk that lets nothing be deleted, because it was mounted again or is read by another program, ends nothing. */
function remove(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // Then the server has no reserve.
  }
}

/** A file system that does not tell counts as one with room. */
function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Writes random bytes: zeros take no room on some file systems. False if there is no room for them. */
function writeReserve(file: string, bytes: number): boolean {
  const chunk = randomFillSync(Buffer.alloc(mebibyte));
  try {
    const descriptor = openSync(file, "w");
    try {
      for (let left = bytes; left > 0; left -= chunk.length)
        writeSync(descriptor, chunk, 0, Math.min(left, chunk.length));
    } finally {
      closeSync(descriptor);
    }
    return true;
  } catch {
    remove(file);
    return false;
  }
}
