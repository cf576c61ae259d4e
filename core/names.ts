/** Names that people have, in any script: which may be one. core/looks.ts says which two look the same. */
import { wireLimits } from "./wire/limits.ts";

/** Control, format, private and unassigned characters, surrogates, separators that are no space, and what is ignored if a font lacks it. */
const hidden = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
/** Characters that fonts show as nothing, or that stand for what is lost, though Unicode calls them visible. */
const blank = /[\u2800\u303f\ufffc\ufffd\u{13441}\u{13442}\u{16fe4}\u{1d159}]/u;
/** A mark that has no letter to stand on. */
const looseMark = /(?:^| )\p{M}/u;
/** Marks of no one script: three of them stack up. Those of a script may be four: Burmese and Tibetan need them. None twice. */
const tooManyMarks = /(?:(?=\p{Script=Inherited})[\p{Mn}\p{Me}]){3}|[\p{Mn}\p{Me}]{5}|([\p{Mn}\p{Me}])\1/u;

/** Emoji in which characters are hidden: with a style, joined to one, with a keycap, and the three flags that are spelt with tags. */
const emoji = (() => {
  const picture = String.raw`(?=\p{ExtPict})\p{Emoji}(?:\p{EMod}|[\ufe0e\ufe0f])?`;
  const keycap = String.raw`[0-9#*]\ufe0f?\u20e3`;
  const tags = (text: string) =>
    text.replace(/./g, (letter) => `\\u{e00${letter.charCodeAt(0).toString(16)}}`);
  const flag = String.raw`\u{1f3f4}(?:${["gbeng", "gbsct", "gbwls"].map(tags).join("|")})\u{e007f}`;
  return new RegExp(`${flag}|${keycap}|${picture}(?:\\u200d${picture})*`, "gu");
})();

/** Arabic letters that join the next one, and those that join the one before only (Joining_Type D and R). */
const joinsNext =
  "\u0620\u0626\u0628\u062a-\u062e\u0633-\u063f\u0641-\u0647\u0649\u064a\u066e\u066f\u0678-\u0687\u069a-\u06bf" +
  "\u06c1\u06c2\u06cc\u06ce\u06d0\u06d1\u06fa-\u06fc\u06ff\u0750-\u0758\u075c-\u076a\u076d-\u0770\u0772\u0775-\u0777\u077a-\u077f";
const joinsLast =
  "\u0622-\u0625\u0627\u0629\u062f-\u0632\u0648\u0671-\u0673\u0675-\u0677\u0688-\u0699\u06c0\u06c3-\u06cb" +
  "\u06cd\u06cf\u06d2\u06d3\u06d5\u06ee\u06ef\u0759-\u075b\u076b\u076c\u0771\u0773\u0774\u0778\u0779";
/** Signs that join consonants, or end one: in India, Sri Lanka and Burma. */
const virama = "\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d3b\u0d3c\u0d4d\u0dca\u1039\u103a";
/** Joiners and non-joiners that change how letters look (UAX 31, section 2.3, rules A1, A2 and B). */
const joiners = [
  new RegExp(`[${joinsNext}]\\p{Mn}*\\u200c(?=\\p{Mn}*[${joinsNext}${joinsLast}])`, "gu"),
  new RegExp(`[${virama}](?:\\u200c(?=\\p{L})|\\u200d(?!\\p{M}))`, "gu"),
  // Bengali `ra` with `ya` behind it, not on it (The Unicode Standard, chapter 12.2).
  /\u09b0\u200d(?=\u09cd\u09af)/gu,
];

/** The text with a dot for each emoji, and without the joiners that letters need: what is still hidden hides something. */
function withoutJoiners(text: string): string {
  return joiners.reduce(
    (rest, joiner) => rest.replace(joiner, (letters) => letters.slice(0, -1)),
    text.replace(emoji, "."),
  );
}

/** Whether a text has no characters that nobody sees, or that turn the direction of others. */
export function isPrintable(text: string): boolean {
  return !hidden.test(withoutJoiners(text));
}

/** A name as it is kept: NFC, with single spaces between its words. Null if it can be none. */
export function readName(text: string): string | null {
  if (text.length > 4 * wireLimits.displayNameLength) return null;
  const name = text
    .normalize("NFC")
    .replace(/\p{Zs}+/gu, " ")
    .replace(/^ | $/g, "");
  const characters = [...name].length;
  if (characters < 1 || characters > wireLimits.displayNameLength) return null;
  const shown = withoutJoiners(name);
  return [hidden, blank, looseMark, tooManyMarks].some((wrong) => wrong.test(shown)) ? null : name;
}
