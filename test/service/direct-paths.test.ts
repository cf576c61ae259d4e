/** Who holds a player's socket is chosen by the path it is opened on. Players notice nothing but speed. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { loungeShape } from "../../core/lounges.ts";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, rollCall } from "../../measure/kit/player.ts";
import { startTestServer } from "../../measure/kit/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** The players are connected to one another, and the lobby closes. */
async function getConnected(lobbyId: string, host: Player, ...guests: Player[]): Promise<void> {
  const all = [host, ...guests];
  const started = all.map((player) => player.all("ptpMediation_peersConnection_start").length);
  expect((await host.start(lobbyId)).status).toBe(200);
  const peers = all.map((player, i) =>
    player.hears("ptpMediation_peersConnection_start", 1 + (started[i] ?? 0)),
  );
  const endpoint = (player: Player) => ({ ip: "127.0.0.1", port: player.udp?.address().port });
  expect(await Promise.all(peers)).toEqual([
    { peers: guests.map(endpoint) },
    ...guests.map(() => ({ peers: [endpoint(host)] })),
  ]);
  const closed = all.map((player) => player.hearsNext("lobby_closed"));
  for (const player of all) player.reportsSuccess();
  await Promise.all(closed);
  for (const player of all)
    expect(player.methods.slice(-2)).toEqual(["ptpMediation_success", "lobby_closed"]);
}

test("a player who connects on a lobby's path is held by that lobby, before and after joining", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url, { maxMembers: 3 });
  expect(host.holder).toMatch(loungeShape);
  for (const [name, path] of [
    ["Ann", `/lobbies/${lobbyId}`],
    ["Ben", `/lobbies/${lobbyId.toLowerCase()}`],
  ] as const) {
    const guest = await Player.connect(server.url, path);
    expect(guest.holder).toBe(lobbyId);
    expect(await guest.join(lobbyId, name)).toMatchObject({ status: 200 });
    await rollCall(lobbyId, guest, host);
  }
});

test("players of several lobbies, who all come at once, get in", async () => {
  const opened = Array.from({ length: 3 }, () => lobbyOf(1, server.url, { direct: true, maxMembers: 64 }));
  const fill = async ({ lobbyId }: { lobbyId: string }) => {
    const guests = await Player.crowd(63, server.url, `/lobbies/${lobbyId}`);
    const answers = await Promise.all(guests.map((guest, i) => guest.join(lobbyId, `Guest ${i}`)));
    return answers.filter(({ status }) => status !== 200);
  };
  expect(await Promise.all((await Promise.all(opened)).map(fill))).toEqual([[], [], []]);
});

test("a player who connects on any other path gets the lounge that is being filled", async () => {
  const { host } = await lobbyOf(1, server.url);
  for (const path of ["/", "/ping", "/lobbies/ABCDE/join", "/lobby"]) {
    const player = await Player.connect(server.url, path);
    expect(player.holder).toMatch(loungeShape);
    // In this server each lounge is full with one.
    expect(player.holder).not.toBe(host.holder);
  }
});

test("a player who connects to host is held by a new lobby, and gets its code", async () => {
  const hosts = await Player.crowd(8, server.url, "/lobbies");
  expect(new Set(hosts.map(({ holder }) => holder)).size).toBe(8);
  for (const host of hosts) {
    expect(await host.host()).toMatchObject({ status: 201, body: { lobbyId: host.holder } });
  }
});

test("a token does not show the code of the lobby that holds its player", async () => {
  const { lobbyId, all } = await lobbyOf(3, server.url, { direct: true });
  for (const { token } of all) {
    expect(token).not.toContain(lobbyId);
    expect(atob((token.split(".")[0] ?? "").replaceAll("-", "+").replaceAll("_", "/"))).not.toContain(
      lobbyId,
    );
  }
  expect(new Set(all.map(({ token }) => token.split(".")[0])).size).toBe(3);
});

test("players who connect one after another share a lounge, until it is full", async () => {
  const own = await startTestServer({ vars: { clientsPerLounge: 3 } });
  try {
    const lounges: string[] = [];
    for (let i = 0; i < 9; i++) lounges.push((await Player.connect(own.url)).holder);
    expect(lounges.slice(0, 3)).toEqual(Array(3).fill(lounges[0]));
    expect(lounges.slice(3, 6)).toEqual(Array(3).fill(lounges[3]));
    expect(new Set(lounges).size).toBe(3);
  } finally {
    await own.stop();
  }
});

test.each(["/lobbies/00000", "/lobbies/no code"])(
  "whoever connects on %s, where no lobby is, can still host or join",
  async (path) => {
    const host = await Player.connect(server.url, path);
    const { status, body } = await host.host();
    expect(status).toBe(201);
    const guest = await Player.connect(server.url, path);
    expect((await guest.join(String(body?.lobbyId), "Guest")).status).toBe(200);
    await rollCall(String(body?.lobbyId), guest, host);
  },
);

test("whoever connected to host may join another lobby instead, and host later", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url, { maxMembers: 2 });
  const guest = await Player.connect(server.url, "/lobbies");
  expect((await guest.join(lobbyId, "Guest")).status).toBe(200);
  await rollCall(lobbyId, guest, host);
  await host.leave();
  await guest.hears("lobby_closed");
  const { status, body } = await guest.host();
  expect(status).toBe(201);
  const another = await Player.connect(server.url, `/lobbies/${body?.lobbyId}`);
  expect((await another.join(String(body?.lobbyId), "Another")).status).toBe(200);
  await rollCall(String(body?.lobbyId), another, guest);
});

test("whoever connected to one lobby may join another", async () => {
  const here = await lobbyOf(1, server.url, { direct: true, maxMembers: 4 });
  const there = await lobbyOf(2, server.url, { direct: true, maxMembers: 4 });
  const guest = await Player.connect(server.url, `/lobbies/${here.lobbyId}`);
  expect((await guest.join(there.lobbyId, "Guest")).status).toBe(200);
  await rollCall(there.lobbyId, guest, ...there.all);
  expect(here.host.methods).toEqual([]);

  // It is no member of the lobby that holds it, so the end of that lobby does not concern it.
  await here.host.leave();
  await rollCall(there.lobbyId, guest, ...there.all);
  expect(guest.methods).not.toContain("lobby_closed");
  await getConnected(there.lobbyId, there.host, ...there.guests, guest);
});

test("a member of a closed lobby can host again, and the new lobby has another code", async () => {
  const { lobbyId, host, guests } = await lobbyOf(3, server.url, { direct: true });
  const [first, second] = guests;
  if (!first || !second) throw new Error("too few guests");
  await host.leave();
  for (const guest of guests) await guest.hears("lobby_closed");
  const { status, body } = await first.host();
  expect(status).toBe(201);
  const next = String(body?.lobbyId);
  expect(next).not.toBe(lobbyId);
  expect((await second.join(next, "Second")).status).toBe(200);
  const third = await Player.connect(server.url, `/lobbies/${next}`);
  expect((await third.join(next, "Third")).status).toBe(200);
  await rollCall(next, second, first, third);
  await getConnected(next, first, second, third);
});

test("the same players can be connected again and again, on the same sockets", async () => {
  const { lobbyId, host, guests } = await lobbyOf(3, server.url, { direct: true });
  let code = lobbyId;
  for (let round = 0; round < 3; round++) {
    await getConnected(code, host, ...guests);
    code = String((await host.host({ maxMembers: 3 })).body?.lobbyId);
    for (const [i, guest] of guests.entries()) {
      expect((await guest.join(code, `Guest ${i + 1}`)).status).toBe(200);
    }
    await rollCall(code, host, ...guests);
  }
});

test("a player who connects with the code of a closed lobby can host all the same", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url, { direct: true });
  await host.leave();
  await guests[0]?.hears("lobby_closed");
  const late = await Player.connect(server.url, `/lobbies/${lobbyId}`);
  expect((await late.host()).status).toBe(201);
});

test.each([["/"], ["/lobbies"]])(
  "a host who came on %s has guests from everywhere, who meet, talk, are connected and part",
  async (path) => {
    const host = await Player.connect(server.url, path);
    const { body } = await host.host({ maxMembers: 8 });
    const lobbyId = String(body?.lobbyId);
    const elsewhere = await lobbyOf(1, server.url, { direct: true });
    const guests = [
      await Player.connect(server.url),
      await Player.connect(server.url, `/lobbies/${lobbyId}`),
      await Player.connect(server.url, "/lobbies"),
      await Player.connect(server.url, `/lobbies/${elsewhere.lobbyId}`),
      await Player.connect(server.url, `/lobbies/${lobbyId}`),
      await Player.connect(server.url, "/elsewhere"),
    ];
    const names = guests.map((_, i) => `Guest ${i + 1}`);
    for (const [i, guest] of guests.entries()) {
      const { body } = await guest.join(lobbyId, `Guest ${i + 1}`);
      expect(body).toMatchObject({ lobbyMembers: ["Host", ...names.slice(0, i + 1)], host: "Host" });
    }
    for (const speaker of [host, ...guests]) await rollCall(lobbyId, speaker, host, ...guests);
    for (const [i, player] of [host, ...guests].entries()) {
      expect(player.chats).toHaveLength(7);
      expect(player.all("lobby_peerConnect").map(({ peerName }) => peerName)).toEqual(names.slice(i));
    }

    const [gone, ...rest] = guests;
    gone?.vanish();
    for (const player of [host, ...rest]) {
      expect(await player.hears("lobby_peerDisconnect")).toEqual({ lobbyId, peerName: "Guest 1" });
    }
    await getConnected(lobbyId, host, ...rest);
    expect(elsewhere.host.methods).toEqual([]);
  },
);

test("when a host leaves, guests from everywhere hear that it is closed", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true, maxMembers: 4 });
  const guests = [await Player.connect(server.url), await Player.connect(server.url, `/lobbies/${lobbyId}`)];
  for (const [i, guest] of guests.entries()) await guest.join(lobbyId, `Guest ${i}`);
  host.vanish();
  for (const guest of guests) {
    expect(await guest.hears("lobby_closed")).toEqual({ lobbyId, lobbyName: "Lobby" });
    expect((await guest.host()).status).toBe(201);
  }
});

test("a player who is held by a lobby without having joined hears nothing of it", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true, maxMembers: 4 });
  const onlooker = await Player.connect(server.url, `/lobbies/${lobbyId}`);
  const guest = await Player.connect(server.url, `/lobbies/${lobbyId}`);
  await guest.join(lobbyId, "Guest");
  onlooker.chat(lobbyId, "Can you hear me?");
  await onlooker.settled();
  await rollCall(lobbyId, host, guest);
  await host.leave();
  await guest.hears("lobby_closed");
  await onlooker.settled();
  expect(onlooker.methods).toEqual([]);
  expect(host.chats).not.toContain("Can you hear me?");
});

test("an onlooker that goes is not missed", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true, maxMembers: 4 });
  const onlooker = await Player.connect(server.url, `/lobbies/${lobbyId}`);
  await onlooker.leave();
  await rollCall(lobbyId, host);
  expect(host.methods).toEqual(["lobby_messaging_received"]);
});
