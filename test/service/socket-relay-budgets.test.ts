/** What a relay over WebSocket may cost, whom the lobby removes, and how many sockets it may have. */
import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { prices } from "../../core/bill.ts";
import { closures } from "../../core/problem.ts";
import type { Server } from "../../local/server.ts";
import { call, startKeptServer } from "../../measure/kit/kept.ts";
import { refusedUpgrade } from "../../measure/kit/player.ts";
import {
  hibernate,
  setLimits,
  spoilCounting,
  startLoggedServer,
  startTestServer,
} from "../../measure/kit/server.ts";
import { openRelay, patientRelay, type RelayTicket, relayTicket } from "../../measure/kit/socket-relay.ts";

const secret = randomBytes(32).toString("hex");
const link = "0123456789ab";
const ticketOf = (side: "a" | "b", about: Partial<RelayTicket> = {}) => {
  const [clientId, peerId] = side === "a" ? ["ada", "bob"] : ["bob", "ada"];
  return relayTicket(secret, { link, side, lobby: "lobby001", clientId, peerId, ...about });
};

async function pair(
  base: URL,
  lobby: string,
  networks: readonly [string, string] = ["192.0.2.1", "198.51.100.1"],
) {
  const [a, b] = await Promise.all(
    (["a", "b"] as const).map((side, i) =>
      openRelay(base, ticketOf(side, { lobby }), { headers: { "cf-connecting-ip": networks[i] ?? "" } }),
    ),
  );
  if (!a || !b) throw new Error("nobody");
  await a.until(() => a.texts.includes(`bound ${link} true`));
  return { a, b };
}

test("who is removed from the lobby is closed, and its tickets of before are no good any more", async () => {
  const server = await startKeptServer({ secret, udpPort: null });
  const { a, b } = await pair(server.url, "lobby001");
  a.send(link, "hello");
  await b.until(() => b.packets.length === 1);
  await wait(20);
  await call(server.url, "RELAY", "relay:lobby001:0", {
    method: "drop",
    args: [["ada".padEnd(16, "-"), "somebody else"]],
  });
  await a.until(() => a.closed !== null);
  expect(a.closed).toMatchObject({
    code: 1008,
    reason: "The player was removed from the lobby, or has left it.",
  });
  await b.until(() => b.texts.at(-1) === `bound ${link} false`);
  await hibernate(server, { className: "Relay", name: "relay:lobby001:0" });
  // The ticket was renewed meanwhile: it still says when its mediation began.
  const begunAt = Date.now() - 60_000;
  const early = await openRelay(server.url, ticketOf("a", { begunAt }));
  await early.until(() => early.closed !== null);
  expect(early.texts).toEqual([`refused ${link} removed`]);
  expect(early.closed).toMatchObject({ code: 1008 });
  b.send(link, "for nobody");
  // It has joined again since, and a later mediation has introduced it.
  const later = "0123456789cc";
  const again = await openRelay(server.url, ticketOf("a", { link: later, begunAt: Date.now() + 1_000 }));
  await again.until(() => again.texts.includes(`bound ${later} false`));
  // What is left of before does not take its place, and binds nothing on its socket.
  const late = await openRelay(server.url, ticketOf("a", { begunAt }));
  await late.until(() => late.closed !== null);
  again.bind(ticketOf("a", { begunAt }));
  await again.until(() => again.texts.includes(`refused ${link} removed`));
  expect([again.closed, again.packets]).toEqual([null, []]);
  await Promise.all([again.close(), b.close()]);
  await server.stop();
});

test("with npm start, sockets of relays count for their address, and close when the server stops", async () => {
  const server = await startTestServer({
    secret,
    udpPort: null,
    vars: { reverseProxies: "127.0.0.1", socketsPerAddress: 1 },
    room: { sockets: 100 },
  });
  const headers = { "x-forwarded-for": "203.0.113.9" };
  const a = await openRelay(server.url, ticketOf("a"), { headers });
  await expect(openRelay(server.url, ticketOf("b"), { headers })).rejects.toThrow("429 too_many_requests");
  const other = { "x-forwarded-for": "198.51.100.9" };
  const b = await openRelay(server.url, ticketOf("b"), { headers: other });
  a.send(link, "hello");
  await b.until(() => b.packets.length === 1);
  b.send(link, "hello");
  await a.close();
  const again = await openRelay(server.url, ticketOf("a"), { headers });
  again.send(link, "again");
  await b.until(() => b.packets.length === 2);
  await server.stop();
  await again.until(() => again.closed !== null);
  expect([again.closed?.code, b.closed?.code]).toEqual([1012, 1012]);
});

test("what a relay has claimed outlives its sleep, and who opens it pays for the claim", async () => {
  // Half of it is there at once: eight claims of the relays', and four that a network can pay for.
  const vars = { clientAddress: "cloudflare", networkCentsPerDay: 1, relayCentsPerDay: 2 } as const;
  const server = await startLoggedServer({ secret, udpPort: null, vars });
  onTestFinished(() => server.stop());
  await setLimits(server.url, {
    ...patientRelay,
    relayFirstClaim: 1_200,
    relayMostClaim: 1_200,
    toldMicros: 0,
    budgetPatienceMs: 60_000,
  });
  const { a, b } = await pair(server.url, "lobby001");
  const packets = Array.from({ length: 10 }, (_, i) => `after ${i + 1} sleeps`);
  for (const packet of packets) {
    await hibernate(server, { className: "Relay", name: "relay:lobby001:0" });
    // After a sleep an end gets nothing before it was heard.
    const told = b.texts.length;
    b.bind(ticketOf("b", { lobby: "lobby001" }));
    await b.until(() => b.texts.length > told || b.closed !== null);
    a.send(link, packet);
    await b.until(() => b.payloads.at(-1) === packet || b.closed !== null);
  }
  expect(b.payloads).toEqual(packets);
  expect(b.texts.filter((text) => text.includes("relay_full"))).toEqual([]);
  await Promise.all([a.close(), b.close()]);
  const headers = { "cf-connecting-ip": "203.0.113.77" };
  let opened = 0;
  let refusal = "";
  while (refusal === "" && opened < 16) {
    opened += 1;
    await openRelay(server.url, ticketOf("a", { lobby: `lobby1${opened}`.padEnd(8, "0") }), { headers })
      .then((relay) => relay.close())
      .catch((error) => {
        refusal = String(error);
      });
  }
  expect(refusal).toContain("429 over_budget");
});

describe("with budgets", () => {
  let server: Server & { readonly logged: readonly string[] };
  beforeAll(async () => {
    server = await startLoggedServer({
      secret,
      udpPort: null,
      vars: { clientAddress: "cloudflare", networkCentsPerDay: 1, relayCentsPerDay: 1 },
    });
    await setLimits(server.url, {
      ...patientRelay,
      purseMicros: 1,
      purseOverdraft: 0.5,
      toldMicros: 0,
      budgetPatienceMs: 60_000,
    });
    await spoilCounting(server.url, "CONNECTS", "missing");
  });
  afterAll(() => server.stop());

  test("a member whose network has spent all it may is told, and then closed; others go on", async () => {
    const headers = { "cf-connecting-ip": "203.0.113.66" };
    const { a, b } = await pair(server.url, "lobby002", ["203.0.113.66", "198.51.100.1"]);
    const connect = () => refusedUpgrade(server.url, "/", headers).catch(() => null);
    for (let refusal = null; refusal === null; ) {
      const answers = await Promise.all(Array.from({ length: 40 }, connect));
      refusal = answers.find((answer) => answer !== null) ?? null;
    }
    let sent = 0;
    for (; a.closed === null && sent < 300; sent++) {
      a.send(link, "x");
      b.send(link, "x");
      await a.settled();
    }
    expect(a.closed).toMatchObject({ code: 1008, reason: closures.over_budget[1] });
    expect(a.texts).toContain("notice  over_budget");
    // Its purse, and what it may owe.
    expect(b.packets.length).toBeLessThan(1.5 / prices.relayFrame + 15);
    expect(b.closed).toBeNull();
    await expect(openRelay(server.url, ticketOf("a"), { headers })).rejects.toThrow("429 over_budget");
    await b.close();
  });

  test("when all relays together have spent what they may, members are told before they are closed", async () => {
    await setLimits(server.url, { relayFirstClaim: 2, relayMostClaim: 2, purseMicros: 16 });
    const { a, b } = await pair(server.url, "lobby003");
    await setLimits(server.url, { relayFirstClaim: 6_000, relayMostClaim: 6_000 });
    // What it leaves is less than any claim from now on, however long this takes: the budget fills up slowly.
    const other = await pair(server.url, "lobby004", ["192.0.2.3", "192.0.2.4"]);
    // Its object stays awake: one that sleeps forgets what it has claimed.
    const playing = setInterval(() => {
      other.a.send(link, "still here");
      other.b.send(link, "still here");
    }, 500);
    onTestFinished(() => clearInterval(playing));
    let told = Number.POSITIVE_INFINITY;
    for (let sent = 0; a.closed === null && sent < 400; sent++) {
      if (told > sent && b.texts.includes("notice  relay_full")) told = sent;
      a.send(link, `${sent}`);
      // What it was told before this packet it hears before it.
      await b.until(() => b.packets.length > sent || b.closed !== null);
      await a.settled();
    }
    await b.until(() => b.closed !== null);
    expect([a.closed, b.closed]).toMatchObject([{ code: 1013 }, { code: 1013 }]);
    // All that was sent after the notice, and before the end, has arrived.
    expect(b.packets.length - told).toBeGreaterThan(10);
    expect(b.payloads).toEqual(Array.from({ length: b.packets.length }, (_, i) => `${i}`));
    const late = await openRelay(server.url, ticketOf("a", { lobby: "lobby003" }));
    // A relay whose object has ended meanwhile lets it in, and asks the budget at its first frame.
    while (late.closed === null) {
      late.send(link, "late");
      await late.settled();
    }
    expect(late.closed).toMatchObject({ code: 1013 });
    expect(late.texts.at(-1)).toMatch(/^(refused|notice) {2}relay_full$/);
    expect(server.logged.some((line) => line.includes('"event":"relay_full"'))).toBe(true);
    // A relay that has claimed its part goes on.
    const heard = other.b.packets.length;
    await other.b.until(() => other.b.packets.length > heard + 1);
    clearInterval(playing);
    await Promise.all([other.a.close(), other.b.close()]);
  });
});
