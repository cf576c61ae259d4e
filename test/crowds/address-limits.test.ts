/** What one address may do in a minute. Addresses are what Cloudflare tells; the counting is the platform's. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { unstable_readConfig } from "wrangler";
import { sharedLimits } from "../../core/limits.ts";
import type { Server } from "../../local/server.ts";
import { type Answer, lobbyOf, Player, post, refusedUpgrade, request } from "../../measure/kit/player.ts";
import { root } from "../../measure/kit/program.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { setLimits, spoilCounting, startFaultyServer, wrongCode } from "../../measure/kit/server.ts";
import { edgeLimits } from "../../worker/edge/limits.ts";
import { holderLimits } from "../../worker/sessions/limits.ts";

const proxy = "198.51.100.77";
let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({
    udpPort: null,
    vars: { clientAddress: "cloudflare", reverseProxies: `${proxy} 2001:db8:ffff::1` },
  });
});
afterAll(() => server.stop());

/** A code that is refused without asking any object. */
let wrong: string;
beforeAll(async () => {
  wrong = await wrongCode(server.url);
  // What all addresses together may guess is another test's.
  await setLimits(server.url, { failedJoinShares: 10_000 });
});

let addresses = 0;
/** Headers of an address in a /24 that nobody has used yet. */
function newAddress(): Record<string, string> {
  addresses += 1;
  return { "cf-connecting-ip": `203.${addresses}.113.7` };
}

/** Asks until it is refused; how often it was not. The platform counts by whole minutes, and one may end meanwhile. */
async function untilRefused(limit: number, ask: () => Promise<Answer>): Promise<number> {
  for (let asked = 0; asked <= 2 * limit; ) {
    const answers = await Promise.all(Array.from({ length: 50 }, ask));
    const taken = answers.filter(({ status }) => status !== 429).length;
    asked += taken;
    if (taken === answers.length) continue;
    for (const answer of answers.filter(({ status }) => status === 429)) expectTooMany(answer);
    return asked;
  }
  throw new Error("never refused");
}

function expectTooMany(answer: Answer): void {
  expectRefused(answer, 429, "too_many_requests");
  const seconds = Number(answer.headers.get("retry-after"));
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual(60);
}

const upgrade = async (headers: Record<string, string>): Promise<Answer> => {
  try {
    return await refusedUpgrade(server.url, "/", headers);
  } catch {
    return { status: 101, text: "", body: null, headers: new Headers() };
  }
};

type Rim = [what: string, limit: number, ask: (headers: Record<string, string>) => Promise<Answer>];
const rims: Rim[] = [
  [
    "that asks for the list",
    edgeLimits.addressListings,
    (headers) => request(server.url, "/lobbies?limit=1", { headers }),
  ],
  ["that wants to host", edgeLimits.addressRequests, (headers) => post(server.url, "/lobbies", {}, headers)],
  [
    "that wants to join",
    edgeLimits.addressRequests,
    (headers) => post(server.url, "/lobbies/00000/join", {}, headers),
  ],
  [
    "that wants to start",
    edgeLimits.addressRequests,
    (headers) => post(server.url, "/lobbies/00000/ptp/start", {}, headers),
  ],
  ["that connects", edgeLimits.addressConnects, upgrade],
];

describe.each(rims)("an address %s", (_, limit, ask) => {
  test("is refused for the rest of the minute, after what a hundred players need, and others are not", async () => {
    const headers = newAddress();
    expect(await untilRefused(limit, () => ask(headers))).toBeGreaterThanOrEqual(limit);
    expect((await ask(newAddress())).status).not.toBe(429);
    expect((await ask({})).status).not.toBe(429);
  }, 60_000);
});

test("of IPv6 all addresses of one /64 are one, and the next /64 is another", async () => {
  let host = 0;
  const ask = (prefix: string) => {
    host += 1;
    const headers = { "cf-connecting-ip": `${prefix}::${host.toString(16)}` };
    return post(server.url, "/lobbies", {}, headers);
  };
  await untilRefused(edgeLimits.addressRequests, () => ask("2001:db8:1:1"));
  expect((await ask("2001:db8:1:2")).status).toBe(400);
}, 60_000);

test("players behind the operator's own reverse proxy are counted each by its own address", async () => {
  const from = (player: string) => ({
    "cf-connecting-ip": proxy,
    "x-forwarded-for": `192.0.2.99, ${player}, ${proxy}`,
  });
  await untilRefused(edgeLimits.addressRequests, () => post(server.url, "/lobbies", {}, from("192.0.2.1")));
  expect((await post(server.url, "/lobbies", {}, from("192.0.2.2"))).status).toBe(400);
  // What a player claims of itself before is nothing: only what the proxy wrote counts.
  const lying = { "cf-connecting-ip": proxy, "x-forwarded-for": `192.0.2.3, 192.0.2.1` };
  expect((await post(server.url, "/lobbies", {}, lying)).status).toBe(429);
  // And of anybody else nothing is believed.
  const stranger = { ...newAddress(), "x-forwarded-for": "192.0.2.1" };
  expect((await post(server.url, "/lobbies", {}, stranger)).status).toBe(400);
}, 60_000);

test("an address that guesses codes is told of none any more, not even of those that are right", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true, maxMembers: 8 });
  const guessers = await Promise.all(Array.from({ length: 60 }, () => Player.connect(server.url)));
  const headers = newAddress();
  let turn = 0;
  const guess = (code: string, from = headers) => {
    turn += 1;
    const token = guessers[turn % guessers.length]?.token;
    return post(server.url, `/lobbies/${code}/join`, { token, peerName: `Guest ${turn}` }, from);
  };
  const tried = await untilRefused(edgeLimits.addressFailedJoins, () => guess(wrong));
  expect(tried).toBeGreaterThanOrEqual(edgeLimits.addressFailedJoins);
  expectTooMany(await guess(lobbyId));
  const onPath = await Player.connect(server.url, `/lobbies/${lobbyId}`, headers);
  expect(onPath.holder).not.toBe(host.holder);
  // Those who know the code, from elsewhere, get in.
  expect((await guess(lobbyId, newAddress())).status).toBe(200);
  expect((await Player.connect(server.url, `/lobbies/${lobbyId}`)).holder).toBe(host.holder);
}, 60_000);

test("a code on the path of an upgrade is a guess as well", async () => {
  const { lobbyId } = await lobbyOf(1, server.url, { maxMembers: 8 });
  const headers = newAddress();
  for (let tried = 0; tried <= 2 * edgeLimits.addressFailedJoins; tried += 50) {
    const connect = () => Player.connect(server.url, `/lobbies/${wrong}`, headers);
    const players = await Promise.all(Array.from({ length: 50 }, connect));
    await Promise.all(players.map((player) => player.leave()));
  }
  const guest = await Player.connect(server.url);
  expectTooMany(await joinFrom(headers, guest, lobbyId, "Guest"));
}, 60_000);

/** So many sockets from there, to guess with: each may try some codes itself. */
async function guessersAt(headers: Record<string, string>, size = 30): Promise<() => Promise<Answer>> {
  const guessers = await Promise.all(
    Array.from({ length: size }, () => Player.connect(server.url, "/", headers)),
  );
  let turn = 0;
  return () => {
    turn += 1;
    const token = guessers[turn % size]?.token;
    return post(server.url, `/lobbies/${wrong}/join`, { token, peerName: "Guesser" }, headers);
  };
}

const joinFrom = (headers: Record<string, string>, { token }: Player, lobbyId: string, peerName: string) =>
  post(server.url, `/lobbies/${lobbyId}/join`, { token, peerName }, headers);

test("a player who was connected before a neighbour guessed gets in, and so does one who mistypes", async () => {
  const headers = newAddress();
  const { lobbyId } = await lobbyOf(1, server.url, { maxMembers: 8 });
  const neighbours = await Promise.all([0, 1, 2].map(() => Player.connect(server.url, "/", headers)));
  const [ada, bo, host] = neighbours as [Player, Player, Player];
  const { body } = await host.host();
  const guess = await guessersAt(headers);
  await untilRefused(edgeLimits.addressFailedJoins, guess);
  expect((await joinFrom(headers, ada, lobbyId, "Ada")).status).toBe(200);
  for (let mistyped = 0; mistyped < holderLimits.neighbourFailedJoins; mistyped++)
    expect((await joinFrom(headers, bo, wrong, "Bo")).status).toBe(429);
  expect((await joinFrom(headers, bo, lobbyId, "Bo")).status).toBe(200);
  // What he does in his own lobby is no guess.
  const start = await post(server.url, `/lobbies/${body?.lobbyId}/ptp/start`, { token: host.token }, headers);
  expectRefused(start, 409, "too_few_members");
}, 60_000);

test("a socket that was opened after the guesses began is told nothing, nor is an old one that guesses", async () => {
  const headers = newAddress();
  const { lobbyId } = await lobbyOf(1, server.url, { maxMembers: 8 });
  const old = await Player.connect(server.url, "/", headers);
  await untilRefused(edgeLimits.addressFailedJoins, await guessersAt(headers));
  expectTooMany(await joinFrom(headers, await Player.connect(server.url, "/", headers), lobbyId, "New"));
  for (let guessed = 0; guessed <= holderLimits.neighbourFailedJoins; guessed++)
    expectTooMany(await joinFrom(headers, old, wrong, "Old"));
  expectTooMany(await joinFrom(headers, old, lobbyId, "Old"));
}, 60_000);

const { sharesOf24, sharesOf56, sharesOf48 } = sharedLimits;
const before = { sharesOf24, sharesOf56, sharesOf48, quietShare: edgeLimits.quietShare };

describe.each([
  ["IPv6 /48", (i: number) => `2001:db8:77:${(i % 256).toString(16)}00::1`],
  ["IPv6 /56", (i: number) => `2001:db8:78:${(i % 256).toString(16)}::1`],
  ["IPv4 /24", (i: number) => `198.18.7.${i % 256}`],
])("somebody who has all of an %s", (_, addressOf) => {
  // Few shares, so that the platform's minute hardly ends meanwhile. None of the addresses counts as busy.
  const shares = 2;
  beforeAll(() =>
    setLimits(server.url, { sharesOf24: shares, sharesOf56: shares, sharesOf48: shares, quietShare: 1 }),
  );
  afterAll(() => setLimits(server.url, before));
  test("guesses as often as some addresses may, and is then told nothing there", async () => {
    const { lobbyId } = await lobbyOf(1, server.url, { maxMembers: 8 });
    const sockets = await Player.crowd(100, server.url);
    let turn = 0;
    const from = (headers: Record<string, string>, code: string) => {
      turn += 1;
      const token = sockets[turn % sockets.length]?.token;
      return post(server.url, `/lobbies/${code}/join`, { token, peerName: `Guest ${turn}` }, headers);
    };
    const guess = () => from({ "cf-connecting-ip": addressOf(turn) }, wrong);
    const limit = shares * edgeLimits.addressFailedJoins;
    // Each of the counters has a share, and they fill up about together.
    expect(await untilRefused(2 * limit, guess)).toBeGreaterThanOrEqual(0.75 * limit);
    expectTooMany(await from({ "cf-connecting-ip": addressOf(turn + 1) }, lobbyId));
    expect((await from(newAddress(), lobbyId)).status).toBe(200);
  }, 120_000);
});

describe.each(["missing", "broken", "silent"] as const)("where the platform's counting is %s", (how) => {
  test("nobody is refused", async () => {
    for (const binding of ["CONNECTS", "REQUESTS", "FAILED_JOINS", "LISTINGS"]) {
      await spoilCounting(server.url, binding, how);
    }
    const headers = newAddress();
    const player = await Player.connect(server.url, "/lobbies/00000", headers);
    const as = (path: string, body: object) =>
      post(server.url, path, { token: player.token, ...body }, headers);
    expectRefused(await as("/lobbies/00000/join", { peerName: "Me" }), 409, "no_such_lobby");
    const hosting = { hostName: "Host", lobbyName: "Lobby", isPublic: false, maxMembers: 4 };
    expect((await as("/lobbies", hosting)).status).toBe(201);
    expect((await request(server.url, "/lobbies", { headers })).status).toBe(200);
  });
});

test("a deployment counts as the limits say", () => {
  type Binding = { name: string; namespace_id: string; simple: { limit: number; period: number } };
  const { ratelimits }: { ratelimits: Binding[] } = unstable_readConfig({
    config: join(root, "wrangler.toml"),
  });
  const period = edgeLimits.addressPeriodS;
  expect(ratelimits.map(({ name, simple }) => ({ name, simple }))).toEqual([
    { name: "CONNECTS", simple: { limit: edgeLimits.addressConnects, period } },
    { name: "REQUESTS", simple: { limit: edgeLimits.addressRequests, period } },
    { name: "FAILED_JOINS", simple: { limit: edgeLimits.addressFailedJoins, period } },
    { name: "LISTINGS", simple: { limit: edgeLimits.addressListings, period } },
    { name: "HEARTBEATS", simple: { limit: edgeLimits.sidecarHeartbeats, period } },
    { name: "OBSERVATIONS", simple: { limit: edgeLimits.sidecarObservations, period } },
    {
      name: "GATEWAY_CONNECTS",
      simple: { limit: edgeLimits.gatewayConnects, period: edgeLimits.gatewayPeriodS },
    },
    {
      name: "GATEWAY_REQUESTS",
      simple: { limit: edgeLimits.gatewayRequests, period: edgeLimits.gatewayPeriodS },
    },
    { name: "OPERATOR_TRIES", simple: { limit: edgeLimits.operatorTries, period } },
  ]);
  expect(new Set(ratelimits.map(({ namespace_id }) => namespace_id)).size).toBe(ratelimits.length);
});
