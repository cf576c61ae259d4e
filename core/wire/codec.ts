/** Orion's message format, the same for WebSocket and UDP: `method:base64(JSON)`. */
import { decodeText, encodeText } from "./base64.ts";

export type Message = { method: string; payload: Record<string, unknown> };

export function encodeMessage(method: string, payload: object): string {
  return `${method}:${encodeText(JSON.stringify(payload))}`;
}

/** The message, split at the first colon, or null if the text is none. Never throws. */
export function decodeMessage(text: string): Message | null {
  const colon = text.indexOf(":");
  if (colon < 1) return null;
  const json = decodeText(text.slice(colon + 1));
  if (json === null) return null;
  const payload = parseObject(json);
  return payload && { method: text.slice(0, colon), payload };
}

/** An escape for one half of a character outside the 65 536 that UTF-16 can write in one unit. */
const surrogateEscape = /\\u[dD][89a-fA-F]/;

/**
 * The JSON object a text is, or null if it is anything else. Never throws. All texts in it are well-formed: escapes can
 * write half an emoji, on which clients in other languages fail, so each lone half is replaced by U+FFFD.
 */
export function parseObject(json: string): Record<string, unknown> | null {
  try {
    const value: unknown = surrogateEscape.test(json) ? JSON.parse(json, wellFormed) : JSON.parse(json);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function wellFormed(_key: string, value: unknown): unknown {
  return typeof value === "string" ? value.toWellFormed() : value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
