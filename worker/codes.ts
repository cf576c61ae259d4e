/** The deployment's code book: which home a lobby's code belongs to. */
import { type CodeBook, codeBook, codeBookBytes, homeOfLobby } from "../core/lobby/lobby-id.ts";
import { type Env, settingsOf } from "./env.ts";
import { keyStream } from "./keys.ts";

/** Made once in an isolate, in about a millisecond. */
let known: { secret: string; book: CodeBook } | null = null;

export async function codesOf(env: Env): Promise<CodeBook> {
  const { homes } = settingsOf(env);
  const secret = env.ORION_SECRET ?? "";
  if (known?.secret !== secret || known.book.homes !== homes) {
    const random = await keyStream(env, codeBookBytes);
    known = { secret, book: codeBook(homes, random) };
  }
  return known.book;
}

/** The home that a lobby lives in, if it is open; null for a code that no lobby can have. */
export async function homeOf(env: Env, lobbyId: string): Promise<string | null> {
  const home = homeOfLobby(await codesOf(env), lobbyId);
  return home === null ? null : String(home);
}
