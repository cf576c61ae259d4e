/** What players are told of each other when they are to connect, by what their clients know. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { relayLimits } from "../../core/relay/limits.ts";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, post } from "../../measure/kit/player.ts";
import { postAsSidecar, proofOf, secret, ticketKeyOf } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";

const relay = { host: "relay.example", port: 5990 };
/** Posts as a sidecar does: what it would have seen is up to the test. */
const tell = (path: string, body: object) => postAsSidecar(server.url, path, body, { name: "paris" });
let server: Server;
beforeAll(async () => {
  server = await startTestServer({
    udpPort: null,
    secret,
    vars: { sidecarHosts: "paris=relay.example" },
    // However long a test takes, nobody is asked twice.
    timing: { ptpmConnectRequestIntervalMs: 3_600_000 },
  });
});
/** A sidecar that is forgotten after 25 s, unless it says so again. */
const beat = () =>
  tell("/sidecar/heartbeat", { name: "paris", ...relay, secondPort: 5991, relays: true, load: 0 });
afterAll(() => server.stop());

const lan = [{ ip: "192.168.1.7", port: 41_000 }];

/** What a sidecar has seen of a player whose client knows the additions; without candidates, of any other. */
function observation(player: Player, port: number, more: object = { candidates: lan }): object {
  return { clientId: player.clientId, proof: proofOf(player), ip: "198.51.100.7", port, ...more };
}

async function seen(...observations: object[]): Promise<void> {
  expect(await tell("/sidecar/observations", { observations })).toMatchObject({ status: 200 });
}

async function introduced(player: Player): Promise<Record<string, unknown>[]> {
  const { peers } = await player.hears("ptpMediation_peersConnection_start");
  return peers as Record<string, unknown>[];
}

/** `features`: what all say that they can do. */
async function gatheringLobby(
  size: number,
  options: { privacy?: string; features?: readonly string[] } = {},
) {
  const { lobbyId, all, host, guests } = await lobbyOf(size, server.url, options);
  for (const player of all) player.answersOverUdp = false;
  await beat();
  expect((await host.start(lobbyId)).status).toBe(200);
  await Promise.all(all.map((player) => player.hears("ptpMediation_send")));
  return { lobbyId, all, host, guests };
}

test("players are sent to both ports of the sidecar", async () => {
  const { host } = await gatheringLobby(2);
  expect(host.all("ptpMediation_send")).toEqual([
    {
      port: 5990,
      ports: [5990, 5991],
      host: "relay.example",
      mediation: expect.stringMatching(/^[\da-f]{8}$/),
      pass: expect.stringContaining(host.clientId),
      passKey: expect.stringMatching(/^[\w-]{22}$/),
    },
  ]);
});

test("a pair whose clients know the additions is told all that helps, and each a ticket of its own", async () => {
  const { lobbyId, host, guests } = await gatheringLobby(2, { features: ["links"] });
  const [guest = host] = guests;
  await seen(
    observation(host, 1001, { candidates: lan, second: { ip: "198.51.100.7", port: 1001 }, proven: true }),
    observation(guest, 1002, { candidates: [], second: { ip: "198.51.100.7", port: 1009 }, proven: true }),
  );
  const [toGuest = {}] = await introduced(guest);
  const [toHost = {}] = await introduced(host);
  const of = (player: Player, name: string) => ({ clientId: player.clientId, name });
  expect(toGuest).toMatchObject({
    ...of(host, "Host"),
    ip: "198.51.100.7",
    port: 1001,
    ports: [1001, 1001],
    mapping: "endpoint-independent",
    proven: true,
    candidates: lan,
    link: { side: "b" },
    relay,
  });
  expect(toHost).toMatchObject({
    ...of(guest, "Guest 1"),
    port: 1002,
    ports: [1002, 1009],
    mapping: "endpoint-dependent",
    proven: true,
    candidates: [],
    link: { side: "a" },
    relay,
  });
  expect(host.all("ptpMediation_peersConnection_start")[0]?.you).toEqual({
    ip: "198.51.100.7",
    port: 1001,
    mapping: "endpoint-independent",
  });
  const [ours, theirs] = [Object(toHost.link), Object(toGuest.link)];
  expect(ours.id).toMatch(/^[\da-f]{12}$/);
  expect([theirs.id, theirs.key]).toEqual([ours.id, ours.key]);
  for (const [told, side, self, peer] of [
    [toHost, "a", host, guest],
    [toGuest, "b", guest, host],
  ] as const) {
    const { ticket, key } = Object(told.relay);
    const parts = ticket.split(".");
    expect(parts.toSpliced(2, 3)).toEqual([ours.id, side, self.clientId, peer.clientId, "paris"]);
    // The code is a secret, and tickets go over UDP in clear.
    expect(parts[4]).toMatch(/^[\da-f]{8}$/);
    expect(ticket).not.toContain(lobbyId);
    const lastsMs = Number(parts[3]) * 1000 - Number(parts[2]);
    expect(Math.floor(lastsMs / 1000) * 1000).toBe(relayLimits.relayTicketMs);
    expect(Object(told.relay).lifeMs).toBe(relayLimits.relayTicketMs);
    expect(key).toBe(ticketKeyOf(ticket, { sidecar: "paris" }));
  }
});

test("players of Orion's own clients hear what Orion's server says, whoever else is in the lobby", async () => {
  const { host, guests } = await gatheringLobby(3);
  const [knowing = host, plain = host] = guests;
  await seen(observation(host, 1), observation(plain, 3, {}), observation(knowing, 2));
  expect(await plain.hears("ptpMediation_peersConnection_start")).toEqual({
    peers: [{ ip: "198.51.100.7", port: 1 }],
  });
  const [first, second] = await introduced(host);
  expect(first).toHaveProperty("link");
  expect(second).toMatchObject({ ip: "198.51.100.7", port: 3, name: "Guest 2" });
  expect(second).not.toHaveProperty("link");
  expect(second).not.toHaveProperty("relay");
});

test("a client that knows the additions is told nothing to use with a host that does not", async () => {
  const { host, guests } = await gatheringLobby(2);
  const [guest = host] = guests;
  await seen(observation(host, 1, {}), observation(guest, 2));
  expect(await host.hears("ptpMediation_peersConnection_start")).toEqual({
    peers: [{ ip: "198.51.100.7", port: 2 }],
  });
  const [told] = await introduced(guest);
  expect(told).toMatchObject({ name: "Host", port: 1 });
  expect(told).not.toHaveProperty("link");
});

test("what a client has said that it can do counts, not what its datagrams look like", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url, { maxMembers: 3 });
  const guests: Player[] = [];
  for (const [name, features] of [
    ["Modern", ["links", "pings", "telepathy"]],
    ["Modest", ["pings"]],
  ] as const) {
    const guest = await Player.connect(server.url, name === "Modern" ? `/lobbies/${lobbyId}` : "/");
    guest.say("client_features", { features });
    await guest.settled();
    expect((await guest.join(lobbyId, name)).status).toBe(200);
    guests.push(guest);
  }
  const [modern = host, modest = host] = guests;
  for (const player of [host, modern, modest]) player.answersOverUdp = false;
  await beat();
  await host.start(lobbyId);
  for (const player of [host, modern, modest]) await player.hears("ptpMediation_send");
  await seen(observation(host, 1), observation(modern, 2, {}), observation(modest, 3));
  expect((await introduced(modern))[0]).toMatchObject({ name: "Host", link: { side: "b" } });
  expect(await introduced(modest)).toEqual([{ ip: "198.51.100.7", port: 1 }]);
});

test("in a lobby that is relay-only nobody is told where anybody is", async () => {
  const { all, host, guests } = await gatheringLobby(3, { privacy: "relay-only" });
  const [one = host, other = host] = guests;
  await seen(observation(host, 1001), observation(one, 1002), observation(other, 1003));
  expect(Object.keys((await introduced(one))[0] ?? {}).sort()).toEqual(["clientId", "link", "name", "relay"]);
  await host.hears("ptpMediation_peersConnection_start");
  for (const player of all) {
    const text = JSON.stringify(player.all("ptpMediation_peersConnection_start").map(({ peers }) => peers));
    expect(text).not.toMatch(/198\.51|192\.168|100[123]\b/);
  }
});

test("local addresses that are no other machine's are not passed on", async () => {
  const { host, guests } = await gatheringLobby(2, { features: ["links"] });
  const [guest = host] = guests;
  const told = [
    "127.0.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "ff02::1",
    "10.0.0.9",
    "fd00::1",
  ];
  await seen(
    observation(host, 1, { candidates: told.map((ip) => ({ ip, port: 9 })), proven: true }),
    observation(guest, 2, { candidates: [], proven: true }),
  );
  expect((await introduced(guest))[0]?.candidates).toEqual([
    { ip: "10.0.0.9", port: 9 },
    { ip: "fd00::1", port: 9 },
  ]);
});

test("strangers learn no local address of each other, nor any that they only claim", async () => {
  const { host, guests } = await gatheringLobby(2, { features: ["links"] });
  const [guest = host] = guests;
  const claims = [
    "192.168.1.7",
    "10.8.0.2",
    "100.64.3.4",
    "fd00::1",
    "192.0.2.66",
    "198.51.100.7",
    "2001:db8::7",
  ];
  const candidates = claims.map((ip) => ({ ip, port: 9 }));
  await seen(
    observation(host, 1, { candidates, proven: true }),
    observation(guest, 2, { candidates, proven: true, ip: "203.0.113.9" }),
  );
  const ofHost = [
    { ip: "198.51.100.7", port: 9 },
    { ip: "2001:db8::7", port: 9 },
  ];
  expect((await introduced(guest))[0]?.candidates).toEqual(ofHost);
  expect((await introduced(host))[0]?.candidates).toEqual(ofHost.slice(1));
});

test("a member that is relay-only for itself learns no address, and nobody learns one of its", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url, { features: ["links"], maxMembers: 3 });
  const [guest = host] = guests;
  const hidden = await Player.connect(server.url);
  hidden.say("client_features", { features: ["links"] });
  await hidden.settled();
  const wish = { token: hidden.token, peerName: "Hidden" };
  expect(await post(server.url, `/lobbies/${lobbyId}/join`, { ...wish, privacy: "secret" })).toMatchObject({
    status: 400,
    body: { codes: ["invalid_privacy"] },
  });
  const joined = await post(server.url, `/lobbies/${lobbyId}/join`, { ...wish, privacy: "relay-only" });
  expect(joined).toMatchObject({ status: 200, body: { privacy: "open" } });
  for (const player of [host, guest, hidden]) player.answersOverUdp = false;
  await beat();
  await host.start(lobbyId);
  for (const player of [host, guest, hidden]) await player.hears("ptpMediation_send");
  await seen(observation(host, 1), observation(guest, 2), observation(hidden, 3));
  const bare = ["clientId", "link", "name", "relay"];
  const [ofGuest, ofHidden] = await introduced(host);
  expect(ofGuest).toMatchObject({ name: "Guest 1", ip: "198.51.100.7", port: 2 });
  expect(Object.keys(ofHidden ?? {}).sort()).toEqual(bare);
  expect((await introduced(hidden)).map((peer) => Object.keys(peer).sort())).toEqual([bare]);
  expect((await introduced(guest))[0]).toMatchObject({ name: "Host", port: 1 });
});

test("texts in a report that were cut in the middle of an emoji reach the host well-formed", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  const [guest] = guests;
  await beat();
  await host.start(lobbyId);
  const { mediation } = (await guest?.hears("ptpMediation_send")) ?? {};
  const peer = (half: string) => ({
    clientId: `${half}x`,
    path: null,
    cause: null,
    timeline: [{ atMs: 1, what: `cut ${half}` }],
  });
  guest?.say("ptpMediation_peersConnection_failure", { mediation, cause: null, peers: [peer("\ud83c")] });
  expect((await host.hears("ptpMediation_report")).peers).toEqual([peer("\ufffd")]);
});

test("what a guest could not do is told to the host: the group goes on, or does not, as the lobby was opened", async () => {
  for (const onLoss of ["continue", "abort"]) {
    const { lobbyId, host, guests } = await lobbyOf(3, server.url, { onLoss });
    const [bad = host, good = host] = guests;
    for (const player of [host, bad, good]) player.answersOverUdp = false;
    await beat();
    await host.start(lobbyId);
    const { mediation } = await bad.hears("ptpMediation_send");
    await seen(observation(host, 1), observation(bad, 2), observation(good, 3));
    for (const player of [host, bad, good]) await player.hears("ptpMediation_peersConnection_start");
    const timeline = [{ atMs: 12, what: "check sent to 198.51.100.7:1" }];
    const failure = { clientId: host.clientId, path: null, cause: "no-packets-received", timeline };
    bad.say("ptpMediation_peersConnection_failure", { mediation, cause: null, peers: [failure] });
    expect(await host.hears("ptpMediation_report")).toEqual({
      clientId: bad.clientId,
      name: "Guest 1",
      cause: null,
      peers: [failure],
    });
    const code = onLoss === "abort" ? "could_not_connect" : "left_out";
    expect(await bad.hears("ptpMediation_aborted")).toMatchObject({ code });
    if (onLoss === "abort") {
      expect(await good.hears("ptpMediation_aborted")).toMatchObject({ code: "could_not_connect" });
      continue;
    }
    good.reportsSuccess();
    host.say("ptpMediation_peersConnection_failure", {
      mediation,
      peers: [
        { clientId: bad.clientId, path: null, cause: "no-packets-received" },
        { clientId: good.clientId, path: "relay", cause: "both-endpoint-dependent" },
      ],
    });
    for (const player of [host, good]) await player.hears("ptpMediation_success");
    await bad.hears("lobby_closed");
    expect(bad.methods).not.toContain("ptpMediation_success");
  }
});

test("a report that is none is ignored, as is one of somebody who was not asked", async () => {
  const { host, guests } = await gatheringLobby(2);
  const [guest = host] = guests;
  const { mediation } = await guest.hears("ptpMediation_send");
  for (const payload of [
    { mediation, cause: null, peers: [{}] },
    { mediation, cause: null, peers: Array(65).fill({ clientId: "x", path: null, cause: null }) },
    { mediation, token: host.token, cause: null },
    { mediation: "another", cause: "udp-blocked" },
    { cause: "udp-blocked" },
  ]) {
    guest.say("ptpMediation_peersConnection_failure", payload);
  }
  await guest.settled();
  await seen(observation(host, 1), observation(guest, 2));
  await host.hears("ptpMediation_peersConnection_start");
  expect(host.methods).not.toContain("ptpMediation_report");
  expect(host.methods).not.toContain("ptpMediation_aborted");
});

test("rules of a lobby that there are not are refused", async () => {
  const { host } = await lobbyOf(1, server.url);
  for (const [field, code] of [
    ["onLoss", "invalid_on_loss"],
    ["privacy", "invalid_privacy"],
  ] as const) {
    const body = { token: host.token, hostName: "A", lobbyName: "B", isPublic: false, maxMembers: 2 };
    expect(await post(server.url, "/lobbies", { ...body, [field]: "perhaps" })).toMatchObject({
      status: 400,
      body: { codes: [code] },
    });
  }
});
