/** What a run of the lab leaves behind: `measure/lab/results/latest.json`. */
import * as z from "zod";
import { machine } from "../bench/results.ts";
import { accesses } from "./access.ts";

/** Milliseconds, over both players of all runs that got so far; null if none did. */
const spread = z.object({ p50: z.number(), p95: z.number() }).nullable();

/** How often each path was what a pair had at the end. */
const paths = z.object({ lan: z.int(), direct: z.int(), relay: z.int(), none: z.int() });

/** All runs of one pair. */
export const cell = z.object({
  a: z.enum(accesses),
  b: z.enum(accesses),
  runs: z.int(),
  /** Runs in which both had a path, and both had messages back over it. */
  connected: z.int(),
  /** Runs that were not connected, and of which the SDK told somebody the right cause: UDP is blocked. */
  explained: z.int(),
  /** The worse of the two players' paths. */
  paths,
  /** Runs in which both had a path without relay no later than 10 s after they were introduced, and kept one. */
  directInTime: z.int(),
  usableMs: spread,
  directMs: spread,
  /** What the SDK said of why the path was none better: how many players heard it. */
  causes: z.record(z.string(), z.int()),
});
export type Cell = z.infer<typeof cell>;

export const results = z.object({
  version: z.literal(1),
  /** When it began, ISO 8601. */
  at: z.string(),
  commit: z.string(),
  /** Runs of each pair. */
  runs: z.int(),
  /** Milliseconds that every player's round trips to the server took longer. */
  delayMs: z.number(),
  machine,
  cells: z.array(cell),
});
export type Results = z.infer<typeof results>;
