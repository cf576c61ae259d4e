import fc from "fast-check";
import { expect, test } from "vitest";
import { writeData } from "../../core/wire/peer-packet.ts";
import {
  frameOf,
  packetsOf,
  readReceipt,
  receipt,
  recordBytes,
  relayedLink,
} from "../../core/wire/relay-frame.ts";
import {
  offeredTicket,
  readRelayBind,
  readRelayMessage,
  relayBind,
  relayText,
  ticketProtocol,
} from "../../core/wire/relay-message.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

test("a frame is records of a length and a packet", () => {
  expect([...frameOf([bytes(0xea, 1, 2, 3, 4, 5, 6, 7), bytes(0xf0, 0, 0, 1, 2)])]).toEqual([
    0, 8, 0xea, 1, 2, 3, 4, 5, 6, 7, 0, 5, 0xf0, 0, 0, 1, 2,
  ]);
});

test("what is put into a frame comes out of it, in order", () => {
  const packet = fc.uint8Array({ minLength: 0, maxLength: 1_300 });
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 20 }), (packets) => {
      expect(packetsOf(frameOf(packets))).toEqual(packets);
    }),
  );
});

test("any bytes are a frame or none", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (frame) => {
      const packets = packetsOf(frame);
      const length = packets?.reduce((sum, packet) => sum + recordBytes(packet), 0);
      expect(length ?? frame.length).toBe(frame.length);
      for (const packet of packets ?? []) {
        relayedLink(packet, 0, packet.length);
        readReceipt(packet);
      }
    }),
  );
});

test("a receipt counts modulo 2^32", () => {
  expect(readReceipt(receipt(0))).toBe(0);
  expect(readReceipt(receipt(123_456_789))).toBe(123_456_789);
  expect(readReceipt(receipt(2 ** 32 + 5))).toBe(5);
  expect(readReceipt(bytes(0xf0, 0, 0, 0))).toBeNull();
  expect(readReceipt(bytes(0xea, 0, 0, 0, 0))).toBeNull();
});

test("only packets of links are passed on", () => {
  const link = (packet: Uint8Array) => relayedLink(packet, 0, packet.length);
  expect(link(writeData(0x0123456789ab, bytes(1)))).toBe(0x0123456789ab);
  expect(link(writeData(0xffffffffffff, new Uint8Array(1_225)))).toBe(0xffffffffffff);
  expect(link(writeData(1, new Uint8Array(1_226)))).toBeNull();
  expect(link(bytes(0xe7, 1, 2, 3, 4, 5, 6))).toBeNull();
  expect(link(bytes(0xf0, 1, 2, 3, 4))).toBeNull();
  expect(link(bytes(0xea, 1, 2, 3, 4, 5))).toBeNull();
});

test("the ticket is offered behind the subprotocol, and nowhere else", () => {
  const ticket = { ticket: "0123456789ab.a.1.2.ABCDE.c.p.~0.weur", key: "key-_" };
  const offered = ticketProtocol(ticket);
  // RFC 7230: what a subprotocol's name may consist of.
  expect(offered).toMatch(/^[\w.~-]+$/);
  expect(offeredTicket(`orion-relay, ${offered}`)).toEqual(ticket);
  expect(offeredTicket(`orion-relay,${offered}`)).toEqual(ticket);
  for (const header of [null, "", "orion-relay", offered, `orion, ${offered}`, `orion-relay, ${offered}, x`])
    expect(offeredTicket(header)).toBeNull();
});

test("texts come out as they went in, and others are none", () => {
  const tickets = [{ ticket: "a ticket", key: "its key" }];
  expect(readRelayBind(relayBind(tickets))).toEqual(tickets);
  for (const text of ["", "relay_bind", "relay_bind:e30", relayBind([]), "relay_bound:e30"])
    expect(readRelayBind(text)).toBeNull();
  const messages = [
    { method: "relay_bound", link: "0123456789ab", peer: true },
    { method: "relay_refused", link: "", code: "malformed" },
    { method: "relay_notice", link: "0123456789ab", code: "rate", inMs: 1_000 },
  ] as const;
  for (const message of messages) expect(readRelayMessage(relayText(message))).toEqual(message);
  for (const text of ["", "relay_bound:e30", "toString:e30", "lobby_closed:e30"])
    expect(readRelayMessage(text)).toBeNull();
});
