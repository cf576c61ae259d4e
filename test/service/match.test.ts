/** Players who say which game they play, and are put into a lobby of it. */
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Server } from "../../local/server.ts";
import { type Answer, Player, request } from "../../measure/kit/player.ts";
import { watch } from "../../measure/kit/promises.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import {
  callsOf,
  crash,
  failCalls,
  heldCalls,
  holdCalls,
  later,
  setLimits,
  startFaultyServer,
} from "../../measure/kit/server.ts";
import { objectLimits } from "../../worker/objects/limits.ts";

/** On a busy machine a player may take longer to its lobby than others wait for it. */
const patient = {
  directoryPatienceMs: 60_000,
  matchOpeningMs: 60_000,
  matchPatienceMs: 60_000,
  matchKeptMs: 60_000,
};
let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({ vars: { directoryShards: 3 } });
  await setLimits(server.url, patient);
});
afterAll(() => server.stop());

/** A player whose client knows the additions. */
async function knowing(): Promise<Player> {
  const player = await Player.connect(server.url);
  player.say("client_features", { features: ["links"] });
  await player.settled();
  return player;
}

let games = 0;
/** A game that nobody has played. */
function newGame(): string {
  games += 1;
  return `game-${games}`;
}

type Wish = { game: string; peerName?: string; maxMembers?: number } & Record<string, unknown>;
function match(
  player: Player,
  { game, peerName = "Player", maxMembers = 4, create = {}, ...more }: Wish,
): Promise<Answer> {
  return player.post("/lobbies/match", {
    game,
    peerName,
    create: { lobbyName: "Quick game", maxMembers, ...Object(create) },
    ...more,
  });
}

/** So many players, each matched by a name of its own, all at once. */
async function matched(
  players: readonly Player[],
  { prefix = "P", ...wish }: Wish & { prefix?: string },
): Promise<Answer[]> {
  return await Promise.all(players.map((player, i) => match(player, { peerName: `${prefix}${i}`, ...wish })));
}

type Listed = Record<string, unknown> & { id: string; currentMembers: number };
async function listed(query: Record<string, string>): Promise<Listed[]> {
  const { status, body } = await request(server.url, `/lobbies?${new URLSearchParams(query)}`);
  expect(status).toBe(200);
  return Object(body).lobbies;
}

const sizes = (lobbies: Listed[]) => lobbies.map(({ currentMembers }) => currentMembers).sort();
const idOf = ({ body }: Answer) => String(body?.lobbyId);

test("the first player opens a lobby of the game, the next ones join it, and each is answered as by Orion", async () => {
  const game = newGame();
  const [ann, ben] = [await Player.connect(server.url), await Player.connect(server.url)];
  const opened = await match(ann, { game, peerName: "Ann" });
  expect([opened.status, opened.body]).toEqual([
    201,
    { created: true, lobbyId: expect.any(String), lobbyName: "Quick game", privacy: "open" },
  ]);
  const joined = await match(ben, { game, peerName: "Ben" });
  expect([joined.status, joined.body]).toEqual([
    200,
    {
      created: false,
      lobbyId: idOf(opened),
      lobbyName: "Quick game",
      lobbyMembers: ["Ann", "Ben"],
      host: "Ann",
      privacy: "open",
    },
  ]);
  expect(await ann.hears("lobby_peerConnect")).toMatchObject({ peerName: "Ben" });
  expect(await listed({ game })).toEqual([
    expect.objectContaining({ id: idOf(opened), game, currentMembers: 2, full: false }),
  ]);
  // Who is in a lobby is matched to none.
  expectRefused(await match(ben, { game }), 409, "already_in_lobby");
});

test("fifty players who are matched at once for lobbies of four fill twelve, and two wait in the last", async () => {
  const game = newGame();
  const players = await Player.crowd(50, server.url);
  const answers = await matched(players, { game });
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(13);
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(37);
  expect(sizes(await listed({ game }))).toEqual([2, ...Array(12).fill(4)]);
  // Two more fill it, and the next one opens another.
  const late = await Player.crowd(3, server.url);
  const last = await matched(late, { game, prefix: "Late" });
  expect(last.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
  expect(sizes(await listed({ game }))).toEqual([1, ...Array(13).fill(4)]);
  await Promise.all([...players, ...late].map((player) => player.leave()));
});

test("players who come at any time, while others join, leave one lobby half full at most", async () => {
  const game = newGame();
  const players = await Player.crowd(40, server.url);
  const answers = await Promise.all(
    players.map(async (player, i) => {
      await setTimeout((i * 37) % 400);
      return await match(player, { game, maxMembers: 3, peerName: `P${i}` });
    }),
  );
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(14);
  expect(sizes(await listed({ game }))).toEqual([1, ...Array(13).fill(3)]);
  await Promise.all(players.map((player) => player.leave()));
});

test("while players are matched, the directory loses its memory, objects' answers are lost, and all promises hold", async () => {
  const own = await startFaultyServer();
  await setLimits(own.url, patient);
  const watcher = watch(own.url);
  try {
    const game = newGame();
    const players = await Player.crowd(24, own.url);
    const answers = players.map(async (player, i) => {
      await setTimeout((i * 37) % 300);
      return await match(player, { game, peerName: `P${i}` });
    });
    for (let round = 0; round < 2; round++) {
      await setTimeout(100);
      for (const method of ["put", "match", "enter", "open"]) await failCalls(own.url, method, "lose", 1);
      await crash(own.url, { directory: "0" });
    }
    for (const { status } of await Promise.all(answers))
      expect(status).toSatisfy((one: number) => one === 200 || one === 201);
    await watcher.settles();
    const found = sizes((await watcher.list()) as unknown as Listed[]);
    expect(found.reduce((sum, size) => sum + size, 0)).toBe(24);
    expect(Math.max(...found)).toBeLessThanOrEqual(4);
    // Whatever was forgotten is over: the next players find what is free.
    const free = found.reduce((sum, size) => sum + 4 - size, 0);
    const late = await Player.crowd(Math.min(free, 8), own.url);
    for (const { status } of await matched(late, { game, prefix: "Late" })) expect(status).toBe(200);
    // Half an hour later the list asks each lobby, and each says that it is open, and of this game.
    const ids = (await watcher.list()).map(({ id }) => id).sort();
    await later(own.url, objectLimits.listingBelievedMs + 1);
    expect((await watcher.list()).map(({ id }) => id).sort()).toEqual(ids);
  } finally {
    watcher.stop();
    await own.stop();
  }
});

test("nobody is matched to a lobby that is locked, full, private, has a password or is of another game", async () => {
  const game = newGame();
  const opens = async (options: Record<string, unknown>) => {
    const host = await Player.connect(server.url);
    const body = { hostName: "Host", lobbyName: "Closed", isPublic: true, maxMembers: 4, game };
    expect((await host.post("/lobbies", { ...body, ...options })).status).toBe(201);
    return host;
  };
  await opens({ locked: true });
  await opens({ password: "tea" });
  await opens({ maxMembers: 1 });
  await opens({ isPublic: false });
  await opens({ game: newGame() });
  await opens({ game: undefined });
  expect(await listed({ game })).toHaveLength(3);
  const player = await Player.connect(server.url);
  expect((await match(player, { game })).body).toMatchObject({ created: true });
});

test("a player is matched by what the lobby's data says, as it is now", async () => {
  const game = newGame();
  const host = await knowing();
  const [second, third, fourth] = (await Player.crowd(3, server.url)) as [Player, Player, Player];
  const dust = await match(host, { game, create: { data: { map: "dust", skill: 1000 } } });
  const wants = {
    game,
    where: ["map:eq:dune", "skill:lte:1200"],
    create: { data: { map: "dune", skill: 900 } },
  };
  const dune = await match(second, { ...wants, peerName: "Second" });
  expect([dust.status, dune.status]).toEqual([201, 201]);
  expect(idOf(await match(third, { ...wants, peerName: "Third" }))).toBe(idOf(dune));
  const body = { data: { map: "moon" }, title: "Mond" };
  const changed = await host.asks("PATCH", `/lobbies/${idOf(dust)}`, { body });
  expect(changed.status).toBe(200);
  expect(await listed({ game, where: "map:eq:moon" })).toEqual([
    expect.objectContaining({ id: idOf(dust), title: "Mond", data: { map: "moon", skill: 1000 } }),
  ]);
  expect(idOf(await match(fourth, { game, where: ["map:eq:moon"], peerName: "Fourth" }))).toBe(idOf(dust));
});

/** Of several, as the shard of some is the one that their code would name. */
test("lobbies that their hosts make private, public again or close go out of their game's list, and come back", async () => {
  await Promise.all(Array.from({ length: 8 }, comesAndGoes));
});

async function comesAndGoes(): Promise<void> {
  const game = newGame();
  const host = await knowing();
  const opened = await match(host, { game });
  const change = async (isPublic: boolean) =>
    expect((await host.asks("PATCH", `/lobbies/${idOf(opened)}`, { body: { isPublic } })).status).toBe(200);
  await change(false);
  expect(await listed({ game })).toEqual([]);
  await change(true);
  expect(await listed({ game })).toHaveLength(1);
  // The object has forgotten all that it does not keep.
  await crash(server.url, { holder: idOf(opened) });
  await change(false);
  expect([await listed({ game }), (await listed({})).filter(({ id }) => id === idOf(opened))]).toEqual([
    [],
    [],
  ]);
  await change(true);
  await crash(server.url, { holder: idOf(opened) });
  await host.leave();
  await expect.poll(() => listed({ game })).toEqual([]);
}

test("a player whose name is taken in a lobby is put into another", async () => {
  const game = newGame();
  const players = await Player.crowd(6, server.url);
  const answers = await Promise.all(players.map((player) => match(player, { game, peerName: "Twin" })));
  for (const { status } of answers) expect(status).toBe(201);
  const [other] = await Player.crowd(1, server.url);
  expect((await match(other as Player, { game, peerName: "Other" })).status).toBe(200);
});

test("when the first player fails to open the lobby that others wait for, another of them opens one, and they meet", async () => {
  const game = newGame();
  const players = await Player.crowd(4, server.url);
  // Every try of the one call: its lobby cannot be reached.
  await failCalls(server.url, "open", "fail", 4);
  const answers = await matched(players, { game });
  await failCalls(server.url, "open", "fail", 0);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 201, 503]);
  expect(sizes(await listed({ game }))).toEqual([3]);
});

test("when the one who is to open it vanishes, the others wait no longer than they must", async () => {
  const game = newGame();
  await setLimits(server.url, { matchOpeningMs: 400 });
  const players = await Player.crowd(3, server.url);
  const [first, ...others] = players as [Player, Player, Player];
  // The directory has sent it to open one, and it never hears of that.
  await failCalls(server.url, "match", "lose", 8);
  await failCalls(server.url, "unmatch", "fail", 1);
  const lost = await match(first, { game });
  await failCalls(server.url, "match", "lose", 0);
  expect(lost.status).toBe(503);
  const answers = await matched(others, { game });
  await setLimits(server.url, patient);
  // One opens a lobby, and the other joins it, or opens one too if the machine is so busy that it waits again in vain.
  expect(answers.map(({ status }) => status)).toContain(201);
  for (const { status } of answers) expect([200, 201]).toContain(status);
});

test.each(["match", "open", "enter", "matchLobby"])(
  "when an answer to %s is lost, the player is in one lobby, and knows which",
  async (method) => {
    const game = newGame();
    const players = await Player.crowd(2, server.url);
    for (const [i, player] of players.entries()) {
      await failCalls(server.url, method, "lose", 1);
      const { status, body } = await match(player, { game, peerName: `P${i}` });
      await failCalls(server.url, method, "lose", 0);
      expect([status, body?.created]).toEqual(i === 0 ? [201, true] : [200, false]);
    }
    expect(sizes(await listed({ game }))).toEqual([2]);
  },
);

test("a place that a player was sent to and did not take is free again at once", async () => {
  const game = newGame();
  const [host, first, second, third] = (await Player.crowd(4, server.url)) as [
    Player,
    Player,
    Player,
    Player,
  ];
  const opened = await match(host, { game, maxMembers: 2 });
  await failCalls(server.url, "enter", "fail", 4);
  const failed = await match(first, { game, maxMembers: 2, peerName: "First" });
  await failCalls(server.url, "enter", "fail", 0);
  // It got a lobby of its own instead.
  expect(failed.body).toMatchObject({ created: true });
  const others = await matched([second, third], { game, maxMembers: 2 });
  expect(others.map(({ status }) => status)).toEqual([200, 200]);
  expect(new Set(others.map(idOf))).toEqual(new Set([idOf(opened), idOf(failed)]));
});

test("a player who vanishes while it waits for a lobby has no place in it", async () => {
  const game = newGame();
  const [first, second, third, late] = (await Player.crowd(4, server.url)) as [
    Player,
    Player,
    Player,
    Player,
  ];
  const held = await heldCalls(server.url);
  await holdCalls(server.url, "open", true);
  const opening = match(first, { game, maxMembers: 3, peerName: "First" });
  await vi.waitFor(async () => expect(await heldCalls(server.url)).toBe(held + 1));
  const asked = await callsOf(server.url, "match");
  const waiting = [second, third].map((player, i) =>
    match(player, { game, maxMembers: 3, peerName: `Waits ${i}` }),
  );
  await vi.waitFor(async () => expect(await callsOf(server.url, "match")).toBe(asked + 2));
  third.vanish();
  await vi.waitFor(async () => expectRefused(await third.start("00000"), 400, "invalid_token"));
  await holdCalls(server.url, "open", false);
  const answers = await Promise.all([opening, ...waiting]);
  expect(answers.map(({ status }) => status)).toEqual([201, 200, 400]);
  expect(sizes(await listed({ game }))).toEqual([2]);
  expect(idOf(await match(late, { game, maxMembers: 3, peerName: "Late" }))).toBe(idOf(answers[0] as Answer));
});

test("a lobby that is gone without a word is asked, and nobody is sent there again", async () => {
  const game = newGame();
  const ghost = await Player.connect(server.url);
  const opened = await match(ghost, { game });
  await failCalls(server.url, "remove", "fail", 1_000);
  await ghost.leave();
  const [one, two] = (await Player.crowd(2, server.url)) as [Player, Player];
  expect(await listed({ game })).toHaveLength(1);
  const answers = [await match(one, { game, peerName: "One" }), await match(two, { game, peerName: "Two" })];
  expect((await listed({ game })).map(({ id }) => id)).toEqual([idOf(answers[0] as Answer)]);
  await failCalls(server.url, "remove", "fail", 0);
  expect(answers.map(({ status }) => status)).toEqual([201, 200]);
  expect(idOf(answers[0] as Answer)).not.toBe(idOf(opened));
});

test.each([
  [{ game: undefined }, 400, "invalid_game"],
  [{ game: "a b" }, 400, "invalid_game"],
  [{ peerName: "" }, 400, "invalid_peer_name"],
  [{ where: ["map"] }, 400, "invalid_search"],
  [{ where: Array(5).fill("map:eq:dust") }, 400, "invalid_search"],
  [{ create: { maxMembers: 0 } }, 400, "invalid_max_members"],
  [{ create: { data: { a: "x".repeat(5_000) } } }, 413, "data_too_large"],
  [{ memberData: { a: "x".repeat(2_000) } }, 413, "data_too_large"],
  [{ create: { topology: "mesh", maxMembers: 64 } }, 400, "mesh_too_large"],
  [{ token: "nobody" }, 400, "invalid_token"],
])("a match that makes no sense, %j, is refused, and leaves nothing behind", async (wrong, status, code) => {
  const game = newGame();
  const [player, next] = (await Player.crowd(2, server.url)) as [Player, Player];
  expectRefused(await match(player, { game, ...wrong } as Wish), status, code);
  // Had the first one left a lobby to come, this one would wait for it, and in vain.
  await setLimits(server.url, { matchPatienceMs: 3_600_000, matchOpeningMs: 3_600_000 });
  expect((await match(next, { game })).status).toBe(201);
  await setLimits(server.url, patient);
});

test.each([
  ["where=map", "invalid_search"],
  ["where=map:is:dust", "invalid_search"],
  ["where=members:eq:many", "invalid_search"],
  ["where=a:eq:1&where=b:eq:1&where=c:eq:1&where=d:eq:1&where=e:eq:1", "invalid_search"],
  ["sort=-", "invalid_search"],
  ["sort=a&sort=b", "invalid_search"],
  ["open=maybe", "invalid_search"],
  ["game=a%20b", "invalid_game"],
  ["sort=members&cursor=0-1-2-0", "invalid_query"],
  ["cursor=s.WyJkdXN0IiwzLDE0MSwyXQ", "invalid_query"],
  ["sort=members&cursor=s.bnVsbA", "invalid_query"],
])("the list is not told for ?%s", async (query, code) => {
  expectRefused(await request(server.url, `/lobbies?${query}`), 400, code);
});

test("over several shards a list that is sorted comes in pages, each lobby once and in order", async () => {
  const hosts = await Player.crowd(24, server.url);
  const name = "To be sorted";
  await Promise.all(
    hosts.map((host, i) =>
      host.post("/lobbies", {
        hostName: "Host",
        lobbyName: name,
        isPublic: true,
        maxMembers: 4,
        ...(i % 2 && { game: `sorted-${i}` }),
        data: { skill: i % 7 },
      }),
    ),
  );
  for (const sort of ["skill", "-skill"]) {
    const found: Listed[] = [];
    for (let cursor: string | undefined = ""; cursor !== undefined; ) {
      const { body } = await request(
        server.url,
        `/lobbies?${new URLSearchParams({ name, sort, limit: "5", cursor, where: "skill:ne:6" })}`,
      );
      found.push(...Object(body).lobbies);
      cursor = Object(body).cursor;
    }
    const skills = found.map(({ data }) => Object(data).skill);
    const rising = Array.from({ length: 24 }, (_, i) => i % 7).filter((skill) => skill !== 6);
    expect(skills).toEqual(rising.sort((a, b) => (sort === "skill" ? a - b : b - a)));
    expect(new Set(found.map(({ id }) => id)).size).toBe(found.length);
  }
});

test("an open list has none that is full, locked or needs a password, and the others are in the other list", async () => {
  const game = newGame();
  const hosts = await Player.crowd(4, server.url);
  for (const [i, host] of hosts.entries())
    await host.post("/lobbies", {
      hostName: "Host",
      lobbyName: `Lobby ${i}`,
      isPublic: true,
      maxMembers: i === 0 ? 1 : 4,
      game,
      locked: i === 1,
      ...(i === 3 && { password: "tea" }),
    });
  expect((await listed({ game, open: "true" })).map(({ name }) => name)).toEqual(["Lobby 2"]);
  expect((await listed({ game, open: "false" })).map(({ name }) => name).sort()).toEqual([
    "Lobby 0",
    "Lobby 1",
    "Lobby 3",
  ]);
});

test("a player whom a host has removed is not matched with that host again", async () => {
  const game = newGame();
  const [griefer, ann, ben] = [await knowing(), await knowing(), await knowing()];
  const trap = idOf(await match(griefer, { game, peerName: "Griefer", maxMembers: 2 }));
  const places = await ann.host({ game, isPublic: true, hostName: "Ann", maxMembers: 4 });
  expect(idOf(await match(ben, { game, peerName: "Ben" }))).toBe(trap);
  await griefer.post(`/lobbies/${trap}/kick`, { clientId: ben.clientId });
  await ben.hears("lobby_kicked");
  expect(idOf(await match(ben, { game, peerName: "Ben" }))).toBe(idOf(places));
});
