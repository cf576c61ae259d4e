import { retryable } from "cloudflare:durable-objects";
import { DurableObject } from "cloudflare:workers";
import { fulfils, isListedFull, isListedOpen } from "../../core/directory/search.ts";
import { sharedLimits } from "../../core/limits.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import type { Network } from "../../core/network.ts";
import type { Level } from "../../core/stats/slots.ts";
import type { ListedLobby } from "../../core/wire/http.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { thisBoot } from "../platform/boot.ts";
import { type Env, settingsOf } from "../platform/env.ts";
import { logFault, logRefusal, tagLobbiesOf } from "../platform/log.ts";
import type { DirectoryPort, Page, Placement, Search, Seeker } from "../platform/ports.ts";
import { within } from "../platform/retry.ts";
import { lobbyAt } from "../platform/stubs.ts";
import { objectLimits } from "./limits.ts";
import { Matches } from "./matches.ts";
import { type PageEntry, rankedPage, sortedPage } from "./pages.ts";
import { Ranked } from "./ranked.ts";

/** What storage keeps of an entry. */
type Row = {
  lobby: ListedLobby;
  order: number;
  /** When its lobby was last heard of, in milliseconds since 1970, and by which process. */
  heardAt: number;
  boot: string;
  /** The how manieth of its network it was, when it was listed. */
  round?: number;
  /** Tags for the networks of its host. */
  from?: readonly Network[];
};
type Entry = Row & PageEntry;

const prefix = "listed:";
/** The rows of versions in which lobbies lived in homes: none of those lobbies lives. */
const oldPrefix = "lobby:";

/**
 * One shard of the list of public lobbies, in the order of `Rank`: a network's second lobby comes after everybody's first, and none has more than
 * its share. So many old lobbies of few addresses never fill the first page. If nothing was heard of a lobby for a while, it is asked
 * before it is shown. So a lobby that ended with its object, or with the whole server, is not listed.
 */
export class Directory extends DurableObject<Env> implements DirectoryPort {
  static {
    const { put, remove, all, list, match, unmatch, count } = Directory.prototype;
    retryable(put, remove, all, list, match, unmatch, count);
  }

  readonly #entries = new Map<string, Entry>();
  /** The same, in their order. */
  readonly #ranked = new Ranked<Entry>();
  /** And those of each game: what is looked for in one does not take longer for what the others have. */
  readonly #games = new Map<string, Ranked<Entry>>();
  readonly #matches = new Matches((game) => this.#shown(this.#games.get(game)));
  /** Entries of each network, by its tag. */
  readonly #perNetwork = new Map<string, number>();
  #lastOrder = 0;
  /** The first page, until something changes: most readers want no other. */
  #firstPage: { limit: number; page: Page } | null = null;
  /** Until then every entry is believed; so is none before the last reading, because the clock was set back. */
  #believedUntil = Number.POSITIVE_INFINITY;
  #readAt = 0;
  #asking: Promise<void> | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    tagLobbiesOf(env);
    const { kv } = ctx.storage;
    for (const [key] of [...kv.list({ prefix: oldPrefix })]) kv.delete(key);
    const rows = [...kv.list<Row>({ prefix })].map(([, row]) => row);
    // The last first, as `Ranked` keeps them.
    const inOrder = (a: Row, b: Row) => (b.round ?? 0) - (a.round ?? 0) || a.order - b.order;
    for (const row of rows.sort(inOrder)) this.#set(row);
  }

  /**
   * A lobby beyond the bounds is not listed; it may be when it is put again, after others have gone. A full directory takes one in the
   * place of the last, if that one's round is later.
   */
  async put(
    lobby: ListedLobby,
    from: readonly Network[] = [],
    joined: readonly string[] = [],
  ): Promise<void> {
    this.#list(lobby, from);
    // Also one that is not listed: players wait for it.
    this.#matches.isOpen(lobby, joined, Date.now());
  }

  #list(lobby: ListedLobby, from: readonly Network[]): void {
    const heard = { lobby, heardAt: Date.now(), boot: thisBoot() };
    const known = this.#entries.get(lobby.id);
    if (known) {
      this.#keep({ ...known, ...heard });
      return;
    }
    const share = this.#shareOf(lobby);
    if (from.some((network) => this.#countOf(network) >= share * network.shares)) {
      logRefusal("lobby_not_listed", { lobbyId: lobby.id });
      return;
    }
    const round = Math.max(0, ...from.map((one) => Math.floor(this.#countOf(one) / one.shares)));
    if (this.#entries.size >= objectLimits.listingEntries && !this.#makeRoom(lobby.id, round)) return;
    const order = Math.max(Date.now(), this.#lastOrder + 1);
    this.#keep({ ...heard, order, round, from });
  }

  /** Takes the last entry of a full directory out for a newcomer of an earlier round. Whether there was such a one. */
  #makeRoom(lobbyId: string, round: number): boolean {
    logFault("directory_full", { lobbyId, entries: this.#entries.size });
    // Entries of lobbies that have ended make room for the next one, also where nobody reads the list.
    void this.#askForDoubtful();
    const { last } = this.#ranked;
    if (!last || (last.round ?? 0) <= round) return false;
    this.#drop(last.lobby.id);
    return true;
  }

  async remove(lobbyId: string): Promise<void> {
    this.#drop(lobbyId);
  }

  async list(search: Search): Promise<Page> {
    await this.#askForDoubtful();
    const { limit = wireLimits.pageSize, ...wish } = search;
    if (Object.values(wish).some((one) => one !== undefined)) return this.#search(search);
    if (this.#firstPage?.limit !== limit) this.#firstPage = { limit, page: this.#search(search) };
    return this.#firstPage.page;
  }

  async match(seeker: Seeker): Promise<Placement | null> {
    await this.#askForDoubtful();
    const gone = this.#entries.get(seeker.gone ?? "");
    if (gone) await this.#askLobby(gone);
    const ended = Promise.withResolvers<Placement | null>();
    const placed = this.#matches.place(seeker, Date.now(), ended.resolve);
    return placed === "waits" ? await this.#wait(seeker, ended.promise) : placed;
  }

  /** Others open a lobby. If they do not, somebody who waits here has to. */
  async #wait({ session }: Seeker, placed: Promise<Placement | null>): Promise<Placement | null> {
    const giveUpAt = Date.now() + objectLimits.matchPatienceMs;
    for (let left = objectLimits.matchPatienceMs; left > 0; left = giveUpAt - Date.now()) {
      const came = await within(Math.min(left, objectLimits.matchOpeningMs), placed, undefined);
      if (came !== undefined) return came;
      this.#matches.expire(Date.now());
    }
    const came = await within(0, placed, undefined);
    if (came === undefined) this.#matches.giveBack(session, Date.now());
    return came ?? null;
  }

  async unmatch(session: string): Promise<void> {
    this.#matches.giveBack(session, Date.now());
  }

  async count(): Promise<Level> {
    const shown = [...this.#shown(this.#ranked)];
    return {
      lobbies: shown.length,
      players: shown.reduce((sum, { lobby }) => sum + lobby.currentMembers, 0),
    };
  }

  async all(): Promise<string> {
    return (await this.list({})).lobbies;
  }

  /** How many lobbies of one address this shard lists. Those of one game are all here: a whole school may play one. */
  #shareOf({ game }: ListedLobby): number {
    const { publicLobbiesPerAddress, directoryShards } = settingsOf(this.env);
    if (directoryShards === 1 || game !== undefined) return publicLobbiesPerAddress;
    return Math.ceil((objectLimits.listingSpread * publicLobbiesPerAddress) / directoryShards);
  }

  #countOf({ name }: Network): number {
    return this.#perNetwork.get(name) ?? 0;
  }

  #search({ name, game, where = [], open, from, sort, limit = wireLimits.pageSize }: Search): Page {
    const wanted = name?.toLowerCase();
    const isMeant = fulfils(where);
    const isFound = (entry: PageEntry) =>
      (wanted === undefined || entry.name.includes(wanted)) &&
      (open === undefined || isListedOpen(entry.lobby) === open) &&
      isMeant(entry.lobby);
    const shown = this.#shown(game === undefined ? this.#ranked : this.#games.get(game));
    return sort ? sortedPage(shown, isFound, sort, limit) : rankedPage(shown, isFound, from, limit);
  }

  /** Of these, those that are shown. */
  #shown(entries: Ranked<Entry> | undefined): Iterable<Entry> {
    const now = Date.now();
    return entries?.those((entry) => this.#isShown(entry, now)) ?? [];
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
    this.#firstPage = null;
  }

  /** Asks lobbies that there are doubts about, some at a time. Those that are left are asked a moment later. */
  async #ask(): Promise<void> {
    const doubtful = [...this.#entries.values()]
      .filter((entry) => !isBelieved(entry, Date.now()))
      .slice(0, objectLimits.listingAsked)
      .reverse();
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
    const asked = lobbyAt(this.env, id).isListed(entry.lobby.game ?? null);
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

  #keep(entry: Row): void {
    const { lobby, order, heardAt, boot, round = 0, from = [] } = entry;
    const row: Row = {
      lobby,
      order,
      heardAt,
      boot,
      ...(round > 0 && { round }),
      ...(from.length > 0 && { from }),
    };
    this.#set(row);
    this.ctx.storage.kv.put<Row>(prefix + lobby.id, row);
  }

  #set(row: Row): void {
    const { lobby, order, heardAt } = row;
    const known = this.#entries.get(lobby.id);
    const entry: Entry = {
      ...row,
      json: JSON.stringify(lobby),
      name: lobby.name.toLowerCase(),
      isFull: isListedFull(lobby),
    };
    this.#entries.set(lobby.id, entry);
    if (known?.json !== entry.json) this.#firstPage = null;
    if (known) this.#ranked.replace(entry);
    else {
      this.#ranked.add(entry);
      this.#count(row, 1);
    }
    this.#index(known, entry);
    this.#lastOrder = Math.max(this.#lastOrder, order);
    const until = isBelieved(row, Date.now()) ? heardAt + objectLimits.listingBelievedMs : 0;
    this.#believedUntil = Math.min(this.#believedUntil, until);
  }

  /** Under its game. Another lobby of the same code may have another. */
  #index(before: Entry | undefined, after: Entry | undefined): void {
    const [from, to] = [before?.lobby.game, after?.lobby.game];
    if (before && after && from === to) {
      this.#games.get(to ?? "")?.replace(after);
      return;
    }
    const left = this.#games.get(from ?? "");
    if (before) left?.remove(before);
    if (left?.size === 0) this.#games.delete(from ?? "");
    if (!after || to === undefined) return;
    const game = this.#games.get(to) ?? new Ranked<Entry>();
    this.#games.set(to, game);
    game.add(after);
  }

  #count({ from = [] }: Row, change: 1 | -1): void {
    for (const network of from) {
      const count = this.#countOf(network) + change;
      if (count > 0) this.#perNetwork.set(network.name, count);
      else this.#perNetwork.delete(network.name);
    }
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
    const entry = this.#entries.get(lobbyId);
    if (!entry) return;
    this.#entries.delete(lobbyId);
    this.#firstPage = null;
    this.#ranked.remove(entry);
    this.#index(entry, undefined);
    this.#count(entry, -1);
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
