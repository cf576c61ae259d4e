/** Links of a relay, under a time that the test gives. */
import { relayLimits } from "../../core/relay/limits.ts";
import type { End } from "../../core/relay/link.ts";
import { type Binding, Links, type RelayBounds } from "../../core/relay/links.ts";
import type { Side, Ticket } from "../../core/relay/ticket.ts";

/** How long a ticket lasts. */
export const life = relayLimits.relayTicketMs;
export const number = 0x0123456789ab;

export const hex = (link: number) => link.toString(16).padStart(12, "0");

export function ticket(side: Side, about: Partial<Ticket> = {}): Ticket {
  const [clientId, peerId] = side === "a" ? ["Ada", "Bob"] : ["Bob", "Ada"];
  const its = { link: "0123456789ab", side, lobbyTag: "ABCDE", clientId, peerId, sidecar: "paris" };
  return { ...its, begunAt: 0, expiresAt: life, ...about };
}

export function end(port: number, about: Partial<End<string>> = {}): End<string> {
  const its = { address: "192.0.2.1", port, via: "198.51.100.1", key: "key", nonce: `of ${port}` };
  return { ...its, expiresAt: life, ...about };
}

type Pair = Partial<Ticket> & {
  /** Of both ends. */
  address?: string;
  /** The clients of `a` and `b`. */
  players?: readonly [string, string];
};

export type Relay = ReturnType<typeof aRelay>;

/** Links, and a time that goes on as the test says. */
export function aRelay(bounds: Partial<RelayBounds> = {}) {
  const links = new Links<string>(0, bounds);
  return {
    links,
    now: 0,
    /** By how much the clock is off: it was right at first. */
    offMs: 0,
    /** One end binds. */
    bind(its: Ticket, there: End<string>): Binding<string> {
      const now = this.now + this.offMs;
      return links.bind(its, { ...there, expiresAt: its.expiresAt }, now, this.now);
    },
    /** Two ends at the ports 1 and 2. What became of each. */
    link(link = number, { address = "192.0.2.1", players: [a, b] = ["Ada", "Bob"], ...about }: Pair = {}) {
      const both = { link: hex(link), ...about };
      return [
        this.bind(ticket("a", { ...both, clientId: a, peerId: b }), end(1, { address })),
        this.bind(ticket("b", { ...both, clientId: b, peerId: a }), end(2, { address })),
      ].map((binding) => (binding.kind === "bound" ? binding.kind : binding.code));
    },
    /** The port it is passed to, or why it is not. */
    pass(bytes: number, { link = number, port = 1, address = "192.0.2.1" } = {}) {
      const to = links.pass(link, bytes, address, port, this.now);
      return typeof to === "string" ? to : to.port;
    },
    tick(now: number) {
      this.now = now;
      links.tick(now);
    },
    /** What was to be told since the last time. */
    told(): [link: number, code: string, inMs: number][] {
      return links.notices.splice(0).map(({ link, code, inMs }) => [link.number, code, inMs]);
    },
  };
}
