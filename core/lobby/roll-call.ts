/** Whose datagrams the sidecar has seen in a mediation. */
import { sharedLimits } from "../limits.ts";
import { lobbyLimits } from "./limits.ts";
import { participants } from "./policy.ts";
import { outOfReachWithoutUdp, readyOf } from "./ready.ts";
import { type Gathering, isAway, type LobbyState, type Member, type Seen } from "./state.ts";

/** Who of a mediation can be introduced and is connected, and who cannot. */
export function rollCall(
  state: LobbyState,
  phase: Gathering,
): { expected: readonly Member[]; present: Member[]; missing: Member[] } {
  const expected = participants(state, phase);
  const isPresent = (member: Member) =>
    !isAway(state, member.clientId) && isIntroducible(phase, expected, member);
  return {
    expected,
    present: expected.filter(isPresent),
    missing: expected.filter((member) => !isPresent(member)),
  };
}

/**
 * Whether all is known of the member that its peers are to be told: an endpoint, if it needs one, and its commitment, if it encrypts. Where
 * a sidecar that does not know links has asked, it asked in Orion's words: nobody commits itself then.
 */
function isIntroducible(phase: Gathering, expected: readonly Member[], member: Member): boolean {
  const { clientId, features } = member;
  const { udp, commitment } = readyOf(phase, clientId) ?? {};
  const isOrions = phase.sidecar !== undefined && !phase.offersLinks;
  if (features?.includes("encrypted") && commitment === undefined && !isOrions) return false;
  if (seenOf(phase.seen, clientId) !== undefined) return true;
  return udp === false && outOfReachWithoutUdp(phase.policy, expected, member).length === 0;
}

/** How many have been seen, or have said that they need not be. */
export function shownCount({ seen, ready = {} }: Gathering): number {
  const without = Object.keys(ready).filter((id) => ready[id]?.udp === false && !Object.hasOwn(seen, id));
  return Object.keys(seen).length + without.length;
}

/** Whether nobody at all has been seen. */
export function isUnseen(phase: Gathering): boolean {
  return shownCount(phase) === 0;
}

/** Whether it was so long ago that the router may have forgotten the client. */
export function isOld(seen: Seen | undefined, now: number): boolean {
  if (seen === undefined) return false;
  // Two events of one object may have clocks that differ a little. What is farther in the future is of before
  // a jump back.
  return seen.at + lobbyLimits.observedMs < now || seen.at > now + sharedLimits.clockSlackMs;
}

/** A client chooses no id, but `__defineGetter__` would be one. */
export function seenOf(seen: Gathering["seen"], clientId: string): Seen | undefined {
  return Object.hasOwn(seen, clientId) ? seen[clientId] : undefined;
}
