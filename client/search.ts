/** Which lobbies a game looks for: conditions as a game writes them, and as the server reads them. */
import type { DataValue } from "../core/data.ts";
import { argumentError } from "./argument.ts";

const operators = ["eq", "ne", "lt", "lte", "gt", "gte"] as const;
export type Operator = (typeof operators)[number];
/** A value that it is to have, or one or more comparisons. */
export type Condition = DataValue | { readonly [O in Operator]?: DataValue };
/**
 * By keys of the lobby's data, and `members`, `maxMembers`, `name`, `title`, `privacy`, `locked`, `hasPassword`, `full`. At most 4
 * comparisons in all: `{ map: "dust", skill: { gte: 800, lte: 1200 } }`.
 */
export type Where = { readonly [key: string]: Condition };

/** Throws `invalid_argument`. */
export function conditionsOf(where: Where): string[] {
  if (typeof where !== "object" || where === null) throw argumentError("where must be an object.");
  return Object.entries(where).flatMap(([key, condition]) => {
    if (isValue(condition)) return [`${key}:eq:${condition}`];
    if (typeof condition !== "object" || condition === null)
      throw argumentError(`where has a condition for "${key}" that is none.`);
    return Object.entries(condition)
      .filter(([, value]) => value !== undefined)
      .map(([operator, value]) => {
        const isKnown = operators.some((one) => one === operator);
        if (!isKnown || !isValue(value))
          throw argumentError(`where has a condition for "${key}" that is none.`);
        return `${key}:${operator}:${value}`;
      });
  });
}

function isValue(value: unknown): value is DataValue {
  return ["string", "number", "boolean"].includes(typeof value);
}
