/** A refusal reaches its client, however much the client sends and whenever it reads. */
import { once } from "node:events";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { wireLimits } from "../../core/wire/limits.ts";
import type { Server } from "../../local/server.ts";
import { post, request } from "../../measure/kit/player.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { setLimits, startFaultyServer } from "../../measure/kit/server.ts";
import { edgeLimits } from "../../worker/edge/limits.ts";

let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({ vars: { allowedOrigin: "https://game.example" } });
  // A busy machine may stop a client in the middle of its body for longer than the server waits for the rest.
  await setLimits(server.url, { drainMs: 3_600_000, drainPauseMs: 3_600_000 });
});
afterAll(() => server.stop());

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

type Refused = { path: string; headers?: Record<string, string>; status: number; code: string };

/** Each refusal that the server decides on before it has read the body. */
const refused: Refused[] = [
  { path: "/lobbies", status: 413, code: "body_too_large" },
  { path: "/lobbies/ABCDE/join", status: 413, code: "body_too_large" },
  { path: "/lobbies/ABCDE/ptp/start", status: 413, code: "body_too_large" },
  { path: "/sidecar/observations", status: 413, code: "body_too_large" },
  { path: "/ping", status: 405, code: "method_not_allowed" },
  { path: "/nowhere", status: 404, code: "not_found" },
  { path: "//nowhere", status: 404, code: "not_found" },
  {
    path: "/lobbies",
    headers: { origin: "https://elsewhere.example" },
    status: 403,
    code: "origin_not_allowed",
  },
];

/** Sends all of the body before it reads a byte, as simple HTTP libraries do, and then all of the answer. */
async function sendThenRead(
  { path, headers = {} }: Refused,
  body: Buffer,
  chunked: boolean,
): Promise<string> {
  const socket = connect(Number(server.url.port), server.url.hostname);
  socket.pause();
  const length = chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`;
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${length}\r\n${more.join("")}\r\n`);
  const framed = chunked ? [`${body.length.toString(16)}\r\n`, body, "\r\n0\r\n\r\n"] : [body];
  for (const part of framed)
    await new Promise<void>((sent, failed) => socket.write(part, (e) => (e ? failed(e) : sent())));
  return await text(socket);
}

for (const size of [17 * kibibyte, 300 * kibibyte, 5 * mebibyte]) {
  for (const chunked of [false, true]) {
    const how = chunked ? "in chunks" : "in one piece";
    test(`a client that sends ${size / kibibyte} KiB ${how} before it reads gets the refusal`, async () => {
      const body = Buffer.alloc(size, " ");
      for (const one of refused) {
        // A body that a sidecar may send is checked for its signature.
        if (one.path === "/sidecar/observations" && size <= wireLimits.sidecarPostBytes) continue;
        const answer = await sendThenRead(one, body, chunked);
        expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${one.status} `));
        expect(answer).toContain(`"codes":["${one.code}"]`);
      }
    });
  }
}

test("a chunked body that says it is short is counted all the same", async () => {
  const socket = connect(Number(server.url.port), server.url.hostname);
  socket.write("POST /lobbies HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n");
  socket.write(`Transfer-Encoding: chunked\r\n\r\n5000\r\n${" ".repeat(0x5000)}\r\n0\r\n\r\n`);
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 413 /);
});

test("fetch gets every refusal of a large body", async () => {
  for (const { path, headers, status, code } of refused) {
    const url = new URL(server.url.origin + path);
    expectRefused(await post(url, "", " ".repeat(2 * mebibyte), headers), status, code);
  }
});

test("a connection that is kept serves the next request after a refused body", async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = async (method: string, path: string, body?: string) => {
    const sent = httpRequest(new URL(path, server.url), { agent, method }).end(body);
    const [response]: IncomingMessage[] = await once(sent, "response");
    if (!response) throw new Error("no response");
    return { status: response.statusCode, text: await text(response), reused: sent.reusedSocket };
  };
  try {
    for (const [path, status] of [
      ["/lobbies", 413],
      ["/nowhere", 404],
      ["/ping", 405],
    ] as const) {
      expect((await ask("POST", path, " ".repeat(mebibyte))).status).toBe(status);
      expect(await ask("GET", "/ping")).toEqual({ status: 200, text: "pong", reused: true });
    }
  } finally {
    agent.destroy();
  }
});

test("a client that never ends its refused body gets the refusal all the same", async () => {
  await setLimits(server.url, { drainPauseMs: edgeLimits.drainPauseMs });
  const sent = httpRequest(new URL("/nowhere", server.url), { method: "POST" });
  sent.write(" ".repeat(20 * kibibyte));
  const [response]: IncomingMessage[] = await once(sent, "response");
  expect(response?.statusCode).toBe(404);
  sent.destroy();
  await setLimits(server.url, { drainPauseMs: 3_600_000 });
});

test("the server stops reading a body that nobody sends by mistake", async () => {
  const socket = connect(Number(server.url.port), server.url.hostname).on("error", () => {});
  socket.write(`POST /lobbies HTTP/1.1\r\nHost: x\r\nContent-Length: ${64 * mebibyte}\r\n\r\n`);
  const closed = new Promise((resolve) => socket.on("close", resolve));
  const piece = Buffer.alloc(64 * kibibyte, " ");
  for (let sent = 0; sent < 64 * mebibyte && socket.writable; sent += piece.length) {
    await new Promise<unknown>((done) => socket.write(piece, done));
  }
  await closed;
  expect(socket.bytesWritten).toBeLessThan(64 * mebibyte);
  expect((await request(server.url, "/ping")).text).toBe("pong");
});
