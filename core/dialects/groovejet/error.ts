/** Why a groovejet client does not get what it wants: a type that stays, and a sentence. A closing of the socket follows, unless said otherwise. */
import { closures, type ProblemCode, problems } from "../../problem.ts";

export type ErrorMessage = {
  readonly type: "error";
  readonly errorType: string;
  readonly errorMessage: string;
};

/** How the client named its room: in its query (A and B), or in a message (C and D). The sentences differ. */
export type Asked = { readonly by: "query" | "message"; readonly code: string };

/** Characters of a code that are repeated in a sentence: the client's own words. */
const shownOfCode = 64;

/** The types of groovejet, with its sentences. `X`: the code as the client wrote it. */
const sentences = {
  missingRoomCode: { query: "Missing room code in query string", message: "Missing room code in request" },
  noRoomFound: { query: "No room exists with code X", message: "No room exists with code X" },
  hostDisconnected: {
    query: "The host for room X has disconnected",
    message: "No host connected for room X",
  },
  hostAlreadyExists: {
    query: "You're trying to connect as a host, but the room X already has a host",
    message: "The room X already has a host",
  },
} as const satisfies Record<string, Record<Asked["by"], string>>;

/** What a lobby's refusal means to a groovejet client. All others have a type that is the code, written as groovejet writes: `lobbyFull`. */
const types: { readonly [Code in ProblemCode]?: Record<Asked["by"], keyof typeof sentences> } = {
  // The code of a query was drawn by `POST /rooms`: its host has gone, or has not come yet.
  no_such_lobby: { query: "hostDisconnected", message: "noRoomFound" },
  host_away: { query: "hostDisconnected", message: "hostDisconnected" },
  host_present: { query: "hostAlreadyExists", message: "hostAlreadyExists" },
};

/** One of groovejet's own. */
export function error(errorType: keyof typeof sentences, { by, code }: Asked): ErrorMessage {
  const sentence = sentences[errorType][by];
  return { type: "error", errorType, errorMessage: sentence.replace("X", () => code.slice(0, shownOfCode)) };
}

/** What a client is told whose room refuses it. */
export function refusalError(codes: readonly ProblemCode[], asked: Asked): ErrorMessage {
  const [code = "internal"] = codes;
  const own = types[code];
  return own ? error(own[asked.by], asked) : problemError(code);
}

/** A refusal that groovejet does not know. */
export function problemError(code: ProblemCode): ErrorMessage {
  return { type: "error", errorType: camelCase(code), errorMessage: problems[code][1] };
}

/** What a client is told before the server closes its socket. */
export function closingError(why: keyof typeof closures): ErrorMessage {
  return { type: "error", errorType: camelCase(why), errorMessage: closures[why][1] };
}

function camelCase(code: string): string {
  return code.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
