import type { Place, Sidecar } from "../fleet.ts";
import type { Timing } from "../settings.ts";
import type { HostAnswer, JoinAnswer } from "../wire/http.ts";
import type { LobbyState, Member } from "./state.ts";

/** What is asked of a lobby, in the imperative. Whatever is random or comes from outside comes in with it. */
export type LobbyRequest = OpenRequest | JoinRequest | StartRequest | SteerRequest | ReturnRequest;
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
  /** Milliseconds that a member without a connection has to return; 0 for none (Orion). */
  graceMs: number;
  host: Member;
  hostNetworks?: LobbyState["hostNetworks"];
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
/** The host stops a mediation, or has it go on without those who are missing. */
export type SteerRequest = { kind: "stop" | "proceed"; clientId: string; requestId: string };
/** A member has a new connection, at this object. */
export type ReturnRequest = { kind: "return"; clientId: string; holder: string; requestId: string };

/** What each request is answered, unless it is refused. */
export type AnswerTo<R extends LobbyRequest> = {
  open: HostAnswer;
  join: JoinAnswer;
  start: null;
  stop: null;
  proceed: null;
  return: JoinAnswer;
}[R["kind"]];
