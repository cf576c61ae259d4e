import { DurableObject } from "cloudflare:workers";
import { limits } from "../core/limits.ts";
import type { ListedLobby } from "../core/wire/http.ts";
import type { Env } from "./env.ts";

/** `name`: only lobbies whose name contains it, in any case. `after`: only those listed later than this one. */
export type Search = { name?: string | undefined; after?: number; limit?: number | undefined };

/** `lobbies` is the inside of a JSON array. `next` is where to go on, if there is more. */
export type Page = { lobbies: string; count: number; next?: number };

type Entry = { lobby: ListedLobby; json: string; order: number; expiresAt: number };
/** What storage keeps of an entry. */
type Row = Pick<Entry, "lobby" | "order" | "expiresAt">;

const prefix = "lobby:";

/**
 * One shard of the list of public lobbies, the longest open first. Entries expire unless they are
 * refreshed, so that a lobby that was lost cannot stay listed.
 */
export class Directory extends DurableObject<Env> {
  /** In the order of opening. */
  readonly #entries = new Map<string, Entry>();
  #nextOrder = 1;
  /** Nothing expires before this. */
  #nextExpiry = Number.POSITIVE_INFINITY;
  /** The answer of `all`, until something changes. */
  #all: string | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const rows = [...ctx.storage.kv.list<Row>({ prefix })].map(([, row]) => row);
    for (const row of rows.sort((a, b) => a.order - b.order)) this.#set(row);
  }

  /** Lists a lobby, or brings its entry up to date, and lets it live for a while longer. */
  put(lobby: ListedLobby): void {
    const order = this.#entries.get(lobby.id)?.order ?? this.#nextOrder;
    const row: Row = { lobby, order, expiresAt: Date.now() + limits.listingLifeMs };
    this.#set(row);
    this.ctx.storage.kv.put<Row>(prefix + lobby.id, row);
  }

  remove(lobbyId: string): void {
    if (!this.#entries.delete(lobbyId)) return;
    this.#all = null;
    this.ctx.storage.kv.delete(prefix + lobbyId);
  }

  /** All lobbies, as the inside of a JSON array. */
  all(): string {
    this.#expire(Date.now());
    this.#all ??= this.#search({}).lobbies;
    return this.#all;
  }

  list(search: Search): Page {
    this.#expire(Date.now());
    return this.#search(search);
  }

  #search({ name, after = 0, limit = Number.POSITIVE_INFINITY }: Search): Page {
    const wanted = name?.toLowerCase();
    const found: Entry[] = [];
    for (const entry of this.#entries.values()) {
      if (entry.order <= after) continue;
      if (wanted !== undefined && !entry.lobby.name.toLowerCase().includes(wanted)) continue;
      const last = found.at(-1);
      if (found.length === limit && last) return { ...page(found), next: last.order };
      found.push(entry);
    }
    return page(found);
  }

  #set(row: Row): void {
    const { lobby, order, expiresAt } = row;
    const json = JSON.stringify(lobby);
    if (this.#entries.get(lobby.id)?.json !== json) this.#all = null;
    this.#entries.set(lobby.id, { ...row, json });
    this.#nextOrder = Math.max(this.#nextOrder, order + 1);
    this.#nextExpiry = Math.min(this.#nextExpiry, expiresAt);
  }

  #expire(now: number): void {
    if (now < this.#nextExpiry) return;
    this.#nextExpiry = Number.POSITIVE_INFINITY;
    for (const [lobbyId, { expiresAt }] of this.#entries) {
      if (expiresAt <= now) this.remove(lobbyId);
      else this.#nextExpiry = Math.min(this.#nextExpiry, expiresAt);
    }
  }
}

function page(entries: Entry[]): Page {
  return { lobbies: entries.map(({ json }) => json).join(","), count: entries.length };
}
