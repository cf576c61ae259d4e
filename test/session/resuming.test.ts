/** Coming back over a network that fails in the middle of it. */
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { setLimits, startFaultyServer } from "../../measure/kit/server.ts";
import { hostLobby, joinLobby, resumeLobby } from "../../session/opening.ts";
import { serverUrl } from "../../session/server.ts";
import * as wishes from "../../session/wishes.ts";
import { proxyThatLoses } from "./losing-proxy.ts";
import { expectFailure, names, Story } from "./story.ts";

let server: Server;
let url: URL;
beforeAll(async () => {
  server = await startFaultyServer({ udpPort: null });
  url = serverUrl(server.url);
  await setLimits(server.url, { presentMs: 0 });
});
afterAll(() => server.stop());

/** Ada, and Bo behind a proxy. */
async function withBoBehind(wish: object = {}) {
  const proxy = await proxyThatLoses(server.url, 0);
  const opened = { name: "Ada", isPublic: false, maxMembers: 8, graceMs: 30_000, ...wish };
  const ada = new Story(await hostLobby(url, opened));
  const bo = new Story(await joinLobby(proxy.url, ada.session.code, { name: "Bo" }));
  onTestFinished(async () => {
    await Promise.all([ada.session.leave(), bo.session.leave()]);
  });
  return { ada, bo, proxy };
}

test("a resume whose answer is lost is asked again, with the same key, and is done once", async () => {
  const { ada, bo, proxy } = await withBoBehind();
  proxy.lose(3, "/resume");
  proxy.cut();
  await bo.first("resumed");
  const asked = proxy.requests.filter((line) => line.endsWith("/resume"));
  expect(asked.length).toBe(4);
  await bo.session.chat("Here I am.");
  await ada.first("chat");
  expect(names(ada)).toEqual(["Ada", "Bo"]);
  expect(ada.all("left")).toEqual([]);
  // The key is the newest, for the next time.
  proxy.cut();
  await bo.first("resumed", () => bo.all("resumed").length === 2);
  expect(bo.all("resume-refused")).toEqual([]);
});

test("a client whose answer is lost does not leave the lobby that it has come back to", async () => {
  const { ada, bo, proxy } = await withBoBehind();
  proxy.lose(3, "/resume", true);
  proxy.cut();
  await bo.first("resumed");
  await bo.session.chat("Here I am.");
  await ada.first("chat");
  expect(ada.all("left")).toEqual([]);
});

test("a change that is asked with a token of before is asked again when the member is back", async () => {
  const { bo, proxy } = await withBoBehind();
  proxy.cut();
  // The session has not noticed yet.
  expect(bo.session.isReconnecting).toBe(false);
  const version = await wishes.changeSelf(bo.session, { data: { hat: "red" } });
  expect(bo.session.view.version).toBe(version);
  expect(bo.session.me?.data).toEqual({ hat: "red" });
});

test("chat that was on its way as the connection was lost is known as lost, or was heard", async () => {
  const { ada, bo, proxy } = await withBoBehind();
  const said = bo.session.chat("Did you hear that?").then(
    () => "said",
    (error: { code: string }) => error.code,
  );
  proxy.cut();
  const outcome = await said;
  await bo.session.chat("end");
  await ada.first("chat", ({ text }) => text === "end");
  const heard = ada.all("chat").length === 2;
  expect(outcome === "said" ? heard : outcome === "disconnected").toBe(true);
});

test("a member who leaves while it is away is out for itself at once, and for the others in time", async () => {
  const { ada, bo, proxy } = await withBoBehind({ graceMs: 500 });
  proxy.cut();
  await bo.first("reconnecting");
  const waiting = expectFailure(bo.session.chat("Wait!"), "left");
  await bo.session.leave();
  await waiting;
  expect(await bo.session.closed).toMatchObject({ reason: "left" });
  await ada.first("left");
});

test("a lobby that is over meanwhile is over for a member that comes back", async () => {
  const { ada, bo, proxy } = await withBoBehind();
  proxy.cut();
  await ada.session.leave();
  expect(await bo.session.closed).toMatchObject({ reason: "disconnected" });
  expect(bo.events.map(({ kind }) => kind).slice(-2)).toEqual(["reconnecting", "ended"]);
});

test("a member that the host bans while it is away cannot come back, and is told so", async () => {
  const { ada, bo, proxy } = await withBoBehind();
  const key = bo.session.resumeKey() ?? "";
  proxy.lose(1_000, "/resume");
  proxy.cut();
  await ada.first("away");
  await wishes.kick(ada.session, bo.session.clientId, { ban: true });
  expect(names(ada)).toEqual(["Ada"]);
  proxy.lose(0);
  expect(await bo.session.closed).toMatchObject({
    reason: "resume_refused",
  });
  await expectFailure(resumeLobby(url, ada.session.code, key), "banned", { status: 403 });
});

test("a key that is no key is refused, and so is one for a code that is none", async () => {
  const { ada, bo } = await withBoBehind();
  for (const [code, key, refusal] of [
    [ada.session.code, "typo", "invalid_resume_key"],
    [ada.session.code, `${bo.session.clientId}.0.${"A".repeat(22)}`, "wrong_resume_key"],
    ["../..", "typo", "no_such_lobby"],
  ] as const) {
    await expectFailure(resumeLobby(url, code, key), refusal);
  }
  await bo.session.chat("Undisturbed.");
});

test("no key shows in what is printed of a session that can be resumed", async () => {
  const { inspect } = await import("node:util");
  const { bo } = await withBoBehind();
  const printed = JSON.stringify(bo.session) + inspect(bo.session, { depth: 10, showHidden: true });
  expect(printed).not.toContain(bo.session.resumeKey()?.split(".").at(-1));
  expect(printed).not.toMatch(/[\w-]{22}/);
});
