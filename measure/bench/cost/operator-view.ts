/** What the operator's view costs at Cloudflare: counted with a key and without one, and with the page open. */
import { Operator, operatorVars } from "../../kit/operator.ts";
import { withBooks } from "./cost.ts";
import { dollarsPerMillion, type Usage } from "./prices.ts";
import { type IdleKind, idleAway, type Kind, playSession } from "./session.ts";
import { type Tally, usageOf } from "./tally.ts";

const monthHours = 730;
/** Seconds between two looks of the page, and between two of its charts (page/operator/). */
export const pageSeconds = { now: 5, charts: 60, lobbies: 10 };

/** Only what the view adds. */
const ofStats = ({ calls, objects }: Tally): Tally => ({
  workerRequests: 0,
  calls: Object.fromEntries(Object.entries(calls).filter(([name]) => name.startsWith("STATS."))),
  objects: Object.fromEntries(Object.entries(objects).filter(([name]) => name === "Stats")),
});

export type ViewCost = Usage & { dollars: number };

/** For one session of 4 players: what is told of it. `dollars`: for a million. The caller is awake while it tells. */
export async function measureSession(kind: Kind): Promise<ViewCost> {
  const tallies: Usage[] = [];
  for (const vars of [{}, operatorVars]) {
    const tally = await withBooks(
      kind,
      async (server, books, holders) => {
        await books.reset();
        await playSession(server, books, kind, holders);
        return await books.read();
      },
      { vars },
    );
    tallies.push(usageOf(tally, 1));
  }
  const [without, withView] = tallies as [Usage, Usage];
  const usage: Usage = {
    workerRequests: withView.workerRequests - without.workerRequests,
    workerCpuMs: withView.workerCpuMs - without.workerCpuMs,
    objectRequests: withView.objectRequests - without.objectRequests,
    rowsWritten: withView.rowsWritten - without.rowsWritten,
    secondsAwake: withView.secondsAwake - without.secondsAwake,
  };
  return { ...usage, dollars: dollarsPerMillion(usage) };
}

/** For so many lobbies that are always open, in which nobody does anything. `dollars`: for a month. */
export async function measureIdle(kind: IdleKind, lobbies: number, hours: number): Promise<ViewCost> {
  const tally = await withBooks(
    kind,
    (server, books, holders) => idleAway(server, books, kind, holders, hours),
    { vars: operatorVars },
  );
  const usage = usageOf(ofStats(tally), hours);
  return { ...usage, dollars: (dollarsPerMillion(usage) * lobbies * monthHours) / 1e6 };
}

/** For one page that is always open. `dollars`: for a month. */
export async function measurePage(): Promise<ViewCost> {
  const looks = 4;
  const usages = await withBooks(
    { apart: false },
    async (server, books) => {
      const operator = new Operator(server);
      const counted: Usage[] = [];
      for (const look of ["now", "charts", "lobbies"] as const) {
        await operator[look]();
        await books.reset();
        for (let i = 0; i < looks; i++) await operator[look]();
        counted.push(usageOf(await books.read(), looks));
      }
      return counted;
    },
    { vars: { ...operatorVars, directoryShards: 4 } },
  );
  const perHour = [pageSeconds.now, pageSeconds.charts, pageSeconds.lobbies].map((seconds) => 3600 / seconds);
  const sum = (of: keyof Usage) => usages.reduce((all, usage, i) => all + usage[of] * (perHour[i] ?? 0), 0);
  const usage: Usage = {
    workerRequests: sum("workerRequests"),
    workerCpuMs: sum("workerCpuMs"),
    objectRequests: sum("objectRequests"),
    rowsWritten: sum("rowsWritten"),
    secondsAwake: sum("secondsAwake"),
  };
  return { ...usage, dollars: (dollarsPerMillion(usage) * monthHours) / 1e6 };
}
