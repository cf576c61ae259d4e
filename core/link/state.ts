import type { Endpoint } from "../endpoint.ts";
import type { LinkConfig } from "./config.ts";
import type { ChannelName, LocalSocket, Path, PathKind } from "./path.ts";
import type { ReplayWindow } from "./replay.ts";

/**
 * What an unproven packet (unproven.ts) is worth, in case there are not enough for all. `heard`: the first check since the peer was first heard there, which most
 * likely makes a path. `first`: the first one to an address that was told of the peer. `rest`: all others, and answers: the peer's next
 * check is answered without, once ours was.
 */
export type Worth = "heard" | "first" | "rest";

/** An address of the peer's that may lead to it, and what is known of the path there. Times in milliseconds. */
export type Candidate = {
  readonly id: number;
  kind: PathKind;
  readonly local: LocalSocket;
  readonly remote: Endpoint;
  /** Who says so: the sidecar, the peer, nobody, a packet that came from there. */
  readonly origin: "observed" | "claimed" | "guessed" | "met" | "relay" | "channel";
  /** A check of ours was answered, and the path has not died since. */
  confirmed: boolean;
  /** Checks that may still be sent while it is not confirmed. */
  left: number;
  /** Checks sent in this attempt: they slow down. */
  paced: number;
  /** When the next is due while it is not confirmed. */
  checkAt: number;
  /** When the last was sent. */
  checkedAt: number;
  /** Checks sent since one was answered. */
  unanswered: number;
  /** What its next check is worth, where it is not proven. */
  worth: Worth;
  /** The last checks, oldest first. */
  awaited: readonly { readonly number: number; readonly at: number; readonly worth: Worth }[];
  /** When a packet of the peer's last came over it. */
  heardAt: number;
  /** When it last came there of itself: a check or a packet of the game, no answer. */
  calledAt: number;
  roundTripMs: number | null;
};

/** What the link is doing. */
export type Phase =
  /** Not usable yet. */
  | { readonly kind: "connecting"; readonly giveUpAt: number }
  | { readonly kind: "linked"; readonly inUse: number }
  /** Every path has died. */
  | { readonly kind: "seeking"; readonly giveUpAt: number }
  /** Farewells are being sent. */
  | { readonly kind: "closing"; readonly path: Path; readonly left: number; readonly nextAt: number }
  | { readonly kind: "ended" };

/** How our end of the relay is doing. */
export type Relay = {
  readonly bound: boolean;
  /** Whether the peer was there as well. */
  readonly peer: boolean;
  /** Binds sent since one was answered well. */
  readonly tries: number;
  readonly bindAt: number;
  /** Whether the relay has ever answered. */
  readonly answered: boolean;
  readonly refused: boolean;
};

/** Several checks with consecutive numbers that were sent to consecutive probes: those to `index` and the next. */
export type Volley = { readonly number: number; readonly count: number; readonly index: number };

/** The search for a port of a NAT with an endpoint-dependent mapping. It is given up at the same time at both ends, whatever it is at. */
export type Probing =
  | { readonly kind: "none" }
  | { readonly kind: "delayed"; readonly at: number; readonly giveUpAt: number }
  | { readonly kind: "waiting"; readonly giveUpAt: number }
  | { readonly kind: "opening"; readonly giveUpAt: number }
  /** We are behind that NAT: a check goes out from each of our sockets, again and again. */
  | {
      readonly kind: "spraying";
      readonly at: number;
      readonly index: number;
      readonly againAt: number;
      readonly giveUpAt: number;
    }
  /** The peer is: checks go to one port after another. */
  | { readonly kind: "guessing"; readonly at: number; readonly index: number; readonly giveUpAt: number }
  /** One of our sockets was found; the peer may have found another. */
  | { readonly kind: "lingering"; readonly at: number }
  | { readonly kind: "over" };

/** One end of one link, all of it. Plain data. */
export type LinkState = {
  readonly config: LinkConfig;
  readonly phase: Phase;
  readonly candidates: readonly Readonly<Candidate>[];
  readonly nextId: number;
  readonly relay: Relay | null;
  /** The channels that are open now. */
  readonly openChannels: readonly ChannelName[];
  /** Whether the relay over WebSocket has refused the link. */
  readonly channelRefused: boolean;
  readonly probing: Probing;
  /** Where the sequence of guessed ports begins. */
  readonly portOffset: number;
  readonly volleys: readonly Volley[];
  /** The sockets opened for probing: `all`, one, or none of the first `opened`. */
  readonly sockets: { readonly opened: number; readonly kept: "all" | number | null };
  /** Until when direct paths are looked for; null when that is over. Port probing has a time of its own. */
  readonly directUntil: number | null;
  /** When the direct paths there were are tried again. */
  readonly recheckAt: number;
  readonly settled: boolean;
  /** Whether a packet of the peer's ever came otherwise than through the relay. */
  readonly heardDirectly: boolean;
  /** The last one that a check had, or that was skipped. */
  readonly number: number;
  readonly received: ReplayWindow;
  readonly answers: { readonly left: number; readonly at: number };
  readonly notesLeft: number;
  readonly dice: number;
};

/** The path the game's packets take, or null. */
export function pathInUse(state: LinkState): Readonly<Candidate> | null {
  const { phase } = state;
  if (phase.kind !== "linked") return null;
  return state.candidates.find(({ id }) => id === phase.inUse) ?? null;
}

/** Milliseconds there and back on the path in use, when it was last checked. */
export function roundTripMs(state: LinkState): number | null {
  return pathInUse(state)?.roundTripMs ?? null;
}

/** The path a candidate stands for, as the shell knows it. */
export function pathOf({ kind, local, remote }: Readonly<Candidate>): Path {
  return { kind, local, remote };
}
