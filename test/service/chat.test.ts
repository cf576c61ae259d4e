import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, rollCall } from "../../measure/kit/player.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { encode } from "../../measure/kit/wire.ts";

let server: Server;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** What was heard of the chat but the roll calls. */
function conversation(player: Player): unknown[] {
  return player.chats.filter((message) => !String(message).startsWith("Is everybody there? "));
}

/** A chat message as a player sends it, to be bent. */
function chatFrame(player: Player, lobbyId: string, message: unknown): string {
  return encode("lobby_messaging_send", { token: player.token, lobbyId, message });
}

for (const direct of [false, true]) {
  const path = direct ? "direct" : "plain";

  test(`everybody hears what one says, the speaker too, once each (${path})`, async () => {
    const { lobbyId, host, guests, all } = await lobbyOf(4, server.url, { direct });
    const before = Date.now();
    guests[1]?.chat(lobbyId, "Hello!");
    await guests[1]?.hearsChat("Hello!");
    await rollCall(lobbyId, host, ...guests);
    for (const player of all) {
      expect(conversation(player)).toEqual(["Hello!"]);
      expect(player.all("lobby_messaging_received")[0]).toEqual({
        lobbyId,
        message: { timestamp: expect.any(Number), senderName: "Guest 2", message: "Hello!" },
      });
      const { timestamp } = Object(player.all("lobby_messaging_received")[0]?.message);
      expect(timestamp).toBeGreaterThanOrEqual(before);
      expect(timestamp).toBeLessThanOrEqual(Date.now());
    }
  });

  test(`what one says is heard in the order it was said (${path})`, async () => {
    const { lobbyId, host, guests, all } = await lobbyOf(3, server.url, { direct });
    const said = Array.from({ length: 60 }, (_, i) => `${i}`);
    for (const message of said) {
      host.chat(lobbyId, `h${message}`);
      guests[0]?.chat(lobbyId, `g${message}`);
    }
    await Promise.all(all.flatMap((player) => [player.hearsChat("h59"), player.hearsChat("g59")]));
    const [first] = all.map(conversation);
    const by = (who: string) => first?.filter((message) => String(message).startsWith(who));
    expect(by("h")).toEqual(said.map((message) => `h${message}`));
    expect(by("g")).toEqual(said.map((message) => `g${message}`));
    for (const player of all) expect(conversation(player)).toEqual(first);
  });

  test(`a message that is none is ignored, and the next one is heard (${path})`, async () => {
    const { lobbyId, host, guests, all } = await lobbyOf(3, server.url, { direct });
    const [guest] = guests;
    const other = await lobbyOf(2, server.url, { direct });
    if (!guest) throw new Error("no guest");
    const right = chatFrame(guest, lobbyId, "Nobody may hear this");
    const payload = right.slice(right.indexOf(":") + 1);
    const frames = [
      chatFrame(guest, lobbyId, ""),
      chatFrame(guest, lobbyId, "x".repeat(251)),
      ...[undefined, null, 5, true, ["Hi"], { text: "Hi" }].map((message) =>
        chatFrame(guest, lobbyId, message),
      ),
      // Another member's token, another lobby member's, none, and one that was never given.
      ...[host.token, other.host.token, undefined, null, 7, "", guest.clientId, `${guest.token}x`].map(
        (token) => encode("lobby_messaging_send", { token, lobbyId, message: "Not mine" }),
      ),
      // A lobby it is not in, one that is not, and none.
      ...[other.lobbyId, "00000", "", "no code", undefined, null, [lobbyId]].map((somewhere) =>
        encode("lobby_messaging_send", { token: guest.token, lobbyId: somewhere, message: "Not here" }),
      ),
      ...[
        "constructor",
        "__proto__",
        "toString",
        "hasOwnProperty",
        "lobby_messaging_received",
        "lobby_closed",
      ].map((method) => `${method}:${payload}`),
      `Lobby_Messaging_Send:${payload}`,
      ` lobby_messaging_send:${payload}`,
      `lobby_messaging_send :${payload}`,
      `:${payload}`,
      `lobby_messaging_send::${payload}`,
      `lobby_messaging_send;${payload}`,
      payload,
      "",
      ":",
      "lobby_messaging_send",
      "lobby_messaging_send:",
      "lobby_messaging_send:!!!!",
      `lobby_messaging_send:${payload.slice(0, -9)}`,
      `lobby_messaging_send:${Buffer.from("[1]").toString("base64")}`,
      `lobby_messaging_send:${Buffer.from("null").toString("base64")}`,
      `lobby_messaging_send:${Buffer.from('"text"').toString("base64")}`,
      `lobby_messaging_send:${Buffer.from("{").toString("base64")}`,
      `lobby_messaging_send:${Buffer.from([0xff, 0xfe, 0x7b]).toString("base64")}`,
      encode("lobby_messaging_send", []),
      encode("lobby_messaging_send", { __proto__: null }),
      "\0\0\0\0",
      "👋",
    ];
    for (const frame of frames) guest.socket.send(frame);
    for (const binary of [Buffer.alloc(0), Buffer.from([0, 255])]) {
      guest.socket.send(binary, { binary: true });
    }
    guest.chat(lobbyId, "Did you hear anything?");
    for (const player of all) await player.hearsChat("Did you hear anything?");
    await rollCall(other.lobbyId, other.host, ...other.guests);
    for (const player of all) expect(conversation(player)).toEqual(["Did you hear anything?"]);
    for (const player of other.all) expect(conversation(player)).toEqual([]);
  });
}

test.each([
  ["1 character", "."],
  ["a space", " "],
  ["250 characters", "x".repeat(250)],
  ["125 emojis of two units each", "🎲".repeat(125)],
  ["accents and other alphabets", "Žofie říká: привет, こんにちは, مرحبا"],
  ["an emoji of a whole family", "👨‍👩‍👧‍👦"],
  ["control characters", "a\u0000b\n\t\u007f"],
  ["what looks like a message", 'lobby_closed:e30= {"token":1}'],
  ["a byte order mark", "\ufeffhello"],
])("%s can be said", async (_, message) => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  host.chat(lobbyId, message);
  await rollCall(lobbyId, host, ...guests);
  for (const player of [host, ...guests]) expect(conversation(player)).toEqual([message]);
});

test("half an emoji reaches everybody as U+FFFD, which every language can print", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  host.chat(lobbyId, "cut \ud83c");
  host.chat(lobbyId, "\udfb2 off");
  host.chat(lobbyId, "\udfb2\ud83c");
  await rollCall(lobbyId, host, ...guests);
  for (const player of [host, ...guests]) {
    expect(conversation(player)).toEqual(["cut \ufffd", "\ufffd off", "\ufffd\ufffd"]);
  }
});

test("a message is measured in UTF-16 units: 126 emojis are too long", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url);
  host.chat(lobbyId, "🎲".repeat(126));
  host.chat(lobbyId, "🎲".repeat(250));
  await rollCall(lobbyId, host);
  expect(conversation(host)).toEqual([]);
});

test("what the server writes is standard base64 with padding, of UTF-8", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url);
  const frames: string[] = [];
  host.socket.on("message", (data: Buffer, isBinary) => frames.push(isBinary ? "binary" : data.toString()));
  for (const message of ["?", "??", "???", "ÿþ>?", "🎲"]) {
    host.chat(lobbyId, message);
    await host.hearsChat(message);
  }
  expect(frames).toHaveLength(5);
  for (const frame of frames) {
    const [method, base64 = ""] = frame.split(":");
    expect(method).toBe("lobby_messaging_received");
    expect(Buffer.from(base64, "base64").toString("base64")).toBe(base64);
  }
});

test("base64 may be without padding, URL-safe, or both", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url);
  // Enough messages that every length and both special characters occur.
  const said = Array.from({ length: 12 }, (_, i) => `${"~?>ÿ".repeat(3)}${"x".repeat(i)}`);
  const frames = said.map((message) => chatFrame(host, lobbyId, message));
  expect(frames.some((frame) => frame.includes("+")) && frames.some((frame) => frame.includes("/"))).toBe(
    true,
  );
  expect(frames.some((frame) => frame.endsWith("==")) && frames.some((frame) => /[^=]=$/.test(frame))).toBe(
    true,
  );
  const urlSafe = (frame: string) => frame.replaceAll("+", "-").replaceAll("/", "_");
  const unpadded = (frame: string) => frame.replaceAll("=", "");
  for (const frame of frames) {
    host.socket.send(unpadded(frame));
    host.socket.send(urlSafe(frame));
    host.socket.send(unpadded(urlSafe(frame)));
  }
  await rollCall(lobbyId, host);
  expect(conversation(host)).toEqual(said.flatMap((message) => [message, message, message]));
});

test("unknown fields in a message are ignored", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url);
  host.say("lobby_messaging_send", { lobbyId, message: "Hello!", color: "red", senderName: "Somebody else" });
  await rollCall(lobbyId, host);
  expect(host.all("lobby_messaging_received")[0]?.message).toMatchObject({
    senderName: "Host",
    message: "Hello!",
  });
});

test("a lobby's code may be in lower case in a message too", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url);
  host.chat(lobbyId.toLowerCase(), "Hello!");
  await host.hearsChat("Hello!");
  expect(host.all("lobby_messaging_received")[0]?.lobbyId).toBe(lobbyId);
});

test("whoever is in no lobby talks to nobody, and is not thrown out for it", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url);
  const loner = await Player.connect(server.url);
  loner.chat(lobbyId, "Let me in!");
  loner.reportsSuccess();
  await loner.settled();
  expect((await loner.host()).status).toBe(201);
  await rollCall(lobbyId, host);
  expect(conversation(host)).toEqual([]);
  expect(loner.methods).toEqual([]);
});

test("a newcomer hears nothing of what was said before", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url, { maxMembers: 2 });
  host.chat(lobbyId, "Anybody there?");
  await host.hearsChat("Anybody there?");
  const guest = await Player.connect(server.url);
  await guest.join(lobbyId, "Guest");
  await rollCall(lobbyId, host, guest);
  expect(conversation(guest)).toEqual([]);
});

test("the players talk on while they are being connected", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  for (const guest of guests) guest.answersOverUdp = false;
  await host.start(lobbyId);
  await rollCall(lobbyId, host, ...guests);
  for (const guest of guests) guest.sendDatagram(Number((await guest.hears("ptpMediation_send")).port));
  for (const player of [host, ...guests]) await player.hears("ptpMediation_peersConnection_start");
  await rollCall(lobbyId, host, ...guests);
});
