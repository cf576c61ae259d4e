/** One player keeps the others from playing, over real sockets. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player } from "../../measure/kit/player.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { holderLimits } from "../../worker/sessions/limits.ts";

let server: Server;
beforeAll(async () => {
  server = await startTestServer({ vars: { reverseProxies: "127.0.0.1 ::1" } });
});
afterAll(() => server.stop());

async function friends(direct: boolean) {
  const { lobbyId, host, guests } = await lobbyOf(3, server.url, {
    direct,
    maxMembers: 4,
    features: ["links"],
  });
  const [friend = host, griefer = host] = guests;
  return { lobbyId, host, friend, griefer };
}
const codeOf = async (player: Player, nth = 1) => (await player.hears("ptpMediation_aborted", nth)).code;

for (const direct of [false, true]) {
  const path = direct ? "direct" : "plain";

  test.concurrent(`one stays silent: the host goes on without it, and the others play (${path})`, async () => {
    const { lobbyId, host, friend, griefer } = await friends(direct);
    griefer.answersOverUdp = false;
    await host.start(lobbyId);
    await griefer.hears("ptpMediation_send");
    expect(await friend.steer(lobbyId, "proceed")).toMatchObject({
      status: 409,
      body: { codes: ["not_the_host"] },
    });
    expect(await host.steer(lobbyId, "proceed")).toMatchObject({ status: 200, text: "" });
    expect(await host.steer(lobbyId, "proceed")).toMatchObject({ status: 200, text: "" });
    for (const player of [host, friend]) {
      expect((await player.hears("ptpMediation_peersConnection_start")).peers).toHaveLength(1);
      player.reportsSuccess();
    }
    expect(await codeOf(griefer)).toBe("left_out");
    for (const player of [host, friend]) await player.hears("ptpMediation_success");
    await griefer.hears("lobby_closed");
    expect(griefer.methods).not.toContain("ptpMediation_success");
  });

  test.concurrent(`the host stops, and starts again (${path})`, async () => {
    const { lobbyId, host, friend, griefer } = await friends(direct);
    expect(await host.steer(lobbyId, "stop")).toMatchObject({
      status: 409,
      body: { codes: ["not_mediating"] },
    });
    griefer.answersOverUdp = false;
    await host.start(lobbyId);
    expect(await griefer.steer(lobbyId, "stop")).toMatchObject({ body: { codes: ["not_the_host"] } });
    expect((await host.steer(lobbyId, "stop")).status).toBe(200);
    for (const player of [host, friend, griefer]) expect(await codeOf(player)).toBe("stopped");
    expect((await host.steer(lobbyId, "stop")).status).toBe(200);
    griefer.answersOverUdp = true;
    expect((await host.start(lobbyId)).status).toBe(200);
    for (const player of [host, friend, griefer]) await player.hears("ptpMediation_peersConnection_start");
  });

  test.concurrent(`one aborts each start: the third goes without it (${path})`, async () => {
    const { lobbyId, host, friend, griefer } = await friends(direct);
    griefer.answersOverUdp = false;
    for (let nth = 1; nth <= 2; nth++) {
      expect((await host.start(lobbyId)).status).toBe(200);
      const { mediation } = await griefer.hears("ptpMediation_send", nth);
      griefer.say("ptpMediation_peersConnection_failure", { mediation, cause: "no-udp", peers: [] });
      for (const player of [host, friend, griefer])
        expect(await codeOf(player, nth)).toBe("could_not_connect");
    }
    expect((await host.start(lobbyId)).status).toBe(200);
    expect(await codeOf(griefer, 3)).toBe("left_out");
    for (const player of [host, friend]) {
      expect((await player.hears("ptpMediation_peersConnection_start")).peers).toHaveLength(1);
      player.reportsSuccess();
    }
    for (const player of [host, friend]) await player.hears("ptpMediation_success");
    expect(griefer.all("ptpMediation_send")).toHaveLength(2);
  });
}

test("who has all of an IPv6 /48 calls off two starts, from whichever of its addresses", async () => {
  const { lobbyId, host, guests } = await lobbyOf(3, server.url, { maxMembers: 4 });
  const [friend = host] = guests;
  for (let nth = 1; nth <= 3; nth++) {
    const from = { "x-forwarded-for": `2001:db8:bad:${nth}::1` };
    const griefer = await Player.connect(server.url, "/", from);
    griefer.answersOverUdp = false;
    expect((await griefer.join(lobbyId, "Griefer")).status).toBe(200);
    expect((await host.start(lobbyId)).status).toBe(200);
    if (nth === 3) {
      expect(await codeOf(griefer)).toBe("left_out");
      break;
    }
    await griefer.hears("ptpMediation_send");
    await griefer.leave();
    expect(await codeOf(host, nth)).toBe("member_left");
  }
  for (const player of [host, friend]) await player.hears("ptpMediation_peersConnection_start");
});

test("who has read a datagram of Orion's own host does not stop its starts, nor uses up its requests so", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  const [guest = host] = guests;
  guest.answersOverUdp = false;
  expect((await host.start(lobbyId)).status).toBe(200);
  await host.hears("ptpMediation_send");
  // The token is the one in the datagram, and `post` is plain HTTP, as from anywhere.
  for (let i = 0; i < holderLimits.requestBurst; i++) {
    for (const wish of ["stop", "proceed"] as const)
      expect(await host.steer(lobbyId, wish)).toMatchObject({
        status: 403,
        body: { codes: ["needs_links"] },
      });
  }
  guest.answersOverUdp = true;
  guest.sendDatagram(Number((await guest.hears("ptpMediation_send")).port));
  for (const player of [host, guest]) {
    await player.hears("ptpMediation_peersConnection_start");
    player.reportsSuccess();
  }
  for (const player of [host, guest]) await player.hears("ptpMediation_success");
  expect(host.methods).not.toContain("ptpMediation_aborted");
});

test("nor does its reader say that the client knows links: that is said on the client's own WebSocket", async () => {
  const { lobbyId, host } = await lobbyOf(2, server.url);
  const reader = await Player.connect(server.url);
  reader.say("client_features", { token: host.token, features: ["links"] });
  await reader.settled();
  expect((await host.start(lobbyId)).status).toBe(200);
  expect((await host.steer(lobbyId, "stop")).status).toBe(403);
});
