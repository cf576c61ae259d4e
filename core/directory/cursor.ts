/**
 * Where a page of the list ends, as a text that a client gives back for the next page. Anybody can make one up: it is
 * only a place in the list, and shows nothing that the list does not.
 */
import { decodeText, encodeText } from "../wire/base64.ts";
import { wireLimits } from "../wire/limits.ts";
import type { Standing } from "./search.ts";

/**
 * A lobby's place in the list, the first to the last: those that can be joined before the full ones; then by `round`, the how manieth of
 * its network it was; then by `order`, the newest first (about milliseconds since 1970, each once in a shard).
 */
export type Rank = { readonly isFull: boolean; readonly round: number; readonly order: number };

/** The last lobby of a page: of the list as it is, or of one that was sorted. `shard`: which one lists it. */
export type Cursor =
  | { readonly kind: "ranked"; readonly at: Rank; readonly shard: number }
  | { readonly kind: "sorted"; readonly at: Standing; readonly shard: number };
/** One of a version before: its list begins again. */
export type OldCursor = { readonly kind: "old" };

const rankedShape = /^([01])-(\d{1,5})-(\d{1,15})-(\d{1,4})$/;
const oldShape = /^\d{1,4}-\d{1,15}$/;
const sortedShape = /^s\.([\w-]+)$/;

export function cursorText({ kind, at, shard }: Cursor): string {
  if (kind === "ranked") return `${Number(at.isFull)}-${at.round}-${at.order}-${shard}`;
  const base64 = encodeText(JSON.stringify([at.value, at.round, at.order, shard]));
  return `s.${base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

/** Null for a text that no version ever gave. */
export function readCursor(text: string): Cursor | OldCursor | null {
  if (text.length > wireLimits.cursorLength) return null;
  const ranked = rankedShape.exec(text);
  if (ranked) {
    const [round = 0, order = 0, shard = 0] = ranked.slice(2).map(Number);
    return { kind: "ranked", at: { isFull: ranked[1] === "1", round, order }, shard };
  }
  if (oldShape.test(text)) return { kind: "old" };
  const json = decodeText(sortedShape.exec(text)?.[1] ?? "");
  return json === null ? null : readSorted(json);
}

function readSorted(json: string): Cursor | null {
  try {
    const read: unknown = JSON.parse(json);
    if (!Array.isArray(read) || read.length !== 4) return null;
    const [value, ...rest]: unknown[] = read;
    const numbers = rest.filter((one) => typeof one === "number" && Number.isSafeInteger(one) && one >= 0);
    const [round, order, shard] = numbers as number[];
    if (round === undefined || order === undefined || shard === undefined || !isValue(value)) return null;
    return { kind: "sorted", at: { value, round, order }, shard };
  } catch {
    return null;
  }
}

function isValue(value: unknown): value is Standing["value"] {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}
