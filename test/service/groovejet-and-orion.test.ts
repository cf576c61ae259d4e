/** Two languages on one port: a client of Orion's hears what it always heard, and neither gets into the other's lobbies. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import type { Server } from "../../local/server.ts";
import { drawRoom, GroovejetClient, gamePage } from "../../measure/kit/groovejet-client.ts";
import { Player, post, rollCall } from "../../measure/kit/player.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { asGateway, secret } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { noteFrame } from "../../measure/kit/whole-log.ts";

let server: Server;
beforeAll(async () => {
  server = await startTestServer({ udpPort: null, secret });
});
afterAll(() => server.stop());

/** All frames that a socket hears until one of its own requests is answered: by then all that is said at once has come. */
async function firstFrames(path: string, headers: Record<string, string>): Promise<string[]> {
  const url = new URL(path, server.url.href.replace(/^http/, "ws"));
  const socket = new WebSocket(url, { headers });
  onTestFinished(() => socket.terminate());
  const frames: string[] = [];
  socket.on("message", (data) => {
    noteFrame(data.toString());
    frames.push(data.toString());
  });
  await new Promise((resolve) => socket.once("open", resolve));
  socket.send("ping");
  while (!frames.includes("pong")) await new Promise((resolve) => socket.once("message", resolve));
  return frames.filter((frame) => frame !== "pong");
}
const kinds = (frames: readonly string[]) => frames.map((frame) => /^[a-z_]+:|"type":"\w+"/.exec(frame)?.[0]);

describe("what a client hears first", () => {
  const upgrade = "/";
  test.each<[who: string, path: string, headers: () => Record<string, string>, kinds: string[]]>([
    ["a program", "/", () => ({}), ["client_registered:"]],
    ["a program on any path", "/any/path", () => ({}), ["client_registered:"]],
    ["a program with a query", "/?name=x", () => ({}), ["client_registered:"]],
    ["a program that hosts", "/lobbies", () => ({}), ["client_registered:"]],
    ["a gateway", upgrade, () => asGateway()("GET", upgrade), ["client_registered:"]],
    [
      "a gateway with an origin",
      upgrade,
      () => ({ ...asGateway()("GET", upgrade), origin: gamePage }),
      ["client_registered:"],
    ],
    ["a page that hosts", "/lobbies", () => ({ origin: gamePage }), ["client_registered:"]],
    ["a page", "/", () => ({ origin: gamePage }), ["client_registered:", '"type":"identity"']],
    ["anybody on groovejet's path", "/groovejet", () => ({}), ['"type":"identity"']],
  ])("%s: %s", async (_, path, headers, expected) => {
    expect(kinds(await firstFrames(path, headers()))).toEqual(expected);
  });

  test("a page hears 78 bytes more than a program, and a program not one more than before", async () => {
    const [, identity = ""] = await firstFrames("/", { origin: gamePage });
    expect(identity.length).toBe(78);
    const [registered = ""] = await firstFrames("/", {});
    const { token, secretToken, clientId } = JSON.parse(atob(registered.slice(registered.indexOf(":") + 1)));
    expect(registered).toBe(
      `client_registered:${btoa(JSON.stringify({ token, secretToken, clientId, pingMs: 30_000 }))}`,
    );
  });
});

test("a page that speaks Orion hosts, is joined and chats", async () => {
  // Its reader fails at what is no message of Orion's, and goes on, as in a page.
  const page = new GroovejetClient(server.url, "/", { origin: gamePage });
  await page.hears("identity");
  const { token } = JSON.parse(atob(page.unreadable[0]?.split(":")[1] ?? ""));
  const opening = { token, hostName: "Ann", lobbyName: "Friday", isPublic: false, maxMembers: 4 };
  const hosted = await post(server.url, "/lobbies", opening);
  expect(hosted.status).toBe(201);
  const lobbyId = String(hosted.body?.lobbyId);
  const guest = await Player.connect(server.url);
  expect((await guest.join(lobbyId, "Ben")).status).toBe(200);
  const message = { token, lobbyId, message: "hello" };
  page.say(`lobby_messaging_send:${btoa(JSON.stringify(message))}`);
  await guest.hears("lobby_messaging_received");
  // It has decided: what would be a first word is none now.
  page.say({ type: "createRoom" });
  page.say(`lobby_messaging_send:${btoa(JSON.stringify({ ...message, message: "still here" }))}`);
  await guest.hears("lobby_messaging_received", 2);
  expect(page.types).toEqual(["identity"]);
});

test("a page that speaks groovejet is in a room, and Orion's requests find it in a lobby already", async () => {
  const page = await GroovejetClient.connect(server.url);
  await page.createRoom();
  const { token } = JSON.parse(atob(page.unreadable[0]?.split(":")[1] ?? ""));
  const opening = { token, hostName: "Ann", lobbyName: "Friday", isPublic: false, maxMembers: 4 };
  expectRefused(await post(server.url, "/lobbies", opening), 409, "already_in_lobby");
});

test("no client of Orion's gets into a room, nor learns whether there is one", async () => {
  const host = await GroovejetClient.connect(server.url, "/groovejet", {});
  const code = await host.createRoom();
  const player = await Player.connect(server.url);
  for (const name of [`groovejet:${code}`, "groovejet:aaaaa"]) {
    expectRefused(await player.join(encodeURIComponent(name), "Ben"), 403, "gateway_only");
    expectRefused(await player.host({ code: name }), 403, "gateway_only");
  }
  const listed = await (await fetch(new URL("/lobbies", server.url))).text();
  expect(listed).not.toContain("groovejet");
  expect(host.types).toEqual(["identity", "createdRoom", "roomCreated"]);
});

test("no client of groovejet's gets into a lobby of Orion's", async () => {
  const player = await Player.connect(server.url);
  const lobbyId = String((await player.host()).body?.lobbyId);
  for (const typed of [lobbyId, lobbyId.toLowerCase(), `groovejet:${lobbyId}`]) {
    const client = await GroovejetClient.connect(server.url, "/groovejet", {});
    expect(await client.joinRoom(typed, { canHost: true })).toMatchObject({ errorType: "noRoomFound" });
  }
  await rollCall(lobbyId, player, player);
});

describe("an operator", () => {
  test("may switch groovejet off: then all clients are Orion's", async () => {
    const without = await startTestServer({ udpPort: null, vars: { groovejet: "off" } });
    onTestFinished(() => without.stop());
    expect((await fetch(new URL("/rooms", without.url), { method: "POST" })).status).toBe(404);
    for (const path of ["/", "/groovejet", "/?code=aaaaa&host"]) {
      const player = await Player.connect(without.url, path, { origin: gamePage });
      player.socket.send('{"type":"createRoom"}');
      const lobbyId = String((await player.host()).body?.lobbyId);
      await rollCall(lobbyId, player, player);
      expect(player.heard.map(({ method }) => method)).toEqual([
        "client_registered",
        "lobby_messaging_received",
      ]);
    }
  });

  test("may have clients answered by released names alone", async () => {
    const plain = await startTestServer({ udpPort: null, vars: { groovejetReadmeNames: "off" } });
    onTestFinished(() => plain.stop());
    const host = await GroovejetClient.connect(plain.url);
    const guest = await GroovejetClient.connect(plain.url);
    await guest.joinRoom(await host.createRoom());
    guest.say({ type: "guestOfferSignal", data: { offerSignal: 1 } });
    await host.hears("guestOfferSignal");
    expect([host.types, guest.types]).toEqual([
      ["identity", "createdRoom", "guestOfferSignal"],
      ["identity", "joinedRoom"],
    ]);
  });
});

test("a stranger's page may draw no code, nor connect, where pages are named", async () => {
  const named = await startTestServer({ udpPort: null, vars: { allowedOrigin: "https://game.example" } });
  onTestFinished(() => named.stop());
  const posted = await fetch(new URL("/rooms", named.url), {
    method: "POST",
    headers: { origin: "https://evil.example" },
  });
  expect(posted.status).toBe(403);
  const code = await drawRoom(named.url);
  const host = await GroovejetClient.connect(named.url, `/?code=${code}&host`, {
    origin: "https://game.example",
  });
  expect(host.types).toEqual(["identity"]);
  const stranger = new GroovejetClient(named.url, `/?code=${code}`, { origin: "https://evil.example" });
  expect(await stranger.closed).toBe(1006);
});
