/** Names that people have, in any script: which may be one, and which two look the same. */
import * as z from "zod";
import type { ProblemCode } from "./problem.ts";
import { field } from "./wire/field.ts";
import { wireLimits } from "./wire/limits.ts";

/** Control, format (zero-width, bidirectional) and private characters, surrogates, and separators that are no space. */
const forbidden = /[\p{C}\p{Zl}\p{Zp}]/u;
/** More marks than any script stacks on one letter. */
const tooManyMarks = /\p{M}{3}/u;

/** Whether a text has no characters that nobody sees, or that turn the direction of others. */
export function isPrintable(text: string): boolean {
  return !forbidden.test(text);
}

/** A name as it is kept: NFC, with single spaces between its words. Null if it can be none. */
export function readName(text: string): string | null {
  if (text.length > 4 * wireLimits.displayNameLength) return null;
  const name = text
    .normalize("NFC")
    .replace(/\p{Zs}+/gu, " ")
    .trim();
  const characters = [...name].length;
  if (characters < 1 || characters > wireLimits.displayNameLength) return null;
  return forbidden.test(name) || tooManyMarks.test(name) ? null : name;
}

/** A name that people have: read, or the code if it is none. */
export function displayNameField(code: ProblemCode) {
  return z.string(field(code)).transform((text, context) => {
    const name = readName(text);
    if (name !== null) return name;
    context.addIssue({ code: "custom", message: code });
    return z.NEVER;
  });
}

/** What people see of a name: two of the same looks cannot be told apart. */
export function looksOf(name: string): string {
  return name.normalize("NFKC").toLowerCase().replace(/\s+/gu, " ").trim();
}
