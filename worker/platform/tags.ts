/** Keyed hashes that stand for lobbies and networks where nobody is to read the thing itself. The same in all objects; no I/O. */
import { dialectOf } from "../../core/dialects/names.ts";
import { type Network, networksOf } from "../../core/network.ts";
import type { Naming } from "./codes.ts";

/** Hexadecimal digits. Of 16 million tags with the same first letter, lobbies that are open at a time hardly ever share one. */
const lobbyDigits = 6;
/** Networks must not share one: a stranger would share the limits of somebody else. */
const networkDigits = 16;

/**
 * What a log calls a lobby: the first character of its code, or its dialect, and a hash. A private lobby's code is its only secret, and people
 * read logs who may not join.
 */
export function lobbyTag(naming: Naming, lobbyId: string): string {
  return `${shownOf(lobbyId)}-${hash(naming, `tag ${lobbyId}`, lobbyDigits)}`;
}

/** The part of it that a log shows. */
export function shownOf(lobbyId: string): string {
  return dialectOf(lobbyId) ?? lobbyId.slice(0, 1);
}

/** The networks of an address, each by a tag for its name. `gateway`: as `networksOf` has it. */
export function taggedNetworks(naming: Naming, address: string | undefined, gateway?: string): Network[] {
  const networks = address === undefined ? [] : networksOf(address, gateway);
  return networks.map(({ name, shares }) => ({
    name: hash(naming, `network ${name}`, networkDigits),
    shares,
  }));
}

/** By the platform's own hash of names: it is keyed with the namespace that the lobbies live in (codes.ts). */
function hash({ LOBBY, codeKey = "" }: Naming, text: string, digits: number): string {
  return LOBBY.idFromName(`${text} ${codeKey}`).toString().slice(0, digits);
}
