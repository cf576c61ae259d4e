import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { request } from "../support/player.ts";
import { startTestServer } from "../support/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startTestServer({ vars: { allowedOrigin: "https://game.example" } });
});
afterAll(() => server.stop());

test.each([
  ["GET", "/ping", 200],
  ["GET", "/nowhere", 404],
  ["OPTIONS", "/lobbies", 204],
])("a deployment may let pages of one origin alone read its answers: %s %s", async (method, path, status) => {
  const answer = await request(server.url, path, { method, headers: { origin: "https://other.example" } });
  expect(answer.status).toBe(status);
  expect(answer.headers.get("access-control-allow-origin")).toBe("https://game.example");
  expect(answer.headers.get("vary")).toMatch(/\borigin\b/i);
});
