/** What the server does with the address of a client's WebSocket, which nobody else can have. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player } from "../../measure/kit/player.ts";
import { postAsSidecar, proofOf, secret } from "../../measure/kit/secret.ts";
import { startFaultyServer, startTestServer } from "../../measure/kit/server.ts";
import { informedPlayer } from "../../measure/kit/staying.ts";
import { encode } from "../../measure/kit/wire.ts";

let server: Server;
beforeAll(async () => {
  const vars = { reverseProxies: "127.0.0.1 ::1", sidecarHosts: "paris=sidecar.example" };
  server = await startFaultyServer({ udpPort: null, secret, vars });
});
afterAll(() => server.stop());

const connectFrom = (address: string) => Player.connect(server.url, "/", { "x-forwarded-for": address });
/** A datagram with the player's token came from there, as a sidecar says, and others from elsewhere. */
async function seen(
  player: Player,
  ip: string,
  port: number,
  others?: object[],
  candidates?: object[],
): Promise<void> {
  const observation = { clientId: player.clientId, proof: proofOf(player), ip, port, others, candidates };
  const post = { observations: [observation] };
  const answer = await postAsSidecar(server.url, "/sidecar/observations", post, { name: "paris" });
  expect(answer.status).toBe(200);
}

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
const homeV6 = "2001:db8:7:7::";
const thief = "198.51.100.66";

test("whoever sends a player's datagram from elsewhere is not introduced in its place", async () => {
  const { host, guest } = await gatheringWith(home);
  await seen(guest, home, 2);
  await seen(guest, thief, 3);
  await seen(host, "192.0.2.1", 4);
  const { peers } = await host.hears("ptpMediation_peersConnection_start");
  expect(peers).toEqual([{ ip: home, port: 2 }]);
});

test("nor is one that sends it at the same moment, so that a sidecar posts both together", async () => {
  const { host, guest } = await gatheringWith(home);
  await seen(guest, thief, 3, [
    { ip: "198.51.100.67", port: 5 },
    { ip: home, port: 2 },
  ]);
  await seen(host, "192.0.2.1", 4);
  expect((await host.hears("ptpMediation_peersConnection_start")).peers).toEqual([{ ip: home, port: 2 }]);
});

test.each([
  ["are told to be its own", `${homeV6}99`, true],
  ["are claims where it comes by IPv4", home, false],
])("a player's addresses in the IPv6 network of its WebSocket %s", async (_, address, isProven) => {
  const { host, guest } = await gatheringWith(address);
  for (const player of [host, guest]) player.say("client_features", { features: ["links"] });
  await Promise.all([host.settled(), guest.settled()]);
  const claims = [`${homeV6}1`, `${homeV6}2`, "2001:db8:8::1"].map((ip) => ({ ip, port: 9, proven: true }));
  await seen(guest, home, 2, undefined, claims);
  await seen(host, "192.0.2.1", 4, undefined, []);
  const { peers } = await host.hears("ptpMediation_peersConnection_start");
  const proven = isProven ? { proven: true } : {};
  expect(peers).toMatchObject([{ name: "Guest" }]);
  expect(Object(peers)[0].candidates).toEqual(
    [`${homeV6}1`, `${homeV6}2`].map((ip) => ({ ip, port: 9, ...proven })),
  );
});

/** An address by which this machine calls itself as another would; none without a network. */
const outside = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;

test.skipIf(outside === undefined)(
  "the same over real sockets: the thief has read the datagram",
  async () => {
    const there = await startTestServer({ host: "::" });
    onTestFinished(() => there.stop());
    const url = new URL(there.url);
    url.hostname = outside ?? "";
    const { lobbyId, host, guests } = await lobbyOf(2, url);
    const [guest = host] = guests;
    for (const player of [host, guest]) player.answersOverUdp = false;
    await host.start(lobbyId);
    const { port } = await guest.hears("ptpMediation_send");
    const sendFrom = async (token: string, address: string) => {
      const socket = createSocket("udp4").bind(0, address);
      onTestFinished(() => void socket.close());
      await once(socket, "listening");
      socket.send(encode("ptpMediation_connect", { token }), Number(port), outside);
      return socket.address();
    };
    const theirs = await sendFrom(guest.token, outside ?? "");
    await sendFrom(guest.token, "127.0.0.1");
    await sendFrom(host.token, outside ?? "");
    const { peers } = await host.hears("ptpMediation_peersConnection_start");
    expect(peers).toEqual([{ ip: outside, port: theirs.port }]);
  },
);

test("a player whose WebSocket goes over IPv6 and whose UDP goes over IPv4 is introduced", async () => {
  const { host, guest } = await gatheringWith("2001:db8::7");
  await seen(guest, home, 2);
  await seen(host, "192.0.2.1", 4);
  expect((await host.hears("ptpMediation_peersConnection_start")).peers).toEqual([{ ip: home, port: 2 }]);
});

test.each([
  ["a player who is banned does not come back from its network as somebody else", thief, 403],
  // A tunnel may be behind such an address, with all players.
  ["one on the server's own machine does: that is no network", "127.0.0.5", 200],
])("%s", async (_, address, status) => {
  const host = await informedPlayer(server.url, "/lobbies", { "x-forwarded-for": home });
  const lobbyId = String((await host.host({ maxMembers: 4 })).body?.lobbyId);
  const griefer = await connectFrom(address);
  expect((await griefer.join(lobbyId, "Griefer")).status).toBe(200);
  const kick = { clientId: griefer.clientId, ban: true };
  expect((await host.post(`/lobbies/${lobbyId}/kick`, kick)).status).toBe(200);
  const again = await (await connectFrom(address)).join(lobbyId, "Somebody");
  expect(again.status).toBe(status);
  if (status === 403) expect(again.body).toMatchObject({ codes: ["banned"] });
  expect((await (await connectFrom(home)).join(lobbyId, "Friend")).status).toBe(200);
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
