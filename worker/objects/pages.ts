/** Pages of the list, made from one shard's entries. */
import type { Rank } from "../../core/directory/cursor.ts";
import { compareStandings, reader, type Standing } from "../../core/directory/search.ts";
import type { ListedLobby } from "../../core/wire/http.ts";
import type { Page, Search } from "../platform/ports.ts";

export type PageEntry = {
  readonly lobby: ListedLobby;
  /** The same as JSON. */
  readonly json: string;
  /** Its name in lower case. */
  readonly name: string;
  readonly isFull: boolean;
  readonly round?: number;
  readonly order: number;
};

/** A page in the order of `Rank`, after `from`: of each round those that can be joined, and then all that are full. */
export function rankedPage(
  shown: Iterable<PageEntry>,
  isFound: (entry: PageEntry) => boolean,
  from: Rank | undefined,
  limit: number,
): Page {
  const found: PageEntry[] = [];
  const full: PageEntry[] = [];
  for (const entry of shown) {
    const { isFull, round = 0, order } = entry;
    const some = isFull ? full : found;
    if (some.length > limit || (from && !isAfter({ isFull, round, order }, from)) || !isFound(entry))
      continue;
    some.push(entry);
    if (found.length > limit) break;
  }
  const all = found.concat(full);
  return page(all.slice(0, limit), all.length > limit);
}

/** A page in the order of a field or key. Of what is found, only as many are kept as two pages have. */
export function sortedPage(
  shown: Iterable<PageEntry>,
  isFound: (entry: PageEntry) => boolean,
  { key, descending, after }: NonNullable<Search["sort"]>,
  limit: number,
): Page {
  type Found = Standing & { readonly entry: PageEntry };
  const valueIn = reader(key);
  const compare = (one: Standing, other: Standing) => compareStandings(one, other, descending);
  let best: Found[] = [];
  let last: Found | undefined;
  let hasMore = false;
  const cut = () => {
    best.sort(compare);
    hasMore ||= best.length > limit;
    best = best.slice(0, limit);
    last = best.length === limit ? best.at(-1) : undefined;
  };
  for (const entry of shown) {
    const { round = 0, order, lobby } = entry;
    const at = { value: valueIn(lobby) ?? null, round, order };
    // Most are neither on this page nor worth keeping.
    const isBehind = last !== undefined && compare(at, last) > 0;
    if ((isBehind && hasMore) || (after && compare(at, after) <= 0) || !isFound(entry)) continue;
    if (isBehind) hasMore = true;
    else if (best.push({ ...at, entry }) >= 2 * limit) cut();
  }
  cut();
  return {
    ...page(
      best.map(({ entry }) => entry),
      hasMore,
    ),
    values: best.map(({ value }) => value),
  };
}

/** Whether the first comes after the second in the list. */
function isAfter(one: Rank, other: Rank): boolean {
  if (one.isFull !== other.isFull) return one.isFull;
  return one.round === other.round ? one.order < other.order : one.round > other.round;
}

function page(entries: PageEntry[], hasMore: boolean): Page {
  let length = -1;
  const end = entries.map(({ json }) => {
    length += json.length + 1;
    return length;
  });
  return {
    lobbies: entries.map(({ json }) => json).join(","),
    count: entries.length,
    ranks: {
      isFull: entries.map(({ isFull }) => isFull),
      round: entries.map(({ round = 0 }) => round),
      order: entries.map(({ order }) => order),
      end,
    },
    hasMore,
  };
}
