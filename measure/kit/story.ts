/** What one player lived through, in the order it saw it: what promises are checked against. */
import type { Message } from "./wire.ts";

/**
 * `at` is in milliseconds since 1970. An answer has its question's number; a status of 0 is none at all. The path of a question is that
 * of a POST, or has another method before it. A snapshot is `bytes`.
 */
export type Entry = { at: number } & (
  | { kind: "heard"; message: Message }
  | { kind: "said"; method: string; payload: Record<string, unknown> }
  | { kind: "asked"; nr: number; path: string; body: Record<string, unknown> }
  | { kind: "answered"; nr: number; status: number; body: Record<string, unknown> | null }
  | { kind: "closed"; code: number }
);

/** A line for people, without tokens. */
export function lineOf(entry: Entry, began: number): string {
  const ms = String(entry.at - began).padStart(7);
  switch (entry.kind) {
    case "heard":
      return `${ms} heard ${entry.message.method} ${quiet(entry.message.payload)}`;
    case "said":
      return `${ms} said ${entry.method} ${quiet(entry.payload)}`;
    case "asked":
      return `${ms} asked (${entry.nr}) ${entry.path} ${quiet(entry.body)}`;
    case "answered":
      return `${ms} was answered (${entry.nr}) ${entry.status || "nothing"} ${quiet(entry.body)}`;
    case "closed":
      return `${ms} socket closed, ${entry.code}`;
  }
}

const secrets = new Set(["token", "secretToken", "resumeKey", "key", "passKey", "ticket"]);

function quiet(what: Record<string, unknown> | null): string {
  return JSON.stringify(what, (name, value) => (secrets.has(name) ? "…" : value)).slice(0, 240);
}
