/**
 * Players on a noray relay, in a process of their own: one UDP socket is the guest of every pair, another the host. It is told to make
 * pairs, or to send packets to their relays in turn, so many a second, so many at once; and answers when that is done, with the number
 * of those that came through.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { createConnection, type Socket as TcpSocket } from "node:net";
import { createInterface } from "node:readline";
import * as z from "zod";
import { sendOrder, sendPaced } from "./paced-sending.ts";

const order = z.discriminatedUnion("what", [
  z.object({ what: z.literal("pair"), tcp: z.int(), registrar: z.int(), pairs: z.int() }),
  /** To a bare forwarder: two ports for each pair, from this one on. */
  z.object({ what: z.literal("bare"), port: z.int(), pairs: z.int() }),
  sendOrder,
]);

const host = "127.0.0.1";
/** The length of a packet of a game. */
const packet = Buffer.alloc(60, "x");

const [guest, owner] = [await open(), await open()];
/** The relays of the hosts, one of each pair. */
const targets: number[] = [];
let received = 0;
owner.on("message", (bytes) => {
  if (bytes.length === packet.length) received += 1;
});

async function open(): Promise<Socket> {
  const socket = createSocket({ type: "udp4", recvBufferSize: 4 * 1024 * 1024 });
  socket.bind(0, host);
  await once(socket, "listening");
  return socket;
}

function say(port: number, bytes: string | Uint8Array, socket = guest): Promise<void> {
  return new Promise((resolve) => socket.send(bytes, port, host, () => resolve()));
}

type Player = { tcp: TcpSocket; oid: string; next(command: string): Promise<string> };

/** A player who has registered, at the address of this socket. */
async function register({ tcp: port, registrar }: { tcp: number; registrar: number }, socket: Socket) {
  const tcp = createConnection({ host, port });
  const lines = createInterface(tcp)[Symbol.asyncIterator]();
  const next = async (command: string) => {
    for (;;) {
      const [word, data = ""] = String((await lines.next()).value).split(" ");
      if (word === command) return data;
    }
  };
  tcp.write("register-host\n");
  const player: Player = { tcp, oid: await next("set-oid"), next };
  const pid = await next("set-pid");
  const answered = once(socket, "message");
  await say(registrar, pid, socket);
  await answered;
  return player;
}

async function pair({ tcp, registrar, pairs }: { tcp: number; registrar: number; pairs: number }) {
  for (let made = targets.length; made < pairs; made++) {
    const hosting = await register({ tcp, registrar }, owner);
    const joining = await register({ tcp, registrar }, guest);
    joining.tcp.write(`connect-relay ${hosting.oid}\n`);
    targets.push(Number(await joining.next("connect-relay")));
    // Nobody gets much before it has spoken itself.
    const heard = once(guest, "message");
    await say(Number(await hosting.next("connect-relay")), "", owner);
    await heard;
    // Relays outlive their connections.
    for (const { tcp } of [hosting, joining]) tcp.destroy();
  }
}

/** The forwarder takes the first who speaks at a port for its player. */
async function pairAtForwarder({ port, pairs }: { port: number; pairs: number }) {
  for (let made = targets.length; made < pairs; made++) {
    await say(port + 2 * made + 1, "", owner);
    await say(port + 2 * made, "", guest);
    targets.push(port + 2 * made);
  }
}

async function send(order: z.infer<typeof sendOrder>): Promise<number> {
  received = 0;
  return await sendPaced(
    order,
    (number) => say(targets[number % targets.length] ?? 0, packet),
    () => received,
  );
}

process.on("message", async (given) => {
  const wish = order.parse(given);
  if (wish.what === "pair") await pair(wish);
  else if (wish.what === "bare") await pairAtForwarder(wish);
  process.send?.({ received: wish.what === "send" ? await send(wish) : 0 });
});
process.on("disconnect", () => process.exit());
process.send?.({ ready: true });
