/** What the server does with the address of a client's WebSocket, which nobody else can have. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player } from "../../measure/kit/player.ts";
import { postAsSidecar, secret } from "../../measure/kit/secret.ts";
import { startFaultyServer } from "../../measure/kit/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({ udpPort: null, secret, vars: { reverseProxies: "127.0.0.1 ::1" } });
});
afterAll(() => server.stop());

const connectFrom = (address: string) => Player.connect(server.url, "/", { "x-forwarded-for": address });
/** A datagram with the player's token came from there, as a sidecar says. */
const seen = ({ holder, clientId }: Player, ip: string, port: number) =>
  postAsSidecar(server.url, "/sidecar/observations", { observations: [{ holder, clientId, ip, port }] });

async function gatheringWith(address: string) {
  const { lobbyId, host } = await lobbyOf(1, server.url, { maxMembers: 3 });
  const guest = await connectFrom(address);
  expect((await guest.join(lobbyId, "Guest")).status).toBe(200);
  for (const player of [host, guest]) player.answersOverUdp = false;
  const beat = { name: "paris", host: "sidecar.example", port: 5990, load: 0 };
  await postAsSidecar(server.url, "/sidecar/heartbeat", beat);
  expect((await host.start(lobbyId)).status).toBe(200);
  await guest.hears("ptpMediation_send");
  return { host, guest };
}
const home = "203.0.113.7";
const thief = "198.51.100.66";

test("whoever sends a player's datagram from elsewhere is not introduced in its place", async () => {
  const { host, guest } = await gatheringWith(home);
  await seen(guest, home, 2);
  await seen(guest, thief, 3);
  await seen(host, "192.0.2.1", 4);
  const { peers } = await host.hears("ptpMediation_peersConnection_start");
  expect(peers).toEqual([{ ip: home, port: 2 }]);
});

test("a player whose WebSocket goes over IPv6 and whose UDP goes over IPv4 is introduced", async () => {
  const { host, guest } = await gatheringWith("2001:db8::7");
  await seen(guest, home, 2);
  await seen(host, "192.0.2.1", 4);
  expect((await host.hears("ptpMediation_peersConnection_start")).peers).toEqual([{ ip: home, port: 2 }]);
});

test("one who joins and leaves again and again has to wait, and its neighbour as well, but nobody else", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url, { maxMembers: 3 });
  for (let i = 1; i <= lobbyLimits.returns; i++) {
    const griefer = await connectFrom(thief);
    expect((await griefer.join(lobbyId, "Griefer")).status).toBe(200);
    await griefer.leave();
    await host.hears("lobby_peerDisconnect", i);
  }
  const griefer = await connectFrom(thief);
  const answer = await griefer.join(lobbyId, "Griefer");
  expect(answer).toMatchObject({ status: 429, body: { codes: ["returned_too_often"] } });
  const seconds = Number(answer.headers.get("retry-after"));
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual(lobbyLimits.returnSeconds);
  expect((await (await connectFrom(home)).join(lobbyId, "Somebody else")).status).toBe(200);
});
