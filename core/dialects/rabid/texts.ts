/**
 * The texts of Rabid Hole Punch: one datagram a message, UTF-8, fields separated by colons, the first of them the type.
 *
 *     h:SESSION:PLAYER:MAX[:PASS]   hosts a session        p:SESSION:PLAYER   is there
 *     c:SESSION:PLAYER[:PASS]       joins one              k:SESSION:PLAYER   removes that player
 *     s:SESSION:PLAYER              starts                 x:SESSION:PLAYER   leaves
 *     y:SESSION:PLAYER              has heard the start
 *
 * The answers are `i:` and the names of all, `s:` and where all the others are, or `error:` and a code.
 */
import type { Endpoint } from "../../endpoint.ts";

export type HostRequest = {
  kind: "host";
  session: string;
  player: string;
  maxMembers: number;
  password: string | undefined;
};
export type JoinRequest = { kind: "join"; session: string; player: string; password: string | undefined };
/** `player`: of a kick, the one to remove; of a start it may be anybody. */
export type PlayerRequest = {
  kind: "ping" | "kick" | "exit" | "start" | "confirm";
  session: string;
  player: string;
};
export type RabidRequest = HostRequest | JoinRequest | PlayerRequest;

/** `invalid`: the sender is told so. `unknown`: it is not answered. `unreadable`: no UTF-8, and not answered either. */
export type NoRequest = { kind: "invalid" | "unknown" | "unreadable" };

/** What the plugin knows, and ends its session on: all but `non_host_player` and `only_one_player_in_session`. */
export type RabidError =
  | "invalid_request"
  | "session_exists"
  | "session_non_existent"
  | "password_mismatch"
  | "only_one_player_in_session"
  | "session_full"
  | "player_name_in_use"
  | "non_existent_player"
  | "non_host_player"
  | "kicked_by_host"
  | "player_exited_session"
  | "session_not_started"
  | "session_timeout"
  | "player_timeout";

const host = /^([A-Za-z0-9]{1,10}):([A-Za-z0-9]{1,12}):([2-9]|1[0-2])(?::([A-Za-z0-9]{1,12}))?$/;
const join = /^([A-Za-z0-9]{1,10}):([A-Za-z0-9]{1,12})(?::([A-Za-z0-9]{1,12}))?$/;
const other = /^([A-Za-z0-9]{1,10}):([A-Za-z0-9]{1,12})$/;

const kinds: { readonly [type: string]: RabidRequest["kind"] } = {
  h: "host",
  c: "join",
  p: "ping",
  k: "kick",
  x: "exit",
  s: "start",
  y: "confirm",
};

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What a datagram asks for. A line feed at its end counts for nothing: the original takes one, by accident. Never throws. */
export function readRequest(bytes: Uint8Array): RabidRequest | NoRequest {
  const text = textOf(bytes);
  if (text === null) return { kind: "unreadable" };
  const colon = text.indexOf(":");
  if (colon < 0) return { kind: "invalid" };
  const type = text.slice(0, colon);
  const kind = Object.hasOwn(kinds, type) ? kinds[type] : undefined;
  if (!kind) return { kind: "unknown" };
  const end = text.endsWith("\n") ? -1 : undefined;
  return requestOf(kind, text.slice(colon + 1, end)) ?? { kind: "invalid" };
}

function requestOf(kind: RabidRequest["kind"], rest: string): RabidRequest | null {
  if (kind === "host") {
    const [, session, player, max, password] = host.exec(rest) ?? [];
    return session && player ? { kind, session, player, maxMembers: Number(max), password } : null;
  }
  const [, session, player, password] = (kind === "join" ? join : other).exec(rest) ?? [];
  if (!session || !player) return null;
  return kind === "join" ? { kind, session, player, password } : { kind, session, player };
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

/** The names of all players of a session in order of arrival, the host first. */
export function infoText(names: readonly string[]): string {
  return `i:${names.join(":")}`;
}

export function errorText(error: RabidError): string {
  return `error:${error}`;
}

export type NamedEndpoint = { name: string } & Endpoint;

/** `port`: the receiver's own, as the server sees it. `others`: of IPv4, the host first. */
export function startText(port: number, others: readonly NamedEndpoint[]): string {
  return `s:${port}:${others.map(({ name, ip, port }) => `${name}:${ip}:${port}`).join(";")}`;
}
