import { limits } from "../core/limits.ts";

const encoder = new TextEncoder();

/** Whether a message has more bytes than a client may send at once. */
export function isTooLarge(data: string | ArrayBuffer): boolean {
  if (typeof data !== "string") return data.byteLength > limits.frameBytes;
  // A UTF-16 unit is one to three bytes of UTF-8: most lengths settle it.
  if (data.length * 3 <= limits.frameBytes) return false;
  return data.length > limits.frameBytes || encoder.encode(data).byteLength > limits.frameBytes;
}

/** Whether a close code may be sent. RFC 6455, 7.4: the rest are reserved. */
export function isSendable(code: number): boolean {
  return code >= 1000 && code < 5000 && ![1004, 1005, 1006, 1015].includes(code);
}
