import type { LifeLine } from "../core/lobby/life.ts";
import { parseObject } from "../core/wire/codec.ts";
import type { LocalLine } from "./free-space.ts";

type Details = { [name: string]: unknown };
type LifeEvent = LifeLine["event"];

/**
 * A line of a log, as a person reads it: the time on this machine's clock, and a sentence. A line that is not a JSON
 * object with `event` stays as it is.
 */
export function plainLine(line: string): string {
  const { time, level, event, ...details } = (line.startsWith("{") ? parseObject(line) : null) ?? {};
  if (typeof event !== "string") return line;
  const { sentence, rest } = sentenceOf(event, details);
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

/** What an operator often reads, as a sentence; anything else by its name. `rest` is what the sentence does not say. */
function sentenceOf(event: string, details: Details): { sentence: string; rest: Details } {
  const { lobbyId, leftOut, ...about } = details;
  const words = Object.hasOwn(lifeWords, event)
    ? lifeWords[event as LifeEvent]({ ...about, lobbyId })
    : undefined;
  if (words !== undefined) return { sentence: words, rest: leftOut === undefined ? {} : { leftOut } };
  if (event === "request_refused" && typeof details.method === "string") {
    const { method, path, upgrade, status, code, ...rest } = details;
    const asked = upgrade === undefined ? method : "WebSocket";
    return { sentence: `refused ${asked} ${path}: ${status} ${code}`, rest };
  }
  const sentence = Object.hasOwn(sentences, event) ? sentences[event] : undefined;
  return { sentence: sentence ?? event.replaceAll("_", " "), rest: details };
}

const goings = new Map<unknown, string>([
  ["lost", "was lost from"],
  ["kicked", "was removed from"],
  ["banned", "was banned from"],
  ["replaced", "lost its place in"],
]);

/** The lines of core/lobby/life.ts. */
const lifeWords: { [event in LifeEvent]: (line: Details) => string } = {
  lobby_opened: ({ name, lobbyId, isPublic, maxMembers }) =>
    `${name} opened ${lobbyId} (${isPublic ? "public" : "private"}, up to ${maxMembers})`,
  member_joined: ({ name, lobbyId, members }) => `${name} joined ${lobbyId} (${members} members)`,
  member_left: ({ name, lobbyId, why, members }) =>
    `${name} ${goings.get(why) ?? "left"} ${lobbyId} (${members} ${members === 1 ? "member" : "members"})`,
  member_away: ({ name, lobbyId }) => `${name} lost its connection to ${lobbyId}, and may return`,
  member_back: ({ name, lobbyId }) => `${name} is back in ${lobbyId}`,
  host_changed: ({ name, lobbyId, term }) => `${name} is host ${term} of ${lobbyId}`,
  mediation_started: ({ lobbyId, members, newcomers }) =>
    newcomers === undefined
      ? `${lobbyId} connects its ${members} members`
      : `${lobbyId} connects ${newcomers} more`,
  members_seen: ({ lobbyId, seen, of }) => `${lobbyId} seen ${seen} of ${of}`,
  member_left_out: ({ lobbyId, name }) => `${lobbyId} goes on without ${name}`,
  mediation_aborted: ({ lobbyId, code, ms }) => `${lobbyId} not connected: ${code} after ${seconds(ms)}`,
  members_connected: ({ lobbyId, connected, of, via, ms }) =>
    `${lobbyId} connected ${connected} of ${of}${paths(via)} in ${seconds(ms)}`,
  lobby_closed: ({ lobbyId, why }) => `${lobbyId} closed: ${why}`,
};

/** The lines of a sidecar, of the storage, and of the door. */
const sentences: { [event: string]: string } = {
  answers_not_reaching_players: "this sidecar's answers do not reach players",
  connections_accepted: "new connections are taken again",
  connections_refused: "too many connections: no new ones until some end",
  datagrams_refused: "datagrams were refused",
  gateway_listening: "a gateway listens",
  gateway_not_started: "a gateway has not started",
  gateways_not_served: "the edge does not serve the gateways: they wait",
  gateways_served: "the edge serves the gateways again",
  log_lines_lost: "lines of this log were lost",
  observations_not_accepted: "the edge does not take players' addresses",
  receive_buffer_small: "the system holds fewer datagrams than this sidecar wants",
  settings_ignored: "these settings change nothing here",
  sidecar_accepted: "the edge knows this sidecar",
  sidecar_failed: "this sidecar has failed",
  sidecar_listening: "this sidecar listens on UDP ports",
  sidecar_not_accepted: "the edge does not take this sidecar",
  storage_almost_full: "storage is almost full: no new players or lobbies until there is room",
  storage_has_room: "storage has room again",
} satisfies { [event in LocalLine["event"]]: string };

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
