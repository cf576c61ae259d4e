/** Reminders, and giving up. The waiting here is that of the service itself, made short. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, rollCall } from "../../measure/kit/player.ts";
import { startTestServer } from "../../measure/kit/server.ts";

let server: Server;
let udpPort: number;
beforeAll(async () => {
  server = await startTestServer({
    timing: {
      ptpmConnectRequestIntervalMs: 300,
      ptpmServerConnectTimeoutMs: 1500,
      ptpmConnectTimeoutMs: 900,
    },
  });
  udpPort = server.sidecar?.port ?? 0;
});
afterAll(() => server.stop());

const times = (player: Player, method: string) => player.all(method).length;

test.concurrent("all are reminded, again and again, until all are seen", async () => {
  const { lobbyId, host, guests, all } = await lobbyOf(3, server.url);
  const [slow] = guests;
  if (!slow) throw new Error("no guest");
  slow.answersOverUdp = false;
  await host.start(lobbyId);
  await slow.hears("ptpMediation_send", 3);
  for (const payload of slow.all("ptpMediation_send")) expect(payload).toMatchObject({ port: udpPort });
  slow.sendDatagram(udpPort);
  for (const player of all) await player.hears("ptpMediation_peersConnection_start");
  const reminded = all.map((player) => times(player, "ptpMediation_send"));
  // The time for connecting is that of three reminders.
  for (const player of all) await player.hears("ptpMediation_aborted");
  expect(all.map((player) => times(player, "ptpMediation_send"))).toEqual(reminded);
  // A router may have forgotten those who were seen.
  expect(Math.min(...reminded)).toBeGreaterThanOrEqual(3);
});

test.concurrent("a player that never heard the first request is connected by a reminder", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  const [guest] = guests;
  if (!guest) throw new Error("no guest");
  guest.answersOverUdp = false;
  await host.start(lobbyId);
  await guest.hears("ptpMediation_send");
  guest.answersOverUdp = true;
  await host.hears("ptpMediation_peersConnection_start");
  expect(times(guest, "ptpMediation_send")).toBe(2);
});

test.concurrent("when some are not seen in time, all hear why it is over, and the host may start again", async () => {
  const { lobbyId, host, guests, all } = await lobbyOf(3, server.url, { maxMembers: 4 });
  const [slow] = guests;
  if (!slow) throw new Error("no guest");
  slow.answersOverUdp = false;
  await host.start(lobbyId);
  for (const player of all) {
    expect(await player.hears("ptpMediation_aborted")).toEqual({
      abortReason: expect.stringMatching(/^[A-Z].+\.$/),
      code: "endpoints_timeout",
    });
    expect(player.methods).not.toContain("ptpMediation_peersConnection_start");
  }
  slow.answersOverUdp = true;
  expect((await (await Player.connect(server.url)).join(lobbyId, "Newcomer")).status).toBe(200);
  expect((await host.start(lobbyId)).status).toBe(200);
  for (const player of all) await player.hears("ptpMediation_peersConnection_start");
});

test.concurrent("when some do not report in time, all hear why it is over, and what comes late is nothing", async () => {
  const { lobbyId, host, guests, all } = await lobbyOf(2, server.url);
  await host.start(lobbyId);
  await host.hears("ptpMediation_peersConnection_start");
  host.reportsSuccess();
  for (const player of all) {
    expect(await player.hears("ptpMediation_aborted")).toEqual({
      abortReason: expect.stringMatching(/^[A-Z].+\.$/),
      code: "connecting_timeout",
    });
  }
  for (const player of all) player.reportsSuccess();
  await rollCall(lobbyId, host, ...guests);
  for (const guest of guests) await rollCall(lobbyId, guest, host);
  for (const player of all) expect(player.methods).not.toContain("ptpMediation_success");

  expect((await host.start(lobbyId)).status).toBe(200);
  for (const player of all) await player.hears("ptpMediation_peersConnection_start", 2);
  for (const player of all) player.reportsSuccess();
  for (const player of all) {
    await player.hears("lobby_closed");
    expect(player.methods.slice(-2)).toEqual(["ptpMediation_success", "lobby_closed"]);
    expect(times(player, "ptpMediation_aborted")).toBe(1);
  }
});

test.concurrent("a second run has all its time, whatever was left of the first", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  host.answersOverUdp = false;
  await host.start(lobbyId);
  await host.hears("ptpMediation_send", 3);
  guests[0]?.vanish();
  await host.hears("ptpMediation_aborted");
  const next = await Player.connect(server.url);
  next.answersOverUdp = false;
  await next.join(lobbyId, "Next");
  expect((await host.start(lobbyId)).status).toBe(200);
  // Less was left of the first run than three reminders take.
  for (const player of [host, next])
    expect(await player.hears("ptpMediation_aborted", player === host ? 2 : 1)).toMatchObject({
      code: "endpoints_timeout",
    });
  expect(times(next, "ptpMediation_send")).toBeGreaterThanOrEqual(4);
  expect(times(host, "ptpMediation_send")).toBe(3 + times(next, "ptpMediation_send"));
});

test.concurrent("a datagram that comes after the players know their peers starts nothing again", async () => {
  const { lobbyId, host, guests, all } = await lobbyOf(2, server.url);
  const [guest] = guests;
  if (!guest) throw new Error("no guest");
  host.answersOverUdp = false;
  await host.start(lobbyId);
  await host.hears("ptpMediation_send", 2);
  host.sendDatagram(udpPort);
  for (const player of all) await player.hears("ptpMediation_peersConnection_start");
  guest.reportsSuccess();
  guest.closesPort();
  guest.sendDatagram(udpPort);

  // Whoever comes after it and is connected shows that it has been looked at.
  const other = await lobbyOf(2, server.url);
  await other.host.start(other.lobbyId);
  await other.host.hears("ptpMediation_peersConnection_start");
  host.reportsSuccess();
  for (const player of all) {
    await player.hears("lobby_closed");
    expect(times(player, "ptpMediation_peersConnection_start")).toBe(1);
    expect(player.methods.slice(-2)).toEqual(["ptpMediation_success", "lobby_closed"]);
  }
});

test.concurrent("a player that moves to another port while others are awaited is found there", async () => {
  // In one home: what two datagrams show goes to two homes by ways of different lengths.
  const { lobbyId, host, guests } = await lobbyOf(2, server.url, { direct: true });
  const [guest] = guests;
  if (!guest) throw new Error("no guest");
  host.answersOverUdp = false;
  await host.start(lobbyId);
  await host.hears("ptpMediation_send", 2);
  guest.closesPort();
  guest.sendDatagram(udpPort);
  host.sendDatagram(udpPort);
  expect((await host.hears("ptpMediation_peersConnection_start")).peers).toEqual([
    { ip: "127.0.0.1", port: guest.udp?.address().port },
  ]);
});
