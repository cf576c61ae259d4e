import type { Place, Sidecar } from "../fleet.ts";
import type { Timing } from "../settings.ts";
import type { HostAnswer, JoinAnswer } from "../wire/http.ts";
import type { Member } from "./state.ts";

/** What is asked of a lobby, in the imperative. Whatever is random or comes from outside comes in with it. */
export type LobbyRequest = OpenRequest | JoinRequest | StartRequest;
export type OpenRequest = {
  kind: "open";
  lobbyId: string;
  /** Drawn at random. */
  incarnation: string;
  name: string;
  isPublic: boolean;
  maxMembers: number;
  goesOn: boolean;
  relayOnly: boolean;
  host: Member;
};
export type JoinRequest = { kind: "join"; member: Member };
export type StartRequest = {
  kind: "start";
  clientId: string;
  requestId: string;
  timing: Timing;
  /** None, if no sidecar is alive. */
  sidecar: Sidecar | undefined;
  /** Where the host is. */
  place?: Place | undefined;
};

/** What each request is answered, unless it is refused. */
export type AnswerTo<R extends LobbyRequest> = { open: HostAnswer; join: JoinAnswer; start: null }[R["kind"]];
