/** What sidecars post: heartbeats for the fleet, observations for the objects that hold the clients' sockets. */

import type { z } from "zod";
import { sharedLimits } from "../../core/limits.ts";
import { observingLimits } from "../../core/observing/limits.ts";
import { accept, type Outcome, refuse } from "../../core/problem.ts";
import { sidecarNameShape } from "../../core/sidecar-key.ts";
import { parseObject } from "../../core/wire/codec.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import {
  heartbeat,
  type heartbeatAnswer,
  heartbeatPath,
  type Observation,
  type ObservationsAnswer,
  observations,
  observationsPath,
  observedIn,
  sidecarHeader,
  signatureHeader,
} from "../../core/wire/sidecar-post.ts";
import { fleetAt } from "../objects/fleet.ts";
import type { CountedPost, Env } from "../platform/env.ts";
import { verifyPass, verifyPost, verifyToken } from "../platform/keys.ts";
import { logFault } from "../platform/log.ts";
import type { Seen, Sighted } from "../platform/ports.ts";
import { released, within } from "../platform/retry.ts";
import { sidecarId } from "../platform/sidecar-id.ts";
import { holderAt } from "../platform/stubs.ts";
import { json, readText, refused } from "./http.ts";
import { edgeLimits } from "./limits.ts";
import { placeOf } from "./place.ts";
import { isAtProxy, sidecarHost } from "./sidecar-host.ts";
import { countCalls, countPosts } from "./sidecar-limits.ts";

export async function receiveHeartbeat(request: Request, env: Env): Promise<Response> {
  const post = await readPost(request, env, "HEARTBEATS", heartbeat);
  if (!post.ok) return refused(post);
  const { sidecar, content: beat } = post.value;
  if (beat.name !== sidecar) return refused(refuse("invalid_post"), { sidecar });
  const host = sidecarHost(request, env, beat);
  if (!host.ok) return refused(host, { sidecar });
  const { number: keyNumber } = sidecarId(env, sidecar);
  const from = { place: placeOf(request), keyNumber };
  const taken = await fleetAt(env).hear({ ...beat, host: host.value }, from);
  if (!taken) return refused(refuse("stale_post"), { sidecar });
  return json({ known: true, now: Date.now() } satisfies z.infer<typeof heartbeatAnswer>);
}

/**
 * Passes observations on to the objects that the proofs name. No object is called for a proof that is none: a thief of
 * a sidecar's key cannot make any.
 */
export async function receiveObservations(request: Request, env: Env): Promise<Response> {
  const post = await readPost(request, env, "OBSERVATIONS", observations);
  if (!post.ok) return refused(post);
  const { sidecar, content } = post.value;
  const all = content.observations;
  const about = { sidecar, atProxy: isAtProxy(request, env) };
  const genuine = await Promise.all(all.map((one) => holderOf(env, sidecar, one)));
  const byHolder = Map.groupBy(all.keys(), (index) => genuine[index]?.holder ?? null);
  const proofless = byHolder.get(null) ?? [];
  const answer: ObservationsAnswer = { again: [], gone: [...proofless], idle: [], calls: proofless.length };
  byHolder.delete(null);
  const [some, rest] = [
    [...byHolder].slice(0, observingLimits.objectsPerPost),
    [...byHolder].slice(observingLimits.objectsPerPost),
  ];
  answer.again.push(...rest.flatMap(([, indexes]) => indexes));
  answer.calls += some.length;
  const tooMany = await countCalls(env, sidecarId(env, sidecar), some.length);
  if (tooMany) return refused(tooMany, { sidecar });
  await Promise.all(
    some.map(async ([holder, indexes]) => {
      const seen = indexes.flatMap((index): Seen[] => {
        const observation = all[index];
        if (!observation) return [];
        const { clientId } = observation;
        const mediation = genuine[index]?.mediation;
        return [{ clientId, observed: observedIn(observation), ...about, mediation }];
      });
      const told = await tellHolder(env, holder ?? "", seen);
      for (const index of indexes) {
        const clientId = all[index]?.clientId ?? "";
        for (const what of ["again", "gone", "idle"] as const)
          if (told[what].includes(clientId)) answer[what].push(index);
      }
    }),
  );
  return json(answer);
}

/** Which object holds the client's socket, if its proof is one. */
async function holderOf(
  env: Env,
  sidecar: string,
  { clientId, proof }: Observation,
): Promise<{ holder: string; mediation?: string } | null> {
  const client =
    proof.kind === "token"
      ? await verifyToken(env, proof.text)
      : await verifyPass(env, sidecar, proof.text, Date.now());
  return client?.clientId === clientId ? client : null;
}

async function tellHolder(env: Env, holder: string, seen: Seen[]): Promise<Sighted> {
  const again = { again: seen.map(({ clientId }) => clientId), gone: [], idle: [] };
  try {
    // One object that waits for another must not keep the post, which has observations for others too.
    const asked = async (): Promise<Sighted> => {
      const told = released(await holderAt(env, holder).observe(seen, { takesAll: true }));
      // A version of before answers with those that could not be told.
      return Array.isArray(told) ? { again: told, gone: [], idle: [] } : told;
    };
    return await within(edgeLimits.observationPatienceMs, asked(), again);
  } catch (error) {
    logFault("object_unreachable", { holder }, error);
    return again;
  }
}

const paths = { HEARTBEATS: heartbeatPath, OBSERVATIONS: observationsPath } as const;

/**
 * Reads a post, checks its signature and its time, and counts it. One that says no time is taken. A post of observations that is taken
 * twice within that time does no harm: it tells of clients' addresses what was so minutes ago.
 */
async function readPost<T extends { at?: number | undefined }>(
  request: Request,
  env: Env,
  what: CountedPost,
  schema: z.ZodType<T>,
): Promise<Outcome<{ sidecar: string; content: T }>> {
  const body = await readText(request, wireLimits.sidecarPostBytes);
  if (!body.ok) return body;
  const signature = request.headers.get(signatureHeader) ?? "";
  const sidecar = request.headers.get(sidecarHeader);
  // A sidecar of the version before signs with the deployment's secret, and says no name.
  if (sidecar === null) return refuse(signature === "" ? "unauthorized" : "outdated_sidecar");
  if (!sidecarNameShape.test(sidecar)) return refuse("unauthorized");
  const post = { path: paths[what], body: body.value, signature };
  const id = sidecarId(env, sidecar);
  if (!(await verifyPost(env, id, post))) return refuse("unauthorized");
  const tooMany = await countPosts(env, what, id);
  if (tooMany) return tooMany;
  const parsed = schema.safeParse(parseObject(body.value));
  if (!parsed.success) return refuse("invalid_post");
  const { at } = parsed.data;
  const isNow = at === undefined || Math.abs(Date.now() - at) <= sharedLimits.postClockMs;
  return isNow ? accept({ sidecar, content: parsed.data }) : refuse("stale_post");
}
