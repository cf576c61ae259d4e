/** What one network may cost in a day: beyond it, it is refused, and nobody else is. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as pass } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { budgetRate, prices } from "../../core/bill.ts";
import { closures } from "../../core/problem.ts";
import { pingText, pongText } from "../../core/wire/ping.ts";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, post, refusedUpgrade, request, rollCall } from "../../measure/kit/player.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import {
  failCalls,
  heldCalls,
  holdCalls,
  later,
  putToSleep,
  setLimits,
  spoilCounting,
  startLoggedServer,
} from "../../measure/kit/server.ts";
import { edgeLimits } from "../../worker/edge/limits.ts";
import { holderLimits } from "../../worker/sessions/limits.ts";

const cents = 1;
/** A small purse: fewer lines than a client may say at once. */
const purseMicros = 2;
let server: Server & { readonly logged: readonly string[] };
beforeAll(async () => {
  server = await startLoggedServer({
    udpPort: null,
    vars: { clientAddress: "cloudflare", networkCentsPerDay: cents },
  });
  // Each act is told at once, so that what a test spends is what its network has spent.
  const limits = { toldMicros: 0, purseMicros, purseOverdraft: 1, memberOverdraft: 2 };
  // A busy machine may take longer than a second to answer for a budget.
  await setLimits(server.url, { ...limits, budgetPatienceMs: 60_000 });
  for (const binding of ["CONNECTS", "REQUESTS", "LISTINGS"])
    await spoilCounting(server.url, binding, "missing");
});
afterAll(() => server.stop());

let addresses = 0;
/** Headers of a network that nobody has used yet. */
function newNetwork(): { "cf-connecting-ip": string } {
  addresses += 1;
  return { "cf-connecting-ip": `203.0.113.${addresses}` };
}

/** Connects until the network is refused. Returns the refusal. */
async function spendAll(headers: Record<string, string>) {
  const most = (4 * budgetRate(cents).burst) / prices.connect;
  for (let asked = 0; asked <= 2 * most; asked += 40) {
    // What is not refused opens, and is closed again.
    const connect = () => refusedUpgrade(server.url, "/", headers).catch(() => null);
    const refusal = (await Promise.all(Array.from({ length: 40 }, connect))).find(
      (answer) => answer !== null,
    );
    if (refusal) return refusal;
  }
  throw new Error("never refused");
}

type Headers = Record<string, string>;

function headText(first: string, headers: Headers): string {
  const all = { host: server.url.host, ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [first, ...lines, "", ""].join("\r\n");
}

function upgradeText(headers: Headers): string {
  const key = Buffer.alloc(16).toString("base64");
  const upgrading = { connection: "upgrade", upgrade: "websocket", "sec-websocket-key": key };
  return headText("GET /lobbies HTTP/1.1", { ...headers, ...upgrading, "sec-websocket-version": "13" });
}

function postText(headers: Headers, body: string): string {
  return headText("POST /lobbies HTTP/1.1", { ...headers, "content-length": String(body.length) }) + body;
}

/** Sends a request, on a connection of its own. */
async function send(text: string): Promise<Socket> {
  const socket = connect(Number(server.url.port), server.url.hostname);
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.write(text);
  return socket;
}

/** Waits until the object has read all that this player said: the platform passes on a ping in a binary frame. */
async function pingsObject({ socket }: Player): Promise<void> {
  const { promise: answered, resolve } = Promise.withResolvers<void>();
  const hear = (data: Buffer) => data.toString() === pongText && resolve();
  socket.on("message", hear).once("close", resolve);
  socket.send(Buffer.from(pingText));
  await answered;
  socket.off("message", hear).off("close", resolve);
}

/** Connects until so much is left to spend, or less. One after another: what is spent at the same time is told together. */
async function spendAllBut(headers: Headers, micros: number): Promise<void> {
  const each = prices.connect + prices.draw;
  const left = Math.floor((budgetRate(cents).burst - micros) / each);
  for (let i = 0; i < left; i++) await refusedUpgrade(server.url, "/", headers).catch(() => null);
}

const lineOf = (event: string) => server.logged.filter((line) => line.includes(`"event":"${event}"`));

test("a network that has spent all is refused whatever costs something, until some of it has come back; others are not", async () => {
  const [headers, other] = [newNetwork(), newNetwork()];
  const player = await Player.connect(server.url, "/", headers);
  const refusal = await spendAll(headers);
  expectRefused(refusal, 429, "over_budget");
  const seconds = Number(refusal.headers.get("retry-after"));
  expect(seconds).toBeGreaterThan(0);
  expectRefused(await request(server.url, "/lobbies", { headers }), 429, "over_budget");
  for (const path of ["/lobbies", "/lobbies/00000/join", "/lobbies/00000/ptp/start"]) {
    expectRefused(await post(server.url, path, { token: player.token }, headers), 429, "over_budget");
  }
  expect((await request(server.url, "/ping", { headers })).status).toBe(200);
  expect((await request(server.url, "/lobbies", { headers: other })).status).toBe(200);
  await (await Player.connect(server.url, "/", other)).leave();
  await later(server.url, seconds * 1000);
  expect((await request(server.url, "/lobbies", { headers })).status).toBe(200);
  expect(lineOf("network_over_budget").length).toBeGreaterThan(0);
  expect(lineOf("network_over_budget").join("")).not.toContain(headers["cf-connecting-ip"]);
});

test("of IPv6 a /64 has a budget, and all of a /48 have four", async () => {
  const from = (subnet: number) => ({ "cf-connecting-ip": `2001:db8:77:${subnet.toString(16)}::1` });
  for (let subnet = 0; subnet < 4; subnet++) {
    expectRefused(await spendAll(from(subnet)), 429, "over_budget");
    if (subnet < 3) await (await Player.connect(server.url, "/", from(9))).leave();
  }
  expectRefused(await refusedUpgrade(server.url, "/", from(9)), 429, "over_budget");
  const neighbour = { "cf-connecting-ip": "2001:db8:78::1" };
  expect((await request(server.url, "/lobbies", { headers: neighbour })).status).toBe(200);
}, 120_000);

test.each([false, true])(
  "one whose network has spent all is not heard, and thrown out if it goes on; the others are (direct: %s)",
  async (direct) => {
    const headers = newNetwork();
    const { lobbyId, host, guests } = await lobbyOf(2, server.url, { direct, maxMembers: 4 });
    const flooder = await Player.connect(server.url, direct ? `/lobbies/${lobbyId}` : "/", headers);
    expect((await flooder.join(lobbyId, "Flooder")).status).toBe(200);
    await spendAll(headers);
    // It has paid for so much that it still may spend, whatever its network has.
    const lines = 190;
    let said = 0;
    while (flooder.socket.readyState === flooder.socket.OPEN && said < lines) {
      flooder.chat(lobbyId, `Flood ${said}`);
      said += 1;
      await Promise.race([flooder.settled(), flooder.closed]);
    }
    expect((await flooder.closed).reason).toBe(closures.over_budget[1]);
    const heard = host.chats.filter((text) => String(text).startsWith("Flood")).length;
    expect(heard).toBeGreaterThan(0);
    expect(heard * prices.frame).toBeLessThanOrEqual(purseMicros + 1);
    await rollCall(lobbyId, host, ...guests);
  },
);

test("sleep makes no purse full again", async () => {
  const headers = newNetwork();
  const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true, maxMembers: 4 });
  const speaker = await Player.connect(server.url, `/lobbies/${lobbyId}`, headers);
  await speaker.join(lobbyId, "Speaker");
  await spendAll(headers);
  let said = 0;
  for (; speaker.socket.readyState === speaker.socket.OPEN && said < 190; said++) {
    speaker.chat(lobbyId, `Line ${said}`);
    await Promise.race([speaker.settled(), speaker.closed]);
    if (said % 20 === 19) await putToSleep(server, [lobbyId]);
  }
  expect((await speaker.closed).reason).toBe(closures.over_budget[1]);
  expect(host.chats.length * prices.frame).toBeLessThanOrEqual(purseMicros + 1);
});

test("sleep makes nobody heard again whose network has spent all", async () => {
  const headers = newNetwork();
  const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true, maxMembers: 4 });
  const speaker = await Player.connect(server.url, `/lobbies/${lobbyId}`, headers);
  await speaker.join(lobbyId, "Speaker");
  await spendAll(headers);
  const isHeard = async (line: string) => {
    speaker.chat(lobbyId, line);
    await pingsObject(speaker);
    await host.settled();
    return host.chats.includes(line);
  };
  let said = 0;
  while (await isHeard(`Line ${said}`)) said += 1;
  expect(said * prices.frame).toBeLessThanOrEqual(purseMicros + 1);
  for (let slept = 0; slept < 3; slept++) {
    await putToSleep(server, [lobbyId]);
    expect(await isHeard(`After ${slept}`)).toBe(false);
  }
});

test.each(["an upgrade", "a request"])("who breaks off %s is charged for it", async (what) => {
  const headers = newNetwork();
  await spendAllBut(headers, prices.connect + prices.draw);
  const texts: string[] = [];
  for (let i = 0; i < 6; i++) {
    const { token } = await Player.connect(server.url, "/", newNetwork());
    const body = JSON.stringify({
      token,
      hostName: "Host",
      lobbyName: "Lobby",
      maxMembers: 4,
      isPublic: false,
    });
    texts.push(what === "an upgrade" ? upgradeText(headers) : postText(headers, body));
  }
  // The new lobby's object answers when the client is gone.
  const method = what === "an upgrade" ? "fetch" : "open";
  const held = await heldCalls(server.url);
  await holdCalls(server.url, method, true);
  const sockets = await Promise.all(texts.map(send));
  await vi.waitFor(async () => expect(await heldCalls(server.url)).toBe(held + texts.length));
  for (const socket of sockets) socket.resetAndDestroy();
  await pass(500);
  await holdCalls(server.url, method, false);
  // So few of these cannot spend what was left: a list costs a tenth of it.
  const list = async () =>
    expectRefused(await request(server.url, "/lobbies", { headers }), 429, "over_budget");
  await vi.waitFor(list, { interval: 4_000 });
});

test("a host whose neighbour has spent all keeps its lobby, although nobody hears it chat", async () => {
  await setLimits(server.url, { memberOverdraft: holderLimits.memberOverdraft });
  const headers = newNetwork();
  const host = await Player.connect(server.url, "/", headers);
  const lobbyId = String((await host.host({ maxMembers: 4 })).body?.lobbyId);
  const guest = await Player.connect(server.url, "/", newNetwork());
  await guest.join(lobbyId, "Guest");
  await spendAll(headers);
  // More than its purse and what a session in no lobby may cost beyond it, and less than a client may say at once.
  for (let said = 0; said < 180; said++) host.chat(lobbyId, `Line ${said}`);
  await host.settled();
  await later(server.url, 1_000);
  for (let said = 0; said < 90; said++) host.chat(lobbyId, `Line ${said}`);
  await pingsObject(host);
  expect(host.socket.readyState).toBe(host.socket.OPEN);
  guest.chat(lobbyId, "Still here");
  await host.hearsChat("Still here");
  expect(guest.all("lobby_closed")).toEqual([]);
  expect(
    guest.chats.filter((text) => String(text).startsWith("Line")).length * prices.frame,
  ).toBeLessThanOrEqual(purseMicros + 1);
  await setLimits(server.url, { memberOverdraft: 2 });
});

test("what the budget of a /64 refuses is not taken from that of its /48", async () => {
  // One draw is more than the /64 has, and half of what its /48 has.
  const draw = 2 * budgetRate(cents).burst;
  await setLimits(server.url, { purseLeastDraw: draw, purseMostDraw: draw });
  const headers = { "cf-connecting-ip": "2001:db8:99:1::1" };
  const speakers = await Promise.all([0, 1, 2, 3].map(() => Player.connect(server.url, "/", headers)));
  const refusals = () => lineOf("network_over_budget").length;
  for (const [i, speaker] of speakers.entries()) {
    const before = refusals();
    for (let said = 0; said < 1.2 * (purseMicros / prices.frame); said++) speaker.socket.send("{}");
    await pingsObject(speaker);
    if (i > 0) await vi.waitUntil(() => refusals() > before);
  }
  await setLimits(server.url, { purseLeastDraw: 16, purseMostDraw: 320 });
  const neighbour = { "cf-connecting-ip": "2001:db8:99:2::1" };
  for (let asked = 0; asked < 3; asked++)
    expect((await request(server.url, "/lobbies", { headers: neighbour })).status).toBe(200);
});

test("a budget that does not answer refuses nobody", async () => {
  const headers = newNetwork();
  await failCalls(server.url, "draw", "fail", 1e9);
  for (let asked = 0; asked < 10; asked++)
    expect((await request(server.url, "/lobbies", { headers })).status).toBe(200);
  await failCalls(server.url, "draw", "fail", 0);
  expect(lineOf("budget_unreachable").length).toBeGreaterThan(0);
});

test("a network that was refused is refused again if its budget does not answer", async () => {
  const headers = newNetwork();
  const refusal = await spendAll(headers);
  await later(server.url, Number(refusal.headers.get("retry-after")) * 1000);
  await failCalls(server.url, "draw", "fail", 1e9);
  const list = () => request(server.url, "/lobbies", { headers });
  // The first one after its time asks.
  expect((await list()).status).toBe(200);
  expectRefused(await list(), 429, "over_budget");
  await failCalls(server.url, "draw", "fail", 0);
  await later(server.url, edgeLimits.budgetAgainMs);
  expect((await list()).status).toBe(200);
  expect((await list()).status).toBe(200);
});

test("who talks all evening is heard: its purse is filled from its network's budget", async () => {
  const headers = newNetwork();
  const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true, maxMembers: 4 });
  const speaker = await Player.connect(server.url, `/lobbies/${lobbyId}`, headers);
  await speaker.join(lobbyId, "Speaker");
  for (let evening = 0; evening < 3; evening++) {
    for (let said = 0; said < purseMicros / prices.frame; said++) {
      speaker.chat(lobbyId, `Line ${evening} ${said}`);
      await host.hearsChat(`Line ${evening} ${said}`);
    }
    await later(server.url, 3_600_000);
  }
});
