import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseTicket, type Ticket, ticketText } from "../../core/relay/ticket.ts";
import { bind } from "../../core/wire/sidecar-message.ts";
import { anyText } from "./any-text.ts";

const text = "0a1b2c3d4e5f.a.1767225600.K3Y7Z.AAECAwQFBgcICQoL.DA0ODxAREhMUFRYX";
const ticket: Ticket = {
  link: "0a1b2c3d4e5f",
  side: "a",
  expiresAt: 1_767_225_600_000,
  lobbyTag: "K3Y7Z",
  clientId: "AAECAwQFBgcICQoL",
  peerId: "DA0ODxAREhMUFRYX",
};

test("a ticket is written and read", () => {
  expect(ticketText(ticket)).toBe(text);
  expect(parseTicket(text)).toEqual(ticket);
});

test("a ticket never expires before its time: seconds are rounded up", () => {
  const { expiresAt = 0 } = parseTicket(ticketText({ ...ticket, expiresAt: ticket.expiresAt + 1 })) ?? {};
  expect(expiresAt).toBe(ticket.expiresAt + 1_000);
});

describe("what is no ticket is refused", () => {
  for (const [why, other] of [
    ["nothing", ""],
    ["a link of 11 digits", text.slice(1)],
    ["a link in capitals", text.replace("0a1b", "0A1B")],
    ["a third side", text.replace(".a.", ".c.")],
    ["no expiry", text.replace("1767225600", "")],
    ["an expiry before 1970", text.replace("1767225600", "-1")],
    ["an expiry of 12 digits", text.replace("1767225600", "100000000000")],
    ["a lobby's code of 4 characters", text.replace("K3Y7Z", "K3Y7")],
    ["a client id of 15 characters", text.slice(0, -1)],
    ["one of 17", `${text}A`],
    ["one part too many", `${text}.x`],
    ["a line after it", `${text}\n`],
    ["a space before it", ` ${text}`],
  ] as const) {
    test(why, () => expect(parseTicket(other)).toBeNull());
  }
});

const hex = fc.stringMatching(/^[\da-f]{12}$/);
const id = fc.stringMatching(/^[\w-]{16}$/);
const tickets: fc.Arbitrary<Ticket> = fc.record({
  link: hex,
  side: fc.constantFrom("a", "b"),
  expiresAt: fc.nat(99_999_999_999).map((seconds) => seconds * 1_000),
  lobbyTag: fc.stringMatching(/^[\w-]{5,8}$/),
  clientId: id,
  peerId: id,
});

test("whatever is written is read again, and fits into what asks the relay", () => {
  fc.assert(
    fc.property(tickets, (ticket) => {
      expect(parseTicket(ticketText(ticket))).toEqual(ticket);
      expect(bind.safeParse({ ticket: ticketText(ticket), nonce: "nonce-01" }).success).toBe(true);
    }),
  );
});

test("any text is a ticket or null, and no two texts are one ticket", () => {
  const near = fc
    .tuple(fc.nat(text.length - 1), anyText)
    .map(([at, other]) => text.slice(0, at) + other + text.slice(at + 1));
  fc.assert(
    fc.property(fc.oneof(anyText, near), (other) => {
      const parsed = parseTicket(other);
      if (parsed && !other.includes(".0")) expect(ticketText(parsed)).toBe(other);
    }),
    { numRuns: 2_000 },
  );
});
