import { expect, test } from "vitest";
import { RelayEnd } from "../../client/udp/relay-end.ts";
import { readSignedDatagram } from "../../core/wire/signed-datagram.ts";
import { signedOf, ticketOf } from "../../measure/kit/secret.ts";
import { decode } from "../../measure/kit/wire.ts";

/** An end with all that it has sent, and a way to say something to it. */
function anEnd(cookie?: string) {
  const { ticket, key } = ticketOf("a");
  const link = ticket.slice(0, 12);
  const sent: Record<string, unknown>[] = [];
  const endpoint = { ip: "127.0.0.1", port: 5990 };
  const end = new RelayEnd({ ticket, key, link, endpoint }, cookie, (datagram) => {
    expect(datagram.length).toBeGreaterThanOrEqual(300);
    const { method, payload } = decode(datagram.slice(0, datagram.lastIndexOf(".")));
    expect(datagram).toBe(signedOf(end.held.key, method, payload));
    expect(method).toBe("ptpRelay_bind");
    sent.push(payload);
  });
  const says = (method: string, payload: object, under = key) => {
    const datagram = readSignedDatagram(Buffer.from(signedOf(under, method, payload)));
    return datagram && end.hear(datagram);
  };
  end.bind();
  return { end, sent, says, ticket, link, nonce: sent[0]?.nonce };
}

test("a bind that is challenged is said again at once, with the cookie", () => {
  const { sent, says, ticket, nonce } = anEnd();
  expect(sent).toMatchObject([{ ticket, nonce: expect.any(String) }]);
  expect(sent[0]).not.toHaveProperty("cookie");
  expect(says("ptpRelay_challenge", { nonce, cookie: "cookie-1" })).toBeNull();
  expect(sent[1]).toMatchObject({ ticket, nonce, cookie: "cookie-1" });
  expect(says("ptpRelay_bound", { nonce, peer: false })).toEqual({ kind: "relay-bound", peer: false });
  // The peer has come: told unasked.
  expect(says("ptpRelay_bound", { nonce, peer: true })).toEqual({ kind: "relay-bound", peer: true });
});

test("the cookie that came with the first sight saves the challenge, and the next bind has the last cookie", () => {
  const { end, sent, says, nonce } = anEnd("cookie-0");
  expect(sent[0]).toMatchObject({ cookie: "cookie-0" });
  says("ptpRelay_challenge", { nonce, cookie: "cookie-1" });
  end.bind();
  expect(sent.at(-1)).toMatchObject({ cookie: "cookie-1" });
});

test("a relay that challenges without end is not answered without end", () => {
  const { sent, says, nonce } = anEnd();
  for (let i = 0; i < 100; i++) says("ptpRelay_challenge", { nonce, cookie: `cookie-${i}` });
  expect(sent.length).toBe(3);
});

test("a ticket that is renewed is used from the next bind on, and answers to the one before are still heard", () => {
  const { end, sent, says, nonce, ticket, link } = anEnd("cookie-0");
  const before = end.held;
  expect(before.ticket).toBe(ticket);
  const later = ticketOf("a", { lifeMs: 700_000 });
  expect(end.renew(ticketOf("a", { link: "ba9876543210" }))).toBe(false);
  expect(end.held).toEqual(before);
  expect(end.renew(later)).toBe(true);
  expect(says("ptpRelay_notice", { link, code: "leaving", inMs: 0 })).not.toBeNull();
  expect(says("ptpRelay_notice", { link, code: "leaving", inMs: 0 }, later.key)).not.toBeNull();
  end.bind();
  expect(sent.at(-1)).toMatchObject({ ticket: later.ticket, nonce, cookie: "cookie-0" });
});

test("refusals and notices are told with their code", () => {
  const { says, nonce, link } = anEnd();
  expect(says("ptpRelay_refused", { nonce, code: "relay_full" })).toEqual({
    kind: "relay-refused",
    code: "relay_full",
  });
  expect(says("ptpRelay_notice", { link, code: "lifetime", inMs: 60_000 })).toEqual({
    kind: "relay-noticed",
    code: "lifetime",
    inMs: 60_000,
  });
});

test("what the relay did not say, or not to this link, is nothing", () => {
  const { says, sent, nonce, link } = anEnd();
  const forged = "another key";
  for (const [method, payload, under] of [
    ["ptpRelay_bound", { nonce, peer: true }, forged],
    ["ptpRelay_refused", { nonce, code: "relay_full" }, forged],
    ["ptpRelay_challenge", { nonce, cookie: "cookie-1" }, forged],
    ["ptpRelay_notice", { link, code: "leaving", inMs: 0 }, forged],
    ["ptpRelay_bound", { nonce: "another-nonce", peer: true }],
    ["ptpRelay_notice", { link: "ba9876543210", code: "leaving", inMs: 0 }],
    ["ptpRelay_bound", { nonce }],
    ["ptpRelay_refused", { nonce, code: "no such code" }],
    ["ptpRelay_challenge", { nonce, cookie: "" }],
    ["ptpRelay_bind", { nonce }],
  ] as const) {
    expect(says(method, payload, under)).toBeNull();
  }
  expect(sent.length).toBe(1);
});

test("a ticket of the same link for another relay is not taken", () => {
  const { end, ticket } = anEnd();
  const key = "AAAAAAAAAAAAAAAAAAAAAA";
  const sidecar = ticket.slice(ticket.lastIndexOf(".") + 1);
  expect(end.renew({ ticket: ticket.replace(new RegExp(`${sidecar}$`), "~0"), key })).toBe(false);
  expect(end.held.ticket).toBe(ticket);
  expect(end.renew({ ticket, key })).toBe(true);
});
