/** Sessions in a lobby of the real server: who is there, what is said, and how a mediation is told. */
import { inspect } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import type { Server } from "../../local/server.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { hostLobby } from "../../session/opening.ts";
import { findServer, listLobbies } from "../../session/server.ts";
import { start } from "../../session/wishes.ts";
import { expectFailure, host, join, Story } from "./story.ts";

let server: Server;
let url: URL;
beforeAll(async () => {
  server = await startTestServer();
  url = await findServer(server.url);
});
afterAll(() => server.stop());

test("a session hosts, another joins, and both know the lobby and who is in it", async () => {
  const wish = { name: "Ada", lobbyName: "Tea at Five", isPublic: true, maxMembers: 4 };
  const ada = new Story(await hostLobby(url, wish));
  const { code } = ada.session;
  const lobbies = [{ id: code, name: "Tea at Five", currentMembers: 1, maxMembers: 4 }];
  expect(await listLobbies(url, { name: "tea", limit: 5 })).toMatchObject({ lobbies });
  const bo = await join(url, code, "Bo");
  await ada.first("joined");
  for (const { session } of [ada, bo]) {
    const members = [{ name: "Ada" }, { name: "Bo" }];
    expect(session).toMatchObject({ code, name: "Tea at Five", host: "Ada", members });
  }
  expect([ada.session.self, bo.session.self]).toEqual(["Ada", "Bo"]);
  await ada.session.leave();
});

test("what a session says comes back to it and to all others, in one order", async () => {
  const ada = await host(url, "Ada");
  const bo = await join(url, ada.session.code, "Bo");
  await Promise.all([ada.session.chat("one"), bo.session.chat("two"), ada.session.chat("three")]);
  await ada.session.chat("end");
  await Promise.all([ada, bo].map((story) => story.first("chat", ({ text }) => text === "end")));
  const lines = (story: Story) => story.all("chat").map(({ at, from, text }) => ({ at, from, text }));
  expect(lines(bo)).toEqual(lines(ada));
  expect(bo.all("chat")[0]?.member).toBe(bo.session.members.find(({ isHost }) => isHost));
  expect(ada.all("chat").filter(({ from }) => from === "Ada")).toMatchObject([
    { text: "one", at: expect.any(Number) },
    { text: "three" },
    { text: "end" },
  ]);
  for (const text of ["", "a".repeat(251)]) await expectFailure(ada.session.chat(text), "invalid_message");
});

test("chat that is too fast for the server is refused at once, and no other is lost", async () => {
  const ada = await host(url, "Ada", 20);
  const names = Array.from({ length: 19 }, (_, i) => `Guest ${i}`);
  const [bo] = await Promise.all(names.map((name) => join(url, ada.session.code, name)));
  await ada.first("joined", () => ada.session.members.length === 20);
  const texts = Array.from({ length: 150 }, (_, i) => `message ${i}`);
  const outcomes = await Promise.allSettled(texts.map((text) => ada.session.chat(text)));
  const said = texts.filter((_, i) => outcomes[i]?.status === "fulfilled");
  expect(said.length).toBeGreaterThanOrEqual(64);
  const refused = outcomes
    .filter((outcome) => outcome.status === "rejected")
    .map(({ reason }) => reason.code);
  expect([...new Set(refused)]).toEqual(["too_many_messages"]);
  await bo?.first("chat", ({ text }) => text === said.at(-1));
  expect(bo?.all("chat").map(({ text }) => text)).toEqual(said);
});

test("a mediation is told message by message, and a member that cannot take part says so", async () => {
  const ada = await host(url, "Ada");
  await expectFailure(start(ada.session), "too_few_members", { status: 409 });
  const bo = await join(url, ada.session.code, "Bo");
  await expectFailure(start(bo.session), "not_the_host");
  await start(ada.session);
  const { message } = await bo.first("mediation");
  expect(message).toMatchObject({ method: "ptpMediation_send", payload: { port: expect.any(Number) } });
  const mediation = message.method === "ptpMediation_send" ? message.payload.mediation : undefined;
  bo.session.say("ptpMediation_peersConnection_failure", { mediation, cause: "no-udp", peers: [] });
  const isAbort = (story: Story) =>
    story.first("mediation", ({ message: { method } }) => method === "ptpMediation_aborted");
  for (const story of [ada, bo]) {
    expect(await isAbort(story)).toMatchObject({ message: { payload: { code: "could_not_connect" } } });
    expect(story.session.endReason).toBe(null);
  }
});

test("a program that plays for many players keeps their lobbies apart", async () => {
  const lobbies = await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      const ada = await host(url, `Host ${i}`);
      const guests = ["Bo", "Cy", "Di"].map((name) => join(url, ada.session.code, name));
      return [ada, ...(await Promise.all(guests))];
    }),
  );
  await Promise.all(lobbies.flatMap((stories, i) => stories.map(({ session }) => session.chat(`in ${i}`))));
  for (const [i, stories] of lobbies.entries()) {
    for (const story of stories) {
      await story.first("chat", () => story.all("chat").length === stories.length);
      expect(new Set(story.all("chat").map(({ text }) => text))).toEqual(new Set([`in ${i}`]));
      expect(story.session.members).toHaveLength(4);
    }
  }
  const ids = lobbies.flat().map(({ session }) => session.clientId);
  expect(new Set(ids).size).toBe(32);
});

test("a listener that throws keeps an event from no other, and its error is not lost", async () => {
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  const uncaught = new Promise((resolve) => process.once("uncaughtException", resolve));
  const session = await hostLobby(url, { name: "Ada", isPublic: false, maxMembers: 2 });
  session.listen(({ kind }) => {
    if (kind === "chat") throw new Error("a mistake of the gateway");
  });
  const ada = new Story(session);
  await session.chat("Hello");
  expect(ada.all("chat")).toMatchObject([{ text: "Hello" }]);
  expect(await uncaught).toMatchObject({ message: "a mistake of the gateway" });
  await session.leave();
  for (const other of others) process.on("uncaughtException", other);
});

test("no token shows in what is printed of a session", async () => {
  const { session } = await host(url, "Ada");
  const printed = JSON.stringify(session) + inspect(session, { depth: 10, showHidden: true });
  expect(printed).not.toContain(session.token());
  expect(printed).toContain(session.clientId);
});

test("sessions change no setting of the program's own zod", () => {
  expect(z.config().jitless).toBe(undefined);
});
