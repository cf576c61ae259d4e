import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, post } from "../../measure/kit/player.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { startTestServer } from "../../measure/kit/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const good = { hostName: "Ann", lobbyName: "Friday night", isPublic: true, maxMembers: 4 };
/** Every way in which a name can be wrong. */
const badNames = [
  ["missing", undefined],
  ["null", null],
  ["a number", 5],
  ["an array", ["Ann"]],
  ["empty", ""],
  ["a space", " "],
  ["one that begins with a space", " Ann"],
  ["one of 51 characters", "a".repeat(51)],
  ["one with a dash", "Ann-Marie"],
  ["one with an accent", "René"],
  ["one with a tab", "Ann\tMarie"],
  ["one that ends with a new line", "Ann\n"],
  ["one with an emoji", "Ann 🎲"],
  ["one with markup", "<b>Ann</b>"],
] as const;
const goodNames = ["A", "7", "_", "Ann Marie 7", "Ann  ", "a".repeat(50), "constructor", "__proto__"];

test("whoever hosts gets a code to tell the others", async () => {
  const player = await Player.connect(server.url);
  const { status, body } = await player.host(good);
  expect(status).toBe(201);
  expect(body).toEqual({
    lobbyName: "Friday night",
    lobbyId: expect.stringMatching(/^[0-9A-Z]{5}$/),
    privacy: "open",
  });
});

test("no two lobbies have the same code", async () => {
  const hosts = await Player.crowd(20, server.url);
  const answers = await Promise.all(hosts.map((host) => host.host()));
  expect(new Set(answers.map(({ body }) => body?.lobbyId)).size).toBe(20);
});

test.each(goodNames)("a host and a lobby may be called %j", async (name) => {
  const player = await Player.connect(server.url);
  const { status, body } = await player.host({ hostName: name, lobbyName: name });
  expect([status, body?.lobbyName]).toEqual([201, name]);
  const guest = await Player.connect(server.url);
  expect((await guest.join(String(body?.lobbyId), "Guest")).body).toMatchObject({
    lobbyName: name,
    host: name,
  });
});

test.each(badNames)("a host's name cannot be %s", async (_, hostName) => {
  const player = await Player.connect(server.url);
  expectRefused(await player.post("/lobbies", { ...good, hostName }), 400, "invalid_host_name");
});

test.each(badNames)("a lobby's name cannot be %s", async (_, lobbyName) => {
  const player = await Player.connect(server.url);
  expectRefused(await player.post("/lobbies", { ...good, lobbyName }), 400, "invalid_lobby_name");
});

test.each([undefined, null, 0, 1, "true", "", {}])("isPublic cannot be %j", async (isPublic) => {
  const player = await Player.connect(server.url);
  expectRefused(await player.post("/lobbies", { ...good, isPublic }), 400, "invalid_is_public");
});

test.each([undefined, null, 0, -1, 65, 1.5, 1e308, "8", true, [8]])(
  "a lobby cannot have %j seats",
  async (maxMembers) => {
    const player = await Player.connect(server.url);
    expectRefused(await player.post("/lobbies", { ...good, maxMembers }), 400, "invalid_max_members");
  },
);

test.each([1, 2, 63, 64])("a lobby can have %i seats", async (maxMembers) => {
  const player = await Player.connect(server.url);
  expect((await player.host({ maxMembers })).status).toBe(201);
});

test("the host has a seat: a lobby for one is full", async () => {
  const { lobbyId } = await lobbyOf(1, server.url, { maxMembers: 1 });
  const guest = await Player.connect(server.url);
  expectRefused(await guest.join(lobbyId, "Guest"), 409, "lobby_full");
});

test.each([undefined, null, 7, "", "no token", "x".repeat(300), {}])("%j is no token", async (token) => {
  expectRefused(await post(server.url, "/lobbies", { ...good, token }), 400, "invalid_token");
});

test("all that is wrong is said at once, in the order of the fields", async () => {
  expectRefused(
    await post(server.url, "/lobbies", {}),
    400,
    "invalid_token",
    "invalid_host_name",
    "invalid_lobby_name",
    "invalid_is_public",
    "invalid_max_members",
  );
});

test("what is wrong with a request is said before what is in its way", async () => {
  const { host } = await lobbyOf(1, server.url);
  expectRefused(await host.post("/lobbies", { ...good, maxMembers: 0 }), 400, "invalid_max_members");
});

test("a refused request leaves nothing behind: its player can host", async () => {
  const player = await Player.connect(server.url);
  expectRefused(await player.host({ maxMembers: 65 }), 400, "invalid_max_members");
  expect((await player.host()).status).toBe(201);
});

test("a host cannot host another lobby", async () => {
  const { host } = await lobbyOf(1, server.url);
  expectRefused(await host.host(), 409, "already_in_lobby");
});

test("a guest cannot host", async () => {
  const { guests } = await lobbyOf(2, server.url);
  for (const guest of guests) expectRefused(await guest.host(), 409, "already_in_lobby");
});
