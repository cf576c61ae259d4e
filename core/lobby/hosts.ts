/**
 * Who leads the lobby. `term` counts hosts, so that what a former host asks for is refused.
 *
 * A new host leads, but in a star it is introduced to nobody until it starts a mediation itself: who does not want
 * to be where all packets meet does not start.
 */

import { abort, saved } from "./abort.ts";
import type { Step } from "./effect.ts";
import { lobbyLimits } from "./limits.ts";
import { withoutPause } from "./newcomers-pause.ts";
import type { HandOverRequest } from "./request.ts";
import {
  isAway,
  isHostless,
  isInformed,
  knowing,
  type LobbyState,
  type Member,
  memberOf,
  termOf,
  versionOf,
} from "./state.ts";

/**
 * Where a lobby awaits hosts, it has one that is connected, or none: the host is away, and leads again when it returns in
 * time. Meanwhile a newcomer that can lead is host at once (membership.ts). A member that can takes over when the host has
 * been away for `hostAwaitedMs`, and is there longest among those that can. When the host's time is over, and nobody can, so
 * is the lobby.
 */

/** When a member takes over from a host that is away, in milliseconds since 1970; infinity for never. */
export function takeOverAt(state: LobbyState): number {
  if (!isHostless(state) || !successor(state)) return Number.POSITIVE_INFINITY;
  const until = state.away.find(({ clientId }) => clientId === state.hostId)?.until ?? 0;
  return Math.min(until, until - state.graceMs + lobbyLimits.hostAwaitedMs);
}

/** A member takes over, if it is time. */
export function takeOver(state: LobbyState, now: number): Step<LobbyState> {
  const next = takeOverAt(state) <= now ? successor(state) : undefined;
  return next ? saved(withHost(state, next, now)) : { state, effects: [] };
}

/**
 * Who follows a host that is gone, from those whose clients know what that means: the one that is there longest, if
 * it is connected and its page is looked at; else one that is connected; else one that may return. Where the lobby
 * awaits hosts, only one that is connected and can lead. Undefined if there is none.
 */
export function successor(state: LobbyState): Member | undefined {
  const able = state.members.filter(isInformed);
  const connected = able.filter(({ clientId }) => !isAway(state, clientId));
  if (state.awaitsHost) return connected.find(({ canHost }) => canHost);
  return connected.find(({ hidden }) => !hidden) ?? connected[0] ?? able[0];
}

/** The lobby with another host, and what everybody hears of it. */
export function withHost(before: LobbyState, { clientId, name }: Member, now: number): Step<LobbyState> {
  const { state, effects } = before.topology === "mesh" ? { state: before, effects: [] } : apart(before, now);
  const term = termOf(state) + 1;
  const version = versionOf(state) + 1;
  const led: LobbyState = { ...state, version, hostId: clientId, term };
  const message = { type: "hostChanged", clientId, version, name, term } as const;
  return { state: led, effects: [...effects, { kind: "send", to: knowing(led.members), message }] };
}

/** In a star all were connected to the host before, and newcomers were about to be: nobody is connected to the next. */
function apart(state: LobbyState, now: number): Step<LobbyState> {
  const ended = abort(state, "stopped", [], now);
  const { playing: _, newcomers: __, ...rest } = ended.state;
  return { state: withoutPause(rest), effects: ended.effects };
}

/** The host hands over to another member. */
export function handOver(state: LobbyState, { memberId }: HandOverRequest, now: number): Step<LobbyState> {
  const member = memberOf(state, memberId);
  return member ? saved(withHost(state, member, now)) : { state, effects: [] };
}
