/**
 * Somebody has collected tokens of sockets that are closed, and sends them to a sidecar, each time from another port, as
 * made-up addresses would come. A real sidecar over real UDP, and an edge that counts what it is asked.
 */

import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { observingLimits } from "../../core/observing/limits.ts";
import { parseToken } from "../../core/token.ts";
import { type Answer, startStandIn } from "../../measure/kit/edge.ts";
import { freeUdpPort } from "../../measure/kit/free-ports.ts";
import { startProgram } from "../../measure/kit/program.ts";
import { datagramOf, keyTextOf, passOf, signedOf, tokenOf } from "../../measure/kit/secret.ts";
import { decode } from "../../measure/kit/wire.ts";

const { objectsPerPost, spareCallBurst, spareCallsPerSecond, callsPerRequest } = observingLimits;
/** A Worker's request and an object's call, in dollars. */
const prices = { request: 0.3e-6, call: 0.15e-6 };
const daySeconds = 24 * 60 * 60;
const ports = 200;
const honest = "Honest----------";

/** A sidecar process, and an edge that holds nobody but one honest player. */
async function stage() {
  const counts = { requests: 0, calls: 0 };
  const answer: Answer = ({ path, body }, response) => {
    if (path !== "/sidecar/observations") return response.end('{"known":true}');
    const all: { clientId: string }[] = JSON.parse(body).observations;
    counts.requests += 1;
    const calls = Math.min(objectsPerPost, all.length);
    counts.calls += calls;
    const indexes = all.flatMap(({ clientId }, i) => (clientId === honest ? [] : [i]));
    const [gone, again] = [indexes.slice(0, objectsPerPost), indexes.slice(objectsPerPost)];
    // As far away as Cloudflare.
    setTimeout(() => response.end(JSON.stringify({ again, gone, idle: [], calls })), 10);
  };
  const edge = await startStandIn(answer);
  const port = await freeUdpPort();
  const program = startProgram("node", ["udp-sidecar/main.ts", "--udpPort", String(port)], {
    ORION_EDGE: edge.url.origin,
    ORION_SIDECAR_KEY: keyTextOf(),
    ORION_METRICS_PORT: "off",
  });
  await program.prints(/sidecar_accepted/);
  const sockets = await Promise.all(
    Array.from({ length: ports }, async () => {
      const socket = createSocket("udp4").bind(0, "127.0.0.1");
      await once(socket, "listening");
      return socket;
    }),
  );
  onTestFinished(async () => {
    for (const socket of sockets) socket.close();
    await program.stop();
    await edge.stop();
  });
  return { counts, edge, port, sockets };
}

/** Sends all of them, each from the next port, over and over for so many seconds: so many datagrams a second. */
async function flood(
  tokens: string[],
  { port, sockets }: { port: number; sockets: Socket[] },
  seconds: number,
  pace: number,
) {
  const datagrams = tokens.map(datagramOf);
  const end = performance.now() + seconds * 1_000;
  let sent = 0;
  for (const began = performance.now(); performance.now() < end; await wait(5)) {
    const due = ((performance.now() - began) / 1_000) * pace;
    for (; sent < due; sent++)
      sockets[sent % ports]?.send(datagrams[sent % datagrams.length] ?? "", port, "127.0.0.1");
  }
  return sent;
}

for (const [count, pace] of [
  [90, 1_800],
  [5_000, 5_000],
] as const) {
  test(`${count} tokens of closed sockets cause few requests, from however many ports they come`, async () => {
    const { counts, ...about } = await stage();
    const tokens = Array.from({ length: count }, (_, i) => tokenOf(`dead-${i}`, { holder: `l${i}` }));
    const seconds = 20;
    const sent = await flood(tokens, about, seconds, pace);
    const spent = counts.requests * prices.request + counts.calls * prices.call;
    console.log(
      `${count} dead tokens, ${sent} datagrams in ${seconds} s: ${counts.requests} requests, ${counts.calls} calls of objects, $${spent.toFixed(6)}`,
    );
    const cost = counts.calls + callsPerRequest * counts.requests;
    // Half a second more, for the clocks of two processes.
    expect(cost).toBeLessThanOrEqual(spareCallBurst + (seconds + 0.5) * spareCallsPerSecond);
    if (count === 90) expect(counts.calls).toBe(90);
    expect(daySeconds * spareCallsPerSecond * prices.call).toBeLessThan(0.4);
  });
}

test("one token with ever new macs, from made-up addresses, keeps no plain player from being seen", async () => {
  const { edge, port } = await stage();
  const sockets = await Promise.all(
    Array.from({ length: ports }, async (_, i) => {
      const socket = createSocket("udp4").bind(0, `127.1.${i}.1`);
      await once(socket, "listening");
      return socket;
    }),
  );
  const { signed } = parseToken(tokenOf("dead")) ?? {};
  const tokens = Array.from({ length: 20_000 }, (_, i) => `${signed}.${String(i).padStart(22, "0")}`);
  const flooding = flood(tokens, { port, sockets }, 25, 500);
  // Until the budget is used up.
  await wait(20_000);
  const before = performance.now();
  sockets[0]?.send(datagramOf(tokenOf(honest)), port, "127.0.0.1");
  const isThere = () => edge.observed.flat().some(({ clientId }) => clientId === honest);
  await vi.waitFor(() => expect(isThere()).toBe(true), { timeout: 4_500, interval: 5 });
  console.log(
    `in a flood of one token with other macs: a plain player after ${(performance.now() - before).toFixed(0)} ms`,
  );
  await flooding;
  for (const socket of sockets) socket.close();
});

test("while somebody sends more fresh tokens than the budget takes, proven players are posted at once, and so are those that were wanted", async () => {
  const { counts, ...about } = await stage();
  const { edge, port, sockets } = about;
  const [socket] = sockets;
  const token = tokenOf(honest);
  const posted = () => edge.observed.flat().filter(({ clientId }) => clientId === honest).length;
  // Wanted: the edge has just said so.
  socket?.send(datagramOf(token), port, "127.0.0.1");
  await vi.waitFor(() => expect(posted()).toBe(1), { timeout: 5_000, interval: 2 });

  const fresh = Array.from({ length: 5_000 }, (_, i) => tokenOf(`fresh-${i}`, { holder: `l${i}` }));
  const flooding = flood(fresh, about, 8, 2_000);
  // Until the budget is used up.
  await vi.waitFor(() => expect(counts.calls).toBeGreaterThan(400), { timeout: 8_000, interval: 5 });
  const { requests } = counts;
  sockets[1]?.send(datagramOf(token), port, "127.0.0.1");
  let before = performance.now();
  await vi.waitFor(() => expect(posted()).toBe(2), { timeout: 5_000, interval: 2 });
  const wantedMs = performance.now() - before;

  const { pass, key } = passOf("Ada");
  const probe = (about: object) =>
    signedOf(key, "ptpMediation_probe", { pass, candidates: [], pad: "-".repeat(120), ...about });
  before = performance.now();
  const answered = once(socket as Socket, "message");
  socket?.send(probe({ nonce: "nonce-01" }), port, "127.0.0.1");
  const [bytes] = (await answered) as [Buffer];
  const { cookie } = decode(bytes.toString().split(".")[0] ?? "").payload;
  socket?.send(probe({ nonce: "nonce-02", cookie }), port, "127.0.0.1");
  const isThere = () => edge.observed.flat().some(({ clientId }) => clientId.startsWith("Ada-"));
  await vi.waitFor(() => expect(isThere()).toBe(true), { timeout: 5_000, interval: 2 });
  const provenMs = performance.now() - before;
  console.log(
    `in a flood of fresh tokens: a wanted player after ${wantedMs.toFixed(0)} ms, a proven one after ${provenMs.toFixed(0)} ms`,
  );
  // A turn of the budget takes 100 ms: neither waits for it. Loaded machines are slow.
  expect(wantedMs).toBeLessThan(1_000);
  expect(provenMs).toBeLessThan(1_000);
  expect(requests).toBeLessThan(200);
  await flooding;
});
