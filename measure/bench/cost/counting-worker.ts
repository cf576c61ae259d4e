/**
 * The Worker as it is deployed, with everything on the books that Cloudflare bills: counted where the platform is
 * reached, so that the product has no counters and nothing can be forgotten. Only the bench bundles this file.
 *
 * `GET /cost/reset` zeroes the counts and opens the books. `/cost/tally` answers the counts (`tally.ts`), `/cost/charged` what
 * was taken out of networks' budgets.
 * `/cost/later?ms=<n>` sets all clocks forward to the next alarm, if one is due by then, and rings it; else by all of the time.
 * It answers how much of the time is left.
 */
import type { Micros } from "../../../core/bill.ts";
import type { StatsNews } from "../../../core/stats/news.ts";
import { type Heartbeat, heartbeat, heartbeatPath } from "../../../core/wire/sidecar-post.ts";
import worker, * as objects from "../../../worker/index.ts";
import { fleetAt } from "../../../worker/objects/fleet.ts";
import type { Env } from "../../../worker/platform/env.ts";
import { apartMs } from "./assumed.ts";
import { nextAlarm, ringAll } from "./counting/alarms.ts";
import { countedBindings } from "./counting/bindings.ts";
import { booksAreOpen, countWorkerRequest, openBooks, readTally, resetTally } from "./counting/books.ts";
import { setForward } from "./counting/clock.ts";
import { counted } from "./counting/objects.ts";

// A module's exports have to be named. These are the classes of worker/index.ts, all of them.
export const Lobby = counted(objects.Lobby);
export const Lounge = counted(objects.Lounge);
export const Directory = counted(objects.Directory);
export const Fleet = counted(objects.Fleet);
export const Relay = counted(objects.Relay);
export const Stats = counted(
  class Stats extends objects.Stats {
    /** Not of the fleet: what follows from heartbeats is on nobody's books. */
    override async hearNews(news: readonly StatsNews[]): Promise<void> {
      if (news.some(({ kind }) => kind !== "fleet")) await super.hearNews(news);
    }
  },
);
export const Budget = counted(
  class Budget extends objects.Budget {
    override async draw(micros: Micros, share: number): Promise<number> {
      charged += micros;
      return await super.draw(micros, share);
    }
  },
);

/** What was taken out of networks' budgets, in millionths of a dollar. */
let charged = 0;

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    switch (pathname) {
      case "/cost/reset":
        resetTally();
        charged = 0;
        openBooks(true);
        return new Response("reset");
      case "/cost/tally":
        return Response.json(readTally());
      case "/cost/charged":
        return Response.json(charged);
      case "/cost/later":
        return Response.json(await later(Number(searchParams.get("ms")), env));
      default:
        if (pathname === heartbeatPath && request.method === "POST") return await hearHeartbeat(request, env);
        countWorkerRequest();
        return await worker.fetch(request, countedBindings(env, null));
    }
  },
} satisfies ExportedHandler<Env>;

/** The newest heartbeat that was taken, as data: nothing else of a request outlives it. */
let beat: { url: string; init: { method: string; headers: Headers; body: string }; answer: string } | null =
  null;

/**
 * Heartbeats are no session's: they cost the same whether there is one or a million. While the books are open they
 * wait, and are answered as the last one was.
 */
async function hearHeartbeat(request: Request, env: Env): Promise<Response> {
  if (beat && booksAreOpen()) {
    return new Response(beat.answer, { headers: { "content-type": "application/json" } });
  }
  const { url, method, headers } = request;
  const init = { method, headers: new Headers(headers), body: await request.text() };
  const response = await passHeartbeat({ url, init }, env);
  if (response.ok) beat = { url, init, answer: await response.clone().text() };
  return response;
}

async function passHeartbeat(
  { url, init }: Omit<NonNullable<typeof beat>, "answer">,
  env: Env,
): Promise<Response> {
  return await offTheBooks(() => worker.fetch(new Request(url, init), countedBindings(env, null)));
}

async function offTheBooks<T>(run: () => Promise<T>): Promise<T> {
  const open = booksAreOpen();
  openBooks(false);
  try {
    return await run();
  } finally {
    openBooks(open);
  }
}

/** The fleet hears of the sidecar again, a moment later by the sidecar's own clock: a repeated post it does not take. */
async function beatAgain(body: string, env: Env): Promise<void> {
  const content: Heartbeat = heartbeat.parse(JSON.parse(body));
  beats += 1;
  const at = content.at === undefined ? undefined : content.at + beats;
  await offTheBooks(() => fleetAt(env).hear({ ...content, at }, {}));
}
let beats = 0;

/** Sidecars, whose clocks are their own, are taken to have gone on beating. Returns the milliseconds that are left. */
async function later(ms: number, env: Env): Promise<number> {
  const untilAlarm = Math.max(0, nextAlarm() - Date.now());
  const step = Math.min(ms, untilAlarm);
  setForward(step);
  if (beat) await beatAgain(beat.init.body, env);
  if (untilAlarm > ms) return 0;
  await ringAll(env);
  // What the alarms have started goes on for a moment after them.
  await scheduler.wait(apartMs);
  return ms - step;
}
