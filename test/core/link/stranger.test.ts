/** What somebody on the way can do with packets he has seen, and a peer with what it claims. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressBytes, type Endpoint, scopeOf } from "../../../core/endpoint.ts";
import type { LinkConfig } from "../../../core/link/config.ts";
import type { LinkEvent } from "../../../core/link/event.ts";
import { linkLimits } from "../../../core/link/limits.ts";
import { portAt } from "../../../core/link/probing.ts";
import { pathInUse } from "../../../core/link/state.ts";
import { openLink, step } from "../../../core/link/step.ts";
import { wireLimits } from "../../../core/wire/limits.ts";
import { answer, check, config, noon, peerEndpoint, play, sent, sidecar } from "./a-link.ts";

const elsewhere: Endpoint = { ip: "192.0.2.66", port: 666 };

/** A link whose direct path is in use: the peer's check 10 was answered, and ours as well. */
const linked = play(config, [
  { at: 40, event: check(10) },
  { at: 80, event: answer(1) },
]);

function changesNothing(event: LinkEvent, at = 100): void {
  const after = step(linked.state, event, noon + at);
  expect(after.effects).toEqual([]);
  expect(after.state).toBe(linked.state);
}

test("the link is made, for a start", () => {
  expect(pathInUse(linked.state)?.remote).toEqual(peerEndpoint);
});

describe("a packet that is sent again changes nothing and is not answered", () => {
  test("a check, from where it came or from elsewhere", () => {
    changesNothing(check(10));
    changesNothing(check(10, elsewhere));
  });

  test("an answer", () => {
    changesNothing(answer(1));
    changesNothing(answer(1, elsewhere));
  });

  test("a check that is older than those that may still be under way", () => {
    let later = linked.state;
    for (let i = 0; i < linkLimits.replayWindow; i++) later = step(later, check(20 + i), noon + 90).state;
    for (const number of [1, 10, 11, 20]) {
      expect(step(later, check(number, elsewhere), noon + 95)).toEqual({ state: later, effects: [] });
    }
    expect(step(later, check(20 + linkLimits.replayWindow), noon + 1_095).effects.length).toBeGreaterThan(0);
  });

  test("a farewell with a number that has come, or is too old", () => {
    changesNothing({ kind: "farewell-received", number: 10, local: "v4", remote: peerEndpoint });
    changesNothing({ kind: "farewell-received", number: 0, local: "v4", remote: peerEndpoint });
    changesNothing({ kind: "farewell-received", number: 10, local: "v4", remote: elsewhere });
  });
});

describe("an answer counts only", () => {
  const open = play(config, []);
  const changes = (event: LinkEvent) => step(open.state, event, noon + 40).state !== open.state;

  test("to a check that was sent, from where and to where it was sent", () => {
    expect(changes(answer(1))).toBe(true);
    expect(changes(answer(1, elsewhere))).toBe(false);
    expect(changes(answer(1, { ...peerEndpoint, port: 40_003 }))).toBe(false);
    expect(changes(answer(2))).toBe(false);
    expect(changes({ kind: "answer-received", number: 1, local: "v6", remote: peerEndpoint })).toBe(false);
    expect(changes({ kind: "answer-received", number: 1, local: 3, remote: peerEndpoint })).toBe(false);
  });
});

describe("a peer that forges the sender of its packets", () => {
  /** What the peer may take for the next numbers: those around any that it has seen at its own addresses. */
  const foreseen = (seen: readonly number[]) =>
    new Set(seen.flatMap((number) => Array.from({ length: 200 }, (_, i) => number - 100 + i)));

  test("cannot foretell the number that a third party is checked with, whatever it sees before and after", () => {
    const forged = Array.from({ length: 30 }, (_, i) => ({
      at: 10 + i * 200,
      event: check(i + 1, elsewhere),
    }));
    const checks = sent(play(config, forged, 8_000).effects).filter(({ packet }) => packet === "check");
    const there = checks.filter(({ remote }) => remote.ip === elsewhere.ip);
    const known = foreseen(
      checks.filter(({ remote }) => remote.ip === peerEndpoint.ip).map(({ number }) => number),
    );
    expect(there.length).toBeGreaterThan(10);
    expect(there.filter(({ number }) => known.has(number))).toEqual([]);
    // Nor from one of those to the next.
    const apart = there.map(({ number }, i) => number - (there[i - 1]?.number ?? 0));
    expect(Math.min(...apart)).toBeGreaterThan(200);
    expect(new Set(apart).size).toBe(apart.length);
  });

  test("cannot foretell it either where the third party is a claim of its own, or the endpoint that nothing proves", () => {
    const claim = { ip: "2001:db8::66", port: 53 };
    const peer = { ...config.peer, proven: false, candidates: [claim] };
    const checks = sent(play({ ...config, hasV6: true, peer }, [], 8_000).effects);
    expect(checks.length).toBe(2 * linkLimits.claimedProbes);
    const apart = checks.map(({ number }, i) => number - (checks[i - 1]?.number ?? 0));
    expect(Math.min(...apart)).toBeGreaterThan(200);
  });

  test("does not spoil the order of the others: those to the peer's own endpoint and to the relay are counted up", () => {
    const numbers = sent(play(config, [], 5_000).effects).map(({ number }) => number);
    expect(numbers).toEqual(numbers.map((_, i) => i + 1));
  });
});

describe("a packet of the game, which nobody signs,", () => {
  test("makes no path, and shows none to be alive that was not confirmed", () => {
    changesNothing({ kind: "data-received", local: "v4", remote: elsewhere });
    const open = play(config, []).state;
    const event: LinkEvent = { kind: "data-received", local: "v4", remote: peerEndpoint };
    expect(step(open, event, noon + 40)).toEqual({ state: open, effects: [] });
  });

  test("does not keep a path in use that nobody answers on any more", () => {
    const data = Array.from({ length: 600 }, (_, i) => {
      return {
        at: 100 + i * 100,
        event: { kind: "data-received", local: "v4", remote: peerEndpoint } as const,
      };
    });
    const made = [
      { at: 40, event: check(10) },
      { at: 80, event: answer(1) },
    ];
    const { state } = play(config, [...made, ...data]);
    expect(pathInUse(state)).toBeNull();
  });
});

test("a check from an address nobody told is answered there, and checked a few times, not more", () => {
  const { effects } = play(config, [{ at: 50, event: check(1, elsewhere) }], 9_000);
  const there = sent(effects).filter(({ remote }) => remote.ip === elsewhere.ip);
  expect(there.filter(({ packet }) => packet === "answer").length).toBe(1);
  expect(there.filter(({ packet }) => packet === "check").length).toBe(linkLimits.triggeredChecks);
});

test("a peer that floods is answered so many times a second, and cannot fill the memory", () => {
  const flood = Array.from({ length: 5_000 }, (_, i) => {
    const remote = { ip: `192.0.2.${1 + (i % 250)}`, port: 1_024 + i };
    return { at: 100 + i / 10, event: check(i + 1, remote) };
  });
  const { state, effects } = play(config, flood);
  expect(sent(effects).filter(({ packet }) => packet === "answer").length).toBeLessThanOrEqual(
    linkLimits.answersPerSecond,
  );
  expect(state.candidates.length).toBeLessThanOrEqual(2 + linkLimits.metCandidates);
  expect(sent(effects).length).toBeLessThan(1_000);
});

test("an address the peer has moved to is learned even after many others", () => {
  const many = Array.from({ length: 40 }, (_, i) => {
    return { at: i * 60_000, event: check(i + 1, { ip: "192.0.2.9", port: 2_000 + i }) };
  });
  const alive = { ...config, peer: { ...config.peer, endpoint: null } };
  const { effects } = play(alive, [
    ...many.slice(0, 1),
    ...many.slice(1).map(({ event }, i) => ({ at: 100 + i * 200, event })),
  ]);
  const answered = new Set(sent(effects).map(({ remote }) => remote.port));
  expect(answered.has(2_039)).toBe(true);
});

const octet = fc.nat(255);
const v4 = fc.oneof(
  fc.ipV4(),
  fc.tuple(octet, octet).map(([a, b]) => `192.168.${a}.${b}`),
  octet.map((d) => `192.168.1.${d}`),
  octet.map((d) => `198.51.100.${d}`),
  octet.map((d) => `203.0.113.${d}`),
  octet.map((d) => `127.0.0.${d}`),
  octet.map((d) => `10.0.0.${d}`),
  fc.constantFrom("224.0.0.1", "255.255.255.255", "0.0.0.0", "169.254.1.1", "100.64.0.1", "192.168.1.255"),
);
const v6 = fc.oneof(
  fc.ipV6(),
  fc.constantFrom(
    "::1",
    "::",
    "ff02::1",
    "fe80::1",
    "fd00::1",
    "2001:db8::1",
    "2001:db8:5::5",
    "::ffff:7f00:1",
  ),
);
const port = fc.oneof(fc.constantFrom(40_000, 40_001, 40_002, 5_990), fc.integer({ min: 1, max: 65_535 }));
const claim = fc.record({ ip: fc.oneof(v4, v6, fc.constantFrom("localhost", "1:2", "")), port });
const claims = fc.array(claim, { maxLength: 30 });

/** Every packet that a link sends in its first 30 seconds to a peer that never says a word. */
function sentTo(config: LinkConfig): Endpoint[] {
  return sent(play(config, [], 40_000).effects).map(({ remote }) => remote);
}

const withClaims = (candidates: readonly Endpoint[], more: Partial<LinkConfig> = {}): LinkConfig => {
  return { ...config, hasV6: true, ...more, peer: { ...config.peer, candidates } };
};
const isObserved = ({ ip, port }: Endpoint) => ip === peerEndpoint.ip && port === peerEndpoint.port;

describe("a peer that lies about its addresses", () => {
  test("gets at most five packets sent to each, and to eight of them", () => {
    fc.assert(
      fc.property(claims, (candidates) => {
        const counts = new Map<string, number>();
        for (const { ip, port } of sentTo(withClaims(candidates)).filter((to) => !isObserved(to))) {
          counts.set(`${ip} ${port}`, (counts.get(`${ip} ${port}`) ?? 0) + 1);
        }
        expect(counts.size).toBeLessThanOrEqual(wireLimits.candidates);
        for (const count of counts.values()) expect(count).toBeLessThanOrEqual(linkLimits.claimedProbes);
      }),
      { numRuns: 300 },
    );
  });

  test("gets no more sent there when the path in use has died, and all else is tried again", () => {
    const liar = withClaims([elsewhere], { relay: false });
    const { effects } = play(
      liar,
      [
        { at: 40, event: check(1) },
        { at: 80, event: answer(1) },
      ],
      60_000,
    );
    expect(effects.at(-1)?.effect).toEqual({ kind: "end", cause: "path-lost" });
    expect(sent(effects).filter(({ remote }) => remote.ip === elsewhere.ip).length).toBeLessThanOrEqual(5);
  });

  test("gets none sent to this machine, to many at once, into a strange private network, or at the sidecar's", () => {
    fc.assert(
      fc.property(claims, (candidates) => {
        for (const { ip, port } of sentTo(withClaims(candidates))) {
          expect(["public", "private"]).toContain(scopeOf(ip));
          if (scopeOf(ip) === "private") expect(ip).toMatch(/^192\.168\.1\./);
          expect(ip).not.toMatch(/^198\.51\.100\.|\.255$|\.0$/);
          expect(ip === "192.168.1.10" && port === 40_000, "our own socket").toBe(false);
          expect(ip === "203.0.113.1" && port === 40_001, "our own socket, from outside").toBe(false);
          expect(addressBytes(ip)).not.toBeNull();
        }
      }),
      { numRuns: 300 },
    );
  });

  test("gets none sent over IPv6 where there is no such socket, and none at all where only the relay is allowed", () => {
    fc.assert(
      fc.property(claims, (candidates) => {
        for (const { ip } of sentTo(withClaims(candidates, { hasV6: false }))) expect(ip).not.toContain(":");
        expect(sentTo(withClaims(candidates, { relayOnly: true }))).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});

describe("an address is tried", () => {
  const isTried = (claim: Endpoint, more: Partial<LinkConfig> = {}) => {
    const peer = { ...config.peer, ...more.peer, candidates: [claim] };
    return sentTo({ ...config, hasV6: true, ...more, peer }).some(({ ip }) => ip === claim.ip);
  };
  const you = (ip: string) => ({ endpoint: { ip, port: 40_001 }, mapping: "endpoint-independent" as const });
  const peer = (ip: string) => ({ ...config.peer, endpoint: { ip, port: 40_002 } });

  test("in a private network if both are behind one router, or in it", () => {
    const claim = { ip: "10.1.2.3", port: 40_000 };
    expect(isTried(claim)).toBe(false);
    expect(isTried(claim, { you: you(peerEndpoint.ip) })).toBe(true);
    expect(isTried(claim, { own: [{ address: "10.1.2.4", prefixLength: 24 }] })).toBe(true);
    expect(isTried(claim, { own: [{ address: "10.1.3.4", prefixLength: 24 }] })).toBe(false);
    expect(isTried(claim, { you: null })).toBe(false);
  });

  test("but not the one for all in it", () => {
    const own = [{ address: "192.168.1.10", prefixLength: 26 }];
    expect(isTried({ ip: "192.168.1.62", port: 1 }, { own })).toBe(true);
    expect(isTried({ ip: "192.168.1.63", port: 1 }, { own })).toBe(false);
    expect(isTried({ ip: "192.168.1.255", port: 1 }, { own })).toBe(false);
  });

  test("unless it is our own, here or from outside", () => {
    const at = (ip: string, port: number) =>
      sentTo(withClaims([{ ip, port }])).filter((to) => !isObserved(to));
    expect(at("192.168.1.10", 40_000)).toEqual([]);
    expect(at("192.168.1.10", 40_001).length).toBe(linkLimits.claimedProbes);
    expect(at("203.0.113.1", 40_001)).toEqual([]);
  });

  test("if it is among the first eight", () => {
    const many = Array.from({ length: 9 }, (_, i) => ({ ip: "192.168.1.77", port: 1 + i }));
    const ports = new Set(sentTo(withClaims(many)).map(({ port }) => port));
    expect(ports.has(8)).toBe(true);
    expect(ports.has(9)).toBe(false);
  });

  test("over IPv6 if it is a public one, or in our network", () => {
    expect(isTried({ ip: "2001:db8::5", port: 1 })).toBe(true);
    expect(isTried({ ip: "fd00::5", port: 1 })).toBe(false);
    expect(isTried({ ip: "fd00::5", port: 1 }, { own: [{ address: "fd00::1", prefixLength: 64 }] })).toBe(
      true,
    );
    expect(isTried({ ip: "fe80::5", port: 1 }, { own: [{ address: "fe80::1", prefixLength: 64 }] })).toBe(
      false,
    );
  });

  test("at the sidecar's only if both players are there", () => {
    const there = { sidecar: { ip: "2001:db8:6::1", port: 5_990 } };
    const claim = { ip: "2001:db8:6::20", port: 1 };
    const [ours, theirs] = ["2001:db8:6::8", "2001:db8:6::9"];
    expect(isTried(claim, { ...there, you: you(ours) })).toBe(false);
    expect(isTried(claim, { ...there, peer: peer(theirs) })).toBe(false);
    expect(isTried(claim, { ...there, you: you(ours), peer: peer(theirs) })).toBe(true);
    expect(
      isTried(claim, { ...there, own: [{ address: ours, prefixLength: 128 }], peer: peer(theirs) }),
    ).toBe(true);
    const six = { sidecar: { ip: "2001:db8:5::1", port: 5_990 } };
    expect(isTried({ ip: "2001:db8:5::9", port: 1 }, six)).toBe(false);
    expect(isTried({ ip: "2001:db8:5:1::9", port: 1 }, six)).toBe(true);
  });

  test("at the sidecar's if the peer is on the sidecar's own machine, and we are next to it", () => {
    const claim = { ip: "192.168.1.11", port: 40_002 };
    const there = { sidecar: { ip: "192.168.1.11", port: 5_990 }, peer: peer("127.0.0.1") };
    expect(isTried(claim, { ...there, you: you("192.168.1.10") })).toBe(true);
    expect(isTried(claim, { ...there, you: you("203.0.113.1"), own: [] })).toBe(false);
    // From there, the sidecar is at home as well.
    const here = { sidecar: { ip: "127.0.0.1", port: 5_990 }, you: you("127.0.0.1") };
    expect(isTried({ ip: "192.168.1.12", port: 1 }, { ...here, peer: peer("192.168.1.12") })).toBe(true);
  });

  test("at the sidecar's, if the sidecar itself saw the peer there, but not at the sidecar's own port", () => {
    const there = { ...config, peer: peer(sidecar.ip) };
    expect(sentTo(there).length).toBeGreaterThan(10);
    const dependent: LinkConfig = { ...there, peer: { ...there.peer, mapping: "endpoint-dependent" } };
    // A seed by which the sidecar's port is among those guessed.
    const tried = (seed: number) => {
      const { portOffset } = openLink({ ...dependent, seed }, noon).state;
      return Array.from({ length: linkLimits.birthdayProbes }, (_, i) => portAt(portOffset, i));
    };
    let seed = 0;
    while (!tried(seed).includes(sidecar.port)) seed += 99_991;
    const turn = { at: 400, event: { kind: "turn-given" } as const };
    const ports = sent(play({ ...dependent, seed }, [turn], 12_000).effects).map(({ remote }) => remote.port);
    expect(ports.length).toBeGreaterThan(linkLimits.birthdayProbes);
    expect(ports).not.toContain(sidecar.port);
  });

  test("on this machine only if both are seen there", () => {
    const loopback = { ip: "127.0.0.1", port: 40_002 };
    expect(isTried(loopback)).toBe(false);
    expect(isTried(loopback, { you: you("127.0.0.1") })).toBe(false);
    expect(isTried(loopback, { you: you("127.0.0.1"), peer: peer("127.0.0.1") })).toBe(true);
  });

  test("that the sidecar saw, if it is private, only by one who was seen at a private one as well", () => {
    const there = (ip: string) => sentTo({ ...config, you: you(ip), peer: peer("10.9.0.2") });
    expect(there("203.0.113.1").length).toBe(0);
    expect(there("10.8.0.2").length).toBeGreaterThan(10);
  });

  test("never if it is the sidecar's own", () => {
    const there = { you: you(sidecar.ip), peer: peer(sidecar.ip) };
    expect(
      sentTo({ ...config, ...there, peer: { ...there.peer, candidates: [sidecar] } }),
    ).not.toContainEqual(sidecar);
  });
});

test("an endpoint that is not proven gets a few packets, no guesses at ports and no probing, until the peer is heard from it", () => {
  const dependent = { ...config.peer, mapping: "endpoint-dependent", ports: [40_002, 40_003] } as const;
  for (const peer of [config.peer, dependent]) {
    const unproven: LinkConfig = { ...config, peer: { ...peer, proven: false } };
    const { effects } = play(unproven, [], 20_000);
    expect(sent(effects).filter(({ remote }) => remote.ip === peerEndpoint.ip).length).toBeLessThanOrEqual(
      linkLimits.claimedProbes,
    );
    expect(effects.map(({ effect }) => effect.kind)).not.toContain("ask-turn");
  }
  expect(sent(play(config, [], 20_000).effects).length).toBeGreaterThan(linkLimits.claimedProbes);
});
