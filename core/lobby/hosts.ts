/**
 * Who leads the lobby. `term` counts hosts, so that what a former host asks for is refused.
 *
 * A new host leads, but in a star it is introduced to nobody until it starts a mediation itself: who does not want
 * to be where all packets meet does not start.
 */

import { saved } from "./abort.ts";
import type { Effect, Step } from "./effect.ts";
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
export function withHost(state: LobbyState, { clientId, name }: Member): Step<LobbyState> {
  const term = termOf(state) + 1;
  const { playing, newcomers, ...rest } = state;
  const led: LobbyState = {
    ...rest,
    hostId: clientId,
    term,
    // In a star all were connected to the host before.
    ...(state.topology === "mesh" && { ...(playing && { playing }), ...(newcomers && { newcomers }) }),
  };
  const message = { type: "hostChanged", clientId, name, term } as const;
  const told: Effect[] = [{ kind: "send", to: knowing(led.members), message }];
  return { state: led, effects: told };
}

/** The host hands over to another member. */
export function handOver(state: LobbyState, { memberId }: HandOverRequest): Step<LobbyState> {
  const member = memberOf(state, memberId);
  return member ? saved(withHost(state, member)) : { state, effects: [] };
}
