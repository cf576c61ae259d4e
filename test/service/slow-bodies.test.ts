/** A request whose body never arrives holds its connection for a while, and not for ever. */
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { setLimits, startFaultyServer } from "../../measure/kit/server.ts";
import { edgeLimits } from "../../worker/edge/limits.ts";

let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({ udpPort: null });
  await setLimits(server.url, { bodyMs: 300 });
});
afterAll(() => server.stop());

test("a body has ten seconds", () => expect(edgeLimits.bodyMs).toBe(10_000));

for (const path of ["/lobbies", "/lobbies/00000/join", "/lobbies/00000/ptp/start", "/sidecar/observations"]) {
  for (const [how, headers, part] of [
    ["never begins", "Content-Length: 100", ""],
    ["stops in the middle", "Content-Length: 100", '{"token"'],
    ["comes in chunks without an end", "Transfer-Encoding: chunked", "5\r\n12345\r\n"],
  ] as const) {
    test(`to ${path}, one that ${how} is refused, and the connection closes`, async () => {
      const socket = connect(Number(server.url.port), server.url.hostname);
      socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n${part}`);
      // All until the server ends the connection.
      const answer = await text(socket);
      expect(answer).toMatch(/^HTTP\/1\.1 408 /);
      expect(answer).toContain('"body_too_slow"');
    });
  }
}

test("one that drips a byte at a time gets no more time for it", async () => {
  const socket = connect(Number(server.url.port), server.url.hostname);
  socket.write("POST /lobbies HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
  const drip = setInterval(() => socket.write("x"), 20);
  socket.on("error", () => {});
  try {
    for await (const chunk of socket) {
      expect(String(chunk)).toMatch(/^HTTP\/1\.1 408 /);
      break;
    }
  } finally {
    clearInterval(drip);
    socket.destroy();
  }
});
