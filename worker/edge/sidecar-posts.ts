/** What sidecars post: heartbeats for the fleet, observations for the objects that hold the clients' sockets. */

import type { z } from "zod";
import { sharedLimits } from "../../core/limits.ts";
import { accept, type Outcome, refuse } from "../../core/problem.ts";
import { parseObject } from "../../core/wire/codec.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import {
  heartbeat,
  type heartbeatAnswer,
  heartbeatPath,
  type Observation,
  observations,
  type observationsAnswer,
  observationsPath,
  observedIn,
  signatureHeader,
} from "../../core/wire/sidecar-post.ts";
import { fleetAt } from "../objects/fleet.ts";
import type { Env } from "../platform/env.ts";
import { verifyPost } from "../platform/keys.ts";
import { logFault } from "../platform/log.ts";
import { released, within } from "../platform/retry.ts";
import { holderAt } from "../platform/stubs.ts";
import { addressOf } from "./address.ts";
import { json, readText, refused } from "./http.ts";
import { edgeLimits } from "./limits.ts";
import { placeOf } from "./place.ts";

export async function receiveHeartbeat(request: Request, env: Env): Promise<Response> {
  const beat = await readPost(request, env, heartbeatPath, heartbeat);
  if (!beat.ok) return refused(beat);
  // Under `npm start` players find the sidecar at the host that they know the server by.
  const address = env.clientAddress === "socket" ? undefined : (addressOf(request, env) ?? undefined);
  const taken = await fleetAt(env).hear(beat.value, { address, place: placeOf(request) });
  if (!taken) return refused(refuse("stale_post"), { sidecar: beat.value.name });
  return json({ known: true, now: Date.now() } satisfies z.infer<typeof heartbeatAnswer>);
}

export async function receiveObservations(request: Request, env: Env): Promise<Response> {
  const post = await readPost(request, env, observationsPath, observations);
  if (!post.ok) return refused(post);
  const all = post.value.observations;
  const byHolder = Map.groupBy(all, ({ holder }) => holder);
  const untold = await Promise.all(Array.from(byHolder, ([holder, some]) => tellHolder(env, holder, some)));
  const again = new Set(untold.flat());
  const answer: z.infer<typeof observationsAnswer> = {
    again: all.flatMap(({ clientId }, index) => (again.has(clientId) ? [index] : [])),
  };
  return json(answer);
}

/** Ids of the clients whose holder, or lobby, could not be told. */
async function tellHolder(env: Env, holder: string, some: Observation[]): Promise<string[]> {
  const seen = some.map((observation) => ({
    clientId: observation.clientId,
    observed: observedIn(observation),
  }));
  const all = some.map(({ clientId }) => clientId);
  try {
    // One object that waits for another must not keep the post, which has observations for others too.
    return await within(
      edgeLimits.observationPatienceMs,
      holderAt(env, holder).observe(seen).then(released),
      all,
    );
  } catch (error) {
    logFault("object_unreachable", { holder }, error);
    return all;
  }
}

/**
 * Reads a post and checks its signature and its time. One that says no time is an older sidecar's, and taken. A post of
 * observations that is taken twice within that time does no harm: it tells of clients' addresses what was so minutes ago.
 */
async function readPost<T extends { at?: number | undefined }>(
  request: Request,
  env: Env,
  path: string,
  schema: z.ZodType<T>,
): Promise<Outcome<T>> {
  const body = await readText(request, wireLimits.sidecarPostBytes);
  if (!body.ok) return body;
  const signature = request.headers.get(signatureHeader) ?? "";
  if (!(await verifyPost(env, path, body.value, signature))) return refuse("unauthorized");
  const parsed = schema.safeParse(parseObject(body.value));
  if (!parsed.success) return refuse("invalid_post");
  const { at } = parsed.data;
  const isNow = at === undefined || Math.abs(Date.now() - at) <= sharedLimits.postClockMs;
  return isNow ? accept(parsed.data) : refuse("stale_post");
}
