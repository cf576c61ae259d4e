import { describe, expect, test } from "vitest";
import type { LinkConfig, LinkPeer } from "../../../core/link/config.ts";
import type { Arrival, LinkEvent } from "../../../core/link/event.ts";
import { linkLimits } from "../../../core/link/limits.ts";
import { portAt } from "../../../core/link/probing.ts";
import { pathInUse } from "../../../core/link/state.ts";
import { step } from "../../../core/link/step.ts";
import { config, noon, peerEndpoint, play, sent } from "./a-link.ts";

test("every port that a NAT gives is tried once before any is tried again", () => {
  const ports = new Set(Array.from({ length: 64_512 }, (_, i) => portAt(12_345, i)));
  expect(ports.size).toBe(64_512);
  expect(Math.min(...ports)).toBe(1_024);
  expect(Math.max(...ports)).toBe(65_535);
});

test("sockets with ports in a row are found early, wherever they lie", () => {
  for (let first = 1_024; first < 65_280; first += 1_000) {
    const found = Array.from({ length: linkLimits.birthdayProbes }, (_, i) => portAt(777, i)).findIndex(
      (port) => port >= first && port < first + linkLimits.birthdaySockets,
    );
    expect(found).toBeGreaterThanOrEqual(0);
    expect(found).toBeLessThan(500);
  }
});

test("of a NAT about which too little is known the neighbouring ports are tried, of one that counts the next", () => {
  const tried = (peer: Partial<LinkPeer>) => {
    const { effects } = play({ ...config, peer: { ...config.peer, ...peer } }, [], 200);
    return [...new Set(sent(effects).map(({ remote }) => remote.port))].sort();
  };
  expect(tried({ mapping: "unknown", ports: [40_002] })).toEqual([40_000, 40_001, 40_002, 40_003, 40_004]);
  const mapping = "endpoint-dependent";
  const next = [40_002, 40_004, 40_005, 40_006, 40_007, 40_008, 40_009];
  expect(tried({ mapping, ports: [40_002, 40_003] })).toEqual(next);
  expect(tried({ mapping, ports: [40_002, 40_000] })).toEqual([
    39_988, 39_990, 39_992, 39_994, 39_996, 39_998, 40_002,
  ]);
  expect(tried({ mapping, ports: [40_002, 50_000] })).toEqual([40_002]);
  expect(tried({ mapping, ports: [40_002, 40_002] })).toEqual([40_002]);
  expect(tried({ mapping: "endpoint-independent" })).toEqual([40_002]);
});

test("a machine that opens no more sockets gives its turn to another link at once", () => {
  const dependent: LinkConfig = { ...config, you: { endpoint: peerEndpoint, mapping: "endpoint-dependent" } };
  const kinds = (count: number) => {
    const { effects } = play(
      { ...dependent, peer: { ...config.peer, endpoint: { ip: "192.0.2.1", port: 9 } } },
      [
        { at: 400, event: { kind: "turn-given" } },
        { at: 410, event: { kind: "sockets-opened", count } },
      ],
    );
    return effects.map(({ effect }) => effect.kind);
  };
  expect(kinds(0)).toContain("end-turn");
  expect(kinds(1)).not.toContain("end-turn");
});

test("an answer to a probe counts only from where the probe was sent to, and on the socket it was sent from", () => {
  const there = { ip: "192.0.2.1", port: 9 };
  const turn = { at: 400, event: { kind: "turn-given" } as const };
  const opened = { at: 401, event: { kind: "sockets-opened", count: 256 } as const };
  for (const [ours, theirs, events] of [
    ["endpoint-independent", "endpoint-dependent", [turn]],
    ["endpoint-dependent", "endpoint-independent", [turn, opened]],
  ] as const) {
    const you = { endpoint: { ip: "203.0.113.1", port: 40_001 }, mapping: ours };
    const peer = { ...config.peer, endpoint: there, ports: [9, 10_000], mapping: theirs };
    const { state, effects } = play({ ...config, you, peer }, events, 600);
    const probe = sent(effects).findLast(({ local, remote }) => local !== "v4" || remote.port !== there.port);
    if (!probe) throw new Error("no probe was sent");
    const { number, local, remote } = probe;
    const isTaken = (arrival: Partial<Arrival>, by = 0) => {
      const event = { kind: "answer-received", number: number + by, local, remote, ...arrival } as const;
      return step(state, event, noon + 610).state !== state;
    };
    expect(isTaken({})).toBe(true);
    expect(isTaken({}, -1)).toBe(false);
    expect(isTaken({}, 1)).toBe(false);
    expect(isTaken({ remote: { ...remote, port: remote.port + 1 } })).toBe(false);
    expect(isTaken({ remote: { ...remote, ip: "192.0.2.2" } })).toBe(false);
    expect(isTaken({ local: local === "v4" ? 0 : 255 })).toBe(false);
  }
});

describe("when one of the sockets was found", () => {
  const there = { ip: "192.0.2.1", port: 9 };
  const near = { ip: "192.168.1.11", port: 40_000 };
  const dependent: LinkConfig = {
    ...config,
    you: { endpoint: { ip: "203.0.113.1", port: 40_001 }, mapping: "endpoint-dependent" },
    peer: { ...config.peer, endpoint: there, candidates: [near] },
  };
  type Moment = { at: number; event: LinkEvent };
  const found: Moment[] = [
    { at: 400, event: { kind: "turn-given" } },
    { at: 401, event: { kind: "sockets-opened", count: 256 } },
  ];
  /** Our last check on that socket is answered. */
  const withAnswer = (events: readonly Moment[], at: number, arrival: Arrival): Moment[] => {
    const ours = sent(play(dependent, events, at).effects).findLast(({ packet, local }) => {
      return packet === "check" && local === arrival.local;
    });
    return [...events, { at, event: { kind: "answer-received", number: ours?.number ?? 0, ...arrival } }];
  };
  /** The peer's check comes there, and ours is answered. */
  const withPath = (events: readonly Moment[], at: number, number: number, arrival: Arrival): Moment[] => {
    return withAnswer(
      [...events, { at, event: { kind: "check-received", number, ...arrival } }],
      at + 80,
      arrival,
    );
  };
  const byThree = withPath(found, 1_000, 1, { local: 3, remote: there });
  const outcome = (events: readonly Moment[]) => {
    const { state, effects } = play(dependent, events, 3_200);
    const kinds = effects.flatMap(({ effect }) => {
      if (effect.kind === "use-path") return [`use ${effect.path.local}`];
      if (effect.kind === "close-sockets") return [`keep ${effect.keep}`];
      return effect.kind === "settle" || effect.kind === "end-turn" ? [effect.kind] : [];
    });
    return { kinds, local: pathInUse(state)?.local };
  };

  test("it is kept, and the others are closed after a while", () => {
    expect(outcome(byThree)).toEqual({ kinds: ["use 3", "end-turn", "settle", "keep 3"], local: 3 });
  });

  test("but if the peer comes by another one, that is kept", () => {
    const bySeven = withPath(byThree, 1_500, 2, { local: 7, remote: there });
    // The first one works as well, only that the peer never sends there of itself.
    const both = withAnswer(bySeven, 2_150, { local: 3, remote: there });
    expect(outcome(both)).toEqual({ kinds: ["use 3", "end-turn", "settle", "use 7", "keep 7"], local: 7 });
  });

  test("and none, if a better path comes up", () => {
    const nearby = withPath(byThree, 1_500, 2, { local: "v4", remote: near });
    expect(outcome(nearby)).toEqual({
      kinds: ["use 3", "end-turn", "settle", "use v4", "keep null"],
      local: "v4",
    });
  });
});

test("a turn that comes when it is needed no more is given back", () => {
  const { effects } = play(config, [{ at: 400, event: { kind: "turn-given" } }]);
  expect(effects.at(-1)?.effect).toEqual({ kind: "end-turn" });
});

test("the odds are what they are said to be", () => {
  const misses = Math.exp((-linkLimits.birthdaySockets * linkLimits.birthdayProbes) / 64_512);
  expect(misses).toBeLessThan(0.0003);
});

test("ports are not probed any more when the other end has given up, however late the turn came", () => {
  for (const [ours, theirs] of [
    ["endpoint-independent", "endpoint-dependent"],
    ["endpoint-dependent", "endpoint-independent"],
  ] as const) {
    const you = { endpoint: { ip: "203.0.113.1", port: 40_001 }, mapping: ours };
    const peer = { ...config.peer, endpoint: { ip: "192.0.2.1", port: 9 }, mapping: theirs };
    const withoutRelay = { ...config, you, peer, relay: false };
    for (const at of [400, 9_000, 20_000]) {
      const { effects } = play(
        withoutRelay,
        [
          { at, event: { kind: "turn-given" } },
          { at: at + 10, event: { kind: "sockets-opened", count: 256 } },
        ],
        60_000,
      );
      const probes = effects.filter(({ effect }) => effect.kind === "send").map(({ at }) => at);
      expect(Math.max(...probes)).toBeLessThanOrEqual(linkLimits.birthdayMs);
      const end = effects.find(({ effect }) => effect.kind === "end");
      expect(end?.at).toBeLessThanOrEqual(linkLimits.birthdayMs);
    }
  }
});

test("every port has its probe, and its answer a second, within the time there is", () => {
  const probingMs = (linkLimits.birthdayProbes / linkLimits.birthdayRate) * 1_000;
  expect(linkLimits.birthdayAfterMs + probingMs + 450).toBeLessThanOrEqual(linkLimits.birthdayMs);
});
