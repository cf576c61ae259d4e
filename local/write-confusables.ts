/**
 * Writes core/confusables.ts from Unicode's data: `node local/write-confusables.ts <confusables.txt>`, when Unicode has a new version
 * and the Node.js of package.json knows it. Debian's sources of ICU have the file, as unicode.org has.
 */
import { readFileSync, writeFileSync } from "node:fs";

/** One row: a character, and the characters that it looks like. All are code points in hexadecimal. */
const row = /^([0-9A-F]+)\s*;\s*([0-9A-F ]+?)\s*;\s*MA\b/;
const lineLength = 108;

const [, , path] = process.argv;
if (path === undefined) {
  console.error("Where is Unicode's file? Add its path: node local/write-confusables.ts confusables.txt");
  process.exit(1);
}
const text = readFileSync(path, "utf8");
const version = /^# Version: (\S+)$/m.exec(text)?.[1];
const copyright = /^# (© .*)$/m.exec(text)?.[1];
if (!version || !copyright) throw new Error("This is not Unicode's confusables.txt.");

const looks = new Map<number, string>();
for (const line of text.split("\n")) {
  const [, from = "", to = ""] = row.exec(line) ?? [];
  if (from) looks.set(Number.parseInt(from, 16), String.fromCodePoint(...to.split(" ").map(codePoint)));
}

/** UTS 39, section 4. */
function skeleton(name: string): string {
  const letters = [...name.normalize("NFD").replace(/\p{DI}/gu, "")];
  return letters
    .map((letter) => looks.get(letter.codePointAt(0) ?? 0) ?? letter)
    .join("")
    .normalize("NFD");
}

const entries: string[] = [];
let last = 0;
for (const [from, to] of [...looks].sort(([a], [b]) => a - b)) {
  const letter = String.fromCodePoint(from);
  // Nobody looks these up: they are decomposed or left out before, or NFKC alone leads to the same.
  if (letter.normalize("NFD") !== letter || /\p{DI}/u.test(letter)) continue;
  const plain = letter.normalize("NFKC");
  if (plain !== letter && skeleton(plain) === skeleton(letter)) continue;
  entries.push(`${(from - last).toString(36)}:${[...to].map(base36).join(".")}`);
  last = from;
}

const lines = [""];
for (const entry of entries) {
  const line = lines.at(-1) ?? "";
  if (line.length + entry.length < lineLength) lines[lines.length - 1] = line ? `${line} ${entry}` : entry;
  else lines.push(entry);
}

writeFileSync(
  new URL("../core/confusables.ts", import.meta.url),
  `/**
 * Made by local/write-confusables.ts from Unicode's confusables.txt. Do not edit.
 * ${copyright} Licence: Unicode-3.0 (core/unicode-license.txt).
 */
export const confusablesVersion = "${version}";

/**
 * Characters, each with those that it looks like: \`<its distance from the one before>:<code points, with dots>\`, in base 36.
 * Without those that NFKC alone turns into the same.
 */
export const confusables = \`
${lines.join("\n")}\`;
`,
);

function codePoint(hex: string): number {
  return Number.parseInt(hex, 16);
}

function base36(letter: string): string {
  return (letter.codePointAt(0) ?? 0).toString(36);
}
