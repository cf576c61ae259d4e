/**
 * Codes for lobbies. The check character comes from the platform's own hash of names: it is keyed with the namespace that
 * the lobbies live in, so it stays as long as they can, whatever becomes of secrets and settings (docs/decisions/014).
 */
import { codeWith, stemIn, stemOf } from "../../core/lobby/code.ts";

/** The part of the environment that names are hashed with. */
export type Naming = { LOBBY: { idFromName(name: string): { toString(): string } }; codeKey?: string };

/** A code that is probably free. */
export function drawCode(env: Naming): string {
  const [value = 0] = crypto.getRandomValues(new Uint32Array(1));
  return codeFor(env, stemOf(value / 2 ** 32));
}

/** Whether this deployment may have drawn the code. No I/O. */
export function isDrawn(env: Naming, code: string): boolean {
  return codeFor(env, stemIn(code)) === code;
}

/**
 * What a log calls a lobby: the first character of its code, and a keyed hash that is the same in all objects. A private lobby's code is
 * its only secret, and people read logs who may not join.
 */
export function lobbyTag({ LOBBY, codeKey = "" }: Naming, code: string): string {
  return `${code.slice(0, 1)}-${LOBBY.idFromName(`tag ${code} ${codeKey}`).toString().slice(0, tagDigits)}`;
}

/** Of 16 million tags with the same first letter, lobbies that are open at a time hardly ever share one. */
const tagDigits = 6;

function codeFor({ LOBBY, codeKey = "" }: Naming, stem: string): string {
  return codeWith(stem, LOBBY.idFromName(`check ${stem} ${codeKey}`).toString());
}
