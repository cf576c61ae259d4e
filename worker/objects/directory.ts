import { retryable } from "cloudflare:durable-objects";
import { DurableObject } from "cloudflare:workers";
import { sharedLimits } from "../../core/limits.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import type { ListedLobby } from "../../core/wire/http.ts";
import { thisBoot } from "../platform/boot.ts";
import type { Env } from "../platform/env.ts";
import { logFault, tagLobbiesOf } from "../platform/log.ts";
import type { DirectoryPort, Page, Search } from "../platform/ports.ts";
import { within } from "../platform/retry.ts";
import { lobbyAt } from "../platform/stubs.ts";
import { objectLimits } from "./limits.ts";

/** What storage keeps of an entry. */
type Row = {
  lobby: ListedLobby;
  order: number;
  /** When its lobby was last heard of, in milliseconds since 1970, and by which process. */
  heardAt: number;
  boot: string;
};
type Entry = Row & { json: string };

const prefix = "listed:";
/** The rows of versions in which lobbies lived in homes: none of those lobbies lives. */
const oldPrefix = "lobby:";

/**
 * One shard of the list of public lobbies, the longest open first. If nothing was heard of a lobby for a while, it is asked
 * before it is shown. So a lobby that ended with its object, or with the whole server, is not listed.
 */
export class Directory extends DurableObject<Env> implements DirectoryPort {
  static {
    const { put, remove, all, list } = Directory.prototype;
    retryable(put, remove, all, list);
  }

  /** In the order of opening. */
  readonly #entries = new Map<string, Entry>();
  #nextOrder = 1;
  /** Until then every entry is believed; so is none before the last reading, because the clock was set back. */
  #believedUntil = Number.POSITIVE_INFINITY;
  #readAt = 0;
  #asking: Promise<void> | null = null;
  /** The answer of `all`, until something changes. */
  #all: string | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    tagLobbiesOf(env);
    const { kv } = ctx.storage;
    for (const [key] of [...kv.list({ prefix: oldPrefix })]) kv.delete(key);
    const rows = [...kv.list<Row>({ prefix })].map(([, row]) => row);
    for (const row of rows.sort((a, b) => a.order - b.order)) this.#set(row);
  }

  /** A lobby beyond the bound is not listed; it may be when it is put again, after others have gone. */
  async put(lobby: ListedLobby): Promise<void> {
    const known = this.#entries.get(lobby.id);
    if (!known && this.#entries.size >= objectLimits.listingEntries) {
      logFault("directory_full", { lobbyId: lobby.id, entries: this.#entries.size });
      return;
    }
    const order = known?.order ?? this.#nextOrder;
    this.#keep({ lobby, order, heardAt: Date.now(), boot: thisBoot() });
  }

  async remove(lobbyId: string): Promise<void> {
    this.#drop(lobbyId);
  }

  async all(): Promise<string> {
    await this.#askForDoubtful();
    this.#all ??= this.#search({}).lobbies;
    return this.#all;
  }

  async list(search: Search): Promise<Page> {
    await this.#askForDoubtful();
    return this.#search(search);
  }

  #search({ name, after = 0, limit = Number.POSITIVE_INFINITY }: Search): Page {
    const wanted = name?.toLowerCase();
    const now = Date.now();
    const found: Entry[] = [];
    for (const entry of this.#entries.values()) {
      if (entry.order <= after || !this.#isShown(entry, now)) continue;
      if (wanted !== undefined && !entry.lobby.name.toLowerCase().includes(wanted)) continue;
      const last = found.at(-1);
      if (found.length === limit && last) return { ...page(found), next: last.order };
      found.push(entry);
    }
    return page(found);
  }

  /** Waits a moment for the lobbies of all entries that are not believed without asking. */
  async #askForDoubtful(): Promise<void> {
    const now = Date.now();
    const isBack = now + sharedLimits.clockSlackMs < this.#readAt;
    this.#readAt = now;
    if (!isBack && now < this.#believedUntil) return;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    await within(objectLimits.directoryPatienceMs, this.#asking, undefined);
    this.#all = null;
  }

  /** Asks all lobbies that there are doubts about, some at a time. */
  async #ask(): Promise<void> {
    const doubtful = [...this.#entries.values()].filter((entry) => !isBelieved(entry, Date.now())).reverse();
    const askSome = async () => {
      for (let next = doubtful.pop(); next; next = doubtful.pop()) await this.#askLobby(next);
    };
    await Promise.all(Array.from({ length: objectLimits.listingAsks }, askSome));
    const now = Date.now();
    this.#believedUntil = Number.POSITIVE_INFINITY;
    for (const entry of this.#entries.values()) {
      const isHeard = isBelieved(entry, now);
      const until = isHeard
        ? entry.heardAt + objectLimits.listingBelievedMs
        : now + lobbyLimits.listingRetryMs;
      this.#believedUntil = Math.min(this.#believedUntil, until);
    }
  }

  /** A lobby that does not answer leaves its entry as it is. */
  async #askLobby(entry: Entry): Promise<void> {
    const { id } = entry.lobby;
    const asked = lobbyAt(this.env, id).isListed();
    const isListed = await within(objectLimits.listingAskMs, asked, null).catch((error: unknown) => {
      logFault("lobby_unreachable", { lobbyId: id }, error);
      return null;
    });
    const now = Date.now();
    // What the lobby itself has said meanwhile is newer.
    if (this.#entries.get(id) !== entry) return;
    if (isListed) this.#hear(entry, now);
    else if (isListed === false || Math.abs(now - entry.heardAt) > objectLimits.listingLifeMs) this.#drop(id);
  }

  /** The lobby is open. Another process than that of before is worth a row, the time is not. */
  #hear(entry: Entry, now: number): void {
    const row: Row = { ...entry, heardAt: now, boot: thisBoot() };
    if (row.boot === entry.boot) this.#set(row);
    else this.#keep(row);
  }

  #keep({ lobby, order, heardAt, boot }: Row): void {
    const row: Row = { lobby, order, heardAt, boot };
    this.#set(row);
    this.ctx.storage.kv.put<Row>(prefix + lobby.id, row);
  }

  #set(row: Row): void {
    const { lobby, order, heardAt } = row;
    const json = JSON.stringify(lobby);
    if (this.#entries.get(lobby.id)?.json !== json) this.#all = null;
    this.#entries.set(lobby.id, { ...row, json });
    this.#nextOrder = Math.max(this.#nextOrder, order + 1);
    const until = isBelieved(row, Date.now()) ? heardAt + objectLimits.listingBelievedMs : 0;
    this.#believedUntil = Math.min(this.#believedUntil, until);
  }

  /**
   * Whether it is shown although its lobby does not answer: what was heard of not too long ago. With `npm start` what an earlier
   * process heard of is gone. At Cloudflare the directory moves to another process, and the lobbies do not end with that.
   */
  #isShown({ boot, heardAt }: Row, now: number): boolean {
    const mayLive = boot === thisBoot() || this.env.codeKey === undefined;
    return mayLive && Math.abs(now - heardAt) <= objectLimits.listingLifeMs;
  }

  #drop(lobbyId: string): void {
    if (!this.#entries.delete(lobbyId)) return;
    this.#all = null;
    this.ctx.storage.kv.delete(prefix + lobbyId);
  }
}

/** Whether it is shown without asking. Of a time in the future the clock was set back since. */
function isBelieved({ boot, heardAt }: Row, now: number): boolean {
  return (
    boot === thisBoot() &&
    heardAt <= now + sharedLimits.clockSlackMs &&
    now < heardAt + objectLimits.listingBelievedMs
  );
}

function page(entries: Entry[]): Page {
  return { lobbies: entries.map(({ json }) => json).join(","), count: entries.length };
}
