/** Whatever comes to a noray gateway: honest players go on, no answer is longer than its datagram, and nobody gets what is not theirs. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { refused } from "../../core/dialects/noray/registrar.ts";
import type { Server } from "../../local/server.ts";
import { type EdgeGateway, startNorayAt } from "../../measure/kit/noray.ts";
import { type Game, NorayClient, type Target } from "../../measure/kit/noray-client.ts";
import { secret } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { signal } from "../../session/wishes.ts";
import { count, patienceMs, reportEffort, runs } from "./effort.ts";
import { mutatedText, oddText } from "./mutations.ts";

const soon = { interval: 1 };
let server: Server;
let gateway: EdgeGateway;
let [host, guest]: NorayClient[] = [];
let [hostGame, guestGame, stranger]: Game[] = [];
let [ofHost, ofGuest]: Target[] = [];

beforeAll(async () => {
  server = await startTestServer({ secret, udpPort: null });
  // Time runs fast, so that no rate of an honest player is met; those of floods have tests of their own.
  const elapsed = () => performance.now() * 100;
  gateway = await startNorayAt(server.url, "fuzzed", { bounds: unbounded }, { elapsed });
  [host, guest] = [await NorayClient.connect(gateway.at), await NorayClient.connect(gateway.at)];
  await Promise.all([host.register(), guest.register()]);
  const told = host.nextTarget("connect-relay");
  ofHost = await guest.ask("connect-relay", host.oid);
  ofGuest = await told;
  [hostGame, guestGame] = [await host.game(), await guest.game()];
  const other = await (await NorayClient.connect(gateway.at, "127.0.0.2")).register();
  stranger = await other.game();
  await vi.waitFor(() => expect(gateway.hosted).toHaveLength(3), soon);
});
afterAll(async () => {
  for (const game of [hostGame, guestGame, stranger]) await game?.close();
  await gateway.stop();
  await server.stop();
});
reportEffort();

const unbounded = {
  rate: 1e9,
  networkRate: 1e9,
  totalRate: 1e9,
  lifetimeBytes: 1e12,
  lifetimeMs: 1e12,
  idleMs: 1e12,
};

let words = 0;
/** The pair still hears each other, and nothing besides. */
async function pairWorks(): Promise<void> {
  const word = `word ${words++}`;
  if (!ofHost || !ofGuest) throw new Error("no pair");
  guestGame?.send(word, ofHost);
  hostGame?.send(word, ofGuest);
  expect(await hostGame?.hears(word)).toEqual(ofGuest);
  expect(await guestGame?.hears(word)).toEqual(ofHost);
  for (const game of [hostGame, guestGame]) {
    expect(game?.heard.every(({ text }) => text.startsWith("word "))).toBe(true);
  }
}

const line = fc.oneof(
  oddText,
  fc.constantFrom("register-host", "connect", "connect-relay", "echo", "connect ", "set-pid x", "hi"),
  fc.nat().map((length) => "x".repeat(length % 3_000)),
  fc.string().map((text) => `connect ${text}`),
  fc.string().map((text) => `connect-relay ${text}`),
);
const stream = fc
  .array(fc.tuple(line, fc.constantFrom("\n", "\r\n", "\r", "", "\0")), { maxLength: 20 })
  .map((parts) => Buffer.from(parts.flat().join("")));

test("any stream of lines, cut anywhere", { timeout: patienceMs }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(stream, fc.uint8Array({ maxLength: 5_000 })),
      fc.array(fc.nat(500), { minLength: 1, maxLength: 5 }),
      fc.boolean(),
      async (bytes, cuts, isPolite) => {
        count("lines of noray");
        const one = await NorayClient.connect(gateway.at);
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const length = 1 + (cuts[i % cuts.length] ?? 0);
          one.write(bytes.subarray(at, at + length));
          at += length;
        }
        if (isPolite) {
          // What came before may have been the beginning of this line.
          one.write("\n");
          await vi.waitFor(() => {
            // Of too many lines at once some are left out.
            one.say("echo still here");
            expect(one.lines.at(-1)).toBe("echo still here");
          }, soon);
          const known = /^(set-oid|set-pid|echo|error|connect|connect-relay)( |$)/;
          expect(one.lines.filter((text) => !known.test(text))).toEqual([]);
        }
        one.close();
        await pairWorks();
      },
    ),
    runs(150),
  );
});

test("any datagram at the registrar", { timeout: patienceMs }, async () => {
  const registrar = { address: "127.0.0.1", port: gateway.at.registrar };
  const datagrams = fc.oneof(
    mutatedText(host?.pid ?? "").map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes)),
  );
  await fc.assert(
    fc.asyncProperty(datagrams, async (datagram) => {
      count("datagrams at the registrar");
      fc.pre(datagram.toString("latin1") !== host?.pid);
      const before = seen();
      const heard = stranger?.heard.length ?? 0;
      const unknown = gateway.counts.messages.registrar_unknown;
      stranger?.send(datagram, registrar);
      await vi.waitFor(() => expect(seen()).toBe(before + 1), soon);
      // Those that are as long as the answer are answered, unless there were too many.
      const isAnswered =
        gateway.counts.messages.registrar_unknown !== unknown && datagram.length >= refused.length;
      await vi.waitFor(() => expect(stranger?.heard).toHaveLength(heard + Number(isAnswered)), soon);
      expect(stranger?.heard.slice(heard).every(({ text }) => text === refused)).toBe(true);
    }),
    runs(300),
  );
  await pairWorks();
  const { registrar_registered, registrar_moved } = gateway.counts.messages;
  expect([registrar_registered, registrar_moved]).toEqual([3, 0]);
});

function seen(): number {
  const { registrar_unknown = 0, registrar_limited = 0 } = gateway.counts.messages;
  return registrar_unknown + registrar_limited;
}

test("any datagram of a stranger at a relay", { timeout: patienceMs }, async () => {
  const relays = gateway.relays();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), fc.boolean(), async (bytes, toHost) => {
      count("datagrams at relays");
      const before = gateway.counts.drops.relay_stranger ?? 0;
      const to = toHost ? ofHost : ofGuest;
      if (to) stranger?.send(bytes, to);
      await vi.waitFor(() => expect(gateway.counts.drops.relay_stranger).toBe(before + 1), soon);
    }),
    runs(300),
  );
  await pairWorks();
  expect(gateway.relays()).toBe(relays);
});

test("any packet of a player arrives as it is", { timeout: patienceMs }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 1_400 }), async (bytes) => {
      count("packets of players");
      const heard = hostGame?.heard.length ?? 0;
      if (ofHost) guestGame?.send(bytes, ofHost);
      await vi.waitFor(() => expect(hostGame?.heard.length).toBe(heard + 1), soon);
      const { text, from } = hostGame?.heard.pop() ?? {};
      expect([text, from]).toEqual([Buffer.from(bytes).toString("latin1"), ofGuest]);
    }),
    runs(200),
  );
});

test("any signal to a host from a thief of a sidecar's key", { timeout: patienceMs }, async () => {
  const session = await gateway.join(`noray:${host?.oid}`);
  const to = session.members.find(({ isHost }) => isHost)?.clientId ?? "";
  const answers: unknown[] = [];
  session.listen((event) => event.kind === "signal" && answers.push(event.data));
  const odd = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(-1, 0, 65_536, "::1", "256.1.1.1", ""));
  const ask = fc.record(
    {
      noray: fc.oneof(fc.constant("ask"), odd),
      ask: fc.oneof(fc.constant("a"), odd),
      player: fc.oneof(fc.record({ ip: odd, port: odd }), odd),
      relay: fc.oneof(fc.record({ host: odd, port: odd }), odd),
    },
    { requiredKeys: [] },
  );
  const lines = host?.lines.length ?? 0;
  await fc.assert(
    fc.asyncProperty(fc.oneof(ask, fc.jsonValue()), async (data) => {
      count("signals of gateways");
      if (JSON.stringify(data).length < 4_000) await signal(session, to, data);
    }),
    // The edge takes no more from one member at once.
    { numRuns: 60 },
  );
  await signal(session, to, { noray: "ask", ask: "last", player: { ip: "192.0.2.9", port: 9 } });
  await vi.waitFor(() => expect(answers).toContainEqual(expect.objectContaining({ ask: "last" })), soon);
  expect(host?.lines.slice(lines)).toEqual(["connect 192.0.2.9:9"]);
  await session.leave();
});
