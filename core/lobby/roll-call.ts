/** Whose datagrams the sidecar has seen in a mediation. */
import { sharedLimits } from "../limits.ts";
import { lobbyLimits } from "./limits.ts";
import { participants } from "./policy.ts";
import { type Gathering, isAway, type LobbyState, type Member, type Seen } from "./state.ts";

/** Who of a mediation has been seen and is connected, and who has not. */
export function rollCall(
  state: LobbyState,
  phase: Gathering,
): { expected: readonly Member[]; present: Member[]; missing: Member[] } {
  const expected = participants(state, phase);
  const isPresent = ({ clientId }: Member) =>
    seenOf(phase.seen, clientId) !== undefined && !isAway(state, clientId);
  return {
    expected,
    present: expected.filter(isPresent),
    missing: expected.filter((member) => !isPresent(member)),
  };
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
