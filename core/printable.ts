/** Text from strangers, as it may stand in a log: bounded, harmless in a terminal, and without a secret. */
import { readLobbyId } from "./lobby/code.ts";
import { wireLimits } from "./wire/limits.ts";

/** A client's token (token.ts), anywhere in a text. */
export const tokenShape = /[\w-]{2,43}\.[\w-]{16}(?:\.[\w-]{1,11}){0,2}(?:\.[\w-]{22}){1,2}/g;

/** A player's or a lobby's name: control characters and the like are question marks. */
export function printableName(name: string): string {
  return name
    .replace(tokenShape, "(a token)")
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "?")
    .slice(0, wireLimits.nameLength);
}

/** Segments of a path that are logged. The longest path of the service has four. */
const mostSegments = 5;

/** Words of the service's paths, and what browsers and crawlers ask every server for. */
const knownWords: ReadonlySet<string> = new Set([
  ...["lobbies", "join", "ptp", "start", "stop", "proceed", "ping", "sidecar", "heartbeat", "observations"],
  ...["leave", "resume", "host", "kick", "bans", "members", "me", "snapshot", "match"],
  ...["operator", "api", "now", "charts", "find", "close", "ban"],
  ...["favicon.ico", "favicon.svg", "robots.txt", "healthz"],
]);

/** What a code follows in the paths of the service. */
const wordBeforeCode = "lobbies";

/**
 * The path of a request, without its query. A stranger can put a token, a key or an address there, and a player a code with a typing
 * mistake, which is a word like any other. So only words that are known here are shown, and for a lobby's code its tag. Anything else is
 * an ellipsis, and so is any word in the place of a code.
 */
export function printablePath(pathname: string, tagOf: (lobbyId: string) => string): string {
  const [, ...segments] = pathname.split("/");
  let before = "";
  const shown = segments.slice(0, mostSegments).map((segment) => {
    if (segment === "") return "";
    const isKnown = knownWords.has(segment) && before !== wordBeforeCode;
    before = segment;
    if (isKnown) return segment;
    // Clients write the colon of a dialect's name percent-encoded.
    const lobbyId = readLobbyId(segment.replace(/%3a/i, ":"));
    return lobbyId === null ? "…" : tagOf(lobbyId);
  });
  return `/${shown.join("/")}${segments.length > mostSegments ? "/…" : ""}`;
}
