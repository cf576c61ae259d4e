import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { relayLimits } from "../../core/relay/limits.ts";
import {
  parseTicket,
  relayName,
  relayOf,
  renewedTicket,
  type Ticket,
  ticketLength,
  ticketText,
  webSocketRelay,
} from "../../core/relay/ticket.ts";
import { readAs } from "../../core/shape.ts";
import { bind } from "../../core/wire/sidecar-message.ts";
import { anyText } from "./any-text.ts";

const text = "0a1b2c3d4e5f.a.1767225000123.1767225600.K3Y7Z.AAECAwQFBgcICQoL.DA0ODxAREhMUFRYX.vm-1.paris";
const ticket: Ticket = {
  link: "0a1b2c3d4e5f",
  side: "a",
  begunAt: 1_767_225_000_123,
  expiresAt: 1_767_225_600_000,
  lobbyTag: "K3Y7Z",
  clientId: "AAECAwQFBgcICQoL",
  peerId: "DA0ODxAREhMUFRYX",
  sidecar: "vm-1.paris",
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
    ["no beginning", text.replace("1767225000123", "")],
    ["a beginning of 15 digits", text.replace("1767225000123", "100000000000000")],
    ["no expiry", text.replace("1767225600", "")],
    ["an expiry before 1970", text.replace("1767225600", "-1")],
    ["an expiry of 12 digits", text.replace("1767225600", "100000000000")],
    ["a lobby's code of 4 characters", text.replace("K3Y7Z", "K3Y7")],
    ["a client id of 15 characters", text.replace("AAECA", "AAEC")],
    ["one of 17", text.replace("AAECA", "AAECAA")],
    ["no sidecar", text.replace(".vm-1.paris", "")],
    ["a sidecar with a name of 65 characters", text.replace("vm-1.paris", "x".repeat(65))],
    ["a sidecar with a space in its name", text.replace("vm-1", "vm 1")],
    ["a line after it", `${text}\n`],
    ["a space before it", ` ${text}`],
    ["a relay over WebSocket without a number", text.replace("vm-1.paris", "~")],
    ["one whose number begins with 0", text.replace("vm-1.paris", "~01")],
    ["one whose number has four digits", text.replace("vm-1.paris", "~1000")],
    ["one in a region that there is not", text.replace("vm-1.paris", "~1.mars")],
    ["one with a dot and no region", text.replace("vm-1.paris", "~1.")],
    ["one with more behind it", text.replace("vm-1.paris", "~1.weur.x")],
    ["a sidecar with a tilde in its name", text.replace("vm-1.paris", "vm~1")],
  ] as const) {
    test(why, () => expect(parseTicket(other)).toBeNull());
  }
});

const hex = fc.stringMatching(/^[\da-f]{12}$/);
const id = fc.stringMatching(/^[\w-]{16}$/);
const tickets: fc.Arbitrary<Ticket> = fc.record({
  link: hex,
  side: fc.constantFrom("a", "b"),
  begunAt: fc.nat(99_999_999_999_999),
  expiresAt: fc.nat(99_999_999_999).map((seconds) => seconds * 1_000),
  lobbyTag: fc.stringMatching(/^[\w-]{5,8}$/),
  clientId: id,
  peerId: id,
  sidecar: fc.oneof(
    fc.stringMatching(/^[\w.-]{1,64}$/),
    fc
      .record({ number: fc.nat(999), region: fc.constantFrom(null, "weur", "oc") })
      .map((one) => webSocketRelay(one)),
  ),
});

test("whatever is written is read again, and fits into what asks the relay", () => {
  fc.assert(
    fc.property(tickets, (ticket) => {
      expect(parseTicket(ticketText(ticket))).toEqual(ticket);
      expect(ticketText(ticket).length).toBeLessThanOrEqual(ticketLength);
      expect(readAs(bind, { ticket: ticketText(ticket), nonce: "nonce-01" })).not.toBeNull();
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
      if (parsed) expect(ticketText(parsed)).toBe(other);
    }),
    { numRuns: 2_000 },
  );
});

describe("a ticket for a relay over WebSocket", () => {
  test.each([
    ["~0", { number: 0, region: null }],
    ["~33.weur", { number: 33, region: "weur" }],
    ["~999.oc", { number: 999, region: "oc" }],
  ] as const)("%s says which one, and where it is put", (relay, expected) => {
    expect(webSocketRelay(expected)).toBe(relay);
    const parsed = parseTicket(ticketText({ ...ticket, sidecar: relay }));
    expect(parsed && relayOf(parsed)).toEqual(expected);
  });

  test("is none for a sidecar's", () => {
    expect(relayOf(ticket)).toBeNull();
  });

  test("leads to an object of its lobby", () => {
    expect(relayName("K3Y7Z", 4)).toBe("relay:K3Y7Z:4");
  });

  test("can stand in a list of WebSocket subprotocols (RFC 9110, 5.6.2), with its key behind a dot", () => {
    const longest = ticketText({ ...ticket, lobbyTag: "ABCDEFGH", sidecar: "~999.weur" });
    expect(`${longest}.${"k".repeat(22)}`).toMatch(/^[!#$%&'*+.^_`|~\w-]+$/);
  });

  test("is renewed for the same relay", () => {
    const relay = { ...ticket, sidecar: "~3.weur" };
    const { begunAt } = relay;
    expect(renewedTicket(relay, [relay.clientId], begunAt)?.sidecar).toBe("~3.weur");
  });
});

describe("a ticket is renewed for its client", () => {
  const { clientId, begunAt, expiresAt } = ticket;
  const { relayTicketMs, relayRenewGraceMs, relayLinkMs } = relayLimits;

  test("for the same link, from now on for as long as any", () => {
    for (const now of [begunAt, expiresAt - 1, expiresAt, expiresAt + relayRenewGraceMs - 1]) {
      const latest = Math.min(now + relayTicketMs, begunAt + relayLinkMs);
      expect(renewedTicket(ticket, [clientId], now)).toEqual({ ...ticket, expiresAt: latest });
    }
  });

  test("for nobody else, and not when it has been over for longer than a message may be late", () => {
    expect(renewedTicket(ticket, [ticket.peerId], begunAt)).toBeNull();
    expect(renewedTicket(ticket, [clientId], expiresAt + relayRenewGraceMs)).toBeNull();
  });

  test("until the link has had its time, however often it was renewed", () => {
    const endsAt = begunAt + relayLinkMs;
    const late = { ...ticket, expiresAt: endsAt - 1_000 };
    expect(renewedTicket(late, [clientId], endsAt - 60_000)).toEqual({ ...ticket, expiresAt: endsAt });
    expect(renewedTicket({ ...ticket, expiresAt: endsAt }, [clientId], endsAt - 1)?.expiresAt).toBe(endsAt);
    expect(renewedTicket({ ...ticket, expiresAt: endsAt }, [clientId], endsAt)).toBeNull();
  });
});
