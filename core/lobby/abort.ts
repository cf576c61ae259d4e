/** How a mediation ends without success, for all or for some. */
import type { AbortCode } from "../problem.ts";
import { type Effect, listing, type Step } from "./effect.ts";
import { charge } from "./griefing.ts";
import { withoutPause, withPause } from "./newcomers-pause.ts";
import { participants, takesPart } from "./policy.ts";
import { isUnseen } from "./roll-call.ts";
import { type Connecting, type Gathering, isAway, type LobbyState, type Member, memberOf } from "./state.ts";

/**
 * The end of a mediation that is under way: the lobby is as it was before. `by`: those whose fault it is
 * (griefing.ts). Without a mediation, nothing.
 */
export function abort(
  state: LobbyState,
  code: AbortCode,
  by: readonly Member[],
  now: number,
): Step<LobbyState> {
  const { phase } = state;
  if (!("lost" in phase)) return { state, effects: [] };
  // Those left out have heard that it is over for them. Of one for newcomers, nobody knows before they are asked.
  const isAsked = phase.kind !== "gathering" || phase.sidecar !== undefined || phase.askedWithoutSidecar;
  const isKnown = !phase.policy.newcomers || isAsked;
  const told = isKnown ? aborted(participants(state, phase), code) : [];
  const ended: LobbyState = { ...state, phase: { kind: "waiting", aborted: code } };
  // One for newcomers keeps nobody else from playing: nobody is charged with it.
  const after = phase.policy.newcomers ? waitingAgain(ended, phase, code, by, now) : charge(ended, by, now);
  const listed = phase.isListed ? listing(after) : [];
  return { state: after, effects: [...listed, ...told] };
}

/**
 * Newcomers that were there wait for those to return who were to be their peers, and were away. A report may blame
 * others, who are no reason to try again. If nobody at all was seen, all of them wait: for a sidecar.
 */
function waitingAgain(
  state: LobbyState,
  phase: Gathering | Connecting,
  code: AbortCode,
  by: readonly Member[],
  now: number,
): LobbyState {
  const waitForSidecar = code === "endpoints_timeout" && phase.kind === "gathering" && isUnseen(phase);
  const isMissed = ({ clientId }: Member) => takesPart(phase, clientId) && isAway(state, clientId);
  if (!waitForSidecar && (code === "stopped" || !by.some(isMissed))) return withoutPause(state);
  const { newcomers = [], playing = [] } = state;
  const blamed = waitForSidecar ? [] : by;
  const again = (phase.policy.newcomers ?? []).filter(
    (id) =>
      memberOf(state, id) !== undefined &&
      takesPart(phase, id) &&
      !blamed.some(({ clientId }) => clientId === id) &&
      // It has links, and asks again for those that it misses (linking-again.ts).
      !playing.some(({ clientId }) => clientId === id) &&
      !newcomers.includes(id),
  );
  const after = again.length > 0 ? { ...state, newcomers: [...newcomers, ...again] } : state;
  return waitForSidecar ? withPause(after, now) : withoutPause(after);
}

/** For these it is over, and the others go on. */
export function leftOut(members: readonly Member[]): Effect[] {
  return aborted(members, "left_out");
}

/** The state has changed: that is kept before anything of it is heard. */
export function saved<State>({ state, effects }: Step<State>): Step<State> {
  return {
    state,
    effects: effects.some(({ kind }) => kind === "save") ? effects : [{ kind: "save" }, ...effects],
  };
}

/** Has something told before all else, but not before it is saved, nor before the directory knows. */
export function tell<State>(first: readonly Effect[], { state, effects }: Step<State>): Step<State> {
  const at = effects.findIndex(({ kind }) => kind !== "save" && kind !== "list" && kind !== "unlist");
  return { state, effects: effects.toSpliced(at < 0 ? effects.length : at, 0, ...first) };
}

function aborted(to: readonly Member[], code: AbortCode): Effect[] {
  if (to.length === 0) return [];
  return [{ kind: "send", to, message: { type: "mediationAborted", code } }];
}
