/** Getting into lobbies through the SDK: one at a time, under any name, by search and by match. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect as connectPage } from "../../client/browser.ts";
import { connect, type Lobby, type Orion } from "../../client/index.ts";
import type { Server } from "../../local/server.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { handmadeServer } from "./handmade-server.ts";
import { expectError, names } from "./heard.ts";

let server: Server;
let orion: Orion<Lobby>;
beforeAll(async () => {
  server = await startTestServer();
  orion = await connect(server.url);
});
afterAll(() => server.stop());

test("a second click does not open a second lobby", async () => {
  const clicks = [
    orion.host({ name: "Ada" }),
    orion.host({ name: "Ada" }),
    orion.join("AAAAA", { name: "Ada" }),
  ];
  const [first, ...others] = clicks;
  for (const other of others) await expectError(other, "busy");
  await using ada = await (first as Promise<Lobby>);
  // What is done is not under way.
  await using bo = await orion.join(ada.code, { name: "Bo" });
  expect(names(bo)).toEqual(["Ada", "Bo"]);
});

test("a second click may replace the first, which leaves nothing behind", async () => {
  const first = expectError(orion.host({ name: "Ada", isPublic: true, lobbyName: "First" }), "aborted");
  const second = expectError(orion.join("nowhere", { name: "Ada", replace: true }), "aborted");
  await using ada = await orion.host({ name: "Ada", isPublic: true, lobbyName: "Last", replace: true });
  await Promise.all([first, second]);
  expect(ada.title).toBe("Last");
  await expect.poll(async () => (await orion.list()).lobbies.map(({ name }) => name)).toEqual(["Last"]);
});

test("an attempt that failed is not in the way of the next", async () => {
  await expectError(orion.join("nowhere", { name: "Bo" }), "no_such_lobby");
  await using ada = await orion.host({ name: "Ada" });
  expect(ada.isHost).toBe(true);
});

test("a page that is from the server connects without a question, and joins by one WebSocket and one request", async () => {
  const { url, paths } = await handmadeServer();
  for (const from of [connect, connectPage]) {
    paths.length = 0;
    const known = await from(url, { check: false });
    expect(paths).toEqual([]);
    await using bo = await known.join("AAAAA", { name: "Bo" });
    expect([bo.code, paths]).toEqual(["AAAAA", ["/lobbies/AAAAA", "/lobbies/AAAAA/join"]]);
  }
});

test("players have the names that they have, in any script", async () => {
  await using ada = await orion.host({ name: "Žofie Černá", isPublic: true });
  expect(ada.me).toMatchObject({ name: "Zofie Cerna", displayName: "Žofie Černá" });
  expect(ada).toMatchObject({ name: "Zofie Cerna", title: "Žofie Černá" });
  await using bo = await orion.join(ada.code, { name: "さくら" });
  await using cy = await orion.join(ada.code, { name: "🎲" });
  expect(cy.members.map(({ displayName }) => displayName)).toEqual(["Žofie Černá", "さくら", "🎲"]);
  for (const { name } of cy.members) expect(name).toMatch(/^\w[\w ]{0,49}$/);
  expect(bo.self).toMatch(/^Player \w{4}$/);
  // Another name, though it comes to the same of Orion's.
  await using di = await orion.join(ada.code, { name: "Zofië Cérna" });
  expect(di.me).toMatchObject({
    name: expect.stringMatching(/^Zofie Cerna \w{4}$/),
    displayName: "Zofië Cérna",
  });
  await expectError(orion.join(ada.code, { name: "さくら" }), "name_taken");
  const { lobbies } = await orion.list({ name: "zofie" });
  expect(lobbies).toMatchObject([{ name: "Zofie Cerna", title: "Žofie Černá" }]);
});

test("on a server of Orion's own, players are members with the names that it knows, and nothing else is sent", async () => {
  const { url, said } = await handmadeServer();
  const there = await connect(url);
  await using bo = await there.join("AAAAA", { name: "Bo", memberData: { hat: "red" }, password: "sesame" });
  expect(bo.members).toMatchObject([
    { clientId: "", name: "Ada", displayName: "Ada", isHost: true, isSelf: false, presence: "connected" },
    { clientId: "client", name: "Bo", isHost: false, isSelf: true, data: {}, ready: false },
  ]);
  expect(bo).toMatchObject({
    title: "Tea",
    game: null,
    isPublic: null,
    maxMembers: null,
    graceMs: 0,
    term: 1,
  });
  expect(bo.returnKey()).toBe(null);
  await expectError(bo.setData({ map: "dust" }), "not_found", { status: 404 });
  expect(said).toEqual([]);
});

const dust = { game: "shooter", data: { map: "dust", skill: 1_000 } };

test("a lobby is found by its game, its data and its fields, in the order that the game wants", async () => {
  const lobbies: Lobby[] = [];
  for (const [name, data] of [
    ["One", { map: "dust", skill: 900 }],
    ["Two", { map: "dust", skill: 1_300 }],
    ["Three", { map: "ice", skill: 1_100 }],
  ] as const) {
    lobbies.push(await orion.host({ name: "Ada", lobbyName: name, isPublic: true, game: "finding", data }));
  }
  await lobbies[1]?.change({ locked: true });
  const found = async (query: object) =>
    (await orion.list({ game: "finding", ...query })).lobbies.map(({ name }) => name);
  expect(await found({ where: { map: "dust" }, sort: "skill" })).toEqual(["One", "Two"]);
  expect(await found({ sort: "-skill" })).toEqual(["Two", "Three", "One"]);
  expect(await found({ where: { skill: { gte: 1_000, lt: 1_300 } } })).toEqual(["Three"]);
  expect(await found({ where: { map: { ne: "ice" } }, open: true })).toEqual(["One"]);
  expect((await orion.list({ game: "nothing" })).lobbies).toEqual([]);
  const [two] = (await orion.list({ game: "finding", where: { locked: true } })).lobbies;
  expect(two).toMatchObject({
    name: "Two",
    game: "finding",
    locked: true,
    full: false,
    data: { skill: 1_300 },
  });
  await expectError(orion.list({ where: { map: { like: "d" } as object } }), "invalid_argument");
  await expectError(orion.list({ where: { members: { gt: "many" } } }), "invalid_search", { status: 400 });
  await Promise.all(lobbies.map((lobby) => lobby.leave()));
});

test("players who match find each other, and one opens what is not there", async () => {
  const players = await Promise.all([1, 2, 3].map(() => connect(server.url)));
  const create = { maxMembers: 2, data: dust.data, lifetime: "session" } as const;
  const wish = { game: "matching", where: { map: "dust" }, create };
  const matches = await Promise.all(players.map((each, i) => each.match({ name: `Player ${i}`, ...wish })));
  expect(matches.filter(({ created }) => created)).toHaveLength(2);
  const sizes = new Map<string, number>();
  for (const { lobby } of matches) sizes.set(lobby.code, (sizes.get(lobby.code) ?? 0) + 1);
  expect([...sizes.values()].sort()).toEqual([1, 2]);
  for (const { lobby, created } of matches) {
    expect(lobby).toMatchObject({ game: "matching", isHost: created, lifetime: "session", data: dust.data });
    expect(lobby.returnKey()).not.toBe(null);
  }
  await Promise.all(matches.map(({ lobby }) => lobby.leave()));
});
