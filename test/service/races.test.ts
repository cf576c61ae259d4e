import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { type Answer, lobbyOf, Player, request, rollCall } from "../../measure/kit/player.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { startTestServer } from "../../measure/kit/server.ts";

let server: Server;
beforeAll(async () => {
  // However long a test takes, nobody is asked twice.
  server = await startTestServer({ timing: { ptpmConnectRequestIntervalMs: 3_600_000 } });
});
afterAll(() => server.stop());

/** Those who got what they asked for; all others were refused with this code. */
function winners(players: Player[], answers: Answer[], status: number, code: string): Player[] {
  for (const answer of answers) if (answer.status !== status) expectRefused(answer, 409, code);
  return players.filter((_, i) => answers[i]?.status === status);
}

async function membersListed(lobbyId: string): Promise<number | undefined> {
  const { body } = await request(server.url, "/lobbies");
  const lobbies = body?.lobbies as { id: string; currentMembers: number }[];
  return lobbies.find(({ id }) => id === lobbyId)?.currentMembers;
}

for (const direct of [false, true]) {
  const path = direct ? "direct" : "plain";

  test(`when 30 want the 7 seats that are left, 7 get them (${path})`, async () => {
    const { lobbyId, host } = await lobbyOf(1, server.url, { direct, isPublic: true, maxMembers: 8 });
    const crowd = await Player.crowd(30, server.url, direct ? `/lobbies/${lobbyId}` : "/");
    const answers = await Promise.all(crowd.map((player, i) => player.join(lobbyId, `Guest ${i}`)));
    const seated = winners(crowd, answers, 200, "lobby_full");
    expect(seated).toHaveLength(7);
    expect(await membersListed(lobbyId)).toBe(8);

    // Each newcomer was told of all before it, in one order.
    const orders = answers.flatMap(({ status, body }) =>
      status === 200 ? [body?.lobbyMembers as string[]] : [],
    );
    const longest = orders.find((order) => order.length === 8) ?? [];
    expect(orders.map((order) => order.length).sort()).toEqual([2, 3, 4, 5, 6, 7, 8]);
    for (const order of orders) expect(longest.slice(0, order.length)).toEqual(order);
    await rollCall(lobbyId, host, ...seated);
    expect(host.all("lobby_peerConnect").map(({ peerName }) => peerName)).toEqual(longest.slice(1));

    const losers = crowd.filter((player) => !seated.includes(player));
    expect((await Promise.all(losers.map((player) => player.host()))).map(({ status }) => status)).toEqual(
      losers.map(() => 201),
    );
  });

  test(`when ten want one name, one gets it (${path})`, async () => {
    const { lobbyId, host } = await lobbyOf(1, server.url, { direct, maxMembers: 64 });
    const crowd = await Player.crowd(10, server.url, direct ? `/lobbies/${lobbyId}` : "/");
    const answers = await Promise.all(crowd.map((player) => player.join(lobbyId, "Champion")));
    const seated = winners(crowd, answers, 200, "name_taken");
    expect(seated).toHaveLength(1);
    await rollCall(lobbyId, host, ...seated);
    expect(host.all("lobby_peerConnect")).toEqual([{ lobbyId, peerName: "Champion" }]);
  });

  test(`one player that joins two lobbies at once is in one of them (${path})`, async () => {
    const lobbies = [
      await lobbyOf(1, server.url, { direct, isPublic: true, maxMembers: 64 }),
      await lobbyOf(1, server.url, { direct, isPublic: true, maxMembers: 64 }),
    ];
    for (let round = 1; round <= 10; round++) {
      const player = await Player.connect(server.url, direct ? `/lobbies/${lobbies[0]?.lobbyId}` : "/");
      const answers = await Promise.all(lobbies.map(({ lobbyId }) => player.join(lobbyId, `Guest ${round}`)));
      const here = winners([player, player], answers, 200, "already_in_lobby");
      expect(here).toHaveLength(1);
      const lobby = lobbies[answers.findIndex(({ status }) => status === 200)];
      if (!lobby) throw new Error("no lobby");
      await rollCall(lobby.lobbyId, player, lobby.host);
      expect(lobby.host.all("lobby_peerConnect").at(-1)?.peerName).toBe(`Guest ${round}`);
    }
    const counts = await Promise.all(lobbies.map(({ lobbyId }) => membersListed(lobbyId)));
    expect((counts[0] ?? 0) + (counts[1] ?? 0)).toBe(12);
  });

  test(`one player that joins one lobby twice at once is in it once (${path})`, async () => {
    const { lobbyId, host } = await lobbyOf(1, server.url, { direct, isPublic: true, maxMembers: 64 });
    const player = await Player.connect(server.url, direct ? `/lobbies/${lobbyId}` : "/");
    const answers = await Promise.all(["Me", "Me", "Me too"].map((name) => player.join(lobbyId, name)));
    expect(winners([player, player, player], answers, 200, "already_in_lobby")).toHaveLength(1);
    await rollCall(lobbyId, player, host);
    expect(player.all("lobby_messaging_received")).toHaveLength(1);
    expect(host.all("lobby_peerConnect")).toHaveLength(1);
    expect(await membersListed(lobbyId)).toBe(2);
  });

  test(`one player that hosts several times at once hosts one lobby (${path})`, async () => {
    const player = await Player.connect(server.url, direct ? "/lobbies" : "/");
    const lobbyName = `Only one ${path}`;
    const attempts = [1, 2, 3, 4].map(() => player.host({ lobbyName, isPublic: true }));
    const answers = await Promise.all(attempts);
    expect(winners([player, player, player, player], answers, 201, "already_in_lobby")).toHaveLength(1);
    const { body } = await request(server.url, `/lobbies?name=${lobbyName}`);
    expect(body?.lobbies).toHaveLength(1);
  });

  test(`one player that hosts and joins at once does one of the two (${path})`, async () => {
    const { lobbyId, host } = await lobbyOf(1, server.url, { direct, maxMembers: 64 });
    for (let round = 1; round <= 10; round++) {
      const player = await Player.connect(server.url, direct ? "/lobbies" : "/");
      const [hosted, joined] = await Promise.all([player.host(), player.join(lobbyId, `Guest ${round}`)]);
      expect([hosted.status, joined.status].sort()).toEqual(hosted.status === 201 ? [201, 409] : [200, 409]);
      expectRefused(hosted.status === 201 ? joined : hosted, 409, "already_in_lobby");
      const code = hosted.status === 201 ? String(hosted.body?.lobbyId) : lobbyId;
      await rollCall(code, player, ...(code === lobbyId ? [host] : []));
    }
  });

  test(`whoever joins while the host leaves is either too late, or hears that the lobby is closed (${path})`, async () => {
    for (let round = 0; round < 15; round++) {
      const { lobbyId, host } = await lobbyOf(1, server.url, {
        direct,
        isPublic: round % 2 === 0,
        maxMembers: 8,
      });
      const guests = await Player.crowd(6, server.url, direct ? `/lobbies/${lobbyId}` : "/");
      const joining = guests.map((guest, i) => guest.join(lobbyId, `Guest ${i}`));
      if (round % 3 > 0) await Promise.race(joining);
      host.vanish();
      const answers = await Promise.all(joining);
      const seated = winners(guests, answers, 200, "no_such_lobby");
      for (const guest of seated) {
        expect(await guest.hears("lobby_closed")).toEqual({ lobbyId, lobbyName: "Lobby" });
      }
      for (const guest of guests) {
        expect((await guest.host()).status).toBe(201);
        expect(guest.methods.filter((method) => method === "lobby_closed")).toHaveLength(
          seated.includes(guest) ? 1 : 0,
        );
        guest.vanish();
      }
    }
  });

  test(`those who vanish while joining leave no seat behind (${path})`, async () => {
    const { lobbyId, host } = await lobbyOf(1, server.url, { direct, isPublic: true, maxMembers: 11 });
    for (let round = 0; round < 8; round++) {
      const crowd = await Player.crowd(10, server.url, direct ? `/lobbies/${lobbyId}` : "/");
      const joining = crowd.map((player, i) => player.join(lobbyId, `Guest ${i}`));
      // Some are seated, some are not known any more, and some are on their way.
      await Promise.race(joining);
      for (const player of crowd) player.vanish();
      for (const answer of await Promise.all(joining)) {
        if (answer.status !== 200) expectRefused(answer, 400, "invalid_token");
      }
      await rollCall(lobbyId, host);
      // Whoever had a seat for a moment: the host was told of that, and is told that it is gone.
      const had = host.all("lobby_peerConnect").length;
      await host.hears("lobby_peerDisconnect", had);
      expect(host.all("lobby_peerDisconnect")).toHaveLength(had);
      expect(await membersListed(lobbyId)).toBe(1);
    }
  });
}

test("when a host starts twice at once, the players are asked once", async () => {
  const { lobbyId, host, guests, all } = await lobbyOf(3, server.url);
  for (const guest of guests) guest.answersOverUdp = false;
  const answers = await Promise.all([host.start(lobbyId), host.start(lobbyId), host.start(lobbyId)]);
  expect(winners([host, host, host], answers, 200, "lobby_locked")).toHaveLength(1);
  await rollCall(lobbyId, host, ...guests);
  for (const player of all) expect(player.all("ptpMediation_send")).toHaveLength(1);
});

test("a guest that leaves while the host starts ends it, or comes before it", async () => {
  for (let round = 0; round < 15; round++) {
    const { lobbyId, host, guests } = await lobbyOf(2, server.url, { direct: round % 2 === 0 });
    host.answersOverUdp = false;
    const starting = host.start(lobbyId);
    guests[0]?.vanish();
    const answer = await starting;
    await host.hears("lobby_peerDisconnect");
    await rollCall(lobbyId, host);
    const heard = host.methods.filter((method) => method.startsWith("ptpMediation"));
    if (answer.status === 200) expect(heard).toEqual(["ptpMediation_send", "ptpMediation_aborted"]);
    else {
      expectRefused(answer, 409, "too_few_members");
      expect(heard).toEqual([]);
    }
    const other = await Player.connect(server.url);
    expect((await other.join(lobbyId, "Other")).status).toBe(200);
  }
});

test("a guest that joins while the host starts is in it with all others, or is locked out", async () => {
  for (let round = 0; round < 15; round++) {
    const { lobbyId, host, guests } = await lobbyOf(2, server.url, {
      direct: round % 2 === 0,
      maxMembers: 3,
    });
    const late = await Player.connect(server.url);
    const [started, joined] = await Promise.all([host.start(lobbyId), late.join(lobbyId, "Late")]);
    expect(started.status).toBe(200);
    const seated = winners([late], [joined], 200, "lobby_locked");
    const { peers } = await host.hears("ptpMediation_peersConnection_start");
    expect(peers).toHaveLength(guests.length + seated.length);
    for (const guest of [...guests, ...seated]) await guest.hears("ptpMediation_peersConnection_start");
    expect(late.methods.includes("ptpMediation_send")).toBe(seated.length === 1);
  }
});

test("guests that leave as the last one reports either end it or come too late", async () => {
  for (let round = 0; round < 15; round++) {
    const { lobbyId, host, guests, all } = await lobbyOf(3, server.url, { direct: round % 2 === 0 });
    await host.start(lobbyId);
    for (const player of all) await player.hears("ptpMediation_peersConnection_start");
    for (const player of all) player.reportsSuccess();
    guests[0]?.vanish();
    await Promise.race([host.hears("ptpMediation_success"), host.hears("ptpMediation_aborted")]);
    const success = host.methods.includes("ptpMediation_success");
    if (success) await host.hears("lobby_closed");
    else await rollCall(lobbyId, host, ...guests.slice(1));
    const heard = host.methods.filter((method) => /success|aborted|closed|Disconnect/.test(method));
    expect(heard).toEqual(
      success ? ["ptpMediation_success", "lobby_closed"] : ["lobby_peerDisconnect", "ptpMediation_aborted"],
    );
  }
});
