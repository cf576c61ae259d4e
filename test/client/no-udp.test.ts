/** Players whose client cannot use UDP: they are linked otherwise, or everybody hears of it at once, and nobody waits for them. */
import dgram from "node:dgram";
import { syncBuiltinESMExports } from "node:module";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { connect as connectPage } from "../../client/browser.ts";
import { connect, type Lobby, type Orion } from "../../client/index.ts";
import type { Server } from "../../local/server.ts";
import { Player } from "../../measure/kit/player.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { handmadeServer } from "./handmade-server.ts";
import { expectError, next } from "./heard.ts";

let server: Server;
let orion: Orion<Lobby>;
beforeAll(async () => {
  server = await startTestServer();
  orion = await connect(server.url);
});
afterAll(() => server.stop());

const failure = "ptpMediation_peersConnection_failure";

test("a start with a guest in a browser links the two over WebSocket, and both know why", async () => {
  await using ada = await orion.host({ name: "Ada" });
  await using bo = await (await connectPage(server.url)).join(ada.code, { name: "Bo" });
  const [[hers], [his]] = await Promise.all([ada.start(), bo.started()]);
  expect([hers?.path, hers?.report.cause]).toEqual(["websocket", "no-udp"]);
  expect([his?.path, his?.report.cause]).toEqual(["websocket", "no-udp"]);
  await Promise.all([hers?.close(), his?.close()]);
});

test("a mesh of two players and a guest in a browser has each path that there can be", async () => {
  await using ada = await orion.host({ name: "Ada", topology: "mesh", lifetime: "session" });
  await using bo = await orion.join(ada.code, { name: "Bo" });
  await using cy = await (await connectPage(server.url)).join(ada.code, { name: "Cy" });
  const all = await Promise.all([ada.start(), bo.started(), cy.started()]);
  const [adas, bos, cys] = all.map((links) =>
    Object.fromEntries(links.map((link) => [link.peer.name, link])),
  );
  await vi.waitFor(() => expect([adas?.Bo?.path, bos?.Ada?.path]).toEqual(["lan", "lan"]));
  for (const link of [adas?.Cy, bos?.Cy, cys?.Ada, cys?.Bo]) expect(link?.path).toBe("websocket");
  await Promise.all(all.flat().map((link) => link.close()));
});

test("a page that asks for a UDP socket is told that there is none", async () => {
  await using ada = await orion.host({ name: "Ada" });
  await using bo = await (await connectPage(server.url)).join(ada.code, { name: "Bo" });
  const started = bo.started({ raw: true });
  const failed = expectError(started, "no-udp");
  await expectError(ada.start(), "could_not_connect");
  await failed;
});

test("a guest in a browser frees a host that plays with Orion's own client, too", async () => {
  const ada = await Player.connect(server.url, "/lobbies");
  const { body } = await ada.host();
  await using _bo = await (await connectPage(server.url)).join(String(body?.lobbyId), { name: "Bo" });
  await ada.start(String(body?.lobbyId));
  expect(await ada.hears("ptpMediation_aborted")).toMatchObject({ code: "could_not_connect" });
  await ada.leave();
});

test("a page answers a mediation once, however often it is asked, and a server without additions not at all", async () => {
  const { url, said, send } = await handmadeServer();
  const bo = await (await connectPage(url)).join("AAAAA", { name: "Bo" });
  const chat = (text: string) =>
    send("lobby_messaging_received", {
      lobbyId: "AAAAA",
      message: { timestamp: 1, senderName: "Ada", message: text },
    });
  // Whatever it says to a message, it has said when it hears the chat behind it.
  const hearsEnd = new Promise((resolve) => bo.on("chat", resolve));
  const ports = { port: 9, ports: [9, 10] };
  for (const mediation of ["m1", "m1", "m2", "m2"]) send("ptpMediation_send", { ...ports, mediation });
  send("ptpMediation_send", { port: 9 });
  chat("end");
  await hearsEnd;
  await vi.waitFor(() => expect(said).toHaveLength(2));
  expect(said.map(({ method, payload }) => [method, payload])).toEqual(
    ["m1", "m2"].map((mediation) => [
      failure,
      { token: "1.client.mac", mediation, cause: "no-udp", peers: [] },
    ]),
  );
  await bo.leave();
});

/** From now on no UDP socket can be opened, as where a sandbox forbids it. */
function forbidSockets(): void {
  const { createSocket } = dgram;
  dgram.createSocket = () => {
    throw new Error("not allowed");
  };
  syncBuiltinESMExports();
  onTestFinished(() => {
    dgram.createSocket = createSocket;
    syncBuiltinESMExports();
  });
}

test("a player whose machine opens no UDP socket is told so at once, and so is the server", async () => {
  const { url, said, send } = await handmadeServer();
  const bo = await (await connect(url)).join("AAAAA", { name: "Bo" });
  forbidSockets();
  const failed = expectError(bo.started(), "no_socket", {
    report: { cause: "no-udp", timeline: [], peers: [] },
  });
  send("ptpMediation_send", { port: 9, ports: [9, 10], host: "127.0.0.1", mediation: "m1" });
  await failed;
  expect(said).toMatchObject([{ method: failure, payload: { mediation: "m1", cause: "no-udp" } }]);
  await bo.leave();
});

test("a server without additions is told nothing it does not know", async () => {
  const { url, said, send } = await handmadeServer();
  const bo = await (await connect(url)).join("AAAAA", { name: "Bo" });
  forbidSockets();
  const failed = expectError(bo.started(), "no_socket");
  send("ptpMediation_send", { port: 9 });
  await failed;
  bo.reportFailed();
  await bo.leave();
  expect(said).toEqual([]);
});

test("a player who is introduced while its SDK still looks for the sidecar goes on from there", async () => {
  const { url, said, send } = await handmadeServer();
  const bo = await (await connect(url)).join("AAAAA", { name: "Bo" });
  // The peer is a plain client: that is the only thing that keeps the two apart.
  const failed = expectError(bo.started(), "no-additions");
  send("ptpMediation_send", { port: 9, ports: [9, 10], host: "127.0.0.1", mediation: "m1" });
  send("ptpMediation_peersConnection_start", { peers: [{ ip: "127.0.0.1", port: 9 }] });
  await failed;
  expect(said).toMatchObject([{ method: failure, payload: { mediation: "m1", cause: null } }]);
  await bo.leave();
});

test("a report with a cause that the server does not know still frees the lobby", async () => {
  await using ada = await orion.host({ name: "Ada" });
  const bo = await Player.connect(server.url, `/lobbies/${ada.code}`);
  bo.answersOverUdp = false;
  await bo.join(ada.code, "Bo");
  const report = next(ada, "report");
  const failed = expectError(ada.start(), "could_not_connect");
  const { mediation } = await bo.hears("ptpMediation_send");
  bo.say(failure, { mediation, cause: "of-tomorrow", peers: [] });
  await failed;
  expect(await report).toMatchObject({ name: "Bo", cause: null, peers: [] });
  await bo.leave();
});
