/**
 * Newcomers of a lobby that plays: those who join a `session` lobby whose members are connected, members that were
 * not seen in time for the start, and members that come back without their links. Each is connected to its peers,
 * and nobody else notices. Players that miss a link are connected in the same way (linking-again.ts).
 *
 * One mediation connects all who wait by then. Those who come meanwhile wait for the next. It begins by itself, in
 * `seeToNewcomers`, whenever nothing else is under way. Nobody is waited for long: with those who do not show up,
 * or cannot be connected, the next start tries again.
 *
 * If nobody at all was seen, not even those who play, it may be because no sidecar is there. Then the newcomers
 * wait, and are tried again in pauses that grow, or when another newcomer comes. Where all who take part can be connected
 * by the relay over WebSocket, they wait for no sidecar.
 */
import type { Sidecar } from "../fleet.ts";
import { saved } from "./abort.ts";
import type { Step } from "./effect.ts";
import { needNoSidecar } from "./features.ts";
import { lobbyLimits } from "./limits.ts";
import { isPauseOver, isPausing, whileTried, withoutPause, withPause } from "./newcomers-pause.ts";
import { type NewcomerPolicy, newcomerPolicy, takesPart } from "./policy.ts";
import {
  type Connecting,
  type Gathering,
  isAway,
  isPlayed,
  type LobbyState,
  type Member,
  memberOf,
  type Via,
} from "./state.ts";

/** Notes that a member has to be connected to those who play. Nothing if nobody does, or is about to. */
export function withNewcomer(state: LobbyState, clientId: string): LobbyState {
  const { lifetime, newcomers = [] } = state;
  if (lifetime !== "session" || !isPlayed(state) || newcomers.includes(clientId)) return state;
  const without = { ...withoutPause(state), ...playingWithout(state, [clientId]) };
  if (isToBeIntroduced(state, clientId)) return without;
  return { ...without, newcomers: [...newcomers, clientId] };
}

/** The pause is over. Those who wait are seen to now, if there is a sidecar or they need none. Otherwise they wait longer. */
export function afterPause(state: LobbyState, sidecar: Sidecar | undefined, now: number): Step<LobbyState> {
  if (!isPauseOver(state, now)) return { state, effects: [] };
  const policy = policyNow(state);
  // Whoever is to be connected to them brings the next try when it is back.
  if (!policy) return saved({ state: withoutPause(state), effects: [] });
  const isSeenTo = sidecar || needNoSidecar(membersOf(state, policy.members));
  return saved({ state: isSeenTo ? whileTried(state) : withPause(state, now), effects: [] });
}

/** Whether the mediation under way is about to tell the member of all its peers. */
function isToBeIntroduced({ phase }: LobbyState, clientId: string): boolean {
  if (phase.kind !== "gathering" || !takesPart(phase, clientId)) return false;
  return phase.policy.newcomers === undefined || phase.policy.newcomers.includes(clientId);
}

/** Those who play, without these. */
export function playingWithout(
  { playing }: LobbyState,
  clientIds: readonly string[],
): Pick<LobbyState, "playing"> {
  if (!playing) return {};
  return { playing: playing.filter(({ clientId }) => !clientIds.includes(clientId)) };
}

/** Those who play when this mediation has succeeded: its members, and those who played before. Who was late for it is next. */
export function nowPlaying(state: LobbyState, phase: Connecting): LobbyState {
  if (state.lifetime !== "session") return state;
  const { reported, via, policy, late = [] } = phase;
  const connected = reported
    .map((clientId, i) => ({ clientId, via: via[i] ?? ("unknown" as Via) }))
    .filter(({ clientId }) => memberOf(state, clientId) && takesPart(phase, clientId));
  // Members that played before have more paths than those of a mediation for newcomers.
  const { newcomers: connectedNow } = policy;
  const before = connectedNow
    ? (state.playing ?? []).filter(({ clientId }) => !connectedNow.includes(clientId))
    : [];
  const joined = connected.filter((one) => !before.some(({ clientId }) => clientId === one.clientId));
  const { newcomers = [] } = state;
  const next = [...newcomers, ...late.filter((id) => memberOf(state, id) && !newcomers.includes(id))];
  return { ...state, playing: [...before, ...joined], ...(next.length > 0 && { newcomers: next }) };
}

/** Begins to connect those who wait, if nothing is under way and somebody plays to whom they can be connected. */
export function seeToNewcomers<Taken extends Step<LobbyState | null>>(taken: Taken, now: number): Taken {
  const { state, effects } = taken;
  if (!state?.newcomers || state.phase.kind !== "waiting") return taken;
  if (isPausing(state)) return taken;
  const waiting = waitingNow(state);
  const policy = policyNow(state);
  if (!policy) return taken;
  const [first = ""] = waiting;
  const { newcomers: _, ...rest } = state;
  const left = state.newcomers.filter((clientId) => !waiting.includes(clientId));
  const others: LobbyState = { ...rest, ...(left.length > 0 && { newcomers: left }) };
  const begun = connectNewcomers(others, policy, first, now);
  return { ...taken, ...saved({ state: begun.state, effects }) };
}

/** Begins a mediation for newcomers, of whom this is the first. */
export function connectNewcomers(
  state: LobbyState,
  policy: NewcomerPolicy,
  first: string,
  now: number,
): Step<LobbyState> {
  const gathering: Gathering = {
    kind: "gathering",
    // No request has started it. Those who wait once more must not take it for the one before.
    requestId: `${now.toString(36)} ${first}`,
    began: { at: now, members: policy.members.length },
    policy,
    intervalMs: lobbyLimits.newcomerIntervalMs,
    connectingMs: lobbyLimits.newcomerConnectingMs,
    // The alarm chooses a sidecar, and has them asked. What is due at once is the alarm's.
    remindAt: now + 1,
    giveUpAt: now + lobbyLimits.newcomerGatheringMs,
    lost: [],
    seen: {},
  };
  return saved({ state: { ...state, phase: gathering }, effects: [] });
}

function membersOf({ members }: LobbyState, clientIds: readonly string[]): Member[] {
  return members.filter(({ clientId }) => clientIds.includes(clientId));
}

function waitingNow(state: LobbyState): string[] {
  return (state.newcomers ?? []).filter(
    (clientId) => memberOf(state, clientId) !== undefined && !isAway(state, clientId),
  );
}

/** What would connect those who wait now. Undefined if nobody can be connected. */
function policyNow(state: LobbyState): NewcomerPolicy | undefined {
  return newcomerPolicy(state, waitingNow(state));
}
