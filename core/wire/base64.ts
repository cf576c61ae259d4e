/** Standard base64 with padding, of bytes or of a text's UTF-8. */

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
// ASCII: its UTF-8 is itself.
const ascii = /^[\0-\x7f]*$/;

export function encodeBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** URL-safe and without padding, as tokens carry it. */
export function encodeBase64Url(bytes: Uint8Array): string {
  return urlSafe(encodeBase64(bytes));
}

/** The same of a text whose characters are bytes. */
export function base64UrlOf(latin1: string): string {
  return urlSafe(btoa(latin1));
}

function urlSafe(base64: string): string {
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function encodeText(text: string): string {
  return ascii.test(text) ? btoa(text) : encodeBase64(encoder.encode(text));
}

/** The text, or null if it is no base64 (padded or not, standard or URL-safe) or its bytes are no UTF-8. */
export function decodeText(base64: string): string | null {
  try {
    const binary = atob(base64.replaceAll("-", "+").replaceAll("_", "/"));
    if (ascii.test(binary)) return binary;
    return decoder.decode(Uint8Array.from(binary, (char) => char.charCodeAt(0)));
  } catch {
    return null;
  }
}

/** The bytes of what `encodeBase64Url` made, or null for any other text. */
export function decodeBase64Url(text: string): Uint8Array | null {
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
    return encodeBase64Url(bytes) === text ? bytes : null;
  } catch {
    return null;
  }
}
