/** Somebody who opens as much as one address may: nobody else is refused for it, or pushed out of the list. */
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { sharedLimits } from "../../core/limits.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import type { Server, ServerOptions } from "../../local/server.ts";
import { drawRoom } from "../../measure/kit/groovejet-client.ts";
import { Player, refusedUpgrade, request } from "../../measure/kit/player.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { startTestServer } from "../../measure/kit/server.ts";

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

/** The Worker without what `npm start` adds. */
const plainWorker = fileURLToPath(new URL("../../worker/index.ts", import.meta.url));

/** As `npm start` runs behind a proxy that tells where players are. */
async function start({ vars, ...options }: Partial<ServerOptions>): Promise<URL> {
  const server = await startTestServer({
    udpPort: null,
    vars: { reverseProxies: "127.0.0.1", clientsPerLounge: 256, ...vars },
    ...options,
  });
  servers.push(server);
  return server.url;
}

const from = (address: string) => ({ "x-forwarded-for": address });
const flooder = from("203.0.113.66");
let others = 0;
const somebodyElse = () => {
  others += 1;
  return from(`198.51.${others}.1`);
};

/** So many sockets from there. */
async function connect(
  base: URL,
  count: number,
  headers: Record<string, string>,
  path = "/",
): Promise<Player[]> {
  return await Promise.all(Array.from({ length: count }, () => Player.connect(base, path, headers)));
}

const sockets: WebSocket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.terminate();
});

/** The status of the answer to an upgrade: 101 if it got its socket, which stays open. */
function upgrade(base: URL, headers: Record<string, string>, path = "/"): Promise<number> {
  const socket = new WebSocket(new URL(path, base.href.replace("http", "ws")), { headers });
  sockets.push(socket);
  return new Promise((resolve, reject) => {
    socket.on("open", () => resolve(101));
    socket.on("error", reject);
    socket.on("unexpected-response", (_, response) => {
      response.destroy();
      resolve(response.statusCode ?? 0);
    });
  });
}

for (const path of ["/", "/lobbies"]) {
  test(`one address gets half of a small server's sockets on ${path}, and a 429; others get in`, async () => {
    const base = await start({ room: { sockets: 60 } });
    const statuses = await Promise.all(Array.from({ length: 60 }, () => upgrade(base, flooder, path)));
    expect(statuses.filter((status) => status === 101)).toHaveLength(30);
    expect(statuses.filter((status) => status === 429)).toHaveLength(30);
    expectRefused(await refusedUpgrade(base, path, flooder), 429, "too_many_requests");
    const players = await connect(base, 10, somebodyElse(), path);
    expect(players).toHaveLength(10);
    expect((await players[0]?.host())?.status).toBe(201);
  });
}

test.each([
  ["IPv4 /24", "203.0.113.66", "203.0.113.67"],
  ["IPv6 /56", "2001:db8:66:100::1", "2001:db8:66:101::1"],
  ["IPv6 /48", "2001:db8:66:100::1", "2001:db8:66:200::1"],
  ["IPv6 /32", "2001:db8:66::1", "2001:db8:67::1"],
])(
  "one address that takes half of a small server leaves room to its neighbours in an %s",
  async (_, one, other) => {
    const base = await start({ room: { sockets: 60 } });
    const statuses = await Promise.all(Array.from({ length: 60 }, () => upgrade(base, from(one))));
    expect(statuses.filter((status) => status === 101)).toHaveLength(30);
    expect(await connect(base, 7, from(other))).toHaveLength(7);
    expect(await connect(base, 7, somebodyElse())).toHaveLength(7);
  },
);

test("when neighbours have filled their IPv4 /24, an address that holds few sockets gets one", async () => {
  const base = await start({ room: { sockets: 2_275 }, vars: { socketsPerAddress: 20 } });
  const at = (i: number) => from(`203.0.113.${i}`);
  for (let i = 0; i < sharedLimits.sharesOf24; i++)
    await Promise.all(Array.from({ length: 20 }, () => upgrade(base, at(i))));
  expect(await upgrade(base, at(7))).toBe(429);
  expect(await upgrade(base, at(99))).toBe(101);
  // A twentieth of 20 is one.
  expect(await upgrade(base, at(99))).toBe(429);
  const others = await Promise.all(Array.from({ length: 100 }, (_, i) => upgrade(base, at(100 + i))));
  expect(others.filter((status) => status === 101)).toHaveLength((sharedLimits.sharesOf24 / 2) * 20 - 1);
});

/** Opens a socket that is thrown out at once, and whose client never reads that. The status of its upgrade. */
async function haunt(base: URL, headers: Record<string, string>, thrownOut: () => number): Promise<number> {
  const before = thrownOut();
  const status = await upgrade(base, headers);
  const socket = sockets.at(-1);
  if (status !== 101 || !socket) return status;
  socket.pause();
  socket.send("x".repeat(wireLimits.frameBytes + 1));
  await expect.poll(thrownOut).toBe(before + 1);
  return status;
}

/** As `start`, and how many clients it has thrown out. */
async function startCounted(
  options: Partial<ServerOptions>,
): Promise<{ base: URL; thrownOut: () => number }> {
  let count = 0;
  const logged = (text: string) => {
    count += text.split('"event":"client_thrown_out"').length - 1;
  };
  return { base: await start({ ...options, logged }), thrownOut: () => count };
}

test("sockets that were thrown out and do not go count for their address, too", async () => {
  const { base, thrownOut } = await startCounted({ room: { sockets: 40 } });
  const statuses: number[] = [];
  for (let i = 0; i < 40; i++) statuses.push(await haunt(base, flooder, thrownOut));
  expect(statuses).toEqual([...Array(20).fill(101), ...Array(20).fill(429)]);
  expect(await connect(base, 10, somebodyElse())).toHaveLength(10);
  // They do not, once they are gone.
  for (const socket of sockets.splice(0)) socket.terminate();
  await expect.poll(() => upgrade(base, flooder)).toBe(101);
});

test("in a lounge, sockets that were thrown out and do not go count for their address, too", async () => {
  const vars = {
    socketsPerAddress: 5,
    clientsPerLounge: 40,
    reverseProxies: "",
    clientAddress: "cloudflare",
  };
  const { base, thrownOut } = await startCounted({ vars, entry: plainWorker });
  const crowd = { "cf-connecting-ip": "203.0.113.66" };
  const statuses: number[] = [];
  for (let i = 0; i < 20; i++) statuses.push(await haunt(base, crowd, thrownOut));
  // Those of one lounge, and of another.
  expect(statuses).toEqual([...Array(10).fill(101), ...Array(10).fill(429)]);
  expect(await connect(base, 1, { "cf-connecting-ip": "198.51.100.1" })).toHaveLength(1);
});

/**
 * An upgrade of groovejet's form A that its room's code is too wrong for, by a client that never answers the close. The status of its upgrade.
 */
async function lingers(base: URL, headers: Record<string, string>): Promise<number> {
  const socket = createConnection({ host: base.hostname, port: Number(base.port), noDelay: true });
  lingering.push(socket);
  socket.on("error", () => {});
  await once(socket, "connect");
  const head = [
    "GET /?code=none&code=two HTTP/1.1",
    `Host: ${base.host}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  const [answer] = await once(socket, "data");
  return Number(String(answer).split(" ", 2)[1]);
}
const lingering: Socket[] = [];
afterEach(() => {
  for (const socket of lingering.splice(0)) socket.destroy();
});

test("sockets that were taken only to be refused count for their address until they are gone", async () => {
  const base = await start({ room: { sockets: 40 } });
  const statuses: number[] = [];
  for (let i = 0; i < 30; i++) statuses.push(await lingers(base, flooder));
  expect(statuses).toEqual([...Array(20).fill(101), ...Array(10).fill(429)]);
  expect(await connect(base, 10, somebodyElse())).toHaveLength(10);
  for (const socket of lingering.splice(0)) socket.destroy();
  await expect.poll(() => upgrade(base, flooder)).toBe(101);
});

test("in a lounge, sockets that were taken only to be refused count for their address until they are gone", async () => {
  const vars = {
    socketsPerAddress: 5,
    clientsPerLounge: 40,
    reverseProxies: "",
    clientAddress: "cloudflare",
  };
  const base = await start({ vars, entry: plainWorker });
  const crowd = { "cf-connecting-ip": "203.0.113.66" };
  const statuses: number[] = [];
  for (let i = 0; i < 15; i++) statuses.push(await lingers(base, crowd));
  // Those of one lounge, and of another.
  expect(statuses).toEqual([...Array(10).fill(101), ...Array(5).fill(429)]);
  expect(await connect(base, 1, { "cf-connecting-ip": "198.51.100.1" })).toHaveLength(1);
  for (const socket of lingering.splice(0)) socket.end();
  await expect.poll(() => upgrade(base, crowd)).toBe(101);
});

test("an address gets no more of a lounge when many of its sockets come at once", async () => {
  const vars = {
    socketsPerAddress: 5,
    clientsPerLounge: 40,
    reverseProxies: "",
    clientAddress: "cloudflare",
  };
  const base = await start({ vars, entry: plainWorker });
  const crowd = { "cf-connecting-ip": "203.0.113.66" };
  // The lounge asks the room of each before it takes the socket. So many wrong codes are none too many.
  const codes = await Promise.all(Array.from({ length: 18 }, () => drawRoom(base)));
  const statuses = await Promise.all(codes.map((code) => upgrade(base, crowd, `/?code=${code}&host`)));
  // Those of one lounge, and of another.
  expect(statuses.toSorted()).toEqual([...Array(10).fill(101), ...Array(8).fill(429)]);
  expect(await connect(base, 1, { "cf-connecting-ip": "198.51.100.1" })).toHaveLength(1);
});

test("sockets that are closed make room again", async () => {
  const base = await start({ room: { sockets: 40 }, vars: { socketsPerAddress: 5 } });
  const players = await connect(base, 5, flooder);
  expectRefused(await refusedUpgrade(base, "/", flooder), 429, "too_many_requests");
  await players[0]?.leave();
  await expect.poll(() => upgrade(base, flooder)).toBe(101);
  expect(await upgrade(base, flooder)).toBe(429);
});

test("all addresses of an IPv6 /48 together keep nobody out", async () => {
  const base = await start({ room: { sockets: 100 } });
  const statuses = await Promise.all(
    Array.from({ length: 80 }, (_, i) => upgrade(base, from(`2001:db8:66:${i.toString(16)}00::1`))),
  );
  expect(statuses.filter((status) => status === 101)).toHaveLength(75);
  expect(await connect(base, 10, somebodyElse())).toHaveLength(10);
});

test("the players of a local network get all of a small server's sockets, and one machine of them gets half", async () => {
  const lans = [
    (i: number) => `192.168.1.${i + 1}`,
    (i: number) => `fd12:3456:789a:1::${(i + 1).toString(16)}`,
  ];
  for (const lan of lans) {
    const base = await start({ room: { sockets: 40 } });
    const statuses = await Promise.all(Array.from({ length: 40 }, (_, i) => upgrade(base, from(lan(i)))));
    expect(statuses).toEqual(Array(40).fill(101));
  }
  const base = await start({ room: { sockets: 40 } });
  const statuses = await Promise.all(Array.from({ length: 40 }, () => upgrade(base, from("192.168.1.66"))));
  expect(statuses.filter((status) => status === 101)).toHaveLength(20);
});

test("a hundred players behind one address each host a public lobby, and all are listed", async () => {
  const base = await start({ room: { sockets: 2_275 } });
  const players = await connect(base, 100, flooder);
  const answers = await Promise.all(players.map((player) => player.host({ isPublic: true })));
  expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(201));
  const { lobbies } = Object((await request(base, "/lobbies")).body);
  expect(lobbies).toHaveLength(100);
});

test("a squatter's lobbies, however old or many, leave the first page to others", async () => {
  const base = await start({ vars: { publicLobbiesPerAddress: 20, directoryShards: 2 } });
  const squatters = await connect(base, 60, flooder);
  await Promise.all(squatters.map((player) => player.host({ lobbyName: "Squat", isPublic: true })));
  const hosts = await Promise.all(Array.from({ length: 8 }, () => connect(base, 1, somebodyElse())));
  for (const host of hosts.flat()) await host.host({ lobbyName: "Game", isPublic: true });
  const { lobbies, cursor } = Object((await request(base, "/lobbies?limit=10")).body);
  const names = lobbies.map(({ name }: { name: string }) => name);
  // Each of the two shards has a first one of his.
  expect(names.filter((name: string) => name === "Game")).toHaveLength(8);
  expect(cursor).toEqual(expect.any(String));
  const all = Object((await request(base, "/lobbies")).body).lobbies;
  // 20, or half as many again where codes are spread over shards.
  expect(all.length).toBeLessThanOrEqual(8 + 30);
});

test("a lounge holds so many of one address, the next ones get one of their own, and others find room", async () => {
  // As deployed: no count of all, and addresses that the test server's own socket does not know.
  const vars = { socketsPerAddress: 10, clientsPerLounge: 20, clientAddress: "cloudflare" };
  const server = await startTestServer({ udpPort: null, vars, entry: plainWorker });
  servers.push(server);
  const [crowd, somebody] = [{ "cf-connecting-ip": "203.0.113.66" }, { "cf-connecting-ip": "198.51.100.1" }];
  const first = await connect(server.url, 10, crowd);
  const second = await connect(server.url, 10, crowd);
  const lounges = [first, second].map((players) => new Set(players.map(({ holder }) => holder)));
  expect(lounges.map(({ size }) => size)).toEqual([1, 1]);
  expect(first[0]?.holder).not.toBe(second[0]?.holder);
  expectRefused(await refusedUpgrade(server.url, "/", crowd), 429, "too_many_requests");
  const neighbours = await connect(server.url, 10, somebody);
  expect(new Set(neighbours.map(({ holder }) => holder))).toEqual(lounges[0]);
});
