import type { Sidecar } from "../fleet.ts";
import type { Observed } from "../mapping.ts";
import type { ConnectionReport } from "../wire/client-message.ts";

/** What happens to a lobby, in the past tense. Whatever comes from outside comes in with it. */
export type LobbyEvent =
  | MemberEvent
  /**
   * Members' sockets were found to be gone. `holder`: only those that this object holds. `isOutOfReach`: their holder
   * did not answer, so their sockets may be open.
   */
  | {
      kind: "members-lost";
      clientIds: readonly string[];
      holder?: string | undefined;
      isOutOfReach?: true | undefined;
    }
  /** A member has said or asked something: its connection lives. Other events of it may follow, or have come before. */
  | { kind: "member-heard"; clientId: string }
  /** The time of `wakeAt` came. The sidecar is for reminders. */
  | { kind: "deadline-passed"; sidecar?: Sidecar | undefined }
  /** The directory could not be told in time. */
  | { kind: "listing-failed" };

/** Who saw an endpoint, and by what. An older version of the edge says nothing of it. */
export type Witness = {
  /** The name of the sidecar that saw it. */
  sidecar?: string | undefined;
  /** For which mediation the client had a pass. Orion's datagram says none. */
  mediation?: string | undefined;
  /** One of the operator's own proxies is on that sidecar's machine: Orion's clients send to it whatever they are told. */
  atProxy?: boolean | undefined;
};

/** What a member's holder reports of it. */
export type MemberEvent =
  /** It has left for good. With a request id: only if this request made it a member. */
  | { kind: "member-left"; clientId: string; requestId?: string }
  /** Its connection has ended. `holder`: only if this object holds it. */
  | { kind: "connection-lost"; clientId: string; holder?: string | undefined }
  | { kind: "message-sent"; clientId: string; text: string }
  /** To one other member. */
  | { kind: "signal-sent"; clientId: string; to: string; data: unknown }
  /** Its page is looked at, or not. */
  | { kind: "visibility-changed"; clientId: string; hidden: boolean }
  /** `isAtSocket`: whether its IP is that of the member's WebSocket (sighting.ts). */
  | ({
      kind: "endpoint-seen";
      clientId: string;
      observed: Observed;
      isAtSocket?: boolean | undefined;
    } & Witness)
  /** It takes part in this mediation. `udp`: it cannot use UDP. `commitment`: to its key. */
  | {
      kind: "member-ready";
      clientId: string;
      mediation: string;
      udp?: false | undefined;
      commitment?: string | undefined;
    }
  /** It has lost its links to these members, and wants to be connected to them again. */
  | { kind: "links-lost"; clientId: string; peers: readonly string[] }
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
