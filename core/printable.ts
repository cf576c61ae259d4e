/** Text from strangers, as it may stand in a log: bounded, harmless in a terminal, and without a secret. */
import { readCode } from "./lobby/code.ts";
import { shortestSecret } from "./token.ts";
import { wireLimits } from "./wire/limits.ts";

/** A client's token (token.ts), anywhere in a text. */
export const tokenShape = /[\w-]{2,43}\.[\w-]{16}(?:\.[\w-]{1,11}){0,2}\.[\w-]{22}/g;

/** A player's or a lobby's name: control characters and the like are question marks. */
export function printableName(name: string): string {
  return name
    .replace(tokenShape, "(a token)")
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "?")
    .slice(0, wireLimits.nameLength);
}

/** Segments of a path that are logged. The longest path of the service has four. */
const mostSegments = 5;

/**
 * The path of a request, without its query. A stranger can put a token, a key or an address there, so only plain words are shown,
 * and for a lobby's code its tag; anything else is an ellipsis.
 */
export function printablePath(pathname: string, tagOf: (code: string) => string): string {
  const [, ...segments] = pathname.split("/");
  const shown = segments.slice(0, mostSegments).map((segment, i) => {
    const code = segment === startWord && i !== codePlace ? null : readCode(segment);
    if (code !== null) return tagOf(code);
    return isWord(segment) ? segment : "…";
  });
  return `/${shown.join("/")}${segments.length > mostSegments ? "/…" : ""}`;
}

/** The one word in the paths of the service that may be a code as well, and the segment where a code stands. */
const startWord = "start";
const codePlace = 1;

/** Nothing, or a word like `wp-login.php`. Every secret is longer. */
function isWord(segment: string): boolean {
  return segment === "" || (segment.length < shortestSecret && /^[a-z][a-z_-]*(\.[a-z]+)?$/i.test(segment));
}
