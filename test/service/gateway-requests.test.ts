/** The header of a gateway's requests: forged, replayed, old, and what it makes count for whom. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { budgetRate, prices } from "../../core/bill.ts";
import { sharedLimits } from "../../core/limits.ts";
import { closures } from "../../core/problem.ts";
import type { Server } from "../../local/server.ts";
import { type Answer, Player, post, refusedUpgrade, request } from "../../measure/kit/player.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { asGateway, postAsSidecar, secret, signatureOf } from "../../measure/kit/secret.ts";
import {
  freeCode,
  lobbiesMade,
  setLimits,
  spoilCounting,
  startFaultyServer,
  startLoggedServer,
  startTestServer,
} from "../../measure/kit/server.ts";
import { edgeLimits } from "../../worker/edge/limits.ts";

/** So many of each key are within what the tests' counting lets pass. */
const limit = 60;
const [minute, tenSeconds] = ["60", "10"];

let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({
    udpPort: null,
    secret,
    vars: { clientAddress: "cloudflare", sidecarKeys: "renewed=2" },
  });
});
afterAll(() => server.stop());

/** The address of the sidecar's machine, which Cloudflare says. */
const machine = { "cf-connecting-ip": "203.0.113.200" };
type Gateway = ReturnType<typeof asGateway>;
const fromMachine =
  (gateway: Gateway): Gateway =>
  (method, path) => ({ ...machine, ...gateway(method, path) });

const join = "/lobbies/rabid:Attacked/join";
const minutes = 60_000;

/** A header for another request than the one it comes with, or of somebody who may not make one. */
const wrong: [why: string, header: () => Record<string, string>][] = [
  ["of another secret", () => asGateway({ under: "another secret, of 32 characters" })("POST", join)],
  ["of a revoked key", () => asGateway({ sidecar: "renewed", number: 1 })("POST", join)],
  ["of a key to come", () => asGateway({ number: 2 })("POST", join)],
  ["for another path", () => asGateway()("POST", "/lobbies/rabid:Other/join")],
  ["for the same path with a query", () => asGateway()("POST", `${join}?a=b`)],
  ["for another method", () => asGateway()("GET", join)],
  ["from before", () => asGateway({ at: Date.now() - sharedLimits.postClockMs - minutes })("POST", join)],
  ["for later", () => asGateway({ at: Date.now() + sharedLimits.postClockMs + minutes })("POST", join)],
  ["of no time", () => asGateway({ at: Number.NaN })("POST", join)],
  ["for no address", () => asGateway({ address: "localhost" })("POST", join)],
  ["of groovejet, which has no gateway", () => asGateway({ dialect: "groovejet" })("POST", join)],
  ["of no dialect", () => asGateway({ dialect: "orion" })("POST", join)],
  ["with another address written in", () => altered(asGateway()("POST", join), 2, "192.0.2.77")],
  ["with another dialect written in", () => altered(asGateway()("POST", join), 1, "noray")],
  ["with another name written in", () => altered(asGateway()("POST", join), 0, "other")],
  ["with another time written in", () => altered(asGateway()("POST", join), 3, String(Date.now() + 7))],
  ["signed like a post", () => altered(asGateway()("POST", join), 4, signatureOf(join, "{}"))],
  ["that is empty", () => ({ "orion-gateway": "" })],
  ["that is there twice", () => ({ "orion-gateway": twice(asGateway()("POST", join)) })],
];
const textOf = (headers: Record<string, string>) => headers["orion-gateway"] ?? "";
const twice = (headers: Record<string, string>) => `${textOf(headers)}, ${textOf(headers)}`;
function altered(headers: Record<string, string>, part: number, by: string): Record<string, string> {
  return { "orion-gateway": textOf(headers).split(" ").with(part, by).join(" ") };
}

describe("a header", () => {
  test.each(wrong)("%s is refused, and no object is made", async (_, header) => {
    const { token } = await Player.connect(server.url, "/", asGateway());
    const before = await lobbiesMade(server.url);
    const headers = { ...machine, ...header() };
    expectRefused(
      await post(server.url, join, { token, peerName: "Guest" }, headers),
      401,
      "invalid_gateway",
    );
    // Without the header it would be a request like any other.
    expectRefused(await post(server.url, "/lobbies", { token }, headers), 401, "invalid_gateway");
    expectRefused(await request(server.url, "/lobbies", { headers }), 401, "invalid_gateway");
    expectRefused(await refusedUpgrade(server.url, "/", headers), 401, "invalid_gateway");
    expect(await lobbiesMade(server.url)).toBe(before);
  });

  test("is good for the whole time by which a sidecar's clock may be wrong, and for a later key once it is told", async () => {
    const body = { token: "none", peerName: "Guest" };
    for (const at of [
      Date.now() - sharedLimits.postClockMs + minutes,
      Date.now() + sharedLimits.postClockMs - minutes,
    ])
      expectRefused(
        await post(server.url, join, body, asGateway({ at })("POST", join)),
        400,
        "invalid_token",
      );
    const renewed = asGateway({ sidecar: "renewed", number: 2 });
    expectRefused(await post(server.url, join, body, renewed("POST", join)), 400, "invalid_token");
  });

  test("of a path with several slashes is that of the path the server takes it for", async () => {
    const slashes = join.replace("/rabid", "//rabid");
    const ask = (signed: string) =>
      post(server.url, slashes, { token: "none", peerName: "Guest" }, asGateway()("POST", signed));
    expectRefused(await ask(join), 400, "invalid_token");
    expectRefused(await ask(slashes), 401, "invalid_gateway");
  });

  test("of a path is not one of the path with a query", async () => {
    const ask = (signed: string) =>
      post(server.url, `${join}?a=b`, { token: "none", peerName: "Guest" }, asGateway()("POST", signed));
    expectRefused(await ask(`${join}?a=b`), 400, "invalid_token");
    expectRefused(await ask(join), 401, "invalid_gateway");
  });

  test("says whose request it is; a player on the sidecar's own machine has no address", async () => {
    const addressFor = async (address: string) => {
      const headers = fromMachine(asGateway({ address }))("GET", "/test/address");
      return (await request(server.url, "/test/address", { headers })).text;
    };
    expect(await addressFor("192.0.2.9")).toBe("192.0.2.9");
    expect(await addressFor("2001:DB8::9")).toBe("2001:db8::9");
    expect(await addressFor("::ffff:192.0.2.9")).toBe("192.0.2.9");
    for (const address of ["127.0.0.1", "::1"]) expect(await addressFor(address)).toBe("unknown");
  });

  test("does not move a sidecar: its heartbeat is from where it comes from", async () => {
    const path = "/sidecar/heartbeat";
    const beat = { name: "mover", at: Date.now(), host: "192.0.2.66", port: 5990, load: 0 };
    const headers = fromMachine(asGateway({ sidecar: "mover", address: "192.0.2.66" }))("POST", path);
    const { status, body } = await postAsSidecar(server.url, path, beat, { headers });
    expect({ status, body }).toMatchObject({ status: 403, body: { codes: ["host_not_listed"] } });
  });
});

describe("what a gateway's player does counts for the player's address", () => {
  let counted: Server;
  beforeAll(async () => {
    counted = await startFaultyServer({ udpPort: null, secret, vars: { clientAddress: "cloudflare" } });
    for (const binding of ["CONNECTS", "REQUESTS", "LISTINGS"])
      await spoilCounting(counted.url, binding, "exact");
  });
  afterAll(() => counted.stop());

  const upgrade = (gateway: Gateway) => refusedUpgrade(counted.url, "/", fromMachine(gateway)("GET", "/"));
  const open = async (gateway: Gateway) => {
    const player = await Player.connect(counted.url, "/", fromMachine(gateway));
    await player.leave();
  };

  test("WebSockets: one who opens too many is refused, and nobody else behind the gateway", async () => {
    const busy = asGateway({ address: "198.51.100.1" });
    for (let i = 0; i < limit; i++) await open(busy);
    const refusal = await upgrade(busy);
    expectRefused(refusal, 429, "too_many_requests");
    expect(refusal.headers.get("retry-after")).toBe(minute);
    await open(asGateway({ address: "198.51.77.2" }));
    // Nor are those who come directly, from the gateway's own machine.
    await (await Player.connect(counted.url, "/", machine)).leave();
    // Nor is the address itself, nor at another sidecar: a thief of the key names any.
    await (await Player.connect(counted.url, "/", { "cf-connecting-ip": "198.51.100.1" })).leave();
    await open(asGateway({ sidecar: "other", address: "198.51.100.1" }));
  });

  test("an IPv6 address counts as its /64", async () => {
    for (let i = 0; i < limit; i++) await open(asGateway({ address: `2001:db8:7:7::${i.toString(16)}` }));
    expectRefused(await upgrade(asGateway({ address: "2001:db8:7:7:ffff::1" })), 429, "too_many_requests");
    await open(asGateway({ address: "2001:db8:8:8::1" }));
  });

  test("requests: one who asks too often is refused, and nobody else behind the gateway", async () => {
    const path = "/lobbies/rabid:Busy/join";
    const ask = (gateway: Gateway, token = "none") =>
      post(counted.url, path, { token, peerName: "Guest" }, fromMachine(gateway)("POST", path));
    const busy = asGateway({ address: "198.51.101.1" });
    for (let i = 0; i < limit; i++) expectRefused(await ask(busy), 400, "invalid_token");
    expectRefused(await ask(busy), 429, "too_many_requests");
    expectRefused(await ask(asGateway({ address: "198.51.78.2" })), 400, "invalid_token");
  });

  test("WebSockets at a time: in one lounge a player's address has its own part", async () => {
    const small = await startFaultyServer({
      udpPort: null,
      secret,
      vars: { clientAddress: "cloudflare", clientsPerLounge: 256, socketsPerAddress: 3 },
    });
    const address = "198.51.100.9";
    const held: Player[] = [];
    for (let i = 0; i < 6; i++) held.push(await Player.connect(small.url, "/", asGateway({ address })));
    expectRefused(
      await refusedUpgrade(small.url, "/", asGateway({ address })("GET", "/")),
      429,
      "too_many_requests",
    );
    await Player.connect(small.url, "/", asGateway({ address: "198.51.100.10" }));
    await small.stop();
  });
});

test("with npm start, sockets at a time count for the player's address, and a header that is not genuine is refused", async () => {
  const local = await startTestServer({ udpPort: null, secret, vars: { socketsPerAddress: 2 } });
  const at = (address: string) => asGateway({ address });
  const [busy, other] = ["198.51.100.9", "198.51.100.10"];
  for (let i = 0; i < 2; i++) await Player.connect(local.url, "/", at(busy));
  expectRefused(await refusedUpgrade(local.url, "/", at(busy)("GET", "/")), 429, "too_many_requests");
  await Player.connect(local.url, "/", at(other));
  const forged = asGateway({ address: other, number: 7 })("GET", "/");
  expectRefused(await refusedUpgrade(local.url, "/", forged), 401, "invalid_gateway");
  await local.stop();
});

describe("what gateways do is bounded for each sidecar, whatever addresses they name", () => {
  let bounded: Server;
  beforeAll(async () => {
    bounded = await startFaultyServer({ udpPort: null, secret, vars: { clientAddress: "cloudflare" } });
    for (const binding of ["GATEWAY_CONNECTS", "GATEWAY_REQUESTS"])
      await spoilCounting(bounded.url, binding, "exact");
  });
  afterAll(() => bounded.stop());

  const address = (i: number) => `10.${i >> 8}.${i & 255}.1`;

  test("requests, and nobody without its key uses them up", async () => {
    const path = "/lobbies/rabid:Bounded/join";
    const ask = (i: number, about: Parameters<typeof asGateway>[0] = {}) =>
      post(
        bounded.url,
        path,
        { token: "none", peerName: "Guest" },
        asGateway({ address: address(i), ...about })("POST", path),
      );
    for (let i = 0; i < 2 * limit; i++) expectRefused(await ask(i, { number: 7 }), 401, "invalid_gateway");
    for (let i = 0; i < limit; i++) expectRefused(await ask(i), 400, "invalid_token");
    const refusal = await ask(limit);
    expectRefused(refusal, 429, "gateway_busy");
    expect(refusal.headers.get("retry-after")).toBe(tenSeconds);
    expectRefused(await ask(limit, { sidecar: "another" }), 400, "invalid_token");
    // WebSockets count apart.
    await Player.connect(bounded.url, "/", asGateway({ address: address(limit) }));
  });

  test("WebSockets", async () => {
    const connect = async (i: number, sidecar: string) => {
      const player = await Player.connect(bounded.url, "/", asGateway({ sidecar, address: address(i) }));
      await player.leave();
    };
    for (let i = 0; i < limit; i++) await connect(i, "small");
    const headers = asGateway({ sidecar: "small", address: address(limit) })("GET", "/");
    const refusal = await refusedUpgrade(bounded.url, "/", headers);
    expectRefused(refusal, 429, "gateway_busy");
    expect(refusal.headers.get("retry-after")).toBe(tenSeconds);
    await connect(limit, "large");
  });

  test("where the platform's counting fails, nobody is refused", async () => {
    for (const how of ["missing", "broken", "silent"] as const) {
      for (const binding of ["GATEWAY_CONNECTS", "GATEWAY_REQUESTS"])
        await spoilCounting(bounded.url, binding, how);
      const player = await Player.connect(bounded.url, "/", asGateway({ sidecar: "unlucky" }));
      expectRefused(await player.join("rabid:Nobody", "Guest"), 409, "no_such_lobby");
    }
  });
});

describe("what gateways cost is bounded for each sidecar in a day, whatever addresses they name", () => {
  const cents = 1;
  let dear: Server & { readonly logged: readonly string[] };
  beforeAll(async () => {
    dear = await startLoggedServer({
      udpPort: null,
      secret,
      vars: { clientAddress: "cloudflare", networkCentsPerDay: cents, sidecarKeys: "renewed=2" },
    });
    const limits = { toldMicros: 0, purseMicros: 2, purseOverdraft: 1, budgetPatienceMs: 60_000 };
    await setLimits(dear.url, { ...limits, sharesOfGateways: 1 });
  });
  afterAll(() => dear.stop());

  /** Connects from ever new addresses until somebody is refused. */
  async function spendAll(about: { sidecar: string; number?: number }): Promise<Answer> {
    const most = (2 * budgetRate(cents).burst) / prices.connect;
    for (let i = 0; i < most; i += 40) {
      const connect = (at: number) => {
        const address = `10.${(i + at) >> 8}.${(i + at) & 255}.1`;
        const headers = asGateway({ ...about, address })("GET", "/");
        // What is not refused opens, and is closed again.
        return refusedUpgrade(dear.url, "/", headers).catch(() => null);
      };
      const answers = await Promise.all(Array.from({ length: 40 }, (_, at) => connect(at)));
      const refusal = answers.find((answer) => answer !== null);
      if (refusal) return refusal;
    }
    throw new Error("never refused");
  }

  test("then all its gateways wait, and nobody else does", async () => {
    const refusal = await spendAll({ sidecar: "spender" });
    expectRefused(refusal, 429, "gateway_busy");
    expect(Number(refusal.headers.get("retry-after"))).toBeGreaterThan(60);
    const asked = asGateway({ sidecar: "spender", address: "203.0.113.9", dialect: "noray" });
    const body = { token: "none", peerName: "Guest" };
    const path = "/lobbies/noray:Spent/join";
    expectRefused(await post(dear.url, path, body, asked("POST", path)), 429, "gateway_busy");
    await Player.connect(dear.url, "/", asGateway({ sidecar: "thrifty", address: "203.0.113.9" }));
    await Player.connect(dear.url, "/", { "cf-connecting-ip": "203.0.113.9" });
    const lines = dear.logged.filter((line) => line.includes('"event":"network_over_budget"'));
    expect(lines.map((line) => JSON.parse(line).from)).toContain("gateways of spender 1");
  });

  test("a session that goes on is thrown out, also of a player whom no network pays for", async () => {
    const local = asGateway({ sidecar: "renewed", number: 2, address: "127.0.0.1" });
    const player = await Player.connect(dear.url, "/", local);
    await spendAll({ sidecar: "renewed", number: 2 });
    for (let i = 0; i < 180; i++) player.socket.send("junk");
    expect(await player.closed).toMatchObject({
      code: closures.over_budget[0],
      reason: closures.over_budget[1],
    });
  });
});

describe("a thief of a sidecar's key who guesses names from ever new addresses", () => {
  let guessed: Server;
  let guesses = 0;
  beforeAll(async () => {
    guessed = await startFaultyServer({ udpPort: null, secret, vars: { clientAddress: "cloudflare" } });
  });
  afterAll(() => guessed.stop());

  async function guess(dialect = "rabid"): Promise<number> {
    guesses += 1;
    const address = `203.${guesses >> 8}.${guesses & 255}.1`;
    const player = await Player.connect(guessed.url, "/", asGateway({ dialect, address }));
    const { status } = await player.join(`${dialect}:Guess${guesses % 10_000}`, "Guesser");
    await player.leave();
    return status;
  }

  test("is told about few of them, and leaves the questions of Orion's players and of other dialects alone", async () => {
    await setLimits(guessed.url, { unknownCodesPerSecond: 0.01 });
    const answers: number[] = [];
    for (let i = 0; i < edgeLimits.unknownCodeBurst + 5; i++) answers.push(await guess());
    expect(answers.filter((status) => status === 409)).toHaveLength(edgeLimits.unknownCodeBurst);
    expect(answers.slice(-5)).toEqual([429, 429, 429, 429, 429]);
    expect(await guess("noray")).toBe(409);
    const plain = await Player.connect(guessed.url, "/", { "cf-connecting-ip": "198.51.97.1" });
    const before = await lobbiesMade(guessed.url);
    expectRefused(await plain.join(await freeCode(guessed.url), "Guest"), 409, "no_such_lobby");
    expect(await lobbiesMade(guessed.url)).toBe(before + 1);
  });

  test("puts no player of Orion's under siege", async () => {
    await setLimits(guessed.url, { unknownCodesPerSecond: 1_000_000, failedJoinShares: 1 });
    await spoilCounting(guessed.url, "FAILED_JOINS", "exact");
    for (let i = 0; i < limit + 5; i++) await guess();
    const player = (dialect: string | null, address: string) =>
      Player.connect(
        guessed.url,
        "/",
        dialect === null ? { "cf-connecting-ip": address } : asGateway({ dialect, address }),
      );
    // Besieged, an address has three tries of the dialect's names.
    const besieged = await player("rabid", "198.51.100.1");
    const tries = [1, 2, 3, 4].map((i) => () => besieged.join(`rabid:Wrong${i}`, "Guest"));
    const told: number[] = [];
    for (const attempt of tries) told.push((await attempt()).status);
    expect(told).toEqual([409, 409, 409, 429]);
    const plain = await player(null, "198.51.99.1");
    const toldPlain: number[] = [];
    for (const code of ["00001", "00002", "00003", "00004", "00005"])
      toldPlain.push((await plain.join(code, "Guest")).status);
    expect(toldPlain).toEqual([409, 409, 409, 409, 409]);
  });
});
