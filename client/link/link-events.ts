/** What happens on a link, and how it fares. */
import type { Cause } from "../../core/link/cause.ts";
import type { PathKind } from "../../core/link/path.ts";
import type { SocketRelayCode } from "../../core/relay/socket/codes.ts";
import type { RelayCode } from "../../core/relay/ticket.ts";
import type { PeerReport } from "../report.ts";

/** What happens on a link. */
export type LinkEvents = {
  /** A packet of the peer's game. Unreliable, unordered, like UDP. */
  message: Uint8Array;
  /** A message that the peer has sent by `sendReliable`: each comes once, whole, and in order. */
  reliable: Uint8Array;
  /** Packets go another way from now on. */
  path: PathKind;
  /**
   * No better path is looked for, though the peer may find one; the cause says why it is not direct, null if
   * it is. Told to later listeners, too.
   */
  settled: { cause: Cause | null };
  /** The link is over: by the peer, by a lost path, or (null) by our own `close`. Comes once. */
  closed: { cause: Cause | null };
  /** A relay will carry this link no more in `inMs`, or drops some of its packets (0), for this reason. */
  relay: { code: RelayCode | SocketRelayCode; inMs: number };
};

/** All of them, for callers that have no types. */
export const linkEvents: Record<keyof LinkEvents, true> = {
  message: true,
  reliable: true,
  path: true,
  settled: true,
  closed: true,
  relay: true,
};

/** How a link fares, and what happened by the milliseconds since the introduction. */
export type LinkReport = Omit<PeerReport, "clientId" | "name" | "cause"> & {
  cause: Cause | null;
  /** Packets that came and were not the peer's, or had come before. */
  dropped: { forged: number; replayed: number };
};
