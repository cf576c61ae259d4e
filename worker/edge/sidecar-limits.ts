/**
 * What one sidecar may post in a minute, and what its gateways may do: its key may be stolen, and each request costs. The platform counts, in each of its places apart, as
 * for addresses. Counted is only what the sidecar has signed, so nobody else can use that up.
 */
import { observingLimits } from "../../core/observing/limits.ts";
import { type Refusal, refuseFor, refuseGateways } from "../../core/problem.ts";
import type { SidecarId } from "../../core/sidecar-key.ts";
import type { CountedOfGateways, CountedPost, Env } from "../platform/env.ts";
import { logRefusal, reason } from "../platform/log.ts";
import { random } from "../platform/random.ts";
import { within } from "../platform/retry.ts";
import { edgeLimits } from "./limits.ts";

/** Counts one more post of a sidecar, or so many; a refusal if that is too many. A new key begins anew. */
export async function countPosts(
  env: Env,
  what: CountedPost,
  sidecar: SidecarId,
  posts = 1,
): Promise<Refusal | null> {
  return (await isWithin(env, what, sidecar, posts)) ? null : refuseFor(edgeLimits.addressPeriodS);
}

/** Counts a request of a sidecar's gateways, the same way. Each is counted for its player too. */
export async function countGateway(env: Env, sidecar: SidecarId, connects: boolean): Promise<Refusal | null> {
  const what = connects ? "GATEWAY_CONNECTS" : "GATEWAY_REQUESTS";
  return (await isWithin(env, what, sidecar)) ? null : refuseGateways(edgeLimits.gatewayPeriodS);
}

async function isWithin(
  env: Env,
  what: CountedPost | CountedOfGateways,
  { name, number }: SidecarId,
  times = 1,
): Promise<boolean> {
  const counting = env[what];
  if (!counting || times === 0) return true;
  const one = () => counting.limit({ key: `${name} ${number}` });
  try {
    const asked = Promise.all(Array.from({ length: times }, one));
    const counted = await within(edgeLimits.addressPatienceMs, asked, []);
    return counted.every(({ success }) => success);
  } catch (error) {
    logRefusal("address_not_counted", { counted: what, why: reason(error) });
    return true;
  }
}

/** Counts the calls of a post, of which several count like one post: the rest of them by chance. */
export async function countCalls(env: Env, sidecar: SidecarId, calls: number): Promise<Refusal | null> {
  return await countPosts(
    env,
    "OBSERVATIONS",
    sidecar,
    Math.floor(calls / observingLimits.callsCounted + random()),
  );
}
