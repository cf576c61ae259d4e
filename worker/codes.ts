/** The deployment's code book: which home a lobby's code belongs to. */
import { type CodeBook, codeBook, codeBookBytes, homeOfLobby } from "../core/lobby/lobby-id.ts";
import { type Env, settingsOf } from "./env.ts";
import { keyStream, secretsOf } from "./keys.ts";

/** By secret, those of one number of homes. A book is made once in an isolate, in about a millisecond. */
const known = new Map<string, CodeBook>();
/** A deployment has two at most. */
const booksKept = 4;

/** The book that new lobbies get their codes from. */
export async function codesOf(env: Env): Promise<CodeBook> {
  return await bookOf(env, secretsOf(env)[0]);
}

/**
 * The homes that a lobby may live in, if it is open, the likeliest first; none for a code that no lobby can have. They
 * are two while one secret follows another: lobbies keep the codes that they were opened under.
 */
export async function homesOf(env: Env, lobbyId: string): Promise<string[]> {
  const homes = new Set<string>();
  for (const secret of secretsOf(env)) {
    const home = homeOfLobby(await bookOf(env, secret), lobbyId);
    if (home !== null) homes.add(String(home));
  }
  return [...homes];
}

async function bookOf(env: Env, secret: string): Promise<CodeBook> {
  const { homes } = settingsOf(env);
  const book = known.get(secret);
  if (book?.homes === homes) return book;
  const made = codeBook(homes, await keyStream(secret, codeBookBytes));
  if (known.size >= booksKept) known.clear();
  known.set(secret, made);
  return made;
}
