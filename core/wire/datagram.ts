/** The one datagram clients send: `ptpMediation_connect:base64({"token":…})`. */
import { limits } from "../limits.ts";
import { parseToken, type Token } from "../token.ts";
import { decodeMessage } from "./codec.ts";

const method = "ptpMediation_connect";
const prefix = new TextEncoder().encode(`${method}:`);
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The token a datagram carries, its mac not yet checked, or null for anything else. Never throws, allocates nothing for junk. */
export function readDatagram(bytes: Uint8Array): Token | null {
  if (bytes.length > limits.datagramBytes || bytes.length <= prefix.length) return null;
  for (let i = 0; i < prefix.length; i++) if (bytes[i] !== prefix[i]) return null;
  const token = decodeMessage(toText(bytes))?.payload.token;
  return typeof token === "string" ? parseToken(token) : null;
}

function toText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return "";
  }
}
