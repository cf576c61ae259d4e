/**
 * Players who keep the others from playing: by calling off one start after another, or by coming and leaving
 * again and again.
 *
 * A member calls off a start if the start fails because it left, was not seen, did not report, or could not
 * connect. One that has called off `callOffs` of them is left out of those that follow, until `callOffMs` have
 * passed since the last. The host is never left out, nor anybody if the host would be alone then. When such a
 * member leaves, the next newcomer of its network takes over what it is charged with: most likely it is the same
 * player. One newcomer, not all of them: many may share the network. Of IPv6 a network is a /48 here.
 *
 * Departures are counted by network. One that leaves costs its network as much as its share there: all of it if
 * it was alone, a tenth if ten were in the lobby. So a network of sixty that loses its connection can return at
 * once, and one player that comes and leaves has to wait after eight times. A member that comes back without its
 * links costs the same: the others have to be connected to it again.
 */
import { type Bucket, draw, newBucket, type Rate, secondsUntilOne } from "../allowance.ts";
import { keptLeft, keptTime } from "./kept-charges.ts";
import { lobbyLimits } from "./limits.ts";
import { type CallOff, isPlayed, type LobbyState, type Member, memberOf } from "./state.ts";

const returns: Rate = { burst: lobbyLimits.returns, perSecond: 1 / lobbyLimits.returnSeconds };

/** Charges these members, except the host, with a start that failed. */
export function charge(state: LobbyState, members: readonly Member[], now: number): LobbyState {
  const charged = members.map(({ clientId }) => clientId).filter((clientId) => clientId !== state.hostId);
  if (charged.length === 0) return state;
  const before = fresh(state, now);
  const others = before.filter(({ by }) => !charged.includes(by));
  const callOffs = charged.map((by): CallOff => {
    return { by, starts: (before.find((one) => one.by === by)?.starts ?? 0) + 1, at: keptTime(now) };
  });
  return { ...state, callOffs: bounded([...others, ...callOffs], state.members) };
}

/** Those of these who have called off too many starts: a start goes without them. */
export function callersOff(state: LobbyState, members: readonly Member[], now: number): Member[] {
  const many = fresh(state, now).filter(({ starts }) => starts >= lobbyLimits.callOffs);
  return members.filter(
    ({ clientId }) => clientId !== state.hostId && many.some(({ by }) => by === clientId),
  );
}

/** `state` without these, who have left it: their networks answer for them. `before`: all who were members. */
export function departed(
  state: LobbyState,
  gone: readonly Member[],
  before: readonly Member[],
  now: number,
): LobbyState {
  let { departures = [], callOffs = [], ...rest } = state;
  const left = [...before];
  for (const member of gone) {
    const { clientId, network } = member;
    const share = left.filter((one) => one.network === network).length;
    left.splice(left.indexOf(member), 1);
    callOffs = callOffs.flatMap((one) => {
      if (one.by !== clientId) return [one];
      return network === undefined ? [] : [{ ...one, by: network }];
    });
    if (network !== undefined) departures = withDeparture(departures, network, 1 / share, now);
  }
  return {
    ...rest,
    ...(departures.length > 0 && { departures }),
    ...(callOffs.length > 0 && { callOffs: bounded(callOffs, left) }),
  };
}

/** `state` with this member, that has come back without its links. Where nobody plays nobody is disturbed. */
export function reconnected(state: LobbyState, { network }: Member, now: number): LobbyState {
  if (network === undefined || !isPlayed(state)) return state;
  const share = state.members.filter((one) => one.network === network).length;
  return { ...state, departures: withDeparture(state.departures ?? [], network, 1 / share, now) };
}

/** `state` with this newcomer, that takes over what its network is charged with. */
export function arrived(state: LobbyState, { clientId, network }: Member): LobbyState {
  const { callOffs } = state;
  const inherited = callOffs?.findLast(({ by }) => by === network);
  if (!callOffs || !inherited) return state;
  return { ...state, callOffs: callOffs.map((one) => (one === inherited ? { ...one, by: clientId } : one)) };
}

/** Whole seconds until this member may come back without its links; 0 for now. */
export function reconnectsIn(state: LobbyState, clientId: string, now: number): number {
  const member = memberOf(state, clientId);
  return member && isPlayed(state) ? returnsIn(state, member, now) : 0;
}

/** Whole seconds until one of the newcomer's network may join; 0 for now. */
export function returnsIn({ departures = [] }: LobbyState, { network }: Member, now: number): number {
  const found = departures.find((one) => one.network === network);
  if (!found) return 0;
  const bucket = { ...found };
  draw(bucket, returns, now, 0);
  return secondsUntilOne(bucket, returns);
}

function withDeparture(
  departures: NonNullable<LobbyState["departures"]>,
  network: string,
  amount: number,
  now: number,
): NonNullable<LobbyState["departures"]> {
  const others = departures.filter((one) => one.network !== network);
  const bucket: Bucket = {
    ...(departures.find((one) => one.network === network) ?? newBucket(returns, now)),
  };
  if (!draw(bucket, returns, now, amount)) bucket.left = 0;
  // The networks that left last: the rest have had time to be forgiven.
  const counted = { network, left: keptLeft(bucket.left), at: keptTime(bucket.at) };
  return [...others, counted].slice(-lobbyLimits.departedNetworks);
}

/**
 * What a lobby remembers: all that its members are charged with, or they would take turns, and of what former ones
 * are charged with the newest, as much as there is room for.
 */
function bounded(callOffs: readonly CallOff[], members: readonly Member[]): readonly CallOff[] {
  const ids = new Set(members.map(({ clientId }) => clientId));
  let tooMany = Math.max(0, callOffs.length - lobbyLimits.charged);
  return callOffs.filter(({ by }) => ids.has(by) || --tooMany < 0);
}

/** A clock that was set back leaves none that is never forgotten. */
function fresh({ callOffs = [] }: LobbyState, now: number): readonly CallOff[] {
  return callOffs.filter(({ at }) => Math.abs(now - at) < lobbyLimits.callOffMs);
}
