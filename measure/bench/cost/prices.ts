/** What Cloudflare asks for what it bills: the Workers Paid plan, beyond what the plan includes. */
import type { Cost } from "../results.ts";

/** What a session uses of each thing that is billed. */
export type Usage = Pick<
  Cost,
  "workerRequests" | "workerCpuMs" | "objectRequests" | "rowsWritten" | "secondsAwake"
>;

/** Gigabytes an object is billed for while it is awake: 128 MB, whatever it uses. */
export const objectGigabytes = 0.128;

type Price = {
  /** One part of a bill, as a reader is told of it. */
  title: string;
  uses: keyof Usage;
  /** The same in words, with its unit. */
  used: string;
  /** How many of the billed unit one of what is used counts as. */
  units: number;
  unit: string;
  dollarsPerMillion: number;
  source: string;
};

const workers = "developers.cloudflare.com/workers/platform/pricing";
const objects = "developers.cloudflare.com/durable-objects/platform/pricing";

/** The day the pages were read. */
export const pricesRead = "2026-11-21";

/** The parts of a bill, in the order in which they are told. Rows read ($0.001 a million) do not show in any sum. */
export const prices: readonly Price[] = [
  {
    title: "Worker requests",
    uses: "workerRequests",
    used: "Worker requests",
    units: 1,
    unit: "requests",
    dollarsPerMillion: 0.3,
    source: workers,
  },
  {
    title: "Worker CPU",
    uses: "workerCpuMs",
    used: "Worker CPU, ms",
    units: 1,
    unit: "ms",
    dollarsPerMillion: 0.02,
    source: workers,
  },
  {
    title: "Object requests",
    uses: "objectRequests",
    used: "Object requests",
    units: 1,
    unit: "requests",
    dollarsPerMillion: 0.15,
    source: objects,
  },
  {
    title: "Rows written",
    uses: "rowsWritten",
    used: "Rows written",
    units: 1,
    unit: "rows",
    dollarsPerMillion: 1,
    source: objects,
  },
  {
    title: "Time awake",
    uses: "secondsAwake",
    used: "Time awake, s",
    units: objectGigabytes,
    unit: "GB-s",
    dollarsPerMillion: 12.5,
    source: objects,
  },
];

/** The parts of the bill for a million times this use, in dollars, in the order of `prices`. */
export function billFor(usage: Usage): { title: string; dollars: number }[] {
  return prices.map(({ title, uses, units, dollarsPerMillion }) => ({
    title,
    dollars: usage[uses] * units * dollarsPerMillion,
  }));
}

/** Dollars for a million times this use. */
export function dollarsPerMillion(usage: Usage): number {
  return billFor(usage).reduce((sum, { dollars }) => sum + dollars, 0);
}
