/** The vectors for authors of other clients are what this server and the SDK read and write. */
import { describe, expect, test } from "vitest";
import { isSignedWith } from "../../client/udp/signing.ts";
import probes from "../../conformance/vectors/probes.json" with { type: "json" };
import reliable from "../../conformance/vectors/reliable.json" with { type: "json" };
import tickets from "../../conformance/vectors/tickets.json" with { type: "json" };
import { parseTicket, ticketText } from "../../core/relay/ticket.ts";
import { readReliablePacket, writeAcknowledgement, writeSegment } from "../../core/reliable/packet.ts";
import { readAs } from "../../core/shape.ts";
import { type SidecarMethod, sidecarMessages } from "../../core/wire/sidecar-message.ts";
import { readSignedDatagram } from "../../core/wire/signed-datagram.ts";

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe("a segment is read, and written the same", () => {
  for (const { why, number, isLast, payload, hex } of reliable.segments) {
    test(why, () => {
      const bytes = bytesOf(payload);
      expect(hexOf(writeSegment({ number, isLast, bytes }))).toBe(hex);
      expect(readReliablePacket(bytesOf(hex))).toEqual({ kind: "segment", number, isLast, bytes });
    });
  }
});

describe("an acknowledgement is read, and written the same", () => {
  for (const { why, next, later, hex } of reliable.acknowledgements) {
    test(why, () => {
      const highest = Math.max(next, ...later);
      expect(hexOf(writeAcknowledgement(next, highest, (number) => later.includes(number)))).toBe(hex);
      expect(readReliablePacket(bytesOf(hex))).toMatchObject({ kind: "acknowledgement", next });
    });
  }
});

describe("what is no packet of the stream is ignored", () => {
  for (const { why, hex } of reliable.ignored)
    test(why, () => expect(readReliablePacket(bytesOf(hex))).toBeNull());
});

describe("a ticket is read, and written the same", () => {
  for (const { why, text, expires, lobby, client, peer, relay, ...same } of tickets.read) {
    test(why, () => {
      const ticket = parseTicket(text);
      const about = { expiresAt: expires * 1_000, lobbyTag: lobby, clientId: client, peerId: peer };
      expect(ticket).toEqual({ ...same, ...about, sidecar: relay });
      expect(ticket && ticketText(ticket)).toBe(text);
    });
  }
});

describe("what is no ticket is refused", () => {
  for (const { why, text } of tickets.ignored) test(why, () => expect(parseTicket(text)).toBeNull());
});

describe("what a client and a sidecar say is read, and is signed", () => {
  for (const { why, method, payload, text } of [...probes.fromClient, ...probes.fromSidecar]) {
    test(why, () => {
      const datagram = readSignedDatagram(new TextEncoder().encode(text));
      expect(datagram && isSignedWith(probes.key, datagram)).toBe(true);
      expect(datagram).toMatchObject({ method, payload });
      const shape = sidecarMessages[method as SidecarMethod];
      expect(readAs<object>(shape, datagram?.payload)).toEqual(payload);
    });
  }
  for (const { why, text } of probes.fromClient)
    test(`${why} is long enough for any answer`, () => expect(text.length).toBeGreaterThanOrEqual(300));
});
