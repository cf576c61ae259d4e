import { afterAll, beforeAll, expect, test } from "vitest";
import { wireLimits } from "../../core/wire/limits.ts";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, request } from "../../measure/kit/player.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { setLimits, startFaultyServer } from "../../measure/kit/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({ vars: { directoryShards: 3 } });
  // On a busy machine the directory may take longer to hear of a change than its lobby waits for that.
  await setLimits(server.url, { directoryPatienceMs: 60_000 });
});
afterAll(() => server.stop());

type Listed = { name: string; id: string; currentMembers: number; maxMembers: number };

async function list(query: Record<string, string> = {}): Promise<{ lobbies: Listed[]; cursor?: string }> {
  const { status, text } = await request(server.url, `/lobbies?${new URLSearchParams(query)}`);
  expect(status).toBe(200);
  return JSON.parse(text);
}

async function listed(lobbyId: string): Promise<Listed | undefined> {
  return (await list()).lobbies.find(({ id }) => id === lobbyId);
}

/** Page after page, until there is no next one. */
async function pages(query: Record<string, string>): Promise<Listed[][]> {
  const found: Listed[][] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const page: Awaited<ReturnType<typeof list>> = await list({ ...query, ...(cursor && { cursor }) });
    found.push(page.lobbies);
    cursor = page.cursor;
  }
  return found;
}

/** So many public lobbies of one host each. */
async function open(
  count: number,
  lobbyName: (i: number) => string,
  maxMembers = 8,
): Promise<{ ids: string[]; hosts: Player[] }> {
  const hosts = await Player.crowd(count, server.url);
  const answers = await Promise.all(
    hosts.map((host, i) => host.host({ lobbyName: lobbyName(i), isPublic: true, maxMembers })),
  );
  return { ids: answers.map(({ body }) => String(body?.lobbyId)), hosts };
}

const ids = (lobbies: Listed[]) => lobbies.map(({ id }) => id).sort();

test("without lobbies the list is empty, and says just that", async () => {
  const answer = await request(server.url, "/lobbies");
  expect([answer.status, answer.body]).toEqual([200, { lobbies: [] }]);
  expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
});

test("a public lobby is in the list as soon as its host knows its code", async () => {
  const hosts = await Player.crowd(12, server.url);
  await Promise.all(
    hosts.map(async (host) => {
      const { body } = await host.host({ lobbyName: "Open to all", isPublic: true, maxMembers: 7 });
      const id = String(body?.lobbyId);
      expect(await listed(id)).toEqual({
        name: "Open to all",
        id,
        currentMembers: 1,
        maxMembers: 7,
        privacy: "open",
        locked: false,
        hasPassword: false,
        full: false,
      });
    }),
  );
});

test("a private lobby is never in the list, but open to who knows its code", async () => {
  const { lobbyId, host, guests } = await lobbyOf(3, server.url);
  expect(await listed(lobbyId)).toBeUndefined();
  await guests[0]?.leave();
  await host.hears("lobby_peerDisconnect");
  expect(await listed(lobbyId)).toBeUndefined();
  expect((await list({ name: "Lobby" })).lobbies).not.toContainEqual(
    expect.objectContaining({ id: lobbyId }),
  );
});

test("whoever hears of a newcomer, or of one who left, finds the number of members right", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url, { isPublic: true, maxMembers: 8 });
  const members = async () => (await listed(lobbyId))?.currentMembers;
  for (let round = 1; round <= 8; round++) {
    const guest = await Player.connect(server.url);
    const heard = host.hears("lobby_peerConnect", round).then(members);
    const { status } = await guest.join(lobbyId, "Guest");
    expect([status, await members(), await heard]).toEqual([200, 2, 2]);
    guest.vanish();
    await host.hears("lobby_peerDisconnect", round);
    expect(await members()).toBe(1);
  }
});

test("a lobby is in the list while it is full, and while it is locked", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url, { isPublic: true, maxMembers: 2 });
  for (const guest of guests) guest.answersOverUdp = false;
  expect(await listed(lobbyId)).toMatchObject({ currentMembers: 2, maxMembers: 2 });
  await host.start(lobbyId);
  expect(await listed(lobbyId)).toMatchObject({ currentMembers: 2, maxMembers: 2 });
});

test("whoever hears that a lobby closed does not find it any more: its host left", async () => {
  for (let round = 0; round < 5; round++) {
    const { lobbyId, host, guests } = await lobbyOf(2, server.url, { isPublic: true });
    host.vanish();
    await guests[0]?.hears("lobby_closed");
    expect(await listed(lobbyId)).toBeUndefined();
  }
});

test("whoever hears that a lobby closed does not find it any more: its players are connected", async () => {
  const { lobbyId, host, all } = await lobbyOf(2, server.url, { isPublic: true });
  await host.start(lobbyId);
  for (const player of all) {
    await player.hears("ptpMediation_peersConnection_start");
    player.reportsSuccess();
  }
  await Promise.race(all.map((player) => player.hears("lobby_closed")));
  expect(await listed(lobbyId)).toBeUndefined();
});

test("without a query the first page is listed, and where the next one is", async () => {
  const { ids: opened } = await open(30, () => "One of many");
  const { lobbies, cursor } = await list();
  expect(ids(lobbies)).toEqual(expect.arrayContaining(opened));
  expect(cursor).toBeUndefined();
  await setLimits(server.url, { pageSize: 20 });
  const first = await list();
  const rest = await pages({ cursor: first.cursor ?? "" });
  await setLimits(server.url, { pageSize: wireLimits.pageSize });
  expect(first.lobbies).toHaveLength(20);
  expect(ids([...first.lobbies, ...rest.flat()])).toEqual(ids(lobbies));
});

test("the newest lobby is the first, and a full one comes after all others", async () => {
  const { ids: opened } = await open(4, () => "In order");
  const { ids: alone } = await open(1, () => "In order and full", 1);
  const { lobbies } = await list({ name: "in order" });
  expect(lobbies.map(({ id }) => id)).toEqual([...lobbies.slice(0, 4).map(({ id }) => id), alone[0]]);
  expect(ids(lobbies.slice(0, 4))).toEqual([...opened].sort());
  const { ids: last } = await open(1, () => "In order");
  expect((await list({ name: "in order" })).lobbies[0]?.id).toBe(last[0]);
});

test.each([1, 7, 45, 200])("pages of %i hold every lobby once", async (limit) => {
  const name = `Paged by ${limit}`;
  const { ids: opened } = await open(20, () => name);
  const all = await list();
  const found = await pages({ limit: String(limit) });
  for (const page of found) expect(page.length).toBeLessThanOrEqual(limit);
  expect(ids(found.flat())).toEqual(ids(all.lobbies));
  expect(ids(found.flat())).toEqual(expect.arrayContaining(opened));
});

test("a lobby that closes between two pages makes no other one be missed or come twice", async () => {
  const { ids: opened, hosts } = await open(12, () => "Some of these close");
  const query = { name: "Some of these close", limit: "5" };
  const first = await list(query);
  expect(first.lobbies).toHaveLength(5);
  const closing = first.lobbies.slice(0, 3).map(({ id }) => id);
  await Promise.all(hosts.filter((_, i) => closing.includes(opened[i] ?? "")).map((host) => host.leave()));
  await expect.poll(async () => (await list({ name: query.name })).lobbies.length).toBe(9);
  const rest = await pages({ ...query, cursor: first.cursor ?? "" });
  expect(ids([...first.lobbies, ...rest.flat()])).toEqual([...opened].sort());
});

test("a part of the name finds a lobby, in any case", async () => {
  const { ids: opened } = await open(6, (i) => (i % 2 ? "The Red Dragon" : "The Blue Dragon"));
  const reds = opened.filter((_, i) => i % 2).sort();
  for (const name of ["red dragon", "RED", "e Red D", "The Red Dragon"]) {
    expect(ids((await list({ name })).lobbies)).toEqual(reds);
  }
  expect(ids((await list({ name: "DRAGON" })).lobbies)).toEqual([...opened].sort());
  expect((await list({ name: "green dragon" })).lobbies).toEqual([]);
  expect((await list({ name: ".*" })).lobbies).toEqual([]);
  expect(ids((await list({ name: "" })).lobbies)).toEqual(ids((await list()).lobbies));
});

test("what is found by name comes in pages too", async () => {
  const { ids: opened } = await open(11, () => "Hide and seek");
  const found = await pages({ name: "hide AND", limit: "4" });
  expect(found.map((page) => page.length).filter((length) => length > 4)).toEqual([]);
  expect(ids(found.flat())).toEqual([...opened].sort());
});

test("questions that are unknown change nothing", async () => {
  expect(ids((await list({ color: "red", __proto__: "x" })).lobbies)).toEqual(ids((await list()).lobbies));
});

test("a parameter without a value counts as absent: the first page has an empty cursor", async () => {
  await open(2, () => "Empty");
  const all = ids((await list()).lobbies);
  for (const query of ["cursor=", "limit=", "name=", "limit=200&cursor=", "cursor=&limit=&name="]) {
    const { status, body } = await request(server.url, `/lobbies?${query}`);
    expect(status).toBe(200);
    expect(ids(Object(body).lobbies)).toEqual(all);
  }
});

test.each([
  "limit=0",
  "limit=-1",
  "limit=201",
  "limit=1.5",
  "limit=many",
  "limit=1&limit=2",
  "cursor=next",
  "cursor=1",
  "cursor=-1-1",
  "cursor=0-1-2",
  "cursor=2-1-1-1",
  "cursor=0-1-2-3-4",
  "cursor=0-1&cursor=0-2",
  `name=${"x".repeat(51)}`,
  "name=a&name=b",
])("the list is not told for ?%s", async (query) => {
  expectRefused(await request(server.url, `/lobbies?${query}`), 400, "invalid_query");
});

test("a cursor of the version before begins again", async () => {
  for (const cursor of ["0-0", "9999-0", "2-999999999999999"])
    expect(ids((await list({ cursor })).lobbies)).toEqual(ids((await list()).lobbies));
});

test.each(["cursor=1-99999-0-9999", "cursor=1-99999-999999999999999-2"])(
  "after the end there is nothing: ?%s",
  async (query) => {
    expect((await request(server.url, `/lobbies?${query}`)).body).toEqual({ lobbies: [] });
  },
);
