/**
 * File descriptors. workerd ends at once when the system gives it no more of them, so the server takes less work than
 * its limit allows.
 */
import { spawnSync } from "node:child_process";

/** What a server may hold at a time. */
export type Room = { homes: number; sockets: number };

/** Descriptors for some 3 000 players. With fewer, the operator gets a warning. */
export const enoughDescriptors = 16_384;
/** Below this, a server has room for a handful of players only. */
export const fewestDescriptors = 256;
/** What the server asks for, the best first. One machine cannot open connections enough to use up the first. */
const wantedDescriptors = [262_144, 65_536, 16_384];
/** For the operator, after a colon. */
export const howToRaiseIt = `run "ulimit -n 65536" before npm start, or set LimitNOFILE=65536 in systemd.`;

/** Descriptors that workerd itself, the directory and the fleet take, and some to spare. */
const baseDescriptors = 96;
/** Descriptors of a home that does something: its database has three files. */
const homeDescriptors = 3;
/** Descriptors of a connection: workerd duplicates what it accepts. */
const connectionDescriptors = 2;

/** As one machine is no region, a tenth of the homes is filled: this many have room for 25 600 players. */
export const mostHomes = 1_000;
/** The homes of the smallest deployment: one for each region, and one for players without one. */
const fewestHomes = 10;

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
 * What fits into a limit. Strangers wake homes by guessing codes: those get a fifth. Of the rest, open WebSockets get
 * one half. The other is for requests, and for connections that say nothing.
 */
export function roomFor(limit: number): Room {
  const free = limit - baseDescriptors;
  const homes = Math.min(mostHomes, Math.max(fewestHomes, Math.floor(free / 5 / homeDescriptors)));
  const connections = Math.floor((free - homes * homeDescriptors) / connectionDescriptors);
  return { homes, sockets: Math.floor(connections / 2) };
}
