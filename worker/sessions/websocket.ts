import { wireLimits } from "../../core/wire/limits.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Whether a message has more bytes than a client may send at once. */
export function isTooLarge(data: string | ArrayBuffer): boolean {
  if (typeof data !== "string") return data.byteLength > wireLimits.frameBytes;
  // A UTF-16 unit is one to three bytes of UTF-8: most lengths settle it.
  if (data.length * 3 <= wireLimits.frameBytes) return false;
  return data.length > wireLimits.frameBytes || encoder.encode(data).byteLength > wireLimits.frameBytes;
}

/** A message as text, or null if its bytes are not UTF-8. Godot sends texts in binary frames unless it is told not to. */
export function messageText(data: string | ArrayBuffer): string | null {
  if (typeof data === "string") return data;
  try {
    return decoder.decode(data);
  } catch {
    return null;
  }
}

/** Whether a close code may be sent. RFC 6455, 7.4: the rest are reserved. */
export function isSendable(code: number): boolean {
  return code >= 1000 && code < 5000 && ![1004, 1005, 1006, 1015].includes(code);
}
