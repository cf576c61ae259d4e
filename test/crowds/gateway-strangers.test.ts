/** Strangers at a gateway: who sends one datagram, and who brings thousands of players from one address. What they cost the edge is counted there. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { gatewayLimits } from "../../core/dialects/limits.ts";
import { keyOf } from "../../measure/kit/secret.ts";
import { noteTold } from "../../measure/kit/whole-log.ts";
import { readGateways } from "../../udp-sidecar/gateways/options.ts";
import { startSidecar } from "../../udp-sidecar/sidecar.ts";
import { FakeEdge } from "../sidecar/gateways/fake-edge.ts";

vi.setConfig({ testTimeout: 120_000 });

/** This machine's address in its network: unlike its loopback address, it counts as a stranger's. */
const [outside] = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .filter(({ family, internal }) => family === "IPv4" && !internal)
  .map(({ address }) => address);

/** A sidecar that speaks Rabid, at an edge that counts what it is asked. */
async function rabidAt(flags: Record<string, string> = {}) {
  const edge = await FakeEdge.start();
  const gateways = readGateways({ norayPort: "off", rabidPort: "0", ...flags }, {}, "0.0.0.0");
  const options = { edge: edge.url, key: keyOf(), port: 0, bind: "0.0.0.0", gateways };
  const sidecar = await startSidecar(options, noteTold);
  onTestFinished(sidecar.stop);
  const [running] = sidecar.gateways.running;
  if (!running) throw new Error("no gateway");
  const { gateway, sessions } = running;
  return { edge, gateway, counts: sessions.counts, port: gateway.ports.udp ?? 0 };
}

async function socketAt(address: string): Promise<Socket> {
  const socket = createSocket("udp4").bind(0, address);
  await once(socket, "listening");
  onTestFinished(() => void socket.close());
  return socket;
}

/** All that the edge was asked, but for the sidecar's own heartbeats. */
const askedOf = ({ asked }: FakeEdge) => asked.filter(({ path }) => !path.startsWith("/sidecar"));

test("one datagram, and as many as come at once, open no session and ask the edge for nothing", async () => {
  const { edge, gateway, port } = await rabidAt();
  const sockets = await Promise.all(Array.from({ length: 200 }, () => socketAt("127.0.0.1")));
  for (const [i, socket] of sockets.entries()) {
    for (const text of [`h:Room${i}:Ann:4`, `c:Room${i}:Ann`, `s:Room${i}:Ann`, `p:Room${i}:Ann`]) {
      socket.send(text, port, "127.0.0.1");
    }
  }
  await wait(3_000);
  const { messages } = gateway.counts;
  expect(Object.values(messages).reduce((all, count) => all + count, 0)).toBe(800);
  expect(gateway.players()).toBe(0);
  expect(askedOf(edge)).toEqual([]);
});

test.skipIf(outside === undefined)(
  "10 000 players of one address cost eight sessions, and others play on",
  async () => {
    // The limit of sessions holds by itself too.
    for (const [perSecond, why] of [
      [gatewayLimits.addressDatagramsPerSecond, "shed"],
      [100_000, "refused"],
    ] as const) {
      const { edge, gateway, counts, port } = await rabidAt({
        gatewayDatagramsPerAddress: String(perSecond),
      });
      const sockets = await Promise.all(Array.from({ length: 100 }, () => socketAt(outside ?? "")));
      const honest = await socketAt("127.0.0.1");
      let answers = 0;
      honest.on("message", (bytes) => {
        if (String(bytes).startsWith("i:")) answers += 1;
      });
      for (let round = 0; round < 4; round++) {
        for (let i = 0; i < 10_000; i++) {
          sockets[i % 100]?.send(`h:R${i}:P${i}:4`, port, outside);
          // What a socket cannot hold would be lost.
          if (i % 500 === 499) await wait(5);
        }
        honest.send("h:Honest:Ann:4", port, "127.0.0.1");
        await wait(500);
      }
      await vi.waitFor(() => {
        honest.send("p:Honest:Ann", port, "127.0.0.1");
        expect(answers).toBeGreaterThan(0);
      }, 10_000);
      const most = gatewayLimits.addressSessions + 1;
      expect(gateway.players()).toBeLessThanOrEqual(most);
      expect(counts.open + counts.opening).toBeLessThanOrEqual(most);
      const heard = askedOf(edge).filter(({ headers }) =>
        String(headers["orion-gateway"]).includes(outside ?? "?"),
      );
      expect(new Set(heard.map(({ path, body }) => JSON.stringify([path, body]))).size).toBeLessThanOrEqual(
        3 * gatewayLimits.addressSessions,
      );
      const { messages, drops } = gateway.counts;
      const { address_full = 0, openings_full = 0, openings_rate = 0 } = drops;
      const refused = why === "shed" ? messages.shed : address_full + openings_full + openings_rate;
      expect(refused).toBeGreaterThan(10_000);
    }
  },
);
