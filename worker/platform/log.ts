/** One JSON object a line. Never a token, a secret, a player's address or a lobby's code. */
import { type Bucket, draw, newBucket, type Rate } from "../../core/allowance.ts";
import { isLobbyId } from "../../core/lobby/code.ts";
import type { LifeLine } from "../../core/lobby/life.ts";
import { printablePath, tokenShape } from "../../core/printable.ts";
import type { Carried } from "../../core/relay/socket/exchange.ts";
import type { Naming } from "./codes.ts";
import type { FaultEvent, OperatorEvent, RefusalEvent, RelayEvent } from "./events.ts";
import { platformLimits } from "./limits.ts";
import { countRefusal } from "./refusal-counts.ts";
import { isMarked } from "./retry.ts";
import { lobbyTag, shownOf } from "./tags.ts";

type Detail = string | number | boolean;
type Event = FaultEvent | RefusalEvent | LifeLine["event"] | RelayEvent | OperatorEvent;
export type Details = { [name: string]: Detail | { [name: string]: Detail } | undefined };

/** The details that may be a lobby's code: an object's name is one, too. */
const named = ["lobbyId", "holder", "from", "peer"] as const;
/** The part of it that anybody may read, until the isolate has a key. */
let tagOf = (lobbyId: string): string => `${shownOf(lobbyId)}-…`;

/** From now on this isolate calls lobbies by the tags of this deployment. */
export function tagLobbiesOf(naming: Naming): void {
  tagOf = (lobbyId) => lobbyTag(naming, lobbyId);
}

/** A path as the log has it. */
export function loggedPath(pathname: string): string {
  return printablePath(pathname, tagOf);
}

function withTags(details: Details): Details {
  const tagged: Details = {};
  for (const name of named) {
    const text = details[name];
    if (typeof text === "string" && isLobbyId(text)) tagged[name] = tagOf(text);
  }
  return { ...details, ...tagged };
}

/** Lines of one level. Those that are too many are not written; the next that is says how many were left out before it. */
type Lines = {
  level: "error" | "info";
  write(line: string): void;
  rate(): Rate;
  bucket: Bucket;
  /** Lines not written since the last that was, by their events. */
  leftOut: Map<Event, number>;
};

function linesOf(level: Lines["level"], write: Lines["write"], rate: () => Rate): Lines {
  return { level, write, rate, bucket: newBucket(rate(), 0), leftOut: new Map() };
}

const faults = linesOf(
  "error",
  (line) => console.error(line),
  () => {
    return { burst: platformLimits.faultLineBurst, perSecond: platformLimits.faultLinesPerSecond };
  },
);
const refusals = linesOf(
  "info",
  (line) => console.log(line),
  () => {
    return { burst: platformLimits.refusalLineBurst, perSecond: platformLimits.refusalLinesPerSecond };
  },
);

const lives = linesOf(
  "info",
  (line) => console.log(line),
  () => {
    return { burst: platformLimits.lobbyLineBurst, perSecond: platformLimits.lobbyLinesPerSecond };
  },
);

/** When a fault of each event was written last, in milliseconds since 1970. */
const written = new Map<FaultEvent, number>();

/** Errors that were logged. Whoever passes one on, or finds it again, need not know. */
const logged = new WeakSet<Error>();

/**
 * A fault of ours, or of the platform. An error is logged once, by the first who catches it. `fault: "ours"` marks one that our own code
 * threw in the object that was called: it could be reached. In a long outage every request brings one: of an event that was not written for a while
 * the next line always is, of the others only so many a second.
 */
export function logFault(event: FaultEvent, details: Details = {}, error?: unknown): void {
  if (error instanceof Error) {
    if (logged.has(error)) return;
    logged.add(error);
  }
  const now = Date.now();
  const isFirst = now - (written.get(event) ?? Number.NEGATIVE_INFINITY) >= platformLimits.faultLineAgainMs;
  if (!draw(faults.bucket, faults.rate(), now) && !isFirst) {
    leaveOut(faults, event);
    return;
  }
  written.set(event, now);
  const ours = isMarked(error, "remote") && { fault: "ours" };
  write(faults, event, { ...details, ...ours, ...(error !== undefined && { error: reason(error) }) });
}

/** Something that a stranger can do as often as it likes: only so many lines a second. */
export function logRefusal(event: RefusalEvent, details: Details = {}): void {
  countRefusal(event, details.code);
  if (draw(refusals.bucket, refusals.rate(), Date.now())) write(refusals, event, details);
  else leaveOut(refusals, event);
}

/** The life of a lobby, for an operator who wants to read it: so many lines a second. */
export function logLife(lines: readonly LifeLine[]): void {
  for (const { event, ...details } of lines) {
    if (draw(lives.bucket, lives.rate(), Date.now())) write(lives, event, details);
    else leaveOut(lives, event);
  }
}

/** What a relay over WebSocket has carried when its last member goes. */
type RelayLine = Carried & { event: RelayEvent; relay: string };

/** The same for relays over WebSocket. */
export function logRelay({ event, ...details }: RelayLine): void {
  if (draw(lives.bucket, lives.rate(), Date.now())) write(lives, event, details);
  else leaveOut(lives, event);
}

/** What the operator has done: every time. */
export function logOperator(event: OperatorEvent, details: Details): void {
  write(lives, event, details);
}

function leaveOut({ leftOut }: Lines, event: Event): void {
  leftOut.set(event, (leftOut.get(event) ?? 0) + 1);
}

function write(lines: Lines, event: Event, details: Details): void {
  const { level, leftOut } = lines;
  const missing = leftOut.size > 0 && { leftOut: Object.fromEntries(leftOut) };
  lines.write(
    JSON.stringify({ time: new Date().toISOString(), level, event, ...withTags(details), ...missing }),
  );
  leftOut.clear();
}

/** UTF-16 units of an error's text: others wrote it. */
const longestReason = 300;

/** What an error says, without what it may have quoted. */
export function reason(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.replace(tokenShape, "(a token)").slice(0, longestReason);
}
