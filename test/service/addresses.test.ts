/** Whose address a request has under `npm start`: what the server's socket says, or a proxy that the operator has named. */
import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, post, request } from "../../measure/kit/player.ts";
import { startFaultyServer } from "../../measure/kit/server.ts";
import { edgeLimits } from "../../worker/edge/limits.ts";

/** An address of this machine by which it calls itself as another machine would; none without a network. */
const outside = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .filter(({ internal, address }) => !internal && !address.startsWith("fe80"))
  .map(({ address }) => address);

const victim = "203.0.113.7";
const claims = {
  "cf-connecting-ip": victim,
  "x-forwarded-for": victim,
  "x-real-ip": victim,
  forwarded: `for=${victim}`,
  "true-client-ip": victim,
  "mf-cf-blob": JSON.stringify({ clientIp: `${victim}:443`, latitude: "0", longitude: "0" }),
  "orion-client-address": victim,
};

let server: Server;
let behindProxy: Server;
beforeAll(async () => {
  [server, behindProxy] = await Promise.all([
    startFaultyServer({ udpPort: null, host: "::" }),
    startFaultyServer({ udpPort: null, host: "::", vars: { reverseProxies: "127.0.0.1 ::1" } }),
  ]);
});
afterAll(() => Promise.all([server.stop(), behindProxy.stop()]));

function at({ url }: Server, host: string): URL {
  const other = new URL(url);
  other.hostname = host.includes(":") ? `[${host}]` : host;
  return other;
}

const addressAt = async (url: URL, headers: Record<string, string> = {}) =>
  (await request(url, "/test/address", { headers })).text;

test.skipIf(outside.length === 0)("the server's own socket says where a client is", async () => {
  for (const address of outside) expect(await addressAt(at(server, address))).toBe(address);
});

test.skipIf(outside.length === 0).each(Object.entries(claims))(
  "what a client claims of itself is not believed: %s",
  async (name, value) => {
    const [address = ""] = outside;
    expect(await addressAt(at(server, address), { [name]: value })).toBe(address);
    expect(await addressAt(at(behindProxy, address), { [name]: value })).toBe(address);
  },
);

test("a connection from this machine is nobody's: it may be a tunnel's", async () => {
  for (const host of ["127.0.0.1", "::1"]) expect(await addressAt(at(server, host), claims)).toBe("unknown");
});

test.each([
  ["the last one", `198.51.100.9, ${victim}`, victim],
  ["in one form, however it writes it", "2001:DB8:0:0::7", "2001:db8::7"],
  ["IPv4 as IPv4", `::ffff:${victim}`, victim],
  ["the last one before other proxies", `${victim}, ::1, 127.0.0.1`, victim],
  ["nothing that is no address", `${victim}, unknown`, "unknown"],
  ["nothing it does not say", "", "unknown"],
])("a proxy that the operator has named is believed: %s", async (_, said, address) => {
  for (const host of ["127.0.0.1", "::1"])
    expect(await addressAt(at(behindProxy, host), { ...claims, "x-forwarded-for": said })).toBe(address);
});

test("guesses under somebody else's address keep nobody out", async () => {
  const { lobbyId } = await lobbyOf(1, server.url, { maxMembers: 8 });
  const headers = { "cf-connecting-ip": victim };
  const guessers = await Player.crowd(30, server.url);
  for (let i = 0; i < 2.5 * edgeLimits.addressFailedJoins; i++) {
    const token = guessers[i % guessers.length]?.token;
    await post(server.url, `/lobbies/0000${i % 10}/join`, { token, peerName: "Guesser" }, headers);
  }
  const { token } = await Player.connect(server.url, "/", headers);
  const answer = await post(server.url, `/lobbies/${lobbyId}/join`, { token, peerName: "Ada" }, headers);
  expect(answer.status).toBe(200);
});
