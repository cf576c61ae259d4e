import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, post, rollCall } from "../../measure/kit/player.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { startTestServer } from "../../measure/kit/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** A code that no lobby has. */
const nowhere = "00000";

test("a newcomer learns who is there in the order they came, itself last; the others hear of it, it does not", async () => {
  const host = await Player.connect(server.url);
  const { body } = await host.host({ hostName: "Ann", lobbyName: "Friday night" });
  const lobbyId = String(body?.lobbyId);
  const [zoe, bob, mia] = await Player.crowd(3, server.url);
  if (!zoe || !bob || !mia) throw new Error("not enough players");

  const answers = [
    await zoe.join(lobbyId, "Zoe"),
    await bob.join(lobbyId, "Bob"),
    await mia.join(lobbyId, "Mia"),
  ];
  const names = ["Ann", "Zoe", "Bob", "Mia"];
  expect(answers.map(({ status, body }) => ({ status, body }))).toEqual(
    [2, 3, 4].map((size) => ({
      status: 200,
      body: {
        lobbyId,
        lobbyName: "Friday night",
        lobbyMembers: names.slice(0, size),
        host: "Ann",
        privacy: "open",
      },
    })),
  );

  await rollCall(lobbyId, host, zoe, bob, mia);
  const newcomers = (player: Player) => player.all("lobby_peerConnect");
  const heardOf = (...names: string[]) => names.map((peerName) => ({ lobbyId, peerName }));
  expect(newcomers(host)).toEqual(heardOf("Zoe", "Bob", "Mia"));
  expect(newcomers(zoe)).toEqual(heardOf("Bob", "Mia"));
  expect(newcomers(bob)).toEqual(heardOf("Mia"));
  expect(newcomers(mia)).toEqual([]);
});

test("whoever leaves and comes back is last in the order", async () => {
  const { lobbyId, host, guests } = await lobbyOf(3, server.url, { maxMembers: 8 });
  await guests[0]?.leave();
  await host.hears("lobby_peerDisconnect");
  const again = await Player.connect(server.url);
  const { body } = await again.join(lobbyId, "Guest 1");
  expect(body?.lobbyMembers).toEqual(["Host", "Guest 2", "Guest 1"]);
});

test("a code may be typed in lower case, and is answered as it is", async () => {
  const host = await Player.connect(server.url);
  let lobbyId = "";
  // A code without a letter says nothing about case.
  for (let player = host; !/[A-Z]/.test(lobbyId); player = await Player.connect(server.url)) {
    lobbyId = String((await player.host()).body?.lobbyId);
  }
  const guest = await Player.connect(server.url);
  const { status, body } = await guest.join(lobbyId.toLowerCase(), "Guest");
  expect([status, body?.lobbyId]).toEqual([200, lobbyId]);
});

test.each(["constructor", "__proto__", "a".repeat(50), "_", "0"])(
  "a guest may be called %j",
  async (name) => {
    const { lobbyId } = await lobbyOf(1, server.url);
    const guest = await Player.connect(server.url);
    expect((await guest.join(lobbyId, name)).body?.lobbyMembers).toEqual(["Host", name]);
  },
);

test.each([undefined, null, 7, "", " Bob", "B\nb", "Bob\n", "Bob!", "Žofie", "b".repeat(51)])(
  "a guest cannot be called %j",
  async (peerName) => {
    const { lobbyId, host } = await lobbyOf(1, server.url);
    const guest = await Player.connect(server.url);
    expectRefused(await guest.post(`/lobbies/${lobbyId}/join`, { peerName }), 400, "invalid_peer_name");
    await rollCall(lobbyId, host);
    expect(host.methods).toEqual(["lobby_messaging_received"]);
  },
);

test("all that is wrong with a request to join is said at once", async () => {
  expectRefused(
    await post(server.url, `/lobbies/${nowhere}/join`, {}),
    400,
    "invalid_token",
    "invalid_peer_name",
  );
});

test("a name is taken only if it is written exactly so", async () => {
  const { lobbyId } = await lobbyOf(1, server.url, { maxMembers: 8 });
  const guest = await Player.connect(server.url);
  expectRefused(await guest.join(lobbyId, "Host"), 409, "name_taken");
  expect((await guest.join(lobbyId, "host")).status).toBe(200);
  const other = await Player.connect(server.url);
  expectRefused(await other.join(lobbyId, "host"), 409, "name_taken");
  expect((await other.join(lobbyId, "Host ")).status).toBe(200);
});

test("the same name is free in another lobby", async () => {
  const { lobbyId } = await lobbyOf(2, server.url);
  const { lobbyId: other } = await lobbyOf(1, server.url);
  expect(other).not.toBe(lobbyId);
  const guest = await Player.connect(server.url);
  expect((await guest.join(other, "Guest 1")).status).toBe(200);
});

test("a full lobby has room again when somebody leaves", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url, { maxMembers: 2 });
  const waiting = await Player.connect(server.url);
  expectRefused(await waiting.join(lobbyId, "Late"), 409, "lobby_full");
  await guests[0]?.leave();
  await host.hears("lobby_peerDisconnect");
  expect((await waiting.join(lobbyId, "Late")).status).toBe(200);
});

test.each([nowhere, "ZZZZZ", "ABC", "ABCDEF", "AB-DE", "ÄBCDE", "%20%20%20%20%20", "%E0%A4%A", "__proto__"])(
  "there is no lobby %j",
  async (lobbyId) => {
    const player = await Player.connect(server.url);
    expectRefused(await player.join(lobbyId, "Player"), 409, "no_such_lobby");
  },
);

test("a lobby that was closed is no more", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  await host.leave();
  await guests[0]?.hears("lobby_closed");
  const late = await Player.connect(server.url);
  expectRefused(await late.join(lobbyId, "Late"), 409, "no_such_lobby");
});

/*
 * The order of the checks. Each request breaks the rule it is refused by and all rules after it.
 */

test("first of all a request must be right: its name, its token", async () => {
  const { host } = await lobbyOf(1, server.url);
  expectRefused(await host.join(nowhere, ""), 400, "invalid_peer_name");
  const stranger = { token: "nobody", peerName: "Player" };
  expectRefused(await post(server.url, `/lobbies/${nowhere}/join`, stranger), 400, "invalid_token");
});

test("whoever is in a lobby is told so, even if there is no lobby to join", async () => {
  const { lobbyId, all } = await lobbyOf(2, server.url);
  for (const player of all) {
    expectRefused(await player.join(nowhere, "Player"), 409, "already_in_lobby");
    expectRefused(await player.join(lobbyId, "Player"), 409, "already_in_lobby");
  }
});

test("whoever is in a lobby is told so, even if the code is none", async () => {
  const { all } = await lobbyOf(2, server.url);
  for (const player of all) expectRefused(await player.join("no code", "Player"), 409, "already_in_lobby");
});

test("whoever is in a lobby is told so, even if the other is locked, full, and has its name", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url, { maxMembers: 2 });
  for (const guest of guests) guest.answersOverUdp = false;
  await host.start(lobbyId);
  const elsewhere = await lobbyOf(2, server.url);
  for (const player of elsewhere.all)
    expectRefused(await player.join(lobbyId, "Host"), 409, "already_in_lobby");
});

test("that a lobby is locked is said before that it is full, and that before that the name is taken", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url, { maxMembers: 2 });
  for (const guest of guests) guest.answersOverUdp = false;
  const late = await Player.connect(server.url);
  expectRefused(await late.join(lobbyId, "Host"), 409, "lobby_full");
  await host.start(lobbyId);
  expectRefused(await late.join(lobbyId, "Host"), 409, "lobby_locked");
});

for (const direct of [false, true]) {
  test(`a code is found however a person types it (${direct ? "direct" : "plain"})`, async () => {
    // Codes with a 0 or a 1 in them are what people mishear: of some lobbies, the one with most of them.
    const digits = (code: string) => ["0", "1"].filter((digit) => code.includes(digit)).length;
    const opened: string[] = [];
    while (!opened.some((code) => digits(code) === 2) && opened.length < 24) {
      const host = await Player.connect(server.url, direct ? "/lobbies" : "/");
      opened.push(String((await host.host()).body?.lobbyId));
    }
    for (const code of opened) expect(code).toMatch(/^[0-9A-HJKMNP-Z]{5}$/);
    const code = opened.toSorted((a, b) => digits(b) - digits(a))[0] ?? "";
    const spellings = [
      code.toLowerCase(),
      ` ${code} `,
      code.replaceAll("0", "O").replaceAll("1", "I"),
      code.replaceAll("0", "o").replaceAll("1", "l"),
      `${code.slice(0, 3)} ${code.slice(3)}`,
    ];
    for (const [i, typed] of spellings.entries()) {
      const path = encodeURIComponent(typed);
      const guest = await Player.connect(server.url, direct ? `/lobbies/${path}` : "/");
      const answer = await guest.join(path, `Guest ${i}`);
      expect([answer.status, answer.body?.lobbyId]).toEqual([200, code]);
      guest.chat(typed.slice(0, 16), `${i}`);
      await guest.hearsChat(`${i}`);
    }
  });
}

test.each(["%20", "%E2%80%8B00000", "%", "%zz", "00000%00", "OOOOOO"])(
  "%j is the code of no lobby",
  async (code) => {
    const player = await Player.connect(server.url);
    expectRefused(await player.join(code, "Guest"), 409, "no_such_lobby");
  },
);
