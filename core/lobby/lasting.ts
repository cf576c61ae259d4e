/**
 * What of a lobby outlives its object's memory: all but the details of the endpoints seen. A plain client's endpoint is kept,
 * because such a client may send its datagram only once. A client that tells its local addresses answers every
 * `ptpMediation_send`, so the next one brings those back.
 */
import { addressBytes, addressText } from "../endpoint.ts";
import type { LobbyState, Seen } from "./state.ts";

/** As it is kept. `endpoints`: one entry for each member, in their order; a kind of text that V8 stores with a byte a unit. */
export type LastingState = LobbyState & { readonly endpoints?: string };

const none = "\0";

/** What is to be kept. The largest lobby has to fit into a socket's attachment, so endpoints are packed. */
export function lasting(state: LobbyState): LastingState {
  const { phase } = state;
  if (phase.kind !== "gathering") return state;
  const endpoints = state.members.map(({ clientId }) => pack(phase.seen[clientId])).join("");
  const kept = { ...state, phase: { ...phase, seen: {} } };
  return endpoints.length > state.members.length ? { ...kept, endpoints } : kept;
}

/** The lobby again. When its members were seen is not known any more, so they count as seen long ago. */
export function restored({ endpoints, ...state }: LastingState): LobbyState {
  const { phase } = state;
  if (phase.kind !== "gathering" || endpoints === undefined) return state;
  const seen: Record<string, Seen> = {};
  let at = 0;
  for (const { clientId } of state.members) {
    const length = endpoints.charCodeAt(at);
    const bytes = Array.from(endpoints.slice(at + 1, at + 1 + length), (unit) => unit.charCodeAt(0));
    at += 1 + length;
    const [high = 0, low = 0] = bytes.splice(-2);
    const endpoint = { ip: addressText(bytes), port: (high << 8) | low };
    if (length > 0) seen[clientId] = { observed: { endpoint }, at: 0 };
  }
  return { ...state, phase: { ...phase, seen } };
}

function pack(seen: Seen | undefined): string {
  if (!seen || seen.observed.candidates !== undefined) return none;
  const { ip, port } = seen.observed.endpoint;
  const address = addressBytes(ip);
  if (!address) return none;
  const bytes = [...address, port >> 8, port & 255];
  return String.fromCharCode(bytes.length, ...bytes);
}
