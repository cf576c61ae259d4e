/**
 * Newcomers of a lobby that plays: those who join a `session` lobby whose members are connected, and members that
 * come back without their links. Each is connected to its peers, and nobody else notices.
 *
 * One mediation connects all who wait by then. Those who come meanwhile wait for the next. It begins by itself, in
 * `seeToNewcomers`, whenever nothing else is under way. Nobody is waited for long: with those who do not show up,
 * or cannot be connected, the next start tries again.
 */
import { saved } from "./abort.ts";
import type { Step } from "./effect.ts";
import { lobbyLimits } from "./limits.ts";
import { newcomerPolicy, takesPart } from "./policy.ts";
import {
  type Connecting,
  type Gathering,
  isAway,
  isPlayed,
  type LobbyState,
  memberOf,
  type Via,
} from "./state.ts";

/** Notes that a member has to be connected to those who play. Nothing if nobody does, or is about to. */
export function withNewcomer(state: LobbyState, clientId: string): LobbyState {
  const { lifetime, newcomers = [] } = state;
  if (lifetime !== "session" || !isPlayed(state) || newcomers.includes(clientId)) return state;
  const without = { ...state, ...playingWithout(state, [clientId]) };
  if (isToBeIntroduced(state, clientId)) return without;
  return { ...without, newcomers: [...newcomers, clientId] };
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

/** Those who play when this mediation has succeeded: its members, and those who played before. */
export function nowPlaying(state: LobbyState, phase: Connecting): LobbyState {
  if (state.lifetime !== "session") return state;
  const { reported, via, policy } = phase;
  const connected = reported
    .map((clientId, i) => ({ clientId, via: via[i] ?? ("unknown" as Via) }))
    .filter(({ clientId }) => memberOf(state, clientId) && takesPart(phase, clientId));
  // Members that played before have more paths than those of a mediation for newcomers.
  const before = policy.newcomers ? (state.playing ?? []) : [];
  const joined = connected.filter((one) => !before.some(({ clientId }) => clientId === one.clientId));
  return { ...state, playing: [...before, ...joined] };
}

/** Begins to connect those who wait, if nothing is under way and somebody plays to whom they can be connected. */
export function seeToNewcomers<Taken extends Step<LobbyState | null>>(taken: Taken, now: number): Taken {
  const { state, effects } = taken;
  if (!state?.newcomers || state.phase.kind !== "waiting") return taken;
  const waiting = state.newcomers.filter(
    (clientId) => memberOf(state, clientId) !== undefined && !isAway(state, clientId),
  );
  const policy = newcomerPolicy(state, waiting);
  if (!policy) return taken;
  const [first = ""] = waiting;
  const { newcomers: _, ...rest } = state;
  const left = state.newcomers.filter((clientId) => !waiting.includes(clientId));
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
  const after: LobbyState = { ...rest, ...(left.length > 0 && { newcomers: left }), phase: gathering };
  return { ...taken, ...saved({ state: after, effects }) };
}
