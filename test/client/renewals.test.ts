/** When a client has its tickets for the relay renewed, and how often it asks. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type HeldTicket, Renewals, ticketsPerMessage } from "../../client/link/renewals.ts";
import { relayLimits } from "../../core/relay/limits.ts";
import { readClientMessage } from "../../core/wire/client-message.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { ticketOf } from "../../measure/kit/secret.ts";
import { encode } from "../../measure/kit/wire.ts";

const lifeMs = relayLimits.relayTicketMs;
beforeEach(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => vi.useRealTimers());

/** So many tickets of one mediation, and what was asked for them. */
function aClient(count: number) {
  const asked: HeldTicket[][] = [];
  const renewals = new Renewals((tickets) => asked.push(tickets));
  const holders = Array.from({ length: count }, (_, i) => {
    const holder = {
      held: { ticket: `${i}.0`, key: "key" },
      isOver: false,
      renew: ({ ticket, key }: HeldTicket) => {
        if (ticket.split(".")[0] !== holder.held.ticket.split(".")[0]) return false;
        holder.held = { ticket, key };
        return true;
      },
    };
    return holder;
  });
  for (const holder of holders) renewals.add(holder, lifeMs);
  /** As the server answers. */
  const answer = (tickets: readonly HeldTicket[]) => {
    const later = tickets.map(({ ticket, key }) => {
      const [link = "", times] = ticket.split(".");
      return { ticket: `${link}.${Number(times) + 1}`, key };
    });
    renewals.hear({ tickets: later, lifeMs });
  };
  return { asked, renewals, holders, answer };
}

test("tickets are renewed after half of their time at the earliest and seven tenths at the latest, again and again", () => {
  const { asked, holders, answer } = aClient(3);
  for (let times = 1; times <= 20; times++) {
    vi.advanceTimersByTime(0.5 * lifeMs - 1);
    expect(asked).toHaveLength(times - 1);
    vi.advanceTimersByTime(0.2 * lifeMs + 1);
    // Those not answered within 30 s are asked for again.
    expect(asked.length).toBeGreaterThanOrEqual(times);
    asked.length = times;
    answer(asked[times - 1] ?? []);
    for (const [i, { held }] of holders.entries()) expect(held.ticket).toBe(`${i}.${times}`);
  }
});

test("what is not answered is asked for again, twice a minute, until it is too late", () => {
  const { asked, answer } = aClient(2);
  vi.advanceTimersByTime(0.7 * lifeMs);
  answer((asked[0] ?? []).slice(0, 1));
  asked.length = 0;
  vi.advanceTimersByTime(60_000);
  expect(asked).toEqual(Array(2).fill([{ ticket: "1.0", key: "key" }]));
  vi.advanceTimersByTime(lifeMs);
  const inAll = asked.length;
  expect(inAll).toBeGreaterThanOrEqual(8);
  expect(inAll).toBeLessThanOrEqual(14);
  vi.advanceTimersByTime(10 * lifeMs);
  expect(asked).toHaveLength(inAll);
  expect(vi.getTimerCount()).toBe(0);
});

test("tickets of one start are renewed in time, however often those of another are", () => {
  const [first, second] = [aClient(1), aClient(1)];
  for (let ms = 0; ms < 0.7 * lifeMs; ms += 30_000) {
    vi.advanceTimersByTime(30_000);
    // The answer to the other one's question.
    first.renewals.hear({ tickets: [{ ticket: "7.1", key: "key" }], lifeMs });
  }
  expect(first.asked.length).toBeGreaterThan(0);
  expect(second.asked.length).toBeGreaterThan(0);
});

test("nothing is asked for links that are over, nor once it was stopped", () => {
  const { asked, holders, renewals, answer } = aClient(2);
  const [first] = holders;
  if (first) first.isOver = true;
  vi.advanceTimersByTime(0.7 * lifeMs);
  expect(asked[0]).toEqual([{ ticket: "1.0", key: "key" }]);
  answer(asked[0] ?? []);
  renewals.stop();
  answer(asked[0] ?? []);
  asked.length = 0;
  vi.advanceTimersByTime(lifeMs);
  expect(asked).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test("the host of a full lobby asks in messages that the server reads, whatever its sidecar is called", () => {
  const { asked } = aClient(wireLimits.seats - 1);
  vi.advanceTimersByTime(0.7 * lifeMs);
  expect(asked.slice(0, 2).map(({ length }) => length)).toEqual([ticketsPerMessage, 63 - ticketsPerMessage]);
  const longest = ticketOf("a", { sidecar: "x".repeat(64), lobby: "ABCDEFGH" });
  const tickets = Array(ticketsPerMessage).fill(longest);
  const message = encode("ptpRelay_renew", { token: "x".repeat(128), tickets });
  expect(message.length).toBeLessThan(wireLimits.frameBytes);
  expect(readClientMessage(message)).toMatchObject({ method: "ptpRelay_renew" });
});
