/** A server, and peers, that say anything to the SDK: the game gets an answer or an error with a code, and is never brought down. */

import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server as HttpServer } from "node:http";
import fc, { type Arbitrary } from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { connect, type Lobby, type Orion, OrionError } from "../../client/index.ts";
import { peersOf } from "../../client/link/introduced.ts";
import { readAs } from "../../core/shape.ts";
import { readServerMessage } from "../../core/wire/server-message.ts";
import { sidecarMessages } from "../../core/wire/sidecar-message.ts";
import { readSignedDatagram } from "../../core/wire/signed-datagram.ts";
import { decode, encode } from "../../measure/kit/wire.ts";
import { packetOf } from "../client/handmade-peer.ts";
import { count, patienceMs, reportEffort, runs } from "./effort.ts";
import {
  anyEdit,
  type Edit,
  edited,
  mutatedBody,
  mutatedFields,
  mutatedText,
  oddJson,
  oddText,
} from "./mutations.ts";
import { signedJson } from "./signed-json.ts";

/** What goes wrong behind the game's back is worse than an error: it ends the game. */
const unheard: unknown[] = [];
const keep = (error: unknown) => unheard.push(error);

let http: HttpServer;
let orion: Orion<Lobby>;
/** How the stand-in answers a POST, and GET /lobbies. */
let answer = { status: 200, body: "" };
let sockets: WebSocket[] = [];
const token = "1.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA";
/** The first message to whoever connects. */
let greeting = encode("client_registered", { token, clientId: "AAAAAAAAAAAAAAAA" });

beforeAll(async () => {
  process.on("unhandledRejection", keep);
  http = createServer((request, response) => {
    request.resume();
    response.statusCode = request.url === "/ping" ? 200 : answer.status;
    response.end(request.url === "/ping" ? "pong" : Buffer.from(answer.body, "latin1"));
  });
  new WebSocketServer({ server: http }).on("connection", (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.send(greeting);
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const address = http.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  orion = await connect(`http://127.0.0.1:${address.port}`);
});
afterAll(() => {
  for (const socket of sockets) socket.terminate();
  http.closeAllConnections();
  http.close();
  process.off("unhandledRejection", keep);
});
reportEffort();

const endpoint = { ip: "127.0.0.1", port: 4_000 };
const link = { id: "0123456789ab", key: "AAAAAAAAAAAAAAAAAAAAAA", side: "b" };
const ticket = "0123456789ab.b.9999999999.ABCDE.AAAAAAAAAAAAAAAA.BBBBBBBBBBBBBBBB";
const relay = { host: "127.0.0.1", port: 4_001, ticket, key: "BBBBBBBBBBBBBBBBBBBBBB" };
const who = { name: "Host", clientId: "BBBBBBBBBBBBBBBB" };
const peer = {
  ...who,
  ...endpoint,
  ports: [4_000, 4_000],
  mapping: "unknown",
  candidates: [endpoint],
  link,
  relay,
};
const you = { ...endpoint, mapping: "unknown" };
const timeline = [{ atMs: 1, what: "began" }];

/** What a server says, by its method. */
const said: [method: string, payload: object][] = [
  ["client_registered", { token, clientId: "AAAAAAAAAAAAAAAA", pingMs: 30_000 }],
  ["lobby_peerConnect", { lobbyId: "ABCDE", peerName: "Bob" }],
  ["lobby_peerDisconnect", { lobbyId: "ABCDE", peerName: "Bob" }],
  [
    "lobby_messaging_received",
    { lobbyId: "ABCDE", message: { timestamp: 1, senderName: "Bob", message: "hello" } },
  ],
  [
    "ptpMediation_send",
    {
      port: 4_001,
      ports: [4_001, 4_002],
      mediation: "one",
      host: "127.0.0.1",
      pass: "a pass",
      passKey: "its key",
    },
  ],
  ["ptpMediation_aborted", { abortReason: "Why not?", code: "member_left" }],
  ["ptpMediation_peersConnection_start", { peers: [peer], you }],
  [
    "ptpMediation_peersConnection_start",
    { peers: [peer, peer, { ...peer, link: { ...link, side: "a" } }], you },
  ],
  ["ptpMediation_peersConnection_start", { peers: [endpoint] }],
  [
    "ptpMediation_report",
    { ...who, cause: null, peers: [{ clientId: "x", path: "direct", cause: null, rttMs: 1, timeline }] },
  ],
  ["ptpMediation_success", {}],
];

/** A peer, or anything else, spoiled in one place or a few. */
const introduced = fc
  .array(mutatedFields(peer), { minLength: 1, maxLength: 4 })
  .map((peers) => `{"peers":[${peers.join(",")}],"you":${JSON.stringify(you)}}`);
const messageText: Arbitrary<string> = fc
  .oneof(
    {
      arbitrary: fc
        .constantFrom(...said)
        .map(([method, payload]): [string, string] => [method, JSON.stringify(payload)]),
      weight: 2,
    },
    {
      arbitrary: fc
        .constantFrom(...said)
        .chain(([method, payload]) => mutatedFields(payload).map((json): [string, string] => [method, json])),
      weight: 5,
    },
    fc.tuple(oddText, mutatedFields(peer)),
    introduced.map((json): [string, string] => ["ptpMediation_peersConnection_start", json]),
    oddJson.map((json): [string, string] => ["ptpMediation_peersConnection_start", `{"peers":[${json}]}`]),
  )
  .map(([method, json]) => `${method}:${Buffer.from(json).toString("base64")}`);
const anyMessage = fc.oneof(
  { arbitrary: messageText, weight: 6 },
  fc.tuple(messageText, anyEdit).map(([text, edit]) => edited(text, edit)),
  oddText,
);

/** Nobody but this machine is sent anything, whatever address a message has. */
function staysHere(text: string): boolean {
  const json = Buffer.from(text.slice(text.indexOf(":") + 1), "base64").toString("latin1");
  return !/"(?:ip|host)":"(?!127\.0\.0\.1")/.test(json);
}

test(
  "whatever a server says is a message, or none",
  () => {
    fc.assert(
      fc.property(anyMessage, fc.array(oddText, { maxLength: 3 }), (text, names) => {
        count("what a server says");
        const message = readServerMessage(text);
        if (message?.method !== "ptpMediation_peersConnection_start") return;
        const peers = peersOf(message.payload.peers, names);
        expect(peers.length).toBe(message.payload.peers.length);
      }),
      runs(3_000),
    );
  },
  patienceMs,
);

test(
  "whatever a sidecar says is understood, or not",
  () => {
    const payload = { nonce: "nonce-12", ip: "127.0.0.1", port: 4_000, cookie: "cookie-of-Ada", peer: true };
    const fields = mutatedFields({ ...payload, code: "rate", link: "0123456789ab", inMs: 5 });
    const methods = Object.keys(sidecarMessages) as (keyof typeof sidecarMessages)[];
    const input = fc.tuple(fc.constantFrom(...methods), fields, fc.option(anyEdit));
    fc.assert(
      fc.property(input, ([method, json, edit]) => {
        count("what a sidecar says");
        const text = signedJson(token, method, json);
        const datagram = readSignedDatagram(Buffer.from(edit ? edited(text, edit) : text));
        if (datagram) readAs<object>(sidecarMessages[method], datagram.payload);
      }),
      runs(3_000),
    );
  },
  patienceMs,
);

/** What a call comes to: a value, or an error that the game can tell its player. */
async function comesToSomething(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    expect(error).toBeInstanceOf(OrionError);
    const { code, message } = error as OrionError;
    expect(code).toBeTypeOf("string");
    expect(message).toBeTypeOf("string");
    expect(message).not.toContain(token);
  }
}

const joined = { lobbyId: "ABCDE", lobbyName: "Lobby", lobbyMembers: ["Host", "Ada"], host: "Host" };

test(
  "whatever a server answers is an answer, or an error",
  async () => {
    const genuine = fc.constantFrom<object>(
      joined,
      { lobbyId: "ABCDE", lobbyName: "Lobby" },
      { lobbies: [{ name: "Lobby", id: "ABCDE", currentMembers: 1, maxMembers: 8 }], cursor: "0-1" },
      { errors: ["The lobby is full."], codes: ["lobby_full"] },
    );
    const input = fc.record({
      status: fc.constantFrom(200, 200, 201, 204, 400, 401, 404, 409, 413, 429, 500, 503, 599),
      body: genuine.chain(mutatedBody),
    });
    await fc.assert(
      fc.asyncProperty(input, async (given) => {
        count("what a server answers", 3);
        answer = given;
        await Promise.all([
          comesToSomething(orion.list({ name: "a" })),
          comesToSomething(orion.host({ name: "Ada" }).then((lobby) => lobby.leave())),
          comesToSomething(orion.join("ABCDE", { name: "Ada" }).then((lobby) => lobby.leave())),
        ]);
        expect(unheard).toEqual([]);
      }),
      runs(25),
    );
  },
  patienceMs,
);

test(
  "whatever a server greets a client with, it is connected or told that this is no server",
  async () => {
    answer = { status: 200, body: JSON.stringify(joined) };
    const genuine = greeting;
    try {
      await fc.assert(
        fc.asyncProperty(fc.oneof(mutatedText(genuine), messageText), async (text) => {
          count("what a server says");
          greeting = text;
          await comesToSomething(orion.join("ABCDE", { name: "Ada" }).then((lobby) => lobby.leave()));
          expect(unheard).toEqual([]);
        }),
        runs(25),
      );
    } finally {
      greeting = genuine;
    }
  },
  patienceMs,
);

/** What comes over UDP to whoever was introduced: a sidecar's words, a peer's packets, or anything. */
type Shot = { method: string; json: string; under: string; edit: Edit | null } | { bytes: string };

const word = {
  nonce: "NONCE",
  ip: "127.0.0.1",
  port: 4_000,
  cookie: "cookie-of-Ada",
  peer: true,
  code: "rate",
};
const packet = fc
  .tuple(
    fc.integer({ min: 0xe6, max: 0xed }),
    fc.constantFrom(link.id, "ffffffffffff"),
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.constant(new Uint8Array(25)),
      fc.constant(new Uint8Array(1_201)),
    ),
  )
  .map(([kind, id, rest]) =>
    Buffer.concat([Buffer.of(kind), Buffer.from(id, "hex"), rest]).toString("latin1"),
  );
/** Of a peer that has the pair's key: it may say what no honest one would. */
const signed = fc
  .tuple(
    fc.constantFrom("check" as const, "answer" as const, "farewell" as const),
    fc.nat(3),
    fc.oneof(fc.nat(600), fc.constantFrom(2 ** 53 - 1, 2 ** 53, 2 ** 63)),
  )
  .map(([kind, side, number]) => packetOf(link, kind, side, number).toString("latin1"));
const anyShot: Arbitrary<Shot> = fc.oneof(
  fc.record({
    method: fc.constantFrom(...Object.keys(sidecarMessages)),
    json: mutatedFields({ ...word, link: link.id, inMs: 5 }),
    under: fc.constantFrom(token, relay.key, link.key),
    edit: fc.option(anyEdit, { freq: 3 }),
  }),
  fc.oneof(packet, signed, oddText).map((bytes) => ({ bytes })),
);

function bytesOf(shot: Shot, nonce: string): Buffer {
  if ("bytes" in shot) return Buffer.from(shot.bytes, "latin1");
  const text = signedJson(
    shot.under,
    shot.method,
    shot.json.replaceAll("NONCE", () => nonce),
  );
  return Buffer.from(shot.edit ? edited(text, shot.edit) : text);
}

test(
  "whatever is said to a member of a lobby, over both ways, the game is not brought down, and may leave",
  async () => {
    answer = { status: 200, body: JSON.stringify(joined) };
    const sidecar = createSocket("udp4").bind(0, "127.0.0.1");
    await once(sidecar, "listening");
    const { port } = sidecar.address();
    let introductions = 0;
    const input = fc.record({
      before: fc.array(anyMessage.filter(staysHere), { maxLength: 6 }),
      introduction: fc
        .oneof(introduced, fc.constant(JSON.stringify({ peers: [peer], you })))
        .filter(staysThere),
      shots: fc.array(anyShot, { maxLength: 12 }),
      after: fc.array(anyMessage.filter(staysHere), { maxLength: 6 }),
    });
    try {
      await fc.assert(
        fc.asyncProperty(input, async ({ before, introduction, shots, after }) => {
          count("what a server says", before.length + after.length + 2);
          count("what comes to a peer over UDP", shots.length);
          sockets = [];
          const lobby = await orion.join("ABCDE", { name: "Ada" });
          const [socket] = sockets;
          if (!socket) throw new Error("nobody came");
          const events = ["joined", "left", "chat", "closed", "aborted", "introduced", "report"] as const;
          for (const event of events) lobby.on(event, () => {});
          lobby.on("introduced", () => {
            introductions += 1;
          });
          const calledOff = new AbortController();
          const calls = [lobby.started({ signal: calledOff.signal }), lobby.chat("hello")].map(
            comesToSomething,
          );
          for (const text of before) socket.send(text);
          // It shows itself to the sidecar, unless it has left by what was said: then it shows itself no more.
          const probed = once(sidecar, "message", { signal: AbortSignal.timeout(200) }).catch(() => null);
          socket.send(
            encode("ptpMediation_send", {
              port,
              ports: [port],
              mediation: "one",
              host: "127.0.0.1",
              ...{ pass: "a pass", passKey: "its key" },
            }),
          );
          const probe = await probed;
          socket.send(`ptpMediation_peersConnection_start:${Buffer.from(introduction).toString("base64")}`);
          await answered(socket);
          if (probe) {
            const [bytes, from] = probe as [Buffer, RemoteInfo];
            const { nonce } = decode(bytes.toString().split(".")[0] ?? "").payload;
            for (const shot of shots) sidecar.send(bytesOf(shot, String(nonce)), from.port, from.address);
          }
          for (const text of after) socket.send(text);
          await answered(socket);
          calledOff.abort();
          await lobby.leave();
          await Promise.all(calls);
          expect(unheard).toEqual([]);
        }),
        runs(30),
      );
      // Some get that far: what comes after it is heard by somebody.
      expect(introductions).toBeGreaterThan(0);
      count("introductions taken", introductions);
    } finally {
      sidecar.close();
    }
  },
  patienceMs,
);

const staysThere = (json: string) => staysHere(`:${Buffer.from(json).toString("base64")}`);

/** Done when the other end has dealt with all that was sent to it before, or is gone. */
async function answered(socket: WebSocket): Promise<void> {
  if (socket.readyState !== socket.OPEN) return;
  socket.ping();
  await Promise.race([once(socket, "pong"), once(socket, "close")]);
}

test("nothing has gone wrong behind the game's back", async () => {
  // What is rejected is reported when all that was under way has had its turn.
  await new Promise((resolve) => setImmediate(resolve));
  expect(unheard).toEqual([]);
});
