/** Servers that are not there, are no Orion, keep silent or vanish; and games that do not want to wait any more. */

import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { WebSocketServer } from "ws";
import { connect, type Lobby, type Orion, OrionError } from "../../client/index.ts";
import type { Server } from "../../local/server.ts";
import { freeTcpPort } from "../../measure/kit/free-ports.ts";

import { startTestServer } from "../../measure/kit/server.ts";
import { encode } from "../../measure/kit/wire.ts";
import { type Cable, layCable } from "./cable.ts";
import { expectError, names, next, record } from "./heard.ts";

let server: Server;
let cable: Cable;
let orion: Orion<Lobby>;
beforeAll(async () => {
  server = await startTestServer({ udpPort: null });
  cable = await layCable(server.url);
  orion = await connect(cable.url);
});
afterAll(async () => {
  await cable.close();
  await server.stop();
});

const registered = encode("client_registered", { token: "1.secret", clientId: "someone" });

/** A server that answers as it is told, and says this to whoever connects. */
async function standIn(answer: RequestListener, words: (string | Buffer)[] = [registered]): Promise<URL> {
  const http = createServer(answer);
  const sockets = new WebSocketServer({ server: http });
  sockets.on("connection", (socket) => {
    for (const word of words) socket.send(word);
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate();
    http.closeAllConnections();
    http.close();
  });
  const address = http.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return new URL(`http://127.0.0.1:${address.port}`);
}

const pong: RequestListener = (request, response) => {
  if (request.url === "/ping") response.end("pong");
};

test("a text that is no URL of a server is refused at once", async () => {
  for (const url of ["", "localhost", "ftp://localhost", "localhost:5980"]) {
    await expectError(connect(url), "invalid_url");
  }
});

test("something else that answers is not taken for the server", async () => {
  const url = await standIn((_, response) => response.end("<h1>It works!</h1>"));
  await expectError(connect(url), "not_orion");
});

test("a server that is not there is looked for until the game calls it off, and why is kept", async () => {
  const port = await freeTcpPort();
  const reason = new Error("the player pressed escape");
  const ending = new AbortController();
  const attempt = connect(`http://127.0.0.1:${port}`, { signal: ending.signal });
  const failed = expectError(attempt, "aborted", { cause: reason });
  setTimeout(() => ending.abort(reason), 300);
  await failed;
});

test("a server that is just starting is found", async () => {
  let pings = 0;
  const url = await standIn((_, response) => {
    pings += 1;
    response.writeHead(pings < 3 ? 502 : 200).end(pings < 3 ? "Bad gateway" : "pong");
  });
  expect((await connect(url)).url.href).toBe(url.href);
});

test("a server may be at home in a folder of its host", async () => {
  const url = await standIn((request, response) =>
    response.end(
      request.url === "/orion/ping" ? "pong" : request.url === "/orion/lobbies" ? '{"lobbies":[]}' : "",
    ),
  );
  const there = await connect(new URL("orion", url));
  expect(await there.list()).toEqual({ lobbies: [] });
});

test("an answer that makes no sense is an error with a code, not a crash", async () => {
  for (const [status, body] of [
    [200, "{}"],
    [200, "no JSON"],
    [418, "teapot"],
    [500, '{"errors": "none"}'],
  ] as const) {
    const url = await standIn((request, response) =>
      request.url === "/ping" ? response.end("pong") : response.writeHead(status).end(body),
    );
    await expectError((await connect(url)).list(), "unexpected_answer");
  }
});

test("whatever is waited for can be called off, and is over at once", async () => {
  const silent: RequestListener = () => {};
  const reason = new Error("enough");
  const soon = () => {
    const ending = new AbortController();
    setTimeout(() => ending.abort(reason), 50);
    return ending.signal;
  };
  await expectError(connect(await standIn(silent), { signal: soon() }), "aborted", { cause: reason });
  const mute = await connect(await standIn(pong, []));
  await expectError(mute.list({ signal: soon() }), "aborted", { cause: reason });
  await expectError(mute.host({ name: "Ada", signal: soon() }), "aborted", { cause: reason });
  await expectError(mute.join("AAAAA", { name: "Ada", signal: soon() }), "aborted", { cause: reason });
  const slow = await connect(await standIn(pong));
  await expectError(slow.host({ name: "Ada", signal: soon() }), "aborted", { cause: reason });
  await expectError(slow.join("AAAAA", { name: "Ada", signal: soon() }), "aborted", { cause: reason });
  const over = AbortSignal.abort(reason);
  await expectError(orion.host({ name: "Ada", signal: over }), "aborted", { cause: reason });
});

test("a game that calls off with an error of the SDK's own kind is told that one", async () => {
  const own = new OrionError("left", "The player has left.");
  const signal = AbortSignal.abort(own);
  await using ada = await orion.host({ name: "Ada" });
  const calls = [
    connect(cable.url, { signal }),
    orion.list({ signal }),
    orion.join(ada.code, { name: "Bo", signal }),
    ada.start({ signal }),
    ada.started({ signal }),
  ];
  for (const call of calls) expect(await call.catch((error: unknown) => error)).toBe(own);
});

test("a seat that was called off is given up", async () => {
  await using ada = await orion.host({ name: "Ada" });
  for (let ms = 0; ms < 30; ms += 3) {
    const ending = new AbortController();
    setTimeout(() => ending.abort(), ms);
    const attempt = orion.join(ada.code, { name: `Bo ${ms}`, signal: ending.signal });
    await attempt.then((bo) => bo.leave()).catch(() => {});
  }
  await using _cy = await orion.join(ada.code, { name: "Cy" });
  while (names(ada).join() !== "Ada,Cy") await Promise.race([next(ada, "joined"), next(ada, "left")]);
});

test("a connection that fails before there is a seat is tried again", async () => {
  cable.cut();
  cable.cutNext(3);
  await using ada = await orion.host({ name: "Ada" });
  cable.cutNext(3);
  await using bo = await orion.join(ada.code, { name: "Bo" });
  expect(names(bo)).toEqual(["Ada", "Bo"]);
});

test("a server that asks for patience is asked again when it said, if that is soon, and else the game is told when", async () => {
  const refusal = JSON.stringify({ errors: ["That was too often."], codes: ["too_many_requests"] });
  for (const [seconds, asked] of [
    [1, 2],
    [60, 1],
  ] as const) {
    const hosts: number[] = [];
    const url = await standIn((request, response) => {
      if (request.url === "/ping") return response.end("pong");
      hosts.push(performance.now());
      if (hosts.length === 1) response.writeHead(429, { "retry-after": `${seconds}` }).end(refusal);
      else response.end('{"lobbyName":"Tea","lobbyId":"AAAAA"}');
    });
    const attempt = (await connect(url)).host({ name: "Ada" });
    if (asked === 2) await (await attempt).leave();
    else await expectError(attempt, "too_many_requests", { status: 429, retryAfterS: seconds });
    const [first = 0, second = first + 1_000] = hosts;
    expect(hosts.length).toBe(asked);
    // Timers may come a moment early.
    expect(second - first).toBeGreaterThan(990);
  }
});

test("in a lobby that keeps nobody's place, a connection that fails later is lost for good, and the player is told", async () => {
  const ada = await orion.host({ name: "Ada", graceMs: 0 });
  const closed = next(ada, "closed");
  const chat = expectError(ada.chat("Is anybody there?"), "disconnected");
  cable.cut();
  await chat;
  expect(await closed).toEqual({ reason: "disconnected" });
  await expectError(ada.chat("Hello?"), "disconnected");
  await ada.leave();
});

test("a player that the others are connected without is told so, and not that the host has left", async () => {
  const answer = '{"lobbyName":"Tea","lobbyId":"AAAAA","lobbyMembers":["Ada","Bo"],"host":"Ada"}';
  const joining: RequestListener = (request, response) => {
    response.end(request.url === "/ping" ? "pong" : answer);
  };
  const aborted = (code: string) => encode("ptpMediation_aborted", { code, abortReason: "Sorry." });
  const asked = encode("ptpMediation_send", { port: 9, ports: [9, 10], mediation: "m2" });
  const closed = encode("lobby_closed", {});
  for (const [words, reason] of [
    [[aborted("left_out"), closed], "left_out"],
    [[aborted("could_not_connect"), closed], "host_left"],
    [[aborted("left_out"), asked, closed], "host_left"],
    [[aborted("left_out"), asked, encode("ptpMediation_success", {}), closed], "connected"],
  ] as const) {
    const there = await connect(await standIn(joining, [registered, ...words]));
    await using bo = await there.join("AAAAA", { name: "Bo" });
    const heard = record(bo, "aborted", "closed");
    await next(bo, "closed");
    expect(heard.map(([, payload]) => payload)).toMatchObject([{ reason: "Sorry." }, { reason }]);
  }
});

test("junk from a server is ignored, and what it adds some day as well", async () => {
  const hosting: RequestListener = (request, response) => {
    response.end(request.url === "/ping" ? "pong" : '{"lobbyName":"Tea","lobbyId":"AAAAA","new":1}');
  };
  const junk = ["", ":", "no message", "lobby_peerConnect:", "lobby_peerConnect:e30=", Buffer.of(0xff, 0)];
  const strange = ["x".repeat(100_000), encode("__proto__", {}), encode("lobby_election", { votes: 3 })];
  const proper = encode("lobby_peerConnect", { peerName: "Bo", avatar: "cat" });
  const there = await connect(await standIn(hosting, [registered, ...junk, ...strange, proper]));
  await using ada = await there.host({ name: "Ada" });
  expect(await next(ada, "joined")).toMatchObject({ name: "Bo" });
  expect(names(ada)).toEqual(["Ada", "Bo"]);
});

test("a server whose first word is no token is no Orion", async () => {
  const there = await connect(await standIn(pong, ["hello"]));
  await expectError(there.host({ name: "Ada" }), "not_orion");
});
