/**
 * What of a lobby outlives its object's memory: all but the details of the endpoints seen. A plain client's
 * endpoint is kept with the next save, because such a client may send its datagram only once. A client that
 * knows links answers every `ptpMediation_send`, so the next one brings its endpoint back.
 */
import { addressBytes, addressText } from "../endpoint.ts";
import { knownFeatures, knowsLinks } from "./features.ts";
import { type KeptCharges, network, networkLength, packCharges, unpackCharges } from "./kept-charges.ts";
import { seenOf } from "./roll-call.ts";
import type { Gathering, LobbyState, Member, Seen } from "./state.ts";

/**
 * As it is kept: the largest lobby has to fit into a socket's attachment, so what each member has is packed,
 * in their order, into texts that V8 stores with a byte a unit. `endpoints`: as seen. `features`: 0 for a
 * client that has not said, else one more than a bit for each that it has, by its place among those known.
 * `marks`: a bit for each mark that the member has. `networks`: `networkLength` characters each, or spaces.
 */
export type LastingState = Omit<LobbyState, "callOffs" | "departures"> &
  KeptCharges & {
    readonly endpoints?: string;
    readonly features?: string;
    readonly marks?: string;
    readonly networks?: string;
  };

const none = "\0";
/** Never another meaning for a bit: rows of other versions have them. */
const mark = { relayOnly: 1, isAtSocket: 2, hasMoved: 4, hidden: 8, canHost: 16, isLocal: 32 } as const;

export function lasting(state: LobbyState): LastingState {
  const { callOffs: _, departures: __, ...rest } = state;
  const { phase } = rest;
  // A field costs its name for each member, even if there is nothing in it.
  const hasMore = state.members.some(
    (member) =>
      "features" in member ||
      "relayOnly" in member ||
      "network" in member ||
      "hidden" in member ||
      "canHost" in member ||
      "isLocal" in member,
  );
  const kept: LastingState = {
    ...rest,
    ...packCharges(state),
    ...(hasMore && { members: state.members.map(bare), features: packFeatures(state.members) }),
    ...packMarks(state),
    ...packNetworks(state),
  };
  if (phase.kind !== "gathering") return kept;
  const endpoints = state.members.map((member) => pack(phase, member)).join("");
  const { ready: ___, ...gathering } = phase;
  const asleep = { ...kept, phase: { ...gathering, seen: {} } };
  return endpoints.length > state.members.length ? { ...asleep, endpoints } : asleep;
}

/** The lobby again. When its members were seen is not known any more, so they count as seen long ago. */
export function restored(all: LastingState): LobbyState {
  const { endpoints, features, marks, networks, charges, departed, ...kept } = all;
  const bits = (i: number) => marks?.charCodeAt(i) || 0;
  const members = (features === undefined ? kept.members : withFeatures(kept.members, features)).map(
    (member, i): Member => {
      const network = networks?.slice(i * networkLength, (i + 1) * networkLength).trim();
      return {
        ...member,
        ...(network && { network }),
        ...(bits(i) & mark.relayOnly && { relayOnly: true }),
        ...(bits(i) & mark.hidden && { hidden: true }),
        ...(bits(i) & mark.canHost && { canHost: true }),
        ...(bits(i) & mark.isLocal && { isLocal: true }),
      };
    },
  );
  const state = { ...kept, members, ...unpackCharges({ charges, departed }, members) };
  const { phase } = state;
  if (phase.kind !== "gathering" || endpoints === undefined) return state;
  const seen: Record<string, Seen> = {};
  let at = 0;
  for (const [i, { clientId }] of members.entries()) {
    const length = endpoints.charCodeAt(at);
    const bytes = Array.from(endpoints.slice(at + 1, at + 1 + length), (unit) => unit.charCodeAt(0));
    at += 1 + length;
    const [high = 0, low = 0] = bytes.splice(-2);
    const endpoint = { ip: addressText(bytes), port: (high << 8) | low };
    if (length === 0) continue;
    seen[clientId] = {
      observed: { endpoint },
      at: 0,
      ...(bits(i) & mark.isAtSocket && { isAtSocket: true }),
      ...(bits(i) & mark.hasMoved && { hasMoved: true }),
    };
  }
  return { ...state, phase: { ...phase, seen } };
}

function pack(phase: Gathering, { clientId, features }: Member): string {
  const seen = phase.seen[clientId];
  if (!seen || knowsLinks(features, seen.observed, phase.offersLinks ?? false)) return none;
  const { ip, port } = seen.observed.endpoint;
  const address = addressBytes(ip);
  if (!address) return none;
  const bytes = [...address, port >> 8, port & 255];
  return String.fromCharCode(bytes.length, ...bytes);
}

function bare(member: Member): Member {
  const {
    features: _,
    relayOnly: __,
    network: ___,
    hidden: ____,
    canHost: _____,
    isLocal: ______,
    ...rest
  } = member;
  return rest;
}

function packMarks({ members, phase }: LobbyState): { marks?: string } {
  const bits = members.map(({ clientId, relayOnly, hidden, canHost, isLocal }) => {
    const seen = phase.kind === "gathering" ? seenOf(phase.seen, clientId) : undefined;
    return (
      (relayOnly ? mark.relayOnly : 0) +
      (hidden ? mark.hidden : 0) +
      (canHost ? mark.canHost : 0) +
      (isLocal ? mark.isLocal : 0) +
      (seen?.isAtSocket ? mark.isAtSocket : 0) +
      (seen?.hasMoved ? mark.hasMoved : 0)
    );
  });
  return bits.some((one) => one > 0) ? { marks: String.fromCharCode(...bits) } : {};
}

function packNetworks({ members }: LobbyState): { networks?: string } {
  if (members.every(({ network }) => network === undefined)) return {};
  return { networks: members.map((member) => network(member.network ?? "")).join("") };
}

function packFeatures(members: readonly Member[]): string {
  const bits = members.map(({ features }) => {
    return features
      ? 1 + knownFeatures.reduce((sum, one, i) => sum + (features.includes(one) ? 1 << i : 0), 0)
      : 0;
  });
  return String.fromCharCode(...bits);
}

function withFeatures(members: readonly Member[], packed: string): Member[] {
  return members.map((member, i) => {
    const bits = (packed.charCodeAt(i) || 0) - 1;
    return bits < 0 ? member : { ...member, features: knownFeatures.filter((_, at) => bits & (1 << at)) };
  });
}
