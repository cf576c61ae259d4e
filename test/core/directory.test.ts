/** What one shard of the directory holds, at the most. */
import { expect, test, vi } from "vitest";
import type { ListedLobby } from "../../core/wire/http.ts";
import { objectLimits } from "../../worker/objects/limits.ts";

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

type Directory = {
  put(lobby: ListedLobby): Promise<void>;
  remove(lobbyId: string): Promise<void>;
  list(search: { name?: string; limit?: number }): Promise<{ lobbies: string; count: number }>;
};
/** The Worker's part as it is used here. It is imported by address because its types are those of Workers. */
const worker: { Directory: new (ctx: object, env: object) => Directory } = await import(
  new URL("../../worker/objects/directory.ts", import.meta.url).href
);

/** An empty directory, and the keys of its rows. */
function newDirectory() {
  const rows = new Map<string, unknown>();
  const kv = {
    list: ({ prefix }: { prefix: string }) => [...rows].filter(([key]) => key.startsWith(prefix)),
    put: (key: string, row: unknown) => rows.set(key, row),
    delete: (key: string) => rows.delete(key),
  };
  return { directory: new worker.Directory({ storage: { kv } }, {}), rows };
}

const lobby = (id: string): ListedLobby => ({ id, name: "Tea", currentMembers: 1, maxMembers: 4 });

test("a full directory keeps up those that it has, takes no other, and takes one again when one is gone", async () => {
  const logged = vi.spyOn(console, "error").mockImplementation(() => {});
  const { directory, rows } = newDirectory();
  for (let i = 0; i < objectLimits.listingEntries; i++) await directory.put(lobby(`L${i}`));
  await directory.put(lobby("LATE"));
  await directory.put({ ...lobby("L7"), currentMembers: 3 });
  expect(rows.size).toBe(objectLimits.listingEntries);
  const { lobbies, count } = await directory.list({});
  expect(count).toBe(objectLimits.listingEntries);
  expect(JSON.parse(`[${lobbies}]`)).toContainEqual({ ...lobby("L7"), currentMembers: 3 });
  expect(logged).toHaveBeenCalledTimes(1);
  await directory.remove("L7");
  await directory.put(lobby("LATE"));
  expect(rows.has("listed:LATE")).toBe(true);
  expect(rows.size).toBe(objectLimits.listingEntries);
});
