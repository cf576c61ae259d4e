import { inspect } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { connect, type Lobby, type Orion } from "../../client/index.ts";
import { problems } from "../../core/problem.ts";
import type { Server } from "../../local/server.ts";
import { root } from "../../measure/kit/program.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { expectError, names, next, record } from "./heard.ts";

let server: Server;
let orion: Orion<Lobby>;
beforeAll(async () => {
  server = await startTestServer();
  orion = await connect(server.url);
});
afterAll(() => server.stop());

test("a player hosts a lobby, another joins, and both know who is there", async () => {
  await using ada = await orion.host({ name: "Ada", lobbyName: "Tea at Five", maxMembers: 4 });
  expect(ada).toMatchObject({
    name: "Tea at Five",
    self: "Ada",
    host: "Ada",
    isHost: true,
    members: [{ name: "Ada", displayName: "Ada", isHost: true, isSelf: true, presence: "connected" }],
  });
  const joined = next(ada, "joined");
  await using bo = await orion.join(ada.code, { name: "Bo" });
  expect(bo).toMatchObject({ code: ada.code, name: "Tea at Five", self: "Bo", host: "Ada", isHost: false });
  expect(names(bo)).toEqual(["Ada", "Bo"]);
  expect(await joined).toMatchObject({ name: "Bo", member: { name: "Bo", clientId: bo.clientId } });
  expect(names(ada)).toEqual(["Ada", "Bo"]);
});

test("a code may be typed in lower case and with spaces around", async () => {
  await using ada = await orion.host({ name: "Ada" });
  await using bo = await orion.join(` ${ada.code.toLowerCase()} `, { name: "Bo" });
  expect(bo.code).toBe(ada.code);
});

test("a public lobby is found in the list by its name, page by page", async () => {
  const hosts: Lobby[] = [];
  for (const name of ["Ann", "Ben", "Cid"]) {
    hosts.push(await orion.host({ name, lobbyName: `Chess with ${name}`, isPublic: true, maxMembers: 2 }));
  }
  await using _private = await orion.host({ name: "Dan", lobbyName: "Chess with Dan" });
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await orion.list({ name: "chess", limit: 2, ...(cursor && { cursor }) });
    expect(page.lobbies.length).toBeLessThanOrEqual(2);
    found.push(...page.lobbies.map(({ code }) => code));
    cursor = page.cursor;
  } while (cursor);
  expect(found.sort()).toEqual(hosts.map(({ code }) => code).sort());
  const { lobbies } = await orion.list({ name: "with ben" });
  expect(lobbies).toEqual([
    {
      code: hosts[1]?.code,
      name: "Chess with Ben",
      title: "Chess with Ben",
      members: 1,
      maxMembers: 2,
      privacy: "open",
      game: null,
      locked: false,
      hasPassword: false,
      full: false,
      data: {},
    },
  ]);
  await Promise.all(hosts.map((host) => host.leave()));
});

test("what a player says comes back as said, and to all in the same order", async () => {
  await using ada = await orion.host({ name: "Ada" });
  await using bo = await orion.join(ada.code, { name: "Bo" });
  const heard = [record(ada, "chat"), record(bo, "chat")];
  await ada.chat("Hello, Grüße!");
  await bo.chat("Hello");
  await Promise.all([ada.chat("again"), ada.chat("again"), bo.chat("last")]);
  await Promise.all([ada.chat("end"), bo.chat("end")]);
  const [adas, bos] = heard;
  expect(adas?.slice(0, 2)).toEqual([
    ["chat", { from: "Ada", text: "Hello, Grüße!", at: expect.any(Number), member: ada.me }],
    ["chat", { from: "Bo", text: "Hello", at: expect.any(Number), member: ada.members[1] }],
  ]);
  // Each has heard its own last message, and perhaps not yet the other's.
  await vi.waitFor(() => expect([adas?.length, bos?.length]).toEqual([7, 7]));
  const said = (heard: typeof adas) => heard?.map(([, { from, text, at }]) => [from, text, at]);
  expect(said(bos)).toEqual(said(adas));
  for (const text of ["", "a".repeat(251)]) await expectError(ada.chat(text), "invalid_message");
});

test("nothing said since a player's coming is missed by who listens right after it", async () => {
  await using ada = await orion.host({ name: "Ada" });
  ada.on("joined", ({ name }) => void ada.chat(`Welcome, ${name}!`));
  const bo = await orion.join(ada.code, { name: "Bo" });
  expect(await next(bo, "chat")).toMatchObject({ from: "Ada", text: "Welcome, Bo!" });
  await bo.leave();
});

test("a player who leaves is gone for the others, and its calls fail", async () => {
  await using ada = await orion.host({ name: "Ada" });
  const bo = await orion.join(ada.code, { name: "Bo" });
  const closed = record(bo, "closed");
  const left = next(ada, "left");
  await bo.leave();
  expect(await left).toMatchObject({ name: "Bo", kicked: false });
  expect(names(ada)).toEqual(["Ada"]);
  await expectError(bo.chat("Still here?"), "left");
  await bo.leave();
  expect(closed).toEqual([["closed", { reason: "left" }]]);
});

test("a lobby whose host leaves is closed for the others", async () => {
  const ada = await orion.host({ name: "Ada" });
  const bo = await orion.join(ada.code, { name: "Bo" });
  const closed = next(bo, "closed");
  await ada.leave();
  expect(await closed).toEqual({ reason: "host_left" });
  await expectError(bo.chat("Hello?"), "lobby_closed");
  await expectError(orion.join(ada.code, { name: "Cy" }), "no_such_lobby", { status: 409 });
});

test("a lobby is left at the end of the block that uses it", async () => {
  let closed: Promise<unknown>;
  {
    await using ada = await orion.host({ name: "Ada" });
    closed = next(ada, "closed");
  }
  expect(await closed).toEqual({ reason: "left" });
});

test("what the server refuses comes as its codes, its sentence and its status", async () => {
  await using ada = await orion.host({ name: "Ada", maxMembers: 2 });
  await expectError(orion.join(ada.code, { name: "Ada" }), "name_taken", { status: 409 });
  await expectError(orion.join("nowhere", { name: "Bo" }), "no_such_lobby");
  await expectError(orion.host({ name: "", maxMembers: 99 }), "invalid_host_name", {
    status: 400,
    codes: ["invalid_host_name", "invalid_max_members"],
  });
  // The lobby is named after its host unless the game names it: one wrong name is one mistake.
  const error = await orion.host({ name: "Ž\u0007" }).catch((error: unknown) => error);
  expect(error).toMatchObject({ codes: ["invalid_host_name"], message: problems.invalid_host_name[1] });
  await expectError(orion.host({ name: "Ž\u0007", lobbyName: "" }), "invalid_host_name", {
    codes: ["invalid_host_name", "invalid_lobby_name"],
  });
  await using _bo = await orion.join(ada.code, { name: "Bo" });
  await expectError(orion.join(ada.code, { name: "Cy" }), "lobby_full");
  await expectError(orion.list({ limit: 0 }), "invalid_query", { status: 400 });
});

test("a listener that throws keeps the news from nobody else, and its error is not lost", async () => {
  await using ada = await orion.host({ name: "Ada" });
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  const uncaught = new Promise((resolve) => process.once("uncaughtException", resolve));
  ada.on("chat", () => {
    throw new Error("a mistake of the game");
  });
  const heard = next(ada, "chat");
  await ada.chat("Hello");
  expect(await heard).toMatchObject({ text: "Hello" });
  expect(await uncaught).toMatchObject({ message: "a mistake of the game" });
  for (const other of others) process.on("uncaughtException", other);
});

test("a listener hears nothing any more when it was removed", async () => {
  await using ada = await orion.host({ name: "Ada" });
  const heard: string[] = [];
  const forget = ada.on("chat", ({ text }) => heard.push(text));
  await ada.chat("one");
  forget();
  await ada.chat("two");
  expect(heard).toEqual(["one"]);
});

test("no token shows in what is printed of a lobby, a server or an error", async () => {
  await using ada = await orion.host({ name: "Ada" });
  const error = await orion.join(ada.code, { name: "Ada" }).catch((error: unknown) => error);
  for (const thing of [ada, orion, error]) {
    const printed = JSON.stringify(thing) + inspect(thing, { depth: 10, showHidden: true });
    // An error's stack has the name of the folder that the project is in.
    const text = printed.replaceAll(root, "");
    // A token: the home, the client id, and a mac of 22 characters.
    expect(text).not.toMatch(/\d+\.[\w-]{16}\.[\w-]{22}/);
    expect(text).not.toMatch(/token/i);
  }
});
