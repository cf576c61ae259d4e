/** The least that a relay can do: receive a packet, look its link up, send it to the other end. Tells its parent the port. */
import { createSocket, type RemoteInfo } from "node:dgram";

type End = Pick<RemoteInfo, "address" | "port">;

const links = new Map<number, { a: End; b: End | null }>();
const socket = createSocket({ type: "udp6", recvBufferSize: 4 * 1024 * 1024 });
socket.on("message", (packet, { address, port }) => {
  const number = packet.readUIntBE(1, 6);
  const link = links.get(number);
  // Its ends are the first two that say something.
  if (!link) links.set(number, { a: { address, port }, b: null });
  else if (!link.b) link.b = { address, port };
  else {
    const to = link.a.port === port ? link.b : link.a;
    socket.send(packet, to.port, to.address);
  }
});
socket.bind(0, "::", () => process.send?.({ udpPort: socket.address().port }));
process.on("disconnect", () => process.exit());
