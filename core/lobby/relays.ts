/**
 * The lobby's relays over WebSocket: which of them carries a pair (core/relay/groups.ts), how many members have tickets for, and who is
 * to be dropped by them.
 */
import { meshRelay, starRelay } from "../relay/groups.ts";
import type { Effect, Introduced, Introduction } from "./effect.ts";
import { bothHave } from "./features.ts";
import { pairsOf } from "./policy.ts";
import type { LobbyState, MediationPolicy } from "./state.ts";

/** The number of the relay that two members get tickets for; null if they do not both use one. */
export function relayNumber(
  { topology }: Pick<MediationPolicy, "topology">,
  one: Introduced,
  other: Introduced,
): number | null {
  if (!one.links || !other.links || !bothHave("ws-relay", one.member, other.member)) return null;
  const [{ seat: here = 0 }, { seat: there = 0 }] = [one, other];
  if (topology.kind === "mesh") return meshRelay(here, there);
  const isCenter = one.member.clientId === topology.center;
  const [center, guest] = isCenter ? [here, there] : [there, here];
  return starRelay(guest > center ? guest - 1 : guest);
}

/** Notes for how many relays the members of this introduction, and of those before, have tickets. */
export function withRelays(
  { relays = 0 }: LobbyState,
  introduction: Introduction,
): Pick<LobbyState, "relays"> {
  const numbers = pairsOf(introduction).map(([a, b]) => relayNumber(introduction.policy, a, b) ?? -1);
  const most = Math.max(relays - 1, ...numbers) + 1;
  return most > 0 ? { relays: most } : {};
}

/** Members are gone for good: what is left of their links ends. Nothing where nobody has a ticket for a relay over WebSocket. */
export function dropping({ relays = 0 }: LobbyState, clientIds: readonly string[]): Effect[] {
  return relays > 0 && clientIds.length > 0 ? [{ kind: "drop", clientIds, relays }] : [];
}
