import { parseObject } from "../core/wire/codec.ts";

type Details = { [name: string]: unknown };

/**
 * A line of a log, as a person reads it: the time on this machine's clock, and a sentence. A line that is not a JSON
 * object with `what` stays as it is.
 */
export function plainLine(line: string): string {
  const { time, level, what, ...details } = (line.startsWith("{") ? parseObject(line) : null) ?? {};
  if (typeof what !== "string") return line;
  const { sentence, rest } = sentenceOf(what, details);
  const text = Object.keys(rest).length > 0 ? `${sentence} (${listed(rest)})` : sentence;
  return harmless(`${clockOf(time)}${level === "error" ? "error: " : ""}${text}`);
}

/** The time of day, with a space after it; nothing for a line that has none. */
function clockOf(time: unknown): string {
  const date = new Date(typeof time === "string" ? time : Number.NaN);
  if (Number.isNaN(date.getTime())) return "";
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()];
  return `${parts.map((part) => String(part).padStart(2, "0")).join(":")} `;
}

/** What happens all the time, in words; anything else by its name. `rest` is what the sentence does not say. */
function sentenceOf(what: string, details: Details): { sentence: string; rest: Details } {
  const { lobbyId, leftOut, ...about } = details;
  const words = Object.hasOwn(lifeWords, what) ? lifeWords[what]?.({ ...about, lobbyId }) : undefined;
  if (words !== undefined) return { sentence: words, rest: leftOut === undefined ? {} : { leftOut } };
  if (what === "refused" && typeof details.method === "string") {
    const { method, path, upgrade, status, code, ...rest } = details;
    const asked = upgrade === undefined ? method : "WebSocket";
    return { sentence: `refused ${asked} ${path}: ${status} ${code}`, rest };
  }
  return { sentence: what, rest: details };
}

/** The lines of core/lobby/life.ts. */
const lifeWords: { [what: string]: (line: Details) => string } = {
  "lobby opened": ({ name, lobbyId, isPublic, maxMembers }) =>
    `${name} opened ${lobbyId} (${isPublic ? "public" : "private"}, up to ${maxMembers})`,
  "member joined": ({ name, lobbyId, members }) => `${name} joined ${lobbyId} (${members} members)`,
  "member left": ({ name, lobbyId, why, members }) =>
    `${name} ${why === "lost" ? "was lost from" : "left"} ${lobbyId} (${members} ${members === 1 ? "member" : "members"})`,
  "mediation started": ({ lobbyId, members }) => `${lobbyId} connects its ${members} members`,
  "members seen": ({ lobbyId, seen, of }) => `${lobbyId} seen ${seen} of ${of}`,
  "member left out": ({ lobbyId, name }) => `${lobbyId} goes on without ${name}`,
  "mediation aborted": ({ lobbyId, code, ms }) => `${lobbyId} not connected: ${code} after ${seconds(ms)}`,
  "members connected": ({ lobbyId, connected, of, via, ms }) =>
    `${lobbyId} connected ${connected} of ${of}${paths(via)} in ${seconds(ms)}`,
  "lobby closed": ({ lobbyId, why }) => `${lobbyId} closed: ${why}`,
};

/** How many by which path. Clients that know only the Orion protocol do not say. */
function paths(via: unknown): string {
  const known = Object.entries(via ?? {}).filter(([path]) => path !== "unknown");
  return known.length > 0 ? ` (${known.map(([path, count]) => `${count} ${path}`).join(", ")})` : "";
}

function seconds(ms: unknown): string {
  return `${(Number(ms) / 1000).toFixed(1)} s`;
}

function listed(details: object): string {
  return Object.entries(details)
    .map(([name, value]) =>
      typeof value === "object" && value !== null ? `${name}: ${listed(value)}` : `${name} ${value}`,
    )
    .join(", ");
}

/** Text that a line quotes must not command a terminal, nor begin a line of its own. */
function harmless(text: string): string {
  return text.replace(/\p{Cc}/gu, (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
