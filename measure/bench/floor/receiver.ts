/** The least that a sidecar can do: receive a datagram, look something up. Tells its parent the port. */
import { createSocket } from "node:dgram";

const seen = new Map<number, number>();
const socket = createSocket({ type: "udp6", recvBufferSize: 4 * 1024 * 1024 });
socket.on("message", (_, { port }) => {
  seen.set(port, (seen.get(port) ?? 0) + 1);
});
socket.bind(0, "::", () => process.send?.({ udpPort: socket.address().port }));
process.on("disconnect", () => process.exit());
