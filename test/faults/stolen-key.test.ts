/** Somebody has read one sidecar's machine, and has its key. What that is good for, and for nothing else. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { budgetRate, prices } from "../../core/bill.ts";
import { sharedLimits } from "../../core/limits.ts";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player } from "../../measure/kit/player.ts";
import {
  forgedOf,
  holderOf,
  keyOf,
  passOf,
  postAsSidecar,
  proofOf,
  secret,
  ticketOf,
  tokenOf,
} from "../../measure/kit/secret.ts";
import { setLimits, startFaultyServer, startTestServer } from "../../measure/kit/server.ts";

const heartbeat = "/sidecar/heartbeat";
const observations = "/sidecar/observations";
const evil = "192.0.2.66";

/** Two deployments, in each of which one sidecar is alive. */
let servers: { stolen: Server; honest: Server };
beforeAll(async () => {
  const start = () =>
    startTestServer({
      ...{ secret, udpPort: null, timing: { ptpmConnectRequestIntervalMs: 600_000 } },
      vars: { sidecarHosts: "stolen=stolen.example honest=honest.example", sidecarKeys: "revoked=2" },
    });
  servers = { stolen: await start(), honest: await start() };
});
afterAll(async () => {
  await Promise.all([servers.stolen.stop(), servers.honest.stop()]);
});

let at = Date.now();
/** A heartbeat of a sidecar that is where it should be. */
async function beat(name: string, more: object = {}, { url } = servers.stolen) {
  at += 1;
  const content = { name, at, port: 5990, secondPort: 5991, relays: true, load: 0, ...more };
  return await postAsSidecar(url, heartbeat, content);
}
const seenOf = (player: Player, more: object = {}) => ({
  ...{ clientId: player.clientId, proof: proofOf(player), ip: evil, port: 666 },
  ...more,
});
const postTo = ({ url }: Server, by: string, ...some: object[]) =>
  postAsSidecar(url, observations, { observations: some }, { name: by });

/** A lobby whose players were sent to this sidecar alone, and wait to be seen. */
async function gathering(name: "stolen" | "honest") {
  const server = servers[name];
  await beat(name, {}, server);
  const post = (by: string, ...some: object[]) => postTo(server, by, ...some);
  const lobby = await lobbyOf(2, server.url);
  for (const player of lobby.all) player.answersOverUdp = false;
  expect((await lobby.host.start(lobby.lobbyId)).status).toBe(200);
  for (const player of lobby.all)
    expect(await player.hears("ptpMediation_send")).toMatchObject({ host: `${name}.example` });
  return { ...lobby, post };
}
const introduced = (players: Player[]) =>
  players.flatMap((player) => player.all("ptpMediation_peersConnection_start")).length;

describe("with the key of one sidecar", () => {
  test("nobody makes a token: not for HTTP, nor for a post", async () => {
    const { host, all, post } = await gathering("stolen");
    // What the filter's key makes: all of a token but its last part.
    const forged = forgedOf(tokenOf(host.clientId, { holder: holderOf(host.token) }));
    const body = { token: forged, hostName: "Eve", lobbyName: "Trap", isPublic: true, maxMembers: 4 };
    expect(await host.post("/lobbies", body)).toMatchObject({
      status: 400,
      body: { codes: ["invalid_token"] },
    });
    const answer = await post(
      "stolen",
      ...all.map((player) => seenOf(player, { proof: { kind: "token", text: forged } })),
    );
    expect(answer).toMatchObject({ status: 200, body: { gone: [0, 1], again: [], idle: [], calls: 2 } });
    expect(introduced(all)).toBe(0);
    await Promise.all(all.map((player) => player.leave()));
  });

  test("nobody takes over the mediation of players who were sent to another sidecar", async () => {
    const { all, post } = await gathering("honest");
    const answer = await post("stolen", ...all.map((player) => seenOf(player)));
    expect(answer).toMatchObject({ status: 200, body: { idle: [0, 1], again: [], gone: [] } });
    expect(introduced(all)).toBe(0);
    // The one that was asked is believed.
    expect(await post("honest", ...all.map((player) => seenOf(player)))).toMatchObject({
      status: 200,
      body: { idle: [], again: [], gone: [] },
    });
    for (const player of all) await player.hears("ptpMediation_peersConnection_start");
    await Promise.all(all.map((player) => player.leave()));
  });

  test("nobody uses another sidecar's pass, nor makes one, nor uses that of another mediation", async () => {
    const { host, guests, all, post } = await gathering("honest");
    const [guest = host] = guests;
    const { pass } = (await host.hears("ptpMediation_send")) as { pass: string };
    const byPass = (text: string) => seenOf(host, { proof: { kind: "pass", text }, proven: true });
    for (const [name, text, what] of [
      ["stolen", pass, "gone"],
      [
        "honest",
        passOf(host.clientId, { sidecar: "honest", under: "another secret of that length" }).pass,
        "gone",
      ],
      ["honest", pass.replace(host.clientId, guest.clientId), "gone"],
      ["honest", passOf(host.clientId, { sidecar: "honest", holder: holderOf(host.token) }).pass, "idle"],
    ] as const)
      expect.soft(await post(name, byPass(text)), `${name} ${what}`).toMatchObject({ body: { [what]: [0] } });
    expect(await post("honest", byPass(pass))).toMatchObject({ body: { gone: [], idle: [], again: [] } });
    await Promise.all(all.map((player) => player.leave()));
  });

  test("nobody speaks for another sidecar, and a key that was revoked is none", async () => {
    const content = { name: "honest", at: Date.now() + 60_000, port: 5990, load: 0, leaving: true };
    const asStolen = { name: "stolen" };
    expect((await postAsSidecar(servers.stolen.url, heartbeat, content, asStolen)).status).toBe(400);
    expect(await postAsSidecar(servers.stolen.url, heartbeat, { ...content, name: "revoked" })).toMatchObject(
      {
        status: 401,
        body: { codes: ["unauthorized"] },
      },
    );
    const next = { number: 2 };
    expect(
      (await postAsSidecar(servers.stolen.url, heartbeat, { ...content, name: "revoked" }, next)).status,
    ).toBe(200);
  });

  test("nobody has a ticket renewed that was made with a revoked key", async () => {
    const player = await Player.connect(servers.stolen.url);
    const about = { a: player.clientId, begunAt: Date.now(), sidecar: "revoked" };
    const ticketUnder = (number: number) => ticketOf("a", about, { number, now: Date.now() });
    const renewed = async (...tickets: object[]) => {
      player.say("ptpRelay_renew", { tickets });
      return (await player.hearsNext("ptpRelay_renewed")).tickets;
    };
    // A thief could make himself such tickets for as long as he likes.
    expect(await renewed(ticketUnder(1))).toEqual([]);
    expect(await renewed(ticketUnder(2))).toHaveLength(1);
    await player.leave();
  });

  test("nobody sends players to a machine that the operator has not listed", async () => {
    const refused = { status: 403, body: { codes: ["host_not_listed"] } };
    expect(await beat("stolen", { host: evil })).toMatchObject(refused);
    expect(await beat("unlisted", { host: evil })).toMatchObject(refused);
    expect(await beat("stolen", { host: "STOLEN.example" })).toMatchObject({ status: 200 });
    expect(await beat("unlisted")).toMatchObject({ status: 200 });
    await beat("unlisted", { leaving: true });
  });

  test("nobody spends the budget of the players' networks by saying again and again where they are", async () => {
    const server = await startFaultyServer({
      ...{ secret, udpPort: null },
      vars: { clientAddress: "cloudflare", networkCentsPerDay: 1, sidecarHosts: "stolen=stolen.example" },
    });
    onTestFinished(() => server.stop());
    // What a neighbour does is told to the budget at once.
    await setLimits(server.url, { toldMicros: 0 });
    const home = { "cf-connecting-ip": "203.0.113.7" };
    const host = await Player.connect(server.url, "/", home);
    const one = seenOf(host);
    for (let posts = 0; posts < 60; posts++) {
      const answer = await postTo(server, "stolen", ...Array.from({ length: 450 }, () => one));
      expect(answer.status).toBe(200);
    }
    // So many would be three times all that its network may spend at once.
    expect(60 * 450 * prices.observation).toBeGreaterThan(3 * budgetRate(1).burst);
    for (let neighbours = 0; neighbours < 5; neighbours++) {
      const neighbour = await Player.connect(server.url, "/lobbies", home);
      expect((await neighbour.host({ isPublic: false, maxMembers: 2 })).status).toBe(201);
      await neighbour.leave();
    }
    await host.leave();
  });

  test("what the key is good for: where players are who were sent to that very sidecar", async () => {
    const { all, post } = await gathering("stolen");
    expect(await post("stolen", ...all.map((player) => seenOf(player)))).toMatchObject({ status: 200 });
    for (const player of all) await player.hears("ptpMediation_peersConnection_start");
    await Promise.all(all.map((player) => player.leave()));
  });
});

describe("when the operator has raised the number of a stolen key", () => {
  const ahead = () => Date.now() + sharedLimits.postClockMs - 10_000;
  const taken = { status: 200 };
  const beatOf = (url: URL, number: number, more: object = {}) => {
    const content = { name: "fra-1", at: Date.now(), port: 5990, secondPort: 5991, relays: true, load: 0 };
    return postAsSidecar(url, heartbeat, { ...content, ...more }, { number });
  };
  const starts = async (url: URL) => {
    const { lobbyId, host, all } = await lobbyOf(2, url);
    const { status } = await host.start(lobbyId);
    await Promise.all(all.map((player) => player.leave()));
    return status;
  };

  for (const leaving of [true, undefined]) {
    test(`the sidecar is taken at once, though its thief has signed ahead${leaving ? " that it leaves" : ""}`, async () => {
      const persist = await mkdtemp(join(tmpdir(), "orion-edge-test-"));
      onTestFinished(() => rm(persist, { recursive: true }));
      const options = { secret, persist, udpPort: null };
      const before = await startTestServer(options);
      try {
        expect(await beatOf(before.url, 1, { at: ahead(), leaving })).toMatchObject(taken);
        expect((await beatOf(before.url, 1)).body).toMatchObject({ codes: ["stale_post"] });
      } finally {
        await before.stop();
      }
      for (const number of [2, 3]) {
        const { url, stop } = await startTestServer({ ...options, vars: { sidecarKeys: `fra-1=${number}` } });
        try {
          // Whom the thief has named is not named any more.
          expect(await starts(url)).toBe(503);
          expect((await beatOf(url, number - 1, { at: ahead() + 5_000 })).status).toBe(401);
          expect(await beatOf(url, number)).toMatchObject(taken);
          expect(await starts(url)).toBe(200);
          // Of the new key, too, only what is newer is taken. And what its thief signs ahead lasts across the sidecar's end.
          expect(await beatOf(url, number, { at: ahead(), leaving })).toMatchObject(taken);
          expect((await beatOf(url, number)).body).toMatchObject({ codes: ["stale_post"] });
        } finally {
          await stop();
        }
      }
    });
  }
});

test("a sidecar of the version before, which signs with the secret, is told that it is too old", async () => {
  const body = JSON.stringify({ name: "old", port: 5990, load: 0 });
  const headers = { "x-orion-signature": "0".repeat(64) };
  const answer = await fetch(new URL(heartbeat, servers.stolen.url), { method: "POST", headers, body });
  expect([answer.status, await answer.json()]).toMatchObject([403, { codes: ["outdated_sidecar"] }]);
});

test("a post is answered in parts, if it is for more objects than one request may call", async () => {
  const some = Array.from({ length: 60 }, (_, i) => {
    const clientId = String(i).padStart(16, "0");
    const text = tokenOf(clientId, { holder: `l${2_000 + i}` });
    return { clientId, proof: { kind: "token", text }, ip: evil, port: 666 };
  });
  const { body } = await postTo(servers.stolen, "stolen", ...some);
  expect(body).toMatchObject({ calls: 50, idle: [] });
  const { again, gone } = body as { again: number[]; gone: number[] };
  expect([gone.length, again.length]).toEqual([50, 10]);
  expect(new Set([...again, ...gone]).size).toBe(60);
});

test("keys differ by name, number and secret", () => {
  const keys = [
    keyOf("a"),
    keyOf("b"),
    keyOf("a", { number: 2 }),
    keyOf("a", { under: "another secret of 16" }),
  ];
  expect(new Set(keys.map(({ key }) => key)).size).toBe(keys.length);
});
