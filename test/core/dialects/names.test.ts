import { expect, test } from "vitest";
import { dialectOf, dialects, longestName, nameIn, parseName } from "../../../core/dialects/names.ts";
import { readCode } from "../../../core/lobby/code.ts";

const names = [
  ["rabid", "NiceRoom"],
  ["rabid", "a"],
  ["rabid", "0123456789"],
  ["noray", "V1StGXR8_Z5jdHi6B-myT"],
  ["noray", "-"],
  ["noray", "a".repeat(64)],
  ["groovejet", "0a1z0"],
] as const;

test("a dialect's name is one text and back, and no code", () => {
  for (const [dialect, name] of names) {
    const text = nameIn(dialect, name);
    expect(text).toBe(`${dialect}:${name}`);
    expect(parseName(text ?? "")).toEqual({ dialect, name });
    expect(readCode(text ?? "")).toBeNull();
  }
  expect(longestName).toBe(`noray:${"a".repeat(64)}`.length);
});

test("what a dialect does not allow is no name of it, but is in its namespace", () => {
  const wrong = [
    ...[
      "rabid:",
      "rabid:12345678901",
      "rabid:Nice Room",
      "rabid:nice_room",
      "rabid:é",
      "rabid:a\n",
      "rabid:a:b",
    ],
    ...["noray:", `noray:${"a".repeat(65)}`, "noray:a.b", "noray:a/b", "noray: a", "noray:a\n"],
    ...["groovejet:", "groovejet:0a1z", "groovejet:0a1z00", "groovejet:0A1Z0", "groovejet:0a1z0\n"],
  ];
  for (const text of wrong) {
    expect(parseName(text), text).toBeNull();
    expect(dialectOf(text), text).toBe(text.slice(0, text.indexOf(":")));
  }
  expect(nameIn("rabid", "nice_room")).toBeNull();
});

test("anything else is in no dialect's namespace", () => {
  for (const text of [
    "",
    "K7Q2M",
    "rabid",
    "Rabid:a",
    " rabid:a",
    "orion:a",
    ":a",
    "rabid/a",
    "constructor:a",
  ]) {
    expect(dialectOf(text), text).toBeNull();
    expect(parseName(text), text).toBeNull();
  }
  for (const dialect of dialects) expect(dialectOf(`${dialect}:`)).toBe(dialect);
});
