/** The directory's shards, seen as one list. */
import { type Cursor, cursorText, type Rank } from "../../core/directory/cursor.ts";
import { compareStandings, type Sorting, type Standing, shardOfGame } from "../../core/directory/search.ts";
import type { ListQuery } from "../../core/wire/finding.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { type Env, settingsOf } from "../platform/env.ts";
import type { Page, Search } from "../platform/ports.ts";
import { released } from "../platform/retry.ts";
import { directoryAt } from "../platform/stubs.ts";

/** How many shards are asked for a page. */
export function shardsAsked(env: Env, { game }: ListQuery): number {
  return game === undefined ? settingsOf(env).directoryShards : 1;
}

/** This isolate's last first page, for deployments that allow an old one. Data, not a promise: requests must not share those. */
let lastAnswer = { at: 0, body: "" };

/** The body of `GET /lobbies`: a page of the public lobbies, with the cursor of the next one if there is more. */
export async function listLobbies(env: Env, query: ListQuery): Promise<string> {
  const { directoryMaxAgeMs } = settingsOf(env);
  const isPlain = Object.values(query).every((one) => one === undefined);
  // An answer of the future is one of before the clock was set back.
  if (isPlain && Math.abs(Date.now() - lastAnswer.at) < directoryMaxAgeMs) return lastAnswer.body;
  const body = await page(env, query);
  if (isPlain && directoryMaxAgeMs > 0) lastAnswer = { at: Date.now(), body };
  return body;
}

/** A lobby as JSON, and where it stands. */
type Listed = { json: string; at: Cursor };

/** Each shard is asked for a page, and the first lobbies of all are the page. Those of one game are in one shard. */
async function page(env: Env, query: ListQuery): Promise<string> {
  const { limit = wireLimits.pageSize, cursor, game, sort } = query;
  const { directoryShards } = settingsOf(env);
  const start = cursor?.kind === "old" ? undefined : cursor;
  const indexes =
    game === undefined
      ? Array.from({ length: directoryShards }, (_, i) => i)
      : [shardOfGame(game, directoryShards)];
  const pages = await Promise.all(
    indexes.map(async (index) => ({
      index,
      ...released(await directoryAt(env, index).list(searchIn(index, query, start))),
    })),
  );
  const [only] = pages;
  if (only?.ranks && pages.length === 1)
    return body([only.lobbies], only.hasMore ? placeIn(only, only.count - 1, sort) : null);
  const all = pages.flatMap((one) => listed(one, sort));
  const shown = all.sort(inOrder(sort)).slice(0, limit);
  const hasMore = all.length > limit || pages.some((one) => one.hasMore);
  // A shard of the version before tells no ranks, and begins again for each page.
  const old = pages.filter(({ ranks, count }) => !start && ranks === undefined && count > 0);
  const parts = [...shown, ...old.map(({ lobbies }) => ({ json: lobbies }))];
  return body(
    parts.map(({ json }) => json),
    hasMore ? (shown.at(-1)?.at ?? null) : null,
  );
}

function body(parts: string[], last: Cursor | null): string {
  const next = last ? `,"cursor":"${cursorText(last)}"` : "";
  return `{"lobbies":[${parts.join(",")}]${next}}`;
}

type ShardPage = Page & { index: number };

/** The lobbies of one shard's page. */
function listed(one: ShardPage, sort: Sorting | undefined): Listed[] {
  const end = one.ranks?.end ?? [];
  return end.flatMap((to, i) => {
    const at = placeIn(one, i, sort);
    return at ? [{ at, json: one.lobbies.slice(i === 0 ? 0 : (end[i - 1] ?? 0) + 1, to) }] : [];
  });
}

function placeIn(
  { ranks, values, index: shard }: ShardPage,
  i: number,
  sort: Sorting | undefined,
): Cursor | null {
  const order = ranks?.order[i];
  if (!ranks || order === undefined) return null;
  const round = ranks.round[i] ?? 0;
  if (sort) return { kind: "sorted", at: { value: values?.[i] ?? null, round, order }, shard };
  return { kind: "ranked", at: { isFull: ranks.isFull[i] ?? false, round, order }, shard };
}

/** As the list is sorted. Two shards may have the same place in it. */
function inOrder(sort: Sorting | undefined): (one: Listed, other: Listed) => number {
  return ({ at: one }, { at: other }) => {
    const order =
      one.kind === "sorted" && other.kind === "sorted"
        ? compareStandings(one.at, other.at, sort?.descending ?? false)
        : one.kind === "ranked" && other.kind === "ranked"
          ? compareRanks(one.at, other.at)
          : 0;
    return order || one.shard - other.shard;
  };
}

function compareRanks(one: Rank, other: Rank): number {
  return Number(one.isFull) - Number(other.isFull) || one.round - other.round || other.order - one.order;
}

/** What a shard is asked for. */
function searchIn(index: number, query: ListQuery, start: Cursor | undefined): Search {
  const { limit = wireLimits.pageSize, name, game, where, open, sort } = query;
  return {
    limit,
    ...(name !== undefined && { name }),
    ...(game !== undefined && { game }),
    ...(where && { where }),
    ...(open !== undefined && { open }),
    ...(sort && { sort: { ...sort, after: start?.kind === "sorted" ? after(start, index) : undefined } }),
    ...(start?.kind === "ranked" && { from: after(start, index) }),
  };
}

/** The place that a shard's lobbies on the next page come after. A later shard may have one in the very same place. */
function after<At extends Rank | Standing>({ at, shard }: { at: At; shard: number }, index: number): At {
  return index > shard ? { ...at, order: at.order + 1 } : at;
}
