/**
 * What members have said of themselves in a mediation, besides what a sidecar has seen: that they cannot use UDP, and the
 * commitment to the key that they encrypt with. It is not kept, as the endpoints of such clients are not: each says it again
 * with every `ptpMediation_send`.
 */
import { bothHave } from "./features.ts";
import { isPaired } from "./policy.ts";
import type { Gathering, MediationPolicy, Member, Ready } from "./state.ts";

/** A client chooses no id, but `__defineGetter__` would be one. */
export function readyOf({ ready = {} }: Pick<Gathering, "ready">, clientId: string): Ready | undefined {
  return Object.hasOwn(ready, clientId) ? ready[clientId] : undefined;
}

/** These have to say it again: a page that was loaded anew has another key. */
export function unready(phase: Gathering, clientIds: readonly string[]): Gathering {
  const { ready, ...rest } = phase;
  if (!ready || !clientIds.some((clientId) => Object.hasOwn(ready, clientId))) return phase;
  const left = Object.entries(ready).filter(([clientId]) => !clientIds.includes(clientId));
  return left.length > 0 ? { ...rest, ready: Object.fromEntries(left) } : rest;
}

/** Those of these members to whom a member without UDP is to be connected, and cannot be. */
export function outOfReachWithoutUdp(
  policy: Pick<MediationPolicy, "topology" | "newcomers">,
  members: readonly Member[],
  member: Member,
): Member[] {
  return members.filter(
    (other) => isPaired(policy, member.clientId, other.clientId) && !bothHave("ws-relay", member, other),
  );
}
