/** Names that people have: which the server takes, what it makes of them, and which two it cannot tell apart. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { confusablesVersion } from "../../core/confusables.ts";
import { looksOf } from "../../core/looks.ts";
import { isPrintable, readName } from "../../core/names.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { anyText } from "./any-text.ts";

const joiner = "\u200d";
const nonJoiner = "\u200c";
const tags = (text: string) =>
  text.replace(/./g, (letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0)));
const flagOf = (region: string) => `\u{1f3f4}${tags(region)}\u{e007f}`;
const longest = wireLimits.displayNameLength;

describe("a name that is kept as it is", () => {
  test.each([
    ["of one letter", "A"],
    ["with an apostrophe and a dash", "Jean-Luc O'Neil"],
    ["of signs alone", ":-)"],
    ["with accents", "Zoë Łukasz Ångström"],
    ["Vietnamese, with two marks on a letter", "Nguy\u1ec5n Th\u1ecb Thu\u00fd"],
    ["Greek, with a letter that was three", "\u1fa7"],
    ["Russian", "Николай"],
    ["Chinese", "李小龍"],
    ["Japanese", "さくら ガンダム"],
    ["Korean", "김민준"],
    ["Arabic, with vowels", "مُحَمَّد"],
    ["Hebrew, with points", "שַׁבָּת"],
    ["Hindi", "श्रीकृष्ण फ़ेंक"],
    ["Tamil", "நந்தினி"],
    ["Thai", "ก้องเกียรติ์"],
    ["Burmese, with four marks on a letter", "ကျော် မျိုးမြင့် မျှော်"],
    ["Tibetan, with three marks on a letter", "སྒྲོལ་མ"],
    ["Khmer", "ភ្នំ សុខុម"],
    ["Persian, with a non-joiner between letters that would join", `علی${nonJoiner}رضا`],
    ["Hindi, with a joiner behind a virama", `क्${joiner}ष`],
    ["Hindi, with a non-joiner behind a virama", `क्${nonJoiner}ष`],
    ["Sinhala, with a joiner behind a virama", `ශ්${joiner}රී`],
    ["Malayalam, with a joiner at its end", `ജോണ്${joiner}`],
    ["Bengali, with a joiner before a virama", `র${joiner}্যাচেল`],
    ["an emoji", "😀"],
    ["an emoji with a skin tone", "👍🏿"],
    ["an emoji with a style", "❤\ufe0f ❤\ufe0e"],
    ["a family", `👨${joiner}👩${joiner}👧${joiner}👦`],
    ["a pirate's flag", `🏴${joiner}☠\ufe0f`],
    ["a profession with a skin tone", `👩🏽${joiner}⚕\ufe0f`],
    ["a keycap", "1\ufe0f\u20e3"],
    ["a country's flag", "🇧🇷"],
    ["a flag that is spelt with tags", `${flagOf("gbeng")} ${flagOf("gbsct")}`],
    ["as long as may be", "x".repeat(longest)],
    ["of as many emoji as may be", "🧿".repeat(longest)],
  ])("%s", (_, name) => expect(readName(name)).toBe(name));
});

describe("a name that is put in order", () => {
  test.each([
    ["spaces around it", "  Ann ", "Ann"],
    ["several spaces, of all kinds", "Ann\u00a0\u2003\u3000 Lee", "Ann Lee"],
    ["accents on their own", "Zoe\u0308", "Zo\u00eb"],
    ["marks in another order", "e\u0302\u0323", "\u1ec7"],
    ["syllables in pieces", "\u1100\u1161".repeat(longest), "가".repeat(longest)],
    ["an ideograph that was encoded twice", "\uf9e1", "\u674e"],
  ])("%s", (_, name, kept) => expect(readName(name)).toBe(kept));
});

describe("no name", () => {
  test.each([
    ["nothing", ""],
    ["spaces alone", " \u00a0\u3000"],
    ["too long", "x".repeat(longest + 1)],
    ["too many emoji", "🧿".repeat(longest + 1)],
    ["longer once it is composed", "\u0958".repeat(longest / 2 + 1)],
    ["200 characters of Zalgo", `Z${"\u0335\u0321\u0300\u0489".repeat(50)}`],
    ["three marks on a letter", "Z\u0335\u0321\u0300"],
    ["the same mark twice", "z\u0335\u0335"],
    ["a tower of Thai vowels", `ก${"\u0e47\u0e48".repeat(3)}`],
    ["a mark alone", "\u0301"],
    ["marks alone", "\u0301\u0323"],
    ["a mark on a space", "Ann \u0301"],
    ["a vowel sign without its consonant", "\u093e"],
    ["a line break", "Ann\nBen"],
    ["a line break at its end", "Ann\n"],
    ["a zero byte", "Ann\0"],
    ["half a surrogate pair", "Ann\ud800"],
    ["the other half", "\udc00Ann"],
    ["what is left of one that was encoded", "Ann\ufffd"],
    ["a zero-width space", "An\u200bn"],
    ["a byte order mark", "\ufeffAnn"],
    ["a soft hyphen", "An\u00adn"],
    ["a word joiner", "An\u2060n"],
    ["a grapheme joiner", "An\u034fn"],
    ["a mark of direction", "Ann\u200f"],
    ["an override of direction", "\u202eAnn"],
    ["an isolate", "\u2067Ann\u2069"],
    ["tag characters", `Ann${tags("ben")}`],
    ["a flag with tags of nobody's", flagOf("xxxxx")],
    ["a flag without its end", `\u{1f3f4}${tags("gbeng")}`],
    ["a variation selector on a letter", "A\ufe0f"],
    ["a variation selector on a digit", "1\ufe0f"],
    ["two variation selectors", "❤\ufe0f\ufe0f"],
    ["a variant of an ideograph", "葛\u{e0100}"],
    ["a Mongolian variation selector", "\u1820\u180b"],
    ["a joiner in Latin", `An${joiner}n`],
    ["a non-joiner in Latin", `An${nonJoiner}n`],
    ["a joiner between Arabic letters", `ب${joiner}ب`],
    ["a non-joiner where no letters would join", `ا${nonJoiner}ب`],
    ["a non-joiner at the end", `علی${nonJoiner}`],
    ["two non-joiners", `علی${nonJoiner}${nonJoiner}رضا`],
    ["a joiner before a vowel sign", `क्${joiner}\u093e`],
    ["a joiner without a virama", `क${joiner}ष`],
    ["a joiner between an emoji and a letter", `😀${joiner}A`],
    ["a non-joiner between a virama and an emoji", `क्${nonJoiner}😀`],
    ["a joiner behind an emoji", `😀${joiner}`],
    ["two joiners between emoji", `😀${joiner}${joiner}😀`],
    ["a Hangul filler", "\u3164"],
    ["the other Hangul fillers", "\u115f\u1160"],
    ["a Hangul filler of half width", "\uffa0"],
    ["an empty Braille cell", "\u2800"],
    ["an Egyptian blank", "\u{13441}"],
    ["a note without a head", "\u{1d159}"],
    ["a place for an object", "\ufffc"],
    ["a private character", "\ue000"],
    ["a character that Unicode does not have", "\u{378}"],
  ])("%s", (_, name) => expect(readName(name)).toBeNull());
});

/** Texts that come close to names: what the rules are about, in pieces that go together and pieces that do not. */
const pieces = fc.oneof(
  fc.constantFrom(
    "A",
    "e\u0301",
    " ",
    "\u00a0",
    "1\ufe0f\u20e3",
    "😀",
    "❤\ufe0f",
    "👍🏽",
    flagOf("gbwls"),
    "\u1100\u1161",
    "ﷺ",
  ),
  fc.constantFrom(
    `ب${nonJoiner}ا`,
    `क्${joiner}ष`,
    `क्${nonJoiner}ष`,
    `र${joiner}\u09cd\u09af`,
    `👨${joiner}👩`,
    "ا",
    "ب",
    "क",
    "र",
  ),
  fc.constantFrom(
    "\u0301",
    "\u0323",
    "\u0e48",
    "\u094d",
    "\u093e",
    joiner,
    nonJoiner,
    "\ufe0e",
    "\ufe0f",
    "\u20e3",
    "🏽",
    "1",
  ),
  fc.constantFrom(
    "\u200b",
    "\u202e",
    "\ud83d",
    "\udc00",
    "\u3164",
    "\u2800",
    "\u034f",
    "\u{1f3f4}",
    tags("gb"),
    "\u{e007f}",
  ),
);
const oddText = fc.array(pieces, { maxLength: 5 }).map((parts) => parts.join(""));
const text = fc.oneof(anyText, oddText, fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }));

test("a name that was read once is read as the same again, and is 1 to 50 characters of NFC", () => {
  fc.assert(
    fc.property(text, (any) => {
      const name = readName(any);
      if (name === null) return;
      expect(readName(name)).toBe(name);
      expect(name.normalize("NFC")).toBe(name);
      expect([...name].length).toBeGreaterThanOrEqual(1);
      expect([...name].length).toBeLessThanOrEqual(longest);
    }),
    { numRuns: 5_000 },
  );
});

test("no name has what nobody sees, except next to what it changes", () => {
  const never = [
    /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u2800\u3164]|\u034f/u,
    /(?![\u200c\u200d]|[\u{e0000}-\u{e007f}])\p{Cf}/u,
    /(?:(?!\ufe0e|\ufe0f|\u20e3)[\p{Mn}\p{Me}]){5}/u,
    / {2}|^ | $|(?:^| )\p{M}/u,
  ];
  /** What stands before a hidden character, and behind it. */
  const places: Record<string, [before: RegExp, behind: RegExp]> = {
    "\u200c": [/(?:\p{Script=Arabic}|\p{M})$/u, /^(?:\p{L}|\p{M})/u],
    "\u200d": [/(?:\p{M}|\p{Emoji}|\u09b0)$/u, /^(?!\p{M}(?<!\u09cd))/u],
    "\ufe0e": [/\p{ExtPict}$/u, /^(?!\ufe0e|\ufe0f)/u],
    "\ufe0f": [/(?:\p{ExtPict}|[0-9#*])$/u, /^(?!\ufe0e|\ufe0f)/u],
  };
  let hidden = 0;
  fc.assert(
    fc.property(text, (any) => {
      const name = readName(any);
      if (name === null) return;
      for (const shape of never) expect(name).not.toMatch(shape);
      for (const { 0: character, index } of name.matchAll(/\u200c|\u200d|\ufe0e|\ufe0f/g)) {
        const [before = /$/, behind = /$/] = places[character] ?? [];
        expect(name.slice(0, index)).toMatch(before);
        expect(name.slice(index + 1)).toMatch(behind);
        hidden++;
      }
    }),
    // The same inputs each time, as what they bring about is counted.
    { numRuns: 10_000, seed: 1 },
  );
  expect(hidden).toBeGreaterThan(50);
});

test("a reason may have what a name may, and nothing that hides", () => {
  expect(isPrintable(`👨${joiner}👩 was not nice to علی${nonJoiner}رضا ❤\ufe0f`)).toBe(true);
  for (const hidden of ["\u202e", "\u200b", joiner, nonJoiner, "\ufe0f", "\n", "\ud800", "\u3164"]) {
    expect(isPrintable(`spam${hidden}`)).toBe(false);
  }
});

const lookTheSame = (one: string, other: string) =>
  looksOf(one).some((look) => looksOf(other).includes(look));

describe("two names that look the same", () => {
  test.each([
    ["in another case", "Ann", "aNN"],
    ["a Cyrillic letter for a Latin one", "Ann", "Аnn"],
    ["Cyrillic letters for all of them", "CAPE", "САРЕ"],
    ["a Greek letter for a Latin one", "Zoe", "\u0396oe"],
    ["full-width letters", "Ann 1", "Ａｎｎ　１"],
    ["mathematical letters", "Ann", "𝓐𝖓𝚗"],
    ["letters in circles", "Ann", "Ⓐⓝⓝ"],
    ["a long s, by NFKC", "sun", "\u017fun"],
    ["a long s, by the skeleton", "fun", "\u017fun"],
    ["a ligature", "fish", "ﬁsh"],
    ["`rn` for `m`", "Mick", "rnick"],
    ["a capital `I` for `l`", "Bill", "BiIl"],
    ["`1` for `l`", "Bill", "Bil1"],
    ["`l` for `1`", "Player 1", "Player l"],
    ["`l` for `I` in capitals, for a name that is not", "Alice", "ALlCE"],
    ["`I` for `l`, for a name in capitals", "ALICE", "AIice"],
    ["`0` for `O`", "LOL", "L0L"],
    ["a Roman numeral", "Louis VIII", "Louis Ⅷ"],
    ["marks in another order", "a\u0323\u0302", "a\u0302\u0323"],
    ["marks in another order by the skeleton alone", "\u1fb4", "a\u0328\u0301"],
    ["several spaces, as Orion's names may have", "Ann Lee", "Ann  Lee "],
    ["a caron for a breve", "\u01ceb", "\u0103b"],
    ["another apostrophe", "O'Neil", "O\u2019Neil"],
    ["another dash", "Jean-Luc", "Jean\u2010Luc"],
    ["another kind of space", "Ann Lee", "Ann\u2003Lee"],
    ["Russian, in another case", "иван", "ИВАН"],
    ["Latin capitals for Russian ones, of a name in small letters", "иван", "ИBAH"],
    ["Greek, in another case", "Νίκος", "ΝΊΚΟΣ"],
    ["German, in another case", "Strauß", "STRAUSS"],
    ["with and without a non-joiner", `علی${nonJoiner}رضا`, "علیرضا"],
    ["an emoji of another style", "❤\ufe0f", "❤"],
    ["a family, and its members where no font joins them", `👨${joiner}👩`, "👨👩"],
    ["a flag, and what systems show that do not have it", flagOf("gbsct"), "🏴"],
  ])("%s", (_, one, other) => {
    expect(lookTheSame(one, other)).toBe(true);
    expect(lookTheSame(other, one)).toBe(true);
  });
});

describe("two names that look different", () => {
  test.each([
    ["two names", "Ann", "Ben"],
    ["an accent", "Jose", "José"],
    ["`i` and `l`", "Kai", "Kal"],
    ["`n` and `v`, though small and capital Greek nu look like them", "Nan", "Van"],
    ["with and without a space", "Ann Lee", "Annlee"],
    ["other digits", "Player 1", "Player 2"],
    ["one more digit", "Player 1", "Player 11"],
    ["two skin tones", "👍🏻", "👍🏿"],
    ["two countries", "🇧🇷", "🇮🇳"],
    ["two Chinese names", "李小龍", "李小龙"],
  ])("%s", (_, one, other) => {
    expect(lookTheSame(one, other)).toBe(false);
    expect(lookTheSame(other, one)).toBe(false);
  });
});

test("a name looks like itself, in capitals and in small letters", () => {
  fc.assert(
    fc.property(text, (any) => {
      const name = readName(any);
      if (name === null) return;
      expect(lookTheSame(name, name)).toBe(true);
      expect(lookTheSame(name, name.normalize("NFD"))).toBe(true);
      expect(lookTheSame(name, name.normalize("NFKC").toLowerCase())).toBe(true);
      expect(lookTheSame(name, name.normalize("NFKC").toUpperCase())).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test("the looks of no name are long, so that comparing costs little", () => {
  for (const letter of ["x", "m", "\ufdfa", "\ufdfd", "\u0390", "\u1fa7", "\u1ebf", "㌀", "🧿", "\u2a74"]) {
    const looks = looksOf(letter.repeat(longest));
    expect(looks.length).toBeLessThanOrEqual(5);
    expect(Math.max(...looks.map((look) => look.length))).toBeLessThanOrEqual(6 * longest);
  }
});

test("names are compared by a version of Unicode that this Node.js has", () => {
  expect(Number.parseFloat(confusablesVersion)).toBeLessThanOrEqual(
    Number.parseFloat(process.versions.unicode ?? ""),
  );
});
