/** What one shard of the directory holds, at the most. */
import { expect, test, vi } from "vitest";
import type { Rank } from "../../core/directory/cursor.ts";
import { networksOf } from "../../core/network.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { objectLimits } from "../../worker/objects/limits.ts";
import { type Directory, idsOf, lastOf, lobbiesOf, lobby, newDirectory } from "./a-directory.ts";

test("a full directory keeps up those that it has, takes no other, and takes one again when one is gone", async () => {
  const logged = vi.spyOn(console, "error").mockImplementation(() => {});
  const { directory, rows } = newDirectory();
  for (let i = 0; i < objectLimits.listingEntries; i++) await directory.put(lobby(`L${i}`));
  await directory.put(lobby("LATE"));
  await directory.put({ ...lobby("L7"), currentMembers: 3 });
  expect(rows.size).toBe(objectLimits.listingEntries);
  const listed = lobbiesOf(await directory.list({ limit: 100_000 }));
  expect(listed).toHaveLength(objectLimits.listingEntries);
  expect(listed).toContainEqual({ ...lobby("L7"), currentMembers: 3 });
  expect(logged).toHaveBeenCalledTimes(1);
  await directory.remove("L7");
  await directory.put(lobby("LATE"));
  expect(rows.has("listed:LATE")).toBe(true);
  expect(rows.size).toBe(objectLimits.listingEntries);
});

test("a full directory takes a network's first lobby in the place of the last of one with many, and lists it no more", async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const most = objectLimits.listingEntries;
  Object.assign(objectLimits, { listingEntries: 20 });
  try {
    const { directory, rows, wake } = newDirectory();
    for (let i = 0; i < 20; i++) await directory.put(lobby(`S${i}`), networksOf(`203.0.${i % 2}.66`));
    for (let i = 0; i < 4; i++) await directory.put(lobby(`H${i}`), networksOf(`198.51.${i}.1`));
    // Theirs, put again, does not come back for anybody's first.
    for (let i = 0; i < 20; i++) await directory.put(lobby(`S${i}`), networksOf(`203.0.${i % 2}.66`));
    const ids = idsOf(await directory.list({}));
    expect(ids).toEqual(expect.arrayContaining(["H0", "H1", "H2", "H3", "S0", "S1", "S15"]));
    expect(ids).not.toContain("S16");
    expect([ids.length, rows.size]).toEqual([20, 20]);
    expect(idsOf(await wake().list({}))).toEqual(ids);
    // None is put out for a round that is as late.
    await directory.put(lobby("LATE"), networksOf("203.0.0.66"));
    expect(idsOf(await directory.list({}))).toEqual(ids);
  } finally {
    Object.assign(objectLimits, { listingEntries: most });
  }
});

/** The ids of all that are listed, page by page. */
async function pagesOf(directory: Directory, limit: number): Promise<string[][]> {
  const pages: string[][] = [];
  for (let from: Rank | undefined, more = true; more; ) {
    const page = await directory.list({ from, limit });
    pages.push(idsOf(page));
    from = lastOf(page);
    more = page.hasMore;
  }
  return pages;
}

const squatter = networksOf("203.0.113.66");
const hostsAt = (count: number) => Array.from({ length: count }, (_, i) => networksOf(`198.51.${i}.1`));

test("the newest come first, and of a network its second lobby after everybody's first", async () => {
  const { directory } = newDirectory();
  for (let i = 0; i < 20; i++) await directory.put(lobby(`S${i}`), squatter);
  for (const [i, from] of hostsAt(5).entries()) await directory.put(lobby(`H${i}`), from);
  await directory.put(lobby("S20"), squatter);
  const [page = []] = await pagesOf(directory, 8);
  expect(page).toEqual(["H4", "H3", "H2", "H1", "H0", "S0", "S1", "S2"]);
});

test("a full lobby comes after all that can be joined", async () => {
  const { directory } = newDirectory();
  for (const [i, from] of hostsAt(4).entries()) await directory.put(lobby(`H${i}`), from);
  await directory.put({ ...lobby("H3"), currentMembers: 4 }, []);
  await directory.put({ ...lobby("ALONE"), maxMembers: 1 }, squatter);
  expect(await pagesOf(directory, 3)).toEqual([
    ["H2", "H1", "H0"],
    ["ALONE", "H3"],
  ]);
});

test("one address has no more listed than the operator lets it, and others are listed all the same", async () => {
  const { directory, rows } = newDirectory({ publicLobbiesPerAddress: 100 });
  const logged = vi.spyOn(console, "log").mockImplementation(() => {});
  for (let i = 0; i < 5_000; i++) await directory.put(lobby(`S${i}`), squatter);
  logged.mockRestore();
  expect(rows.size).toBe(100);
  for (const [i, from] of hostsAt(wireLimits.pageSize).entries()) await directory.put(lobby(`H${i}`), from);
  const [page = []] = await pagesOf(directory, wireLimits.pageSize);
  expect(page.filter((id) => id.startsWith("S"))).toHaveLength(0);
  // One that is gone makes room for another.
  await directory.remove("S7");
  await directory.put(lobby("S4000"), squatter);
  expect(rows.has("listed:S4000")).toBe(true);
});

test("a hundred hosts behind one address are all listed, in one shard or in several", async () => {
  for (const directoryShards of [1, 4]) {
    const shards = Array.from({ length: directoryShards }, () => newDirectory({ directoryShards }));
    for (let i = 0; i < 100; i++) {
      // As uneven as codes hardly ever are: two in five in one shard of four.
      const shard = shards[i % 10 < 2 ? 0 : i % directoryShards];
      await shard?.directory.put(lobby(`L${i}`), squatter);
    }
    expect(shards.reduce((sum, { rows }) => sum + rows.size, 0)).toBe(100);
  }
});

test("after a sleep the order is as before, and pages hold every lobby once, however many come and go", async () => {
  const { directory, wake } = newDirectory();
  for (let i = 0; i < 60; i++)
    await directory.put(lobby(`S${i}`), i % 3 ? squatter : networksOf(`192.0.2.${i}`));
  const before = (await pagesOf(directory, 7)).flat();
  const woken = wake();
  expect((await pagesOf(woken, 11)).flat()).toEqual(before);
  const first = await woken.list({ limit: 20 });
  const shown = idsOf(first);
  for (const id of [shown[3], shown[19], before[25]]) await woken.remove(String(id));
  await woken.put(lobby("NEW"), hostsAt(1)[0]);
  const later = idsOf(await woken.list({ from: lastOf(first), limit: 100 }));
  expect(later).toEqual(before.slice(20).filter((id) => id !== before[25]));
});

test("a row of the version before is listed, as the oldest", async () => {
  const { rows, wake } = newDirectory();
  rows.set("listed:OLD", { lobby: lobby("OLD"), order: 7, heardAt: Date.now(), boot: "" });
  const directory = wake();
  await directory.put(lobby("NEW"), squatter);
  expect(idsOf(await directory.list({}))).toEqual(["NEW", "OLD"]);
});
