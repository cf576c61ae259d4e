/**
 * Which language a client speaks that opens a WebSocket. Orion and groovejet share one port, and both take an upgrade on any path.
 *
 * groovejet's older clients (forms A and B) name their room in the query, which no client of Orion's has. Its newer ones (C and D) have no
 * query, and wait for `identity` before they say anything. They are web pages. Browsers say where a page is from in each upgrade (RFC 6455,
 * 4.1), and Orion's clients are games that send UDP, which no page can. So a page may be either, and is told both `client_registered` and
 * `identity`: each ignores the other's. A client that is no page hears what it always heard. On `/groovejet` each client speaks groovejet.
 */
export type Form =
  /** Orion, unless it says otherwise by its first message. */
  | { readonly kind: "orion" }
  /** A page on no path of Orion's own: its first message, or its first request, decides. */
  | { readonly kind: "either" }
  /** C and D: what it wants, it says in messages. */
  | { readonly kind: "messages" }
  /** A and B: its room is in the query. `code`: null if there is not exactly one. */
  | { readonly kind: "query"; readonly code: string | null; readonly isHost: boolean };

/** Of a URL: its path, and its query's parameters. */
type Address = {
  pathname: string;
  searchParams: { has(name: string): boolean; getAll(name: string): string[] };
};

/** The path on which every client speaks groovejet. Also that of the Worker's request to the lounge. */
export const groovejetPath = "/groovejet";
/** The path of the Worker's request to the lounge for a client that may be either. */
export const eitherPath = "/either";

/** `url`: of the upgrade. `origin`: what its header of that name says, or null. */
export function formOf({ pathname, searchParams }: Address, origin: string | null): Form {
  const [, root] = pathname.split("/");
  if (root === "lobbies") return { kind: "orion" };
  if (searchParams.has("code") || searchParams.has("host")) {
    const codes = searchParams.getAll("code");
    const [code = null] = codes;
    return {
      kind: "query",
      code: codes.length === 1 ? code : null,
      // Whatever its value is.
      isHost: searchParams.getAll("host").length === 1,
    };
  }
  if (`/${root}` === groovejetPath) return { kind: "messages" };
  return { kind: origin === null ? "orion" : "either" };
}

/** The form, as the path of the Worker's request to the lounge that takes the socket. */
export function pathFor(form: Form): string {
  switch (form.kind) {
    case "orion":
      return "/";
    case "either":
      return eitherPath;
    case "messages":
      return groovejetPath;
    case "query": {
      // Two codes are none.
      const code = form.code === null ? "code&code" : `code=${encodeURIComponent(form.code.toWellFormed())}`;
      return `${groovejetPath}?${code}${form.isHost ? "&host" : ""}`;
    }
  }
}

/** What `pathFor` has made a path of. */
export function formIn(url: Address): Form {
  return url.pathname === eitherPath ? { kind: "either" } : formOf(url, null);
}
