/** How a session ends, and that it says when and why. */
import { once } from "node:events";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { WebSocketServer } from "ws";
import { sharedLimits } from "../../core/limits.ts";
import { closures } from "../../core/problem.ts";
import type { Server } from "../../local/server.ts";
import { patienceMs } from "../../measure/kit/patience.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { encode } from "../../measure/kit/wire.ts";
import { Connection } from "../../session/connection.ts";
import { serverUrl } from "../../session/server.ts";
import { Session } from "../../session/session.ts";
import { start } from "../../session/wishes.ts";
import { layCable } from "../client/cable.ts";
import { expectFailure, host, join, names, Story } from "./story.ts";

let server: Server;
let url: URL;
beforeAll(async () => {
  server = await startTestServer({ udpPort: null });
  url = serverUrl(server.url);
});
afterAll(() => server.stop());

test("a session that leaves is over, and the others hear that it left", async () => {
  const ada = await host(url, "Ada");
  const bo = await join(url, ada.session.code, "Bo");
  await bo.session.leave();
  expect(await bo.session.closed).toEqual({ reason: "left", closeCode: 1000 });
  expect(bo.all("ended")).toEqual([{ kind: "ended", reason: "left" }]);
  expect(await ada.first("left")).toMatchObject({ member: { name: "Bo" }, kicked: false });
  expect(names(ada)).toEqual(["Ada"]);
  await expectFailure(bo.session.chat("Still here?"), "left");
  await expectFailure(start(bo.session), "left");
  await bo.session.leave();
});

test("a session whose host leaves is over, and its connection closes", async () => {
  const ada = await host(url, "Ada");
  const bo = await join(url, ada.session.code, "Bo");
  await ada.session.leave();
  expect(await bo.session.closed).toMatchObject({ reason: "host_left" });
  expect(bo.events.at(-1)).toEqual({ kind: "ended", reason: "host_left" });
  await expectFailure(bo.session.chat("Hello?"), "lobby_closed");
});

test("a session that is held keeps its connection when its lobby is over, also when it leaves, until it is let go", async () => {
  const ada = await host(url, "Ada");
  const bo = await join(url, ada.session.code, "Bo");
  const letGo = [bo.session.hold(), bo.session.hold()];
  await ada.session.leave();
  await bo.first("ended");
  await bo.session.leave();
  const answered = new Promise((resolve) => bo.session.listenForTickets(resolve));
  bo.session.say("ptpRelay_renew", { tickets: [] });
  expect(await answered).toMatchObject({ tickets: [] });
  letGo[0]?.();
  const again = new Promise((resolve) => bo.session.listenForTickets(resolve));
  bo.session.say("ptpRelay_renew", { tickets: [] });
  await again;
  letGo[1]?.();
  expect(await bo.session.closed).toEqual({ reason: "host_left", closeCode: 1000 });
});

test("a session that leaves before its lobby is over closes its connection, held or not", async () => {
  const ada = await host(url, "Ada");
  const bo = await join(url, ada.session.code, "Bo");
  const letGo = bo.session.hold();
  await bo.session.leave();
  expect(await bo.session.closed).toEqual({ reason: "left", closeCode: 1000 });
  expect(await ada.first("left")).toMatchObject({ member: { name: "Bo" }, kicked: false });
  letGo();
});

test("a session whose connection breaks is lost, and so is what it was saying", async () => {
  const cable = await layCable(server.url);
  onTestFinished(() => cable.close());
  const ada = await host(url, "Ada");
  const bo = await join(serverUrl(cable.url), ada.session.code, "Bo");
  const chat = expectFailure(bo.session.chat("Is anybody there?"), "disconnected");
  cable.cut();
  await chat;
  expect(await bo.session.closed).toEqual({ reason: "disconnected", closeCode: 1006 });
  expect(bo.session.endReason).toBe("disconnected");
  expect(await ada.first("left")).toMatchObject({ member: { name: "Bo" }, kicked: false });
});

test("a session is told with which code the server has closed its connection", async () => {
  const stopping = await startTestServer({ udpPort: null });
  onTestFinished(() => stopping.stop());
  const ada = await host(serverUrl(stopping.url), "Ada");
  await stopping.stop();
  expect(await ada.session.closed).toEqual({ reason: "disconnected", closeCode: closures.stopping[0] });
});

/** Codes by which sessions have closed their connections to such servers. */
const closedBy: number[] = [];

/** A session on a server by hand that says this, and then nothing. Its host is another. */
async function sessionOn(...words: string[]): Promise<Story> {
  const sockets = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  sockets.on("connection", (socket) => {
    socket.on("close", (code) => closedBy.push(code));
    for (const word of words) socket.send(word);
  });
  await once(sockets, "listening");
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
  });
  const address = sockets.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const there = new URL(`http://127.0.0.1:${address.port}/`);
  const connection = await Connection.open(there, AbortSignal.timeout(patienceMs));
  const welcome = {
    code: "AAAAA",
    name: "Tea",
    self: "Bo",
    host: "Ada",
    members: ["Ada", "Bo"],
    privacy: null,
  };
  return new Story(new Session(there, connection, welcome));
}

test("a session whose server does not answer its pings is lost", async () => {
  const { pongMs } = sharedLimits;
  onTestFinished(() => void Object.assign(sharedLimits, { pongMs }));
  Object.assign(sharedLimits, { pongMs: 50 });
  const bo = await sessionOn(
    encode("client_registered", { token: "1.secret", clientId: "bo", pingMs: 1_000 }),
  );
  // Orion's pings are messages. The `ws` library answers none of those.
  closedBy.length = 0;
  expect(await bo.session.closed).toEqual({ reason: "disconnected", closeCode: null });
  // Should the server hear of it after all, it is not told that the member leaves (1000, or none: 1005).
  await expect.poll(() => closedBy).toEqual([4000]);
});

const registered = encode("client_registered", { token: "1.secret", clientId: "bo" });
const aborted = (code: string) => encode("ptpMediation_aborted", { code, abortReason: "Sorry." });
const asked = encode("ptpMediation_send", { port: 9, ports: [9, 10], mediation: "m2" });
const success = encode("ptpMediation_success", {});
const closed = encode("lobby_closed", {});

test.each([
  ["host_left", []],
  ["host_left", [aborted("could_not_connect")]],
  ["left_out", [aborted("left_out")]],
  ["host_left", [aborted("left_out"), asked]],
  ["connected", [success]],
  ["connected", [aborted("left_out"), asked, success]],
] as const)("a lobby's end is known as %s by what came before it (%#)", async (reason, words) => {
  const bo = await sessionOn(registered, ...words, closed, encode("lobby_peerConnect", { peerName: "Cy" }));
  expect(await bo.session.closed).toMatchObject({ reason });
  expect(bo.all("mediation")).toHaveLength(words.length);
  // Nothing comes after the end.
  expect(bo.events.at(-1)).toEqual({ kind: "ended", reason });
});

test("a member that is named twice is there once, and one that was not there does not leave", async () => {
  const [connect, disconnect] = ["lobby_peerConnect", "lobby_peerDisconnect"];
  const words = [connect, connect, disconnect, disconnect].map((method) =>
    encode(method, { peerName: "Cy" }),
  );
  const bo = await sessionOn(registered, ...words, closed);
  await bo.session.closed;
  expect(bo.events.map(({ kind }) => kind)).toEqual(["joined", "left", "ended"]);
  expect(names(bo)).toEqual(["Ada", "Bo"]);
});
