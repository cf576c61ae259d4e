/** A server before a client is in a lobby: where it is, and which lobbies it lists. */
import { fields, lenient, listOf, number, oneOf, optional, text, truth } from "../core/shape.ts";
import { dataShape } from "../core/wire/data.ts";
import type { ListedLobby } from "../core/wire/http.ts";
import { privacies } from "../core/wire/privacy.ts";
import { sessionError } from "./error.ts";
import { ping, request } from "./http.ts";
import { inTime, retry } from "./retry.ts";

const listAnswer = fields({
  lobbies: listOf(
    fields({
      name: text(),
      id: text(),
      currentMembers: number(),
      maxMembers: number(),
      privacy: lenient(oneOf(privacies)),
      locked: lenient(truth),
      hasPassword: lenient(truth),
      full: lenient(truth),
      encryption: lenient(oneOf(["required"])),
      game: lenient(text()),
      title: lenient(text()),
      data: lenient(dataShape),
    }),
  ),
  cursor: optional(text()),
});

/**
 * Which public lobbies to list. `limit`: at most so many, 1 to 200. `cursor`: where the page before ended. `where`: conditions,
 * like `skill:lte:1200`. `sort`: a field or a key, with `-` before it for the greatest first. `open`: only those that can be joined.
 */
export type ListQuery = {
  name?: string | undefined;
  game?: string | undefined;
  where?: readonly string[] | undefined;
  sort?: string | undefined;
  open?: boolean | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
};
/** The oldest lobby first, unless they are sorted. There is a cursor if there may be more. */
export type LobbyPage = { lobbies: ListedLobby[]; cursor?: string | undefined };

/**
 * The URL of a server that answers. Its path ends with a slash. Tries for up to 10 s. Throws `invalid_url`,
 * `not_orion`, `unreachable`, `unanswered` or `aborted`.
 */
export async function findServer(url: string | URL, signal?: AbortSignal): Promise<URL> {
  const server = serverUrl(url);
  await retry((ending) => ping(server, ending), signal);
  return server;
}

/** The server's URL, its path with a slash at the end. Throws `invalid_url`. */
export function serverUrl(url: string | URL): URL {
  const server = parsedUrl(url);
  if (!server || !/^https?:$/.test(server.protocol) || server.username || server.password) {
    throw sessionError("invalid_url");
  }
  server.search = server.hash = "";
  if (!server.pathname.endsWith("/")) server.pathname += "/";
  return server;
}

/** One page of the public lobbies. Throws the server's refusal, `unreachable`, `unanswered` or `aborted`. */
export async function listLobbies(server: URL, query: ListQuery, signal?: AbortSignal): Promise<LobbyPage> {
  const url = new URL("lobbies", server);
  for (const [key, value] of Object.entries(query).flatMap(eachOf)) {
    if (value !== undefined && value !== "") url.searchParams.append(key, String(value));
  }
  return await inTime((ending) => request(url, listAnswer, { signal: ending }), signal);
}

function eachOf([key, value]: [string, ListQuery[keyof ListQuery]]) {
  return typeof value === "object" ? value.map((one) => [key, one] as const) : [[key, value] as const];
}

/** Not `URL.parse`: many browsers do not have it yet. */
function parsedUrl(url: unknown): URL | null {
  try {
    return new URL(String(url));
  } catch {
    return null;
  }
}
