/** Whether the deployment is ready for players, for the machines that watch it. */
import { type Outcome, type ProblemCode, refusal, refuse } from "../../core/problem.ts";
import { version } from "../../package.json";
import { fleetAt } from "../objects/fleet.ts";
import type { Env } from "../platform/env.ts";
import { logFault } from "../platform/log.ts";
import { retry, within } from "../platform/retry.ts";
import { json } from "./http.ts";
import { edgeLimits } from "./limits.ts";
import { refuseWithoutRoom } from "./room.ts";

/** How many sidecars are alive; or why players are not served. */
type Health = Outcome<number>;

/** What this isolate found the last time. Data, not a promise: requests must not share those. */
let last: { at: number; health: Health } | null = null;
/** When it began to look, in milliseconds since 1970; 0 if nobody is looking. */
let lookingSince = 0;

/**
 * `{ status: "ready", version, sidecars }`, or 503 with `codes` and `errors`. However many ask, an isolate looks once in a few seconds. It asks
 * the fleet, which heartbeats keep awake anyway. A deployment without sidecars is ready: all but some clients are served.
 */
export async function health(env: Env): Promise<Response> {
  const since = (at: number) => Math.abs(Date.now() - at);
  const isNew = () => last !== null && since(last.at) < edgeLimits.healthAgeMs;
  while (!isNew() && since(lookingSince) < edgeLimits.healthPatienceMs)
    await scheduler.wait(edgeLimits.healthPauseMs);
  if (!isNew() || last === null) {
    lookingSince = Date.now();
    last = { health: await look(env), at: Date.now() };
    lookingSince = 0;
  }
  return healthAnswer(last.health);
}

export function healthAnswer(health: Health): Response {
  if (health.ok) return json({ status: "ready", version, sidecars: health.value });
  const { status, body } = refusal(health.codes);
  return json({ status: "not_ready", version, ...body }, status);
}

async function look(env: Env): Promise<Health> {
  const noRoom = await refuseWithoutRoom(env);
  if (noRoom) return noRoom;
  const why: ProblemCode = "unavailable";
  try {
    const asked = retry(() => fleetAt(env).live(), [edgeLimits.healthAgainMs]);
    const sidecars = await within(edgeLimits.healthPatienceMs, asked, null);
    return sidecars ? { ok: true, value: sidecars.length } : refuse(why);
  } catch (error) {
    logFault("fleet_unreachable", {}, error);
    return refuse(why);
  }
}
