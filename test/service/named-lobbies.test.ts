/** Lobbies with names of dialects: only the dialect's own gateway opens them and gets in. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loungeShape } from "../../core/lounges.ts";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, post, refusedUpgrade, request, rollCall } from "../../measure/kit/player.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { asGateway, secret } from "../../measure/kit/secret.ts";
import { lobbiesMade, setFault, startLoggedServer, storedOf } from "../../measure/kit/server.ts";

let server: Server & { readonly logged: readonly string[] };
beforeAll(async () => {
  server = await startLoggedServer({
    udpPort: null,
    secret,
    vars: { clientAddress: "cloudflare", logLobbies: "on" },
  });
});
afterAll(() => server.stop());

const rabid = asGateway({ dialect: "rabid" });
const noray = asGateway({ dialect: "noray" });
const connect = (headers: ReturnType<typeof asGateway>, path = "/") =>
  Player.connect(server.url, path, headers);

let names = 0;
/** A name of Rabid's that no lobby has. */
function freeName(): string {
  names += 1;
  return `rabid:Room${names}`;
}

async function opened(name: string, options: object = {}): Promise<Player> {
  const host = await connect(asGateway({ dialect: name.split(":")[0] ?? "" }));
  const { status, body } = await host.host({ code: name, ...options });
  expect({ status, lobbyId: body?.lobbyId }).toEqual({ status: 201, lobbyId: name });
  return host;
}

describe("players of one gateway", () => {
  test.each([
    ["rabid", "rabid:0123456789"],
    ["noray", `noray:${"aZ_-0".repeat(12)}aZ_-`],
  ])("meet in a lobby that has the name they know: %s", async (dialect, name) => {
    const host = await opened(name);
    const guest = await connect(asGateway({ dialect, address: "198.51.100.7" }));
    const joined = await guest.join(name, "Guest");
    expect(joined.status).toBe(200);
    expect(joined.body).toMatchObject({ lobbyId: name, lobbyMembers: ["Host", "Guest"] });
    expect(await host.hears("lobby_peerConnect")).toMatchObject({ lobbyId: name, peerName: "Guest" });
    await rollCall(name, guest, host);
    expect((await guest.asks("GET", `/lobbies/${encodeURIComponent(name)}`)).body).toMatchObject({
      lobbyId: name,
    });
    await guest.leave();
    await host.hears("lobby_peerDisconnect");
  });

  test("sit in lounges, whatever path they connect on", async () => {
    const name = freeName();
    await opened(name);
    for (const path of ["/", "/lobbies", `/lobbies/${name}`, `/lobbies/${encodeURIComponent(name)}`]) {
      const player = await connect(rabid, path);
      expect(player.holder).toMatch(loungeShape);
    }
  });

  test("from two sidecars are in one lobby", async () => {
    const name = freeName();
    const host = await opened(name);
    const guest = await connect(asGateway({ sidecar: "other" }));
    expect((await guest.join(name, "Guest")).status).toBe(200);
    await rollCall(name, host, guest);
  });
});

describe("a name", () => {
  test("that a lobby has is refused to the next, and that lobby goes on", async () => {
    const name = freeName();
    const host = await opened(name);
    const next = await connect(rabid);
    expectRefused(await next.host({ code: name }), 409, "name_in_use");
    const guest = await connect(rabid);
    expect((await guest.join(name, "Guest")).status).toBe(200);
    await rollCall(name, host, guest);
    // A host that was refused is in no lobby.
    expect((await next.host({ code: freeName() })).status).toBe(201);
  });

  test("that several gateways want at the same moment is given to one of them", async () => {
    const name = freeName();
    const hosts = await Promise.all(["a", "b", "c", "d"].map((sidecar) => connect(asGateway({ sidecar }))));
    const answers = await Promise.all(hosts.map((host) => host.host({ code: name })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
    const first = hosts[answers.findIndex(({ status }) => status === 201)] ?? expect.fail("nobody has it");
    const guest = await connect(rabid);
    expect((await guest.join(name, "Guest")).status).toBe(200);
    await rollCall(name, first, guest);
  });

  test("is another one in another dialect, or in another case", async () => {
    await opened("rabid:Twins");
    await opened("noray:Twins");
    await opened("rabid:twins");
  });

  test("is free again when its host has left, and nothing of its lobby is left", async () => {
    const name = freeName();
    const host = await opened(name);
    expect(await storedOf(server.url, encodeURIComponent(name))).toEqual({ rows: 1, alarm: true });
    const guest = await connect(rabid);
    await guest.join(name, "Guest");
    await host.leave();
    await guest.hears("lobby_closed");
    await expect
      .poll(() => storedOf(server.url, encodeURIComponent(name)))
      .toEqual({ rows: 0, alarm: false });
    const next = await opened(name);
    expect((await guest.join(name, "Guest")).body).toMatchObject({ lobbyMembers: ["Host", "Guest"] });
    await rollCall(name, next, guest);
  });

  test("is free again when the gateways of all its members have died", async () => {
    const name = freeName();
    const host = await opened(name);
    const guest = await connect(asGateway({ sidecar: "other" }));
    await guest.join(name, "Guest");
    const next = await connect(rabid);
    host.vanish();
    guest.vanish();
    await expect.poll(async () => (await next.host({ code: name })).status).toBe(201);
  });

  test("that the dialect does not allow is refused", async () => {
    const player = await connect(rabid);
    for (const code of ["rabid:", "rabid:12345678901", "rabid:a b", "rabid:a_b", "rabid:a:b", "rabid:é"])
      expectRefused(await player.host({ code }), 400, "invalid_code");
    const before = await lobbiesMade(server.url);
    expectRefused(await player.join("rabid:12345678901", "Guest"), 409, "no_such_lobby");
    expect(await lobbiesMade(server.url)).toBe(before);
  });

  test("that no lobby has is told so", async () => {
    const player = await connect(rabid);
    expectRefused(await player.join(freeName(), "Guest"), 409, "no_such_lobby");
  });
});

test("a lobby with a name is never in the list, whatever its host asks for", async () => {
  const name = freeName();
  const host = await opened(name, { isPublic: true });
  const list = async () => JSON.stringify((await request(server.url, "/lobbies")).body?.lobbies);
  expect(await list()).not.toContain(name);
  const changed = await host.asks("PATCH", `/lobbies/${name}`, {
    body: { isPublic: true, lobbyName: "Other" },
  });
  expect(changed.status).toBe(200);
  expect(await list()).not.toContain(name);
  expect((await host.asks("GET", `/lobbies/${name}`)).body).toMatchObject({ isPublic: false });
});

const paths = (lobbyId: string): [method: string, path: string, body: object | null][] => [
  ["POST", `/lobbies/${lobbyId}/join`, { peerName: "Guest" }],
  ["POST", `/lobbies/${lobbyId}/ptp/start`, {}],
  ["POST", `/lobbies/${lobbyId}/ptp/stop`, {}],
  ["POST", `/lobbies/${lobbyId}/ptp/proceed`, {}],
  ["POST", `/lobbies/${lobbyId}/leave`, {}],
  ["POST", `/lobbies/${lobbyId}/resume`, { resumeKey: "a.0.b" }],
  ["POST", `/lobbies/${lobbyId}/host`, { clientId: "a".repeat(16) }],
  ["POST", `/lobbies/${lobbyId}/kick`, { clientId: "a".repeat(16) }],
  ["PATCH", `/lobbies/${lobbyId}/members/me`, {}],
  ["PATCH", `/lobbies/${lobbyId}`, {}],
  ["GET", `/lobbies/${lobbyId}`, null],
  ["GET", `/lobbies/${lobbyId}/snapshot`, null],
  ["PUT", `/lobbies/${lobbyId}/snapshot`, {}],
  ["DELETE", `/lobbies/${lobbyId}/bans/someone`, null],
];

test("where a lounge is of a version before, and draws a code, nobody is left in a lobby that he did not want", async () => {
  const name = freeName();
  const host = await connect(rabid);
  await setFault(server.url, "names", "unknown");
  expectRefused(await host.host({ code: name }), 503, "unavailable");
  await setFault(server.url, "names", "");
  expect((await host.host({ code: name })).body).toMatchObject({ lobbyId: name });
});

describe("without its gateway's header", () => {
  const stranger = { "cf-connecting-ip": "203.0.113.7" };

  test.each([
    "rabid:Guarded",
    "rabid%3AGuarded",
    "noray:Guarded",
    "groovejet:0a1z0",
    "rabid:not a name",
    "noray:",
  ])("nobody asks anything about %s, and no object is made", async (name) => {
    const player = await Player.connect(server.url, "/", stranger);
    const before = await lobbiesMade(server.url);
    for (const [method, path, body] of paths(name))
      expectRefused(await player.asks(method, path, body ? { body } : {}), 403, "gateway_only");
    expectRefused(await refusedUpgrade(server.url, `/lobbies/${name}`, stranger), 403, "gateway_only");
    if (!name.includes("%")) expectRefused(await player.host({ code: name }), 403, "gateway_only");
    expect(await lobbiesMade(server.url)).toBe(before);
  });

  test("a lobby that is there is guarded the same, and its members do not notice", async () => {
    const name = freeName();
    const host = await opened(name);
    const player = await Player.connect(server.url, "/", stranger);
    for (const [method, path, body] of paths(name))
      expectRefused(await player.asks(method, path, body ? { body } : {}), 403, "gateway_only");
    // Nor with the host's own token.
    const body = { token: host.secretToken };
    expectRefused(await post(server.url, `/lobbies/${name}/ptp/start`, body, stranger), 403, "gateway_only");
    expectRefused(await post(server.url, `/lobbies/${name}/leave`, body, stranger), 403, "gateway_only");
    await rollCall(name, host);
  });

  test("a lobby is opened as ever, whatever else an Orion client says of a code", async () => {
    for (const code of ["K7Q2M", "", "orion:a", 7, null, {}, "Rabid:a"]) {
      const player = await Player.connect(server.url, "/", stranger);
      const { status, body } = await player.host({ code });
      expect({ code, status, lobbyId: body?.lobbyId }).toEqual({
        code,
        status: 201,
        lobbyId: expect.stringMatching(/^[0-9A-Z]{5}$/),
      });
    }
  });
});

describe("a gateway", () => {
  test("asks nothing about names of another dialect, and no object is made", async () => {
    const player = await connect(noray);
    const before = await lobbiesMade(server.url);
    for (const name of ["rabid:Guarded", "groovejet:0a1z0"]) {
      for (const [method, path, body] of paths(name))
        expectRefused(await player.asks(method, path, body ? { body } : {}), 403, "gateway_only");
      expectRefused(await player.host({ code: name }), 403, "gateway_only");
      expectRefused(
        await refusedUpgrade(server.url, `/lobbies/${name}`, noray("GET", `/lobbies/${name}`)),
        403,
        "gateway_only",
      );
    }
    expect(await lobbiesMade(server.url)).toBe(before);
  });

  test("asks nothing about codes: its key would make a guesser of its thief", async () => {
    const { lobbyId, host } = await lobbyOf(1, server.url);
    const player = await connect(rabid);
    for (const [method, path, body] of paths(lobbyId))
      expectRefused(await player.asks(method, path, body ? { body } : {}), 403, "gateway_only");
    expectRefused(await player.host(), 403, "gateway_only");
    expectRefused(await player.host({ code: lobbyId }), 403, "gateway_only");
    const match = { peerName: "Guest", game: "a", create: { lobbyName: "Lobby", maxMembers: 2 } };
    expectRefused(await player.post("/lobbies/match", match), 403, "gateway_only");
    expectRefused(
      await refusedUpgrade(server.url, `/lobbies/${lobbyId}`, rabid("GET", `/lobbies/${lobbyId}`)),
      403,
      "gateway_only",
    );
    await rollCall(lobbyId, host);
  });
});

test("a host's ban holds for the player's own address, and for nobody else behind the gateway", async () => {
  const name = freeName();
  const features = ["links"];
  const host = await connect(asGateway({ address: "198.51.100.1" }));
  host.say("client_features", { features });
  await host.settled();
  expect((await host.host({ code: name })).status).toBe(201);
  const banned = await connect(asGateway({ address: "198.51.100.2" }));
  await banned.join(name, "Banned");
  const kick = { clientId: banned.clientId, ban: true };
  expect((await host.post(`/lobbies/${name}/kick`, kick)).status).toBe(200);
  const again = await connect(asGateway({ address: "198.51.100.2" }));
  expectRefused(await again.join(name, "Again"), 403, "banned");
  const other = await connect(asGateway({ address: "198.51.100.3" }));
  expect((await other.join(name, "Other")).status).toBe(200);
});

test("the log calls such a lobby by its dialect and a tag, and has neither its name nor a player's address", async () => {
  const name = "noray:SecretOid_of-a-Host21";
  const host = await opened(name);
  await (await connect(noray)).host({ code: name });
  await (await connect(noray)).join(encodeURIComponent(name), "Host");
  await post(server.url, `/lobbies/${name}/join`, {});
  await host.leave();
  await expect
    .poll(() =>
      server.logged.some((line) => /"noray-[0-9a-f]{6}"/.test(line) && line.includes("lobby_closed")),
    )
    .toBe(true);
  const refused = server.logged.filter((line) => /\/lobbies\/noray-[0-9a-f]{6}\/join/.test(line));
  expect(refused.length).toBeGreaterThanOrEqual(2);
  expect(server.logged.filter((line) => line.includes("SecretOid"))).toEqual([]);
});
