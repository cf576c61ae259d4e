import type { Place, Sidecar } from "../fleet.ts";
import type { Sighting } from "../mapping.ts";
import type { Timing } from "../settings.ts";
import type { ConnectionReport } from "../wire/client-message.ts";
import type { Seat } from "./state.ts";

/** What happens to a lobby, in the past tense. Whatever is random or comes from outside comes in with it. */
export type LobbyEvent =
  | {
      kind: "open-requested";
      lobbyId: string;
      name: string;
      isPublic: boolean;
      maxMembers: number;
      goesOn: boolean;
      relayOnly: boolean;
      host: Seat;
    }
  | { kind: "join-requested"; seat: Seat }
  | {
      kind: "start-requested";
      clientId: string;
      attempt: string;
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

/** What a member's home reports of it. */
export type MemberEvent =
  /** With an attempt: only the seat that this attempt took is given back. */
  | { kind: "member-left"; clientId: string; attempt?: string }
  | { kind: "message-sent"; clientId: string; text: string }
  | { kind: "endpoint-seen"; clientId: string; sighting: Sighting }
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
