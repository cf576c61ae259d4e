/**
 * The least that a relay with a port for each player can do: receive a packet at one port, and send it from the other port of its pair, to
 * the one who was heard there. Tells its parent the first of its ports; pairs follow one another.
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";

const firstPort = 13_000;
const pairs = 1_000;

type Port = { socket: Socket; player: Pick<RemoteInfo, "address" | "port"> | null };

async function open(port: number): Promise<Port> {
  const socket = createSocket({
    type: "udp4",
    recvBufferSize: 512 * 1024,
    // As the sidecar does: Node's own look-up would put every packet off to the next tick.
    lookup: (literal, _, done) => done(null, literal, 4),
  });
  const listening = once(socket, "listening");
  socket.bind(port, "127.0.0.1");
  await listening;
  return { socket, player: null };
}

function forward(at: Port, by: Port): void {
  at.socket.on("message", (packet, player) => {
    at.player ??= player;
    if (by.player) by.socket.send(packet, by.player.port, by.player.address);
  });
}

for (let pair = 0; pair < pairs; pair++) {
  const [a, b] = [await open(firstPort + 2 * pair), await open(firstPort + 2 * pair + 1)];
  forward(a, b);
  forward(b, a);
}
process.send?.({ udpPort: firstPort });
process.on("disconnect", () => process.exit());
