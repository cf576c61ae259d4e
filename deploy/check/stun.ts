/** A client of STUN (RFC 8489): asks a server where this machine is seen, as a page's browser does. */
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { addressText, type Endpoint } from "../../core/endpoint.ts";

const magicCookie = Buffer.from("2112a442", "hex");

/** Milliseconds between two requests, as browsers begin; and of them all. */
const againMs = 250;
const usualPatienceMs = 3_000;

/** A binding request without attributes, as browsers send it. */
export function stunRequest(): Buffer {
  return Buffer.concat([Buffer.from("00010000", "hex"), magicCookie, randomBytes(12)]);
}

/** The endpoint that an answer to this request tells; null if it is none. */
export function mappedEndpoint(request: Buffer, answer: Buffer): Endpoint | null {
  const isAnswer = answer.length >= 32 && answer.readUInt16BE(0) === 0x0101;
  if (!isAnswer || !answer.subarray(4, 20).equals(request.subarray(4, 20))) return null;
  if (answer.readUInt16BE(20) !== 0x0020) return null;
  const length = answer[25] === 1 ? 4 : 16;
  const address = [...answer.subarray(28, 28 + length)].map((byte, i) => byte ^ (request[4 + i] ?? 0));
  return { ip: addressText(address), port: answer.readUInt16BE(26) ^ magicCookie.readUInt16BE(0) };
}

/** An allocation of TURN without a user: any server refuses it, and so shows that it is there. */
function turnRequest(): Buffer {
  const asksForUdp = Buffer.from("0019000411000000", "hex");
  return Buffer.concat([Buffer.from("00030008", "hex"), magicCookie, randomBytes(12), asksForUdp]);
}

export type Answer = { endpoint: Endpoint | null };

/** Asks this server until it answers. Null if it does not, throws if its name has no address. */
export async function askStun(
  { host, port }: { host: string; port: number },
  { kind = "stun", patienceMs = usualPatienceMs }: { kind?: "stun" | "turn"; patienceMs?: number } = {},
): Promise<Answer | null> {
  const { address, family } = await lookup(host);
  const socket = createSocket(family === 6 ? "udp6" : "udp4");
  const request = kind === "stun" ? stunRequest() : turnRequest();
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve) => {
      const giveUpAt = performance.now() + patienceMs;
      const send = () => {
        if (performance.now() > giveUpAt) return resolve(null);
        socket.send(request, port, address, () => {});
        timer = setTimeout(send, againMs);
      };
      // A closed port may say so: another request may still be answered.
      socket.on("error", () => {});
      socket.on("message", (answer) => {
        if (!answer.subarray(4, 20).equals(request.subarray(4, 20))) return;
        resolve({ endpoint: kind === "stun" ? mappedEndpoint(request, answer) : null });
      });
      send();
    });
  } finally {
    clearTimeout(timer);
    socket.close();
  }
}
