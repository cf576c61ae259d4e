/** Two players over every pair of NATs, hundreds of times: what they come to, and how soon. */
import { describe, expect, test } from "vitest";
import type { LinkEffect } from "../../../core/link/effect.ts";
import type { LinkEvent } from "../../../core/link/event.ts";
import { linkLimits } from "../../../core/link/limits.ts";
import { pathInUse } from "../../../core/link/state.ts";
import { config, play, sent } from "./a-link.ts";
import { Pair, type Place, type Player, places } from "./a-pair.ts";

const bad = { loss: 0.2, jitterMs: 60, doubled: 0.05 };

/** Whether packets to another destination leave from another port. */
const isDependent = (place: Place) => place.includes("symmetric");
const usePath = (effect: LinkEffect) => effect.kind === "use-path";
const useDirect = (effect: LinkEffect) => effect.kind === "use-path" && effect.path.kind === "direct";
const usableMs = ({ a, b }: Pair) => Math.max(a.when(usePath), b.when(usePath));
const directMs = ({ a, b }: Pair) => Math.max(a.when(useDirect), b.when(useDirect));

const pairs = places.flatMap((a, i) => places.slice(i).map((b) => [a, b] as const));
const seeds = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe("players are connected: one behind, the other behind", () => {
  for (const [a, b] of pairs) {
    const both = isDependent(a) && isDependent(b);
    test(`${a} and ${b}: ${both ? "by the relay" : "directly"}, usable in half a second`, () => {
      for (const seed of seeds(20)) {
        const pair = new Pair({ a, b, seed }).runUntilSettled();
        expect(pair.kinds, `seed ${seed}`).toBe(both ? "relay, relay" : "direct, direct");
        expect(usableMs(pair)).toBeLessThan(500);
        // A port that is counted is guessed at once; one that is drawn is looked for.
        const isDrawn = [a, b].includes("symmetric") || [a, b].includes("carrier, symmetric");
        if (!isDrawn && !both) expect(directMs(pair)).toBeLessThan(500);
        for (const { settled } of [pair.a, pair.b]) {
          expect(settled?.cause).toBe(both ? "both-endpoint-dependent" : null);
        }
      }
    });
  }
});

describe("with a fifth of the packets lost, some doubled, and one player two seconds late", () => {
  for (const [a, b] of pairs) {
    const both = isDependent(a) && isDependent(b);
    test(`${a} and ${b} are connected all the same`, () => {
      for (const seed of seeds(10)) {
        const pair = new Pair({ a, b, seed, weather: bad, lateMs: seed % 2 ? 2_000 : 0 }).runUntilSettled();
        expect(pair.kinds, `seed ${seed}`).toBe(both ? "relay, relay" : "direct, direct");
      }
    });
  }
});

test("a port of a symmetric NAT is found within 10 s in 95 of 100 games at least", () => {
  const times = seeds(200).map((seed) => {
    const sides: Place[] = ["port-restricted", "symmetric"];
    const [a = "nothing", b = "nothing"] = seed % 2 ? sides : sides.reverse();
    return directMs(new Pair({ a, b, seed }).runUntilSettled());
  });
  expect(times.filter((ms) => ms <= 10_000).length).toBeGreaterThanOrEqual(190);
  times.sort((a, b) => a - b);
  // The odds that core/link/probing.ts states.
  expect(times[100]).toBeLessThan(2_000);
});

test("the same with a fifth of the packets lost", () => {
  const times = seeds(100).map((seed) =>
    directMs(new Pair({ a: "symmetric", b: "port-restricted", seed, weather: bad }).runUntilSettled()),
  );
  expect(times.filter((ms) => ms <= 10_000).length).toBeGreaterThanOrEqual(95);
});

test("the port is looked for with no more packets and sockets than are allowed, and all but one are closed", () => {
  for (const seed of seeds(50)) {
    const pair = new Pair({ a: "port-restricted", b: "symmetric", seed }).runUntilSettled();
    const { ip = "" } = pair.sidecar.seen.b[0] ?? {};
    const ports = new Set<number>();
    let probes = 0;
    for (const { effect } of pair.a.effects) {
      if (effect.kind !== "send" || effect.packet !== "check" || effect.remote.ip !== ip) continue;
      probes += 1;
      ports.add(effect.remote.port);
    }
    expect(ports.size).toBeLessThanOrEqual(linkLimits.birthdayProbes + 20);
    expect(probes - ports.size).toBeLessThan(100);
    expect(turnsLeft(pair.a)).toBe(0);
    expect(turnsLeft(pair.b)).toBe(0);
    pair.run(pair.ms + linkLimits.birthdayLingerMs + 10);
    expect(pair.b.host.openPorts).toBe(2);
  }
});

test("players whose NATs let each other through never ask for a turn at probing", () => {
  for (const b of ["nothing", "full cone", "address-restricted"] as const) {
    const pair = new Pair({ a: "symmetric", b, seed: 1 }).runUntilSettled();
    expect(pair.a.effects.some(({ effect }) => effect.kind === "ask-turn")).toBe(false);
    expect(pair.b.effects.some(({ effect }) => effect.kind === "ask-turn")).toBe(false);
  }
});

test("a port that cannot be found is not looked for for ever: the relay stays, with the reason", () => {
  const pair = new Pair({ a: "port-restricted", b: "symmetric", seed: 1 });
  const ips = ["203.0.113.101", "203.0.113.102"];
  pair.internet.cut = ({ from, to }) => ips.includes(from.ip) && ips.includes(to.ip);
  pair.run(60_000);
  expect(pair.kinds).toBe("relay, relay");
  expect(pair.a.settled?.cause).toBe("ports-not-guessed");
  expect(pair.b.settled?.cause).toBe("ports-not-guessed");
  expect(pair.a.when(({ kind }) => kind === "settle")).toBeLessThan(15_000);
  expect(pair.b.host.openPorts).toBe(1);
  expect(turnsLeft(pair.a)).toBe(0);
  expect(turnsLeft(pair.b)).toBe(0);
});

test("where no direct path was found, none is looked for any longer than ten seconds", () => {
  const pair = new Pair({ a: "port-restricted", b: "port-restricted", seed: 1 });
  pair.internet.cut = ({ from, to }) => from.ip.startsWith("203.0.113.") && to.ip.startsWith("203.0.113.");
  const direct = () => pair.a.sent(({ remote }) => remote.ip !== pair.sidecar.endpoint.ip);
  pair.run(10_100);
  expect(pair.a.settled?.cause).toBe("no-packets-received");
  const before = direct();
  expect(before).toBeGreaterThan(30);
  pair.run(60_000);
  expect(direct()).toBe(before);
});

describe("players in one network", () => {
  test("are connected within it, whether or not their router sends packets back in", () => {
    for (const a of ["port-restricted", "full cone", "symmetric", "carrier"] as const) {
      for (const seed of seeds(10)) {
        const pair = new Pair({ a, b: a, sharedNetwork: true, seed }).runUntilSettled();
        expect(pair.kinds).toBe("lan, lan");
        expect(usableMs(pair)).toBeLessThan(50);
        expect(pair.a.settled?.cause).toBeNull();
      }
    }
  });

  test("who do not say their addresses go through the router, if it lets them, or the relay", () => {
    const claims = false;
    const full = new Pair({ a: "full cone", b: "full cone", sharedNetwork: true, claims, seed: 1 });
    expect(full.runUntilSettled().kinds).toBe("direct, direct");
    const strict = new Pair({
      a: "port-restricted",
      b: "port-restricted",
      sharedNetwork: true,
      claims,
      seed: 1,
    });
    expect(strict.runUntilSettled().kinds).toBe("relay, relay");
    expect(strict.a.settled?.cause).toBe("no-packets-received");
  });
});

describe("over IPv6", () => {
  const claim = { ip: "2001:db8:5::5", port: 40_002 };
  const pathWith = (own: string, hasV6 = true) => {
    const peer = { ...config.peer, candidates: [claim] };
    const all = { ...config, peer, hasV6, own: [{ address: own, prefixLength: 64 }] };
    const heard: { at: number; event: LinkEvent }[] = [
      { at: 30, event: { kind: "check-received", number: 1, local: "v6", remote: claim } },
    ];
    const number = sent(play(all, heard).effects).findLast(({ local }) => local === "v6")?.number ?? 0;
    const answered = { kind: "answer-received", number, local: "v6", remote: claim } as const;
    const { state } = play(all, [...heard, { at: 40, event: answered }]);
    return pathInUse(state);
  };

  test("players reach each other's own addresses, directly or within their network", () => {
    expect(pathWith("2001:db8:7::1")).toMatchObject({ kind: "direct", local: "v6", remote: claim });
    expect(pathWith("2001:db8:5::1")).toMatchObject({ kind: "lan", local: "v6", remote: claim });
  });

  test("nothing is sent where there is no such socket", () => {
    expect(pathWith("2001:db8:7::1", false)).toBeNull();
  });
});

describe("a lobby that allows the relay only", () => {
  test("connects its players by it, and nothing is sent to anybody else", () => {
    for (const [a, b] of pairs) {
      const pair = new Pair({ a, b, seed: 3, relayOnly: true }).run(30_000);
      expect(pair.kinds).toBe("relay, relay");
      expect(pair.a.settled?.cause).toBe("relay-only");
      expect(usableMs(pair)).toBeLessThan(500);
      for (const player of [pair.a, pair.b]) {
        expect(player.sent(({ remote }) => remote.ip !== pair.sidecar.endpoint.ip)).toBe(0);
      }
    }
  });

  test("ends the link when the relay refuses, at once, or does not answer, after a while", () => {
    for (const code of ["ticket_expired", "ticket_superseded"] as const) {
      const refused = new Pair({ a: "nothing", b: "nothing", seed: 1, relayOnly: true });
      refused.sidecar.refusal = code;
      refused.run(1_000);
      expect(refused.a.end?.cause).toBe("relay-refused");
    }
    const down = new Pair({ a: "nothing", b: "nothing", seed: 1, relayOnly: true, relayDown: true });
    expect(down.run(5_000).a.end).toBeUndefined();
    expect(down.run(11_000).a.end?.cause).toBe("relay-unreachable");
  });

  test("cannot connect players who have no ticket", () => {
    const pair = new Pair({ a: "nothing", b: "nothing", seed: 1, relayOnly: true, relay: false }).run(100);
    expect(pair.a.end?.cause).toBe("relay-only");
  });

  test("ends the link if the other player does not come", () => {
    const pair = new Pair({ a: "nothing", b: "nothing", seed: 1, relayOnly: true, lateMs: 60_000 });
    expect(pair.run(11_000).a.end?.cause).toBe("no-packets-received");
  });
});

describe("a link that cannot be had says why", () => {
  const causes = (pair: Pair) => [pair.a.end?.cause, pair.b.end?.cause];
  const noRelay = { a: "port-restricted", b: "port-restricted", seed: 1, relay: false } as const;

  test("nothing comes through, and there is no relay", () => {
    const pair = new Pair(noRelay);
    pair.internet.cut = () => true;
    expect(causes(pair.run(20_000))).toEqual(["no-packets-received", "no-packets-received"]);
  });

  test("packets come one way only", () => {
    const pair = new Pair(noRelay);
    pair.internet.cut = ({ from }) => from.ip === "203.0.113.101";
    expect(causes(pair.run(20_000))).toEqual(["one-way", "no-packets-received"]);
  });

  test("both ports change, and there is no relay", () => {
    const pair = new Pair({ a: "symmetric", b: "symmetric", seed: 1, relay: false });
    expect(causes(pair.run(20_000))).toEqual(["both-endpoint-dependent", "both-endpoint-dependent"]);
  });

  test("the relay refuses, or does not answer", () => {
    for (const [relayDown, cause] of [
      [false, "relay-refused"],
      [true, "relay-unreachable"],
    ] as const) {
      const pair = new Pair({ a: "symmetric", b: "symmetric", seed: 1, relayDown });
      pair.sidecar.refusal = "relay_full";
      expect(causes(pair.run(20_000))).toEqual([cause, cause]);
    }
  });

  test("a direct path needs no relay", () => {
    const pair = new Pair({ a: "port-restricted", b: "port-restricted", seed: 1, relayDown: true }).run(
      60_000,
    );
    expect(pair.kinds).toBe("direct, direct");
  });
});

/** Turns at probing that were asked for and not given back. */
function turnsLeft({ effects }: Player): number {
  const count = (kind: LinkEffect["kind"]) => effects.filter(({ effect }) => effect.kind === kind).length;
  return count("ask-turn") - count("end-turn");
}
