import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { Player, refusedUpgrade, request } from "../../measure/kit/player.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { startTestServer } from "../../measure/kit/server.ts";

const origins = ["https://game.example", "http://localhost:8080"];

let server: Server;
beforeAll(async () => {
  server = await startTestServer({ vars: { allowedOrigin: ` ${origins.join("  ")}/ ` } });
});
afterAll(() => server.stop());

const asked: [method: string, path: string, status: number][] = [
  ["GET", "/ping", 200],
  ["GET", "/nowhere", 404],
  ["POST", "/lobbies", 400],
  ["OPTIONS", "/lobbies", 204],
];

for (const origin of origins) {
  test.each(asked)(
    `a page of ${origin}, which the operator has named, may read its answers: %s %s`,
    async (method, path, status) => {
      const answer = await request(server.url, path, { method, headers: { origin } });
      expect(answer.status).toBe(status);
      expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
      expect(answer.headers.get("access-control-expose-headers")).toMatch(/\bretry-after\b/i);
      expect(answer.headers.get("vary")).toMatch(/\borigin\b/i);
    },
  );

  test(`a page of ${origin} may connect`, async () => {
    expect((await Player.connect(server.url, "/", { origin })).token).not.toBe("");
  });
}

const others = [
  "https://other.example",
  "https://game.example.evil.example",
  "http://game.example",
  "https://game.example:444",
  "https://game.exampl",
  "null",
  "*",
];

for (const origin of others) {
  test.each(asked)(`a page of ${origin} may not ask: %s %s`, async (method, path) => {
    const answer = await request(server.url, path, { method, headers: { origin } });
    expectRefused(answer, 403, "origin_not_allowed");
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    expect(answer.headers.get("vary")).toMatch(/\borigin\b/i);
  });

  test(`a page of ${origin} may not connect`, async () => {
    expectRefused(await refusedUpgrade(server.url, "/lobbies", { origin }), 403, "origin_not_allowed");
  });
}

test("a game, which is no page, is asked for no origin", async () => {
  const player = await Player.connect(server.url);
  expect((await player.host()).status).toBe(201);
});
