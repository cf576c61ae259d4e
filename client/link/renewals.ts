/**
 * Tickets for the relay last for minutes. As long as the WebSocket is open, the server renews them: here they are asked for in time, and
 * again if no answer comes. All of one mediation are renewed together.
 */
import { relayLimits } from "../../core/relay/limits.ts";

export type HeldTicket = { ticket: string; key: string };

/** Who holds a ticket. */
export type TicketHolder = {
  /** The one to be renewed. */
  readonly held: HeldTicket;
  readonly isOver: boolean;
  /** Takes the new one. False if it is another's. */
  renew(renewed: HeldTicket): boolean;
};

/** Tickets in one message: with the longest names of sidecars it stays below what the server reads. */
export const ticketsPerMessage = 32;
/** When they are renewed, as a part of their time: not all clients of a lobby at the same moment. */
const [earliest, latest] = [0.5, 0.7];
/** When the next try is due if no answer came, as a part of their time: 30 s. */
const retryPart = 0.05;

export class Renewals {
  readonly #ask: (tickets: HeldTicket[]) => void;
  readonly #holders = new Set<TicketHolder>();
  /** Those whose renewal was asked for, and has not come. */
  #missing = new Set<TicketHolder>();
  #lifeMs = 0;
  /** When the tickets that they have now came. */
  #since = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** `ask`: sends one message with these tickets. */
  constructor(ask: (tickets: HeldTicket[]) => void) {
    this.#ask = ask;
  }

  /** Keeps this one's ticket good, which is so for so long from now on. */
  add(holder: TicketHolder, lifeMs: number): void {
    this.#holders.add(holder);
    if (this.#timer === null) this.#begin(lifeMs);
  }

  /** An answer of the server, perhaps to somebody else: later tickets, each good for so long from now on. */
  hear({ tickets, lifeMs }: { tickets: readonly HeldTicket[]; lifeMs: number }): void {
    const before = this.#missing.size;
    for (const ticket of tickets) {
      for (const holder of this.#missing) {
        if (holder.renew(ticket)) this.#missing.delete(holder);
      }
    }
    if (this.#timer !== null && before > 0 && this.#missing.size === 0) this.#begin(lifeMs);
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#holders.clear();
    this.#missing.clear();
  }

  #begin(lifeMs: number): void {
    this.#lifeMs = lifeMs;
    this.#since = performance.now();
    this.#wake(lifeMs * (earliest + (latest - earliest) * Math.random()), () => {
      this.#missing = new Set(this.#holders);
      this.#askForMissing();
    });
  }

  #askForMissing(): void {
    for (const holder of this.#holders) {
      if (!holder.isOver) continue;
      this.#holders.delete(holder);
      this.#missing.delete(holder);
    }
    const isTooLate = performance.now() - this.#since > this.#lifeMs + relayLimits.relayRenewGraceMs;
    if (isTooLate || this.#missing.size === 0) {
      this.stop();
      return;
    }
    const tickets = [...this.#missing].map(({ held }) => held);
    for (let at = 0; at < tickets.length; at += ticketsPerMessage) {
      this.#ask(tickets.slice(at, at + ticketsPerMessage));
    }
    this.#wake(this.#lifeMs * retryPart, () => this.#askForMissing());
  }

  #wake(inMs: number, then: () => void): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(then, inMs);
  }
}
