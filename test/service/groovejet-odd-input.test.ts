/** One frame ended groovejet's original server. Here nothing that a client says ends anything but its own connection. */
import { createConnection } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { drawRoom, GroovejetClient, type GroovejetMessage } from "../../measure/kit/groovejet-client.ts";
import { startLoggedServer } from "../../measure/kit/server.ts";

let server: Server & { readonly logged: readonly string[] };
/** A room that goes on, whatever happens to others. */
let host: GroovejetClient;
let code: string;
beforeAll(async () => {
  server = await startLoggedServer({ udpPort: null });
  host = await connect();
  code = await host.createRoom();
});
afterAll(() => server.stop());

const connect = () => GroovejetClient.connect(server.url, "/groovejet", {});

let times = 0;
/** The room lets a guest in, and passes its signals on. */
async function goesOn(): Promise<void> {
  const guest = await connect();
  await guest.joinRoom(code);
  const offerSignal = `still here ${times++}`;
  guest.say({ type: "guestOfferSignal", data: { offerSignal } });
  const isMeant = ({ data }: GroovejetMessage) => data?.offerSignal === offerSignal;
  for (let nth = 1; !host.heard.some(isMeant); nth++) await host.hears("guestOfferSignal", nth);
  const [heard] = host.heard.filter(isMeant);
  expect(heard?.data?.clientId).toBe(guest.clientId);
  host.say({ type: "hostAnswerSignal", data: { answerSignal: "so am I", clientId: guest.clientId } });
  await guest.hears("hostAnswerSignal");
  await guest.leave();
}
afterEach(async () => {
  await goesOn();
  expect(server.logged.filter((line) => line.includes('"level":"error"'))).toEqual([]);
});

const odd = [
  "null",
  "true",
  "0",
  '""',
  "[]",
  "[null]",
  "{}",
  "{not json",
  "",
  " ",
  "\u0000",
  '{"type":null}',
  '{"type":"constructor"}',
  '{"type":"__proto__","data":{}}',
  '{"__proto__":{"type":"createRoom"}}',
  '{"type":"error","data":{}}',
  '{"type":"identity","data":{"clientId":"mine"}}',
  '{"type":"clientSignal"}',
  '{"type":"clientSignal","data":null}',
  '{"type":"clientSignal","data":[]}',
  '{"type":"guestOfferSignal","data":7}',
  '{"type":"hostSignal"}',
  '{"type":"hostSignal","data":{"answerSignal":1}}',
  '{"type":"hostAnswerSignal","data":{"answerSignal":1,"clientId":null}}',
  '{"type":"hostAnswerSignal","data":{"answerSignal":1,"clientId":{"toString":null}}}',
  '{"type":"hostAnswerSignal","data":{"answerSignal":1,"clientId":"00000000-0000-4000-8000-000000000000"}}',
  `{"type":"hostAnswerSignal","data":{"answerSignal":1,"clientId":"${"0".repeat(10_000)}"}}`,
  "client_registered:e30=",
  "lobby_messaging_send:e30=",
  "[".repeat(10_000),
  `{"type":${'{"type":'.repeat(1_000)}1${"}".repeat(1_000)}}`,
];

describe("texts that mean nothing", () => {
  test("are ignored before a room", async () => {
    const client = await connect();
    for (const text of odd) client.say(text);
    expect(await client.createRoom()).toMatch(/^[0-9a-z]{5}$/);
    expect(client.types).toEqual(["identity", "createdRoom", ...client.types.slice(2)]);
  });

  test("are ignored of a guest", async () => {
    const guest = await connect();
    await guest.joinRoom(code);
    for (const text of odd) guest.say(text);
    const before = host.all("guestOfferSignal").length;
    guest.say({ type: "guestOfferSignal", data: { offerSignal: "the only one" } });
    expect((await host.hears("guestOfferSignal", before + 1)).data).toMatchObject({
      offerSignal: "the only one",
    });
  });

  test("are ignored of a host", async () => {
    const own = await connect();
    const guest = await connect();
    await guest.joinRoom(await own.createRoom());
    for (const text of odd) own.say(text);
    own.say({ type: "hostAnswerSignal", data: { answerSignal: "the only one", clientId: guest.clientId } });
    expect((await guest.hears("hostAnswerSignal")).data).toEqual({ answerSignal: "the only one" });
  });
});

test.each([
  '{"type":"joinRoom"}',
  '{"type":"joinRoom","data":null}',
  '{"type":"joinRoom","data":[]}',
  '{"type":"joinRoom","data":{"roomCode":{}}}',
  '{"type":"joinRoom","data":{"roomCode":["aaaaa"]}}',
])("%s is told what is missing, and its socket closes without a code", async (text) => {
  const client = await connect();
  client.say(text);
  expect(await client.hears("error")).toMatchObject({ errorType: "missingRoomCode" });
  expect(await client.closed).toBe(1005);
});

test.each([
  '{"type":"createRoom","data":null}',
  '{"type":"createRoom","data":[]}',
  '{"type":"createRoom","data":{"roomCode":"mine!"}}',
  ' {"data":7,"type":"createRoom","type":"createRoom"} ',
])("%s creates a room", async (text) => {
  const client = await connect();
  client.say(text);
  await client.hears("createdRoom");
});

test("binary frames are ignored, whatever is in them", async () => {
  const client = await connect();
  client.socket.send(Buffer.from('{"type":"createRoom"}'));
  client.socket.send(Buffer.from([0xff, 0xfe, 0]));
  client.socket.send(Buffer.alloc(0));
  expect(await client.joinRoom(code)).toMatchObject({ type: "joinedRoom" });
});

test("signals of any JSON arrive as they were", async () => {
  const guest = await connect();
  await guest.joinRoom(code);
  const signals = [
    null,
    false,
    0,
    "",
    [],
    {},
    [[null]],
    { type: "offer", sdp: "a\r\nb" },
    "🎲",
    { "": { "": 1e300 } },
  ];
  const before = host.all("guestOfferSignal").length;
  for (const offerSignal of signals) guest.say({ type: "guestOfferSignal", data: { offerSignal } });
  await host.hears("guestOfferSignal", before + signals.length);
  const heard = host.all("guestOfferSignal").slice(before);
  expect(heard.map(({ data }) => data?.offerSignal)).toEqual(signals);
});

test("a signal that is too large is refused aloud, and the next one passes", async () => {
  const guest = await connect();
  await guest.joinRoom(code);
  guest.say({ type: "guestOfferSignal", data: { offerSignal: "x".repeat(9_000) } });
  expect(await guest.hears("error")).toMatchObject({ errorType: "signalTooLarge" });
  const before = host.all("guestOfferSignal").length;
  guest.say({ type: "guestOfferSignal", data: { offerSignal: "x".repeat(8_000) } });
  await host.hears("guestOfferSignal", before + 1);
});

test("signals without end are refused aloud, and cost nobody else anything", async () => {
  const guest = await connect();
  await guest.joinRoom(code);
  for (let n = 0; !guest.types.includes("error"); n++) {
    guest.say({ type: "guestOfferSignal", data: { offerSignal: n } });
    if (n % 150 === 149) await guest.settled();
  }
  expect(await guest.hears("error")).toMatchObject({ errorType: "tooManySignals" });
});

test("a message of more than 16 KiB closes its sender, which hears why", async () => {
  const client = await connect();
  client.say(`{"type":"createRoom","data":"${"x".repeat(20_000)}"}`);
  expect(await client.hears("error")).toMatchObject({ errorType: "frameTooLarge" });
  expect(await client.closed).toBe(1005);
});

test("a flood closes its sender, which hears why", async () => {
  const client = await connect();
  for (let n = 0; !client.types.includes("error"); n++) {
    client.say("null");
    if (n % 700 === 699) await Promise.race([client.settled(), client.closed]);
  }
  expect(await client.hears("error")).toMatchObject({ errorType: "flood" });
  expect(await client.closed).toBe(1005);
});

test("a protocol error, and a reset, end one connection", async () => {
  const breaks = [
    // A frame without a mask, a continuation of nothing, a reserved opcode, a length that is no length.
    [0x81, 0x02, 0x7b, 0x7d],
    [0x80, 0x80, 0, 0, 0, 0],
    [0x83, 0x80, 0, 0, 0, 0],
    [0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
  ];
  for (const bytes of [...breaks, []]) {
    const guest = await connect();
    await guest.joinRoom(code);
    const { _socket: tcp } = Object(guest.socket);
    tcp.write(Buffer.from(bytes));
    // Nothing closes the connection of a client that broke the protocol, if it does not do so itself.
    if (bytes.length === 0) tcp.resetAndDestroy();
    else guest.cut();
    const isGone = ({ type, data }: GroovejetMessage) =>
      type === "guestLeft" && data?.clientId === guest.clientId;
    for (let nth = 1; !host.heard.some(isGone); nth++) await host.hears("guestLeft", nth);
  }
});

test("a client that is gone before its room has answered leaves nobody behind, but for the moment in which its socket is taken", async () => {
  const { hostname, port } = server.url;
  const rooms = await Promise.all(Array.from({ length: 20 }, () => drawRoom(server.url)));
  for (const drawn of rooms) {
    const raw = createConnection({ host: hostname, port: Number(port) });
    raw.on("error", () => {});
    await new Promise((resolve) => raw.once("connect", resolve));
    raw.write(
      `GET /?code=${drawn}&host HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: Upgrade\r\n` +
        "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    raw.resetAndDestroy();
  }
  /** Whether nobody is host there, as soon as the server has noticed. */
  const isFree = async (drawn: string) => {
    for (let tries = 0; tries < 20; tries++) {
      const own = await GroovejetClient.connect(server.url, `/?code=${drawn}&host`);
      const isHost = !own.types.includes("error");
      own.cut();
      if (isHost) return true;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return false;
  };
  let free = 0;
  for (const drawn of rooms) free += Number(await isFree(drawn));
  // One or two on a busy machine; all of them if the room is not asked first.
  expect(rooms.length - free).toBeLessThan(rooms.length / 2);
});
