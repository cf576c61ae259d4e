import { createHmac, randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, post, rollCall } from "../../measure/kit/player.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { tokenOf } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { encode } from "../../measure/kit/wire.ts";

const secret = randomBytes(32).toString("hex");
let server: Server;
beforeAll(async () => {
  server = await startTestServer({ secret });
});
afterAll(() => server.stop());

const kibibyte = 1024;

/** A token as anybody makes it who has the secret. */
function tokenFor(holder: string, clientId: string, under = secret): string {
  return tokenOf(clientId, { holder, under });
}

/** A token with this text instead of a masked name, signed as it should be. */
function tokenSaying(masked: string, clientId: string): string {
  const key = createHmac("sha256", secret).update("orion-edge token v2").digest();
  const mac = createHmac("sha256", key).update(`${masked}.${clientId}`).digest().subarray(0, 16);
  return `${masked}.${clientId}.${mac.toString("base64url")}`;
}

for (const direct of [false, true]) {
  const path = direct ? "direct" : "plain";

  test.each([
    ["text over 16 KiB", Buffer.alloc(16 * kibibyte + 1, "x"), false],
    [
      "a chat message over 16 KiB",
      Buffer.from(encode("lobby_messaging_send", { message: "x".repeat(13 * kibibyte) })),
      false,
    ],
    ["binary over 16 KiB", Buffer.alloc(16 * kibibyte + 1), true],
  ])(`whoever sends %s is thrown out, and its lobby goes on (${path})`, async (_, frame, binary) => {
    const { lobbyId, host, guests } = await lobbyOf(3, server.url, { direct });
    const [brute, meek] = guests;
    if (!brute || !meek) throw new Error("too few guests");
    brute.socket.send(frame, { binary });
    expect((await brute.closed).code).toBe(1009);
    for (const player of [host, meek]) {
      expect(await player.hears("lobby_peerDisconnect")).toEqual({ lobbyId, peerName: "Guest 1" });
    }
    await rollCall(lobbyId, meek, host);
    expectRefused(await brute.host(), 400, "invalid_token");
    expect((await (await Player.connect(server.url)).join(lobbyId, "Guest 1")).status).toBe(200);
  });

  // More than the runtime itself takes. It says so at once, and lets go of the connection only seconds later.
  test(`whoever sends 33 MiB is thrown out, and its lobby goes on (${path})`, async () => {
    const { lobbyId, host, guests } = await lobbyOf(2, server.url, { direct });
    const [brute] = guests;
    if (!brute) throw new Error("no guest");
    brute.socket.send(Buffer.alloc(33 * kibibyte * kibibyte, "x"), { binary: false });
    expect(await host.hears("lobby_peerDisconnect")).toEqual({ lobbyId, peerName: "Guest 1" });
    await rollCall(lobbyId, host);
    expectRefused(await brute.host(), 400, "invalid_token");
    brute.vanish();
  });

  test(`a frame of 16 KiB is ignored like any other junk, and its sender stays (${path})`, async () => {
    const { lobbyId, host, guests } = await lobbyOf(2, server.url, { direct });
    host.socket.send("x".repeat(16 * kibibyte));
    host.socket.send(Buffer.alloc(16 * kibibyte), { binary: true });
    await rollCall(lobbyId, host, ...guests);
  });

  test(`what one says too fast is dropped, and it stays (${path})`, async () => {
    const { lobbyId, host, guests, all } = await lobbyOf(2, server.url, { direct });
    const said = Array.from({ length: 400 }, (_, i) => `Hurry! ${i}`);
    const began = performance.now();
    for (const message of said) host.chat(lobbyId, message);
    // The last of those that may be said: by the plain path they are on their way for a while.
    for (const player of all) await player.hearsChat("Hurry! 199");
    for (const guest of guests) await rollCall(lobbyId, guest, host);
    // A busy machine takes its time to read them.
    const most = 200 + 100 * ((performance.now() - began) / 1_000);
    for (const player of all) {
      const heard = player.chats.filter((message) => String(message).startsWith("Hurry!"));
      expect(heard.slice(0, 200)).toEqual(said.slice(0, 200));
      expect(heard.length).toBeLessThanOrEqual(most + 1);
    }
    expect(host.socket.readyState).toBe(host.socket.OPEN);
  });

  test(`whoever floods is thrown out, and its lobby goes on (${path})`, async () => {
    const { lobbyId, host, guests } = await lobbyOf(3, server.url, { direct });
    const [brute, meek] = guests;
    if (!brute || !meek) throw new Error("too few guests");
    for (let i = 0; i < 5_000; i++) brute.chat(lobbyId, `Flood ${i}`);
    expect((await brute.closed).code).toBe(1008);
    for (const player of [host, meek]) {
      expect(await player.hears("lobby_peerDisconnect")).toEqual({ lobbyId, peerName: "Guest 1" });
    }
    await rollCall(lobbyId, meek, host);
    // Twenty seconds' worth, and what may be said at once.
    expect(host.chats.length).toBeLessThan(2_200);
    expect(host.chats.length).toBe(meek.chats.length);
    expectRefused(await brute.host(), 400, "invalid_token");
    expect((await host.start(lobbyId)).status).toBe(200);
    for (const player of [host, meek]) await player.hears("ptpMediation_peersConnection_start");
  });

  test(`junk and binary frames make a flood too (${path})`, async () => {
    const { lobbyId, host, guests } = await lobbyOf(3, server.url, { direct });
    const [junk, binary] = guests;
    for (let i = 0; i < 5_000; i++) {
      junk?.socket.send("junk");
      binary?.socket.send(Buffer.from([i]), { binary: true });
    }
    expect(await Promise.all([junk?.closed, binary?.closed])).toMatchObject([{ code: 1008 }, { code: 1008 }]);
    await host.hears("lobby_peerDisconnect", 2);
    await rollCall(lobbyId, host);
  });

  test(`a host that floods loses its lobby, and its guests may go on (${path})`, async () => {
    const { lobbyId, host, guests } = await lobbyOf(2, server.url, { direct });
    for (let i = 0; i < 5_000; i++) host.socket.send("junk");
    expect((await host.closed).code).toBe(1008);
    expect(await guests[0]?.hears("lobby_closed")).toEqual({ lobbyId, lobbyName: "Lobby" });
    expect((await guests[0]?.host())?.status).toBe(201);
  });
}

test("a frame is measured in bytes", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url);
  host.socket.send("€".repeat(6 * kibibyte));
  expect(await Promise.race([host.closed, rollCall(lobbyId, host)])).toMatchObject({ code: 1009 });
});

/** Tokens that look right, and why they are not. */
const wrongTokens: [string, (player: Player) => string][] = [
  ["of another client, with this one's mac", ({ token }) => token.replace(/\.[^.]+\./, ".AAAAAAAAAAAAAAAA.")],
  ["with the last character changed", ({ token }) => token.slice(0, -1) + (token.endsWith("A") ? "Q" : "A")],
  ["with another mac", ({ token }) => token.slice(0, -22) + "A".repeat(22)],
  [
    "made with another secret",
    ({ holder, clientId }) => tokenFor(holder, clientId, randomBytes(32).toString("hex")),
  ],
  ["without its mac", ({ token }) => token.slice(0, -23)],
  ["with an empty mac", ({ token }) => token.slice(0, -22)],
  ["with a space", ({ token }) => ` ${token}`],
  ["with a new line", ({ token }) => `${token}\n`],
  ["with something more", ({ token }) => `${token}.${token}`],
  ["in upper case", ({ token }) => token.toUpperCase()],
  [
    "of a lounge where the client is not",
    ({ holder, clientId }) => tokenFor(`l${Number(holder.slice(1)) + 1}`, clientId),
  ],
  ["of a lounge that never was", ({ clientId }) => tokenFor("l58999", clientId)],
  ["of a lobby that never was", ({ clientId }) => tokenFor("ZZZZZ", clientId)],
  ["of a name that is too long", ({ clientId }) => tokenFor("l".repeat(33), clientId)],
  ["of a client that never was", ({ holder }) => tokenFor(holder, "AAAAAAAAAAAAAAAA")],
  ["that names its holder in clear", ({ holder, clientId }) => tokenSaying(holder, clientId)],
];

test.each(wrongTokens)("a token %s is refused everywhere", async (_, forge) => {
  const player = await Player.connect(server.url);
  const { lobbyId } = await lobbyOf(1, server.url, { maxMembers: 4 });
  const token = forge(player);
  expect(token).not.toBe(player.token);
  const body = {
    token,
    hostName: "Host",
    lobbyName: "Lobby",
    isPublic: false,
    maxMembers: 4,
    peerName: "Guest",
  };
  for (const path of ["/lobbies", `/lobbies/${lobbyId}/join`, `/lobbies/${lobbyId}/ptp/start`]) {
    expectRefused(await post(server.url, path, body), 400, "invalid_token");
  }
  expect((await player.join(lobbyId, "Guest")).status).toBe(200);
});

test("the tokens here are made as the service makes them", async () => {
  const player = await Player.connect(server.url);
  expect(tokenFor(player.holder, player.clientId)).toBe(player.token);
});

test.each(wrongTokens)("a datagram with a token %s is ignored", async (_, forge) => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  const [guest] = guests;
  if (!guest) throw new Error("no guest");
  guest.answersOverUdp = false;
  await host.start(lobbyId);
  const { port } = await guest.hears("ptpMediation_send");
  const forged = encode("ptpMediation_connect", { token: forge(guest) });
  const other = await lobbyOf(2, server.url);
  other.host.sendDatagram(Number(port), forged);
  // Whoever comes after it and is connected shows that it has been looked at.
  await other.host.start(other.lobbyId);
  await other.host.hears("ptpMediation_peersConnection_start");
  await rollCall(lobbyId, host, guest);
  expect(host.methods).not.toContain("ptpMediation_peersConnection_start");
});
