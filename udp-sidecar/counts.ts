/** What became of datagrams: plain numbers, counted up where it happens and read by whoever wants to know. */
import type { DropCause } from "../core/relay/links.ts";
import type { RelayCode } from "../core/relay/ticket.ts";

/** Datagrams that are about where clients are. */
export type Counts = { observed: number; junk: number; forged: number; dropped: number };

/** The datagrams of one port. `shed` were not looked at, in a flood; `challenged` are genuine probes that have yet to return a cookie; `stun` are requests of STUN that were answered, and `unanswered` those beyond what an address or the port is answered; `binds` have a genuine ticket; `packets` have the shape of what peers send, and may be anybody's: RelayCounts tells which passed. */
export type PortCounts = Counts & {
  shed: number;
  challenged: number;
  stun: number;
  unanswered: number;
  binds: number;
  packets: number;
};

export type RelayCounts = {
  /** Passed on. */
  packets: number;
  bytes: number;
  /** Packets by why they were not; `congested`: the socket has more to send than the network takes. */
  drops: Record<DropCause | "congested", number>;
  bound: number;
  challenged: number;
  refusals: Record<RelayCode, number>;
  notices: Record<RelayCode, number>;
};

export function newPortCounts(): PortCounts {
  return {
    observed: 0,
    junk: 0,
    forged: 0,
    dropped: 0,
    shed: 0,
    challenged: 0,
    stun: 0,
    unanswered: 0,
    binds: 0,
    packets: 0,
  };
}

/** What several ports' counts come to, now and whenever it is read. */
export function sumOf(ports: readonly PortCounts[]): Readonly<Counts> {
  const sum = (name: keyof Counts) => ports.reduce((all, counts) => all + counts[name], 0);
  return {
    get observed() {
      return sum("observed");
    },
    get junk() {
      return sum("junk");
    },
    get forged() {
      return sum("forged");
    },
    get dropped() {
      return sum("dropped");
    },
  };
}

export function newRelayCounts(): RelayCounts {
  return {
    packets: 0,
    bytes: 0,
    drops: {
      unknown_link: 0,
      foreign_sender: 0,
      unbound: 0,
      too_long: 0,
      rate: 0,
      lobby_rate: 0,
      address_rate: 0,
      total_rate: 0,
      bytes: 0,
      lifetime: 0,
      congested: 0,
    },
    bound: 0,
    challenged: 0,
    refusals: ofCodes(),
    notices: ofCodes(),
  };
}

function ofCodes(): Record<RelayCode, number> {
  return {
    ticket_expired: 0,
    ticket_superseded: 0,
    ticket_mismatch: 0,
    relay_full: 0,
    rate: 0,
    lobby_rate: 0,
    address_rate: 0,
    total_rate: 0,
    bytes: 0,
    lifetime: 0,
    leaving: 0,
  };
}
