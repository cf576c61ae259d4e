/** Bytes on a TCP connection that no client would send: garbage, pipelines, half requests, broken frames. All else goes on. */
import { randomBytes } from "node:crypto";
import fc, { type Arbitrary } from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { carryMediation } from "../../measure/kit/mediation.ts";
import { post, rollCall } from "../../measure/kit/player.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { decode, encode } from "../../measure/kit/wire.ts";
import { patienceMs, reportEffort, runs, together } from "./effort.ts";
import { mutatedBytes, oddText } from "./mutations.ts";
import { firstMessage, openRaw, type RawConnection, statusesOf } from "./raw-connection.ts";
import { expectNoLeak, type Witnesses, witnesses } from "./witnesses.ts";

let server: Server;
let lobby: Witnesses;
beforeAll(async () => {
  server = await startTestServer();
  lobby = await witnesses(server.url);
});
afterAll(() => server.stop());
reportEffort();

const batchOf = <T>(input: Arbitrary<T>) => fc.array(input, { minLength: 1, maxLength: 20, size: "max" });
/** Bytes as text: a character is one. */
const binary = (arbitrary: Arbitrary<Uint8Array>) =>
  arbitrary.map((bytes) => Buffer.from(bytes).toString("latin1"));

/** 501: methods that the server in front of the Worker does not know, which then never sees them. */
const isFine = (status: number) => status < 500 || status === 501;

/** Asks what is always answered, last of all, and lets the connection end: what waits for more gets no more. */
async function finish(raw: RawConnection): Promise<void> {
  raw.say("GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  await raw.ended(100);
  raw.finish();
  await raw.ended();
  raw.drop();
  for (const status of statusesOf(raw.heard)) expect(status).toSatisfy(isFine);
  expectNoLeak(raw.heard, lobby.all);
}

function joinText(
  headers: string[] = [],
  body = JSON.stringify({ token: lobby.guest.token, peerName: "Late" }),
): string {
  const length = headers.some((header) => /^(content-length|transfer-encoding)/i.test(header))
    ? []
    : [`Content-Length: ${Buffer.byteLength(body)}`];
  const lines = [
    `POST /lobbies/${lobby.lobbyId}/join HTTP/1.1`,
    "Host: localhost",
    ...length,
    ...headers,
    "",
    body,
  ];
  return lines.join("\r\n");
}

const oddHeader = fc.oneof(
  fc.constantFrom(
    ...[
      "Content-Length: 5",
      "Content-Length: -1",
      "Content-Length: 99999999999999999999",
      "Content-Length: 0x10",
    ],
    ...["Content-Length: 1, 1", "Content-Length:", "Content-Length: 1e3", "Content-Length: 16385"],
    ...[
      "Transfer-Encoding: chunked",
      "Transfer-Encoding: gzip, chunked",
      "Transfer-Encoding: identity",
      "transfer-encoding : chunked",
    ],
    ...[
      "Expect: 100-continue",
      "Connection: close",
      "Connection: keep-alive, close, ,",
      "TE: trailers",
      " folded: yes",
    ],
    ...[
      "Host: other",
      "Upgrade: h2c",
      "HTTP2-Settings: AAAA",
      "X: \0",
      "X: \xff",
      ": nameless",
      "no colon",
      `X: ${"a".repeat(70_000)}`,
    ],
  ),
  fc.tuple(oddText, oddText).map(([name, value]) => `${name}: ${value}`.slice(0, 3_000)),
);
const chunks = fc
  .array(
    fc.constantFrom(
      "5\r\nhello\r\n",
      "0\r\n\r\n",
      "ffffffffffffffff\r\n",
      "-1\r\n",
      "z\r\n",
      "3;x=y\r\nabc\r\n",
      "\r\n",
    ),
    { maxLength: 4 },
  )
  .map((pieces) => pieces.join(""));

test(
  "requests that are broken, in pieces or on top of each other are refused, and change nothing",
  async () => {
    const request = fc.oneof(
      fc.array(oddHeader, { maxLength: 3 }).map((headers) => joinText(headers)),
      fc
        .tuple(fc.array(oddHeader, { maxLength: 2 }), chunks)
        .map(([more, body]) => joinText(["Transfer-Encoding: chunked", ...more], body)),
      binary(mutatedBytes(Buffer.from(joinText()))),
      binary(mutatedBytes(Buffer.from("GET /lobbies?limit=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"))),
      fc
        .tuple(
          fc.constantFrom("GET", "BREW", "get", "PRI", ""),
          oddText,
          fc.constantFrom("1.1", "1.0", "0.9", "2.0", ""),
        )
        .map(([method, path, version]) => `${method} /${path} HTTP/${version}\r\nHost: localhost\r\n\r\n`),
    );
    const junk = binary(fc.uint8Array({ maxLength: 400 }));
    const input = fc.record({
      pieces: fc.array(fc.oneof({ arbitrary: request, weight: 6 }, junk), { minLength: 1, maxLength: 4 }),
      cutAt: fc.nat(300),
    });
    await fc.assert(
      fc.asyncProperty(batchOf(input), async (inputs) => {
        await together("TCP connections", inputs, async ({ pieces, cutAt }) => {
          const raw = openRaw(server.url);
          const bytes = pieces.join("");
          raw.say(bytes.slice(0, cutAt));
          await new Promise((resolve) => setImmediate(resolve));
          raw.say(bytes.slice(cutAt));
          await finish(raw);
        });
        await lobby.seeNothing();
      }),
      runs(12),
    );
  },
  patienceMs,
);

test("a request whose body never comes to its end is none, and keeps nobody waiting", async () => {
  const waiting = Array.from({ length: 50 }, () => openRaw(server.url));
  const text = joinText([`Content-Length: ${200}`]);
  for (const [i, raw] of waiting.entries()) raw.say(text.slice(0, text.length - i));
  await lobby.seeNothing();
  for (const raw of waiting) raw.drop();
  await lobby.seeNothing();
});

test("of several requests in one packet, each is answered, in order", async () => {
  const raw = openRaw(server.url);
  raw.say(
    [joinText(), "GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n", joinText([], "{"), joinText()].join(""),
  );
  await finish(raw);
  expect(statusesOf(raw.heard)).toEqual([
    expect.toBeOneOf([409, 429]),
    200,
    400,
    expect.toBeOneOf([409, 429]),
    200,
  ]);
  // 429: the other tests have asked in this player's name before.
});

type Frame = {
  head: number;
  masked: boolean;
  length: "own" | "16" | "64" | "more" | "huge";
  payload: string;
};

/** A frame as RFC 6455 has it, 5.2; or nearly. */
function frameBytes({ head, masked, length, payload }: Frame): Buffer {
  const bytes = Buffer.from(payload, "latin1");
  const size = bytes.length;
  const mask = masked ? 0x80 : 0;
  const key = masked ? randomBytes(4) : Buffer.of();
  const lengths = {
    own: size < 126 ? Buffer.of(mask | size) : Buffer.of(mask | 126, size >> 8, size & 255),
    "16": Buffer.of(mask | 126, size >> 8, size & 255),
    "64": Buffer.of(mask | 127, 0, 0, 0, 0, 0, 0, size >> 8, size & 255),
    more: Buffer.of(mask | Math.min(125, size + 1)),
    huge: Buffer.of(mask | 127, 255, 255, 255, 255, 255, 255, 255, 255),
  };
  const body = masked ? bytes.map((byte, i) => byte ^ (key[i % 4] ?? 0)) : bytes;
  return Buffer.concat([Buffer.of(head), lengths[length], key, body]);
}

const closing = fc.constantFrom(
  "",
  "\x03",
  "\x03\xe8",
  "\x03\xe8bye",
  "\x03\xed",
  "\x03\xee",
  "\0\0",
  "\xff\xff",
  "\x03\xe8\xff\xfe",
  "\x0b\xb8",
);
const anyFrame: Arbitrary<Frame> = fc.record({
  // Of a text, a binary, a continuation, a close, a pong, and of what is none; whole, in pieces, with reserved bits. Pings
  // are left out: after one, workerd (2026-10-23) now and then tells nobody that a broken frame has ended the connection.
  head: fc
    .oneof(fc.constantFrom(0x81, 0x82, 0x01, 0x00, 0x80, 0x88, 0x8a, 0x08, 0xc1, 0xb1), fc.nat(255))
    .filter((head) => (head & 15) !== 9),
  masked: fc.oneof({ arbitrary: fc.constant(true), weight: 6 }, fc.constant(false)),
  length: fc.oneof(
    { arbitrary: fc.constant("own" as const), weight: 6 },
    fc.constantFrom("16" as const, "64" as const, "more" as const, "huge" as const),
  ),
  payload: fc.oneof(
    closing,
    binary(fc.uint8Array({ maxLength: 200 })),
    fc.constantFrom(
      "lobby_messaging_send:e30=",
      "\xc3",
      "\xed\xa0\x80",
      "x".repeat(126),
      "x".repeat(16_384),
      "x".repeat(16_385),
    ),
    fc.constant(
      encode("lobby_messaging_send", {
        token: "1.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA",
        message: "hello",
      }),
    ),
  ),
});

/** A member of the lobby, on a connection on which it can say anything. */
async function rawMember(name: string): Promise<RawConnection> {
  const raw = openRaw(server.url);
  const lines = ["Host: localhost", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"];
  const key = randomBytes(16).toString("base64");
  raw.say(`${["GET / HTTP/1.1", ...lines, `Sec-WebSocket-Key: ${key}`].join("\r\n")}\r\n\r\n`);
  await raw.hears((heard) => firstMessage(heard) !== null);
  const { token } = decode(firstMessage(raw.heard) ?? "").payload;
  const { status } = await post(server.url, `/lobbies/${lobby.lobbyId}/join`, { token, peerName: name });
  expect(status).toBe(200);
  return raw;
}

let members = 0;

test(
  "frames that are none cost their sender its connection, if anything, and the others hear that it left, once",
  async () => {
    const input = fc.array(anyFrame, { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.array(input, { minLength: 1, maxLength: 2 }), async (inputs) => {
        const [{ lobbyId }, [first, ...rest]] = [lobby, lobby.all];
        if (!first) return;
        await together("WebSocket frames, raw", inputs, async (frames) => {
          members += 1;
          const name = `Raw ${members}`;
          const raw = await rawMember(name);
          for (const frame of frames) raw.say(frameBytes(frame));
          // Whatever that did to it, it is over now.
          raw.drop();
        });
        const left = (player: typeof first) =>
          player
            .all("lobby_peerDisconnect")
            .map(({ peerName }) => peerName)
            .sort();
        const everyone = Array.from({ length: members }, (_, i) => `Raw ${i + 1}`).sort();
        for (const player of lobby.all) {
          await player.hears("lobby_peerDisconnect", members);
          expect(left(player)).toEqual(everyone);
        }
        await rollCall(lobbyId, first, ...rest);
        expect(first.chats.every((chat) => String(chat).startsWith("Is everybody there?"))).toBe(true);
      }),
      runs(15),
    );
  },
  patienceMs,
);

test("after all that, players still meet", async () => {
  await carryMediation(server.url, { direct: false, udpPort: server.sidecar?.port ?? 0 });
  await lobby.host.start(lobby.lobbyId);
  for (const player of lobby.all) await player.hears("ptpMediation_peersConnection_start");
});
