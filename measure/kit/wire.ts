/** The wire as a stranger sees it: written from docs/protocol.md, without the product's own codec. */
import { type Shape, wrong } from "../../core/shape.ts";

export type Message = { method: string; payload: Record<string, unknown> };

export function encode(method: string, payload: object): string {
  return `${method}:${Buffer.from(JSON.stringify(payload)).toString("base64")}`;
}

export function decode(text: string): Message {
  const colon = text.indexOf(":");
  const json = Buffer.from(text.slice(colon + 1), "base64").toString();
  return { method: text.slice(0, colon), payload: JSON.parse(json) };
}

/** What a shape describes of a value. Throws if it does not describe it. */
export function readBy<T>(shape: Shape<T>, value: unknown): T {
  const read = shape(value);
  if (read === wrong) throw new Error(`not as described: ${JSON.stringify(value)}`);
  return read;
}
