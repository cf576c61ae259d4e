/** Inputs that are nearly right: genuine ones, changed in one place or a few. */
import fc, { type Arbitrary } from "fast-check";
import { anyText } from "../core/any-text.ts";

/** Lengths just below, at and beyond every limit that a text can meet. */
const lengths = [1, 16, 17, 22, 48, 50, 51, 64, 65, 80, 81, 128, 129, 250, 251, 253, 256, 257, 1_024, 20_000];

const strangeTexts = [
  ...[
    "",
    " ",
    "\0",
    "\n",
    "\ud83c",
    "\udfb2\ud83c",
    "🎲",
    "é",
    "e\u0301",
    "\ufeff",
    "\u202eABC",
    "１７",
    "ＡＢＣＤＥ",
  ],
  ...["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "then", "toJSON", "length"],
  ...[
    "null",
    "true",
    "NaN",
    "1",
    "-1",
    "0x10",
    "{}",
    "[]",
    "undefined",
    "..",
    "../..",
    "%00",
    "%2e%2e",
    "a:b",
  ],
  ...[
    "abort",
    "continue",
    "open",
    "relay-only",
    "ABCDE",
    "abcde",
    "Guest 1",
    "0-0",
    "1-5",
    "9999-999999999999999",
  ],
];

/** Any text, the strange and the long among them. */
export const oddText: Arbitrary<string> = fc.oneof(
  { arbitrary: fc.constantFrom(...strangeTexts), weight: 3 },
  { arbitrary: anyText, weight: 3 },
  fc.tuple(fc.constantFrom("a", "🎲", "é", "\u0001", "0"), fc.constantFrom(...lengths)).map(repeated),
);

function repeated([unit, length]: [string, number]): string {
  return unit.repeat(Math.ceil(length / unit.length));
}

const nested = fc
  .tuple(fc.constantFrom<[string, string]>(["[", "]"], ['{"a":', "}"], ['{"__proto__":', "}"]), fc.nat(3_000))
  .map(([[open, close], depth]) => `${open.repeat(depth)}1${close.repeat(depth)}`);

const strangeJson = [
  ...[
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1",
    "1.0",
    "2",
    "64",
    "64.5",
    "65",
    "-1",
    "6.4e1",
    "1e2",
    "0.1",
    "65535",
    "65536",
  ],
  ...[
    "1e400",
    "-1e400",
    "1e-400",
    "9007199254740993",
    "9".repeat(400),
    "4294967296",
    "[]",
    "{}",
    "[[]]",
    '[""]',
  ],
  ...[
    '{"__proto__":{"token":"x"}}',
    '{"length":5}',
    '{"toString":null}',
    '{"toJSON":1,"then":{}}',
    '"\\u0000"',
    '"\\ud800"',
  ],
];

/** The JSON of any value, as text: what no object can be made of is there too, like numbers beyond all bounds. */
export const oddJson: Arbitrary<string> = fc.oneof(
  { arbitrary: fc.constantFrom(...strangeJson), weight: 4 },
  { arbitrary: oddText.map((text) => JSON.stringify(text)), weight: 4 },
  fc.json({ maxDepth: 3 }),
  nested,
);

/** A change to a text that need not be known yet. */
export type Edit = { kind: (typeof editKinds)[number]; at: number; to: number; piece: string };
const editKinds = [
  ...([
    "set",
    "set",
    "set",
    "set",
    "insert",
    "delete",
    "until",
    "from",
    "turn",
    "swap",
    "upper",
    "lower",
  ] as const),
  ...(["double", "before", "after"] as const),
];

export const anyEdit: Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom(...editKinds),
  at: fc.nat(1_000),
  to: fc.nat(1_000),
  piece: fc.oneof(fc.constantFrom(..."0aA_-.=+/: %~\0é"), fc.constantFrom(...strangeTexts)),
});

/** The text with the change made; perhaps it is the same again. */
export function edited(text: string, { kind, at, to, piece }: Edit): string {
  const [i, j] = [at % (text.length + 1), to % (text.length + 1)];
  const [head, tail] = [text.slice(0, i), text.slice(i)];
  switch (kind) {
    case "set":
      return head + piece + tail.slice(1);
    case "insert":
      return head + piece + tail;
    case "delete":
      return head + tail.slice(1);
    case "until":
      return head;
    case "from":
      return tail;
    case "turn":
      return tail + head;
    case "swap":
      return swapped(text, i, j);
    case "upper":
      return text.toUpperCase();
    case "lower":
      return text.toLowerCase();
    case "double":
      return text + text;
    case "before":
      return piece + text;
    case "after":
      return text + piece;
  }
}

function swapped(text: string, i: number, j: number): string {
  const units = text.split("");
  [units[i], units[j]] = [units[j] ?? "", units[i] ?? ""];
  return units.join("");
}

/** A text, changed here or there; perhaps it is the same again. */
export function mutatedText(genuine: string): Arbitrary<string> {
  return anyEdit.map((edit) => edited(genuine, edit));
}

/** Bytes, changed here or there; perhaps they are the same again. */
export function mutatedBytes(genuine: Uint8Array): Arbitrary<Buffer> {
  const bytes = Buffer.from(genuine);
  const at = fc.nat(bytes.length);
  const some = fc.uint8Array({ maxLength: 40 });
  return fc.oneof(
    {
      arbitrary: fc.tuple(at, fc.nat(255)).map(([i, byte]) => cut(bytes, i, i + 1, Buffer.of(byte))),
      weight: 3,
    },
    { arbitrary: fc.tuple(at, fc.nat(7)).map(([i, bit]) => flipped(bytes, i, bit)), weight: 3 },
    fc.tuple(at, some).map(([i, more]) => cut(bytes, i, i, more)),
    fc.tuple(at, at).map(([i, j]) => cut(bytes, Math.min(i, j), Math.max(i, j))),
    fc.tuple(at, at, at).map(([i, j, k]) => cut(bytes, i, i, bytes.subarray(Math.min(j, k), Math.max(j, k)))),
    at.map((i) => bytes.subarray(0, i)),
    some.map((more) => Buffer.concat([bytes, more])),
  );
}

function cut(bytes: Buffer, from: number, to: number, by: Uint8Array = Buffer.of()): Buffer {
  return Buffer.concat([bytes.subarray(0, from), by, bytes.subarray(to)]);
}

function flipped(bytes: Buffer, i: number, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[i] = (copy[i] ?? 0) ^ (1 << bit);
  return copy;
}

/** One field of an object's JSON: fields may come twice, and their values be no JSON at all. */
type Field = [key: string, json: string];

/** The JSON of an object, with fields changed, left out, added, doubled or renamed: one of them, or a few. */
export function mutatedFields(genuine: object): Arbitrary<string> {
  const fields = Object.entries(genuine).flatMap(([key, value]): Field[] =>
    value === undefined ? [] : [[key, JSON.stringify(value)]],
  );
  const at = fc.nat(Math.max(0, fields.length - 1));
  const texts = fields.flatMap(([key, json]) =>
    json.startsWith('"') ? [{ key, text: String(JSON.parse(json)) }] : [],
  );
  const change = fc.oneof(
    {
      arbitrary: fc.tuple(at, oddJson).map(
        ([i, json]) =>
          (all: Field[]) =>
            with_(all, i, [[all[i]?.[0] ?? "", json]]),
      ),
      weight: 6,
    },
    {
      arbitrary: fc
        .constantFrom(...(texts.length > 0 ? texts : [{ key: "token", text: "" }]))
        .chain(({ key, text }) => mutatedText(text).map((other): Field => [key, JSON.stringify(other)]))
        .map(
          ([key, json]) =>
            (all: Field[]) =>
              all.map((one): Field => (one[0] === key ? [key, json] : one)),
        ),
      weight: 3,
    },
    at.map((i) => (all: Field[]) => with_(all, i, [])),
    fc.tuple(at, oddText, oddJson).map(([i, key, json]) => (all: Field[]) => [
      ...all.slice(0, i),
      [key, json] as Field,
      ...all.slice(i),
    ]),
    fc.tuple(at, oddJson).map(([i, json]) => (all: Field[]) => [...all, [all[i]?.[0] ?? "", json] as Field]),
    fc.tuple(at, oddJson).map(([i, json]) => (all: Field[]) => [[all[i]?.[0] ?? "", json] as Field, ...all]),
    fc.tuple(at, oddText).map(
      ([i, key]) =>
        (all: Field[]) =>
          with_(all, i, [[key, all[i]?.[1] ?? "0"]]),
    ),
  );
  return fc
    .array(change, { minLength: 1, maxLength: 3 })
    .map((changes) => changes.reduce((all, change) => change(all), fields))
    .map((all) => `{${all.map(([key, json]) => `${JSON.stringify(key)}:${json}`).join(",")}}`);
}

function with_(all: Field[], i: number, by: Field[]): Field[] {
  return [...all.slice(0, i), ...by, ...all.slice(i + 1)];
}

/** The bytes of an object's JSON: as it is, with fields changed, cut off, spoiled, or in another encoding. As binary text: a character is a byte. */
export function mutatedBody(genuine: object): Arbitrary<string> {
  const json = fc.oneof(
    { arbitrary: mutatedFields(genuine), weight: 6 },
    { arbitrary: fc.constant(JSON.stringify(genuine)), weight: 1 },
    oddJson,
  );
  const bytes = json.chain((text) =>
    fc.oneof(
      { arbitrary: fc.constant(Buffer.from(text)), weight: 8 },
      fc.nat(text.length).map((i) => Buffer.from(text.slice(0, i))),
      fc
        .constantFrom("\ufeff", " \n\t", "[", "0", "// comment\n", "\0", ")]}',\n")
        .map((before) => Buffer.from(before + text)),
      fc
        .constantFrom(" ", "}", ",", "\0", text, " ".repeat(16_384))
        .map((after) => Buffer.from(text + after)),
      fc
        .constantFrom("utf16le" as const, "latin1" as const, "base64url" as const)
        .map((as) => Buffer.from(text, as)),
      mutatedBytes(Buffer.from(text)),
    ),
  );
  return fc
    .oneof({ arbitrary: bytes, weight: 12 }, fc.uint8Array({ maxLength: 300 }))
    .map((some) => Buffer.from(some).toString("latin1"));
}
