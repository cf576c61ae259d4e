/** What the host decides while its players are being connected: to stop, or to go on without those missing. */
import { abort, saved } from "./abort.ts";
import type { Step } from "./effect.ts";
import { proceed } from "./gathering.ts";
import { lobbyLimits } from "./limits.ts";
import { participants } from "./policy.ts";
import { rollCall } from "./roll-call.ts";
import { isAway, type LobbyState, type Member } from "./state.ts";

/**
 * The mediation ends for all. Those for whom it waited by then are charged with it, unless it had only just
 * begun. Without one, nothing.
 */
export function stop(state: LobbyState, now: number): Step<LobbyState> {
  const { phase } = state;
  if (!("lost" in phase)) return { state, effects: [] };
  const isEarly = now < phase.began.at + lobbyLimits.stragglerMs;
  return saved(abort(state, "stopped", isEarly ? [] : awaited(state), now));
}

/**
 * From now on the mediation goes on when members are lost, as in a lobby that was opened so. Those who are
 * missing have `stragglerMs` more. Asking twice gives them no more, and no less.
 */
export function goOn(state: LobbyState, requestId: string, now: number): Step<LobbyState> {
  const { phase } = state;
  if (!("lost" in phase)) return { state, effects: [] };
  const policy = { ...phase.policy, onLoss: "continue" as const };
  if (phase.kind === "gathering") {
    return saved(proceed({ ...state, phase: { ...phase, policy, proceeded: requestId } }, now));
  }
  const giveUpAt = Math.min(phase.giveUpAt, now + lobbyLimits.stragglerMs);
  return saved({
    state: { ...state, phase: { ...phase, policy, proceeded: requestId, giveUpAt } },
    effects: [],
  });
}

/** Those whom the mediation waits for. */
function awaited(state: LobbyState): readonly Member[] {
  const { phase } = state;
  if (phase.kind === "gathering") return rollCall(state, phase).missing;
  if (phase.kind !== "connecting") return [];
  return participants(state, phase).filter(
    ({ clientId }) => !phase.reported.includes(clientId) || isAway(state, clientId),
  );
}
