/** What happens to a gateway of Rabid Hole Punch, and what it has done. `player` is a player's id. */
import type { RabidSession, Source } from "./state.ts";
import type { NamedEndpoint } from "./texts.ts";

export type RabidEvent =
  | { readonly kind: "datagram-received"; readonly from: Source; readonly bytes: Uint8Array }
  /** The player is in its session. */
  | ({ readonly kind: "opened"; readonly player: number } & RabidSession)
  /** It is not, with the edge's code or one of the connection's own. */
  | { readonly kind: "refused"; readonly player: number; readonly code: string }
  /** Members came or went, or another is host. */
  | ({ readonly kind: "session-changed"; readonly player: number } & RabidSession)
  | { readonly kind: "start-refused"; readonly player: number; readonly code: string }
  /** The edge wants to know where the player is. It may ask again. */
  | { readonly kind: "endpoint-wanted"; readonly player: number; readonly mediation: string | undefined }
  /** The player is to connect to these. */
  | { readonly kind: "introduced"; readonly player: number; readonly peers: readonly NamedEndpoint[] }
  /** The players could not be introduced, or did not connect. */
  | { readonly kind: "aborted"; readonly player: number }
  /** The player is in no session any more. */
  | { readonly kind: "ended"; readonly player: number; readonly isKicked: boolean }
  /** The time of `wakeAt` came. */
  | { readonly kind: "deadline-passed" }
  /** The gateway stops. Nothing is done after this. */
  | { readonly kind: "stopping" };

export type RabidEffect =
  | { readonly kind: "send"; readonly to: Source; readonly text: string }
  /** Let the player host or join. `opened` or `refused` follows, unless it leaves before. */
  | {
      readonly kind: "open";
      readonly player: number;
      readonly session: string;
      readonly name: string;
      readonly from: Source;
      readonly password: string | undefined;
      /** Of a new session; null to join one. */
      readonly maxMembers: number | null;
    }
  /** The player is gone: leave its session, or give up opening it. Nothing follows. */
  | { readonly kind: "leave"; readonly player: number }
  /** Remove that member from the player's session, for good. */
  | { readonly kind: "kick"; readonly player: number; readonly clientId: string }
  /** Start the player's session. `start-refused` may follow. */
  | { readonly kind: "start"; readonly player: number }
  /** The player is there. */
  | { readonly kind: "observe"; readonly player: number; readonly from: Source }
  /** The player is connected to its peers, as far as anybody knows. */
  | { readonly kind: "report"; readonly player: number; readonly mediation: string | undefined };
