import { createSocket } from "node:dgram";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, post, rollCall } from "../../measure/kit/player.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { keyOf } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { noteTold } from "../../measure/kit/whole-log.ts";
import { encode } from "../../measure/kit/wire.ts";
import { startSidecar } from "../../udp-sidecar/sidecar.ts";

let server: Server;
let udpPort: number;
beforeAll(async () => {
  // However long a test takes, nobody is asked twice, and nothing is given up.
  const longMs = 3_600_000;
  server = await startTestServer({
    timing: {
      ptpmConnectRequestIntervalMs: longMs,
      ptpmServerConnectTimeoutMs: longMs,
      ptpmConnectTimeoutMs: longMs,
    },
  });
  udpPort = server.sidecar?.port ?? 0;
});
afterAll(() => server.stop());

const nowhere = "00000";
const endpoint = (player: Player) => ({ ip: "127.0.0.1", port: player.udp?.address().port });
const timesStarted = (player: Player) => player.all("ptpMediation_peersConnection_start").length;

/** A lobby whose mediation is in its first phase: the last guest's datagram is missing. */
async function gatheringLobby(size: number, options: Parameters<typeof lobbyOf>[2] = {}) {
  const lobby = await lobbyOf(size, server.url, options);
  const last = lobby.all.at(-1) ?? lobby.host;
  last.answersOverUdp = false;
  expect((await lobby.host.start(lobby.lobbyId)).status).toBe(200);
  for (const player of lobby.all) await player.hears("ptpMediation_send");
  return { ...lobby, last };
}

/** A lobby whose players know their peers and have not yet reported. */
async function connectingLobby(size: number, options: Parameters<typeof lobbyOf>[2] = {}) {
  const lobby = await lobbyOf(size, server.url, options);
  expect((await lobby.host.start(lobby.lobbyId)).status).toBe(200);
  for (const player of lobby.all) await player.hears("ptpMediation_peersConnection_start");
  return lobby;
}

/** Somebody else is connected: whatever datagrams were sent before have been looked at. */
async function somebodyElseIsConnected(): Promise<void> {
  const { all } = await connectingLobby(2);
  for (const player of all) player.vanish();
}

test("starting is answered with nothing; then all are asked for a datagram", async () => {
  const { lobbyId, host, all } = await lobbyOf(3, server.url);
  for (const player of all) player.answersOverUdp = false;
  const { status, text } = await host.start(lobbyId);
  expect([status, text]).toEqual([200, ""]);
  for (const player of all) expect(await player.hears("ptpMediation_send")).toMatchObject({ port: udpPort });
});

test("the lobby to start may be named in lower case", async () => {
  const { lobbyId, host } = await lobbyOf(2, server.url);
  expect((await host.start(lobbyId.toLowerCase())).status).toBe(200);
});

test("the host is told all others in the order they came, each other the host alone, by address and port", async () => {
  const { host, guests } = await connectingLobby(5);
  expect(host.all("ptpMediation_peersConnection_start")).toEqual([{ peers: guests.map(endpoint) }]);
  for (const guest of guests) {
    expect(guest.all("ptpMediation_peersConnection_start")).toEqual([{ peers: [endpoint(host)] }]);
  }
});

test("the order of the peers is that of joining, whoever's datagram comes first", async () => {
  const { lobbyId, host, guests, all } = await lobbyOf(4, server.url);
  for (const player of all) player.answersOverUdp = false;
  await host.start(lobbyId);
  for (const player of all) await player.hears("ptpMediation_send");
  for (const player of all.toReversed()) player.sendDatagram(udpPort);
  expect((await host.hears("ptpMediation_peersConnection_start")).peers).toEqual(guests.map(endpoint));
});

test("when all have reported, all hear of the success, and at once that the lobby is closed; they may go on", async () => {
  const { lobbyId, host, guests, all } = await connectingLobby(3);
  for (const player of all) player.reportsSuccess();
  for (const player of all) {
    expect(await player.hears("ptpMediation_success")).toEqual({});
    expect(await player.hears("lobby_closed")).toEqual({ lobbyId, lobbyName: "Lobby" });
    expect(player.methods.slice(-2)).toEqual(["ptpMediation_success", "lobby_closed"]);
  }
  expectRefused(await host.start(lobbyId), 409, "no_such_lobby");
  const { body } = await host.host();
  for (const guest of guests) {
    expect((await guest.join(String(body?.lobbyId), `Again ${guests.indexOf(guest)}`)).status).toBe(200);
  }
});

test("nothing comes back over UDP", async () => {
  const { lobbyId, host } = await lobbyOf(2, server.url);
  const socket = createSocket("udp4");
  const received: Buffer[] = [];
  socket.on("message", (bytes) => received.push(bytes));
  host.udp = socket;
  await host.start(lobbyId);
  await host.hears("ptpMediation_peersConnection_start");
  host.sendDatagram(udpPort, "hello?");
  await somebodyElseIsConnected();
  expect(received).toEqual([]);
});

/*
 * Refusals
 */

test("only a right token can start", async () => {
  const { lobbyId } = await lobbyOf(2, server.url);
  for (const token of [undefined, null, 7, "", "no token"]) {
    expectRefused(await post(server.url, `/lobbies/${lobbyId}/ptp/start`, { token }), 400, "invalid_token");
  }
});

test.each([nowhere, "no code", "ABCDEF"])("nothing can be started in %s", async (code) => {
  const player = await Player.connect(server.url);
  expectRefused(await player.start(code), 409, "no_such_lobby");
  const { host } = await lobbyOf(2, server.url);
  expectRefused(await host.start(code), 409, "no_such_lobby");
});

test("a host alone cannot start", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  await guests[0]?.leave();
  await host.hears("lobby_peerDisconnect");
  expectRefused(await host.start(lobbyId), 409, "too_few_members");
});

test("only the host can start: no guest, no stranger, no other host", async () => {
  const { lobbyId, host, guests, all } = await lobbyOf(2, server.url);
  const other = await lobbyOf(2, server.url);
  for (const player of [...guests, await Player.connect(server.url), ...other.all]) {
    expectRefused(await player.start(lobbyId), 409, "not_the_host");
  }
  await rollCall(lobbyId, host, ...guests);
  for (const player of all) expect(player.methods).not.toContain("ptpMediation_send");
});

test("that a lobby is locked is said before that there are too few, and that before that one is not the host", async () => {
  const stranger = await Player.connect(server.url);
  const alone = await lobbyOf(1, server.url);
  expectRefused(await stranger.start(alone.lobbyId), 409, "too_few_members");
  const { lobbyId } = await gatheringLobby(2);
  expectRefused(await stranger.start(lobbyId), 409, "lobby_locked");
});

test("what is under way cannot be started again, in either phase", async () => {
  const { lobbyId, host, guests, last, all } = await gatheringLobby(3);
  for (const player of all) expectRefused(await player.start(lobbyId), 409, "lobby_locked");
  last.sendDatagram(udpPort);
  await host.hears("ptpMediation_peersConnection_start");
  for (const player of all) expectRefused(await player.start(lobbyId), 409, "lobby_locked");
  await rollCall(lobbyId, host, ...guests);
  for (const player of all) expect(player.all("ptpMediation_send")).toHaveLength(1);
});

test("nobody can join while the players are being connected, in either phase", async () => {
  const { lobbyId, host, last, all } = await gatheringLobby(2, { maxMembers: 8 });
  const late = await Player.connect(server.url, `/lobbies/${lobbyId}`);
  expectRefused(await late.join(lobbyId, "Late"), 409, "lobby_locked");
  last.sendDatagram(udpPort);
  await host.hears("ptpMediation_peersConnection_start");
  expectRefused(await late.join(lobbyId, "Late"), 409, "lobby_locked");
  await rollCall(lobbyId, host, last);
  for (const player of all) expect(player.methods.at(-2)).toBe("ptpMediation_peersConnection_start");
});

/*
 * Datagrams
 */

test("junk over UDP is ignored, and harms nobody", async () => {
  const { lobbyId, host, guests, last } = await gatheringLobby(2);
  const right = encode("ptpMediation_connect", { token: last.token });
  const payload = right.slice(right.indexOf(":") + 1);
  const junk = [
    "",
    ":",
    "hello",
    "ptpMediation_connect",
    "ptpMediation_connect:",
    "ptpMediation_connect:not base64!",
    `ptpMediation_connect:${Buffer.from("not JSON").toString("base64")}`,
    `ptpMediation_connect:${Buffer.from("null").toString("base64")}`,
    `ptpMediation_connect:${Buffer.from("[]").toString("base64")}`,
    encode("ptpMediation_connect", {}),
    encode("ptpMediation_connect", { token: 7 }),
    encode("ptpMediation_connect", { token: last.clientId }),
    encode("ptpMediation_connect", { token: `${last.token.slice(0, -2)}AA` }),
    encode("ptpMediation_connect", { token: [last.token] }),
    `ptpmediation_connect:${payload}`,
    `ptpMediation_send:${payload}`,
    `constructor:${payload}`,
    `__proto__:${payload}`,
    ` ${right}`,
    payload,
    Buffer.from([0xff, 0xfe, 0x00]),
    Buffer.alloc(1400, "x"),
    Buffer.alloc(60_000),
    Buffer.concat([Buffer.from("ptpMediation_connect:"), Buffer.from([0xff, 0xff])]),
  ];
  for (const bytes of junk) last.sendDatagram(udpPort, bytes);
  await somebodyElseIsConnected();
  await rollCall(lobbyId, host, ...guests);
  expect(timesStarted(host)).toBe(0);

  last.sendDatagram(udpPort, right);
  expect((await host.hears("ptpMediation_peersConnection_start")).peers).toEqual([endpoint(last)]);
});

test("a datagram's base64 may be without padding and URL-safe", async () => {
  for (const bend of [
    (text: string) => text.replaceAll("=", ""),
    (text: string) => text.replaceAll("+", "-").replaceAll("/", "_"),
  ]) {
    const { host, last } = await gatheringLobby(2);
    // A field whose base64 has both special characters, and needs padding.
    const bytes = encode("ptpMediation_connect", { token: last.token, note: "~?>ÿ~?>ÿ" });
    last.sendDatagram(udpPort, bend(bytes));
    await host.hears("ptpMediation_peersConnection_start");
  }
});

test("a datagram before the start does not count, nor one of somebody who is in no lobby", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  const [guest] = guests;
  if (!guest) throw new Error("no guest");
  const loner = await Player.connect(server.url);
  guest.answersOverUdp = false;
  guest.sendDatagram(udpPort);
  loner.sendDatagram(udpPort);
  await somebodyElseIsConnected();
  await host.start(lobbyId);
  await host.hears("ptpMediation_send");
  await somebodyElseIsConnected();
  await rollCall(lobbyId, host, guest);
  expect(timesStarted(host)).toBe(0);
  expect(loner.methods).toEqual([]);

  guest.sendDatagram(udpPort);
  await host.hears("ptpMediation_peersConnection_start");
});

test("the last datagram before all are seen says where a player is", async () => {
  const { host, last, guests } = await gatheringLobby(3);
  const [moving] = guests;
  if (!moving) throw new Error("no guest");
  await somebodyElseIsConnected();
  // The old port is given back when it has the new one: else it might be the same.
  const { udp: old } = moving;
  const before = old?.address().port;
  moving.udp = null;
  moving.sendDatagram(udpPort);
  await somebodyElseIsConnected();
  old?.close();
  last.sendDatagram(udpPort);
  const { peers } = await host.hears("ptpMediation_peersConnection_start");
  expect(endpoint(moving).port).not.toBe(before);
  expect(peers).toEqual([endpoint(moving), endpoint(last)]);
});

test("a datagram that comes after the players know their peers starts nothing again", async () => {
  const { host, last, guests, all } = await gatheringLobby(3);
  const [guest = host] = guests;
  last.sendDatagram(udpPort);
  for (const player of all) await player.hears("ptpMediation_peersConnection_start");
  for (const player of [guest, last]) player.reportsSuccess();
  guest.closesPort();
  guest.sendDatagram(udpPort);
  await somebodyElseIsConnected();
  host.reportsSuccess();
  for (const player of all) {
    await player.hears("lobby_closed");
    expect(timesStarted(player)).toBe(1);
    expect(player.methods.slice(-2)).toEqual(["ptpMediation_success", "lobby_closed"]);
  }
});

/*
 * Reports
 */

test("a report before the players know their peers does not count", async () => {
  const { lobbyId, host, last, guests, all } = await gatheringLobby(3);
  for (const player of all) player.reportsSuccess();
  for (const player of all) await rollCall(lobbyId, player, ...all);
  last.sendDatagram(udpPort);
  for (const player of all) await player.hears("ptpMediation_peersConnection_start");
  for (const guest of guests) guest.reportsSuccess();
  for (const guest of guests) await rollCall(lobbyId, guest, ...all);
  for (const player of all) expect(player.methods).not.toContain("ptpMediation_success");
  host.reportsSuccess();
  await host.hears("ptpMediation_success");
});

test("a report counts once, and for nobody else", async () => {
  const { lobbyId, host, guests, all } = await connectingLobby(3);
  const [eager, slow] = guests;
  if (!eager || !slow) throw new Error("too few guests");
  for (let i = 0; i < 5; i++) eager.reportsSuccess();
  for (const { token } of [host, slow]) eager.say("ptpMediation_peersConnection_success", { token });
  for (const token of [undefined, null, 7, "", eager.clientId]) {
    slow.say("ptpMediation_peersConnection_success", { token });
  }
  host.reportsSuccess();
  for (const player of all) await rollCall(lobbyId, player, ...all);
  for (const player of all) expect(player.methods).not.toContain("ptpMediation_success");

  slow.reportsSuccess();
  for (const player of all) await player.hears("lobby_closed");
  for (const player of all) expect(player.all("ptpMediation_success")).toHaveLength(1);
});

test("a report of somebody who is not in the lobby does not count", async () => {
  const { lobbyId, host, guests, all } = await connectingLobby(2);
  const other = await connectingLobby(2);
  other.host.reportsSuccess();
  host.reportsSuccess();
  await rollCall(other.lobbyId, other.host, ...other.guests);
  await rollCall(lobbyId, host, ...guests);
  for (const player of [...all, ...other.all]) expect(player.methods).not.toContain("ptpMediation_success");
});

/*
 * Ends
 */

for (const [phase, inPhase] of [
  ["gathering", gatheringLobby],
  ["connecting", connectingLobby],
] as const) {
  for (const direct of [false, true]) {
    const how = `${phase}, by the ${direct ? "direct" : "plain"} path`;

    test(`a guest that leaves ends it: first it is missed, then it is over (${how})`, async () => {
      const { lobbyId, host, guests } = await inPhase(4, { direct });
      const [gone, ...rest] = guests;
      gone?.vanish();
      for (const player of [host, ...rest]) {
        expect(await player.hears("ptpMediation_aborted")).toEqual({
          abortReason: expect.stringMatching(/^[A-Z].+\.$/),
          code: "member_left",
        });
        expect(player.all("lobby_peerDisconnect")).toEqual([{ lobbyId, peerName: "Guest 1" }]);
        expect(player.methods.slice(-2)).toEqual(["lobby_peerDisconnect", "ptpMediation_aborted"]);
      }
    });

    test(`a host that leaves closes the lobby instead (${how})`, async () => {
      const { lobbyId, host, guests } = await inPhase(3, { direct });
      host.vanish();
      for (const guest of guests) {
        expect(await guest.hears("lobby_closed")).toEqual({ lobbyId, lobbyName: "Lobby" });
        expect((await guest.host()).status).toBe(201);
        expect(guest.methods).not.toContain("ptpMediation_aborted");
        expect(guest.methods).not.toContain("lobby_peerDisconnect");
      }
    });

    test(`afterwards the lobby is as before: one may join, and the host start again (${how})`, async () => {
      const { lobbyId, host, guests } = await inPhase(4, { direct, maxMembers: 4 });
      const [gone, ...rest] = guests;
      // What was reported in the first run must not count in the second.
      for (const guest of rest) guest.reportsSuccess();
      await Promise.all(rest.map((guest) => rollCall(lobbyId, guest, host)));
      gone?.vanish();
      for (const player of [host, ...rest]) await player.hears("ptpMediation_aborted");
      const newcomer = await Player.connect(server.url, direct ? `/lobbies/${lobbyId}` : "/");
      const { status, body } = await newcomer.join(lobbyId, "Newcomer");
      expect([status, body?.lobbyMembers]).toEqual([200, ["Host", "Guest 2", "Guest 3", "Newcomer"]]);

      const all = [host, ...rest, newcomer];
      const startedBefore = timesStarted(host);
      newcomer.answersOverUdp = false;
      for (const player of rest) player.answersOverUdp = true;
      const asked = [host, ...rest].map((player) => player.hearsNext("ptpMediation_send"));
      expect((await host.start(lobbyId)).status).toBe(200);
      await Promise.all(asked);
      await somebodyElseIsConnected();
      newcomer.sendDatagram(udpPort);
      expect((await host.hears("ptpMediation_peersConnection_start", startedBefore + 1)).peers).toEqual(
        [...rest, newcomer].map(endpoint),
      );
      for (const player of all) await player.hears("ptpMediation_peersConnection_start");

      host.reportsSuccess();
      newcomer.reportsSuccess();
      await rollCall(lobbyId, host, ...rest, newcomer);
      await rollCall(lobbyId, newcomer, host, ...rest);
      expect(host.methods).not.toContain("ptpMediation_success");
      for (const guest of rest) guest.reportsSuccess();
      for (const player of all) {
        await player.hears("lobby_closed");
        expect(player.methods.slice(-2)).toEqual(["ptpMediation_success", "lobby_closed"]);
        expect(player.all("ptpMediation_aborted").length).toBe(player === newcomer ? 0 : 1);
      }
    });
  }
}

test("who was seen in a run that was broken off must be seen again", async () => {
  const { lobbyId, host, guests } = await gatheringLobby(3);
  const [seen, gone] = guests;
  if (!seen || !gone) throw new Error("too few guests");
  await somebodyElseIsConnected();
  gone.vanish();
  await host.hears("ptpMediation_aborted");
  seen.answersOverUdp = false;
  await host.start(lobbyId);
  await seen.hears("ptpMediation_send", 2);
  await somebodyElseIsConnected();
  await rollCall(lobbyId, host, seen);
  expect(timesStarted(host)).toBe(0);
  seen.sendDatagram(udpPort);
  await host.hears("ptpMediation_peersConnection_start");
});

test("when the last guest leaves, the host alone hears that it is over, and cannot start", async () => {
  const { lobbyId, host, last } = await gatheringLobby(2);
  await last.leave();
  await host.hears("ptpMediation_aborted");
  expect(host.methods.slice(-2)).toEqual(["lobby_peerDisconnect", "ptpMediation_aborted"]);
  expectRefused(await host.start(lobbyId), 409, "too_few_members");
});

test("two guests that leave are both missed, and it is over once", async () => {
  const { lobbyId, host, guests } = await connectingLobby(4);
  const [, second, third] = guests;
  second?.vanish();
  third?.vanish();
  await host.hears("lobby_peerDisconnect", 2);
  await rollCall(lobbyId, host);
  expect(host.all("ptpMediation_aborted")).toHaveLength(1);
});

test("a guest of another lobby that leaves ends nothing here", async () => {
  const { lobbyId, host, guests, all } = await connectingLobby(2);
  const other = await connectingLobby(3);
  other.guests[0]?.vanish();
  await other.host.hears("ptpMediation_aborted");
  await rollCall(lobbyId, host, ...guests);
  for (const player of all) expect(player.methods).not.toContain("ptpMediation_aborted");
});

/*
 * Addresses
 */

test("the players are told the sidecar's public name, if it has one", async () => {
  const secret = "a secret for two programs";
  const vars = { sidecarHosts: "public=udp.game.example" };
  const edge = await startTestServer({ udpPort: null, secret, vars });
  const sidecar = await startSidecar(
    {
      edge: edge.url,
      key: keyOf("public", { under: secret }),
      port: 0,
      publicHost: "udp.game.example",
      bind: "127.0.0.1",
    },
    noteTold,
  );
  await sidecar.known;
  const { lobbyId, host, all } = await lobbyOf(2, edge.url);
  await host.start(lobbyId);
  for (const player of all) {
    expect(await player.hears("ptpMediation_send")).toMatchObject({
      port: sidecar.port,
      host: "udp.game.example",
    });
  }
  await sidecar.stop();
  await edge.stop();
});

test("IPv4 addresses are told as such, even by a server that listens on IPv6", async () => {
  const both = await startTestServer({ host: "::" });
  const { lobbyId, host, guests } = await lobbyOf(2, new URL(`http://127.0.0.1:${both.url.port}`));
  await host.start(lobbyId);
  expect((await host.hears("ptpMediation_peersConnection_start")).peers).toEqual(guests.map(endpoint));
  await both.stop();
});
