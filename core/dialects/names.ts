/**
 * Names that dialects give their lobbies: `rabid:NiceRoom`. Such a name stands where a code stands (core/lobby/code.ts), and is the name of the
 * lobby's object too. No code has a colon in it, so no name is a code.
 */

export const dialects = ["rabid", "noray", "groovejet"] as const;
export type Dialect = (typeof dialects)[number];

/** The dialects whose players come through a gateway (core/wire/gateway.ts). The Worker speaks groovejet itself. */
export const gatewayDialects = ["rabid", "noray"] as const satisfies readonly Dialect[];
export type GatewayDialect = (typeof gatewayDialects)[number];

/** What follows the colon. Upper and lower case differ. */
const shapes: { readonly [Name in Dialect]: RegExp } = {
  rabid: /^[A-Za-z0-9]{1,10}$/,
  noray: /^[A-Za-z0-9_-]{1,64}$/,
  groovejet: /^[0-9a-z]{5}$/,
};

/** What groovejet's codes are made of. */
export const groovejetCharacters = "0123456789abcdefghijklmnopqrstuvwxyz";

/** Characters of the longest name. */
export const longestName = "noray:".length + 64;

export type DialectName = { dialect: Dialect; name: string };

/** The lobby's name at the edge, or null if the dialect has no such name. */
export function nameIn(dialect: Dialect, name: string): string | null {
  return shapes[dialect].test(name) ? `${dialect}:${name}` : null;
}

/** The dialect of a lobby's name, and the name that its players know. Null for any other text. */
export function parseName(text: string): DialectName | null {
  const dialect = dialectOf(text);
  if (dialect === null) return null;
  const name = text.slice(dialect.length + 1);
  return shapes[dialect].test(name) ? { dialect, name } : null;
}

/** The dialect whose namespace the text is in, whether it is a name there or not. Null for codes, and all else. */
export function dialectOf(text: string): Dialect | null {
  return dialects.find((dialect) => text.startsWith(`${dialect}:`)) ?? null;
}
