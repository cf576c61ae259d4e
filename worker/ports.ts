/** What the objects say to each other, and how they find each other. Everything here is plain data: it crosses RPC. */
import type { Place } from "../core/fleet.ts";
import { regionOfHome } from "../core/homes.ts";
import type { MemberEvent } from "../core/lobby/event.ts";
import type { Seat } from "../core/lobby/state.ts";
import type { Sighting } from "../core/mapping.ts";
import type { Outcome } from "../core/problem.ts";
import type { HostAnswer, HostRequest, JoinAnswer } from "../core/wire/http.ts";
import type { Env } from "./env.ts";
import type { Batch } from "./flight.ts";
import type { Home } from "./home.ts";

/** `attempt` names one HTTP request, so that a call can be repeated when its answer was lost. */
export type HostCall = { clientId: string; attempt: string; request: Omit<HostRequest, "token"> };
/** `lobbyId` is null where the text a player typed can be no code: there is no such lobby, but other refusals come first. */
export type JoinCall = { clientId: string; attempt: string; lobbyId: string | null; peerName: string };
export type StartCall = { clientId: string; attempt: string; place?: Place | undefined };
export type Seen = { clientId: string; sighting: Sighting };

/** A frame for some of a home's clients. Without a frame it only asks whether the home still holds them. */
export type Parcel = { lobbyId: string; to: string[]; frame?: string; release?: boolean };
/** News of a member for a lobby. `attempt`: that which took its seat, as its home knows it. */
export type News = { lobbyId: string; news: MemberEvent; attempt?: string | undefined };
/** What one home has to say to another: news for its lobbies, or its own lobbies' parcels. */
export type Mail = News | Parcel;
/** A client's seat in a lobby, or one that it does not have. With an attempt: the one that this attempt took. */
export type SeatRef = { lobbyId: string; clientId: string; attempt?: string | undefined };

/** What a home, the object that holds sockets and the lobbies of those who host, does for the Worker and other homes. */
export interface HomePort {
  hostLobby(call: HostCall): Promise<Outcome<HostAnswer>>;
  joinLobby(call: JoinCall): Promise<Outcome<JoinAnswer>>;
  /** Gives the seat back that this attempt took, if it took one: whoever asked for it was told that it did not. */
  takeBack(clientId: string, attempt: string): Promise<void>;
  startMediation(lobbyId: string | null, call: StartCall): Promise<Outcome<null>>;
  /** Ids of the clients whose lobby could not be told. */
  observe(seen: Seen[]): Promise<string[]>;

  /** A client of another home wants a seat. */
  enter(lobbyId: string, seat: Seat): Promise<Outcome<JoinAnswer>>;
  /** A client of another home wants to start the mediation. */
  start(lobbyId: string, call: StartCall): Promise<Outcome<null>>;
  isSeated(seat: SeatRef): Promise<boolean>;
  /** Those of these lobbies that are open and public. */
  listed(lobbyIds: string[]): Promise<string[]>;
  /** The strays: clients with news that have no seat in the lobby, and clients of parcels that are not here in it. */
  receive(from: string, batch: Batch<Mail>): Promise<SeatRef[]>;
}

/** Ids by home: to make one from a name takes a hash. As many as an isolate meets in a while. */
const ids = new Map<string, DurableObjectId>();
const idsKept = 4_096;

/** The home of this number, in the region it belongs to. */
export function homeAt(env: Env, home: string): DurableObjectStub<Home> {
  let id = ids.get(home);
  if (!id) {
    if (ids.size >= idsKept) ids.clear();
    id = env.HOME.idFromName(home);
    ids.set(home, id);
  }
  const locationHint = regionOfHome(Number(home));
  return env.HOME.get(id, locationHint ? { locationHint } : {});
}
