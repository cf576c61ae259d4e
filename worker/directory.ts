import { DurableObject } from "cloudflare:workers";
import { limits } from "../core/limits.ts";
import type { ListedLobby } from "../core/wire/http.ts";
import type { Env } from "./env.ts";
import { logFault } from "./log.ts";
import { homeAt } from "./ports.ts";
import { released, within } from "./retry.ts";

/** `name`: only lobbies whose name contains it, in any case. `after`: only those listed later than this one. */
export type Search = { name?: string | undefined; after?: number; limit?: number | undefined };

/** `lobbies` is the inside of a JSON array. `next` is where to go on, if there is more. */
export type Page = { lobbies: string; count: number; next?: number };

/** What storage keeps of an entry. */
type Row = {
  lobby: ListedLobby;
  /** The object that the lobby lives in. */
  home: string;
  order: number;
  /** When its lobby was last heard of, in milliseconds since 1970, and by which process. */
  heardAt: number;
  boot: string;
};
type Entry = Row & { json: string };

const prefix = "lobby:";

/**
 * One shard of the list of public lobbies, the longest open first. An entry that nothing was heard of for a while is asked
 * for, at its lobby's home, before it is shown. So a lobby that died with its home, or with the whole server, is not listed.
 */
export class Directory extends DurableObject<Env> {
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
    const rows = [...ctx.storage.kv.list<Row>({ prefix })].map(([, row]) => row);
    // A row of an older version has no home to ask. Its lobby, if it lives, will tell.
    const known = rows.filter(({ home }) => home !== undefined);
    for (const row of known.sort((a, b) => a.order - b.order)) this.#set(row);
  }

  /** Lists a lobby, or brings its entry up to date. */
  put(lobby: ListedLobby, home: string): void {
    const order = this.#entries.get(lobby.id)?.order ?? this.#nextOrder;
    this.#keep({ lobby, home, order, heardAt: Date.now(), boot: thisBoot() });
  }

  remove(lobbyId: string): void {
    this.#drop(lobbyId);
  }

  /** All lobbies, as the inside of a JSON array. */
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
      if (entry.order <= after || !isShown(entry, now)) continue;
      if (wanted !== undefined && !entry.lobby.name.toLowerCase().includes(wanted)) continue;
      const last = found.at(-1);
      if (found.length === limit && last) return { ...page(found), next: last.order };
      found.push(entry);
    }
    return page(found);
  }

  /** Waits a moment for the homes of all entries that are not believed without asking. */
  async #askForDoubtful(): Promise<void> {
    const now = Date.now();
    const isBack = now + limits.clockSlackMs < this.#readAt;
    this.#readAt = now;
    if (!isBack && now < this.#believedUntil) return;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    await within(limits.directoryPatienceMs, this.#asking, undefined);
    this.#all = null;
  }

  /** Asks all homes that there are doubts about, some at a time. */
  async #ask(): Promise<void> {
    const doubtful = [...this.#entries.values()].filter((entry) => !isBelieved(entry, Date.now()));
    const homes = [...Map.groupBy(doubtful, ({ home }) => home)];
    const askOne = async () => {
      for (let next = homes.pop(); next; next = homes.pop()) await this.#askHome(...next);
    };
    await Promise.all(Array.from({ length: limits.listingAsks }, askOne));
    const now = Date.now();
    const times = [...this.#entries.values()].map((entry) =>
      isBelieved(entry, now) ? entry.heardAt + limits.listingBelievedMs : now + limits.listingRetryMs,
    );
    this.#believedUntil = Math.min(...times);
  }

  /** A home that does not answer leaves its entries as they are. */
  async #askHome(home: string, entries: Entry[]): Promise<void> {
    const asked = homeAt(this.env, home).listed(entries.map(({ lobby }) => lobby.id));
    const open = await within(limits.listingAskMs, asked.then(released), null).catch((error: unknown) => {
      logFault("home unreachable", { home }, error);
      return null;
    });
    const now = Date.now();
    for (const entry of entries) {
      const { id } = entry.lobby;
      // What the lobby itself has said meanwhile is newer.
      if (this.#entries.get(id) !== entry) continue;
      if (open?.includes(id)) this.#hear(entry, now);
      else if (open || Math.abs(now - entry.heardAt) > limits.listingLifeMs) this.#drop(id);
    }
  }

  /** The lobby is open. Another process than that of before is worth a row, the time is not. */
  #hear(entry: Entry, now: number): void {
    const row: Row = { ...entry, heardAt: now, boot: thisBoot() };
    if (row.boot === entry.boot) this.#set(row);
    else this.#keep(row);
  }

  #keep({ lobby, home, order, heardAt, boot }: Row): void {
    const row: Row = { lobby, home, order, heardAt, boot };
    this.#set(row);
    this.ctx.storage.kv.put<Row>(prefix + lobby.id, row);
  }

  #set(row: Row): void {
    const { lobby, order, heardAt } = row;
    const json = JSON.stringify(lobby);
    if (this.#entries.get(lobby.id)?.json !== json) this.#all = null;
    this.#entries.set(lobby.id, { ...row, json });
    this.#nextOrder = Math.max(this.#nextOrder, order + 1);
    const until = isBelieved(row, Date.now()) ? heardAt + limits.listingBelievedMs : 0;
    this.#believedUntil = Math.min(this.#believedUntil, until);
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
    boot === thisBoot() && heardAt <= now + limits.clockSlackMs && now < heardAt + limits.listingBelievedMs
  );
}

/** Whether it is shown although its home does not answer: only what this process has heard of, not too long ago. */
function isShown({ boot, heardAt }: Row, now: number): boolean {
  return boot === thisBoot() && Math.abs(now - heardAt) <= limits.listingLifeMs;
}

let boot = "";

/**
 * Tells this process from those before. With `npm start` all objects are in it, and end with it. At Cloudflare an object
 * that moves to another process asks for its lobbies once more than it would have to.
 */
function thisBoot(): string {
  boot ||= crypto.randomUUID();
  return boot;
}

function page(entries: Entry[]): Page {
  return { lobbies: entries.map(({ json }) => json).join(","), count: entries.length };
}
