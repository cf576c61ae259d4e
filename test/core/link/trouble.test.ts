/** What befalls a link after it was made: paths die, sidecars restart, routers forget, players leave. */
import { describe, expect, test } from "vitest";
import { pathInUse, roundTripMs } from "../../../core/link/state.ts";
import { step, wakeAt } from "../../../core/link/step.ts";
import { answer, check, config, noon, peerEndpoint, play, sent } from "./a-link.ts";
import { Pair } from "./a-pair.ts";

const cone = { a: "port-restricted", b: "port-restricted" } as const;
const strict = { a: "symmetric", b: "symmetric" } as const;
const seeds = Array.from({ length: 10 }, (_, i) => i + 1);
const isDirect = (ip: string) => ip.startsWith("203.0.113.");

/** Nothing passes between the two networks but by way of the sidecar. */
function cutDirect(pair: Pair): void {
  pair.internet.cut = ({ from, to }) => isDirect(from.ip) && isDirect(to.ip);
}

describe("a direct path that dies", () => {
  test("gives way to the relay within three seconds, and comes back when it works again", () => {
    for (const seed of seeds) {
      const pair = new Pair({ ...cone, seed }).run(20_000);
      expect(pair.kinds).toBe("direct, direct");
      cutDirect(pair);
      expect(pair.run(24_100).kinds).toBe("relay, relay");
      expect(pair.run(60_000).kinds).toBe("relay, relay");
      pair.internet.cut = () => false;
      expect(pair.run(75_000).kinds).toBe("direct, direct");
      expect(pair.a.end).toBeUndefined();
      expect(pair.a.effects.filter(({ effect }) => effect.kind === "settle").length).toBe(1);
    }
  });

  test("ends the link after a while if there is no relay, and not before", () => {
    const pair = new Pair({ ...cone, seed: 1, relay: false }).run(20_000);
    cutDirect(pair);
    expect(pair.run(36_000).a.end).toBeUndefined();
    expect(pair.run(40_000).a.end?.cause).toBe("path-lost");
    expect(pair.b.end?.cause).toBe("path-lost");
  });

  test("is taken up again by itself if it comes back in time", () => {
    const pair = new Pair({ ...cone, seed: 1, relay: false }).run(20_000);
    cutDirect(pair);
    pair.run(30_000);
    expect(pair.kinds).toBe("null, null");
    pair.internet.cut = () => false;
    expect(pair.run(32_000).kinds).toBe("direct, direct");
  });

  test("one way only is dead as well, though packets still come", () => {
    const pair = new Pair({ ...cone, seed: 1 }).run(20_000);
    pair.internet.cut = ({ from, to }) => from.ip === "203.0.113.101" && isDirect(to.ip);
    expect(pair.run(40_000).kinds).toBe("relay, relay");
  });
});

test("players who find two ways through at once come to use the same, and lose no packet over it", () => {
  let moved = 0;
  for (let seed = 1; seed <= 80; seed++) {
    const pair = new Pair({ a: "port-restricted", b: "symmetric", seed }).runUntilSettled();
    const settledAt = pair.ms;
    const paths = pair.a.paths.length + pair.b.paths.length;
    for (let at = pair.clock.now + 1; at < pair.clock.now + 5_000; at += 50) {
      pair.clock.at(at, () => {
        pair.a.play();
        pair.b.play();
      });
    }
    pair.run(settledAt + 6_000);
    expect([pair.a.heard, pair.b.heard], `seed ${seed}`).toEqual([100, 100]);
    moved += pair.a.paths.length + pair.b.paths.length - paths;
  }
  // It does happen.
  expect(moved).toBeGreaterThan(0);
});

test("a router that forgets everything is noticed, and the new address learned, with a relay or without", () => {
  for (const seed of seeds) {
    for (const relay of [true, false]) {
      const pair = new Pair({ ...cone, b: "full cone", seed, relay }).run(20_000);
      pair.nats[0]?.forget();
      pair.run(30_000);
      expect(pair.kinds).toBe("direct, direct");
      expect(pair.a.end).toBeUndefined();
      // It is followed before the old one is given up.
      expect(
        pair.b.effects.some(({ effect }) => effect.kind === "note" && /died|left/.test(effect.what)),
      ).toBe(false);
    }
  }
});

test("a relay that restarts in mid-game is bound again before the path is given up", () => {
  for (const seed of seeds) {
    // At any time between two of the binds that keep it.
    const pair = new Pair({ ...strict, seed }).run(20_000 + seed * 1_000);
    pair.sidecar.restart();
    pair.run(60_000);
    expect(pair.kinds).toBe("relay, relay");
    for (const player of [pair.a, pair.b]) expect(player.paths.length).toBe(1);
  }
});

test("a relay that is away for ten seconds comes back with its links, one for half a minute without", () => {
  for (const [awayMs, kinds] of [
    [10_000, "relay, relay"],
    [30_000, "null, null"],
  ] as const) {
    const pair = new Pair({ ...strict, seed: 1 }).run(20_000);
    pair.sidecar.down = true;
    pair.sidecar.restart();
    pair.run(20_000 + awayMs);
    pair.sidecar.down = false;
    pair.run(60_000);
    expect(pair.kinds).toBe(kinds);
    if (awayMs > 20_000) expect(pair.a.end?.cause).toBe("path-lost");
  }
});

test("a relay that refuses in mid-game is left at once, and asked again", () => {
  const pair = new Pair({ ...strict, seed: 1 }).run(20_000);
  pair.sidecar.restart();
  pair.sidecar.refusal = "leaving";
  pair.a.take({ kind: "relay-refused", code: "leaving" });
  expect(pair.a.kind).toBeNull();
  pair.run(25_000);
  pair.sidecar.refusal = null;
  expect(pair.run(30_000).kinds).toBe("relay, relay");
});

test("a relay that refuses is not asked more than once a second, and the report does not grow for ever", () => {
  const pair = new Pair({ ...strict, seed: 1, relayOnly: true });
  pair.sidecar.refusal = "relay_full";
  pair.run(9_900);
  expect(pair.a.effects.filter(({ effect }) => effect.kind === "bind-relay").length).toBeLessThanOrEqual(12);

  const turns = Array.from({ length: 400 }, (_, i) => {
    const bound = { kind: "relay-bound", peer: true } as const;
    return { at: i * 10, event: i % 2 ? ({ kind: "relay-refused", code: "rate" } as const) : bound };
  });
  const { effects } = play(config, turns);
  expect(effects.filter(({ effect }) => effect.kind === "note").length).toBe(64);
});

test("the relay is asked for the other player every second until it is there, and then every ten", () => {
  const binds = (peer: boolean) => {
    const { effects } = play(
      { ...config, relayOnly: true },
      [0, 250, 750, 1_750, 2_750, 3_750, 4_750].map((at) => ({
        at: at + 80,
        event: { kind: "relay-bound", peer },
      })),
      9_000,
    );
    return effects.filter(({ effect, at }) => effect.kind === "bind-relay" && at < 5_000).length;
  };
  expect(binds(false)).toBe(7);
  expect(binds(true)).toBe(1);
});

test("the relay stays at hand while the path is direct: it is never idle for its 30 seconds", () => {
  const pair = new Pair({ ...cone, seed: 1 }).run(300_000);
  for (const player of [pair.a, pair.b]) {
    const times = player.effects.filter(({ effect }) => effect.kind === "bind-relay").map(({ at }) => at);
    const gaps = times.map((at, i) => at - (times[i - 1] ?? at));
    expect(Math.max(...gaps)).toBeLessThan(15_000);
    expect(player.state?.candidates.find(({ kind }) => kind === "relay")?.confirmed).toBe(true);
  }
});

test("a quiet link costs a few packets a second, a busy one hardly any", () => {
  const quiet = new Pair({ ...cone, seed: 1 }).run(10_000);
  const before = quiet.a.sent(() => true);
  quiet.run(70_000);
  expect((quiet.a.sent(() => true) - before) / 60).toBeLessThan(3);

  const busy = new Pair({ ...cone, seed: 1 }).run(10_000);
  for (let at = 11_000; at < 71_000; at += 250) {
    busy.clock.at(at, () => {
      busy.a.play();
      busy.b.play();
    });
  }
  const checks = busy.a.sent(({ packet }) => packet === "check");
  busy.run(70_000);
  expect((busy.a.sent(({ packet }) => packet === "check") - checks) / 60).toBeLessThan(0.4);
  expect(busy.kinds).toBe("direct, direct");
});

test("the round trip is known, and a fifth of the packets lost does not end a path", () => {
  const fair = new Pair({ ...cone, seed: 1 }).run(30_000);
  expect(fair.a.state && roundTripMs(fair.a.state)).toBeGreaterThan(79);
  expect(fair.a.state && roundTripMs(fair.a.state)).toBeLessThan(95);
  let died = 0;
  for (const seed of seeds) {
    const pair = new Pair({ ...cone, seed, weather: { loss: 0.2, jitterMs: 40 } }).run(10_000);
    const paths = pair.a.paths.length;
    pair.run(370_000);
    died += pair.a.paths.length - paths;
    expect(pair.a.end).toBeUndefined();
  }
  // An hour in all.
  expect(died).toBeLessThanOrEqual(4);
});

test("a machine that slept looks whether its path is still there before it gives it up", () => {
  const linked = play(config, [
    { at: 40, event: check(1) },
    { at: 80, event: answer(1) },
  ]).state;
  const woken = step(linked, { kind: "deadline-passed" }, noon + 60_000);
  const [first] = sent(woken.effects.map((effect) => ({ effect })));
  expect(first?.remote).toEqual(peerEndpoint);
  let { state } = woken;
  for (let at = wakeAt(state); at < noon + 60_500; at = wakeAt(state)) {
    state = step(state, { kind: "deadline-passed" }, at).state;
  }
  expect(pathInUse(state)?.remote).toEqual(peerEndpoint);
  state = step(state, answer(first?.number ?? 0), noon + 60_500).state;
  expect(roundTripMs(state)).toBe(500);
});

describe("a player who leaves", () => {
  test("says so, and the other knows at once", () => {
    for (const setting of [cone, strict]) {
      const pair = new Pair({ ...setting, seed: 1 }).run(20_000);
      pair.a.take({ kind: "close-requested" });
      pair.run(20_300);
      expect(pair.a.end?.cause).toBeNull();
      expect(pair.b.end?.cause).toBe("peer-left");
      expect(pair.a.sent(({ packet }) => packet === "farewell")).toBe(3);
    }
  });

  test("leaves no socket open", () => {
    const pair = new Pair({ a: "port-restricted", b: "symmetric", seed: 1 }).run(20_000);
    expect(pair.b.host.openPorts).toBe(2);
    pair.b.take({ kind: "close-requested" });
    pair.run(21_000);
    expect(pair.b.host.openPorts).toBe(1);
  });

  test("is believed with two of three farewells lost", () => {
    const pair = new Pair({ ...cone, seed: 1 }).run(20_000);
    let lost = 0;
    pair.internet.cut = ({ body }) => body.kind === "farewell" && lost++ < 2;
    pair.a.take({ kind: "close-requested" });
    expect(pair.run(20_300).b.end?.cause).toBe("peer-left");
  });

  test("before there was a path just goes", () => {
    const pair = new Pair({ ...cone, seed: 1, lateMs: 5_000 }).run(10);
    pair.a.take({ kind: "close-requested" });
    expect(pair.a.end?.cause).toBeNull();
    expect(pair.run(30_000).b.end?.cause).toBe("no-packets-received");
  });
});

test("the path moves up within a shared network as soon as it can be used", () => {
  const pair = new Pair({ a: "full cone", b: "full cone", sharedNetwork: true, seed: 1 }).run(5_000);
  expect(pair.kinds).toBe("lan, lan");
  expect(pair.a.state && pathInUse(pair.a.state)?.remote.ip).toBe("192.168.1.11");
});
