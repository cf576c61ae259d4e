/** One shard of the directory, without a Worker around it: its storage is a map, and its lobbies say what they are told to. */
import { vi } from "vitest";
import type { Rank } from "../../core/directory/cursor.ts";
import type { Condition, Sorting, Standing } from "../../core/directory/search.ts";
import type { Network } from "../../core/network.ts";
import type { ListedLobby } from "../../core/wire/http.ts";

vi.mock("cloudflare:workers", () => ({
  DurableObject: class {
    readonly ctx: object;
    readonly env: object;
    constructor(ctx: object, env: object) {
      this.ctx = ctx;
      this.env = env;
    }
  },
}));
vi.mock("cloudflare:durable-objects", () => ({ retryable: () => {} }));

export type Page = {
  lobbies: string;
  ranks: Record<"isFull" | "round" | "order", unknown[]>;
  values?: Standing["value"][];
  hasMore: boolean;
};
export type Search = {
  name?: string;
  game?: string;
  where?: readonly Condition[];
  open?: boolean;
  from?: Rank | undefined;
  sort?: Sorting & { after?: Standing | undefined };
  limit?: number;
};
export type Seeker = {
  session: string;
  game: string;
  where: readonly Condition[];
  not: readonly string[];
  gone?: string;
  code: string;
  plan: Omit<ListedLobby, "id" | "game" | "currentMembers">;
};
export type Placement = { kind: "join"; lobbyId: string } | { kind: "open" } | null;
export type Directory = {
  put(lobby: ListedLobby, from?: readonly Network[], joined?: readonly string[]): Promise<void>;
  remove(lobbyId: string): Promise<void>;
  list(search: Search): Promise<Page>;
  match(seeker: Seeker): Promise<Placement>;
  unmatch(session: string): Promise<void>;
};
/** The Worker's part as it is used here. It is imported by address because its types are those of Workers. */
const worker: { Directory: new (ctx: object, env: object) => Directory } = await import(
  new URL("../../worker/objects/directory.ts", import.meta.url).href
);

/** An empty directory, and the keys of its rows. `isListed`: what the lobby of a code answers when it is asked. */
export function newDirectory(
  vars: Record<string, number> = {},
  isListed: (lobbyId: string, game: unknown) => boolean = () => true,
) {
  const rows = new Map<string, unknown>();
  const kv = {
    list: ({ prefix }: { prefix: string }) => [...rows].filter(([key]) => key.startsWith(prefix)),
    put: (key: string, row: unknown) => rows.set(key, row),
    delete: (key: string) => rows.delete(key),
  };
  const LOBBY = {
    idFromName: (name: string) => Buffer.from(name).toString("hex"),
    getByName: (id: string) => ({ isListed: async (game: unknown) => isListed(id, game) }),
  };
  const env = { LOBBY, ORION_SECRET: "a secret of 32 letters, or more.", ...vars };
  const wake = () => new worker.Directory({ storage: { kv } }, env);
  return { directory: wake(), rows, wake };
}

export const lobbiesOf = ({ lobbies }: Page): ListedLobby[] => JSON.parse(`[${lobbies}]`);
export const idsOf = (page: Page) => lobbiesOf(page).map(({ id }) => id);
/** Where a page ends. */
export const lastOf = ({ ranks }: Page) =>
  Object.fromEntries(Object.entries(ranks).map(([name, all]) => [name, all.at(-1)])) as Rank;

export const lobby = (id: string, more: Partial<ListedLobby> = {}): ListedLobby => {
  return { id, name: "Tea", currentMembers: 1, maxMembers: 4, ...more };
};
