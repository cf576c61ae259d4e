import { afterAll, beforeAll, describe, expect, test } from "vitest";
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

describe("with `local`, as npm start has it,", () => {
  let local: Server;
  beforeAll(async () => {
    local = await startTestServer({ udpPort: null, vars: { allowedOrigin: "local https://game.example" } });
  });
  afterAll(() => local.stop());

  test.each([
    "http://localhost:8080",
    "https://localhost",
    "http://127.0.0.1:5173",
    "http://[::1]:3000",
    "http://192.168.1.20:8080",
    "http://10.0.0.2",
    "http://[fd00::7]:80",
    "http://my-pc:8080",
    "http://my-pc.local",
    "http://game.localhost:1234",
    "file://",
    "https://game.example",
  ])("a page of %s may use the server", async (origin) => {
    const answer = await request(local.url, "/lobbies", { headers: { origin } });
    expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([200, origin]);
    expect((await Player.connect(local.url, "/", { origin })).token).not.toBe("");
  });

  test.each([
    "https://evil.example",
    "http://192.168.1.20.evil.example",
    "http://localhost.evil.example",
    "http://evil-localhost.example",
    "http://203.0.113.7",
    "http://[2001:db8::7]",
    "http://my-pc.local.",
    "null",
    "*",
    "local",
  ])("a page of %s may not", async (origin) => {
    expectRefused(await request(local.url, "/lobbies", { headers: { origin } }), 403, "origin_not_allowed");
    expectRefused(await refusedUpgrade(local.url, "/", { origin }), 403, "origin_not_allowed");
  });

  // Whoever lets a name of his lead here has pages whose `Host` and `Origin` are the same.
  test("a page whose own name leads here may not, whatever it calls the server", async () => {
    const headers = { origin: "http://evil.example:5980", host: "evil.example:5980" };
    expectRefused(await refusedUpgrade(local.url, "/", headers), 403, "origin_not_allowed");
  });
});

test.each(asked)("no answer may be kept, or taken for another kind: %s %s", async (method, path) => {
  const { headers } = await request(server.url, path, { method });
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("cache-control")).toBe("no-store");
});
