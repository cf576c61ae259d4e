/** What the objects say to each other, and how they find each other. Everything here is plain data: it crosses RPC. */
import type { Endpoint } from "../core/endpoint.ts";
import type { Place } from "../core/fleet.ts";
import type { MemberEvent } from "../core/lobby/event.ts";
import type { Seat } from "../core/lobby/state.ts";
import type { Outcome } from "../core/problem.ts";
import type { HostAnswer, HostRequest, JoinAnswer } from "../core/wire/http.ts";
import type { Env } from "./env.ts";
import type { Batch } from "./flight.ts";

/** A frame for some of a home's clients. Without a frame it only asks whether the home still holds them. */
export type Parcel = { to: string[]; frame?: string; release?: boolean };

/** `attempt` names one HTTP request, so that a call can be repeated when its answer was lost. */
export type HostCall = { clientId: string; attempt: string; request: Omit<HostRequest, "token"> };
/** `lobbyId` is null where the text a player typed can be no code: there is no such lobby, but other refusals come first. */
export type JoinCall = { clientId: string; attempt: string; lobbyId: string | null; peerName: string };
export type StartCall = { clientId: string; attempt: string; place?: Place | undefined };
export type Seen = { clientId: string; endpoint: Endpoint };

/** What a home, the object that holds a client's socket, does for the Worker and for lobbies. */
export interface HomePort {
  hostLobby(call: HostCall): Promise<Outcome<HostAnswer>>;
  joinLobby(call: JoinCall): Promise<Outcome<JoinAnswer>>;
  startMediation(lobbyId: string | null, call: StartCall): Promise<Outcome<null>>;
  /** Ids of the clients whose lobby could not be told. */
  observe(seen: Seen[]): Promise<string[]>;
  /** Ids of the clients that are not here, or not in this lobby. */
  deliver(lobbyId: string, batch: Batch<Parcel>): Promise<string[]>;
}

export type OpenCall = { lobbyId: string; lobby: Omit<HostRequest, "token" | "hostName">; host: Seat };

/** What a lobby does for homes. */
export interface LobbyPort {
  open(call: OpenCall): Promise<Outcome<HostAnswer>>;
  enter(seat: Seat): Promise<Outcome<JoinAnswer>>;
  start(call: StartCall): Promise<Outcome<null>>;
  /** Ids of the clients that have no seat here. */
  receive(batch: Batch<MemberEvent>): Promise<string[]>;
  isSeated(clientId: string): Promise<boolean>;
}

/** A home's name is a lobby's id or a lounge's (`core/token.ts`). Null if it is neither of this deployment. */
export function homeAt(env: Env, home: string): HomePort | null {
  if (home.length === 5) return env.LOBBY.getByName(home);
  try {
    return env.LOUNGE.get(env.LOUNGE.idFromString(home));
  } catch {
    return null;
  }
}

export function lobbyAt(env: Env, lobbyId: string): LobbyPort {
  return env.LOBBY.getByName(lobbyId);
}
