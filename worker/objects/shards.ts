/** The directory's shards, seen as one list. */
import type { ListQuery } from "../../core/wire/http.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { type Env, settingsOf } from "../platform/env.ts";
import type { DirectoryPort, Page, Rank } from "../platform/ports.ts";
import { released } from "../platform/retry.ts";
import { callOptions } from "../platform/stubs.ts";

/** The shard that lists a lobby. */
export function shardOf(env: Env, lobbyId: string): DurableObjectStub<DirectoryPort> {
  const { directoryShards } = settingsOf(env);
  return shard(env, Number.parseInt(lobbyId, 36) % directoryShards);
}

/** This isolate's last first page, for deployments that allow an old one. Data, not a promise: requests must not share those. */
let lastAnswer = { at: 0, body: "" };

/** The body of `GET /lobbies`: a page of the public lobbies, with the cursor of the next one if there is more. */
export async function listLobbies(env: Env, query: ListQuery): Promise<string> {
  const { directoryMaxAgeMs } = settingsOf(env);
  const isPlain = query.limit === undefined && query.cursor === undefined && query.name === undefined;
  // An answer of the future is one of before the clock was set back.
  if (isPlain && Math.abs(Date.now() - lastAnswer.at) < directoryMaxAgeMs) return lastAnswer.body;
  const body = await page(env, query);
  if (isPlain && directoryMaxAgeMs > 0) lastAnswer = { at: Date.now(), body };
  return body;
}

/** Where a page ends: the rank of its last lobby, and its shard. */
type Cursor = Rank & { shard: number };

/** A lobby as JSON, and where it stands. */
type Listed = Cursor & { json: string };

/** Each shard is asked for a page, and the first lobbies of all are the page. */
async function page(env: Env, { limit = wireLimits.pageSize, cursor, name }: ListQuery): Promise<string> {
  const { directoryShards } = settingsOf(env);
  const start = readCursor(cursor);
  const pages = await Promise.all(
    Array.from({ length: directoryShards }, async (_, i) =>
      released(await shard(env, i).list({ from: start && rankFor(start, i), name, limit })),
    ),
  );
  const [only] = pages;
  if (only?.ranks && pages.length === 1)
    return body([only.lobbies], only.hasMore ? rankIn(only, only.count - 1, 0) : null);
  const all = pages.flatMap(listed);
  const shown = all.sort(inOrder).slice(0, limit);
  const hasMore = all.length > limit || pages.some((one) => one.hasMore);
  // A shard of the version before tells no ranks, and begins again for each page.
  const old = pages.filter(({ ranks, count }) => !start && ranks === undefined && count > 0);
  const parts = [...shown, ...old.map(({ lobbies }) => ({ json: lobbies }))];
  return body(
    parts.map(({ json }) => json),
    hasMore ? (shown.at(-1) ?? null) : null,
  );
}

function body(parts: string[], last: Cursor | null): string {
  const next = last ? `,"cursor":"${cursorText(last)}"` : "";
  return `{"lobbies":[${parts.join(",")}]${next}}`;
}

/** The lobbies of one shard's page. */
function listed(one: Page, at: number): Listed[] {
  const end = one.ranks?.end ?? [];
  return end.flatMap((to, i) => {
    const rank = rankIn(one, i, at);
    return rank ? [{ ...rank, json: one.lobbies.slice(i === 0 ? 0 : (end[i - 1] ?? 0) + 1, to) }] : [];
  });
}

function rankIn({ ranks }: Page, i: number, at: number): Cursor | null {
  const order = ranks?.order[i];
  if (!ranks || order === undefined) return null;
  return { isFull: ranks.isFull[i] ?? false, round: ranks.round[i] ?? 0, order, shard: at };
}

/** As the list is sorted. Two shards may have the same rank. */
function inOrder(a: Cursor, b: Cursor): number {
  return Number(a.isFull) - Number(b.isFull) || a.round - b.round || b.order - a.order || a.shard - b.shard;
}

/** The rank that a shard's lobbies on the next page come after. A later shard may have one of the very same rank. */
function rankFor({ isFull, round, order, shard: at }: Cursor, index: number): Rank {
  return { isFull, round, order: index > at ? order + 1 : order };
}

function cursorText({ isFull, round, order, shard: at }: Cursor): string {
  return `${Number(isFull)}-${round}-${order}-${at}`;
}

/** Null for the first page, and for a cursor of the version before, which begins again. */
function readCursor(text: string | undefined): Cursor | undefined {
  const [isFull, round, order, at] = text?.split("-").map(Number) ?? [];
  if (round === undefined || order === undefined || at === undefined) return undefined;
  return { isFull: isFull === 1, round, order, shard: at };
}

function shard(env: Env, index: number): DurableObjectStub<DirectoryPort> {
  const { region } = settingsOf(env);
  return env.DIRECTORY.getByName(`shard-${index}`, callOptions(region));
}
