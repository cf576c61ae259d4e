import type { Place, Sidecar } from "../fleet.ts";
import type { Observed } from "../mapping.ts";
import type { Timing } from "../settings.ts";
import type { ConnectionReport } from "../wire/client-message.ts";
import type { Member } from "./state.ts";

/** What happens to a lobby, in the past tense. Whatever is random or comes from outside comes in with it. */
export type LobbyEvent =
  | {
      kind: "open-requested";
      lobbyId: string;
      /** Drawn at random. */
      incarnation: string;
      name: string;
      isPublic: boolean;
      maxMembers: number;
      goesOn: boolean;
      relayOnly: boolean;
      host: Member;
    }
  | { kind: "join-requested"; member: Member }
  | {
      kind: "start-requested";
      clientId: string;
      requestId: string;
      timing: Timing;
      /** None, if no sidecar is alive. */
      sidecar: Sidecar | undefined;
      /** Where the host is. */
      place?: Place | undefined;
    }
  | MemberEvent
  /** Members' sockets were found to be gone. */
  | { kind: "members-lost"; clientIds: readonly string[] }
  /** The time of `wakeAt` came. The sidecar is for reminders. */
  | { kind: "deadline-passed"; sidecar?: Sidecar | undefined }
  /** The directory could not be told in time. */
  | { kind: "listing-failed" };

/** What a member's holder reports of it. */
export type MemberEvent =
  /** With a request id: only if this request made it a member. */
  | { kind: "member-left"; clientId: string; requestId?: string }
  | { kind: "message-sent"; clientId: string; text: string }
  | { kind: "endpoint-seen"; clientId: string; observed: Observed }
  /** The sidecar does not answer it. */
  | { kind: "silence-reported"; clientId: string; mediation: string }
  /** It is connected to its peers, or could not be. */
  | {
      kind: "connection-reported";
      clientId: string;
      connected: boolean;
      /** Of which mediation, if the client says so. */
      mediation?: string | undefined;
      report: ConnectionReport;
    };
