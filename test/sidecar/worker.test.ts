/** A sidecar and the real Worker: what a signed post does, and what any other does not. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, post } from "../../measure/kit/player.ts";
import { datagramOf, keyOf, secret, signatureOf, tokenOf } from "../../measure/kit/secret.ts";
import { setLimits, startFaultyServer } from "../../measure/kit/server.ts";
import { type Sidecar, startSidecar } from "../../udp-sidecar/sidecar.ts";

let server: Server;
let sidecar: Sidecar;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "orion-edge-test-"));
  server = await startFaultyServer({
    ...{ udpPort: null, secret, persist: folder },
    vars: { sidecarHosts: "oslo-1=udp.example.org" },
  });
  // On a busy machine an object may take longer to say what became of an observation.
  await setLimits(server.url, { observationPatienceMs: 60_000 });
  sidecar = await startSidecar(
    { edge: server.url, key: keyOf("oslo-1"), port: 0, publicHost: "udp.example.org" },
    () => {},
  );
  await sidecar.known;
});
afterAll(async () => {
  await sidecar.stop();
  await server.stop();
  await rm(folder, { recursive: true });
});

const soon = { interval: 5 };

describe("the path of a datagram", () => {
  test("players on IPv4 and on IPv6 are connected, each told the other's address as it is", async () => {
    const { lobbyId, host, guests, all } = await lobbyOf(2, server.url);
    const [guest = host] = guests;
    for (const player of all) player.answersOverUdp = false;
    await host.start(lobbyId);
    expect(await host.hears("ptpMediation_send")).toMatchObject({
      port: sidecar.port,
      host: "udp.example.org",
    });

    const six = createSocket("udp6").bind(0, "::1");
    await once(six, "listening");
    six.send(datagramOf(host.token), sidecar.port, "::1");
    guest.sendDatagram(sidecar.port);
    expect(await guest.hears("ptpMediation_peersConnection_start")).toEqual({
      peers: [{ ip: "::1", port: six.address().port }],
    });
    expect(await host.hears("ptpMediation_peersConnection_start")).toEqual({
      peers: [{ ip: "127.0.0.1", port: guest.udp?.address().port }],
    });
    six.close();
    await Promise.all(all.map((player) => player.leave()));
  });

  test("datagrams of players whom nobody asked, and of those who left, change nothing", async () => {
    const { lobbyId, host, guests, all } = await lobbyOf(2, server.url);
    for (const player of all) player.answersOverUdp = false;
    const idler = await Player.connect(server.url);
    const leaver = await Player.connect(server.url);
    const token = leaver.token;
    await leaver.leave();
    const before = sidecar.counts.observed;
    for (const player of [idler, ...all]) player.sendDatagram(sidecar.port);
    host.sendDatagram(sidecar.port, datagramOf(token));
    await vi.waitFor(() => expect(sidecar.counts.observed).toBe(before + 4), soon);
    host.chat(lobbyId, "Still here?");
    for (const player of all) await player.hears("lobby_messaging_received");
    expect([...all, idler].flatMap((player) => player.methods).filter((it) => it.startsWith("ptp"))).toEqual(
      [],
    );
    expect(guests).toHaveLength(1);
    await Promise.all([idler, ...all].map((player) => player.leave()));
  });

  test("a forged token touches no object, where a genuine one touches the one it names", async () => {
    const databases = async () =>
      (await readdir(join(folder, "do", "orion-edge-Lounge"))).filter((name) => /^[0-9a-f]{64}/.test(name));
    const stranger = createSocket("udp4");
    let heard = 0;
    stranger.on("message", () => {
      heard += 1;
    });
    const before = await databases();
    const { forged } = sidecar.counts;
    const under = "another secret of that length....";
    stranger.send(datagramOf(tokenOf("Eve", { holder: "l2001", under })), sidecar.port, "127.0.0.1");
    await vi.waitFor(() => expect(sidecar.counts.forged).toBe(forged + 1), soon);
    expect((await heartbeatPost()).status).toBe(200);
    expect(await databases()).toEqual(before);
    stranger.send(datagramOf(tokenOf("Ada", { holder: "l2002" })), sidecar.port, "127.0.0.1");
    await vi.waitFor(async () => expect((await databases()).length).toBeGreaterThan(before.length), soon);
    expect(heard).toBe(0);
    stranger.close();
  });
});

const beat = { name: "test", port: 5990, load: 0, leaving: true };
const heartbeat = "/sidecar/heartbeat";
const observations = "/sidecar/observations";
const clientId = "a".repeat(16);
const proof = { kind: "token", text: tokenOf(clientId) };
const seen = { clientId, proof, ip: "192.0.2.1", port: 1 };

/** A post as a sidecar makes it, or with what is wrong. */
function signed(path: string, content: unknown, signature?: string) {
  const body = typeof content === "string" ? content : JSON.stringify(content);
  const headers = { "x-orion-sidecar": "test", "x-orion-signature": signature ?? signatureOf(path, body) };
  return post(server.url, path, body, headers);
}
const heartbeatPost = () => signed(heartbeat, beat);

describe("a post", () => {
  test("that is signed is taken", async () => {
    expect(await heartbeatPost()).toMatchObject({ status: 200, body: { known: true } });
    expect(await signed(observations, { observations: [] })).toMatchObject({
      status: 200,
      body: { again: [] },
    });
    expect(await signed(observations, { observations: [seen] })).toMatchObject({
      status: 200,
      body: { again: [], gone: [0], idle: [], calls: 1 },
    });
  });

  const body = JSON.stringify(beat);
  const right = signatureOf(heartbeat, body);
  const wrong: Record<string, [path: string, body: string, signature: string]> = {
    "without a signature": [heartbeat, body, ""],
    "signed with another secret": [
      heartbeat,
      body,
      signatureOf(heartbeat, body, { under: "another secret of 16" }),
    ],
    "changed after it was signed": [heartbeat, body.replace("5990", "5991"), right],
    "signed for another path": [observations, body, right],
    "with a signature that is cut short": [heartbeat, body, right.slice(0, -1)],
    "with a signature that goes on": [heartbeat, body, `${right}0`],
    "with a signature in other letters": [heartbeat, body, "é".repeat(32)],
    "of garbage, unsigned": [observations, "{", "0".repeat(64)],
  };
  for (const [what, [path, content, signature]] of Object.entries(wrong)) {
    test(`${what} is unauthorized`, async () => {
      expect(await signed(path, content, Buffer.from(signature).toString("latin1"))).toMatchObject({
        status: 401,
        body: { codes: ["unauthorized"], errors: [expect.any(String)] },
      });
    });
  }

  const malformed: [path: string, content: unknown][] = [
    [heartbeat, ""],
    [heartbeat, "null"],
    [heartbeat, "{"],
    [heartbeat, []],
    [heartbeat, {}],
    [heartbeat, { ...beat, name: "two words" }],
    [heartbeat, { ...beat, name: "x".repeat(65) }],
    [heartbeat, { ...beat, port: 0 }],
    [heartbeat, { ...beat, port: 65_536 }],
    [heartbeat, { ...beat, port: "5990" }],
    [heartbeat, { ...beat, load: -1 }],
    [heartbeat, { ...beat, host: "http://x/" }],
    [observations, {}],
    [observations, { observations: {} }],
    [observations, { observations: [{ ...seen, proof: "none" }] }],
    [observations, { observations: [{ ...seen, proof: { ...proof, text: "x".repeat(103) } }] }],
    [observations, { observations: [{ ...seen, clientId: "short" }] }],
    [observations, { observations: [{ ...seen, ip: "localhost" }] }],
    [observations, { observations: [{ ...seen, port: 0 }] }],
    [observations, { observations: [seen, null] }],
    [observations, { observations: Array(501).fill(seen) }],
  ];
  test("that is signed but not as it should be is refused as invalid", async () => {
    for (const [path, content] of malformed) {
      expect.soft(await signed(path, content), JSON.stringify(content).slice(0, 80)).toMatchObject({
        status: 400,
        body: { codes: ["invalid_post"], errors: [expect.any(String)] },
      });
    }
  });

  test("that is too large is refused, whether it says how large it is or not", async () => {
    const large = "x".repeat(144 * 1024 + 1);
    const path = observations;
    expect(await signed(path, large)).toMatchObject({ status: 413, body: { codes: ["body_too_large"] } });
    const chunked = await fetch(new URL(path, server.url), {
      method: "POST",
      body: new Blob([large]).stream(),
      duplex: "half",
      headers: { "x-orion-sidecar": "test", "x-orion-signature": signatureOf(path, large) },
    });
    expect(chunked.status).toBe(413);
  });

  test("of an object that nobody is in is done with, not asked for again", async () => {
    const text = tokenOf(clientId, { holder: "99999999" });
    const one = { ...seen, proof: { ...proof, text } };
    expect(await signed(observations, { observations: [one] })).toMatchObject({
      status: 200,
      body: { again: [], gone: [0], calls: 1 },
    });
  });

  test("by GET is not allowed", async () => {
    expect((await fetch(new URL(heartbeat, server.url))).status).toBe(405);
  });
});
