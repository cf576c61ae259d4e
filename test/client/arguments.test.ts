/** What a game without types may pass by mistake: each is told at once, by a stable code. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect as connectPage } from "../../client/browser.ts";
import { connect, type Lobby, type Orion } from "../../client/index.ts";
import type { Server } from "../../local/server.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { handmadeServer } from "./handmade-server.ts";
import { expectError } from "./heard.ts";

let server: Server;
let orion: Orion<Lobby>;
let ada: Lobby;
beforeAll(async () => {
  server = await startTestServer();
  orion = await connect(server.url);
  ada = await orion.host({ name: "Ada" });
});
afterAll(async () => {
  await ada.leave();
  await server.stop();
});

/** Calls it as a game does that has no types. */
function call(thing: object, method: string, ...args: unknown[]): unknown {
  return Reflect.apply(Reflect.get(thing, method), thing, args);
}

async function calls(thing: object, method: string, ...args: unknown[]): Promise<unknown> {
  return await call(thing, method, ...args);
}

test("a value of the wrong type is refused by the code of its field", async () => {
  for (const [options, ...codes] of [
    [{}, "invalid_host_name"],
    [{ name: 5n }, "invalid_host_name"],
    [{ name: 5n, lobbyName: 6 }, "invalid_host_name", "invalid_lobby_name"],
    [{ name: "Ada", lobbyName: null }, "invalid_lobby_name"],
    [{ name: "Ada", isPublic: "yes" }, "invalid_is_public"],
    [{ name: "Ada", maxMembers: "8" }, "invalid_max_members"],
    [{ name: "Ada", maxMembers: Number.NaN }, "invalid_max_members"],
    [{ name: "Ada", onLoss: true }, "invalid_on_loss"],
    [{ name: "Ada", onLoss: "typo" }, "invalid_on_loss"],
    [{ name: "Ada", privacy: 1, maxMembers: [] }, "invalid_max_members", "invalid_privacy"],
  ] as const) {
    await expectError(calls(orion, "host", options), codes[0], { codes });
  }
  for (const options of [{}, { name: 5n }, { name: null }]) {
    await expectError(calls(orion, "join", ada.code, options), "invalid_peer_name");
  }
  for (const options of [{ limit: "5" }, { limit: 0 }, { name: 5 }, { cursor: null }, { cursor: "typo" }]) {
    await expectError(calls(orion, "list", options), "invalid_query");
  }
  for (const text of [123, null, undefined, {}, "", "a".repeat(251)]) {
    await expectError(calls(ada, "chat", text), "invalid_message");
  }
});

test("what cannot be options, a signal, a code or a raw is refused", async () => {
  for (const options of [null, 5, "Ada", { name: "Ada", signal: 5 }, { name: "Ada", signal: {} }]) {
    await expectError(calls(orion, "host", options), "invalid_argument");
    await expectError(calls(orion, "join", ada.code, options), "invalid_argument");
    await expectError(calls(orion, "list", options), "invalid_argument");
    await expectError(calls(ada, "start", options), "invalid_argument");
    await expectError(calls(ada, "started", options), "invalid_argument");
    await expectError(calls({ connect }, "connect", server.url, options), "invalid_argument");
    await expectError(calls({ connectPage }, "connectPage", server.url, options), "invalid_argument");
  }
  for (const code of [undefined, null, 12345, {}]) {
    await expectError(calls(orion, "join", code, { name: "Bo" }), "invalid_argument");
  }
  await expectError(calls(orion, "host"), "invalid_argument");
  await expectError(calls(orion, "join", ada.code), "invalid_argument");
  await expectError(calls(ada, "start", { raw: "yes" }), "invalid_argument");
});

test("what is no server's URL is refused", async () => {
  for (const url of [
    undefined,
    null,
    "",
    5,
    {},
    Symbol("url"),
    "localhost:5980",
    "ws://localhost",
    "http://",
    "http://me:secret@localhost",
    Object.create(null),
  ]) {
    await expectError(calls({ connect }, "connect", url), "invalid_url");
    await expectError(calls({ connect }, "connect", url, { check: false }), "invalid_url");
  }
  await expectError(calls({ connect }, "connect", server.url, { check: "no" }), "invalid_argument");
});

test("a listener for an event that does not exist, and one that is none, are refused", async () => {
  await using page = await (await connectPage(server.url)).host({ name: "Ada" });
  const invalid = expect.objectContaining({ name: "OrionError", code: "invalid_argument" });
  for (const lobby of [ada, page]) {
    for (const event of ["typo", "toString", undefined, Symbol("chat")]) {
      expect(() => call(lobby, "on", event, () => {})).toThrow(invalid);
    }
    for (const listener of [undefined, null, "chat"]) {
      expect(() => call(lobby, "on", "chat", listener)).toThrow(invalid);
    }
  }
  expect(() => call(ada, "reportFailed", "typo")).toThrow(invalid);
});

test("whatever people type as a code, a lobby that cannot be is no lobby", async () => {
  for (const code of [
    "",
    "  ",
    ".",
    "..",
    "%2e",
    "%2E%2e",
    "a/b",
    "../lobbies",
    "a\\b",
    "a?b",
    "a#b",
    "a b c",
    "\0",
    "\ud83d",
    "Ж",
    "🎲",
    "ﬁABC",
    "ıABCD",
    "12345678",
    "a".repeat(100_000),
  ]) {
    await expectError(orion.join(code, { name: "Bo" }), "no_such_lobby");
  }
});

test("what could be read as another path is never asked for", async () => {
  const { url, paths } = await handmadeServer();
  const there = await connect(url);
  for (const code of ["", ".", "..", "a/b", "a\\b", "%2e%2e", "%", "?", "#", "\r\n", "x".repeat(65)]) {
    await expectError(there.join(code, { name: "Bo" }), "no_such_lobby", { status: null });
  }
  expect(paths).toEqual(["/ping"]);
});

test("what people typed is passed on, and the code that the server gives is the lobby's", async () => {
  const { url, paths } = await handmadeServer();
  const there = await connect(url);
  await expectError(there.join(" o1l-é ", { name: "Bo" }), "not_found");
  expect(paths.slice(1)).toEqual(["/lobbies/O1L-%C3%A9", "/lobbies/O1L-%C3%A9/join"]);
  await using bo = await there.join("aaaaa", { name: "Bo" });
  expect(bo.code).toBe("AAAAA");
});

test("an empty cursor is the first page's", async () => {
  expect(await orion.list({ cursor: "", name: "", limit: 5 })).toEqual({ lobbies: [] });
});

test("a name that the server does not take is refused by its code", async () => {
  await expectError(orion.host({ name: "🎲\u0007" }), "invalid_host_name", { status: 400 });
  await expectError(orion.join(ada.code, { name: "\ud83d" }), "invalid_peer_name", { status: 400 });
});
