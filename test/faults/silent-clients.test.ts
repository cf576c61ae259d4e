/** Clients that do not read, or stopped: what is sent to them piles up in the server, and nobody can see how much. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { limits } from "../../core/limits.ts";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, post, rollCall } from "../support/player.ts";
import { type Watch, watch } from "../support/promises.ts";
import { later, lifeOf, setLimits, startFaultyServer } from "../support/server.ts";
import { decode, encode } from "../support/wire.ts";

let server: Server;
let watcher: Watch;
beforeAll(async () => {
  server = await startFaultyServer({ udpPort: null });
  await setLimits(server.url, few);
});
beforeEach(() => {
  watcher = watch(server.url);
});
afterEach(async () => {
  const { objectUnansweredBytes, stuckBytes, closingMs, loungeSockets } = limits;
  await setLimits(server.url, { ...few, objectUnansweredBytes, stuckBytes, closingMs, loungeSockets });
  await watcher.settles();
  watcher.stop();
});
afterAll(() => server.stop());

const mebibyte = 1024 ** 2;
/** Of what may wait for one, instead of the many more of a deployment. */
const most = 4;
const few = { unansweredBytes: most * mebibyte };

/** Sends a client frames of its lobby, as the lobby would, of so many MiB in all. */
async function sendMuch(
  lobbyId: string,
  { holder, clientId }: { holder: string; clientId: string },
  mebibytes: number,
) {
  for (let i = 0; i < mebibytes; i++) {
    const frame = encode("a_method_nobody_knows", { text: "x".repeat((mebibyte * 3) / 4) });
    const batch = { id: crypto.randomUUID(), items: [{ lobbyId, to: [clientId], frame }] };
    await post(server.url, `/test/mail?home=${holder}`, { from: "a test", batch });
  }
}

/** A member that stops reading as soon as it is in the lobby: not even the close of its socket reaches it. */
async function deafMember(
  lobbyId: string,
  peerName: string,
  path = "/",
): Promise<{ holder: string; clientId: string; token: string; socket: Socket }> {
  const socket = connect(Number(server.url.port), "127.0.0.1");
  await once(socket, "connect");
  const lines = [
    `GET ${path} HTTP/1.1`,
    "Host: edge",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  let text = "";
  let welcome: RegExpExecArray | null = null;
  while (!welcome) {
    text += (await once(socket, "data"))[0].toString("latin1");
    welcome = /client_registered:[\w+/]+=*(?![\w+/])/.exec(text);
  }
  socket.pause();
  const { token, clientId } = decode(welcome[0]).payload;
  const answer = await post(server.url, `/lobbies/${lobbyId}/join`, { token, peerName });
  expect(answer.status).toBe(200);
  const holder = String(token).split(".")[0] ?? "";
  return { holder, clientId: String(clientId), token: String(token), socket };
}

/** Has said something: the connection of one that never has is ended by the platform 10 s after its close. */
async function hasSpoken(player: Player): Promise<void> {
  player.socket.send("alive");
  await player.settled();
}

/** A text as a client's frame, masked with zeros. */
function maskedText(text: string): Buffer {
  const length = text.length < 126 ? [0x80 | text.length] : [0x80 | 126, text.length >> 8, text.length & 255];
  return Buffer.concat([Buffer.of(0x81, ...length, 0, 0, 0, 0), Buffer.from(text)]);
}

test("a member that does not read is thrown out once much was sent to it, and its lobby goes on", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url, { maxMembers: 4 });
  const deaf = await deafMember(lobbyId, "Deaf");
  await sendMuch(lobbyId, deaf, most - 1);
  await rollCall(lobbyId, host);
  expect(host.methods).not.toContain("lobby_peerDisconnect");
  await sendMuch(lobbyId, deaf, 2);
  expect(await host.hears("lobby_peerDisconnect")).toEqual({ lobbyId, peerName: "Deaf" });
  await rollCall(lobbyId, host);
  expect((await (await Player.connect(server.url)).join(lobbyId, "Deaf")).status).toBe(200);
  deaf.socket.destroy();
});

const signs: [string, (player: Player) => Promise<void>][] = [
  ["says anything now and then", hasSpoken],
  ["pings", (player) => player.pings()],
];
for (const [does, sign] of signs) {
  test(`one that ${does} stays, however much is sent to it`, async () => {
    const { lobbyId, host, guests } = await lobbyOf(2, server.url);
    const [guest] = guests;
    if (!guest) throw new Error("no guest");
    for (let i = 0; i < 4; i++) {
      await sendMuch(lobbyId, guest, most - 1);
      await sign(guest);
    }
    await rollCall(lobbyId, guest, host);
  });
}

test("when too much may wait for all in a home, it goes to whom most was sent of those who give no sign of life", async () => {
  await setLimits(server.url, { objectUnansweredBytes: 5 * mebibyte });
  const { lobbyId, host, guests } = await lobbyOf(4, server.url, { direct: true });
  const [pinging, much, little] = guests;
  if (!pinging || !much || !little) throw new Error("too few guests");
  for (const guest of guests) await hasSpoken(guest);
  await sendMuch(lobbyId, pinging, 3);
  await pinging.pings();
  await sendMuch(lobbyId, little, 1);
  await sendMuch(lobbyId, much, 2);
  await rollCall(lobbyId, host, pinging, little, much);
  expect(host.methods).not.toContain("lobby_peerDisconnect");
  await sendMuch(lobbyId, host, 2);
  await sendMuch(lobbyId, little, 1);
  expect(await host.hears("lobby_peerDisconnect")).toEqual({ lobbyId, peerName: "Guest 2" });
  expect(await much.closed).toMatchObject({ code: 1013 });
  await rollCall(lobbyId, host, pinging, little);
});

test("a home that cannot be rid of those who do not read ends itself, and with those who go when they are told it does not", async () => {
  await setLimits(server.url, { stuckBytes: 12 * mebibyte, closingMs: 0 });
  const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true, maxMembers: 16 });
  const path = `/lobbies/${lobbyId}`;
  const before = await lifeOf(server.url, { holder: host.holder });
  const tooMuch = most + 1;
  const reading = await Player.crowd(2, server.url, path);
  for (const one of reading) {
    await hasSpoken(one);
    await one.join(lobbyId, one.clientId.replaceAll(/\W/g, "_"));
    await sendMuch(lobbyId, one, tooMuch);
  }
  for (const one of reading) expect(await one.closed).toMatchObject({ code: 1013 });
  const deaf = [await deafMember(lobbyId, "Deaf 1", path), await deafMember(lobbyId, "Deaf 2", path)];
  for (const one of deaf) await sendMuch(lobbyId, one, tooMuch);
  await rollCall(lobbyId, host);
  expect(await lifeOf(server.url, { holder: host.holder })).toBe(before);
  deaf.push(await deafMember(lobbyId, "Deaf 3", path));
  for (const one of deaf) await sendMuch(lobbyId, one, tooMuch).catch(() => {});
  await host.closed;
  expect(await lifeOf(server.url, { holder: host.holder })).not.toBe(before);
  for (const { socket } of deaf) socket.destroy();
});

test("who is thrown out for what it says, and does not go, keeps what waits for it as well", async () => {
  await setLimits(server.url, { stuckBytes: 5 * mebibyte, closingMs: 0 });
  const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true, maxMembers: 4 });
  for (const name of ["Deaf 1", "Deaf 2"]) {
    const deaf = await deafMember(lobbyId, name, `/lobbies/${lobbyId}`);
    await sendMuch(lobbyId, deaf, 3);
    // Far too much at once, and none of it a sign that it reads.
    deaf.socket.write(maskedText("x".repeat(limits.frameBytes + 1)));
    if (name === "Deaf 1") await host.hears("lobby_peerDisconnect");
    else await host.closed;
  }
});

test("those who were thrown out, and do not go, take up the home's room", async () => {
  await setLimits(server.url, { loungeSockets: 3 });
  const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true, maxMembers: 8 });
  const path = `/lobbies/${lobbyId}`;
  const deaf = [await deafMember(lobbyId, "Deaf 1", path), await deafMember(lobbyId, "Deaf 2", path)];
  for (const { socket } of deaf) socket.write(maskedText("x".repeat(limits.frameBytes + 1)));
  await host.hears("lobby_peerDisconnect", 2);
  const late = await Player.connect(server.url, path);
  expect(late.holder).not.toBe(host.holder);
  expect((await late.join(lobbyId, "Late")).status).toBe(200);
  for (const { socket } of deaf) socket.destroy();
});

test("one that pings has the time to its next ping, however much is sent to it meanwhile", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  const [guest] = guests;
  if (!guest) throw new Error("no guest");
  guest.say("client_pings");
  await guest.settled();
  await sendMuch(lobbyId, guest, most + 2);
  await rollCall(lobbyId, host, guest);
  await sendMuch(lobbyId, guest, most + 2);
  await later(server.url, limits.pingMs + limits.pongMs + 1_000);
  await sendMuch(lobbyId, guest, 1);
  expect(await guest.closed).toMatchObject({ code: 1013 });
  await later(server.url, -(limits.pingMs + limits.pongMs + 1_000));
});

test("what a client says after a ping is heard when it has read what was sent before: a ping is a sign of that", async () => {
  await setLimits(server.url, { unansweredBytes: 64 * mebibyte });
  const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true });
  const deaf = await deafMember(lobbyId, "Deaf", `/lobbies/${lobbyId}`);
  await sendMuch(lobbyId, deaf, 20);
  const chat = encode("lobby_messaging_send", { token: deaf.token, lobbyId, message: "At last." });
  for (const text of ["ping", chat]) deaf.socket.write(maskedText(text));
  for (let i = 0; i < 10; i++) await rollCall(lobbyId, host);
  expect(host.chats).not.toContain("At last.");
  deaf.socket.resume();
  await host.hearsChat("At last.");
  deaf.socket.destroy();
});

// Real time, because only an object that nobody asks anything for ten seconds is put to sleep.
test("a home sleeps when everybody has read what was sent, and counts anew; one for whose clients anything waits does not sleep", async () => {
  await setLimits(server.url, { unansweredBytes: 64 * mebibyte });
  const [{ lobbyId, host }, all] = [
    await lobbyOf(1, server.url, { direct: true }),
    await lobbyOf(2, server.url, { direct: true }),
  ];
  const deaf = await deafMember(lobbyId, "Deaf", `/lobbies/${lobbyId}`);
  await sendMuch(lobbyId, deaf, 20);
  const [reading] = all.guests;
  if (!reading) throw new Error("no guest");
  await sendMuch(all.lobbyId, reading, 3);
  const homes = [{ holder: host.holder }, { holder: reading.holder }] as const;
  const before = await Promise.all(homes.map((holder) => lifeOf(server.url, holder)));
  await new Promise((resolve) => setTimeout(resolve, 12_000));
  const after = await Promise.all(homes.map((holder) => lifeOf(server.url, holder)));
  expect(after[0]).toBe(before[0]);
  expect(after[1]).not.toBe(before[1]);
  await setLimits(server.url, few);
  await sendMuch(all.lobbyId, reading, 3);
  await rollCall(all.lobbyId, all.host, reading);
  deaf.socket.destroy();
}, 40_000);
