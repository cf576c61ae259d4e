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

function codeFor({ LOBBY, codeKey = "" }: Naming, stem: string): string {
  return codeWith(stem, LOBBY.idFromName(`check ${stem} ${codeKey}`).toString());
}
