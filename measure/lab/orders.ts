/** What the lab tells a player's program, and what that answers: lines of JSON. */
import * as z from "zod";
import { pathKinds } from "../../core/wire/path-kinds.ts";

/**
 * One run of a player: an order to host or to join, for a host the order to start, what it is to do with its link if anything, and at
 * last the order to part.
 */
export const order = z.discriminatedUnion("order", [
  z.object({ order: z.literal("host"), privacy: z.literal("relay-only").optional() }),
  z.object({ order: z.literal("join"), code: z.string() }),
  z.object({ order: z.literal("start") }),
  /** Send packets, as a game does, from now on. */
  z.object({ order: z.literal("play") }),
  /** Say after how long packets flowed that were sent at `sinceMs` of the clock (traffic.ts) or later. */
  z.object({ order: z.literal("flow"), sinceMs: z.number() }),
  /** Stop sending, and say how it went. */
  z.object({ order: z.literal("sum") }),
  z.object({ order: z.literal("part") }),
]);
export type Order = z.infer<typeof order>;

const milliseconds = z.number().nullable();

/** How one player fared. Milliseconds count from when the player heard whom to connect to. */
export const playerOutcome = z.object({
  /** Until the first path that carries messages. */
  usableMs: milliseconds,
  /** Until the first path without a relay. */
  directMs: milliseconds,
  /** What it was at the end. */
  path: z.enum(pathKinds).nullable(),
  /** Why it is none better, as the SDK says. */
  cause: z.string().nullable(),
  /** Whether a message came back over that path. */
  echoed: z.boolean(),
  /** What happened to the link, for a run in which no message came back. */
  timeline: z.array(z.string()).optional(),
});
export type PlayerOutcome = z.infer<typeof playerOutcome>;

/**
 * How packets flowed again from the peer: after how many milliseconds, or null if they did not, and by which path. And what has happened to the
 * link by then.
 */
export const flow = z.object({
  ms: milliseconds,
  path: z.enum(pathKinds),
  timeline: z.array(z.string()).optional(),
});
export type Flow = z.infer<typeof flow>;

/** How one player's game went over a link. */
export const sum = z.object({
  /** Packets that it sent, and packets of the peer that it got. */
  sent: z.int(),
  received: z.int(),
  /** The longest time in which none came. */
  silenceMs: z.number(),
  rttMs: milliseconds,
  /** Until the peer had all of its reliable messages. Null if that did not happen. */
  reliableMs: milliseconds,
  /** Whether the link was over before the game was. */
  isLost: z.boolean(),
  path: z.enum(pathKinds),
});
export type Sum = z.infer<typeof sum>;

export const answer = z.discriminatedUnion("told", [
  z.object({ told: z.literal("hosting"), code: z.string() }),
  z.object({ told: z.literal("joined") }),
  z.object({ told: z.literal("outcome"), outcome: playerOutcome }),
  z.object({ told: z.literal("flow"), flow }),
  z.object({ told: z.literal("sum"), sum }),
  z.object({ told: z.literal("parted") }),
]);
export type Answer = z.infer<typeof answer>;
