/** How lobbies are found: the query of `GET /lobbies`, and `POST /lobbies/match`. Additions to Orion. */
import * as z from "zod";
import { readCursor } from "../directory/cursor.ts";
import { readCondition, readSorting } from "../directory/search.ts";
import type { ProblemCode } from "../problem.ts";
import { field } from "./field.ts";
import { type HostAnswer, hostRequest, type JoinAnswer, joinRequest } from "./http.ts";
import { wireLimits } from "./limits.ts";
import { gameField, tokenField } from "./schema.ts";

/** A parameter of a query. One without a value counts as absent: a game's first page has an empty cursor. */
function parameter<T>(schema: z.ZodType<T>) {
  return z.preprocess((value) => (value === "" ? undefined : value), schema.optional());
}

/** A text that is read, or the code if nothing can be read from it. */
function readField<T>(code: ProblemCode, read: (text: string) => T | null) {
  return z.string(field(code)).transform((text, context) => {
    const value = read(text);
    if (value !== null) return value;
    context.addIssue({ code: "custom", message: code });
    return z.NEVER;
  });
}

const invalidQuery = field("invalid_query");
const invalidSearch = field("invalid_search");
const conditions = z
  .array(readField("invalid_search", readCondition), invalidSearch)
  .max(wireLimits.searchConditions, invalidSearch);

/** The query of `GET /lobbies`. Without one, the first page is listed. */
export const listQuery = z
  .object({
    limit: parameter(
      z
        .string(invalidQuery)
        .regex(/^\d{1,3}$/, invalidQuery)
        .transform(Number)
        .refine((limit) => limit >= 1 && limit <= wireLimits.pageSize, invalidQuery),
    ),
    cursor: parameter(readField("invalid_query", readCursor)),
    name: parameter(z.string(invalidQuery).max(wireLimits.nameLength, invalidQuery)),
    game: parameter(gameField),
    /** One that is given once is a text, not a list. */
    where: z.preprocess((given) => {
      const some = [given].flat().filter((one) => one !== undefined && one !== "");
      return some.length > 0 ? some : undefined;
    }, conditions.optional()),
    open: parameter(z.enum(["true", "false"], invalidSearch).transform((text) => text === "true")),
    sort: parameter(readField("invalid_search", readSorting)),
  })
  // A page goes on in the order in which it began.
  .refine(
    ({ cursor, sort }) =>
      cursor === undefined || (sort ? cursor.kind === "sorted" : cursor.kind !== "sorted"),
    invalidQuery,
  );
export type ListQuery = z.infer<typeof listQuery>;

/**
 * `POST /lobbies/match`: into an open public lobby of the game, or into a new one. `create`: the new one, as in `POST /lobbies`.
 * The player's name, and what it says of itself, are the same in both.
 */
export const matchRequest = z.object(
  {
    ...joinRequest.pick({
      peerName: true,
      privacy: true,
      displayName: true,
      memberData: true,
      features: true,
    }).shape,
    token: tokenField,
    game: gameField,
    where: conditions.default([]),
    create: hostRequest.omit({
      token: true,
      hostName: true,
      isPublic: true,
      game: true,
      displayName: true,
      memberData: true,
      features: true,
    }),
  },
  field("invalid_body"),
);
export type MatchRequest = z.infer<typeof matchRequest>;
/** As a join is answered, 200, or a lobby that is opened, 201. */
export type MatchAnswer = ({ created: false } & JoinAnswer) | ({ created: true } & HostAnswer);
