/** Clients of groovejet's older forms are in their rooms before they say a word. Their connections may break before the upgrade is answered. */
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { drawRoom, GroovejetClient } from "../../measure/kit/groovejet-client.ts";
import { patienceMs } from "../../measure/kit/patience.ts";
import { setFault, setLimits, startFaultyServer } from "../../measure/kit/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({ udpPort: null });
  await setLimits(server.url, { unknownCodes: 1_000, unopenedMs: 1_000 });
});
afterAll(() => server.stop());

const byQuery = (query: string) => GroovejetClient.connect(server.url, `/?${query}`);

/** An upgrade of a host that has asked, and has not heard the answer. */
async function upgrading(code: string, { url } = server): Promise<Socket> {
  const socket = createConnection({
    host: url.hostname,
    port: Number(url.port),
    noDelay: true,
  });
  socket.on("error", () => {});
  await once(socket, "connect");
  const head = [
    `GET /?code=${code}&host HTTP/1.1`,
    `Host: ${url.host}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "CF-Connecting-IP: 203.0.113.7",
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  return socket;
}

/** Waits until the code's room can be led again. */
async function leads(code: string): Promise<GroovejetClient> {
  for (const giveUpAt = Date.now() + patienceMs; ; await wait(100)) {
    const host = await byQuery(`code=${code}&host`);
    await Promise.race([host.settled(), host.closed]);
    const [refusal] = host.all("error");
    if (!refusal) return host;
    if (Date.now() > giveUpAt) throw new Error(String(refusal.errorType));
  }
}

test("a host whose connection is reset before its upgrade is answered gives its room back", async () => {
  // A connection that takes what is sent shows that the platform tells.
  const healthy = await byQuery(`code=${await drawRoom(server.url)}&host`);
  await wait(1_500);
  const codes = await Promise.all(Array.from({ length: 4 }, () => drawRoom(server.url)));
  await setFault(server.url, "answering", "500");
  for (const code of codes) {
    const socket = await upgrading(code);
    await wait(150);
    socket.resetAndDestroy();
    await wait(1_000);
  }
  await setFault(server.url, "answering", "");
  for (const code of codes) {
    const host = await leads(code);
    const guest = await byQuery(`code=${code}`);
    guest.say({ type: "clientSignal", data: { offerSignal: 1 } });
    await host.hears("clientConnection");
  }
  expect(healthy.all("error")).toEqual([]);
});

test("clients that would have been refused, and whose connections are reset before that, take no room", async () => {
  const small = await startFaultyServer({
    udpPort: null,
    vars: { clientAddress: "cloudflare", clientsPerLounge: 256, socketsPerAddress: 1 },
  });
  onTestFinished(() => small.stop());
  await setLimits(small.url, { unopenedMs: 1_000 });
  const headers = { "cf-connecting-ip": "203.0.113.7" };
  // A connection that takes what is sent shows that the platform tells.
  const other = { "cf-connecting-ip": "198.51.100.7" };
  await GroovejetClient.connect(small.url, `/?code=${await drawRoom(small.url)}&host`, other);
  await wait(1_500);
  await setFault(small.url, "answering", "500");
  for (let i = 0; i < 6; i++) {
    const socket = await upgrading("none", small);
    await wait(150);
    socket.resetAndDestroy();
    await wait(700);
  }
  await setFault(small.url, "answering", "");
  const connects = () => GroovejetClient.connect(small.url, "/groovejet", headers).then(String, () => null);
  await expect.poll(connects).not.toBe(null);
});

test("a host that is there stays, however long it says nothing", async () => {
  const code = await drawRoom(server.url);
  const host = await byQuery(`code=${code}&host`);
  const guest = await byQuery(`code=${code}`);
  await wait(2_500);
  guest.say({ type: "clientSignal", data: { offerSignal: 1 } });
  await host.hears("clientConnection");
  expect([...host.all("error"), ...guest.all("error")]).toEqual([]);
});
