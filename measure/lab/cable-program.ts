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

const cables = z
  .array(z.object({ delayMs: z.number(), lossPercent: z.number() }))
  .parse(JSON.parse(process.argv[2] ?? ""));

/** Bytes of a VXLAN header, and where its 24 bits of network are. */
const headerLength = 8;
const networkAt = 4;

const socket = createSocket({ type: "udp4", recvBufferSize: 4 * 1024 ** 2 });
socket.on("message", (datagram) => {
  if (datagram.length <= headerLength) return;
  const network = datagram.readUIntBE(networkAt, 3);
  const troubles = cables[network >> 1];
  if (!troubles || Math.random() * 100 < troubles.lossPercent) return;
  datagram.writeUIntBE(network ^ 1, networkAt, 3);
  completeChecksum(datagram.subarray(headerLength));
  setTimeout(() => socket.send(datagram, kernelEnd.port, kernelEnd.address), troubles.delayMs / 2);
});
socket.bind(programEnd.port, programEnd.address, () => console.log("ready"));
process.stdin.on("end", () => process.exit()).resume();
