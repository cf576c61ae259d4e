/** Reminders, and giving up. The waiting here is that of the service itself, made short. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, rollCall } from "../../measure/kit/player.ts";
import { startTestServer } from "../../measure/kit/server.ts";

/** In no test it matters when something is over that is to last: a busy machine may stand still for seconds. */
const longMs = 3_600_000;
const seenMs = 1_500;
/** Gives up soon if it does not see its players. */
let hasty: Server;
/** Waits for all to be seen, and gives up soon if they do not report. */
let patient: Server;
beforeAll(async () => {
  const timing = { ptpmConnectRequestIntervalMs: 300 };
  [hasty, patient] = await Promise.all([
    startTestServer({
      timing: { ...timing, ptpmServerConnectTimeoutMs: seenMs, ptpmConnectTimeoutMs: longMs },
    }),
    startTestServer({ timing: { ...timing, ptpmServerConnectTimeoutMs: longMs, ptpmConnectTimeoutMs: 900 } }),
  ]);
});
afterAll(() => Promise.all([hasty.stop(), patient.stop()]));

const times = (player: Player, method: string) => player.all(method).length;

test.concurrent("all are reminded, again and again, until all are seen", async () => {
  const { lobbyId, host, guests, all } = await lobbyOf(3, patient.url);
  const udpPort = patient.sidecar?.port ?? 0;
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
  const { lobbyId, host, guests } = await lobbyOf(2, patient.url);
  const [guest] = guests;
  if (!guest) throw new Error("no guest");
  guest.answersOverUdp = false;
  await host.start(lobbyId);
  await guest.hears("ptpMediation_send");
  guest.answersOverUdp = true;
  await host.hears("ptpMediation_peersConnection_start");
  expect(times(guest, "ptpMediation_send")).toBeGreaterThanOrEqual(2);
});

test.concurrent("when some are not seen in time, all hear why it is over, and the host may start again", async () => {
  const { lobbyId, host, guests, all } = await lobbyOf(3, hasty.url, { maxMembers: 4 });
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
  const newcomer = await Player.connect(hasty.url);
  newcomer.answersOverUdp = false;
  expect((await newcomer.join(lobbyId, "Newcomer")).status).toBe(200);
  const asked = [...all, newcomer].map((player) => player.hearsNext("ptpMediation_send"));
  expect((await host.start(lobbyId)).status).toBe(200);
  await Promise.all(asked);
});

test.concurrent("when some do not report in time, all hear why it is over, and what comes late is nothing", async () => {
  const { lobbyId, host, guests, all } = await lobbyOf(2, patient.url);
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
});

test.concurrent("a second run has all its time, whatever was left of the first", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, hasty.url);
  host.answersOverUdp = false;
  await host.start(lobbyId);
  await host.hears("ptpMediation_send", 3);
  guests[0]?.vanish();
  await host.hears("ptpMediation_aborted");
  await host.hears("lobby_peerDisconnect");
  const inFirst = times(host, "ptpMediation_send");
  const next = await Player.connect(hasty.url);
  next.answersOverUdp = false;
  await next.join(lobbyId, "Next");
  const begun = performance.now();
  expect((await host.start(lobbyId)).status).toBe(200);
  for (const player of [host, next])
    expect(await player.hears("ptpMediation_aborted", player === host ? 2 : 1)).toMatchObject({
      code: "endpoints_timeout",
    });
  // Of the first run no more than what three reminders take was left. Clocks are read in two processes, in milliseconds.
  expect(performance.now() - begun).toBeGreaterThan(seenMs - 50);
  expect(times(host, "ptpMediation_send")).toBe(inFirst + times(next, "ptpMediation_send"));
});
