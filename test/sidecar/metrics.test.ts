/** What a sidecar tells its operator over HTTP. */

import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, request } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { sharedLimits } from "../../core/limits.ts";
import { type Answer, type StandIn, startStandIn, takeAll } from "../../measure/kit/edge.ts";
import { freeUdpPort } from "../../measure/kit/free-ports.ts";
import { holderOf, openUdpClient, type UdpClient } from "../../measure/kit/relay.ts";
import { datagramOf, dataOf, keyOf, secret, ticketOf, tokenOf } from "../../measure/kit/secret.ts";
import { newRelayCounts } from "../../udp-sidecar/counts.ts";
import { mostConnections, serveMetrics } from "../../udp-sidecar/metrics.ts";
import { type Sidecar, type SidecarOptions, startSidecar } from "../../udp-sidecar/sidecar.ts";

const cleanUps: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});
const soon = { interval: 5 };
const metrics = { port: 0, host: "127.0.0.1" };

async function start(answer: Answer = takeAll, options: Partial<SidecarOptions> = {}) {
  const edge: StandIn = await startStandIn(answer);
  cleanUps.push(edge.stop);
  const sidecar = await startSidecar(
    { edge: edge.url, key: keyOf(), port: 0, metrics, ...options },
    () => {},
  );
  cleanUps.push(sidecar.stop);
  return { edge, sidecar };
}

async function client(): Promise<UdpClient> {
  const opened = await openUdpClient();
  cleanUps.push(opened.close);
  return opened;
}

const get = (sidecar: Sidecar, path: string, init?: RequestInit) =>
  fetch(`http://127.0.0.1:${sidecar.metricsPort}${path}`, init);

/** The values by name and labels. */
async function read(sidecar: Sidecar): Promise<Record<string, number>> {
  const text = await (await get(sidecar, "/metrics")).text();
  const rows = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(
    rows.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
}

test("tells what became of datagrams, by port and verdict, and what the edge took", async () => {
  const { edge, sidecar } = await start();
  const ada = await client();
  await ada.send(datagramOf(tokenOf("Ada")), sidecar.port);
  await ada.send("junk", sidecar.secondPort);
  await ada.send(datagramOf(tokenOf("Eve", { under: "another secret, as long" })), sidecar.secondPort);
  await vi.waitFor(() => expect(edge.observed).toHaveLength(1), soon);
  await vi.waitFor(async () => {
    expect(await read(sidecar)).toMatchObject({
      'orion_datagrams_total{port="first",verdict="observed"}': 1,
      'orion_datagrams_total{port="first",verdict="junk"}': 0,
      'orion_datagrams_total{port="first",verdict="shed"}': 0,
      'orion_datagrams_total{port="second",verdict="junk"}': 1,
      'orion_datagrams_total{port="second",verdict="forged"}': 1,
      orion_observations_posted_total: 1,
      orion_observations_lost_total: 0,
    });
  }, soon);
});

test("tells of the relay: links, ends, packets, drops, refusals and notices", async () => {
  const { sidecar } = await start(takeAll, { relay: { links: 1, linkRate: 500 }, elapsed: () => 0 });
  const relay = () => sidecar.port;
  const [ada, bob] = [
    holderOf(await client(), ticketOf("a"), relay),
    holderOf(await client(), ticketOf("b"), relay),
  ];
  await ada.bind();
  await bob.bind();
  for (let sent = 0; sent < 3; sent++) await ada.say(Buffer.alloc(193));
  await ada.send(dataOf("00000000000f", "?"), sidecar.port);
  await holderOf(await client(), ticketOf("a", { link: "00000000000f", a: "Cid" }), relay).bind();
  await vi.waitFor(() => expect(sidecar.relayed.drops.unknown_link).toBe(1), soon);
  expect(await read(sidecar)).toMatchObject({
    orion_relay_links: 1,
    orion_relay_ends: 2,
    orion_relay_lobbies: 1,
    orion_relay_packets_total: 3,
    orion_relay_bytes_total: 600,
    orion_relay_binds_total: 2,
    orion_relay_challenges_total: 3,
    'orion_relay_drops_total{cause="unknown_link"}': 1,
    'orion_relay_drops_total{cause="foreign_sender"}': 0,
    'orion_relay_refusals_total{code="relay_full"}': 1,
    'orion_relay_notices_total{code="rate"}': 2,
    'orion_datagrams_total{port="first",verdict="binds"}': 6,
    'orion_datagrams_total{port="first",verdict="packets"}': 4,
  });
});

test("tells of its process, and twice the same when nothing happens between", async () => {
  const { sidecar } = await start();
  await sidecar.known;
  const [once, again] = [await read(sidecar), await read(sidecar)];
  expect(once.process_resident_memory_bytes).toBeGreaterThan(1e6);
  const ours = (all: Record<string, number>) =>
    Object.entries(all).filter(([name]) => name.startsWith("orion_"));
  expect(ours(again)).toEqual(ours(once));
});

test("is healthy while the edge knows it, and says in a word why it is not", async () => {
  let isWell = false;
  const { sidecar } = await start((post, response) =>
    isWell ? takeAll(post, response) : response.writeHead(503).end(),
  );
  const health = async () => {
    const answer = await get(sidecar, "/healthz");
    return [answer.status, (await answer.text()).trim()];
  };
  expect(await health()).toEqual([503, "unknown"]);
  expect(await read(sidecar)).toMatchObject({ orion_heartbeat_accepted: 0 });
  isWell = true;
  await sidecar.known;
  expect(await health()).toEqual([200, "ok"]);
  expect(await read(sidecar)).toMatchObject({ orion_heartbeat_accepted: 1 });
});

test("is not healthy any more when the edge must have forgotten it, though no heartbeat was refused", async () => {
  let now = 0;
  const { sidecar } = await start(takeAll, { elapsed: () => now });
  await sidecar.known;
  now = sharedLimits.sidecarLifeMs - 1;
  expect((await get(sidecar, "/healthz")).status).toBe(200);
  now += 1;
  const answer = await get(sidecar, "/healthz");
  expect([answer.status, await answer.text()]).toEqual([503, "unknown\n"]);
  expect(await read(sidecar)).toMatchObject({ orion_heartbeat_accepted: 0 });
});

test("says that it leaves, while it still carries links", async () => {
  const { sidecar } = await start();
  await sidecar.known;
  const ada = holderOf(await client(), ticketOf("a"), () => sidecar.port);
  await ada.bind();
  const stopping = sidecar.stop();
  const answer = await get(sidecar, "/healthz");
  expect([answer.status, await answer.text()]).toEqual([503, "leaving\n"]);
  await stopping;
  await expect(get(sidecar, "/healthz")).rejects.toThrow();
});

test("never tells a token, a ticket, a key, an address or the secret", async () => {
  const { sidecar } = await start();
  const ada = holderOf(await client(), ticketOf("a"), () => sidecar.port);
  await ada.bind();
  await ada.send(datagramOf(tokenOf("Ada")), sidecar.port);
  await vi.waitFor(() => expect(sidecar.counts.observed).toBe(1), soon);
  const text = await (await get(sidecar, "/metrics")).text();
  for (const word of [secret, ada.key, ada.link, "Ada", "ABCDE", "127.0.0.1"])
    expect(text).not.toContain(word);
});

/** Connections that begin a request, or say nothing at all, and do no more. */
async function idlers(port: number, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(port, "127.0.0.1"));
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (const [index, socket] of sockets.entries()) {
    socket.on("error", () => {}).resume();
    await once(socket, "connect");
    if (index % 2 === 0) socket.write("GET /healthz HTTP/1.1\r\nhost: x\r\n");
  }
  return sockets;
}

const someSources = {
  ports: {},
  relayed: newRelayCounts(),
  carried: () => ({ links: 0, ends: 0, lobbies: 0 }),
  observations: () => ({ posted: 0, held: 0, lost: 0, refused: 0, ignored: 0 }),
  isKnown: () => true,
  unproven: () => 0,
  trouble: () => null,
  gateways: { running: [], skipped: [], isHeld: () => false, stop: async () => {} },
};

test("takes so many connections and no more, and those who never send a request keep it to themselves only for a while", async () => {
  const serve = async (requestMs: number) => {
    const server = await serveMetrics({ port: 0, host: "127.0.0.1", requestMs }, someSources);
    cleanUps.push(() => server.close());
    const health = async () => (await fetch(`http://127.0.0.1:${server.port}/healthz`)).status;
    return { health, held: await idlers(server.port, mostConnections) };
  };
  await expect((await serve(3_600_000)).health()).rejects.toThrow();
  const { health, held } = await serve(300);
  await vi.waitFor(async () => expect(await health()).toBe(200), soon);
  await vi.waitFor(() => expect(held.every(({ closed }) => closed)).toBe(true), soon);
});

test("answers nothing else, and only to a GET or a HEAD", async () => {
  const { sidecar } = await start();
  expect((await get(sidecar, "/")).status).toBe(404);
  expect((await get(sidecar, "/metrics/../secret")).status).toBe(404);
  expect((await get(sidecar, "/metrics", { method: "POST", body: "x" })).status).toBe(405);
  for (const path of ["/healthz", "/metrics"]) {
    const head = await get(sidecar, path, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([(await get(sidecar, path)).status, ""]);
  }
});

/** The answer to a call by this name. */
function called(sidecar: Sidecar, host: string): Promise<{ status: number; headers: IncomingHttpHeaders }> {
  return new Promise((resolve, reject) => {
    const headers = { host };
    const asked = request({ port: sidecar.metricsPort, host: "127.0.0.1", path: "/metrics", headers });
    asked.on("response", (answer) => {
      answer.resume();
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers });
    });
    asked.on("error", reject).end();
  });
}

test("answers by its addresses and its own names, and not by a name that a web page leads here", async () => {
  const { sidecar } = await start(takeAll, { metrics: { ...metrics, names: ["udp.example.org"] } });
  const own = [
    "127.0.0.1:5992",
    "[::1]:5992",
    "192.0.2.7",
    "localhost:5992",
    "LocalHost",
    "UDP.example.org:1",
  ];
  for (const host of own) expect([host, (await called(sidecar, host)).status]).toEqual([host, 200]);
  const foreign = [
    "evil.example:5992",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "udp.example.org.evil.example",
  ];
  for (const host of foreign) expect([host, (await called(sidecar, host)).status]).toEqual([host, 421]);
});

test("no answer may be kept, or taken for another kind", async () => {
  const { sidecar } = await start();
  for (const host of ["127.0.0.1", "evil.example"]) {
    expect((await called(sidecar, host)).headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
    });
  }
});

test("is not there unless it is asked for", async () => {
  const { sidecar } = await start(takeAll, { metrics: undefined });
  expect(sidecar.metricsPort).toBe(0);
});

test("whose port is taken lets the sidecar not start, and holds no UDP port", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  cleanUps.push(() => other.close());
  const address = other.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const udpPort = await freeUdpPort();
  const wish = { port: udpPort, secondPort: 0, metrics: { port, host: "127.0.0.1" } };
  await expect(start(takeAll, wish)).rejects.toMatchObject({ code: "EADDRINUSE", syscall: "listen" });
  await start(takeAll, { port: udpPort, secondPort: 0 });
});
