/** Two players on the server's own machine, as two tabs of one browser: when they may tell each other their addresses by WebRTC. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { Player } from "../../measure/kit/player.ts";
import { startTestServer } from "../../measure/kit/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startTestServer({ udpPort: null });
});
afterAll(() => server.stop());

type Headers = Record<string, string>;

async function comer(base: URL, path: string, headers: Headers): Promise<Player> {
  const player = await Player.connect(base, path, headers);
  player.answersOverUdp = false;
  player.say("client_features", { features: ["links", "ws-relay", "webrtc"] });
  await player.settled();
  return player;
}

/** Whether the guest is told that it is near the host. */
async function areNear(host: Headers, guest: Headers, base = server.url): Promise<boolean> {
  const first = await comer(base, "/lobbies", host);
  const { body } = await first.host({ maxMembers: 2 });
  const lobbyId = String(body?.lobbyId);
  const second = await comer(base, `/lobbies/${lobbyId}`, guest);
  await second.join(lobbyId, "Guest");
  expect((await first.start(lobbyId)).status).toBe(200);
  for (const player of [first, second]) {
    const { mediation } = (await player.hears("ptpMediation_send")) as { mediation: string };
    player.say("ptpMediation_ready", { mediation, udp: false });
  }
  const told = [];
  for (const player of [first, second]) {
    const { peers } = await player.hears("ptpMediation_peersConnection_start");
    told.push((peers as { webrtc: { near: boolean } }[])[0]?.webrtc.near);
  }
  await Promise.all([first.leave(), second.leave()]);
  expect(told[0]).toBe(told[1]);
  return told[0] === true;
}

const localhost = { host: "localhost:5980" };

test("two tabs of one machine are near each other, by whatever name of its own they call the server", async () => {
  expect(await areNear({}, {})).toBe(true);
  expect(await areNear(localhost, { host: "[::1]:5980" })).toBe(true);
  expect(await areNear({ host: "game.localhost" }, { host: "127.0.0.2:1" })).toBe(true);
});

const passedOn: [name: string, headers: Headers][] = [
  ["X-Forwarded-For", { ...localhost, "x-forwarded-for": "203.0.113.7" }],
  ["X-Forwarded-For of this machine", { ...localhost, "x-forwarded-for": "127.0.0.1" }],
  ["X-Forwarded-Proto", { ...localhost, "x-forwarded-proto": "https" }],
  ["Forwarded", { ...localhost, forwarded: "for=127.0.0.1" }],
  ["Via", { ...localhost, via: "1.1 caddy" }],
  ["CF-Connecting-IP", { ...localhost, "cf-connecting-ip": "203.0.113.7" }],
  ["X-Real-IP", { ...localhost, "x-real-ip": "203.0.113.7" }],
  ["the name of a tunnel", { host: "brave-fox.trycloudflare.com" }],
  ["the name of a page that leads here (DNS rebinding)", { host: "evil.example:5980" }],
  ["a name that only looks like this machine's", { host: "localhost.evil.example" }],
  ["this machine's address in its network", { host: "192.168.1.5:5980" }],
];
for (const [name, headers] of passedOn) {
  test(`who comes from this machine with ${name} may be anybody, and is near nobody`, async () => {
    expect(await areNear(localhost, headers)).toBe(false);
    expect(await areNear(headers, headers)).toBe(false);
  });
}

test("behind a reverse proxy on this machine players are where it says they are, and nobody is at the machine", async () => {
  const proxied = await startTestServer({ udpPort: null, vars: { reverseProxies: "127.0.0.1" } });
  try {
    expect(await areNear({}, {}, proxied.url)).toBe(false);
    const [ada, bo] = [{ "x-forwarded-for": "203.0.113.7" }, { "x-forwarded-for": "203.0.113.8" }];
    expect(await areNear(ada, bo, proxied.url)).toBe(false);
    expect(await areNear(ada, ada, proxied.url)).toBe(true);
  } finally {
    await proxied.stop();
  }
});
