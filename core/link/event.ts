import type { Endpoint } from "../endpoint.ts";
import type { SocketRelayCode } from "../relay/socket/codes.ts";
import type { RelayCode } from "../relay/ticket.ts";
import type { ChannelName, LocalSocket, PathKind } from "./path.ts";

/** Where a packet came in, and from where. */
export type Arrival = { local: LocalSocket; remote: Endpoint };

/** What happens to a link, in the past tense. Packets were proved to be the peer's by the shell; times come with the step. */
export type LinkEvent =
  | ({ kind: "check-received"; number: number } & Arrival)
  | ({ kind: "answer-received"; number: number } & Arrival)
  /** A packet of the game. Told by the shell at most a few times a second for each arrival: it only shows that the path lives. */
  | ({ kind: "data-received" } & Arrival)
  | ({ kind: "farewell-received"; number: number } & Arrival)
  /** The relay has bound our end; `peer`: whether the other end is bound too. */
  | { kind: "relay-bound"; peer: boolean }
  | { kind: "relay-refused"; code: RelayCode }
  /** There is a later ticket for the relay. */
  | { kind: "ticket-renewed" }
  /** Packets may go through a channel, which is such a path. Comes again when the peer is back at its end, or the path is another. */
  | { kind: "channel-opened"; local: ChannelName; path: PathKind }
  /** Nothing goes through it. `code`: why, if it was refused. */
  | { kind: "channel-closed"; local: ChannelName; code: SocketRelayCode | null }
  /** A check was not sent: the client has sent too many to unproven addresses. */
  | { kind: "check-withheld"; number: number }
  /** The sockets that were asked for are open, numbered from 0; fewer if the system gave no more. */
  | { kind: "sockets-opened"; count: number }
  /** This link may probe for ports: few others of this client do. */
  | { kind: "turn-given" }
  /** It may no longer: others wait. */
  | { kind: "turn-over" }
  | { kind: "close-requested" }
  /** The time of `wakeAt` came. */
  | { kind: "deadline-passed" };
