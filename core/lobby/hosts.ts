/**
 * Who leads the lobby. `term` counts hosts, so that what a former host asks for is refused.
 *
 * A new host leads, but in a star it is introduced to nobody until it starts a mediation itself: who does not want
 * to be where all packets meet does not start.
 */

import { abort, saved } from "./abort.ts";
import type { Step } from "./effect.ts";
import type { HandOverRequest } from "./request.ts";
import { isAway, knowing, type LobbyState, type Member, memberOf, termOf } from "./state.ts";

/**
 * Who follows a host that is gone, from these: the one that is there longest, if it is connected and its page is
 * looked at; else one that is connected; else one that may return. Undefined if nobody is left.
 */
export function successor(state: LobbyState): Member | undefined {
  const { members } = state;
  const connected = members.filter(({ clientId }) => !isAway(state, clientId));
  return connected.find(({ hidden }) => !hidden) ?? connected[0] ?? members[0];
}

/** The lobby with another host, and what everybody hears of it. */
export function withHost(before: LobbyState, { clientId, name }: Member, now: number): Step<LobbyState> {
  const { state, effects } = before.topology === "mesh" ? { state: before, effects: [] } : apart(before, now);
  const term = termOf(state) + 1;
  const led: LobbyState = { ...state, hostId: clientId, term };
  const message = { type: "hostChanged", clientId, name, term } as const;
  return { state: led, effects: [...effects, { kind: "send", to: knowing(led.members), message }] };
}

/** In a star all were connected to the host before, and newcomers were about to be: nobody is connected to the next. */
function apart(state: LobbyState, now: number): Step<LobbyState> {
  const ended = abort(state, "stopped", [], now);
  const { playing: _, newcomers: __, ...rest } = ended.state;
  return { state: rest, effects: ended.effects };
}

/** The host hands over to another member. */
export function handOver(state: LobbyState, { memberId }: HandOverRequest, now: number): Step<LobbyState> {
  const member = memberOf(state, memberId);
  return member ? saved(withHost(state, member, now)) : { state, effects: [] };
}
