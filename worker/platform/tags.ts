/** Keyed hashes that stand for lobbies and networks where nobody is to read the thing itself. The same in all objects; no I/O. */
import { type Network, networksOf } from "../../core/network.ts";
import type { Naming } from "./codes.ts";

/** Hexadecimal digits. Of 16 million tags with the same first letter, lobbies that are open at a time hardly ever share one. */
const lobbyDigits = 6;
/** Networks must not share one: a stranger would share the limits of somebody else. */
const networkDigits = 16;

/**
 * What a log calls a lobby: the first character of its code, and a hash. A private lobby's code is its only secret, and people
 * read logs who may not join.
 */
export function lobbyTag(naming: Naming, code: string): string {
  return `${code.slice(0, 1)}-${hash(naming, `tag ${code}`, lobbyDigits)}`;
}

/** The networks of an address, each by a tag for its name. */
export function taggedNetworks(naming: Naming, address: string | undefined): Network[] {
  const networks = address === undefined ? [] : networksOf(address);
  return networks.map(({ name, shares }) => ({
    name: hash(naming, `network ${name}`, networkDigits),
    shares,
  }));
}

/** By the platform's own hash of names: it is keyed with the namespace that the lobbies live in (codes.ts). */
function hash({ LOBBY, codeKey = "" }: Naming, text: string, digits: number): string {
  return LOBBY.idFromName(`${text} ${codeKey}`).toString().slice(0, digits);
}
