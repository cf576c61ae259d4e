/**
 * What a lobby says to its members. A dialect turns it into what a member's connection carries
 * (core/dialects/).
 */

import type { Data, DataChange } from "../data.ts";
import type { AbortCode, ProblemCode } from "../problem.ts";
import type { ConnectionReport } from "../wire/client-message.ts";

/** What changed of a lobby. What is not there has not changed. */
export type LobbyChange = {
  readonly lobbyName?: string;
  readonly title?: string;
  readonly isPublic?: boolean;
  readonly maxMembers?: number;
  readonly hasPassword?: boolean;
  readonly locked?: boolean;
  readonly data?: DataChange;
};
/** What changed of a member. */
export type MemberChange = {
  readonly displayName?: string;
  readonly hidden?: boolean;
  readonly data?: DataChange;
};

/** `version`: of the lobby, after what the message tells of. It counts all that members hear of, so that a client sees a gap. */
export type LobbyMessage =
  /** To everyone who was in the lobby before. */
  | {
      readonly type: "memberJoined";
      /** With all below: only for clients that know the additions to Orion. */
      readonly clientId?: string | undefined;
      readonly version?: number | undefined;
      readonly name: string;
      readonly displayName?: string | undefined;
      readonly data?: Data | undefined;
    }
  /** To the rest, when a member leaves and the lobby goes on. */
  | {
      readonly type: "memberLeft";
      /** As above. */
      readonly clientId?: string | undefined;
      readonly version?: number | undefined;
      readonly name: string;
      readonly kicked?: true | undefined;
    }
  /** To the rest: the member has lost its connection, and may return until then, in milliseconds since 1970. */
  | {
      readonly type: "memberAway";
      readonly clientId: string;
      readonly version: number;
      readonly name: string;
      readonly until: number;
    }
  /** To the rest: it has returned. */
  | {
      readonly type: "memberBack";
      readonly clientId: string;
      readonly version: number;
      readonly name: string;
    }
  /** To all: the lobby has another host. `term` counts hosts. */
  | {
      readonly type: "hostChanged";
      readonly clientId: string;
      readonly version: number;
      readonly name: string;
      readonly term: number;
    }
  /** To all: the host has changed something. */
  | { readonly type: "lobbyChanged"; readonly version: number; readonly change: LobbyChange }
  /** To all: a member has changed something of itself. */
  | {
      readonly type: "memberChanged";
      readonly clientId: string;
      readonly version: number;
      readonly change: MemberChange;
    }
  /** To a member that the host removed: its last message. */
  | { readonly type: "kicked"; readonly reason: string; readonly banned: boolean }
  /** To the older connection of a member that has come back by another one: its last message. */
  | { readonly type: "resumedElsewhere" }
  /** To a member: somebody has tried to come back in its place, with a key that it used before. */
  | { readonly type: "resumeRefused" }
  /** From one member to another. */
  | { readonly type: "signal"; readonly from: string; readonly data: unknown }
  /** To the sender of a signal that was not passed on. */
  | { readonly type: "signalFailed"; readonly to: string; readonly code: ProblemCode }
  /** To those of a mediation: who has been seen, and who is awaited, by client ids. */
  | {
      readonly type: "mediationProgress";
      readonly mediation: string;
      readonly seen: readonly string[];
      readonly awaited: readonly string[];
    }
  /** The last message: the members are in no lobby now. */
  | { readonly type: "lobbyClosed"; readonly lobbyName: string }
  /** To all, the sender too. `at` is in milliseconds since 1970. */
  | {
      readonly type: "chat";
      readonly at: number;
      readonly from: string;
      readonly text: string;
      /** As above. */
      readonly version?: number | undefined;
    }
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
  /** No sidecar is alive, and none is needed: say that you are ready, without an endpoint. For clients with `ws-relay` alone. */
  | { readonly type: "readyWanted"; readonly mediation: string }
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
