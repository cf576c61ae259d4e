/**
 * Codes for lobbies. The check character comes from the platform's own hash of names: it is keyed with the namespace that
 * the lobbies live in, so it stays as long as they can, whatever becomes of secrets and settings (docs/decisions/014).
 */
import { groovejetCharacters, nameIn, parseName } from "../../core/dialects/names.ts";
import { codeWith, stemIn, stemOf } from "../../core/lobby/code.ts";

/** The part of the environment that names are hashed with. */
export type Naming = { LOBBY: { idFromName(name: string): { toString(): string } }; codeKey?: string };

/** A code that is probably free. */
export function drawCode(env: Naming): string {
  return codeFor(env, stemOf(drawn()));
}

/** A name for a lobby of groovejet, with a code that is probably free. */
export function drawGroovejetName(env: Naming): string {
  return groovejetName(env, stemOf(drawn(), groovejetCharacters));
}

/** Whether this deployment may have drawn the code. Players choose the names of Rabid and noray, so each of those may be. No I/O. */
export function isDrawn(env: Naming, lobbyId: string): boolean {
  const named = parseName(lobbyId);
  if (named === null) return codeFor(env, stemIn(lobbyId)) === lobbyId;
  return named.dialect !== "groovejet" || groovejetName(env, stemIn(named.name)) === lobbyId;
}

/** From 0 up to 1. */
function drawn(): number {
  const [value = 0] = crypto.getRandomValues(new Uint32Array(1));
  return value / 2 ** 32;
}

function codeFor(env: Naming, stem: string): string {
  return codeWith(stem, hashOf(env, stem));
}

function groovejetName(env: Naming, stem: string): string {
  const hash = hashOf(env, `groovejet:${stem}`);
  return nameIn("groovejet", codeWith(stem, hash, groovejetCharacters)) ?? "";
}

function hashOf({ LOBBY, codeKey = "" }: Naming, stem: string): string {
  return LOBBY.idFromName(`check ${stem} ${codeKey}`).toString();
}
