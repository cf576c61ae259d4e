/** What the sidecar's two ports see of a player, and what it tells the player of it. Real UDP; the hold under a clock of the test's. */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { observingLimits } from "../../core/observing/limits.ts";
import type { ClientDatagram, PortName } from "../../core/observing/port-pairing.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import type { Observation } from "../../core/wire/sidecar-post.ts";
import { type StandIn, startStandIn } from "../../measure/kit/edge.ts";
import { openUdpClient, type UdpClient, verified } from "../../measure/kit/relay.ts";
import { cookieOf, datagramOf, keyOf, passOf, signedOf, tokenOf } from "../../measure/kit/secret.ts";
import { encode } from "../../measure/kit/wire.ts";
import { deriveKeys } from "../../udp-sidecar/keys.ts";
import { PortPairing } from "../../udp-sidecar/port-pairing.ts";
import { answerTo, readProbe } from "../../udp-sidecar/probes.ts";
import { type Sidecar, startSidecar } from "../../udp-sidecar/sidecar.ts";

const soon = { interval: 1 };
/** The sidecar's clock: it stands still, because a cookie is another one two minutes later. */
const now = Date.now();
const token = tokenOf("Ada");
const { pass, key } = passOf("Ada");
const candidates = [
  { ip: "192.168.1.7", port: 40_000 },
  { ip: "fd00::7", port: 40_000 },
];

describe("over UDP", () => {
  const cleanUps: (() => Promise<unknown> | unknown)[] = [];
  let edge: StandIn;
  let sidecar: Sidecar;
  let ada: UdpClient;
  beforeEach(async () => {
    edge = await startStandIn();
    sidecar = await startSidecar({ edge: edge.url, key: keyOf(), port: 0, clock: () => now }, () => {});
    ada = await openUdpClient();
    cleanUps.push(edge.stop, sidecar.stop, ada.close);
  });
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });

  const probe = (about: object = {}, under = key) => {
    const payload = { pass, nonce: "nonce-12", candidates: [], pad: ".".repeat(40), ...about };
    return signedOf(under, "ptpMediation_probe", payload);
  };
  const observed = async (count: number) => {
    await vi.waitFor(() => expect(edge.observed.flat()).toHaveLength(count), soon);
    return edge.observed.flat();
  };
  const where = () => ({ ip: "127.0.0.1", port: ada.port });
  const cookie = () => cookieOf("127.0.0.1", ada.port, { now });
  const clientId = "Ada-------------";
  const byPass = () => ({ clientId, proof: { kind: "pass", text: pass }, ...where() });
  const byToken = (text = token) => ({ clientId, proof: { kind: "token", text }, ...where() });

  test("a player that probes both ports is told at each where it is seen, and posted once with both", async () => {
    const request = probe({ candidates, cookie: cookie() });
    // Both before either is read: the sidecar waits only for a moment.
    await Promise.all([ada.send(request, sidecar.port), ada.send(request, sidecar.secondPort)]);
    for (let port = 0; port < 2; port++) {
      const answer = await ada.next();
      expect(answer.length).toBeLessThanOrEqual(request.length);
      expect(verified(key, answer)).toEqual({
        method: "ptpMediation_seen",
        payload: { nonce: "nonce-12", ...where(), cookie: cookieOf("127.0.0.1", ada.port, { now }) },
      });
    }
    expect(await observed(1)).toEqual([{ ...byPass(), second: where(), candidates, proven: true }]);
  });

  test("a player is not seen before it returns what was sent to where it says it is", async () => {
    const elsewhere = cookieOf("127.0.0.2", ada.port, { now });
    for (const about of [{}, { cookie: elsewhere }, { cookie: cookieOf("127.0.0.1", 9, { now }) }]) {
      await ada.send(probe(about), sidecar.port);
      expect(verified(key, await ada.next()).payload).toMatchObject({ cookie: cookie() });
    }
    // Of a stranger who has read a probe: what is sent from elsewhere is not seen there.
    const eve = await openUdpClient();
    cleanUps.push(eve.close);
    await eve.send(probe({ cookie: cookie() }), sidecar.port);
    expect(verified(key, await eve.next()).payload).toMatchObject({ port: eve.port });
    await ada.send(probe({ cookie: cookie() }), sidecar.port);
    expect(await observed(1)).toEqual([{ ...byPass(), candidates: [], proven: true }]);
    expect(sidecar.counts).toEqual({ observed: 1, junk: 0, forged: 0, dropped: 0 });
  });

  test("a datagram of Orion's with candidates, though it be none, is merged too, and never answered", async () => {
    const datagram = encode("ptpMediation_connect", { token, candidates: [] });
    await Promise.all([ada.send(datagram, sidecar.port), ada.send(datagram, sidecar.secondPort)]);
    expect(await observed(1)).toEqual([{ ...byToken(), second: where(), candidates: [] }]);
    expect(ada.heard).toEqual([]);
  });

  test("old Orion datagrams are posted as they always were, from either port, and never answered", async () => {
    await ada.send(datagramOf(token), sidecar.port);
    const bob = tokenOf("Bob");
    await ada.send(datagramOf(bob), sidecar.secondPort);
    const posted = await observed(2);
    expect(posted).toContainEqual(byToken());
    expect(posted).toContainEqual({ ...byToken(bob), clientId: "Bob-------------" });
    expect(ada.heard).toEqual([]);
    expect(sidecar.counts).toEqual({ observed: 2, junk: 0, forged: 0, dropped: 0 });
  });

  const junkCandidates: Record<string, unknown> = {
    "no list": { ip: "10.0.0.1", port: 1 },
    "too many": Array.from({ length: wireLimits.candidates + 1 }, () => ({ ip: "::1", port: 1 })),
    "a name for an address": [{ ip: "router.local", port: 1 }],
    "port 0": [{ ip: "10.0.0.1", port: 0 }],
    null: null,
  };
  for (const [what, some] of Object.entries(junkCandidates)) {
    test(`candidates that are ${what} are ignored in Orion's datagram: the player is seen all the same`, async () => {
      await ada.send(encode("ptpMediation_connect", { token, candidates: some }), sidecar.port);
      expect(await observed(1)).toEqual([byToken()]);
    });

    test(`candidates that are ${what} make a probe junk, which is not answered`, async () => {
      await ada.send(probe({ candidates: some }), sidecar.port);
      await vi.waitFor(() => expect(sidecar.counts.junk).toBe(1), soon);
      expect(ada.heard).toEqual([]);
    });
  }

  test("as many candidates as there may be, with the longest addresses, fit into a probe", async () => {
    const long = { ip: "2001:0db8:ffff:ffff:ffff:ffff:ffff:ffff", port: 65_535 };
    const many = Array.from({ length: wireLimits.candidates }, () => long);
    const request = probe({
      candidates: many,
      nonce: "n".repeat(32),
      cookie: cookie(),
      pad: undefined,
    });
    expect(request.length).toBeLessThanOrEqual(wireLimits.datagramBytes);
    await ada.send(request, sidecar.port);
    expect(await observed(1)).toEqual([{ ...byPass(), candidates: many, proven: true }]);
    await ada.next();
  });

  test("whoever has another token, or none, hears nothing and moves nobody", async () => {
    const others = [
      token,
      passOf("Bob").key,
      passOf("Ada", { under: "another secret of that length...." }).key,
      passOf("Ada", { mediation: "another" }).key,
      "",
    ];
    for (const other of others) await ada.send(probe({}, other), sidecar.port);
    for (const changed of [{ pass: passOf("Ada", { holder: "18" }).pass }, { pass: passOf("Eve").pass }])
      await ada.send(probe(changed), sidecar.port);
    await vi.waitFor(() => expect(sidecar.counts.forged).toBe(others.length + 2), soon);
    await ada.send(datagramOf(tokenOf("last")), sidecar.port);
    expect((await observed(1)).map(({ clientId }) => clientId)).toEqual(["last------------"]);
    expect(ada.heard).toEqual([]);
  });
});

test("an answer is never longer than the probe, or there is none", () => {
  const where = fc.record({
    ip: fc.oneof(fc.ipV4(), fc.ipV6()),
    port: fc.integer({ min: 1, max: 65_535 }),
    cookie: fc.stringMatching(/^[\w-]{16}$/),
  });
  let answered = 0;
  fc.assert(
    fc.property(fc.stringMatching(/^[\w-]{8,32}$/), fc.nat(120), where, (nonce, length, seen) => {
      const payload = {
        pass,
        nonce,
        candidates: [],
        pad: length > 0 ? ".".repeat(length) : undefined,
      };
      const bytes = Buffer.from(signedOf(key, "ptpMediation_probe", payload));
      const probe = readProbe(deriveKeys({ key: keyOf() }, "pass"), bytes, now);
      if (typeof probe === "string") throw new Error(probe);
      const answer = answerTo(probe, bytes, seen);
      if (answer === null) return;
      answered += 1;
      expect(answer.length).toBeLessThanOrEqual(bytes.length);
      expect(verified(key, Buffer.from(answer)).payload).toEqual({ nonce, ...seen });
    }),
    {
      numRuns: 300,
      examples: [["n".repeat(8), 0, { ip: "2001:db8::1234:5678", port: 65_535, cookie: "c".repeat(16) }]],
    },
  );
  // A pass is longer than what an answer says.
  expect(answered).toBeGreaterThanOrEqual(300);
});

describe("the two ports' sights of one player", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 0 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const sight = (port: number, about: Partial<ClientDatagram> = {}): ClientDatagram => ({
    clientId: "Ada-------------",
    proof: { kind: "token", text: about.clientId ?? token },
    endpoint: { ip: "192.0.2.1", port },
    candidates: [],
    ...about,
  });
  function recorded() {
    const posts: { at: number; observation: Observation }[] = [];
    const pairing = new PortPairing((observation) => {
      posts.push({ at: Date.now(), observation });
      return true;
    });
    const see = (port: PortName, datagram: ClientDatagram) => pairing.see(port, datagram);
    const told = () => posts.map(({ observation: { port, second } }) => [port, second?.port]);
    return { pairing, posts, see, told };
  }

  for (const [first, then] of [
    ["first", "second"],
    ["second", "first"],
  ] as const) {
    test(`are one observation as soon as the ${then} port has seen it too`, () => {
      const { see, posts } = recorded();
      see(first, sight(first === "first" ? 1 : 2));
      vi.advanceTimersByTime(5);
      expect(posts).toEqual([]);
      see(then, sight(then === "first" ? 1 : 2));
      const { proof, clientId, endpoint } = sight(1);
      expect(posts).toEqual([
        { at: 5, observation: { proof, clientId, ...endpoint, second: sight(2).endpoint, candidates: [] } },
      ]);
    });

    test(`are not waited for longer if the clock is set back and only the ${first} port sees it`, () => {
      const { pairing, see, told } = recorded();
      see(first, sight(1));
      vi.setSystemTime(Date.now() - 600_000);
      vi.advanceTimersByTime(observingLimits.otherPortMs);
      expect(told()).toEqual([[1, undefined]]);
      vi.advanceTimersByTime(observingLimits.observationLifeMs);
      expect(pairing.size).toBe(0);
    });

    test(`are not waited for longer than the hold, if only the ${first} port sees it`, () => {
      const { see, posts, told } = recorded();
      see(first, sight(1));
      vi.advanceTimersByTime(observingLimits.otherPortMs - 1);
      expect(posts).toEqual([]);
      vi.advanceTimersByTime(1);
      expect(told()).toEqual([[1, undefined]]);
      expect(posts[0]?.observation).not.toHaveProperty("second");
      vi.advanceTimersByTime(10_000);
      expect(posts).toHaveLength(1);
    });
  }

  test("still hold when one of a later pair is lost", () => {
    const { see, told } = recorded();
    see("first", sight(1));
    see("second", sight(2));
    see("first", sight(1));
    vi.advanceTimersByTime(1_000);
    see("second", sight(2));
    vi.advanceTimersByTime(1_000);
    expect(told()).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
  });

  test("are the first port's and the second's, when the player asks the second again alone", () => {
    const { see, told } = recorded();
    see("first", sight(1));
    vi.advanceTimersByTime(1_000);
    see("second", sight(2));
    vi.advanceTimersByTime(1_000);
    expect(told()).toEqual([
      [1, undefined],
      [1, 2],
    ]);
  });

  test("are not mixed with those of a socket the player had before", () => {
    const { see, told } = recorded();
    see("first", sight(1));
    see("second", sight(2));
    see("first", sight(3));
    vi.advanceTimersByTime(1_000);
    see("second", sight(2));
    vi.advanceTimersByTime(1_000);
    expect(told()[1]).toEqual([3, undefined]);
  });

  test("come before what the player says without candidates later, which waits for nothing", () => {
    const { see, posts } = recorded();
    see("first", sight(1, { candidates: [{ ip: "10.0.0.1", port: 9 }] }));
    see("first", sight(5, { candidates: undefined }));
    expect(posts.map(({ observation: { port, candidates } }) => [port, candidates?.length])).toEqual([
      [1, 1],
      [5, undefined],
    ]);
  });

  test("of many players pass in the order in which they began to wait", () => {
    const { see, posts } = recorded();
    const ids = ["Ada", "Bob", "Cy"].map((name) => name.padEnd(16, "-"));
    for (const clientId of ids) {
      see("first", sight(1, { clientId }));
      vi.advanceTimersByTime(3);
    }
    vi.advanceTimersByTime(1_000);
    expect(posts.map(({ observation }) => observation.clientId)).toEqual(ids);
    expect(posts.map(({ at }) => at)).toEqual([30, 33, 36]);
  });

  test("are forgotten after a while, with no timer left; of a crowd no more is held than the bound", () => {
    const { see, pairing, posts } = recorded();
    for (let client = 0; client < observingLimits.observationsHeld; client++) {
      if (!see("first", sight(1, { clientId: String(client) }))) throw new Error(`${client} was not taken`);
    }
    expect(see("first", sight(1, { clientId: "one more" }))).toBe(false);
    expect(see("second", sight(2, { clientId: "0" }))).toBe(true);
    vi.advanceTimersByTime(observingLimits.observationLifeMs + 1_000);
    expect(posts).toHaveLength(observingLimits.observationsHeld);
    expect(pairing.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});
