/** Clients that do not read, or stopped: what is sent to them piles up in the server, and nobody can see how much. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { limits } from "../../core/limits.ts";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, post, rollCall } from "../support/player.ts";
import { type Watch, watch } from "../support/promises.ts";
import { incarnation, startFaultyServer } from "../support/server.ts";
import { decode, encode } from "../support/wire.ts";

let server: Server;
let watcher: Watch;
beforeAll(async () => {
  server = await startFaultyServer({ udpPort: null });
});
beforeEach(() => {
  watcher = watch(server.url);
});
afterEach(async () => {
  await watcher.settles();
  watcher.stop();
});
afterAll(() => server.stop());

const mebibyte = 1024 ** 2;

/** Sends a client frames of its lobby, as the lobby would, of so many MiB in all. */
async function sendMuch(
  lobbyId: string,
  { home, clientId }: { home: string; clientId: string },
  mebibytes: number,
) {
  for (let i = 0; i < mebibytes; i++) {
    const frame = encode("a_method_nobody_knows", { text: "x".repeat((mebibyte * 3) / 4) });
    const batch = { id: crypto.randomUUID(), items: [{ lobbyId, to: [clientId], frame }] };
    await post(server.url, `/test/mail?home=${home}`, { from: "a test", batch });
  }
}

/** A member that stops reading as soon as it is in the lobby: not even the close of its socket reaches it. */
async function deafMember(
  lobbyId: string,
  peerName: string,
): Promise<{ home: string; clientId: string; socket: Socket }> {
  const socket = connect(Number(server.url.port), "127.0.0.1");
  await once(socket, "connect");
  const lines = [
    "GET / HTTP/1.1",
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
  return { home: String(token).split(".")[0] ?? "", clientId: String(clientId), socket };
}

test("a member that does not read is thrown out once much was sent to it, and its lobby goes on", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url, { maxMembers: 4 });
  const deaf = await deafMember(lobbyId, "Deaf");
  const most = limits.unansweredLength / mebibyte;
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
  [
    "says anything now and then",
    async (player) => {
      player.socket.send("alive");
      await player.settled();
    },
  ],
  ["pings", (player) => player.pings()],
];
for (const [does, sign] of signs) {
  test(`one that ${does} stays, however much is sent to it`, async () => {
    const { lobbyId, host, guests } = await lobbyOf(2, server.url);
    const [guest] = guests;
    if (!guest) throw new Error("no guest");
    for (let i = 0; i < 4; i++) {
      await sendMuch(lobbyId, guest, limits.unansweredLength / mebibyte - 1);
      await sign(guest);
    }
    await rollCall(lobbyId, guest, host);
  });
}

// Real time, because only an object that nobody asks anything for ten seconds is put to sleep.
test("one that reads and says nothing hears why it is thrown out, though its home slept meanwhile", async () => {
  const { lobbyId, guests } = await lobbyOf(2, server.url);
  const [silent] = guests;
  if (!silent) throw new Error("no guest");
  await sendMuch(lobbyId, silent, limits.unansweredLength / mebibyte - 1);
  const before = await incarnation(server.url, { home: silent.home });
  await new Promise((resolve) => setTimeout(resolve, 12_000));
  expect(await incarnation(server.url, { home: silent.home })).not.toBe(before);
  await sendMuch(lobbyId, silent, 2);
  expect(await silent.closed).toEqual({ code: 1013, reason: expect.stringMatching(/^\w.+\.$/) });
}, 40_000);
