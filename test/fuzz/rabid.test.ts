/** Whatever comes to the UDP port of a gateway of Rabid: it goes on, sends no more than three times what came, and asks for little. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import fc, { type Arbitrary } from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { gatewayLimits } from "../../core/dialects/limits.ts";
import { keyOf } from "../../measure/kit/secret.ts";
import { noteTold } from "../../measure/kit/whole-log.ts";
import { sessionError } from "../../session/error.ts";
import type { EdgeSessions } from "../../udp-sidecar/gateways/edge-sessions.ts";
import type { Gateway } from "../../udp-sidecar/gateways/gateway.ts";
import { startRabidGateway } from "../../udp-sidecar/gateways/rabid.ts";
import { count, patienceMs, reportEffort, runs } from "./effort.ts";
import { mutatedText } from "./mutations.ts";

reportEffort();

let gateway: Gateway;
let stranger: Socket;
/** What the gateway asked of the edge. */
let asked = 0;
let [bytesIn, bytesOut] = [0, 0];
beforeAll(async () => {
  const refuse = async () => {
    asked += 1;
    throw sessionError("unreachable");
  };
  const sessions: EdgeSessions = {
    counts: { open: 0, opening: 0, failed: {} },
    host: refuse,
    join: refuse,
    stop: async () => {},
  };
  gateway = await startRabidGateway(
    { port: 0 },
    {
      edge: new URL("http://127.0.0.1:1"),
      key: keyOf(),
      bind: "127.0.0.1",
      publicHost: undefined,
      admission: gatewayLimits,
      clock: Date.now,
      elapsed: () => performance.now(),
      tell: noteTold,
      observe: () => true,
      sessions: () => sessions,
    },
  );
  stranger = createSocket("udp4").bind(0, "127.0.0.1");
  await once(stranger, "listening");
  stranger.on("message", (bytes) => {
    bytesOut += bytes.length;
  });
});
afterAll(async () => {
  stranger.close();
  await gateway.stop();
});
const heard = () => Object.values(gateway.counts.messages).reduce((sum, messages) => sum + messages, 0);

/** Sends it, and waits until the gateway has looked at it. */
async function say(bytes: Uint8Array): Promise<void> {
  count("Rabid's datagrams");
  const before = heard();
  bytesIn += bytes.length;
  stranger.send(bytes, gateway.ports.udp ?? 0, "127.0.0.1");
  await expect.poll(heard, { interval: 1 }).toBeGreaterThan(before);
}

const genuine = fc.constantFrom(
  ...["h:NiceRoom:Ann:12:secret", "c:NiceRoom:Bob:secret", "p:NiceRoom:Ann", "k:NiceRoom:Bob"],
  ...["s:NiceRoom:Ann", "x:NiceRoom:Bob", "y:NiceRoom:Bob", "i:Ann:Bob", "error:x", "g:Ann:1:2"],
);
const texts: Arbitrary<Uint8Array> = fc
  .oneof(genuine, genuine.chain(mutatedText), fc.string({ unit: "binary" }))
  .map((text) => new TextEncoder().encode(text));
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc.uint8Array({ minLength: 1_000, maxLength: 9_000 }),
);

test(
  "any datagrams, one after the other",
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(texts, bytes), { minLength: 1, maxLength: 20 }),
        async (datagrams) => {
          for (const datagram of datagrams) await say(datagram);
          expect(bytesOut).toBeLessThanOrEqual(3 * bytesIn);
        },
      ),
      runs(60),
    );
    await stillServes();
  },
  patienceMs,
);

test("empty, and as long as UDP takes", async () => {
  await say(new Uint8Array(0));
  await say(new Uint8Array(65_507).fill(58));
  await say(new TextEncoder().encode(`p:${"A".repeat(65_000)}`));
  await stillServes();
});

/** A player who comes now is let in by its second request, and not by the first. */
async function stillServes(): Promise<void> {
  const player = createSocket("udp4").bind(0, "127.0.0.1");
  await once(player, "listening");
  const before = asked;
  const ask = () => player.send("h:Another:Zoe:2", gateway.ports.udp ?? 0, "127.0.0.1");
  const hosts = () => gateway.counts.messages.host ?? 0;
  const first = hosts();
  ask();
  await expect.poll(hosts, { interval: 1 }).toBe(first + 1);
  expect(asked).toBe(before);
  await new Promise((resolve) => setTimeout(resolve, gatewayLimits.repeatedMs + 50));
  ask();
  await expect.poll(() => asked, { interval: 1 }).toBe(before + 1);
  player.close();
}
