/** A client of STUN: what a page's browser sends, and reads. */
import { randomBytes } from "node:crypto";
import { addressText, type Endpoint } from "../../core/endpoint.ts";

const magicCookie = Buffer.from("2112a442", "hex");

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
