/** What becomes of a start, besides links: who is told what when somebody cannot be connected, leaves, or has a UDP stack of its own. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:http";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { WebSocketServer } from "ws";
import { connect, type Link, type Lobby, type Orion, OrionError } from "../../client/index.ts";
import { reportMessage } from "../../client/link/report-message.ts";
import { readClientMessage } from "../../core/wire/client-message.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import type { Server } from "../../local/server.ts";
import { Player } from "../../measure/kit/player.ts";
import { passKeyOf, postAsSidecar, proofOf, secret, signedOf } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { decode, encode } from "../../measure/kit/wire.ts";
import { layCable } from "./cable.ts";
import { expectError, next, nextOn, record } from "./heard.ts";
import { watchUdpSockets } from "./udp-resources.ts";

let server: Server;
let orion: Orion<Lobby>;
let closesSockets: () => void;
beforeAll(async () => {
  server = await startTestServer();
  orion = await connect(server.url);
  closesSockets = watchUdpSockets();
});
afterAll(() => server.stop());
// However it ended: the sockets are closed that were opened for it.
beforeEach(() => closesSockets());

/** A player of Orion's own client, in the lobby. It is seen by the server unless it is told not to answer. */
async function plainPlayer(code: string, name: string, answers = true): Promise<Player> {
  const player = await Player.connect(server.url, `/lobbies/${code}`);
  player.answersOverUdp = answers;
  await player.join(code, name);
  onTestFinished(() => player.leave());
  return player;
}

/** A server whose sidecar is the test: these UDP ports hear what players send, and say nothing. */
async function withSilentSidecar(ports: number) {
  const vars = { sidecarHosts: "silent=127.0.0.1" };
  const silent = await startTestServer({ udpPort: null, secret, vars });
  const sockets = await Promise.all(
    Array.from({ length: ports }, async () => {
      const socket = createSocket("udp4").bind(0, "127.0.0.1");
      await once(socket, "listening");
      return socket;
    }),
  );
  onTestFinished(async () => {
    for (const socket of sockets) socket.close();
    await silent.stop();
  });
  const [port, secondPort] = sockets.map((socket) => socket.address().port);
  const about = { name: "silent", host: "127.0.0.1", port, secondPort, load: 0 };
  await postAsSidecar(silent.url, "/sidecar/heartbeat", about);
  return { silent, sockets };
}

test("only the host can start, and not alone", async () => {
  await using ada = await orion.host({ name: "Ada" });
  await expectError(ada.start(), "too_few_members", { status: 409 });
  await using bo = await orion.join(ada.code, { name: "Bo" });
  await expectError(bo.start(), "not_the_host", { status: 409 });
});

test("a player whose network lets no UDP through is told so, and so is the server", async () => {
  const { silent } = await withSilentSidecar(2);
  const there = await connect(silent.url);
  await using ada = await there.host({ name: "Ada" });
  const bo = await Player.connect(silent.url, `/lobbies/${ada.code}`);
  bo.answersOverUdp = false;
  await bo.join(ada.code, "Bo");
  const error = await ada.start().catch((error: unknown) => error);
  if (!(error instanceof OrionError)) throw error;
  expect(error.code).toBe("udp-blocked");
  expect(error.report?.timeline[0]?.what).toMatch(/^probes 127\.0\.0\.1 at \d+ and \d+$/);
  expect(await bo.hears("ptpMediation_aborted")).toMatchObject({ code: "could_not_connect" });
  await bo.leave();
});

test("a player whose sidecar does not answer says so, and is seen by the next one that the server names", async () => {
  const sidecar = createSocket("udp4").bind(0, "127.0.0.1");
  await once(sidecar, "listening");
  const said: unknown[] = [];
  const http = createServer((request, response) => {
    const answers: Record<string, string> = {
      "/ping": "pong",
      "/lobbies": '{"lobbyName":"Tea","lobbyId":"AAAAA"}',
      "/lobbies/AAAAA/ptp/start": "{}",
    };
    response.end(answers[request.url ?? ""]);
  });
  const web = new WebSocketServer({ server: http });
  const heard = Promise.withResolvers<string>();
  web.on("connection", (socket) => {
    const pass = { pass: "a pass", passKey: "its key" };
    const ask = (ports: number[]) => {
      const host = "127.0.0.1";
      socket.send(encode("ptpMediation_send", { port: ports[0], ports, host, mediation: "m1", ...pass }));
    };
    socket.send(encode("client_registered", { token: "1.client.mac", clientId: "client" }));
    ask([9, 10]);
    socket.on("message", (bytes) => {
      const message = decode(String(bytes));
      if (message.method === "ptpMediation_ready") return;
      said.push(message);
      ask([sidecar.address().port]);
    });
  });
  sidecar.on("message", (bytes) => heard.resolve(String(bytes)));
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const address = http.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  onTestFinished(() => {
    for (const socket of web.clients) socket.terminate();
    http.closeAllConnections();
    http.close();
    sidecar.close();
  });
  const there = await connect(`http://127.0.0.1:${address.port}`);
  const ada = await there.host({ name: "Ada" });
  const failed = expectError(ada.start(), "left");
  const probe = await heard.promise;
  expect(probe).toMatch(/^ptpMediation_probe:/);
  // By its pass: a client of the SDK sends its token over UDP to no such server.
  const { payload } = decode(probe.slice(0, probe.lastIndexOf(".")));
  expect(payload).toMatchObject({ pass: "a pass" });
  expect(JSON.stringify(payload)).not.toContain("1.client.mac");
  expect(said).toEqual([
    { method: "ptpMediation_unseen", payload: { token: "1.client.mac", mediation: "m1" } },
  ]);
  await ada.leave();
  await failed;
});

test("a start that is aborted fails with the server's code, and the host may start again", async () => {
  await using ada = await orion.host({ name: "Ada", onLoss: "abort" });
  await using bo = await orion.join(ada.code, { name: "Bo" });
  const cy = await plainPlayer(ada.code, "Cy", false);
  const aborted = next(bo, "aborted");
  const starts = [ada.start(), bo.started()].map((start) => expectError(start, "member_left"));
  await cy.hears("ptpMediation_send");
  await cy.leave();
  await Promise.all(starts);
  expect(await aborted).toEqual({ code: "member_left", reason: expect.stringMatching(/^A player left/) });
  const [[toBo], [toAda]] = await Promise.all([ada.start(), bo.started()]);
  expect([toBo?.peer.name, toAda?.peer.name]).toEqual(["Bo", "Ada"]);
  await Promise.all([toBo?.close(), toAda?.close()]);
});

test("with a player of Orion's own client there is no link, and the group is told", async () => {
  await using ada = await orion.host({ name: "Ada", onLoss: "abort" });
  await using bo = await orion.join(ada.code, { name: "Bo" });
  await plainPlayer(ada.code, "Cy");
  const closed = next(bo, "link").then((link) => nextOn(link, "closed"));
  const started = bo.started().catch((error: unknown) => error);
  const aborted = record(ada, "aborted");
  const error = await ada.start().catch((error: unknown) => error);
  if (!(error instanceof OrionError)) throw error;
  expect(error.code).toBe("no-additions");
  // The server knows: the lobby is open again.
  expect(aborted).toMatchObject([["aborted", { code: "could_not_connect" }]]);
  expect(error.report?.peers.map(({ name, cause }) => [name, cause])).toEqual([
    // By which path comes first, nobody can tell.
    ["Bo", expect.toBeOneOf([null, "not-yet-direct"])],
    ["Cy", "no-additions"],
  ]);
  // Bo was linked, but not everybody is.
  expect(await closed).toEqual({ cause: expect.stringMatching(/^(aborted|peer-left)$/) });
  await started;
  // The host may start again at once: with the same players it comes to the same.
  await expectError(ada.start(), "no-additions");
});

test("a lobby that goes on without lost members links the rest", async () => {
  await using ada = await orion.host({ name: "Ada", onLoss: "continue" });
  await using bo = await orion.join(ada.code, { name: "Bo" });
  const cy = await plainPlayer(ada.code, "Cy");
  const closed = next(ada, "closed");
  const [hers, his] = await Promise.all([ada.start(), bo.started()]);
  expect([hers, his].map((links) => links.map(({ peer }) => peer.name))).toEqual([["Bo"], ["Ada"]]);
  expect(await closed).toEqual({ reason: "connected" });
  expect(await cy.hears("ptpMediation_aborted")).toMatchObject({ code: "left_out" });
  await Promise.all([...hers, ...his].map((link) => link.close()));
});

test("who does not wait any more can wait again", async () => {
  await using ada = await orion.host({ name: "Ada" });
  await using bo = await orion.join(ada.code, { name: "Bo" });
  const reason = new Error("no patience");
  for (const signal of [AbortSignal.abort(reason), AbortSignal.any([])]) {
    const ending = new AbortController();
    const waiting = bo.started({ signal: signal.aborted ? signal : ending.signal });
    ending.abort(reason);
    await expectError(waiting, "aborted", { cause: reason });
    await expectError(ada.start({ signal: AbortSignal.abort(reason) }), "aborted", { cause: reason });
  }
  const starting = ada.start();
  const closed = next(bo, "closed");
  await next(bo, "introduced");
  await closed;
  // The links came about meanwhile: they are there for whoever asks.
  const [hers, his] = await Promise.all([starting, bo.started()]);
  const heard = his[0] && nextOn(his[0], "message");
  hers[0]?.send(Uint8Array.of(7));
  expect(await heard).toEqual(Uint8Array.of(7));
  await Promise.all([...hers, ...his].map((link) => link.close()));
});

test("who leaves or loses the server while it waits is told, and its links end", async () => {
  const cable = await layCable(server.url);
  onTestFinished(() => cable.close());
  const far = await connect(cable.url);
  for (const [end, code] of [
    [(bo: Lobby) => bo.leave(), "left"],
    [async () => cable.cut(), "disconnected"],
    [async (_: Lobby, ada: Lobby) => ada.leave(), "lobby_closed"],
  ] as const) {
    await using ada = await orion.host({ name: "Ada" });
    await using bo = await far.join(ada.code, { name: "Bo" });
    const cy = await plainPlayer(ada.code, "Cy", false);
    const failed = expectError(bo.started(), code);
    const start = ada.start().catch((error: unknown) => error);
    await cy.hears("ptpMediation_send");
    await end(bo, ada);
    await failed;
    await expectError(bo.started(), code);
    await start;
  }
});

test("links that were handed out live on without the server, others do not", async () => {
  const cable = await layCable(server.url);
  onTestFinished(() => cable.close());
  const far = await connect(cable.url);
  await using ada = await orion.host({ name: "Ada" });
  await using bo = await far.join(ada.code, { name: "Bo" });
  await using cy = await far.join(ada.code, { name: "Cy" });
  const link = next(bo, "link");
  const closed = [next(bo, "closed"), next(cy, "closed")];
  const [toBo, toCy] = await ada.start();
  await Promise.all(closed);
  cable.cut();
  const parted = toCy && nextOn(toCy, "closed");
  // Cy has never asked for its link.
  await Promise.all([bo.leave(), cy.leave()]);
  expect(await parted).toEqual({ cause: "peer-left" });
  const heard = nextOn(await link, "message");
  toBo?.send(Uint8Array.of(7));
  expect(await heard).toEqual(Uint8Array.of(7));
  await (await link).close();
});

async function says(from: Socket, word: string, port: number, to: Socket): Promise<string> {
  const heard = once(to, "message");
  from.send(word, port, "127.0.0.1");
  return String((await heard)[0]);
}

test("a game with a UDP stack of its own is given the socket and the peers, and says when they are connected", async () => {
  await using ada = await orion.host({ name: "Ada" });
  await using bo = await orion.join(ada.code, { name: "Bo" });
  const closed = next(ada, "closed");
  const [hers, his] = await Promise.all([ada.start({ raw: true }), bo.started({ raw: true })]);
  expect(hers.peers).toMatchObject([
    { name: "Bo", endpoint: { ip: "127.0.0.1", port: his.socket.address().port } },
  ]);
  expect(await says(hers.socket, "hello", hers.peers[0]?.endpoint?.port ?? 0, his.socket)).toBe("hello");
  await expectError(bo.started(), "not_raw");
  for (const lobby of [ada, bo]) lobby.reportConnected();
  expect(await closed).toEqual({ reason: "connected" });
  // Nobody else reads or closes them.
  expect(hers.socket.listenerCount("message")).toBe(0);
  expect(await says(his.socket, "still here", his.peers[0]?.endpoint?.port ?? 0, hers.socket)).toBe(
    "still here",
  );
  hers.socket.close();
  his.socket.close();
});

test("a game that asks too late for the socket is told so, and the start is aborted at once", async () => {
  await using ada = await orion.host({ name: "Ada" });
  await using bo = await orion.join(ada.code, { name: "Bo" });
  const aborted = next(ada, "aborted");
  const introduced = next(bo, "introduced");
  const { socket } = await ada.start({ raw: true });
  onTestFinished(() => void socket.close());
  await introduced;
  await expectError(bo.started({ raw: true }), "not_raw", { report: { cause: "aborted" } });
  expect(await aborted).toMatchObject({ code: "could_not_connect" });
});

test("where the sidecar is as Orion's own, players with a UDP stack of their own are connected as well", async () => {
  const { silent, sockets } = await withSilentSidecar(1);
  const [sidecar] = sockets;
  if (!sidecar) throw new Error("no sidecar");
  const heard: string[] = [];
  sidecar.on("message", (bytes, { address, port }) => {
    const text = bytes.toString();
    heard.push(text);
    const token = JSON.parse(Buffer.from(text.slice(text.indexOf(":") + 1), "base64").toString()).token;
    const [, clientId] = String(token).split(".");
    const observations = [{ clientId, proof: proofOf({ token }), ip: address, port }];
    void postAsSidecar(silent.url, "/sidecar/observations", { observations }, { name: "silent" });
  });
  const there = await connect(silent.url);
  await using ada = await there.host({ name: "Ada" });
  await using bo = await there.join(ada.code, { name: "Bo" });
  const [hers, his] = await Promise.all([ada.start({ raw: true }), bo.started({ raw: true })]);
  expect(hers.peers).toMatchObject([{ name: "Bo", mapping: "unknown" }]);
  expect(his.peers).toMatchObject([{ name: "Ada", endpoint: { port: hers.socket.address().port } }]);
  expect(await says(his.socket, "hello", his.peers[0]?.endpoint?.port ?? 0, hers.socket)).toBe("hello");
  expect(heard.every((text) => text.startsWith("ptpMediation_connect:"))).toBe(true);
  hers.socket.close();
  his.socket.close();
});

test("a report is never too long for the server, however many peers there are", () => {
  const timeline = Array.from({ length: 80 }, (_, atMs) => ({ atMs, what: `${atMs} ${"x".repeat(76)}` }));
  for (const count of [1, 3, 20, 63]) {
    const peers = Array.from({ length: count }, (_, i) => {
      const clientId = `client-${i}`.padEnd(16, "-");
      return { clientId, name: `Player ${i}`, path: null, rttMs: 1e9, cause: "ports-not-guessed", timeline };
    });
    const payload = { token: "x".repeat(48), ...reportMessage("0123abcd", { cause: null, timeline, peers }) };
    const text = encode("ptpMediation_peersConnection_failure", payload);
    expect(text.length).toBeLessThanOrEqual(wireLimits.frameBytes);
    const read = readClientMessage(text);
    expect(read).toMatchObject({ report: { peers: { length: count } } });
    if (count === 1) {
      expect(read).toHaveProperty("report.peers.0.timeline.0.atMs", 0);
      expect(read).toHaveProperty("report.peers.0.timeline.19.atMs", 79);
    }
  }
});

test("datagrams that get lost on the way to the server are sent again, until both its ports have answered", async () => {
  const { silent, sockets } = await withSilentSidecar(2);
  const asked = new Map<string, number>();
  const answered = new Map<string, number[]>();
  for (const socket of sockets) {
    socket.on("message", (bytes, { address: ip, port }) => {
      const { payload } = decode(bytes.toString().split(".")[0] ?? "");
      const { pass, nonce, candidates } = Object(payload);
      const clientId = String(pass).split(".")[1] ?? "";
      const times = (asked.get(nonce) ?? 0) + 1;
      asked.set(nonce, times);
      if (times < 3) return;
      const answer = { nonce, ip, port, cookie: "a-cookie" };
      socket.send(signedOf(passKeyOf(pass, { sidecar: "silent" }), "ptpMediation_seen", answer), port, ip);
      const at = answered.get(clientId) ?? [];
      answered.set(clientId, [...new Set([...at, socket.address().port])]);
      if (answered.get(clientId)?.length !== 2) return;
      const proof = { kind: "pass", text: pass };
      const observations = [{ clientId, proof, ip, port, second: { ip, port }, candidates }];
      void postAsSidecar(silent.url, "/sidecar/observations", { observations }, { name: "silent" });
    });
  }
  const there = await connect(silent.url);
  await using ada = await there.host({ name: "Ada" });
  await using bo = await there.join(ada.code, { name: "Bo" });
  const [hers, his] = await Promise.all([ada.start(), bo.started()]);
  expect([hers[0]?.path, his[0]?.path]).toEqual(["lan", "lan"]);
  // Two players, two ports.
  expect([...asked.values()].filter((times) => times >= 3).length).toBe(4);
  await Promise.all([...hers, ...his].map((link) => link.close()));
});

test("listeners hear each thing that happens once, in order", async () => {
  await using ada = await orion.host({ name: "Ada" });
  const heard = record(ada, "joined", "introduced", "link", "aborted", "closed");
  await using bo = await orion.join(ada.code, { name: "Bo" });
  const [hers, his] = await Promise.all([ada.start(), bo.started()]);
  await vi.waitFor(() => expect(heard.at(-1)?.[0]).toBe("closed"));
  expect(heard.map(([event]) => event)).toEqual(["joined", "introduced", "link", "closed"]);
  expect(heard.find(([event]) => event === "link")?.[1]).toBe(hers[0]);
  await Promise.all([...hers, ...his].map((link) => link.close()));
});

test("who starts again as soon as it hears that a start was aborted gets the links of the new one", async () => {
  await using ada = await orion.host({ name: "Ada", onLoss: "abort" });
  await using bo = await orion.join(ada.code, { name: "Bo" });
  const cy = await plainPlayer(ada.code, "Cy", false);
  const hers = new Promise<Link[]>((resolve, reject) => {
    ada.on("aborted", () => ada.start().then(resolve, reject));
  });
  const his = new Promise<Link[]>((resolve, reject) => {
    bo.on("aborted", () => bo.started().then(resolve, reject));
  });
  const failed = [ada.start(), bo.started()].map((start) => expectError(start, "member_left"));
  await cy.hears("ptpMediation_send");
  await cy.leave();
  await Promise.all(failed);
  const links = [...(await hers), ...(await his)];
  expect(links.map(({ peer }) => peer.name)).toEqual(["Bo", "Ada"]);
  await Promise.all(links.map((link) => link.close()));
});
