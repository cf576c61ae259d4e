/** What a run of the lab leaves behind: `measure/lab/results/latest.json`. */
import * as z from "zod";
import { machine } from "../bench/results.ts";
import { accesses } from "./access.ts";
import { clientKinds } from "./clients.ts";

/** Milliseconds, over both players of all runs that got so far; null if none did. */
const spread = z.object({ p50: z.number(), p95: z.number() }).nullable();

/** How often each path was what a pair had at the end. */
const paths = z.object({
  lan: z.int(),
  direct: z.int(),
  /** By WebRTC, through a TURN server. Results from before there was WebRTC have none. */
  turn: z.int().default(0),
  /** Over a sidecar. */
  relay: z.int(),
  /** Over the relay over WebSocket. Results from before there was one have none. */
  websocket: z.int().default(0),
  none: z.int(),
});

/** All runs of one pair. */
export const cell = z.object({
  a: z.enum(accesses),
  b: z.enum(accesses),
  runs: z.int(),
  /** Runs in which both had a path, and both had messages back over it. */
  connected: z.int(),
  /** Runs that were not connected, and of which a client told its player the right cause, where there is one: `rightCauses`. */
  explained: z.int(),
  /** The worse of the two players' paths. */
  paths,
  /** Runs in which both had a path without relay no later than 10 s after they were introduced, and kept one. */
  directInTime: z.int(),
  usableMs: spread,
  directMs: spread,
  /** What the clients said of why the path was none better: how many players heard it. */
  causes: z.record(z.string(), z.int()),
});
export type Cell = z.infer<typeof cell>;

/** All runs of one change of an uplink. */
export const uplinkCell = z.object({
  change: z.string(),
  /** The access of the player whose uplink stays. */
  peer: z.enum(accesses),
  runs: z.int(),
  /** Two of each run: the packets to either player. */
  flows: z.int(),
  /** Those that flowed again. */
  flowed: z.int(),
  /** After how many milliseconds. */
  flowMs: spread,
  /** By which path, at the end. */
  paths: z.record(z.string(), z.int()),
  /** Why runs did not get so far. */
  causes: z.record(z.string(), z.int()),
});
export type UplinkCell = z.infer<typeof uplinkCell>;

/** All runs of one rung of the ladder of uplinks. */
export const rungCell = z.object({
  rung: z.string(),
  network: z.string(),
  runs: z.int(),
  connected: z.int(),
  /** Games whose link lived until the end. */
  kept: z.int(),
  /** Games whose reliable messages all arrived in time, both ways. */
  reliable: z.int(),
  /** The share of the game's packets that arrived, from 0 to 1. */
  delivered: z.number(),
  usableMs: spread,
  /** The longest time in a game in which no packet came. */
  silenceMs: spread,
  /** Until ten reliable messages of 1 KiB, sent at once, had arrived. */
  reliableMs: spread,
  rttMs: spread,
  paths: z.record(z.string(), z.int()),
  causes: z.record(z.string(), z.int()),
});
export type RungCell = z.infer<typeof rungCell>;

export const results = z.object({
  version: z.literal(1),
  /** When it began, ISO 8601. */
  at: z.string(),
  commit: z.string(),
  /** Whose clients the players had. */
  clients: z.enum(clientKinds).default("orion"),
  /** Runs of each pair. */
  runs: z.int(),
  /** Milliseconds that every player's round trips to the server took longer. */
  delayMs: z.number(),
  machine,
  cells: z.array(cell),
  uplinks: z.array(uplinkCell).default([]),
  ladder: z.array(rungCell).default([]),
});
export type Results = z.infer<typeof results>;
