/** The edge ends under the sessions of a sidecar's gateways, and is there again. */

import { expect, onTestFinished, test, vi } from "vitest";
import type { Server } from "../../local/server.ts";
import { freeTcpPort } from "../../measure/kit/free-ports.ts";

import { keyOf, secret } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { edgeSessionsOf } from "../../udp-sidecar/gateways/edge-sessions.ts";
import { Turns } from "../../udp-sidecar/gateways/turns.ts";

vi.setConfig({ testTimeout: 120_000 });
const elapsed = () => performance.now();
const wish = (name: string) => ({ name, isPublic: false, maxMembers: 4 });

async function edgeAt(httpPort: number): Promise<Server> {
  const server = await startTestServer({ httpPort, udpPort: null, secret });
  onTestFinished(server.stop);
  return server;
}

test("60 hosts whose edge restarts hear that their lobbies are over, and those who wait open them again, in turn", async () => {
  const port = await freeTcpPort();
  const first = await edgeAt(port);
  const turns = new Turns(elapsed);
  const told: (string | null)[] = [];
  const sessions = edgeSessionsOf({
    ...{
      edge: new URL("/", first.url),
      key: keyOf("paris"),
      dialect: "noray",
      turns,
      clock: Date.now,
      elapsed,
    },
    told: (trouble) => told.push(trouble?.code ?? null),
  });
  onTestFinished(() => sessions.stop());
  const addressOf = (i: number) => `198.51.100.${i}`;
  const host = (i: number) => sessions.host(addressOf(i), `noray:h${i}`, wish(`P${i}`), { forMs: Infinity });
  const numbers = Array.from({ length: 60 }, (_, i) => i);
  const hosted = await Promise.all(numbers.map(host));
  await first.stop();
  const ends = await Promise.all(hosted.map(({ closed }) => closed));
  expect(new Set(ends.map(({ reason }) => reason))).toEqual(new Set(["disconnected"]));
  await vi.waitFor(() => expect(sessions.counts.open).toBe(0));

  const again = Promise.all(numbers.map(host));
  again.catch(() => {});
  await vi.waitFor(() => expect(turns.isHeld).toBe(true));
  const tried = () => Object.values(sessions.counts.failed).reduce((all, count) => all + count, 0);
  const before = tried();
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  // One at a time, after longer and longer pauses.
  expect(tried() - before).toBeLessThan(8);
  expect(new Set(told)).toEqual(new Set(["unreachable"]));
  await edgeAt(port);
  expect((await again).map(({ code }) => code)).toEqual(numbers.map((i) => `noray:h${i}`));
  expect(told.at(-1)).toBeNull();
  expect(sessions.counts).toMatchObject({ open: 60, opening: 0 });
});
