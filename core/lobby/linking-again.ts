/**
 * Players whose link is lost while both are in the lobby: a tab was suspended for a minute, and its WebSocket lived. A player
 * that misses links says so, and one mediation connects it to those peers alone. Its other links stay as they are.
 *
 * Nothing is kept of such a wish. While the lobby is busy with anything else it is dropped, and the client says it again, later
 * each time. It costs the player's network what coming back without links costs (griefing.ts), so a network that asks too
 * often is not heard for a while.
 */
import type { Step } from "./effect.ts";
import type { LobbyEvent } from "./event.ts";
import { reconnected, reconnectsIn } from "./griefing.ts";
import { connectNewcomers } from "./newcomers.ts";
import { isPausing } from "./newcomers-pause.ts";
import { peersPolicy } from "./policy.ts";
import { isAway, type LobbyState, memberOf } from "./state.ts";

/** Begins to connect the member to these again, as far as they play and are to be connected. */
export function linkAgain(
  state: LobbyState,
  { clientId, peers }: Extract<LobbyEvent, { kind: "links-lost" }>,
  now: number,
): Step<LobbyState> {
  const nothing = { state, effects: [] };
  const member = memberOf(state, clientId);
  const isBusy = state.phase.kind !== "waiting" || isPausing(state) || (state.newcomers ?? []).length > 0;
  if (!member || isAway(state, clientId) || isBusy) return nothing;
  const policy = peersPolicy(state, clientId, peers);
  if (!policy || reconnectsIn(state, clientId, now) > 0) return nothing;
  return connectNewcomers(reconnected(state, member, now), policy, clientId, now);
}
