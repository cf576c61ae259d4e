/** A sidecar while one secret follows another. */
import { expect, onTestFinished, test, vi } from "vitest";
import type { SidecarKey } from "../../core/sidecar-key.ts";
import { startStandIn } from "../../measure/kit/edge.ts";
import { holderOf, openUdpClient } from "../../measure/kit/relay.ts";
import {
  datagramOf,
  keyOf,
  postAsSidecar,
  secret,
  signatureOf,
  ticketOf,
  tokenOf,
} from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { startSidecar } from "../../udp-sidecar/sidecar.ts";

const old = "the secret before, of 32 letters";
const soon = { interval: 5 };

async function sidecarWith(keyBefore?: SidecarKey) {
  const edge = await startStandIn();
  const sidecar = await startSidecar({ edge: edge.url, key: keyOf(), keyBefore, port: 0 }, () => {});
  const ada = await openUdpClient();
  onTestFinished(async () => {
    ada.close();
    await sidecar.stop();
    await edge.stop();
  });
  return { edge, sidecar, ada };
}

test("players with tokens and tickets of the secret before are seen and relayed, and posts are signed with the new one", async () => {
  const { edge, sidecar, ada } = await sidecarWith(keyOf("test", { under: old }));
  await ada.send(datagramOf(tokenOf("Ada", { under: old })), sidecar.port);
  await ada.send(datagramOf(tokenOf("Bob")), sidecar.port);
  await vi.waitFor(() => expect(edge.observed.flat()).toHaveLength(2), soon);
  for (const { path, body, signature } of edge.posts) expect(signature).toBe(signatureOf(path, body));
  const holder = holderOf(ada, ticketOf("a", {}, { under: old }), () => sidecar.port);
  expect(await holder.bind()).toMatchObject({ method: "ptpRelay_bound" });
});

test("without it they are strangers", async () => {
  const { sidecar, ada } = await sidecarWith();
  await ada.send(datagramOf(tokenOf("Ada", { under: old })), sidecar.port);
  await vi.waitFor(() => expect(sidecar.counts.forged).toBe(1), soon);
});

test("a sidecar's posts say when they were made, its heartbeats each a later time though the clock stands still", async () => {
  const edge = await startStandIn((post, response) => response.end(post.path.endsWith("beat") ? "?" : ""));
  const now = Date.now();
  const sidecar = await startSidecar({ edge: edge.url, key: keyOf(), port: 0, clock: () => now }, () => {});
  await vi.waitFor(() => expect(edge.beats.length).toBeGreaterThan(1), soon);
  await sidecar.stop();
  await edge.stop();
  const times = edge.beats.map(({ at = 0 }) => at);
  expect(times.slice(0, 2)).toEqual([now, now + 1]);
  expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
});

test("a Worker whose secrets and settings were pasted with spaces and line ends around them works with its sidecars", async () => {
  const server = await startTestServer({
    udpPort: null,
    secret: `\ufeff${secret}\r\n`,
    vars: {
      ORION_SECRET_BEFORE: ` ${old}\r`,
      ptpmConnectTimeoutMs: " 300000 ",
      directoryMaxAgeMs: "0\r\n",
      allowedOrigin: " *\n",
      reverseProxies: "\r\n",
    },
  });
  onTestFinished(server.stop);
  for (const [name, under] of [
    ["oslo", secret],
    ["pune", old],
  ] as const) {
    const beat = { name, at: Date.now(), port: 5990, load: 0 };
    expect((await postAsSidecar(server.url, "/sidecar/heartbeat", beat, { name, under })).status).toBe(200);
  }
  const beat = { name: "lima", at: Date.now(), port: 5990, load: 0 };
  const stranger = await postAsSidecar(server.url, "/sidecar/heartbeat", beat, {
    name: "lima",
    under: `${secret}\r\n`,
  });
  expect(stranger.status).toBe(401);
});

test("a Worker counts the characters of a secret without the spaces around it", async () => {
  const server = await startTestServer({ udpPort: null, secret: `tooshort${" ".repeat(20)}` });
  onTestFinished(server.stop);
  expect((await fetch(new URL("/lobbies", server.url))).status).toBe(503);
});
