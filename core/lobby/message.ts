/**
 * What a lobby says to its members. A dialect turns it into what a member's connection carries
 * (core/dialects/).
 */
import type { AbortCode } from "../problem.ts";
import type { ConnectionReport } from "../wire/client-message.ts";

export type LobbyMessage =
  /** To everyone who was in the lobby before. */
  | { readonly type: "memberJoined"; readonly name: string }
  /** To the rest, when a member other than the host leaves. */
  | { readonly type: "memberLeft"; readonly name: string }
  /** To the rest: the member has lost its connection, and may return. Orion has no word for it. */
  | { readonly type: "memberAway"; readonly name: string }
  /** To the rest: it has returned. */
  | { readonly type: "memberBack"; readonly name: string }
  /** The last message: the members are in no lobby now. */
  | { readonly type: "lobbyClosed"; readonly lobbyName: string }
  /** To all, the sender too. `at` is in milliseconds since 1970. */
  | { readonly type: "chat"; readonly at: number; readonly from: string; readonly text: string }
  /** Send a datagram to this sidecar. Without a host: to the host that the client uses for HTTP. */
  | {
      readonly type: "endpointWanted";
      readonly mediation: string;
      readonly host: string | undefined;
      readonly port: number;
      /** Send one there too, so that the client's mapping shows. */
      readonly secondPort: number | undefined;
      /** The member's own, to probe it with (core/observing/pass.ts). */
      readonly pass?: { readonly pass: string; readonly passKey: string };
    }
  /** The mediation is over without success, for all or for this member. */
  | { readonly type: "mediationAborted"; readonly code: AbortCode }
  /** To the host: this member is not connected to all its peers, or not directly, and why. */
  | {
      readonly type: "mediationReported";
      readonly clientId: string;
      readonly name: string;
      readonly report: ConnectionReport;
    }
  /** All who are left in the mediation are connected. */
  | { readonly type: "mediationSucceeded" };
