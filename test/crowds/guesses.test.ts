/** A crowd of addresses that guesses codes: more of them than a deployment takes in a minute. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { sharedLimits } from "../../core/limits.ts";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, post } from "../../measure/kit/player.ts";
import { later, setLimits, startFaultyServer, wrongCode } from "../../measure/kit/server.ts";
import { edgeLimits } from "../../worker/edge/limits.ts";

// A siege takes hundreds of players, on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000 });

let server: Server;
let wrong: string;
beforeAll(async () => {
  server = await startFaultyServer({ udpPort: null, vars: { clientAddress: "cloudflare" } });
  await setLimits(server.url, { failedJoinShares: 1 });
  wrong = await wrongCode(server.url);
});
afterAll(() => server.stop());

/** Each in a /24 of its own. */
const headersOf = (i: number): Record<string, string> => ({
  "cf-connecting-ip": `203.${i >> 8}.${i & 255}.1`,
});
let names = 0;

async function join(i: number, code: string): Promise<number> {
  return await joinFrom(headersOf(i), code);
}

async function joinFrom(headers: Record<string, string>, code: string): Promise<number> {
  names += 1;
  const { token } = await Player.connect(server.url, "/", headers);
  const body = { token, peerName: `Guest ${names}` };
  return (await post(server.url, `/lobbies/${code}/join`, body, headers)).status;
}

/** Tries more codes than the deployment takes in a minute, each from another address. */
async function besiege(addresses: number): Promise<void> {
  for (let i = 0; i < addresses; i += 20)
    await Promise.all(Array.from({ length: 20 }, (_, at) => join(i + at, wrong)));
}

test("besieged, a deployment gives each address a few codes; who knows a code gets in", async () => {
  const { lobbyId } = await lobbyOf(1, server.url, { maxMembers: 16 });
  // One guess from each address. Twice as many as may be, because the platform counts by whole minutes and one may end.
  await besiege(2 * edgeLimits.addressFailedJoins + 20);
  const before: number[] = [];
  for (let tried = 0; tried <= edgeLimits.besiegedFailedJoins; tried++) before.push(await join(9_999, wrong));
  // The last one is too many, and after it no code is told from there.
  expect(before).toEqual([...Array(edgeLimits.besiegedFailedJoins).fill(409), 429]);
  expect(await join(9_999, lobbyId)).toBe(429);
  // A player who has tried none, or mistyped once, from elsewhere.
  expect(await join(5_000, lobbyId)).toBe(200);
  expect(await join(1, lobbyId)).toBe(200);
});

test.each([
  ["IPv6 /48", (i: number) => `2001:db8:99:${i.toString(16)}00::1`, sharedLimits.sharesOf48],
  ["IPv4 /24", (i: number) => `198.18.7.${i}`, sharedLimits.sharesOf24],
])("besieged, all of an %s has no more codes than its shares", async (_, address, shares) => {
  const most = edgeLimits.besiegedFailedJoins * shares;
  const answers: number[] = [];
  for (let i = 1; i <= 3 * most; i++) answers.push(await joinFrom({ "cf-connecting-ip": address(i) }, wrong));
  const told = answers.filter((status) => status === 409).length;
  expect(told).toBeGreaterThanOrEqual(most);
  // What it earns again while the test runs is one more at most in twenty seconds for each share.
  expect(told).toBeLessThan(2 * most);
});

test("besieged, players behind one address who mistype one after another, less than three in a minute, are told", async () => {
  const nat = { "cf-connecting-ip": "198.51.100.77" };
  for (let mistyped = 0; mistyped < 6; mistyped++) {
    expect(await joinFrom(nat, wrong)).toBe(409);
    await later(server.url, 50_000);
    // The siege goes on.
    await besiege(220);
  }
}, 240_000);

test.each([
  ["IPv4 /24", (i: number) => `198.18.9.${i}`],
  ["IPv6 /48", (i: number) => `2001:db8:9a:${i}00::1`],
])("besieged, one address that guesses keeps no neighbour in its %s from being told", async (_, address) => {
  const { lobbyId } = await lobbyOf(1, server.url, { maxMembers: 16 });
  const at = (i: number): Record<string, string> => ({ "cf-connecting-ip": address(i) });
  // Sockets that were open before the guesses have some tries each.
  const old = await Promise.all(Array.from({ length: 40 }, () => Player.connect(server.url, "/", at(1))));
  await besiege(2 * edgeLimits.addressFailedJoins + 20);
  for (const { token } of [...old, ...old])
    await post(server.url, `/lobbies/${wrong}/join`, { token, peerName: "Guesser" }, at(1));
  expect(await joinFrom(at(1), lobbyId)).toBe(429);
  expect(await joinFrom(at(2), wrong)).toBe(409);
  expect(await joinFrom(at(3), lobbyId)).toBe(200);
});

test("a minute after the crowd has stopped, an address may try as many codes as ever", async () => {
  await besiege(2 * edgeLimits.addressFailedJoins + 20);
  // The platform's counters do not follow the test's clock, so they begin again under other names.
  await setLimits(server.url, { failedJoinShares: 1_000 });
  await later(server.url, edgeLimits.addressPeriodS * 1000 + 1);
  const answers: number[] = [];
  for (let tried = 0; tried < 3 * edgeLimits.besiegedFailedJoins; tried++)
    answers.push(await join(8_888, wrong));
  expect(new Set(answers)).toEqual(new Set([409]));
});
