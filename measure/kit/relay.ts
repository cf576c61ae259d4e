/** Clients of a sidecar's ports over real UDP: they sign what they say, and keep all they hear. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { afterEach, beforeEach, expect, vi } from "vitest";
import { type Sidecar, type SidecarOptions, startSidecar } from "../../udp-sidecar/sidecar.ts";
import { type StandIn, startStandIn } from "./edge.ts";
import { dataOf, keyOf, signedOf, ticketOf } from "./secret.ts";
import { noteTold } from "./whole-log.ts";
import { decode, type Message } from "./wire.ts";

export type UdpClient = {
  readonly port: number;
  /** All that came. */
  readonly heard: Buffer[];
  send(bytes: string | Uint8Array, port: number): Promise<void>;
  /** The next datagram that has not been taken yet. */
  next(): Promise<Buffer>;
  close(): void;
};

const soon = { interval: 1 };

export async function openUdpClient(address = "127.0.0.1"): Promise<UdpClient> {
  const socket = createSocket({ type: address.includes(":") ? "udp6" : "udp4", recvBufferSize: 1 << 22 });
  const heard: Buffer[] = [];
  let taken = 0;
  socket.on("message", (datagram) => heard.push(datagram));
  socket.bind(0, address);
  await once(socket, "listening");
  return {
    port: socket.address().port,
    heard,
    send: (datagram, port) =>
      new Promise((resolve, reject) =>
        socket.send(datagram, port, address, (error) => (error ? reject(error) : resolve())),
      ),
    next: async () => {
      await vi.waitFor(() => expect(heard.length).toBeGreaterThan(taken), soon);
      return heard[taken++] ?? Buffer.alloc(0);
    },
    close: () => socket.close(),
  };
}

/** What a signed datagram says, its mac checked against the key. */
export function verified(key: string, datagram: Buffer): Message {
  const text = datagram.toString();
  const { method, payload } = decode(text.slice(0, text.lastIndexOf(".")));
  expect(text).toBe(signedOf(key, method, payload));
  return { method, payload };
}

/** A client with a ticket. */
export type Holder = UdpClient & {
  readonly link: string;
  readonly key: string;
  /** Sends a bind; a client that has a cookie sends it along. */
  ask(more?: { cookie?: string; nonce?: string }): Promise<void>;
  /** The next word of the relay. */
  word(): Promise<Message>;
  /** Binds, by challenge and cookie, and returns the relay's last word. */
  bind(): Promise<Message>;
  say(payload: string | Uint8Array): Promise<void>;
};

/** `relay`: the sidecar's first port. */
export function holderOf(
  client: UdpClient,
  { ticket, key }: { ticket: string; key: string },
  relay: () => number,
): Holder {
  const link = ticket.slice(0, 12);
  let asked = 0;
  const ask: Holder["ask"] = ({ cookie, nonce = `nonce-${++asked}-${client.port}` } = {}) =>
    client.send(signedOf(key, "ptpRelay_bind", { ticket, nonce, cookie }), relay());
  const word = async () => verified(key, await client.next());
  return {
    ...client,
    link,
    key,
    ask,
    word,
    bind: async () => {
      await ask();
      const challenge = await word();
      if (challenge.method !== "ptpRelay_challenge") return challenge;
      await ask({ cookie: String(challenge.payload.cookie) });
      return await word();
    },
    say: (payload) => client.send(dataOf(link, payload), relay()),
  };
}

/** Relays and clients for the tests of a file, with an edge that takes everything. All are gone after each test. */
export function relayStage() {
  const cleanUps: (() => Promise<unknown> | unknown)[] = [];
  let edge: StandIn;
  beforeEach(async () => {
    edge = await startStandIn();
    cleanUps.push(edge.stop);
  });
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });

  const relay = async (options: Partial<SidecarOptions> = {}) => {
    const wish = { edge: edge.url, key: keyOf(), port: 0, ...options };
    const sidecar = await startSidecar(wish, noteTold);
    cleanUps.push(sidecar.stop);
    return sidecar;
  };
  const client = async (address?: string) => {
    const opened = await openUdpClient(address);
    cleanUps.push(opened.close);
    return opened;
  };
  const holder = async (sidecar: Sidecar, ticket: { ticket: string; key: string }, socket?: UdpClient) =>
    holderOf(socket ?? (await client()), ticket, () => sidecar.port);
  /** Two whose ends are bound, and who have heard so. */
  const linked = async (sidecar: Sidecar, about: Parameters<typeof ticketOf>[1] = {}) => {
    const ada = await holder(sidecar, ticketOf("a", about));
    const bob = await holder(sidecar, ticketOf("b", about));
    await ada.bind();
    await bob.bind();
    await ada.word();
    return { ada, bob };
  };
  /** Waits until so many packets have been dropped for this cause. */
  const dropped = (sidecar: Sidecar, cause: keyof Sidecar["relayed"]["drops"], count = 1) =>
    vi.waitFor(() => expect(sidecar.relayed.drops[cause]).toBe(count), soon);
  return { edge: () => edge, relay, client, holder, linked, dropped };
}
