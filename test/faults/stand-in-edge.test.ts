/** A sidecar and an edge that is well, unwell or away. Real UDP, real HTTP. */

import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, test, vi } from "vitest";
import { sharedLimits } from "../../core/limits.ts";
import { type Answer, type StandIn, startStandIn, takeAll } from "../../measure/kit/edge.ts";
import { freeTcpPort } from "../../measure/kit/free-ports.ts";

import { datagramOf, keyOf, secret, signatureOf, tokenOf } from "../../measure/kit/secret.ts";
import { encode } from "../../measure/kit/wire.ts";
import type { Line } from "../../udp-sidecar/log.ts";
import { type Sidecar, type SidecarOptions, startSidecar } from "../../udp-sidecar/sidecar.ts";

const cleanUps: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function standIn(answer: Answer = takeAll, port = 0): Promise<StandIn> {
  const edge = await startStandIn(answer, port);
  cleanUps.push(edge.stop);
  return edge;
}

async function sidecarFor(
  edge: URL,
  options: Partial<SidecarOptions> = {},
): Promise<Sidecar & { told: Line[] }> {
  const told: Line[] = [];
  const sidecar = await startSidecar({ edge, key: keyOf(), port: 0, ...options }, (line) => told.push(line));
  cleanUps.push(sidecar.stop);
  return { ...sidecar, told };
}

async function socketOf(type: "udp4" | "udp6"): Promise<Socket & { received: number }> {
  const socket = Object.assign(createSocket(type), { received: 0 });
  socket.on("message", (bytes) => {
    socket.received += bytes.length;
  });
  socket.bind(0, type === "udp4" ? "127.0.0.1" : "::1");
  await once(socket, "listening");
  cleanUps.push(() => socket.close());
  return socket;
}

function sendTo({ port }: Sidecar, socket: Socket, bytes: string | Uint8Array): Promise<void> {
  const host = socket.address().family === "IPv4" ? "127.0.0.1" : "::1";
  return new Promise((resolve, reject) =>
    socket.send(bytes, port, host, (error) => (error ? reject(error) : resolve())),
  );
}

const soon = { interval: 5 };

describe("datagrams", () => {
  test("come by IPv4 and by IPv6, and an IPv4 address is told as one", async () => {
    const edge = await standIn();
    const sidecar = await sidecarFor(edge.url);
    const by = (name: string) => ({
      clientId: name.padEnd(16, "-"),
      proof: { kind: "token", text: tokenOf(name) },
    });
    const [four, six] = [await socketOf("udp4"), await socketOf("udp6")];
    await sendTo(sidecar, four, datagramOf(tokenOf("four")));
    await sendTo(sidecar, six, datagramOf(tokenOf("six")));
    await vi.waitFor(() => expect(edge.observed.flat()).toHaveLength(2), soon);
    expect(edge.observed.flat()).toEqual(
      expect.arrayContaining([
        { ...by("four"), ip: "127.0.0.1", port: four.address().port },
        { ...by("six"), ip: "::1", port: six.address().port },
      ]),
    );
    expect(sidecar.counts).toEqual({ observed: 2, junk: 0, forged: 0, dropped: 0 });
  });

  test("a post is signed for its path by the sidecar that it names, and carries what the edge can check", async () => {
    const edge = await standIn();
    const sidecar = await sidecarFor(edge.url);
    await sendTo(sidecar, await socketOf("udp4"), datagramOf(tokenOf("Ada")));
    await vi.waitFor(() => expect(edge.observed).toHaveLength(1), soon);
    for (const { path, body, signature } of edge.posts) {
      expect(signature).toBe(signatureOf(path, body));
    }
    const proof = { kind: "token", text: tokenOf("Ada") };
    expect(edge.observed.flat()).toMatchObject([{ clientId: "Ada-------------", proof }]);
  });

  const genuine = tokenOf("Ada");
  const base64 = (text: string | Uint8Array) => Buffer.from(text).toString("base64");
  const junk: Record<string, string | Uint8Array> = {
    "nothing at all": "",
    "one byte": "x",
    zeros: new Uint8Array(200),
    "the largest there is": Buffer.alloc(65_507, "A"),
    "a genuine message that is too large": encode("ptpMediation_connect", {
      token: genuine,
      more: "x".repeat(1_000),
    }),
    "bytes that are no UTF-8": new Uint8Array([0xff, 0xfe, 0xfd, 0x80, 0x80]),
    "a payload that is no UTF-8": `ptpMediation_connect:${base64(new Uint8Array([0x22, 0xff, 0xfe, 0x22]))}`,
    "a prefix and then no UTF-8": Buffer.concat([
      Buffer.from("ptpMediation_connect:"),
      Buffer.from([0xff, 0xc0, 0x80]),
    ]),
    "no base64": "ptpMediation_connect:{}!!%%",
    "a method and no payload": "ptpMediation_connect:",
    "a method and no colon": "ptpMediation_connect",
    "base64 of no JSON": `ptpMediation_connect:${base64("{token:")}`,
    "JSON null": `ptpMediation_connect:${base64("null")}`,
    "a JSON array": `ptpMediation_connect:${base64(JSON.stringify([{ token: genuine }]))}`,
    "a JSON number": `ptpMediation_connect:${base64("7")}`,
    "a JSON string": `ptpMediation_connect:${base64(JSON.stringify(genuine))}`,
    "deep JSON": `ptpMediation_connect:${base64("[".repeat(700))}`,
    "another method": encode("ptpMediation_send", { token: genuine }),
    "a method of objects": encode("constructor", { token: genuine }),
    "no token": encode("ptpMediation_connect", {}),
    "a token that is a number": encode("ptpMediation_connect", { token: 7 }),
    "a token that is an object": encode("ptpMediation_connect", { token: { token: genuine } }),
    "a token of __proto__": `ptpMediation_connect:${base64(`{"__proto__":{"token":"${genuine}"}}`)}`,
    "a token that is too short": encode("ptpMediation_connect", { token: genuine.slice(0, -1) }),
    "a token with more after it": encode("ptpMediation_connect", { token: `${genuine}\n` }),
    "a token with a name that is too long": encode("ptpMediation_connect", {
      token: tokenOf("Ada", { holder: "x".repeat(40) }),
    }),
    "a genuine message with a byte before it": ` ${datagramOf(genuine)}`,
    "a message of HTTP": "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
  };

  test("junk of every kind is dropped, counted, never answered and never posted", async () => {
    const edge = await standIn();
    const sidecar = await sidecarFor(edge.url);
    const [four, six] = [await socketOf("udp4"), await socketOf("udp6")];
    let sent = 0;
    for (const bytes of Object.values(junk)) {
      for (const socket of [four, six]) {
        await sendTo(sidecar, socket, bytes);
        sent += 1;
        // One at a time: what is to be shown is that none is taken, not that none is lost on the way.
        await vi.waitFor(() => expect(sidecar.counts.junk).toBe(sent), { ...soon, interval: 1 });
      }
    }
    expect(sidecar.counts).toEqual({ observed: 0, junk: sent, forged: 0, dropped: 0 });

    for (const socket of [four, six])
      await sendTo(sidecar, socket, datagramOf(tokenOf(`last-${socket.address().port}`)));
    await vi.waitFor(() => expect(edge.observed.flat()).toHaveLength(2), soon);
    expect(edge.observed.flat().every(({ clientId }) => clientId.startsWith("last-"))).toBe(true);
    expect([four.received, six.received]).toEqual([0, 0]);
  });

  test("junk tokens' are dropped and counted, without a request to the edge", async () => {
    const edge = await standIn();
    const sidecar = await sidecarFor(edge.url);
    await sidecar.known;
    const socket = await socketOf("udp4");
    const forged = [
      tokenOf("Eve", { under: "another secret of that length...." }),
      tokenOf("Ada").replace("Ada", "Bob"),
      tokenOf("Ada").replace(/^[^.]+/, tokenOf("Ada", { holder: "l18" }).split(".")[0] ?? ""),
    ];
    for (const token of forged) await sendTo(sidecar, socket, datagramOf(token));
    await vi.waitFor(() => expect(sidecar.counts.forged).toBe(forged.length), soon);
    await sendTo(sidecar, socket, datagramOf(tokenOf("Ada")));
    await vi.waitFor(() => expect(edge.observed).toHaveLength(1), soon);
    expect(edge.observed.flat().map(({ clientId }) => clientId)).toEqual(["Ada-------------"]);
    expect(edge.posts.filter(({ path }) => path !== "/sidecar/heartbeat")).toHaveLength(1);
    expect(socket.received).toBe(0);
  });
});

describe("an edge that is unwell", () => {
  const unwell: Record<string, { answer: Answer; why: object }> = {
    "answers 401": {
      answer: (_, response) => response.writeHead(401).end('{"codes":["unauthorized"]}'),
      why: { code: "another_secret" },
    },
    "answers 404": {
      answer: (_, response) => response.writeHead(404).end(),
      why: { code: "status", status: 404 },
    },
    "answers 429": {
      answer: (_, response) => response.writeHead(429).end(),
      why: { code: "status", status: 429 },
    },
    "answers 500": {
      answer: (_, response) => response.writeHead(500).end("oh no"),
      why: { code: "status", status: 500 },
    },
    "sends it elsewhere": {
      answer: (_, response) => response.writeHead(302, { location: "http://192.0.2.1/" }).end(),
      why: { code: "status", status: 302 },
    },
    "wants another protocol": {
      answer: (_, response) =>
        response.socket?.write(
          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        ),
      why: { code: "cut_off" },
    },
    "hangs up": {
      answer: (_, response) => response.destroy(),
      why: { code: "unreachable", reason: "ECONNRESET" },
    },
    "talks without end": {
      answer: (_, response) => {
        const more = setInterval(() => response.write("x".repeat(10_000)), 1);
        response.on("close", () => clearInterval(more));
      },
      why: { code: expect.stringMatching(/^(too_long|unreachable|cut_off)$/) },
    },
  };
  for (const [what, { answer, why }] of Object.entries(unwell)) {
    test(`one that ${what} gets what was seen when it is well again`, async () => {
      const edge = await standIn(answer);
      const sidecar = await sidecarFor(edge.url);
      const socket = await socketOf("udp4");
      await sendTo(sidecar, socket, datagramOf(tokenOf("Ada")));
      await vi.waitFor(() => expect(edge.observed.length).toBeGreaterThanOrEqual(2), soon);
      const notTaken = { level: "error", event: "sidecar_not_accepted" };
      const who = { sidecar: "test", edge: edge.url.origin };
      await vi.waitFor(
        () => expect(sidecar.told.at(-1)).toMatchObject({ ...notTaken, ...who, ...why }),
        soon,
      );
      expect(JSON.stringify(sidecar.told)).not.toContain(secret);
      const before = edge.observed.length;
      edge.answer = takeAll;
      await sidecar.known;
      await vi.waitFor(() => expect(edge.observed.length).toBeGreaterThan(before), soon);
      expect(edge.observed.at(-1)).toMatchObject([{ clientId: "Ada-------------" }]);
      expect(sidecar.told.at(-1)).toEqual({ level: "info", event: "sidecar_accepted", ...who });
    });
  }

  for (const garbage of [
    "",
    "null",
    "<html>",
    '{"again":"all"}',
    '{"again":[-1,7,0.5,"0",null]}',
    "[".repeat(10_000),
  ]) {
    test(`an answer like ${garbage.slice(0, 30)} acknowledges nothing: the edge gets everything again`, async () => {
      let answered = 0;
      const edge = await standIn((post, response) => {
        if (!post.path.endsWith("observations") || answered++ > 0) return takeAll(post, response);
        response.end(garbage);
      });
      const sidecar = await sidecarFor(edge.url);
      await sidecar.known;
      await sendTo(sidecar, await socketOf("udp4"), datagramOf(tokenOf("Ada")));
      await vi.waitFor(() => expect(edge.observed.length).toBe(2), soon);
      expect(edge.observed[1]).toEqual(edge.observed[0]);
    });
  }

  test("something else than an edge at its address is no edge that knows it", async () => {
    const edge = await standIn((_, response) => response.end("<html>Welcome!</html>"));
    const sidecar = await sidecarFor(edge.url);
    await vi.waitFor(() => expect(sidecar.told.at(-1)).toMatchObject({ code: "not_orion" }), soon);
  });

  test("one that asks for some again gets these, and no others", async () => {
    let asked = false;
    const edge = await standIn((post, response) => {
      if (!post.path.endsWith("observations") || asked) return takeAll(post, response);
      asked = true;
      response.end('{"again":[1]}');
    });
    const sidecar = await sidecarFor(edge.url);
    const socket = await socketOf("udp4");
    await Promise.all(
      ["Ada", "Bob", "Cy"].map((client) => sendTo(sidecar, socket, datagramOf(tokenOf(client)))),
    );
    await vi.waitFor(() => expect(edge.observed.flat()).toHaveLength(4), soon);
    const [first = [], ...later] = edge.observed;
    const repeated = first[1] ?? edge.observed.flat()[1];
    expect(later.flat().at(-1)).toEqual(repeated);
  });

  test("one that is slow gets one post of a client at a time, and then the newest", async () => {
    const waiting: (() => void)[] = [];
    const edge = await standIn((post, response) => {
      if (post.path.endsWith("observations")) waiting.push(() => takeAll(post, response));
      else takeAll(post, response);
    });
    const sidecar = await sidecarFor(edge.url);
    const sockets = [await socketOf("udp4"), await socketOf("udp4"), await socketOf("udp4")] as const;
    await sendTo(sidecar, sockets[0], datagramOf(tokenOf("Ada")));
    await vi.waitFor(() => expect(waiting).toHaveLength(1), soon);
    await sendTo(sidecar, sockets[1], datagramOf(tokenOf("Ada")));
    await vi.waitFor(() => expect(sidecar.counts.observed).toBe(2), soon);
    await sendTo(sidecar, sockets[2], datagramOf(tokenOf("Ada")));
    await vi.waitFor(() => expect(sidecar.counts.observed).toBe(3), soon);
    await sendTo(sidecar, sockets[0], datagramOf(tokenOf("Bob")));
    await vi.waitFor(() => expect(waiting).toHaveLength(2), soon);
    for (const answer of waiting.splice(0)) answer();
    await vi.waitFor(() => expect(waiting).toHaveLength(1), soon);
    for (const answer of waiting.splice(0)) answer();
    const ports = edge.observed.flat().map(({ port }) => port);
    expect(ports).toEqual([sockets[0], sockets[0], sockets[2]].map((socket) => socket.address().port));
  });

  test("one that is away gets each client's newest endpoint when it comes back", async () => {
    const port = await freeTcpPort();
    const sidecar = await sidecarFor(new URL(`http://127.0.0.1:${port}`));
    const [old, now] = [await socketOf("udp4"), await socketOf("udp4")];
    await vi.waitFor(
      () => expect(sidecar.told.at(-1)).toMatchObject({ code: "unreachable", reason: "ECONNREFUSED" }),
      soon,
    );
    await sendTo(sidecar, old, datagramOf(tokenOf("Ada")));
    await vi.waitFor(() => expect(sidecar.counts.observed).toBe(1), soon);
    await sendTo(sidecar, now, datagramOf(tokenOf("Ada")));
    await vi.waitFor(() => expect(sidecar.counts.observed).toBe(2), soon);
    const edge = await standIn(takeAll, port);
    await sidecar.known;
    await vi.waitFor(() => expect(edge.observed).toHaveLength(1), soon);
    expect(edge.observed.flat()).toMatchObject([{ port: now.address().port }]);
  });
});

describe("an edge that takes no observation of one player", () => {
  const isEve = (text = "") => text.includes("Eve");
  const refusing: Answer = (post, response) => {
    if (post.path.endsWith("observations") && isEve(post.body)) response.writeHead(413).end();
    else takeAll(post, response);
  };

  test("gets those of all others, and the sidecar says what is wrong, once in ten minutes", async () => {
    const edge = await standIn(refusing);
    let now = 0;
    // A clock that somebody sets back, again and again.
    const sidecar = await sidecarFor(edge.url, { elapsed: () => now, clock: () => 1e12 - now });
    await sidecar.known;
    const socket = await socketOf("udp4");
    for (const client of ["Ada", "Eve", "Bob"]) await sendTo(sidecar, socket, datagramOf(tokenOf(client)));
    const taken = () => edge.observed.filter((some) => some.every(({ clientId }) => !isEve(clientId)));
    const refused = () => edge.observed.filter((some) => some.length === 1 && isEve(some[0]?.clientId));
    await vi.waitFor(() => expect(taken().flat()).toHaveLength(2), soon);
    await vi.waitFor(() => expect(refused()).toHaveLength(1), soon);
    const who = { sidecar: "test", edge: edge.url.origin };
    const known = { level: "info", event: "sidecar_accepted", ...who };
    const notTaken = { level: "error", event: "observations_not_accepted", ...who };
    const wrong = { ...notTaken, code: "status", status: 413 };
    for (const told of [
      [known, wrong],
      [known, wrong, wrong],
    ]) {
      const before = refused().length;
      await sendTo(sidecar, await socketOf("udp4"), datagramOf(tokenOf("Eve")));
      await vi.waitFor(() => expect(refused().length).toBeGreaterThan(before), soon);
      await vi.waitFor(() => expect(sidecar.told).toEqual(told), soon);
      now += 10 * 60_000;
    }
  });
});

describe("heartbeats", () => {
  test("one says the sidecar's name, host, ports and load, and that it relays", async () => {
    const edge = await standIn();
    const sidecar = await sidecarFor(edge.url, { key: keyOf("oslo-1"), publicHost: "udp.example.org" });
    await sidecar.known;
    expect(edge.beats).toEqual([
      {
        ...{ name: "oslo-1", at: expect.any(Number), host: "udp.example.org", load: 0, leaving: false },
        ...{ port: sidecar.port, secondPort: sidecar.secondPort, relays: true, stun: true },
      },
    ]);
  });

  test("one that is refused is repeated, at growing distances, until it is accepted", async () => {
    const edge = await standIn((post, response) =>
      edge.beats.length < 4 ? response.writeHead(503).end() : takeAll(post, response),
    );
    const sidecar = await sidecarFor(edge.url);
    await sidecar.known;
    const times = edge.posts.map(({ at }) => at);
    const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
    expect(gaps).toHaveLength(3);
    // How much longer they are is the machine's doing.
    for (const [i, least] of [250, 500, 1_000].entries()) expect(gaps[i]).toBeGreaterThanOrEqual(least - 5);
    expect(sidecar.told).toMatchObject([
      { event: "sidecar_not_accepted", code: "status", status: 503 },
      { event: "sidecar_accepted" },
    ]);
  });

  for (const status of [400, 503]) {
    test(`ones of a clock that was far ahead for a while, and answered ${status} then, keep no later one from being taken`, async () => {
      const isAhead = ({ at = 0 }) => at > Date.now() + sharedLimits.postClockMs;
      const edge = await standIn((post, response) => {
        if (edge.beats.length <= 2) response.writeHead(status).end();
        else if (isAhead(JSON.parse(post.body))) response.writeHead(400).end();
        else takeAll(post, response);
      });
      let aheadMs = 2 * sharedLimits.postClockMs;
      const sidecar = await sidecarFor(edge.url, { clock: () => Date.now() + aheadMs });
      await vi.waitFor(() => expect(edge.beats).toHaveLength(2), soon);
      expect(edge.beats.every(isAhead)).toBe(true);
      aheadMs = 0;
      await sidecar.known;
      expect(edge.beats.length).toBeLessThanOrEqual(4);
    });
  }

  test("the last one says goodbye, after what was seen has been delivered or beside it", async () => {
    const edge = await standIn();
    const sidecar = await startSidecar({ edge: edge.url, key: keyOf(), port: 0 }, () => {});
    await sidecar.known;
    await sendTo(sidecar, await socketOf("udp4"), datagramOf(tokenOf("Ada")));
    await vi.waitFor(() => expect(sidecar.counts.observed).toBe(1), { ...soon, interval: 1 });
    await sidecar.stop();
    expect(edge.beats.at(-1)).toMatchObject({ name: "test", leaving: true });
    expect(edge.observed.flat()).toHaveLength(1);
  });

  test("the last one does not overtake one that is on its way, which would make the sidecar live on", async () => {
    const taken: (boolean | undefined)[] = [];
    const edge = await standIn((post, response) => {
      const { leaving } = JSON.parse(post.body);
      // The first is a while on its way to where the fleet is kept.
      setTimeout(
        () => {
          taken.push(leaving);
          takeAll(post, response);
        },
        leaving ? 0 : 100,
      );
    });
    const sidecar = await sidecarFor(edge.url);
    await vi.waitFor(() => expect(edge.beats).toHaveLength(1), soon);
    await sidecar.stop();
    expect(taken).toEqual([false, true]);
  });

  test("the last one is sent though the one before is never answered", async () => {
    const edge = await standIn(() => {});
    const now = Date.now();
    const sidecar = await sidecarFor(edge.url, { clock: () => now });
    await vi.waitFor(() => expect(edge.beats).toHaveLength(1), soon);
    await sidecar.stop();
    expect(edge.beats.at(-1)).toMatchObject({ leaving: true, at: now + 1 });
  });

  test("an edge that does not answer holds a sidecar up for a second at most when it stops", async () => {
    const edge = await standIn(() => {});
    const sidecar = await startSidecar({ edge: edge.url, key: keyOf(), port: 0 }, () => {});
    await vi.waitFor(() => expect(edge.beats).toHaveLength(1), soon);
    const asked = Date.now();
    await sidecar.stop();
    // A post without that bound has five seconds.
    expect(Date.now() - asked).toBeLessThan(4_000);
  });
});
