/** The servers of ICE that members are told, with a stand-in for Cloudflare's API of TURN. */
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import type { Server } from "../../local/server.ts";
import { Player, post } from "../../measure/kit/player.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { postAsSidecar, secret } from "../../measure/kit/secret.ts";
import { putToSleep, setLimits, startLoggedServer, startTestServer } from "../../measure/kit/server.ts";
import { informedPlayer, stayingLobby } from "../../measure/kit/staying.ts";
import { startTurnApi, type TurnApi } from "../../measure/kit/turn-api.ts";
import { platformLimits } from "../../worker/platform/limits.ts";

let api: TurnApi;
let server: Server & { readonly logged: readonly string[] };
const own = { urls: ["stun:stun.example.net:3478"] };
beforeAll(async () => {
  api = await startTurnApi();
  const vars = { ...api.vars, iceServers: JSON.stringify([own]), sidecarHosts: "paris=relay.example" };
  server = await startLoggedServer({ udpPort: null, secret, vars });
  await patiently();
});
afterEach(async () => {
  api.answers = {};
  await patiently();
});
afterAll(async () => {
  await server.stop();
  await api.stop();
});

/** On a busy machine the API may take longer than a deployment waits for it. */
const patiently = () => setLimits(server.url, { turnPatienceMs: 60_000 });
/** An object does not sleep as long as it would wait for an answer. */
const asDeployed = () => setLimits(server.url, { turnPatienceMs: platformLimits.turnPatienceMs });

const lobby = async (size = 2) => await stayingLobby(server.url, size);
const ask = async (player: Player, lobbyId: string) =>
  await player.asks("POST", `/lobbies/${lobbyId}/ice`, { body: {} });
type Told = { iceServers: { urls: string[]; username?: string; credential?: string }[]; lifeMs: number };
const told = async (player: Player, lobbyId: string): Promise<Told> => {
  const answer = await ask(player, lobbyId);
  expect(answer.status).toBe(200);
  return answer.body as unknown as Told;
};

test("each member gets a credential of its own, besides the operator's servers", async () => {
  const { lobbyId, host, guests } = await lobby();
  const first = await told(host, lobbyId);
  expect(first.lifeMs).toBe(platformLimits.turnLifeS * 1000);
  expect(first.iceServers[0]).toEqual(own);
  // Browsers refuse the port of DNS.
  expect(JSON.stringify(first)).not.toContain(":53?");
  expect(first.iceServers[1]).toEqual({ urls: ["stun:stun.example.com:3478"] });
  const [guest] = guests;
  if (!guest) throw new Error("no guest");
  const second = await told(guest, lobbyId);
  expect(second.iceServers[2]?.username).not.toBe(first.iceServers[2]?.username);
  expect(second.iceServers[2]?.credential).toContain(String(platformLimits.turnLifeS));
});

test("nobody else gets one, and a member not often", async () => {
  const { lobbyId, host } = await lobby();
  const stranger = await informedPlayer(server.url, `/lobbies/${lobbyId}`);
  expectRefused(await ask(stranger, lobbyId), 403, "not_a_member");
  const issued = api.issued.length;
  for (let i = 0; i < 4; i++) await told(host, lobbyId);
  const fifth = await ask(host, lobbyId);
  expectRefused(fifth, 429, "too_many_requests");
  expect(api.issued.length).toBe(issued + 4);
  // The oldest is good no more.
  await vi.waitFor(() => expect(api.revoked).toContain(api.issued[issued]));
});

test("a credential ends when its member is removed, or leaves, though its lobby has slept", async () => {
  await asDeployed();
  const { lobbyId, host, guests } = await lobby(3);
  const [kicked, leaver] = guests;
  if (!kicked || !leaver) throw new Error("too few");
  const names: (string | undefined)[] = [];
  for (const player of [kicked, leaver, host])
    names.push((await told(player, lobbyId)).iceServers[2]?.username);
  await putToSleep(server, [lobbyId]);
  await host.post(`/lobbies/${lobbyId}/kick`, { clientId: kicked.clientId });
  await vi.waitFor(() => expect(api.revoked).toContain(names[0]));
  await leaver.post(`/lobbies/${lobbyId}/leave`, {});
  await vi.waitFor(() => expect(api.revoked).toContain(names[1]));
  expect(api.revoked).not.toContain(names[2]);
  await host.post(`/lobbies/${lobbyId}/leave`, {});
  await vi.waitFor(() => expect(api.revoked).toContain(names[2]));
});

async function playerOfAPage(path: string): Promise<Player> {
  const player = await Player.connect(server.url, path);
  player.answersOverUdp = false;
  player.say("client_features", { features: ["links", "ws-relay"] });
  await player.settled();
  return player;
}

test("a credential outlives a lobby that has connected its members, and no lobby that ended otherwise", async () => {
  const sidecar = {
    name: "paris",
    host: "relay.example",
    port: 5990,
    secondPort: 5991,
    relays: true,
    load: 0,
  };
  await asDeployed();
  await postAsSidecar(server.url, "/sidecar/heartbeat", sidecar, { name: "paris" });
  for (const succeeds of [true, false]) {
    const host = await playerOfAPage("/lobbies");
    const opened = await host.host({});
    const lobbyId = String(opened.body?.lobbyId);
    const guest = await playerOfAPage(`/lobbies/${lobbyId}`);
    await guest.join(lobbyId, "Guest");
    const name = (await told(guest, lobbyId)).iceServers[2]?.username;
    if (succeeds) {
      expect((await host.start(lobbyId)).status).toBe(200);
      for (const player of [host, guest]) {
        const { mediation } = (await player.hears("ptpMediation_send")) as { mediation: string };
        player.say("ptpMediation_ready", { mediation, udp: false });
      }
      for (const player of [host, guest]) {
        await player.hears("ptpMediation_peersConnection_start");
        player.reportsSuccess();
      }
      await guest.hears("ptpMediation_success");
    } else await host.post(`/lobbies/${lobbyId}/leave`, {});
    await guest.hears("lobby_closed");
    if (succeeds) {
      await putToSleep(server, [lobbyId]);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(api.revoked).not.toContain(name);
    } else await vi.waitFor(() => expect(api.revoked).toContain(name));
  }
});

const failures: [why: string, answers: TurnApi["answers"]][] = [
  ["refuses", { status: 403, text: "the key turn-key-of-the-test is not allowed" }],
  ["fails", { status: 500 }],
  ["answers no JSON", { text: "<html>" }],
  ["answers no servers", { text: '{"iceServers": [{"urls": ["http://example.com"]}]}' }],
  ["answers too much", { text: JSON.stringify({ iceServers: [], more: "x".repeat(20_000) }) }],
  ["does not answer", { afterMs: 3_600_000 }],
];
for (const [why, answers] of failures) {
  test(`where the API ${why}, a member gets the operator's servers alone, and the log says why`, async () => {
    const { lobbyId, host } = await lobby();
    const before = server.logged.length;
    api.answers = answers;
    if (answers.afterMs) await asDeployed();
    expect((await told(host, lobbyId)).iceServers).toEqual([own]);
    const lines = await vi.waitFor(() => {
      const found = server.logged.slice(before).filter((line) => line.includes("turn_unavailable"));
      expect(found).toHaveLength(1);
      return found;
    });
    expect(lines.join()).not.toMatch(/turn-key-of-the-test|turn-token/);
  });
}

test("without a key for TURN the operator's servers are told, and nothing is kept", async () => {
  const plain = await startTestServer({ udpPort: null });
  onTestFinished(() => plain.stop());
  const { lobbyId, host } = await stayingLobby(plain.url, 2);
  const { iceServers } = await told(host, lobbyId);
  expect(iceServers).toEqual([{ urls: ["stun:stun.cloudflare.com:3478"] }]);
});

test("a page is told the nearest sidecar's STUN before all other servers, and none of sidecars that have no STUN", async () => {
  const hosts = "paris=relay.example tokyo=2001:db8::7";
  const own = await startTestServer({ udpPort: null, secret, vars: { sidecarHosts: hosts } });
  onTestFinished(() => own.stop());
  const cloudflare = { urls: ["stun:stun.cloudflare.com:3478"] };
  const tell = async (name: string, about: object) => {
    const beat = { name, port: 5990, secondPort: 5991, relays: true, load: 0, ...about };
    const heard = await postAsSidecar(own.url, "/sidecar/heartbeat", beat, { name });
    expect(heard.status).toBe(200);
  };
  // Of a version before.
  await tell("paris", { host: "relay.example" });
  await tell("tokyo", { host: "2001:db8::7", stun: true });
  const { lobbyId, host } = await stayingLobby(own.url, 2);
  expect((await told(host, lobbyId)).iceServers).toEqual([
    { urls: ["stun:[2001:db8::7]:5990", "stun:[2001:db8::7]:5991"] },
    cloudflare,
  ]);
});

test("with npm start alone, a page is told the server's own ports, by the name that it calls the server", async () => {
  const own = await startTestServer({ vars: { iceServers: "[]" } });
  onTestFinished(() => own.stop());
  const { lobbyId, host } = await stayingLobby(own.url, 2);
  const { port, secondPort } = own.sidecar ?? { port: 0, secondPort: 0 };
  const urls = (name: string) => [port, secondPort].map((each) => `stun:${name}:${each}`);
  expect((await told(host, lobbyId)).iceServers).toEqual([{ urls: urls("127.0.0.1") }]);
  const local = new URL(own.url);
  local.hostname = "localhost";
  const byName = await post(local, `/lobbies/${lobbyId}/ice`, { token: host.secretToken });
  expect(byName.body?.iceServers).toEqual([{ urls: urls("localhost") }]);
});
