/** Getting into a lobby over connections that fail: again and again, and never twice. */

import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import type { Server } from "../../local/server.ts";
import { freeTcpPort } from "../../measure/kit/free-ports.ts";

import { startTestServer } from "../../measure/kit/server.ts";
import { hostLobby, joinLobby } from "../../session/opening.ts";
import { findServer, listLobbies, serverUrl } from "../../session/server.ts";
import { layCable } from "../client/cable.ts";
import { proxyThatLoses } from "./losing-proxy.ts";
import { expectFailure, host, join, names, Story } from "./story.ts";

let server: Server;
let url: URL;
beforeAll(async () => {
  server = await startTestServer({ udpPort: null });
  url = serverUrl(server.url);
});
afterAll(() => server.stop());

test("a member whose answer was lost on the way gets in at another try, and is there once", async () => {
  const ada = await host(url, "Ada");
  const proxy = await proxyThatLoses(server.url, 1);
  const bo = await join(proxy.url, ada.session.code, "Bo");
  expect(names(bo)).toEqual(["Ada", "Bo"]);
  // At the second try the server still takes the first for somebody else of that name.
  expect(proxy.requests.length).toBeGreaterThan(2);
  await bo.session.chat("Here I am.");
  await ada.first("chat");
  // The first try had come in, and has left.
  expect(ada.events.map(({ kind }) => kind)).toEqual(["joined", "left", "joined", "chat"]);
});

test("a host whose answer was lost on the way has one lobby, not two", async () => {
  const proxy = await proxyThatLoses(server.url, 1);
  const wish = { name: "Ada", lobbyName: "Lost and found", isPublic: true, maxMembers: 2 };
  const ada = await hostLobby(proxy.url, wish);
  onTestFinished(() => ada.leave());
  expect(proxy.requests).toEqual(["POST /lobbies", "POST /lobbies"]);
  // The first lobby is gone as soon as the server has noticed that its host is.
  await vi.waitFor(async () => {
    const { lobbies } = await listLobbies(url, { name: "Lost and found" });
    expect(lobbies.map(({ id }) => id)).toEqual([ada.code]);
  });
});

test("a connection that breaks before there is an answer is made again", async () => {
  const cable = await layCable(server.url);
  onTestFinished(() => cable.close());
  const ada = await host(url, "Ada");
  cable.cutNext(3);
  const bo = await join(serverUrl(cable.url), ada.session.code, "Bo");
  expect(names(bo)).toEqual(["Ada", "Bo"]);
});

test("a name that somebody else has is refused at once: it is not asked for again", async () => {
  const proxy = await proxyThatLoses(server.url, 0);
  const { code } = (await host(url, "Ada")).session;
  await expectFailure(joinLobby(proxy.url, code, { name: "Ada" }), "name_taken", { status: 409 });
  await expectFailure(joinLobby(proxy.url, "nowhere", { name: "Bo" }), "no_such_lobby");
  expect(proxy.requests).toEqual([`POST /lobbies/${code}/join`, "POST /lobbies/nowhere/join"]);
});

test("a code that could be read as another path is not sent", async () => {
  const proxy = await proxyThatLoses(server.url, 0);
  for (const code of [
    "",
    "..",
    "../../ping",
    "A%2F",
    "A?b",
    "A#b",
    "A\\b",
    "A\nb",
    "\ud83c",
    "a".repeat(65),
  ]) {
    await expectFailure(joinLobby(proxy.url, code, { name: "Bo" }), "no_such_lobby", { status: null });
  }
  expect(proxy.requests).toEqual([]);
});

test("all that is wrong with a wish is told, and no mistake twice", async () => {
  const wish = { name: "Ž\u0007", isPublic: false, maxMembers: 99 };
  const codes = ["invalid_host_name", "invalid_max_members"];
  await expectFailure(hostLobby(url, wish), "invalid_host_name", { status: 400, codes });
  await expectFailure(hostLobby(url, { ...wish, lobbyName: "", maxMembers: 2 }), "invalid_host_name", {
    codes: ["invalid_host_name", "invalid_lobby_name"],
  });
});

test("an attempt that is called off is over at once, says why, and leaves nobody in the lobby", async () => {
  const reason = new Error("the player is gone");
  const nowhere = serverUrl(`http://127.0.0.1:${await freeTcpPort()}`);
  const ending = new AbortController();
  const attempts = [
    expectFailure(findServer(nowhere, ending.signal), "aborted", { cause: reason }),
    expectFailure(joinLobby(nowhere, "AAAAA", { name: "Bo" }, ending.signal), "aborted", { cause: reason }),
  ];
  setTimeout(() => ending.abort(reason), 150);
  await Promise.all(attempts);
  await expectFailure(joinLobby(url, "AAAAA", { name: "Bo" }, ending.signal), "aborted", { cause: reason });

  const ada = await host(url, "Ada");
  const { code } = ada.session;
  for (let ms = 0; ms < 15; ms += 3) {
    await joinLobby(url, code, { name: `Bo ${ms}` }, AbortSignal.timeout(ms)).then(
      (session) => session.leave(),
      () => {},
    );
  }
  await join(url, code, "Cy");
  const isLast = () => names(ada).join() === "Ada,Cy";
  if (!isLast()) await Promise.any([ada.first("left", isLast), ada.first("joined", isLast)]);
});

test("a session hears what was said from its first moment on, if it listens at once", async () => {
  const ada = await host(url, "Ada");
  ada.session.listen((event) => {
    if (event.kind === "joined") void ada.session.chat(`Welcome, ${event.member.name}!`);
  });
  const session = await joinLobby(url, ada.session.code, { name: "Bo" });
  const bo = new Story(session);
  expect(await bo.first("chat")).toMatchObject({ from: "Ada", text: "Welcome, Bo!" });
  await session.leave();
});
