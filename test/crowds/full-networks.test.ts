/** A wider network that neighbours have used up: an address in it that does little goes on. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, post, refusedUpgrade, request } from "../../measure/kit/player.ts";
import { setLimits, spoilCounting, startFaultyServer, wrongCode } from "../../measure/kit/server.ts";
import { edgeLimits } from "../../worker/edge/limits.ts";

/** What one address may do, as the test's own counting has it. */
const perAddress = 60;
/** Of each wider network, so that one neighbour uses it up. */
const shares = 1;
const quiet = perAddress * edgeLimits.quietShare;

let server: Server;
let wrong: string;
let right: string;
beforeAll(async () => {
  server = await startFaultyServer({ udpPort: null, vars: { clientAddress: "cloudflare" } });
  await setLimits(server.url, {
    addressConnects: perAddress,
    addressRequests: perAddress,
    addressFailedJoins: perAddress,
    addressListings: perAddress,
    failedJoinShares: 10_000,
    sharesOf24: shares,
    sharesOf56: shares,
    sharesOf48: shares,
  });
  wrong = await wrongCode(server.url);
  right = (await lobbyOf(1, server.url, { maxMembers: 64 })).lobbyId;
});
beforeEach(async () => {
  for (const binding of ["CONNECTS", "REQUESTS", "FAILED_JOINS", "LISTINGS"])
    await spoilCounting(server.url, binding, "exact");
});
afterAll(() => server.stop());

type Headers = Record<string, string>;

async function upgrade(headers: Headers): Promise<number> {
  return await refusedUpgrade(server.url, "/", headers).then(
    ({ status }) => status,
    () => 101,
  );
}

let names = 0;
async function join(headers: Headers, code: string): Promise<number> {
  names += 1;
  // From an address that nobody knows: what it opens is not counted.
  const { token } = await Player.connect(server.url);
  const body = { token, peerName: `Guest ${names}` };
  return (await post(server.url, `/lobbies/${code}/join`, body, headers)).status;
}

const acts: [string, (headers: Headers) => Promise<number>][] = [
  ["connects", upgrade],
  ["lists lobbies", async (headers) => (await request(server.url, "/lobbies", { headers })).status],
  ["asks without a token", async (headers) => (await post(server.url, "/lobbies", {}, headers)).status],
  ["mistypes a code", (headers) => join(headers, wrong)],
];

let networks = 0;
/** Addresses of a wider network that no test has used yet, and the shares of those beyond it. */
function newNetworks(): [string, (i: number) => Headers, sharesOf32: number][] {
  networks += 1;
  const n = networks;
  const of = (text: string): Headers => ({ "cf-connecting-ip": text });
  return [
    ["IPv4 /24", (i) => of(`198.18.${n}.${i}`), shares],
    ["IPv6 /48", (i) => of(`2001:a${n}:1:${i.toString(16)}00::1`), 1_000],
    ["IPv6 /32", (i) => of(`2001:b${n}:${i.toString(16)}::1`), shares],
  ];
}

/** One address does as much as it may. */
async function useUp(at: (i: number) => Headers, act: (headers: Headers) => Promise<number>): Promise<void> {
  for (let n = 0; n < perAddress; n += 20) await Promise.all(Array.from({ length: 20 }, () => act(at(1))));
}

describe.each(acts)("in a network that is full, an address that seldom %s", (_, act) => {
  test.each(newNetworks())("goes on, and one that does it often does not: %s", async (_, at, sharesOf32) => {
    await setLimits(server.url, { sharesOf32 });
    await useUp(at, act);
    expect(await act(at(1))).toBe(429);
    for (let n = 0; n < quiet; n++) expect(await act(at(100))).not.toBe(429);
    expect(await act(at(100))).toBe(429);
    expect(await act(at(101))).not.toBe(429);
  });

  test.each(newNetworks())("is refused in the end, if dozens are such: %s", async (_, at, sharesOf32) => {
    await setLimits(server.url, { sharesOf32 });
    await useUp(at, act);
    const statuses: number[] = [];
    for (let n = 0; n < 2 * perAddress; n++) statuses.push(await act(at(100 + n)));
    const taken = statuses.filter((status) => status !== 429).length;
    expect(taken).toBe(perAddress);
    expect(await act(at(99))).toBe(429);
  });
});

test.each(newNetworks())(
  "neighbours who guess keep no newcomer from joining: %s",
  async (_, at, sharesOf32) => {
    await setLimits(server.url, { sharesOf32 });
    await useUp(at, (headers) => join(headers, wrong));
    expect(await join(at(1), wrong)).toBe(429);
    expect(await join(at(1), right)).toBe(429);
    expect(await join(at(100), right)).toBe(200);
    expect(await join(at(101), wrong)).toBe(409);
    expect(await join(at(101), right)).toBe(200);
  },
);
