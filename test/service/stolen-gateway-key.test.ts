/** A thief has a sidecar's key, and names any address as his player's. What he cannot do to whoever has that address, or to Orion's players. */
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { budgetRate, prices } from "../../core/bill.ts";
import type { Server } from "../../local/server.ts";
import { GroovejetClient } from "../../measure/kit/groovejet-client.ts";
import { lobbyOf, Player, post, refusedUpgrade, request, rollCall } from "../../measure/kit/player.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { asGateway, secret } from "../../measure/kit/secret.ts";
import {
  freeCode,
  lobbiesMade,
  setLimits,
  spoilCounting,
  startFaultyServer,
  wrongCode,
} from "../../measure/kit/server.ts";

/** So many of each key are within what the tests' counting lets pass. */
const limit = 60;

let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({ udpPort: null, secret, vars: { clientAddress: "cloudflare" } });
  for (const binding of ["CONNECTS", "REQUESTS", "FAILED_JOINS", "LISTINGS"])
    await spoilCounting(server.url, binding, "exact");
  // Names that nobody has are not what is short here.
  await setLimits(server.url, { unknownCodesPerSecond: 1_000_000, failedJoinShares: 10_000 });
});
afterAll(() => server.stop());

let victims = 0;
/** An address that nobody has used yet: what is sent from there, and what a thief sends who names it. */
function newVictim(about: Parameters<typeof asGateway>[0] = {}) {
  victims += 1;
  const address = `198.51.${victims}.7`;
  return { own: { "cf-connecting-ip": address }, named: asGateway({ ...about, address }), address };
}

async function tryNames(gateway: ReturnType<typeof asGateway>, dialect: string, tries: number) {
  const answers: number[] = [];
  for (let i = 0; i < tries; i++) {
    const player = await Player.connect(server.url, "/", gateway);
    answers.push((await player.join(`${dialect}:Wrong${i}`, "Guest")).status);
    await player.leave();
  }
  return answers;
}

describe("an address that a thief names", () => {
  test("is told of codes, and of names of another dialect and at another sidecar, however many wrong names he tries", async () => {
    const { lobbyId } = await lobbyOf(1, server.url, { maxMembers: 8 });
    const { own, named, address } = newVictim({ sidecar: "stolen" });
    await spoilCounting(server.url, "CONNECTS", "missing");
    const told = await tryNames(named, "rabid", limit + 3);
    await spoilCounting(server.url, "CONNECTS", "exact");
    expect(told.slice(0, limit)).toEqual(Array.from({ length: limit }, () => 409));
    expect(told.slice(-2)).toEqual([429, 429]);
    const guest = await Player.connect(server.url, "/", own);
    expect((await guest.join(lobbyId, "Guest")).status).toBe(200);
    expect((await Player.connect(server.url, `/lobbies/${lobbyId}`, own)).holder).toBe(lobbyId);
    const at = (about: object) => asGateway({ sidecar: "stolen", address, ...about });
    expect(await tryNames(at({ dialect: "noray" }), "noray", 1)).toEqual([409]);
    expect(await tryNames(at({ sidecar: "honest" }), "rabid", 1)).toEqual([409]);
  });

  test("may still ask and connect, however much he asks for it", async () => {
    const { own, named, address } = newVictim({ sidecar: "stolen" });
    const path = "/lobbies/rabid:Busy/join";
    const body = { token: "none", peerName: "Guest" };
    const ask = (headers: Record<string, string>) => post(server.url, path, body, headers);
    for (let i = 0; i < limit; i++) expectRefused(await ask(named("POST", path)), 400, "invalid_token");
    expectRefused(await ask(named("POST", path)), 429, "too_many_requests");
    for (let i = 0; i < limit; i++) await (await Player.connect(server.url, "/", named)).leave();
    expectRefused(await refusedUpgrade(server.url, "/", named("GET", "/")), 429, "too_many_requests");
    expectRefused(await post(server.url, "/lobbies/00000/join", body, own), 400, "invalid_token");
    await Player.connect(server.url, "/", own);
    const honest = asGateway({ sidecar: "honest", address });
    expectRefused(await ask(honest("POST", path)), 400, "invalid_token");
    await Player.connect(server.url, "/", honest);
  });

  test("keeps its budget, however much he spends for it", async () => {
    const cents = 1;
    const dear = await startFaultyServer({
      udpPort: null,
      secret,
      vars: { clientAddress: "cloudflare", networkCentsPerDay: cents },
    });
    onTestFinished(() => dear.stop());
    await setLimits(dear.url, { toldMicros: 0, budgetPatienceMs: 60_000 });
    const { own, named, address } = newVictim({ sidecar: "stolen" });
    const most = (2 * budgetRate(cents).burst) / prices.connect;
    let refusal: Awaited<ReturnType<typeof refusedUpgrade>> | null = null;
    for (let i = 0; i < most && !refusal; i += 40) {
      const connect = () => refusedUpgrade(dear.url, "/", named("GET", "/")).catch(() => null);
      const answers = await Promise.all(Array.from({ length: 40 }, connect));
      refusal = answers.find((answer) => answer !== null) ?? null;
    }
    expectRefused(refusal ?? expect.fail("never refused"), 429, "over_budget");
    const host = await Player.connect(dear.url, "/", own);
    expect((await host.host()).status).toBe(201);
    await Player.connect(dear.url, "/", asGateway({ sidecar: "honest", address }));
  });

  test("has room for its sockets, however many he holds for it", async () => {
    const small = await startFaultyServer({
      udpPort: null,
      secret,
      vars: { clientAddress: "cloudflare", clientsPerLounge: 256, socketsPerAddress: 3 },
    });
    onTestFinished(() => small.stop());
    const { own, named } = newVictim({ sidecar: "stolen" });
    for (let i = 0; i < 6; i++) await Player.connect(small.url, "/", named);
    expectRefused(await refusedUpgrade(small.url, "/", named("GET", "/")), 429, "too_many_requests");
    for (let i = 0; i < 6; i++) await Player.connect(small.url, "/", own);
    expectRefused(await refusedUpgrade(small.url, "/", own), 429, "too_many_requests");
  });

  test("is not asked for the list, nor for a room of groovejet's, by a gateway: it needs neither", async () => {
    const { named } = newVictim();
    const ask = (method: string, path: string) =>
      request(server.url, path, { method, headers: named(method, path) });
    expectRefused(await ask("GET", "/lobbies"), 403, "gateway_only");
    expectRefused(await ask("POST", "/rooms"), 403, "gateway_only");
    expectRefused(await ask("POST", "/groovejet/rooms"), 403, "gateway_only");
  });
});

/** All that a client can ask of a lobby, and where there is none. */
const questions = (lobbyId: string): [method: string, path: string, body?: object][] => [
  ["POST", `/lobbies/${lobbyId}/join`, { peerName: "Guest" }],
  ["POST", `/lobbies/${lobbyId}/resume`, { resumeKey: `a.0.${"b".repeat(22)}` }],
  ["POST", `/lobbies/${lobbyId}/leave`, {}],
  ["POST", `/lobbies/${lobbyId}/ptp/start`, {}],
  ["POST", `/lobbies/${lobbyId}/ptp/stop`, {}],
  ["POST", `/lobbies/${lobbyId}/kick`, { clientId: "a".repeat(16) }],
  ["PATCH", `/lobbies/${lobbyId}`, { lobbyName: "Other" }],
  ["GET", `/lobbies/${lobbyId}`],
  ["GET", `/lobbies/${lobbyId}/snapshot`],
];
const opening = { hostName: "Host", lobbyName: "Lobby", isPublic: true, maxMembers: 4 };
const matching = { peerName: "Guest", game: "a", create: { lobbyName: "Lobby", maxMembers: 2 } };

describe("a session that a gateway has opened", () => {
  let unlimited: Server;
  beforeAll(async () => {
    unlimited = await startFaultyServer({ udpPort: null, secret, vars: { clientAddress: "cloudflare" } });
  });
  afterAll(() => unlimited.stop());

  /** A player that asks with these headers, by the session of a player that has come with those. */
  async function askedBy(
    opened: Parameters<typeof Player.connect>[2],
    asks: (method: string, path: string) => Record<string, string>,
  ) {
    const player = await Player.connect(unlimited.url, "/", opened);
    player.say("client_features", { features: ["links"] });
    await player.settled();
    return async (method: string, path: string, body?: object) =>
      await request(unlimited.url, path, {
        method,
        headers: { ...asks(method, path), authorization: `Bearer ${player.secretToken}` },
        ...(body && { body: JSON.stringify({ token: player.secretToken, ...body }) }),
      });
  }

  test("asks about no code when the header is left out of a request: of none that is right, that is wrong, or that no lobby has", async () => {
    const { lobbyId, host } = await lobbyOf(1, unlimited.url, { maxMembers: 8, isPublic: true });
    const codes = [lobbyId, await wrongCode(unlimited.url), await freeCode(unlimited.url), "nonsense"];
    const thief = { "cf-connecting-ip": "203.0.113.66" };
    const before = await lobbiesMade(unlimited.url);
    for (const code of codes) {
      const ask = await askedBy(asGateway(), () => thief);
      for (const [method, path, body] of questions(code))
        expect.soft(await ask(method, path, body), `${method} ${path}`).toMatchObject({
          status: 403,
          body: { codes: ["gateway_only"] },
        });
    }
    const ask = await askedBy(asGateway(), () => thief);
    expectRefused(await ask("POST", "/lobbies", opening), 403, "gateway_only");
    expectRefused(await ask("POST", "/lobbies/match", matching), 403, "gateway_only");
    expect(await lobbiesMade(unlimited.url)).toBe(before);
    await rollCall(lobbyId, host);
  });

  test("asks for nothing by the header of another sidecar", async () => {
    const ask = await askedBy(asGateway({ sidecar: "stolen" }), asGateway({ sidecar: "other" }));
    expectRefused(await ask("POST", "/lobbies", { ...opening, code: "rabid:Mine" }), 403, "gateway_only");
    for (const [method, path, body] of questions("rabid:Mine"))
      expectRefused(await ask(method, path, body), 403, "gateway_only");
  });

  test("is the only one that asks about names: none that came without the header does", async () => {
    const ask = await askedBy({ "cf-connecting-ip": "203.0.113.66" }, asGateway());
    expectRefused(await ask("POST", "/lobbies", { ...opening, code: "rabid:Plain" }), 403, "gateway_only");
    for (const [method, path, body] of questions("rabid:Plain"))
      expectRefused(await ask(method, path, body), 403, "gateway_only");
  });

  test("does not speak groovejet: it gets into no room, opens none, and is told nothing of a code", async () => {
    const own = { "cf-connecting-ip": "203.0.113.66" };
    const host = await GroovejetClient.connect(unlimited.url, "/groovejet", own);
    const code = await host.createRoom();
    const before = await lobbiesMade(unlimited.url);
    const wrong = code.slice(0, -1) + (code.endsWith("0") ? "1" : "0");
    for (const path of ["/", "/groovejet", `/?code=${code}`]) {
      const named = asGateway()("GET", path);
      const thief = new GroovejetClient(unlimited.url, path, { ...named, origin: "https://game.example" });
      await once(thief.socket, "open");
      for (const roomCode of [code, wrong]) thief.say({ type: "joinRoom", data: { roomCode } });
      thief.say({ type: "createRoom" });
      thief.say({ type: "clientSignal", data: { offerSignal: path } });
      // A room takes some milliseconds to answer.
      await wait(300);
      await thief.settled();
      expect(thief.heard).toEqual([]);
      thief.cut();
    }
    expect(await lobbiesMade(unlimited.url)).toBe(before);
    // The room is there for whoever comes himself.
    const guest = await GroovejetClient.connect(unlimited.url, "/groovejet", own);
    expect((await guest.joinRoom(code)).type).toBe("joinedRoom");
    expect(host.types).not.toContain("clientConnection");
  });

  test("is in no lounge with players who come themselves", async () => {
    const roomy = await startFaultyServer({
      udpPort: null,
      secret,
      vars: { clientAddress: "cloudflare", clientsPerLounge: 4 },
    });
    onTestFinished(() => roomy.stop());
    const holders = async (headers: Parameters<typeof Player.connect>[2]) => {
      const players = [];
      for (let i = 0; i < 10; i++) players.push(await Player.connect(roomy.url, "/", headers));
      return new Set(players.map(({ holder }) => holder));
    };
    const [theirs, ours] = [await holders(asGateway()), await holders({})];
    expect(theirs.size).toBeGreaterThanOrEqual(3);
    expect([...ours].filter((holder) => theirs.has(holder))).toEqual([]);
  });
});

describe("a header that is not genuine", () => {
  const from = (address: string) => ({ "cf-connecting-ip": address });
  const path = "/lobbies/rabid:Forged/join";
  const body = { token: "none", peerName: "Guest" };
  const ask = (headers: Record<string, string>) => post(server.url, path, body, headers);
  const forgeries: [what: string, header: () => Record<string, string>][] = [
    ["that is none", () => ({ "orion-gateway": "nonsense" })],
    ["that nobody has signed", () => asGateway({ under: "another secret, of 32 characters" })("POST", path)],
    ["that is too old", () => asGateway({ at: 1 })("POST", path)],
  ];

  test.each(forgeries)("%s counts for the address that it really comes from", async (_, header) => {
    const { address } = newVictim();
    const [stranger, other] = [from(address), newVictim().own];
    for (let i = 0; i < limit; i++)
      expectRefused(await ask({ ...stranger, ...header() }), 401, "invalid_gateway");
    expectRefused(await ask({ ...stranger, ...header() }), 429, "too_many_requests");
    expectRefused(
      await refusedUpgrade(server.url, "/", { ...stranger, ...header() }),
      429,
      "too_many_requests",
    );
    // Like any other request without a good token.
    expectRefused(await post(server.url, "/lobbies/00000/join", body, stranger), 429, "too_many_requests");
    expectRefused(await ask({ ...other, ...header() }), 401, "invalid_gateway");
    // The address that it names has nothing to do with it.
    expectRefused(
      await post(server.url, "/lobbies/00000/join", body, from("192.0.2.1")),
      400,
      "invalid_token",
    );
  });

  test("does not keep out a sidecar that shares its address with the stranger", async () => {
    const { own } = newVictim();
    const genuine = (i: number) =>
      ask({ ...own, ...asGateway({ sidecar: "shared", address: `10.7.${i}.1` })("POST", path) });
    expectRefused(await genuine(0), 400, "invalid_token");
    const forged = asGateway({ sidecar: "shared", number: 9 });
    // The first of the sidecar's own counted, too.
    for (let i = 1; i < limit; i++)
      expectRefused(await ask({ ...own, ...forged("POST", path) }), 401, "invalid_gateway");
    expectRefused(await ask({ ...own, ...forged("POST", path) }), 429, "too_many_requests");
    for (let i = 0; i < 2 * limit; i++) expectRefused(await genuine(i), 400, "invalid_token");
  });
});
