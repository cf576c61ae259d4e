/**
 * Searching the public lobbies: conditions on what is listed of them, and the order that they are shown in. Pure: the
 * directory's shards evaluate, the Worker reads the query.
 *
 * A condition is `key:operator:value`. The key is a built-in field, or else a key of the lobby's data. What a lobby
 * does not list fulfils only `ne`. Numbers are compared as numbers, texts by their UTF-16 units, booleans only for
 * equality. There are no patterns.
 */
import type { DataValue } from "../data.ts";
import type { ListedLobby } from "../wire/http.ts";
import { wireLimits } from "../wire/limits.ts";

const operators = ["eq", "ne", "lt", "lte", "gt", "gte"] as const;
export type Operator = (typeof operators)[number];
/** Plain data: it crosses RPC. */
export type Condition = { readonly key: string; readonly operator: Operator; readonly value: string };
/** By one field or key. */
export type Sorting = { readonly key: string; readonly descending: boolean };

type Field = { readonly kind: DataValueKind; readonly of: (lobby: ListedLobby) => DataValue | undefined };
type DataValueKind = "number" | "string" | "boolean";

/** Fields that every lobby has. A key of data with such a name cannot be searched. */
const fields: { readonly [name: string]: Field } = {
  members: { kind: "number", of: ({ currentMembers }) => currentMembers },
  maxMembers: { kind: "number", of: ({ maxMembers }) => maxMembers },
  name: { kind: "string", of: ({ name }) => name },
  title: { kind: "string", of: ({ title }) => title },
  privacy: { kind: "string", of: ({ privacy }) => privacy ?? "open" },
  locked: { kind: "boolean", of: ({ locked }) => locked === true },
  hasPassword: { kind: "boolean", of: ({ hasPassword }) => hasPassword === true },
  full: { kind: "boolean", of: isListedFull },
};

const keyShape = /^[A-Za-z][\w.-]*$/;
const numberShape = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;

/** A condition as it stands in a query, or null if it makes no sense. */
export function readCondition(text: string): Condition | null {
  if (text.length > wireLimits.conditionLength) return null;
  const [key = "", operator = "", ...rest] = text.split(":");
  const known = operators.find((one) => one === operator);
  if (!isKey(key) || known === undefined || rest.length === 0) return null;
  const value = rest.join(":");
  const field = fieldNamed(key);
  if (field && !makesSense(field.kind, known, value)) return null;
  return { key, operator: known, value };
}

/** A sorting as it stands in a query: a key, with `-` before it to have the greatest first. Null if it makes no sense. */
export function readSorting(text: string): Sorting | null {
  const descending = text.startsWith("-");
  const key = descending ? text.slice(1) : text;
  return isKey(key) ? { key, descending } : null;
}

function isKey(key: string): boolean {
  return key.length <= wireLimits.dataKeyLength && keyShape.test(key);
}

function makesSense(kind: DataValueKind, operator: Operator, value: string): boolean {
  if (kind === "number") return numberShape.test(value);
  if (kind === "string") return true;
  return (operator === "eq" || operator === "ne") && (value === "true" || value === "false");
}

/** Whether there is no place in it. A version before did not say so itself. */
export function isListedFull({ full, currentMembers, maxMembers }: ListedLobby): boolean {
  return full ?? currentMembers >= maxMembers;
}

/** Whether anybody may join it now, without a password. */
export function isListedOpen(lobby: ListedLobby): boolean {
  return lobby.locked !== true && lobby.hasPassword !== true && !isListedFull(lobby);
}

/** Whether a lobby fulfils all of the conditions. */
export function fulfils(conditions: readonly Condition[]): (lobby: ListedLobby) => boolean {
  const tests = conditions.map(({ key, operator, value }) => {
    const field = reader(key);
    const test = comparing(operator, value);
    return (lobby: ListedLobby) => test(field(lobby));
  });
  return (lobby) => tests.every((test) => test(lobby));
}

/** What a lobby lists under a key. */
export function reader(key: string): (lobby: ListedLobby) => DataValue | undefined {
  const field = fieldNamed(key);
  if (field) return field.of;
  return ({ data }) => (data && Object.hasOwn(data, key) ? data[key] : undefined);
}

function fieldNamed(key: string): Field | undefined {
  return Object.hasOwn(fields, key) ? fields[key] : undefined;
}

function comparing(operator: Operator, text: string): (value: DataValue | undefined) => boolean {
  const number = numberShape.test(text) ? Number(text) : Number.NaN;
  const equals = (value: DataValue | undefined) =>
    typeof value === "number"
      ? value === number
      : typeof value === "boolean"
        ? String(value) === text
        : value === text;
  /** Below 0, 0 or above it; not a number if the two cannot be compared. */
  const order = (value: DataValue | undefined) => {
    if (typeof value === "number") return value - number;
    if (typeof value === "string") return value < text ? -1 : Number(value > text);
    return Number.NaN;
  };
  switch (operator) {
    case "eq":
      return equals;
    case "ne":
      return (value) => !equals(value);
    case "lt":
      return (value) => order(value) < 0;
    case "lte":
      return (value) => order(value) <= 0;
    case "gt":
      return (value) => order(value) > 0;
    case "gte":
      return (value) => order(value) >= 0;
  }
}

/** Where a lobby stands in a sorted list: by its value, then by the round and the order of its listing, which never change. */
export type Standing = {
  /** Null for none: those come last, either way. */
  readonly value: DataValue | null;
  readonly round: number;
  readonly order: number;
};

/** The order of a sorted list: below 0 if the first comes before the second. Numbers come before texts, texts before booleans. */
export function compareStandings(one: Standing, other: Standing, descending: boolean): number {
  if (one.value !== other.value) {
    const kinds = kindRank(one.value) - kindRank(other.value);
    if (kinds !== 0) return kinds;
    const rising = (one.value ?? 0) < (other.value ?? 0);
    return rising === descending ? 1 : -1;
  }
  return one.round - other.round || other.order - one.order;
}

function kindRank(value: DataValue | null): number {
  if (value === null) return 3;
  return typeof value === "number" ? 0 : typeof value === "string" ? 1 : 2;
}

/** The shard, from 0, that lists all lobbies of a game. The same in every version, or they are listed twice. */
export function shardOfGame(game: string, shards: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < game.length; i++) hash = Math.imul(hash ^ game.charCodeAt(i), 0x01000193) >>> 0;
  return hash % shards;
}
