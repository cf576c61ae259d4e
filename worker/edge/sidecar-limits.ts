/**
 * What one sidecar may post in a minute: its key may be stolen, and each post costs. The platform counts, in each of its places apart, as
 * for addresses. Counted is only what the sidecar has signed, so nobody else can use that up.
 */
import { observingLimits } from "../../core/observing/limits.ts";
import { type Refusal, refuseFor } from "../../core/problem.ts";
import type { SidecarId } from "../../core/sidecar-key.ts";
import type { CountedPost, Env } from "../platform/env.ts";
import { logRefusal, reason } from "../platform/log.ts";
import { random } from "../platform/random.ts";
import { within } from "../platform/retry.ts";
import { edgeLimits } from "./limits.ts";

/** Counts one more post of a sidecar, or so many; a refusal if that is too many. A new key begins anew. */
export async function countPosts(
  env: Env,
  what: CountedPost,
  { name, number }: SidecarId,
  posts = 1,
): Promise<Refusal | null> {
  const counting = env[what];
  if (!counting || posts === 0) return null;
  const one = () => counting.limit({ key: `${name} ${number}` });
  try {
    const asked = Promise.all(Array.from({ length: posts }, one));
    const counted = await within(edgeLimits.addressPatienceMs, asked, []);
    return counted.every(({ success }) => success) ? null : refuseFor(edgeLimits.addressPeriodS);
  } catch (error) {
    logRefusal("address_not_counted", { counted: what, why: reason(error) });
    return null;
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
