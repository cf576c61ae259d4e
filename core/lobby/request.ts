import type { DataChange } from "../data.ts";
import type { Place, Sidecar } from "../fleet.ts";
import type { Timing } from "../settings.ts";
import type { HostAnswer, JoinAnswer, VersionAnswer } from "../wire/http.ts";
import type { Picture } from "../wire/picture.ts";
import type { Feature } from "./features.ts";
import type { LobbyState, Member, Password } from "./state.ts";

/** What is asked of a lobby, in the imperative. Whatever is random or comes from outside comes in with it. */
export type LobbyRequest =
  | OpenRequest
  | JoinRequest
  | StartRequest
  | SteerRequest
  | ReturnRequest
  | HandOverRequest
  | KickRequest
  | UnbanRequest
  | ChangeRequest
  | ChangeMemberRequest
  | LookRequest
  | OperatorRequest;

/** What a lobby was opened with besides Orion's fields; what is not there is as Orion has it. */
export type LobbyOptions = Pick<
  LobbyState,
  | "lifetime"
  | "topology"
  | "onHostLoss"
  | "awaitsHost"
  | "signals"
  | "encryption"
  | "game"
  | "title"
  | "password"
  | "locked"
  | "data"
>;

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
  options?: LobbyOptions | undefined;
};
/**
 * `passwordHash`: of the password that the newcomer gives, under the lobby's salt. `leads`: whether it becomes host of a lobby
 * that awaits one: it can, or it joins for nothing else.
 */
export type JoinRequest = {
  kind: "join";
  member: Member;
  passwordHash?: string | undefined;
  leads?: Leads | undefined;
};
export type Leads = "may" | "must";

/** Of a member, by its client id. `term`: which host the sender believes itself to be. */
type ByMember = { clientId: string; requestId: string };
type ByHost = ByMember & { term?: number | undefined };

export type StartRequest = ByHost & {
  kind: "start";
  timing: Timing;
  /** None, if no sidecar is alive. */
  sidecar: Sidecar | undefined;
  /** Where the host is. */
  place?: Place | undefined;
  /** Milliseconds for which it waits for datagrams, if that is less than `timing` says. */
  patienceMs?: number | undefined;
};
/** The host stops a mediation, or has it go on without those who are missing. */
export type SteerRequest = ByHost & { kind: "stop" | "proceed" };
/** A member has a new connection, whose session is at this holder. */
export type ReturnRequest = ByMember & {
  kind: "return";
  holder: string;
  session: string;
  /** The number of its resume key: how often it had come back before. */
  resumes: number;
  /** What its client calls this return, so that it can be repeated when the answer was lost. */
  resumedBy?: string | undefined;
  /** What its client has said that it can do. */
  features?: readonly Feature[] | undefined;
  /** It has lost its links: it is connected to its peers again. */
  reconnect?: boolean | undefined;
};
/** The host makes another member host. */
export type HandOverRequest = ByHost & { kind: "hand-over"; memberId: string };
/** The host removes a member. */
export type KickRequest = ByHost & { kind: "kick"; memberId: string; reason: string; ban: boolean };
/** The host lets somebody in again. */
export type UnbanRequest = ByHost & { kind: "unban"; memberId: string };
/** The host changes what the lobby was opened with. Its privacy never changes. */
export type ChangeRequest = ByHost & {
  kind: "change";
  change: {
    readonly lobbyName?: string | undefined;
    readonly title?: string | null | undefined;
    readonly isPublic?: boolean | undefined;
    readonly maxMembers?: number | undefined;
    readonly password?: Password | null | undefined;
    readonly locked?: boolean | undefined;
    readonly data?: DataChange | undefined;
  };
  /** Only if the lobby has this version. */
  ifVersion?: number | undefined;
  /** Of a lobby that becomes public. */
  hostNetworks?: LobbyState["hostNetworks"];
};
/** A member changes something of itself. */
export type ChangeMemberRequest = ByMember & {
  kind: "change-member";
  change: { readonly displayName?: string | undefined; readonly data?: DataChange | undefined };
  ifVersion?: number | undefined;
};
/** The operator of the server ends the lobby, or removes a member: it may be the host. */
export type OperatorRequest = OperatorCloseRequest | OperatorKickRequest;
export type OperatorCloseRequest = { kind: "operator-close"; requestId: string };
export type OperatorKickRequest = {
  kind: "operator-kick";
  requestId: string;
  memberId: string;
  reason: string;
  ban: boolean;
};
/** A member wants the whole picture. */
export type LookRequest = { kind: "look"; clientId: string };

/** What each request is answered, unless it is refused. */
export type AnswerTo<R extends LobbyRequest> = {
  open: HostAnswer;
  join: JoinAnswer;
  start: null;
  stop: null;
  proceed: null;
  return: JoinAnswer;
  "hand-over": null;
  kick: null;
  unban: null;
  change: VersionAnswer;
  "change-member": VersionAnswer;
  look: Picture;
  "operator-close": null;
  "operator-kick": null;
}[R["kind"]];
