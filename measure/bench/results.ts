/** What a run of the bench leaves behind: `measure/bench/results/latest.json`. */
import * as z from "zod";

/** One thing measured. CPU is of the server's whole process tree, load comes from other processes. */
export const figure = z.object({
  /** Unique in a run, like `life-2/direct` or `floor/connect`. */
  name: z.string(),
  /** What one operation is, in words: "life of a 2-member lobby, direct path". */
  title: z.string(),
  operations: z.number(),
  seconds: z.number(),
  /** Microseconds of CPU of the server for one operation. */
  cpuUs: z.number(),
  /** Milliseconds, as a client waits; null where nobody does. */
  p50Ms: z.number().nullable(),
  p99Ms: z.number().nullable(),
  /** Resident memory of the server's tree at the end, in MiB. */
  memoryMiB: z.number(),
  /** The figure of the same run this is compared with, how many of its operations one of these counts as, and the ratio. */
  floor: z
    .object({
      name: z.string(),
      times: z.number(),
      ratio: z.number(),
      /** The ratio of the best round and of the worst; runs of earlier versions do not tell. */
      spread: z.tuple([z.number(), z.number()]).optional(),
    })
    .nullable(),
  /** The ratio, or another number of this figure, that is to be reached. */
  target: z
    .object({
      of: z.enum(["ratio", "cpuUs", "p50Ms", "p99Ms", "memoryKiB", "objects", "files", "memoryRatio"]),
      most: z.number(),
    })
    .array(),
  /** Further numbers, like `memoryKiB` of one idle client, `edgeRequests`, or `idleCpuPercent`. */
  more: z.record(z.string(), z.number()),
});
export type Figure = z.infer<typeof figure>;

/** How one figure grows with what else the server holds. */
export const growth = z.object({
  /** Like `life-2/plain`. */
  name: z.string(),
  title: z.string(),
  /** What there is more and more of: "idle clients", "other lobbies". */
  of: z.string(),
  points: z.array(
    z.object({
      count: z.number(),
      cpuUs: z.number(),
      p50Ms: z.number().nullable(),
      p99Ms: z.number().nullable(),
    }),
  ),
  /** The last point's CPU over the first's, and what is to be reached. */
  ratio: z.number(),
  /** The ratio of the best round beside the last count and of the worst; runs of earlier versions do not tell. */
  spread: z.tuple([z.number(), z.number()]).optional(),
  target: z.number().nullable(),
});
export type Growth = z.infer<typeof growth>;

/** What Cloudflare bills for one lobby session, and what a million of them come to. */
export const cost = z.object({
  name: z.string(),
  title: z.string(),
  /** Per session. `objectRequests` has 20 incoming WebSocket messages as one. */
  workerRequests: z.number(),
  objectRequests: z.number(),
  rowsWritten: z.number(),
  alarms: z.number(),
  secondsAwake: z.number(),
  workerCpuMs: z.number(),
  dollarsPerMillion: z.number(),
  target: z.number().nullable(),
});
export type Cost = z.infer<typeof cost>;

/** What Cloudflare bills for one lobby in which nobody does anything for an hour, and what many such come to in a month. */
export const idleCost = cost
  .omit({ dollarsPerMillion: true })
  .extend({ lobbies: z.number(), dollarsPerMonth: z.number() });
export type IdleCost = z.infer<typeof idleCost>;

/** What a run was made on. */
export const machine = z.object({
  cpu: z.string(),
  cores: z.number(),
  memoryGiB: z.number(),
  system: z.string(),
  node: z.string(),
  workerd: z.string(),
});

export const results = z.object({
  version: z.literal(1),
  /** When the run began, ISO 8601. */
  at: z.string(),
  commit: z.string(),
  scale: z.number(),
  machine,
  figures: z.array(figure),
  growths: z.array(growth),
  costs: z.array(cost),
  /** Runs of earlier versions have none. */
  idleCosts: z.array(idleCost).default([]),
});
export type Results = z.infer<typeof results>;
