/** What the lab tells a player's program, and what that answers: lines of JSON. */
import * as z from "zod";

/** One run of a player: an order to host or to join, for a host the order to start, and at last the order to part. */
export const order = z.discriminatedUnion("order", [
  z.object({ order: z.literal("host") }),
  z.object({ order: z.literal("join"), code: z.string() }),
  z.object({ order: z.literal("start") }),
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
  path: z.enum(["lan", "direct", "relay"]).nullable(),
  /** Why it is none better, as the SDK says. */
  cause: z.string().nullable(),
  /** Whether a message came back over that path. */
  echoed: z.boolean(),
});
export type PlayerOutcome = z.infer<typeof playerOutcome>;

export const answer = z.discriminatedUnion("told", [
  z.object({ told: z.literal("hosting"), code: z.string() }),
  z.object({ told: z.literal("joined") }),
  z.object({ told: z.literal("outcome"), outcome: playerOutcome }),
  z.object({ told: z.literal("parted") }),
]);
export type Answer = z.infer<typeof answer>;
