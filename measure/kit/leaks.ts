/** Finds secrets, and players' addresses, in what was logged. */
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import type { Secret } from "./told-secrets.ts";

/** One line of somebody's log. `by` and `during` say whose, and about which test it was then. */
export type Line = { text: string; by: string; during: string; isWorkers: boolean };

/** So much of a key, or of a token's last part, is as good as all of it: the end may be cut off. */
const telling = 12;

/** The part of a secret that makes it one. */
function coreOf({ kind, text }: Secret): string {
  switch (kind) {
    case "client's token":
      return (text.split(".").at(-1) ?? "").slice(0, telling);
    case "link's or a ticket's key":
    case "gateway's signature":
      return text.slice(0, telling);
    case "relay's ticket":
    case "deployment's secret":
      return text;
  }
}

/** Something in a line that may not be there: `text` as it stands in it. */
type Found = { what: string; text: string };

/** Sentences that tell what leaked and where, without it. */
export function leaksIn(lines: readonly Line[], secrets: Iterable<Secret>): string[] {
  const find = finderOf(secrets);
  return lines.flatMap(({ text, by, during, isWorkers }) => {
    const found = [
      ...find(text),
      // The wire's frames are base64.
      ...(text.match(/[A-Za-z0-9+/]{24,}/g) ?? []).flatMap((run) =>
        find(Buffer.from(run, "base64").toString("latin1")).map(({ what }) => {
          return { what: `${what}, in base64,`, text: run };
        }),
      ),
      ...addressesIn(text)
        .filter((address) => isWorkers || isForExamples(address))
        .map((address) => ({ what: "address of a player", text: address })),
    ];
    const when = during && `, about the time of "${during}"`;
    return [...new Set(found.map(({ what }) => what))].map(
      (what) => `The ${what} was logged by ${by}${when}: ${without(text, found)}`,
    );
  });
}

/** A function that finds all these secrets in a text. */
function finderOf(secrets: Iterable<Secret>): (text: string) => Found[] {
  const known = new Map<string, Found[]>();
  for (const secret of secrets) {
    const text = coreOf(secret);
    if (text.length < telling) continue;
    const start = text.slice(0, telling);
    known.set(start, [...(known.get(start) ?? []), { what: secret.kind, text }]);
  }
  return (text) => {
    const found: Found[] = [];
    for (let at = 0; at + telling <= text.length; at++)
      for (const each of known.get(text.slice(at, at + telling)) ?? [])
        if (text.startsWith(each.text, at)) found.push(each);
    return found;
  };
}

/** Why a line of a Worker's own is not as its operator needs it; null if it is. */
export function faultOfForm(text: string): string | null {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return "is no JSON";
  }
  const { time, level, event } = Object(line);
  if (Number.isNaN(Date.parse(time))) return "has no time";
  if (level !== "info" && level !== "error") return "has no level";
  return typeof event === "string" && /^[a-z]+(?:_[a-z]+)*$/.test(event)
    ? null
    : "does not say what happened";
}

/** Whole addresses; of a network, which ends with its length, none. */
function addressesIn(text: string): string[] {
  const found = [ipv4, ipv6].flatMap((shape) => [...text.matchAll(shape)]);
  return found.map(([address]) => address).filter((address) => isIP(address) !== 0);
}
const ipv4 = /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.]|\/\d)/g;
const ipv6 = /(?<![\da-f:.])[\da-f]*:[\da-f:]*:[\da-f.:]*(?![\da-f:.]|\/\d)/gi;

/** This machine's own, which it may well tell whoever starts a server here. */
const own = new Set(
  Object.values(networkInterfaces())
    .flat()
    .map((one) => one?.address),
);

/** Addresses that RFC 5737 and 3849 keep for examples: in tests they are those of players. */
function isForExamples(address: string): boolean {
  return !own.has(address) && /^(192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|2001:db8:)/i.test(address);
}

/** The text without all these, and whatever each is a part of: of a token not even the beginning is told. */
function without(text: string, found: readonly Found[]): string {
  const pieces = text.split(/(?<![\w.+/=-])(?=[\w.+/=-])|(?<=[\w.+/=-])(?![\w.+/=-])/);
  const rest = pieces
    .map((piece) => (found.some((each) => piece.includes(each.text)) ? "(…)" : piece))
    .join("");
  return found.reduce((left, each) => left.replaceAll(each.text, "(…)"), rest).slice(0, 400);
}
