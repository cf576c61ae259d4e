import type { NamedRelay, Place } from "../fleet.ts";
import type { Observed } from "../mapping.ts";
import type { Outcome } from "../problem.ts";
import type { ListedLobby } from "../wire/http.ts";
import type { LobbyMessage } from "./message.ts";
import { knowing, type LobbyState, listedAs, type MediationPolicy, type Member } from "./state.ts";

/** What the shell is to do, in this order. */
export type Effect =
  /** Keep the state where it outlives the object's memory, before anything of it is heard outside. */
  | { kind: "save" }
  /** Tell the directory, and wait a short while for it, before what follows. `joined`: the newcomer's client id. */
  | { kind: "list"; lobby: ListedLobby; from?: LobbyState["hostNetworks"]; joined?: string | undefined }
  /** `game`: what it is listed under, if anything. */
  | { kind: "unlist"; game?: string | undefined }
  | { kind: "send"; to: readonly Member[]; message: LobbyMessage }
  /** Ask these for their endpoints, each with a pass for this sidecar that is good until then, in milliseconds since 1970. */
  | ({ kind: "ask" } & Asking)
  /** Tell members of each other, so that they connect. */
  | ({ kind: "introduce" } & Introduction)
  /** A last message: from now on these clients are in no lobby. */
  | { kind: "release"; to: readonly Member[]; message: LobbyMessage }
  /** Ask these members' holders whether they still hold them. */
  | { kind: "audit"; members: readonly Member[] }
  /** These are in the lobby no more: tell that to the first so many of the lobby's relays over WebSocket. */
  | { kind: "drop"; clientIds: readonly string[]; relays: number }
  /** Have these members' connections closed by their holders: they have missed something, and are to come back. */
  | { kind: "let-go"; to: readonly Member[] }
  /** Once everyone has been told: the lobby is no more. */
  | { kind: "forget" };

export type Asking = {
  to: readonly Member[];
  message: Extract<LobbyMessage, { type: "endpointWanted" }>;
  sidecar: string;
  expiresAt: number;
};

/**
 * Who is to connect, and by what (policy.ts has the pairs). `host`: the center of a star, or the first of a
 * mesh.
 */
export type Introduction = {
  policy: Pick<MediationPolicy, "topology" | "newcomers">;
  host: Introduced;
  others: readonly Introduced[];
  relay: NamedRelay | undefined;
  relayOnly: boolean;
  /** Where the lobby's host is, if that is known: relays over WebSocket are put there. */
  place?: Place | undefined;
};
/**
 * `observed`: none of a member that cannot use UDP. `links`: whether it knows links (features.ts). `isCertain`: whether it is where it was
 * seen, whoever has read its datagrams (sighting.ts). `commitment`: to its key, if it encrypts. `seat`: its place among the lobby's
 * members, if it uses the relay over WebSocket.
 */
export type Introduced = {
  member: Member;
  observed?: Observed | undefined;
  links: boolean;
  isCertain: boolean;
  commitment?: string | undefined;
  seat?: number | undefined;
};

/** A state and what is to be done about it. */
export type Step<State> = { state: State; effects: Effect[] };
/** The same, with the answer to the request that it follows from. */
export type Answered<State, Answer> = Step<State> & { answer: Outcome<Answer> };

/** A message in Orion's words for clients that know no others, and in full for those that do. */
export function sendEach(to: readonly Member[], plain: LobbyMessage, full: LobbyMessage): Effect[] {
  const informed = knowing(to);
  if (informed.length === 0) return [{ kind: "send", to, message: plain }];
  const sent: Effect[] = [{ kind: "send", to: informed, message: full }];
  const others = to.filter((member) => !informed.includes(member));
  return others.length > 0 ? [{ kind: "send", to: others, message: plain }, ...sent] : sent;
}

/** A public lobby's entry as it is now; nothing for a private one. `joined`: the client id of a newcomer. */
export function listing(state: LobbyState, joined?: string): Effect[] {
  if (!state.isPublic) return [];
  return [{ kind: "list", lobby: listedAs(state), from: state.hostNetworks, ...(joined && { joined }) }];
}

/** Takes a lobby that is public, or was, out of the directory. */
export function unlisting({ isPublic, wasPublic, game }: LobbyState): Effect[] {
  return isPublic || wasPublic ? [{ kind: "unlist", ...(game !== undefined && { game }) }] : [];
}

/** The same in the middle of things. A mediation notes that it is listed as locked: its end has to be listed too. */
export function listed(state: LobbyState): Step<LobbyState> {
  const { phase } = state;
  const isNews = state.isPublic && "lost" in phase && phase.policy.locks && !phase.isListed;
  return {
    state: isNews ? { ...state, phase: { ...phase, isListed: true } } : state,
    effects: listing(state),
  };
}
