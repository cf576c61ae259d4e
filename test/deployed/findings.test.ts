/** For each finding of `npm run check:deployed`, a deployment that is broken in just that way. */
import { execFileSync } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { setDefaultCACertificates } from "node:tls";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { parseToken } from "../../core/token.ts";
import { decodeMessage } from "../../core/wire/codec.ts";
import { readDatagram } from "../../core/wire/datagram.ts";
import { heartbeatPath, observationsPath } from "../../core/wire/sidecar-post.ts";
import { bindingAnswer, readBindingRequest } from "../../core/wire/stun.ts";
import { type Check, findingOf } from "../../deploy/check/finding.ts";
import { commitTime, firstAccess } from "../../deploy/check/first-access.ts";
import { IceServers } from "../../deploy/check/ice.ts";
import { isNearby } from "../../deploy/check/location.ts";
import { hasTls, resolves } from "../../deploy/check/name.ts";
import { mayUse, refusesStrangers } from "../../deploy/check/origins.ts";
import { idleSockets } from "../../deploy/check/pauses.ts";
import { Readiness } from "../../deploy/check/ready.ts";
import { remedies } from "../../deploy/check/remedies.ts";
import { isAtWork, Sight } from "../../deploy/check/sight.ts";
import { steadyAnswers } from "../../deploy/check/steady.ts";
import { unreadIsBounded } from "../../deploy/check/unread.ts";
import { upgradesOn } from "../../deploy/check/upgrade.ts";
import type { Server } from "../../local/server.ts";
import { freeTcpPort, freeUdpPort } from "../../measure/kit/free-ports.ts";
import { postAsSidecar, proofOf, secret } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";

/** The codes that these tests have provoked. */
const provoked = new Set<string>();

async function codeOf(check: Check): Promise<string> {
  const finding = await findingOf(check);
  if (finding.verdict === "ok") return "ok";
  provoked.add(finding.code);
  return finding.code;
}

/** A web server that is no Orion Edge. */
async function serverThat(
  answers: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<URL> {
  const server = createServer(answers);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

const saying = (status: number, body: object, headers = {}) =>
  serverThat((_, response) => response.writeHead(status, headers).end(JSON.stringify(body)));
const readyWith = (sidecars: number, more = {}) => ({ status: "ready", version: "0.0.1", sidecars, ...more });

type Faults = {
  /** Changes the request before it is passed on, or answers it. True if it has. */
  answers?: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Milliseconds by which requests of this path wait. */
  delays?: (path: string) => number;
  /** Response headers that are left out. */
  drops?: string[];
  /** WebSockets: a wait before they open, one for all that comes from the client, an end after so long, or after so much silence. */
  opensAfterMs?: number;
  lagMs?: number;
  endsAfterMs?: number;
  endsAfterSilenceMs?: number;
};

/** A proxy before a server that does one thing wrong. */
async function proxyTo(target: URL, faults: Faults): Promise<URL> {
  const proxy = createServer(async (request, response) => {
    if (faults.answers?.(request, response)) return;
    await pass(faults.delays?.(request.url ?? "") ?? 0);
    const { method, headers, url = "/" } = request;
    const onwards = forward(new URL(url, target), { method, headers }, (answer) => {
      for (const name of faults.drops ?? []) delete answer.headers[name];
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onwards.on("error", () => response.destroy());
    request.pipe(onwards);
  });
  proxy.on("upgrade", async (request: IncomingMessage, socket, head) => {
    await pass(faults.opensAfterMs ?? 0);
    const onwards = connect(Number(target.port), target.hostname);
    const lines = [`GET ${request.url} HTTP/1.1`];
    for (let i = 0; i < request.rawHeaders.length; i += 2)
      lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
    onwards.write(`${lines.join("\r\n")}\r\n\r\n`);
    onwards.write(head);
    const end = () => {
      socket.destroy();
      onwards.destroy();
    };
    let silence: NodeJS.Timeout | undefined;
    const hush = () => {
      clearTimeout(silence);
      if (faults.endsAfterSilenceMs) silence = setTimeout(end, faults.endsAfterSilenceMs);
    };
    hush();
    socket.on("data", async (bytes: Buffer) => {
      hush();
      if (faults.lagMs) await pass(faults.lagMs);
      onwards.write(bytes);
    });
    onwards.pipe(socket);
    for (const one of [socket, onwards]) one.on("error", end).on("close", end);
    if (faults.endsAfterMs) setTimeout(end, faults.endsAfterMs);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => {
    proxy.close();
    proxy.closeAllConnections();
  });
  return new URL(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
}

describe("a name", () => {
  test("without an address", async () => {
    const find = async () => [];
    expect(await codeOf(resolves(new URL("https://play.example"), find))).toBe("dns_no_address");
  });

  test("with an address of a network alone", async () => {
    const find = async () => [{ address: "192.168.1.7" }];
    expect(await codeOf(resolves(new URL("https://play.example"), find))).toBe("dns_private_address");
    expect(await codeOf(resolves(new URL("http://nas.local"), find))).toBe("ok");
  });

  test("that is called without TLS on the Internet", async () => {
    expect(await codeOf(hasTls(new URL("http://play.example")))).toBe("no_tls");
    expect(await codeOf(hasTls(new URL("http://192.168.1.7:5980")))).toBe("ok");
  });

  test("behind which nobody listens", async () => {
    const port = await freeTcpPort();
    expect(await codeOf(hasTls(new URL(`https://127.0.0.1:${port}`)))).toBe("unreachable");
    expect(await codeOf(new Readiness().isReady(new URL(`http://127.0.0.1:${port}`)))).toBe("unreachable");
  });
});

describe("a certificate", () => {
  const folder = mkdtempSync(join(tmpdir(), "orion-edge-tls-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Of localhost, signed by itself. */
  function certificate(days: number): { key: Buffer; cert: Buffer } {
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const files = ["-keyout", key, "-out", cert];
    execFileSync("openssl", ["req", "-x509", ...kind, ...name, ...files, "-days", String(days)], {
      stdio: "ignore",
    });
    return { key: readFileSync(key), cert: readFileSync(cert) };
  }

  async function serverWith(pair: { key: Buffer; cert: Buffer }): Promise<URL> {
    const server = createSecureServer(pair, (_, response) => response.end());
    server.listen(0, "localhost");
    await once(server, "listening");
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    return new URL(`https://localhost:${(server.address() as AddressInfo).port}`);
  }

  test("that nobody trusts, and one that ends soon", async () => {
    const pair = certificate(5);
    const server = await serverWith(pair);
    expect(await codeOf(hasTls(server))).toBe("tls_untrusted");
    setDefaultCACertificates([pair.cert]);
    expect(await codeOf(hasTls(server))).toBe("tls_expires_soon");
  });
});

describe("a server", () => {
  const ready = async (status: number, body: object) =>
    await codeOf(new Readiness().isReady(await saying(status, body)));

  test("that is another one, has no secret, or does not answer", async () => {
    expect(await ready(200, { hello: "world" })).toBe("not_orion");
    expect(await ready(503, { status: "not_ready", codes: ["not_configured"] })).toBe("not_configured");
    expect(await ready(503, { status: "not_ready", codes: ["unavailable"] })).toBe("unavailable");
    expect(await ready(200, readyWith(1))).toBe("ok");
  });

  test("of another version, with another time, and with fewer sidecars than there should be", async () => {
    const date = new Date(Date.now() - 3_600_000).toUTCString();
    const readiness = new Readiness();
    await codeOf(readiness.isReady(await saying(200, readyWith(1), { date })));
    expect(await codeOf(readiness.sameVersion())).toBe("version_differs");
    expect(await codeOf(readiness.sameClock())).toBe("clock_skew");
    expect(await codeOf(readiness.hasSidecars(null))).toBe("ok");
    expect(await codeOf(readiness.hasSidecars(2))).toBe("sidecars_missing");
    expect(await codeOf(new Readiness().hasSidecars(null))).toBe("no_sidecar");
  });

  test("that could not be looked at", async () => {
    expect(
      await codeOf(mayUse(new URL(`http://127.0.0.1:${await freeTcpPort()}`), "https://a.example")),
    ).toBe("not_checked");
  });
});

/** What a program at a UDP port does with a datagram. */
type Hears = (socket: Socket, bytes: Buffer, from: { address: string; port: number }) => void;

async function udpSocket(hears: Hears): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket.on("message", (bytes, from) => hears(socket, bytes, from));
}

/** Tells an edge of a sidecar that is alive. */
async function announce(
  edge: Server,
  about: { name: string; port: number; secondPort?: number; host?: string },
) {
  const { status } = await postAsSidecar(edge.url, heartbeatPath, { load: 0, at: Date.now(), ...about });
  expect(status).toBe(200);
}

/** Answers STUN with the sender's address, or another. */
function answerStun(
  socket: Socket,
  bytes: Buffer,
  from: { address: string; port: number },
  ip = from.address,
): void {
  const asked = readBindingRequest(bytes);
  const answer = asked && bindingAnswer(asked, { ip, port: from.port });
  if (answer) socket.send(answer, from.port, from.address);
}

describe("a deployment whose sidecar the tests play", () => {
  const name = "test";
  let edge: Server;
  /** The edge keeps what it knows of a sidecar for some seconds, so its port is the same in all tests. */
  let socket: Socket;
  let hears: Hears;
  let beats: NodeJS.Timeout;
  beforeAll(async () => {
    edge = await startTestServer({
      udpPort: null,
      secret,
      vars: {
        allowedOrigin: "https://game.example",
        iceServers: JSON.stringify([{ urls: `stun:localhost:${await freeUdpPort()}` }]),
      },
    });
    socket = await udpSocket((...heard) => hears(...heard));
    const about = { name, port: socket.address().port, secondPort: await freeUdpPort() };
    await announce(edge, about);
    beats = setInterval(() => void announce(edge, about).catch(() => {}), 2_000);
  }, 60_000);
  afterAll(async () => {
    clearInterval(beats);
    socket.close();
    await edge.stop();
  });

  /** Tells the edge what this datagram shows, as a sidecar does. */
  async function observe(bytes: Buffer, { address: ip, port }: { address: string; port: number }) {
    const message = readDatagram(bytes) && decodeMessage(bytes.toString());
    const token = String(message?.payload.token);
    const clientId = parseToken(token)?.clientId;
    if (clientId === undefined) return;
    const observations = [{ clientId, proof: proofOf({ token }), ip, port }];
    await postAsSidecar(edge.url, observationsPath, { at: Date.now(), observations }, { name });
  }

  const elsewhere = async () => true;
  const look = async (is: () => Promise<boolean | null> = elsewhere, patienceMs = 2_500) => {
    const sight = new Sight(edge.url, patienceMs);
    return [await codeOf(sight.reachesFirstPort(is)), await codeOf(sight.reachesSecondPort())];
  };

  test("whose firewall lets no datagram in", async () => {
    hears = () => {};
    expect((await look(elsewhere, 500))[0]).toBe("udp_blocked");
  });

  test("that is looked at from a network which lets no datagram out", async () => {
    hears = () => {};
    const ice = new IceServers(edge.url, 500);
    expect((await look(() => ice.othersAnswer("127.0.0.1"), 500))[0]).toBe("udp_blocked_here");
    expect(await codeOf(ice.answer())).toBe("ice_silent");
  });

  test("whose firewall lets no datagram out", async () => {
    hears = (_, bytes, from) => void observe(bytes, from);
    expect((await look())[0]).toBe("udp_answers_blocked");
  });

  test("whose sidecar takes players' tokens for forged ones", async () => {
    hears = answerStun;
    expect((await look())[0]).toBe("sidecar_deaf");
  });

  test("whose sidecar sees all players at the address of a bridge, and whose second port is closed", async () => {
    hears = (socket, bytes, from) => {
      answerStun(socket, bytes, from, "172.17.0.1");
      void observe(bytes, from);
    };
    expect(await look()).toEqual(["addresses_hidden", "second_port_closed"]);
  });

  test("that does not know a sidecar which is at work", async () => {
    const host = "127.0.0.1";
    hears = answerStun;
    const { port } = socket.address();
    expect(await codeOf(isAtWork({ host, port }))).toBe("sidecar_not_accepted");
    expect(await codeOf(isAtWork({ host, port: await freeUdpPort() }, 500))).toBe("udp_blocked");
    expect(await codeOf(isAtWork({ host: "no-such-sidecar.invalid", port }))).toBe("sidecar_host_unknown");
  });

  test("that does not know the game's page", async () => {
    expect(await codeOf(mayUse(edge.url, "https://other.example"))).toBe("origin_refused");
    expect(await codeOf(mayUse(edge.url, "https://game.example"))).toBe("ok");
    expect(await codeOf(refusesStrangers(edge.url))).toBe("ok");
    const proxy = await proxyTo(edge.url, { drops: ["access-control-allow-origin"] });
    expect(await codeOf(mayUse(proxy, "https://game.example"))).toBe("cors_header_wrong");
  });
});

describe("a deployment behind a proxy that does something wrong", () => {
  let edge: Server;
  beforeAll(async () => {
    const vars = { allowedOrigin: "*", iceServers: "[]", sidecarHosts: "lost=no-such-sidecar.invalid" };
    edge = await startTestServer({ vars, secret, udpPort: null });
  }, 60_000);
  afterAll(() => edge.stop());
  const behind = (faults: Faults) => proxyTo(edge.url, faults);

  test("takes upgrades away, answers them with a page, or refuses them", async () => {
    const strips = await serverThat((request, response) => {
      // A server without a listener for upgrades gets them as requests; this one passes them on without the header.
      const { upgrade: _, connection: __, ...headers } = request.headers;
      forward(new URL(request.url ?? "/", edge.url), { headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      }).end();
    });
    expect(await codeOf(upgradesOn(strips, "/lobbies"))).toBe("upgrade_stripped");
    expect(await codeOf(upgradesOn(await saying(200, {}), "/"))).toBe("upgrade_answered_by_page");
    expect(await codeOf(upgradesOn(await saying(403, {}), "/"))).toBe("upgrade_refused");
    expect(await codeOf(upgradesOn(await behind({}), "/"))).toBe("ok");
  });

  test("lets pages of any site in, and tells browsers of no STUN server", async () => {
    expect(await codeOf(refusesStrangers(edge.url))).toBe("origin_any");
    expect(await codeOf(new IceServers(edge.url).answer())).toBe("ice_none");
  });

  test("has a sidecar whose name leads nowhere", async () => {
    await announce(edge, { name: "lost", port: 5990, host: "no-such-sidecar.invalid" });
    const sight = new Sight(edge.url);
    expect(await codeOf(sight.reachesFirstPort(async () => true))).toBe("sidecar_host_unknown");
  });

  test("is slow or far away", async () => {
    const late = { opensAfterMs: 5_050 };
    const joins = { delays: (path: string) => (path.endsWith("/join") ? 800 : 0) };
    const codes = await Promise.all([
      codeOf(firstAccess(await behind(late), 1)),
      codeOf(commitTime(await behind(joins), 3)),
      codeOf(isNearby(await behind({ lagMs: 400 }))),
    ]);
    expect(codes).toEqual(["slow_first_access", "slow_commit", "lobbies_far"]);
  });

  test("fails now and then", async () => {
    const fails = await behind({
      answers: ({ url = "" }, response) => {
        if (url.startsWith("/lobbies?")) response.writeHead(502).end();
        return url.startsWith("/lobbies?");
      },
    });
    expect(await codeOf(steadyAnswers(fails, { ms: 500, everyMs: 200 }))).toBe("requests_failed");
  });

  test("ends WebSockets: all of them, or those that are silent", async () => {
    const idle = { ms: 5_000, each: 1, pingMs: 300 };
    const codes = await Promise.all([
      codeOf(idleSockets(await behind({ endsAfterMs: 1_500 }), idle)),
      codeOf(idleSockets(await behind({ endsAfterSilenceMs: 3_000 }), idle)),
      codeOf(unreadIsBounded(await behind({ endsAfterMs: 4_000 }), 5_000)),
    ]);
    expect(codes).toEqual(["sockets_died", "silent_sockets_died", "readers_thrown_out"]);
  });
});

test("a platform that does not say what waits for a client", async () => {
  const edge = await startTestServer({ udpPort: null, blind: true });
  onTestFinished(() => edge.stop());
  expect(await codeOf(unreadIsBounded(edge.url, 1_500))).toBe("unread_not_told");
});

test("every finding was provoked", () => {
  expect([...provoked].sort()).toEqual(Object.keys(remedies).sort());
});
