/**
 * The lab's long cables: a program in a namespace of its own that hands on what comes in at one end of a cable to the
 * other, late, or not at all. Few kernels are built with netem, which would do the same; VXLAN, which carries frames in
 * datagrams of UDP (RFC 7348), is in nearly all.
 *
 * Its argument is a list of troubles as JSON. The ends of cable `i` are the networks `2 * i` and `2 * i + 1`. It ends when its input does.
 */
import { createSocket } from "node:dgram";
import * as z from "zod";
import { kernelEnd, programEnd } from "./cable.ts";
import { completeChecksum } from "./checksum.ts";

const gaps = z.object({ everyMs: z.number(), forMs: z.number() });
const troubles = z.object({
  delayMs: z.number(),
  lossPercent: z.number(),
  jitterMs: z.number().default(0),
  gaps: gaps.optional(),
});
const cables = z
  .array(troubles)
  .parse(JSON.parse(process.argv[2] ?? ""))
  .map((troubles) => ({ troubles, isOpen: true }));
/** The directions of all cables: the packets under way, and when the last of them leaves, at the earliest. */
const directions = cables.flatMap(() => [newDirection(), newDirection()]);

/** Bytes of a VXLAN header, and where its 24 bits of network are. */
const headerLength = 8;
const networkAt = 4;

const socket = createSocket({ type: "udp4", recvBufferSize: 4 * 1024 ** 2 });
socket.on("message", (datagram) => {
  if (datagram.length <= headerLength) return;
  const network = datagram.readUIntBE(networkAt, 3);
  const cable = cables[network >> 1];
  const direction = directions[network];
  if (!direction || !cable?.isOpen || Math.random() * 100 < cable.troubles.lossPercent) return;
  const { delayMs, jitterMs } = cable.troubles;
  datagram.writeUIntBE(network ^ 1, networkAt, 3);
  completeChecksum(datagram.subarray(headerLength));
  const now = performance.now();
  direction.lastAt = Math.max(now + delayMs / 2 + Math.random() * jitterMs, direction.lastAt);
  direction.underWay.push(datagram);
  // After a stall, timers of different lengths fire in any order. Whichever fires, the oldest packet leaves.
  setTimeout(() => {
    const oldest = direction.underWay.shift();
    if (oldest) socket.send(oldest, kernelEnd.port, kernelEnd.address);
  }, direction.lastAt - now);
});
for (const cable of cables) {
  const { gaps } = cable.troubles;
  if (!gaps) continue;
  const open = () => {
    cable.isOpen = true;
    // Exponential: a gap may come at any time, however long the last one is over.
    setTimeout(close, -Math.log(1 - Math.random()) * gaps.everyMs);
  };
  const close = () => {
    cable.isOpen = false;
    setTimeout(open, gaps.forMs);
  };
  open();
}
socket.bind(programEnd.port, programEnd.address, () => console.log("ready"));
process.stdin.on("end", () => process.exit()).resume();

function newDirection(): { underWay: Buffer[]; lastAt: number } {
  return { underWay: [], lastAt: 0 };
}
