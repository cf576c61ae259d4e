/** The client's end of a relay over WebSocket: one connection for all links there, which comes back when it breaks. */
import { expect, onTestFinished, test, vi } from "vitest";
import type { ChannelListener, TicketedChannel } from "../../client/link/platform.ts";
import { socketLimits } from "../../client/websocket/limits.ts";
import { Outbox } from "../../client/websocket/outbox.ts";
import { WebSocketRelays } from "../../client/websocket/relays.ts";
import type { PathKind } from "../../core/link/path.ts";
import { closures } from "../../core/problem.ts";
import { ticketText } from "../../core/relay/ticket.ts";
import { linkNumber, writeData } from "../../core/wire/peer-packet.ts";
import { packetsOf, readReceipt } from "../../core/wire/relay-frame.ts";
import { webSocketTicketKeyOf } from "../../measure/kit/secret.ts";
import { RelayServer } from "./a-relay-server.ts";

const links = ["00000000000a", "00000000000b", "00000000000c"] as const;
const lifeMs = 600_000;

function passOf(link: string, side: "a" | "b", { relay = "~0", expiresAt = 9_999_999_000 } = {}) {
  const who = { clientId: side === "a" ? "A".repeat(16) : "B".repeat(16), peerId: "C".repeat(16) };
  const ticket = ticketText({ link, side, begunAt: 1, expiresAt, lobbyTag: "ABCDE", ...who, sidecar: relay });
  return { ticket, key: webSocketTicketKeyOf(ticket), lifeMs };
}

async function aServer(): Promise<RelayServer> {
  const server = await RelayServer.start();
  onTestFinished(() => server.stop());
  return server;
}

/** A link's end that is open, and all that it has heard. */
function anEnd(relays: WebSocketRelays, link: string, side: "a" | "b") {
  const heard: { path: PathKind | null; codes: unknown[]; packets: Uint8Array[] } = {
    path: null,
    codes: [],
    packets: [],
  };
  const channel = relays.channel(passOf(link, side));
  if (!channel) throw new Error("no channel");
  const listener: ChannelListener = {
    opened: (path) => {
      heard.path = path;
    },
    closed: (code) => {
      heard.path = null;
      if (code !== null) heard.codes.push(code);
    },
    received: (packet) => heard.packets.push(packet),
    noticed: (code, inMs) => heard.codes.push([code, inMs]),
  };
  channel.open(listener);
  onTestFinished(() => channel.close());
  return { channel, heard };
}

async function aPair(server: RelayServer, link: string = links[0]) {
  const [ours, theirs] = [new WebSocketRelays(server.url), new WebSocketRelays(server.url)];
  const [a, b] = [anEnd(ours, link, "a"), anEnd(theirs, link, "b")];
  await vi.waitFor(() => expect([a.heard.path, b.heard.path]).toEqual(["websocket", "websocket"]));
  return { a, b, ours, theirs };
}

const packet = (link: string, ...bytes: number[]) => writeData(linkNumber(link), Uint8Array.from(bytes));
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const sendAll = (channel: TicketedChannel, ...packets: Uint8Array[]) => {
  for (const each of packets) channel.send(each);
};

test("what one end sends the other hears, and packets of one turn share a frame", async () => {
  const server = await aServer();
  const { a, b } = await aPair(server);
  sendAll(a.channel, packet(links[0], 1), packet(links[0], 2), packet(links[0], 3));
  await vi.waitFor(() => expect(b.heard.packets.map((bytes) => bytes.at(-1))).toEqual([1, 2, 3]));
  expect(server.frames.filter((packets) => packets.length === 3).length).toBe(1);
});

test("all links at one relay share a connection, which is closed with the last of them", async () => {
  const server = await aServer();
  const relays = new WebSocketRelays(server.url);
  const ends = links.map((link) => anEnd(relays, link, "a"));
  await vi.waitFor(() => expect(server.binds.flat().length).toBe(3));
  expect(server.connections).toBe(1);
  // The first by the upgrade, the others in one message.
  expect(server.binds.map(({ length }) => length)).toEqual([1, 2]);
  for (const { channel } of ends) channel.close();
  await vi.waitFor(() => expect(server.sockets.size).toBe(0));
  expect(server.connections).toBe(1);
});

test("links at two relays have a connection each", async () => {
  const server = await aServer();
  const relays = new WebSocketRelays(server.url);
  anEnd(relays, links[0], "a");
  const other = relays.channel(passOf(links[1], "a", { relay: "~1" }));
  other?.open({ opened: () => {}, closed: () => {}, received: () => {}, noticed: () => {} });
  onTestFinished(() => other?.close());
  await vi.waitFor(() => expect(server.sockets.size).toBe(2));
});

test("a ticket for a sidecar's relay, or a text that is none, gives no channel", () => {
  const relays = new WebSocketRelays(new URL("http://127.0.0.1:9"));
  expect(relays.channel(passOf(links[0], "a", { relay: "paris" }))).toBeNull();
  expect(relays.channel({ ticket: "t", key: "k", lifeMs })).toBeNull();
});

test.each(["removed", "resumed_elsewhere"] as const)(
  "whom the relay has dismissed as %s comes back with a new link alone",
  async (reason) => {
    const server = await aServer();
    const { a, ours } = await aPair(server);
    const [code, why] = closures[reason];
    server.dismissAll(code, why);
    await vi.waitFor(() => expect(a.heard.path).toBeNull());
    const { connections } = server;
    a.channel.reopen?.();
    await new Promise((resolve) => setTimeout(resolve, 4 * socketLimits.socketRetryMs));
    expect(server.connections).toBe(connections);
    anEnd(ours, links[1], "a");
    await vi.waitFor(() => expect(server.connections).toBe(connections + 1));
  },
);

test("a connection that breaks is opened again, and its links are bound again", async () => {
  const server = await aServer();
  const { a, b } = await aPair(server);
  server.breakAll();
  await vi.waitFor(() => expect(a.heard.path).toBeNull());
  await vi.waitFor(() => expect([a.heard.path, b.heard.path]).toEqual(["websocket", "websocket"]));
  a.channel.send(packet(links[0], 7));
  await vi.waitFor(() => expect(b.heard.packets.at(-1)?.at(-1)).toBe(7));
});

test("a relay that takes no connection is tried again, ever more rarely", async () => {
  const server = await aServer();
  server.isDown = true;
  const begunAt = performance.now();
  const { heard } = anEnd(new WebSocketRelays(server.url), links[0], "a");
  await vi.waitFor(() => expect(server.connections).toBe(4));
  // After 0.25, 0.5 and 1 s at most, and half of that at least.
  expect(performance.now() - begunAt).toBeGreaterThan(800);
  expect(heard.path).toBeNull();
});

test("another connection is opened for a link that hears nothing, but not where something comes", async () => {
  const server = await aServer();
  const { a, b } = await aPair(server);
  await wait(socketLimits.socketReopenMs);
  // No time passes until it is asked, however busy the machine is.
  const clock = vi.spyOn(performance, "now").mockReturnValue(performance.now());
  b.channel.send(packet(links[0], 1));
  await vi.waitFor(() => expect(a.heard.packets.length).toBe(1));
  a.channel.reopen();
  clock.mockRestore();
  await wait(socketLimits.socketAliveMs + 50);
  expect(server.connections).toBe(2);
  a.channel.reopen();
  await vi.waitFor(() => expect(server.connections).toBe(3));
  await vi.waitFor(() => expect(server.sockets.size).toBe(2));
  await vi.waitFor(() => expect(a.heard.path).toBe("websocket"));
  a.channel.send(packet(links[0], 9));
  await vi.waitFor(() => expect(b.heard.packets.at(-1)?.at(-1)).toBe(9));
});

test("a ticket that was renewed is bound at once, and another's is not taken", async () => {
  const server = await aServer();
  const { a } = await aPair(server);
  const later = passOf(links[0], "a", { expiresAt: 9_999_999_999_000 });
  expect(a.channel.renew(passOf(links[1], "a"))).toBe(false);
  // The same link's ticket for a sidecar.
  expect(a.channel.renew(passOf(links[0], "a", { relay: "paris" }))).toBe(false);
  expect(a.channel.renew(later)).toBe(true);
  await vi.waitFor(() => expect(server.binds).toContainEqual([later.ticket]));
});

test("what a relay says reaches the links that it is about", async () => {
  const server = await aServer();
  const { a, ours } = await aPair(server);
  const other = anEnd(ours, links[1], "a");
  await vi.waitFor(() => expect(server.binds.flat().length).toBe(3));
  server.say({ method: "relay_notice", link: links[0], code: "rate", inMs: 500 });
  server.say({ method: "relay_notice", link: "", code: "relay_rate", inMs: 0 });
  server.say({ method: "relay_refused", link: links[1], code: "ticket_expired" });
  await vi.waitFor(() => expect(other.heard.codes).toEqual([["relay_rate", 0], "ticket_expired"]));
  expect(a.heard.codes).toEqual([
    ["rate", 500],
    ["relay_rate", 0],
  ]);
  expect(other.heard.path).toBeNull();
});

test("a link that the relay has forgotten is bound again", async () => {
  const server = await aServer();
  const { a } = await aPair(server);
  const before = server.binds.length;
  server.say({ method: "relay_refused", link: links[0], code: "not_bound" });
  await vi.waitFor(() => expect(server.binds.length).toBeGreaterThan(before));
  await vi.waitFor(() => expect(a.heard.path).toBe("websocket"));
});

test("the relay is told what has come", async () => {
  const server = await aServer();
  const { a, b } = await aPair(server);
  a.channel.send(packet(links[0], 1));
  // A record's two bytes, a packet's seven, and one of the game.
  await vi.waitFor(() => expect(server.receipts).toEqual([10]));
  expect(b.heard.packets.length).toBe(1);
});

/** An outbox whose socket is full, or not, as the test says. */
function anOutbox() {
  const frames: Uint8Array[][] = [];
  const sink = {
    bufferedAmount: 0,
    readyState: WebSocket.OPEN as number,
    send: (frame: unknown) => void frames.push((frame instanceof Uint8Array && packetsOf(frame)) || []),
  };
  // Time passes as the test says.
  vi.useFakeTimers();
  const outbox = new Outbox(sink);
  onTestFinished(() => {
    outbox.stop();
    vi.useRealTimers();
  });
  return { outbox, sink, frames };
}
test("nothing is sent into a socket that closes: a browser would log it", async () => {
  const { outbox, sink, frames } = anOutbox();
  sink.readyState = WebSocket.CLOSING;
  outbox.add(1, Uint8Array.of(1));
  await vi.advanceTimersByTimeAsync(20);
  expect(frames).toEqual([]);
});

test("while the socket is full the newest packets of each link wait, and leave when there is room", async () => {
  const { outbox, sink, frames } = anOutbox();
  sink.bufferedAmount = socketLimits.socketWaitingBytes + 1;
  for (let i = 0; i < 100; i++) outbox.add(1, Uint8Array.of(1, i));
  outbox.add(2, Uint8Array.of(2, 0));
  await vi.advanceTimersByTimeAsync(60);
  expect(frames).toEqual([]);
  sink.bufferedAmount = 0;
  await vi.waitFor(() => expect(frames.length).toBe(1));
  const sent = (link: number) => frames.flat().filter(([first]) => first === link);
  expect(sent(1).map(([, i]) => i)).toEqual(
    Array.from({ length: socketLimits.socketWaitingPackets }, (_, i) => 84 + i),
  );
  expect(sent(2).length).toBe(1);
});

test("packets that have waited for too long are not sent at all", async () => {
  const { outbox, sink, frames } = anOutbox();
  sink.bufferedAmount = socketLimits.socketWaitingBytes + 1;
  outbox.add(1, Uint8Array.of(1));
  await vi.advanceTimersByTimeAsync(socketLimits.socketStaleMs + 100);
  sink.bufferedAmount = 0;
  outbox.add(1, Uint8Array.of(2));
  await vi.waitFor(() => expect(frames.flat().map(([i]) => i)).toEqual([2]));
});

test("a frame is no longer than a relay takes, and the rest follows", async () => {
  const { outbox, frames } = anOutbox();
  for (let i = 0; i < 60; i++) outbox.add(i, new Uint8Array(1_200));
  await vi.waitFor(() => expect(frames.flat().length).toBe(60));
  for (const packets of frames)
    expect(packets.length * 1_202).toBeLessThanOrEqual(socketLimits.socketFrameBytes);
});

test("receipts come by every 32 packets, or a tenth of a second", async () => {
  const { outbox, frames } = anOutbox();
  outbox.received(100, 31);
  await vi.advanceTimersByTimeAsync(20);
  expect(frames).toEqual([]);
  outbox.received(10, 1);
  await vi.waitFor(() => expect(frames.flat().map(readReceipt)).toEqual([110]));
  outbox.received(5, 1);
  await vi.advanceTimersByTimeAsync(socketLimits.socketReceiptMs + 50);
  expect(frames.flat().map(readReceipt)).toEqual([110, 115]);
});
