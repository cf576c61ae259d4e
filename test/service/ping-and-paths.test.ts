import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { patienceMs } from "../../measure/kit/patience.ts";
import { Player, post, request } from "../../measure/kit/player.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { openRaw } from "../fuzz/raw-connection.ts";

let server: Server;
let player: Player;
beforeAll(async () => {
  server = await startTestServer();
  player = await Player.connect(server.url);
});
afterAll(() => server.stop());

const kibibyte = 1024;

/** A request to host that is right but for its size: an unknown field fills it up to so many bytes. */
function hostingBody(token: string, bytes: number, filling = "x"): string {
  const body = { token, hostName: "Host", lobbyName: "Lobby", isPublic: false, maxMembers: 2, filling: "" };
  const room = bytes - Buffer.byteLength(JSON.stringify(body));
  return JSON.stringify({ ...body, filling: filling.repeat(room / Buffer.byteLength(filling)) });
}

/** Sends the body in chunks, with no word of its length, and does not end it. */
function postWithoutEnd(path: string, body: string): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(new URL(path, server.url), { method: "POST" }, async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode, text });
      sent.destroy();
    });
    sent.on("error", reject);
    sent.write(body);
  });
}

test("ping answers pong", async () => {
  const answer = await request(server.url, "/ping");
  expect([answer.status, answer.text]).toEqual([200, "pong"]);
});

test.each(["/ping", "/lobbies", "/lobbies?limit=1"])("HEAD %s is GET without the body", async (path) => {
  const [head, get] = [await request(server.url, path, { method: "HEAD" }), await request(server.url, path)];
  expect([head.status, head.text]).toEqual([200, ""]);
  for (const name of ["content-type", "content-length", "access-control-allow-origin"]) {
    expect(head.headers.get(name)).toBe(get.headers.get(name));
  }
});

test.each(["/nowhere", "/lobbies/ABCDE/join", "/lobbies?limit=0"])(
  "HEAD %s is refused like GET, without the body",
  async (path) => {
    const [head, get] = [
      await request(server.url, path, { method: "HEAD" }),
      await request(server.url, path),
    ];
    expect([head.status, head.text]).toEqual([get.status, ""]);
  },
);

test("a base URL with a slash and a path with a slash make a path that works", async () => {
  const at = (path: string) => new URL(server.url.origin + path);
  expect((await request(at("//ping"), "")).text).toBe("pong");
  expect((await request(at("//lobbies"), "")).status).toBe(200);
  const host = await Player.connect(at("//lobbies"), "");
  const { body } = await post(at("//lobbies"), "", {
    token: host.token,
    ...{ hostName: "Host", lobbyName: "Lobby", isPublic: false, maxMembers: 2 },
  });
  const guest = await Player.connect(at(`///lobbies//${body?.lobbyId}`), "");
  const joined = await post(at(`//lobbies//${body?.lobbyId}/join`), "", {
    token: guest.token,
    peerName: "Guest",
  });
  expect(joined.status).toBe(200);
  expect(guest.holder).toBe(host.holder);
  expectRefused(await request(at("//nowhere"), ""), 404, "not_found");
});

test.each([
  ["GET /ping HTTP/1.0", "Host: x", 200],
  ["GET /ping HTTP/1.1", "Host: x", 200],
  // The platform refuses these itself, in plain text.
  ["GET /ping HTTP/1.0", "Accept: */*", 400],
  ["GET /ping HTTP/1.1", "Accept: */*", 400],
])("%s with %s is answered %i", async (line, header, status) => {
  const connection = openRaw(server.url);
  connection.say(`${line}\r\n${header}\r\nConnection: close\r\n\r\n`);
  await connection.ended(patienceMs);
  expect(connection.heard).toMatch(new RegExp(`^HTTP/1\\.[01] ${status} `));
});

test("a slash too many or a query does not matter", async () => {
  expect((await request(server.url, "/ping/?at=1")).text).toBe("pong");
  expect((await request(server.url, "/lobbies/")).status).toBe(200);
  expectRefused(await post(server.url, "/lobbies/?really", "[]"), 400, "invalid_body");
});

test.each([
  ["POST", "/"],
  ["GET", "/pingpong"],
  ["GET", "/Ping"],
  ["POST", "/lobbies/ABCDE/quit"],
  ["POST", "/lobbies/ABCDE/ptp"],
  ["POST", "/lobbies/ABCDE/ptp/start/now"],
  ["GET", "/constructor"],
  ["DELETE", "/__proto__"],
])("%s %s is not found", async (method, path) => {
  expectRefused(await request(server.url, path, { method }), 404, "not_found");
});

test.each([
  ["POST", "/ping", "GET, HEAD, OPTIONS"],
  ["DELETE", "/ping", "GET, HEAD, OPTIONS"],
  ["PUT", "/lobbies", "GET, HEAD, POST, OPTIONS"],
  ["DELETE", "/lobbies", "GET, HEAD, POST, OPTIONS"],
  ["PATCH", "/lobbies", "GET, HEAD, POST, OPTIONS"],
  ["GET", "/lobbies/ABCDE/join", "POST, OPTIONS"],
  ["PUT", "/lobbies/ABCDE/join", "POST, OPTIONS"],
  ["GET", "/lobbies/ABCDE/ptp/start", "POST, OPTIONS"],
  ["DELETE", "/lobbies/ABCDE/ptp/start", "POST, OPTIONS"],
])("%s is no method of %s, which takes %s", async (method, path, allowed) => {
  const answer = await request(server.url, path, { method });
  expectRefused(answer, 405, "method_not_allowed");
  expect(answer.headers.get("allow")).toBe(allowed);
});

test.each(["/sidecar/heartbeat", "/sidecar/observations"])(
  "%s takes nothing from strangers",
  async (path) => {
    expectRefused(await post(server.url, path, {}), 401, "unauthorized");
    const signature = { "x-orion-signature": "0".repeat(64) };
    const named = { ...signature, "x-orion-sidecar": "local" };
    expectRefused(await post(server.url, path, {}, named), 401, "unauthorized");
    // As a sidecar did before sidecars had names.
    expectRefused(await post(server.url, path, {}, signature), 403, "outdated_sidecar");
  },
);

test.each(["/lobbies", "/lobbies/ABCDE/join", "/lobbies/ABCDE/ptp/start", "/nowhere"])(
  "a browser that asks whether it may call %s is told yes",
  async (path) => {
    const { status, headers, text } = await request(server.url, path, {
      method: "OPTIONS",
      headers: {
        origin: "https://game.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
      },
    });
    expect([status, text]).toEqual([204, ""]);
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(headers.get("access-control-allow-methods")).toMatch(/\bGET\b.*\bPOST\b/);
    expect(headers.get("access-control-allow-headers")).toMatch(/\bcontent-type\b/i);
  },
);

test("pages of any origin may read every answer, refusals included", async () => {
  const answers = [
    await request(server.url, "/ping"),
    await request(server.url, "/lobbies"),
    await post(server.url, "/lobbies", "{"),
    await post(server.url, "/lobbies", " ".repeat(17 * kibibyte)),
    await player.join("ABCDE", "Player"),
    await request(server.url, "/nowhere"),
    await request(server.url, "/ping", { method: "DELETE" }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 400, 413, 409, 404, 405]);
  for (const { headers } of answers) expect(headers.get("access-control-allow-origin")).toBe("*");
});

test.each([
  "/",
  "/anything/at/all",
  "/ping",
  "/lobbies",
  "/lobbies/",
  "/lobbies/ABCDE",
  "/lobbies/abcde/",
  "/lobbies/not a code",
  "/lobbies/ABCDE/join",
  "/lobbies/ABCDE/ptp/start",
  "/sidecar/heartbeat",
  "/%E0%A4%A",
  "/?token=none",
])("a WebSocket is welcome on %s", async (path) => {
  const guest = await Player.connect(server.url, path);
  expect(guest.heard.map(({ method }) => method)).toEqual(["client_registered"]);
  expect(guest.token).not.toBe("");
  expect((await guest.host()).status).toBe(201);
  await guest.leave();
});

test("a new client is told its token, a secret, and its id, which is none", async () => {
  const [one, other] = await Player.crowd(2, server.url);
  const [registered] = one?.all("client_registered") ?? [];
  expect(Object.keys(registered ?? {}).sort()).toEqual(["clientId", "pingMs", "secretToken", "token"]);
  expect(one?.clientId).toMatch(/^[\w-]{16}$/);
  expect(one?.clientId).not.toBe(other?.clientId);
  expect(one?.token).not.toBe(other?.token);
  expectRefused(
    await post(server.url, "/lobbies/ABCDE/join", { token: one?.clientId, peerName: "A" }),
    400,
    "invalid_token",
  );
});

test.each([
  ["application/json"],
  ["text/plain"],
  ["application/x-www-form-urlencoded"],
  ["multipart/form-data; boundary=x"],
  ["application/json; charset=latin1"],
  ["nonsense"],
])("a body is JSON even if it is said to be %s", async (type) => {
  const guest = await Player.connect(server.url);
  const answer = await post(server.url, "/lobbies", hostingBody(guest.token, 300), { "content-type": type });
  expect(answer.status).toBe(201);
  await guest.leave();
});

test("a body is JSON even if nothing is said of its type", async () => {
  const guest = await Player.connect(server.url);
  const body = new Blob([hostingBody(guest.token, 300)]);
  expect((await request(server.url, "/lobbies", { method: "POST", body })).status).toBe(201);
  await guest.leave();
});

for (const path of ["/lobbies", "/lobbies/ABCDE/join", "/lobbies/ABCDE/ptp/start"]) {
  test.each([
    ["nothing", ""],
    ["text", "hello"],
    ["half an object", '{"token":"'],
    ["an object and more", "{}{}"],
    ["an array", "[]"],
    ["null", "null"],
    ["a number", "1"],
    ["a string", '"token"'],
    ["very deep arrays", "[".repeat(16 * kibibyte)],
    ["a lone byte order mark", "\ufeff"],
  ])(`${path} refuses %s as a body`, async (_, body) => {
    expectRefused(await post(server.url, path, body), 400, "invalid_body");
  });

  test(`${path} refuses bytes that are no text`, async () => {
    const body = new Blob([Buffer.from([0xff, 0xfe, 0x80, 0x00])]);
    expectRefused(await request(server.url, path, { method: "POST", body }), 400, "invalid_body");
  });

  test(`${path} refuses a body over 16 KiB, whatever is in it`, async () => {
    const tooLarge = hostingBody(player.token, 16 * kibibyte + 1);
    expect(tooLarge).toHaveLength(16 * kibibyte + 1);
    expectRefused(await post(server.url, path, tooLarge), 413, "body_too_large");
    expectRefused(await post(server.url, path, " ".repeat(1024 * kibibyte)), 413, "body_too_large");
  });

  test(`${path} refuses a body over 16 KiB that comes in pieces, without waiting for its end`, async () => {
    const { status, text } = await postWithoutEnd(path, hostingBody(player.token, 16 * kibibyte + 1));
    expect([status, JSON.parse(text).codes]).toEqual([413, ["body_too_large"]]);
  });
}

test("a body of 16 KiB is taken, and unknown fields are ignored", async () => {
  const guest = await Player.connect(server.url);
  const body = hostingBody(guest.token, 16 * kibibyte);
  expect(body).toHaveLength(16 * kibibyte);
  expect((await post(server.url, "/lobbies", body)).status).toBe(201);
  await guest.leave();
});

test("the size of a body is counted in bytes, not in characters", async () => {
  const body = hostingBody(player.token, 18 * kibibyte, "€");
  expect(body.length).toBeLessThan(16 * kibibyte);
  expectRefused(await post(server.url, "/lobbies", body), 413, "body_too_large");
});

test("a body in pieces is put together", async () => {
  const guest = await Player.connect(server.url);
  const bytes = new TextEncoder().encode(hostingBody(guest.token, 4 * kibibyte, "€"));
  const pieces = Array.from({ length: Math.ceil(bytes.length / 100) }, (_, i) =>
    bytes.slice(i * 100, i * 100 + 100),
  );
  const answer = await request(server.url, "/lobbies", {
    method: "POST",
    body: ReadableStream.from(pieces),
    duplex: "half",
  });
  expect(answer.status).toBe(201);
  await guest.leave();
});

test("what a body inherits is not in it", async () => {
  const body = `{"__proto__":${hostingBody(player.token, 300)}}`;
  expectRefused(
    await post(server.url, "/lobbies", body),
    400,
    "invalid_token",
    "invalid_host_name",
    "invalid_lobby_name",
    "invalid_is_public",
    "invalid_max_members",
  );
});

// A local server puts this header before the path to get the URL.
test.each(["lo#alhost", "localhost/healthz", "localhost/?", "localhost\\healthz", "localhost?"])(
  "a host that would make another path is none: %s",
  async (host) => {
    const raw = openRaw(server.url);
    raw.say(`GET /lobbies HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    await raw.ended(patienceMs);
    raw.drop();
    expect(raw.heard).toMatch(/^HTTP\/1\.1 404 /);
    expect(raw.heard).toContain('"codes":["not_found"]');
  },
);
