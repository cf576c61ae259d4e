/** groovejet's clients meet on the port that Orion's clients use, in each of its four forms. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clientIdOf } from "../../core/dialects/groovejet/client-ids.ts";
import type { Server } from "../../local/server.ts";
import { drawRoom, GroovejetClient } from "../../measure/kit/groovejet-client.ts";
import { lobbiesMade, startFaultyServer } from "../../measure/kit/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({ udpPort: null });
});
afterAll(() => server.stop());

const connect = () => GroovejetClient.connect(server.url);
/** A client of form A or B, as soon as it has its identity. */
const byQuery = (query: string) => GroovejetClient.connect(server.url, `/?${query}`);
const offer = (n = 1) => ({ type: "offer", sdp: `v=0\r\no=- ${n} 2 IN IP4 127.0.0.1\r\n` });
const answer = (n = 1) => ({ type: "answer", sdp: `v=0\r\no=- ${n} 3 IN IP4 127.0.0.1\r\n` });
const uuid = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;
/** A code that no room has, and that this server never draws. */
const wrongCode = async () => {
  const code = await drawRoom(server.url);
  return code.slice(0, -1) + (code.endsWith("0") ? "1" : "0");
};

describe("POST /rooms", () => {
  test("draws a code, as the client 0.0.12 asks: without a body, across origins, with two slashes", async () => {
    for (const path of ["/rooms", "//rooms", "/groovejet/rooms"]) {
      const response = await fetch(`${server.url.origin}${path}`, { method: "POST" });
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toBe("application/json");
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      expect(await response.json()).toEqual({ code: expect.stringMatching(/^[0-9a-z]{5}$/) });
    }
  });

  test("ignores its body, and answers a preflight", async () => {
    const headers = { origin: "https://game.example", "content-type": "application/json" };
    const posted = await fetch(new URL("/rooms", server.url), { method: "POST", body: "{", headers });
    expect(posted.status).toBe(200);
    const asked = await fetch(new URL("/rooms", server.url), { method: "OPTIONS", headers });
    expect([asked.status, asked.headers.get("access-control-allow-origin")]).toEqual([204, "*"]);
  });

  test("creates nothing", async () => {
    const before = await lobbiesMade(server.url);
    const codes = await Promise.all(Array.from({ length: 50 }, () => drawRoom(server.url)));
    expect(new Set(codes).size).toBe(50);
    expect(await lobbiesMade(server.url)).toBe(before);
  });
});

describe("form A, by URL: pearl 0.0.12", () => {
  test("a host and two guests exchange their signals, and each hears its own", async () => {
    const code = await drawRoom(server.url);
    const host = await byQuery(`code=${code}&host`);
    const guests = [await byQuery(`code=${code}`), await byQuery(`code=${code}`)];
    for (const [i, guest] of guests.entries()) {
      guest.say({ type: "clientSignal", data: { offerSignal: offer(i) } });
      const { data } = await host.hears("clientConnection", i + 1);
      expect(data).toEqual({ offerSignal: offer(i), clientId: guest.clientId });
      host.say({ type: "hostSignal", data: { answerSignal: answer(i), clientId: data?.clientId } });
      expect(await guest.hears("hostSignal")).toEqual({
        type: "hostSignal",
        data: { answerSignal: answer(i) },
      });
    }
    // Each answer once: a second one throws in the guest.
    for (const guest of guests) expect(guest.types).toEqual(["identity", "hostSignal"]);
    expect(host.types).toEqual(["identity", "clientConnection", "clientConnection"]);
    expect([...guests, host].flatMap(({ unreadable }) => unreadable)).toEqual([]);
  });

  test("a guest that offers as soon as its socket is open is heard", async () => {
    const code = await drawRoom(server.url);
    const host = await byQuery(`code=${code}&host`);
    const guest = new GroovejetClient(server.url, `/?code=${code}`);
    guest.socket.once("open", () => guest.say({ type: "clientSignal", data: { offerSignal: offer() } }));
    expect((await host.hears("clientConnection")).data).toMatchObject({ offerSignal: offer() });
  });
});

describe("form B, by URL", () => {
  test("identity comes first, and nothing after it", async () => {
    const code = await drawRoom(server.url);
    const host = await byQuery(`host=true&code=${code}`);
    const guest = await byQuery(`code=${code}`);
    guest.say({ type: "guestOfferSignal", data: { offerSignal: offer(), clientId: "made up" } });
    const { data } = await host.hears("guestOfferSignal");
    expect(data).toEqual({ offerSignal: offer(), clientId: guest.clientId });
    host.say({ type: "hostAnswerSignal", data: { answerSignal: answer(), clientId: guest.clientId } });
    expect((await guest.hears("hostAnswerSignal")).data).toEqual({ answerSignal: answer() });
    expect(guest.clientId).toMatch(uuid);
    expect([host.types, guest.types]).toEqual([
      ["identity", "guestOfferSignal"],
      ["identity", "hostAnswerSignal"],
    ]);
  });

  const refusals: [
    name: string,
    query: () => Promise<string> | string,
    errorType: string,
    text: (code: string) => string,
  ][] = [
    ["no code", () => "host", "missingRoomCode", () => "Missing room code in query string"],
    [
      "two codes",
      () => "code=aaaaa&code=bbbbb",
      "missingRoomCode",
      () => "Missing room code in query string",
    ],
    [
      "a code that nobody has drawn",
      async () => `code=${await wrongCode()}`,
      "noRoomFound",
      (code) => `No room exists with code ${code}`,
    ],
    [
      "the same of a host",
      async () => `code=${await wrongCode()}&host`,
      "noRoomFound",
      (code) => `No room exists with code ${code}`,
    ],
    ["an empty code", () => "code=", "noRoomFound", () => "No room exists with code "],
    [
      "a text that is no code",
      () => "code=..%2F..&host",
      "noRoomFound",
      () => "No room exists with code ../..",
    ],
    [
      "a guest whose host has not come",
      async () => `code=${await drawRoom(server.url)}`,
      "hostDisconnected",
      (code) => `The host for room ${code} has disconnected`,
    ],
  ];
  test.each(refusals)(
    "%s: identity, the error, and a close without a code",
    async (_, query, errorType, text) => {
      const asked = await query();
      const client = await byQuery(asked);
      expect(await client.closed).toBe(1005);
      const code = new URLSearchParams(asked).get("code") ?? "";
      expect(client.heard.slice(1)).toEqual([{ type: "error", errorType, errorMessage: text(code) }]);
    },
  );

  test("a second host is refused, and the first stays", async () => {
    const code = await drawRoom(server.url);
    const host = await byQuery(`code=${code}&host`);
    const other = await byQuery(`code=${code}&host=false`);
    expect(await other.closed).toBe(1005);
    expect(other.heard[1]).toEqual({
      type: "error",
      errorType: "hostAlreadyExists",
      errorMessage: `You're trying to connect as a host, but the room ${code} already has a host`,
    });
    const guest = await byQuery(`code=${code}`);
    guest.say({ type: "guestOfferSignal", data: { offerSignal: 1 } });
    await host.hears("guestOfferSignal");
  });

  test("of two hosts that come at once one is the host", async () => {
    const code = await drawRoom(server.url);
    const both = await Promise.all([byQuery(`code=${code}&host`), byQuery(`code=${code}&host`)]);
    const refused = await Promise.race(both.map(async (one) => (await one.closed) && one));
    expect(refused).toMatchObject({ heard: [{}, { errorType: "hostAlreadyExists" }] });
  });
});

describe("form C, by messages: pearl at its last commit", () => {
  test("a host creates a room, and guests join it, whatever they say that they could", async () => {
    const host = await connect();
    const code = await host.createRoom();
    expect(code).toMatch(/^[0-9a-z]{5}$/);
    for (const more of [{}, { canHost: true }, { canHost: false }]) {
      const guest = await connect();
      expect(await guest.joinRoom(code, more)).toMatchObject({ type: "joinedRoom", data: { isHost: false } });
      guest.say({ type: "guestOfferSignal", data: { offerSignal: offer() } });
    }
    for (const nth of [1, 2, 3]) {
      const { data } = await host.hears("guestOfferSignal", nth);
      host.say({ type: "hostAnswerSignal", data: { answerSignal: answer(), clientId: data?.clientId } });
    }
  });

  test("a code is read whatever its case", async () => {
    const host = await connect();
    const code = await host.createRoom();
    const guest = await connect();
    expect(await guest.joinRoom(` ${code.toUpperCase()} `)).toMatchObject({ type: "joinedRoom" });
  });

  test("host and guest may be pages and other programs", async () => {
    const host = await GroovejetClient.connect(server.url, "/groovejet", {});
    const code = await host.createRoom();
    // Without a word of the server's: its first word decides.
    const guest = new GroovejetClient(server.url, "/", {});
    await new Promise((resolve) => guest.socket.once("open", resolve));
    expect(await guest.joinRoom(code)).toMatchObject({ data: { isHost: false } });
    expect(guest.types).toEqual(["identity", "joinedRoom"].concat(guest.types.slice(2)));
    guest.say({ type: "guestOfferSignal", data: { offerSignal: 1 } });
    expect((await host.hears("guestOfferSignal")).data).toMatchObject({ clientId: guest.clientId });
    expect(host.unreadable).toEqual([]);
  });

  test.each<[string, unknown, string, (code: string) => string]>([
    ["no code", undefined, "missingRoomCode", () => "Missing room code in request"],
    ["a number", 7, "missingRoomCode", () => "Missing room code in request"],
    ["a room that is not there", "wrong", "noRoomFound", (code) => `No room exists with code ${code}`],
    [
      "a text that is no code",
      "rabid:NiceRoom",
      "noRoomFound",
      () => "No room exists with code rabid:NiceRoom",
    ],
    ["a name of another lobby", "K3Y7Z", "noRoomFound", () => "No room exists with code K3Y7Z"],
  ])("%s is refused, and the socket closes without a code", async (_, typed, errorType, text) => {
    const roomCode = typed === "wrong" ? await wrongCode() : typed;
    const client = await connect();
    expect(await client.joinRoom(roomCode)).toEqual({
      type: "error",
      errorType,
      errorMessage: text(String(roomCode)),
    });
    expect(await client.closed).toBe(1005);
  });

  test("a room that was drawn and not opened is none", async () => {
    const client = await connect();
    expect(await client.joinRoom(await drawRoom(server.url))).toMatchObject({ errorType: "noRoomFound" });
  });

  test("signals before a room, and wishes in it, are ignored", async () => {
    const host = await connect();
    host.say({ type: "guestOfferSignal", data: { offerSignal: 1 } });
    host.say({ type: "hostAnswerSignal", data: { answerSignal: 1, clientId: host.clientId } });
    const code = await host.createRoom();
    const guest = await connect();
    await guest.joinRoom(code);
    for (const client of [host, guest]) {
      client.say({ type: "createRoom" });
      client.say({ type: "joinRoom", data: { roomCode: code } });
      client.say({ type: "joinRoom" });
    }
    // What a guest says of a host's, and the reverse.
    guest.say({ type: "hostAnswerSignal", data: { answerSignal: "lie", clientId: guest.clientId } });
    host.say({ type: "guestOfferSignal", data: { offerSignal: "lie" } });
    host.say({ type: "hostAnswerSignal", data: { answerSignal: "to nobody", clientId: host.clientId } });
    guest.say({ type: "guestOfferSignal", data: { offerSignal: "true" } });
    expect((await host.hears("guestOfferSignal")).data).toMatchObject({ offerSignal: "true" });
    host.say({ type: "hostAnswerSignal", data: { answerSignal: "true", clientId: guest.clientId } });
    expect((await guest.hears("hostAnswerSignal")).data).toEqual({ answerSignal: "true" });
    expect(host.types.filter((type) => /Room$|error/.test(type))).toEqual(["createdRoom"]);
    expect(guest.types.filter((type) => /Room$|error/.test(type))).toEqual(["joinedRoom"]);
  });

  test("what a client says while its room is asked waits for the answer", async () => {
    const host = await connect();
    const code = await host.createRoom();
    const guest = await connect();
    guest.say({ type: "joinRoom", data: { roomCode: code } });
    guest.say({ type: "guestOfferSignal", data: { offerSignal: "early" } });
    expect((await host.hears("guestOfferSignal")).data).toMatchObject({ offerSignal: "early" });
    expect(guest.types.filter((type) => type !== "roomJoined")).toEqual(["identity", "joinedRoom"]);
  });
});

describe("form D, by the names of the README", () => {
  test("both answers have its names, too", async () => {
    const host = await connect();
    const code = await host.createRoom("roomCreated");
    const guest = await connect();
    expect(await guest.joinRoom(code, {}, "roomJoined")).toEqual({
      type: "roomJoined",
      data: { clientIsHost: false, isHost: false, reconnected: false },
    });
    expect([host.types, guest.types]).toEqual([
      ["identity", "createdRoom", "roomCreated"],
      ["identity", "joinedRoom", "roomJoined"],
    ]);
  });
});

test("a client id leads to the session that Orion's clients know by another", async () => {
  const client = await connect();
  expect(clientIdOf(client.clientId)).toMatch(/^[\w-]{16}$/);
});
