/** What clients send to a sidecar as text, told apart by its first bytes, and the datagram that Orion knows. */
import type { Endpoint } from "../endpoint.ts";
import { readAs } from "../shape.ts";
import { parseToken, type Token } from "../token.ts";
import { decodeMessage } from "./codec.ts";
import { candidatesShape } from "./endpoint.ts";
import { wireLimits } from "./limits.ts";

/** A token, its macs not yet checked, and what came with it, to be read by `readCandidates` when it is. */
export type Datagram = Token & { candidates?: unknown };

const decoder = new TextDecoder("utf-8", { fatal: true });
const prefixes = {
  connect: prefixOf("ptpMediation_connect"),
  probe: prefixOf("ptpMediation_probe"),
  bind: prefixOf("ptpRelay_bind"),
};

/** What a datagram says it is, or null for anything else. Allocates nothing. */
export function kindOf(bytes: Uint8Array): keyof typeof prefixes | null {
  if (begins(bytes, prefixes.connect)) return "connect";
  if (begins(bytes, prefixes.probe)) return "probe";
  return begins(bytes, prefixes.bind) ? "bind" : null;
}

/** `ptpMediation_connect:base64({"token":…})`, or null for anything else. Never throws, allocates nothing for junk. */
export function readDatagram(bytes: Uint8Array): Datagram | null {
  if (!begins(bytes, prefixes.connect)) return null;
  const payload = decodeMessage(toText(bytes))?.payload;
  const token = typeof payload?.token === "string" ? parseToken(payload.token) : null;
  return token && payload?.candidates !== undefined ? { ...token, candidates: payload.candidates } : token;
}

/** The local addresses a client says it has, or nothing if it does not know of them, or says something else. */
export function readCandidates(candidates: unknown): Endpoint[] | undefined {
  return candidates === undefined ? undefined : (readAs(candidatesShape, candidates) ?? undefined);
}

function begins(bytes: Uint8Array, prefix: Uint8Array): boolean {
  if (bytes.length > wireLimits.datagramBytes || bytes.length <= prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[i] !== prefix[i]) return false;
  return true;
}

function prefixOf(method: string): Uint8Array {
  return new TextEncoder().encode(`${method}:`);
}

function toText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return "";
  }
}
