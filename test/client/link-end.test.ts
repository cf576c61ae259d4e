/** One end of a link by itself, with its sockets, and a relay that is the test. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { expect, onTestFinished, test, vi } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { LinkEnd } from "../../client/link/link-end.ts";
import { PlainPackets } from "../../client/link/packets.ts";
import { Turns } from "../../client/link/turns.ts";
import { LinkWire } from "../../client/udp/link-wire.ts";
import { RelayEnd } from "../../client/udp/relay-end.ts";
import { UdpSockets } from "../../client/udp/udp-sockets.ts";
import { linkLimits } from "../../core/link/limits.ts";
import { newCheckAllowance } from "../../core/link/unproven.ts";
import { linkNumber } from "../../core/wire/peer-packet.ts";
import { readSignedDatagram } from "../../core/wire/signed-datagram.ts";
import { signedOf, ticketOf } from "../../measure/kit/secret.ts";
import { config } from "../core/link/a-link.ts";

async function anEnd() {
  const { ticket, key } = ticketOf("a");
  const link = ticket.slice(0, 12);
  const endpoint = { ip: "127.0.0.1", port: 9 };
  const sockets = await UdpSockets.open(() => {});
  const wire = new LinkWire(sockets, new RelayEnd({ ticket, key, link, endpoint }, undefined, () => {}));
  const end = new LinkEnd({
    peer: { name: "Bo", clientId: "bo", ...config.peer },
    config: { ...config, sidecar: endpoint, relayOnly: true },
    number: linkNumber(link),
    packets: new PlainPackets(nodeCrypto.hmacSha256(Buffer.alloc(16)), linkNumber(link), "a"),
    udp: wire,
    channels: { ws: null, rtc: null },
    turns: new Turns(),
    checks: newCheckAllowance(performance.now()),
  });
  end.open();
  onTestFinished(async () => {
    await end.close();
    sockets.close();
  });
  const says = (method: string, payload: object, from = endpoint) => {
    const datagram = readSignedDatagram(Buffer.from(signedOf(key, method, { link, ...payload })));
    if (datagram) wire.hear(datagram, from);
  };
  return { end, says };
}

test("checks to addresses that nothing has proved are sent as far as the client's allowance goes, and the rest later", async () => {
  const heard: number[] = [];
  const targets = await Promise.all(
    [1, 2, 3, 4, 5, 6].map(async (i) => {
      const socket = createSocket("udp4").bind(0, "127.0.0.1");
      socket.on("message", () => heard.push(i));
      await once(socket, "listening");
      onTestFinished(() => void socket.close());
      return { ip: "127.0.0.1", port: socket.address().port };
    }),
  );
  const sockets = await UdpSockets.open(() => {});
  const begunAt = performance.now();
  const checks = newCheckAllowance(begunAt);
  // Four above what is kept for addresses from which the peer was heard.
  checks.near.left = linkLimits.nearChecks / 10 + 4;
  const here = { ip: "127.0.0.1", port: 9 };
  const peer = { ...config.peer, endpoint: here, proven: false, candidates: targets };
  const end = new LinkEnd({
    peer: { name: "Bo", clientId: "bo", ...peer },
    config: {
      ...config,
      you: { endpoint: here, mapping: "endpoint-independent" },
      peer,
      sidecar: { ip: "127.0.0.1", port: 10 },
      relay: false,
    },
    number: 7,
    packets: new PlainPackets(nodeCrypto.hmacSha256(Buffer.alloc(16)), 7, "a"),
    udp: new LinkWire(sockets, null),
    channels: { ws: null, rtc: null },
    turns: new Turns(),
    checks,
  });
  end.open();
  onTestFinished(async () => {
    await end.close();
    sockets.close();
  });
  await vi.waitFor(() => expect(new Set(heard).size).toBe(6));
  // What was withheld came a second later, out of what the allowance had earned by then.
  expect(performance.now() - begunAt).toBeGreaterThan(900);
});

test("a relay that repeats itself takes no room in the report from what happens", async () => {
  const { end, says } = await anEnd();
  let heard = 0;
  end.events.on("relay", () => {
    heard += 1;
  });
  for (let i = 0; i < 1_000; i++) says("ptpRelay_notice", { code: "rate", inMs: 0 });
  await end.close();
  const lines = end.report.timeline.map(({ what }) => what);
  expect(heard).toBe(1_000);
  expect(lines.filter((what) => what.startsWith("relay: ")).length).toBe(8);
  expect(lines.at(-1)).toBe("closed");
});

test("what a relay says comes from the relay", async () => {
  const { end, says } = await anEnd();
  const heard: unknown[] = [];
  end.events.on("relay", (notice) => heard.push(notice));
  says("ptpRelay_notice", { code: "rate", inMs: 0 }, { ip: "127.0.0.1", port: 10 });
  says("ptpRelay_notice", { code: "rate", inMs: 0 }, { ip: "127.0.0.2", port: 9 });
  expect(heard).toEqual([]);
  says("ptpRelay_notice", { code: "rate", inMs: 0 });
  expect(heard).toEqual([{ code: "rate", inMs: 0 }]);
});
