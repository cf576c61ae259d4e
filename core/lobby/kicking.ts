/**
 * The host removes a member, and may ban it. The operator of the server may remove any, the host too.
 *
 * A ban lasts as long as the lobby, or until the host lifts it. It holds for the client's session, and for its
 * resume key, which ends with its place. Its network is banned for an hour only, and not at all if other
 * members share it: a carrier puts thousands of players behind one address.
 */
import { dialectOf } from "../dialects/names.ts";
import { tell } from "./abort.ts";
import type { Step } from "./effect.ts";
import { lobbyLimits } from "./limits.ts";
import { farewell, leave } from "./membership.ts";
import type { KickRequest, OperatorKickRequest } from "./request.ts";
import { type Ban, type LobbyState, type Member, memberOf, sessionOf } from "./state.ts";

/**
 * Whether the host has banned the newcomer, or, for a while, its network. A dialect knows its players by their names: there the name is banned, too, because
 * each newcomer is another client.
 */
export function isBanned(
  { lobbyId, bans = [] }: LobbyState,
  { clientId, name, network }: Member,
  now: number,
): boolean {
  const knowsByName = dialectOf(lobbyId) !== null;
  return bans.some(
    (ban) =>
      ban.clientId === clientId ||
      ban.session === clientId ||
      (knowsByName && ban.name === name) ||
      (ban.network !== undefined && ban.network === network && isInForce(ban, now)),
  );
}

/** Whether this member was removed for good, and its ban was not lifted. */
export function wasBanned({ bans = [] }: LobbyState, clientId: string): boolean {
  return bans.some((ban) => ban.clientId === clientId);
}

/** Of a network. A clock that was set back leaves none that lasts longer. */
function isInForce({ until = 0 }: Ban, now: number): boolean {
  return now < until && until <= now + lobbyLimits.networkBanMs;
}

/** The host, or the operator, removes a member: its last message tells it so, and the rest hear that it is gone. */
export function kick(
  state: LobbyState,
  { memberId, reason, ban: banned }: KickRequest | OperatorKickRequest,
  now: number,
): Step<LobbyState> {
  const member = memberOf(state, memberId);
  if (!member) return { state, effects: [] };
  const noted = banned ? withBan(state, banOf(state, member, now)) : state;
  const last = farewell(state, member, { type: "kicked", reason, banned });
  return tell([last], leave(noted, [memberId], now, { kicked: true }));
}

export function unban(state: LobbyState, clientId: string): LobbyState {
  const { bans: before = [], ...rest } = state;
  const bans = before.filter((ban) => ban.clientId !== clientId);
  return bans.length > 0 ? { ...rest, bans } : rest;
}

function banOf({ members }: LobbyState, member: Member, now: number): Ban {
  const { clientId, name, network } = member;
  const isShared = members.some((one) => one !== member && one.network === network);
  return {
    clientId,
    session: sessionOf(member),
    name,
    ...(network !== undefined && !isShared && { network, until: now + lobbyLimits.networkBanMs }),
  };
}

/** The bans of longest ago are forgotten where there are too many. */
function withBan(state: LobbyState, ban: Ban): LobbyState {
  return { ...state, bans: [...(state.bans ?? []), ban].slice(-lobbyLimits.bans) };
}
