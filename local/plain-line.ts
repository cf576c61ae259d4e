import { parseObject } from "../core/wire/codec.ts";

/** A line of a log, as a person reads it: what it is about, and the details in brackets. One that is no JSON object with `what` stays as it is. */
export function plainLine(line: string): string {
  const { level, what, ...details } = (line.startsWith("{") ? parseObject(line) : null) ?? {};
  if (typeof what !== "string") return line;
  const text = Object.keys(details).length > 0 ? `${what} (${listed(details)})` : what;
  return harmless(level === "error" ? `error: ${text}` : text);
}

function listed(details: object): string {
  return Object.entries(details)
    .map(([name, value]) =>
      typeof value === "object" && value !== null ? `${name}: ${listed(value)}` : `${name} ${value}`,
    )
    .join(", ");
}

/** What it quotes does nothing to a terminal, and begins no line. */
function harmless(text: string): string {
  return text.replace(/\p{Cc}/gu, (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
