/** Getting into a lobby: what is tried again by itself, what the player is asked for, and why it fails. */
import type { connect, Lobby } from "/sdk.js";
import { numbered } from "./player-name.ts";
import { codeOf } from "./sentences.ts";

export type Orion = Awaited<ReturnType<typeof connect>>;

/** The game's name, by which its lobbies are found. */
export const game = "comets";
/** Players of a lobby: all are connected to all, and the game's arena holds so many. */
const maxMembers = 8;
/** Milliseconds that a player has to come back: a page that is loaded again, a tunnel. Longer would keep a game waiting for a host that is gone. */
const graceMs = 20_000;

export type HostWish = { lobbyName: string; isPublic: boolean; password: string };
export type Wish =
  /** Into any open lobby, or a new one. */
  | { kind: "quick" }
  | ({ kind: "host" } & HostWish)
  | { kind: "join"; code: string }
  /** As the player that this tab was before. */
  | { kind: "resume"; code: string; returnKey: string };

export type EnterOptions = {
  name: string;
  signal: AbortSignal;
  /** Asks the player; null if it does not want to go on. */
  askPassword: (isWrong: boolean) => Promise<string | null>;
};

/** Names that two of the page's players may both want: tabs of one browser have one name. */
const mostNumbers = 9;
/** Milliseconds to wait for a lobby that is connecting its players. */
const lockedMs = 20_000;
const lockedPauseMs = 400;

const losses: ReadonlySet<string> = new Set(["unreachable", "unanswered", "disconnected"]);
/** There is no way back as this player, but perhaps as another. */
const goneForGood: ReadonlySet<string> = new Set([
  "no_such_member",
  "resume_key_used",
  "wrong_resume_key",
  "invalid_resume_key",
  "invalid_argument",
]);

/** A failure that the page itself has found. */
export class PageError extends Error {
  override readonly name = "PageError";
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** The lobby, with the player in it. Throws an OrionError, or a PageError: both have a code with a sentence (sentences.ts). */
export async function enter(orion: Orion, wish: Wish, options: EnterOptions): Promise<Lobby> {
  try {
    return await attempts(orion, wish, options);
  } catch (error) {
    if (options.signal.aborted || !losses.has(codeOf(error))) throw error;
    throw (await answers(orion)) ? new PageError("websocket_refused") : error;
  }
}

async function attempts(
  orion: Orion,
  first: Wish,
  { name, signal, askPassword }: EnterOptions,
): Promise<Lobby> {
  const begun = performance.now();
  let wish = first;
  let number = 1;
  let password = "";
  for (;;) {
    try {
      return await attempt(orion, wish, { name: numbered(name, number), password, signal });
    } catch (error) {
      const code = codeOf(error);
      if (code === "name_taken" && number < mostNumbers) {
        number += 1;
      } else if (code === "lobby_locked" && performance.now() - begun < lockedMs) {
        await pause(lockedPauseMs, signal);
      } else if (code === "password_needed" || code === "wrong_password") {
        const answer = await askPassword(code === "wrong_password");
        if (answer === null) throw new PageError("aborted");
        password = answer;
      } else if (wish.kind === "resume" && goneForGood.has(code)) {
        wish = { kind: "join", code: wish.code };
      } else {
        throw error;
      }
    }
  }
}

type Attempt = { name: string; password: string; signal: AbortSignal };

async function attempt(orion: Orion, wish: Wish, { name, password, signal }: Attempt): Promise<Lobby> {
  const lobby = {
    maxMembers,
    lifetime: "session",
    topology: "mesh",
    onHostLoss: "migrate",
    graceMs,
  } as const;
  switch (wish.kind) {
    case "quick": {
      // A new one plays at once: who comes later falls into the game.
      const create = { ...lobby, data: { playing: true } };
      return (await orion.match({ game, name, create, signal, replace: true })).lobby;
    }
    case "host": {
      const { lobbyName, isPublic, password: own } = wish;
      const given = { ...(lobbyName !== "" && { lobbyName }), ...(own !== "" && { password: own }) };
      return await orion.host({ ...lobby, ...given, name, game, isPublic, signal, replace: true });
    }
    case "join":
      return await orion.join(wish.code, {
        name,
        signal,
        replace: true,
        ...(password !== "" && { password }),
      });
    case "resume":
      return await orion.resume(wish.returnKey, { signal, replace: true });
  }
}

/** Whether the server answers plain requests. */
async function answers(orion: Orion): Promise<boolean> {
  try {
    await orion.list({ game, limit: 1 });
    return true;
  } catch {
    return false;
  }
}

/** Throws the signal's reason when it is aborted. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const callOff = () => reject(new PageError("aborted"));
  signal?.addEventListener("abort", callOff, { once: true });
  try {
    if (signal?.aborted) callOff();
    await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", callOff);
  }
}
