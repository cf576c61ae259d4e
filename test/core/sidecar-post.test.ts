import fc from "fast-check";
import { expect, test } from "vitest";
import { longestPass } from "../../core/observing/pass.ts";
import { longestToken } from "../../core/token.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { heartbeat, observationBytes, observations, postFrameBytes } from "../../core/wire/sidecar-post.ts";

const beat = { name: "paris-1", host: "paris.example", port: 5990, load: 0 };
const proof = {
  kind: "token",
  text: "V3RV.AAECAwQFBgcICQoL.aoco.UJmR-P_tvMU.nulnDjBCFMsfeG0Pewl-9Q",
} as const;
const seen = { proof, clientId: "AAECAwQFBgcICQoL", ip: "192.0.2.1", port: 50000 };

const misshapenProofs = [
  ...[
    { kind: "token" },
    { kind: "secret", text: "" },
    { text: "" },
    { kind: "token", text: 1 },
    "",
    null,
    undefined,
  ],
  ...[
    { kind: "token", text: "a".repeat(longestToken + 1) },
    { kind: "pass", text: "a".repeat(longestPass + 1) },
  ],
];

const takesBeat = (change: object) => heartbeat.safeParse({ ...beat, ...change }).success;
const takesSeen = (change: object) =>
  observations.safeParse({ observations: [{ ...seen, ...change }] }).success;

test("a heartbeat is read, with a host or without, and the last one says so", () => {
  expect(heartbeat.parse(beat)).toEqual(beat);
  const { host: _, ...hostless } = beat;
  expect(heartbeat.parse({ ...hostless, leaving: true })).toEqual({ ...hostless, leaving: true });
});

test("a heartbeat with anything out of bounds is refused", () => {
  for (const name of ["", "a b", "a/b", "é", "a".repeat(33), 1, undefined])
    expect(takesBeat({ name })).toBe(false);
  for (const host of ["", "a b", "http://a", "[::1]", "a".repeat(254), "a\n", null]) {
    expect(takesBeat({ host })).toBe(false);
  }
  for (const port of [0, 65536, 1.5, "5990", undefined]) expect(takesBeat({ port })).toBe(false);
  for (const load of [-1, "0", Number.NaN, Number.POSITIVE_INFINITY, undefined]) {
    expect(takesBeat({ load })).toBe(false);
  }
  expect(takesBeat({ leaving: "no" })).toBe(false);
});

test("observations are read: by tokens and by passes, IPv4 and IPv6", () => {
  const post = {
    observations: [
      seen,
      { ...seen, proof: { kind: "pass" as const, text: "a".repeat(longestPass) }, ip: "2001:db8::ff" },
      { ...seen, proof: { ...proof, text: "a".repeat(longestToken) }, port: 65535 },
    ],
  };
  expect(observations.parse(post)).toEqual(post);
  expect(observations.parse({ observations: [] })).toEqual({ observations: [] });
});

test("an observation with anything out of shape is refused", () => {
  for (const wrong of misshapenProofs) expect(takesSeen({ proof: wrong }), JSON.stringify(wrong)).toBe(false);
  for (const clientId of ["", "short", "AAECAwQFBgcICQo+", "AAECAwQFBgcICQoLA"]) {
    expect(takesSeen({ clientId })).toBe(false);
  }
  for (const ip of ["", "host.example", "fe80::1%eth0", "1".repeat(46), 1])
    expect(takesSeen({ ip })).toBe(false);
  for (const port of [0, 65536, -1, 0.5, "1"]) expect(takesSeen({ port })).toBe(false);
});

test("a post holds 500 observations and not one more", () => {
  const many = (length: number) => ({ observations: Array.from({ length }, () => seen) });
  expect(observations.safeParse(many(wireLimits.observationsPerPost)).success).toBe(true);
  expect(observations.safeParse(many(wireLimits.observationsPerPost + 1)).success).toBe(false);
});

/** Text of the longest IPv6 address, with an IPv4 one in it. */
const longestEndpoint = { ip: "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", port: 65535 };
const longestOfOrion = { ...seen, proof: { ...proof, text: "r".repeat(longestToken) }, ...longestEndpoint };
const longest = {
  ...{ ...longestOfOrion, second: longestEndpoint },
  candidates: Array.from({ length: wireLimits.candidates }, () => longestEndpoint),
};

test("500 observations of Orion's clients, or 160 of the longest there are, fit into a post", () => {
  for (const [observation, count] of [
    [longestOfOrion, wireLimits.observationsPerPost],
    [longest, 160],
  ] as const) {
    const post = { observations: Array(count).fill(observation) };
    expect(observations.safeParse(post).success).toBe(true);
    expect(JSON.stringify(post).length).toBeLessThanOrEqual(wireLimits.sidecarPostBytes);
  }
});

test("an observation takes no more bytes in a post than was reckoned, and hardly less", () => {
  const endpoint = fc.record({
    ip: fc.constantFrom("::", "192.0.2.1", longestEndpoint.ip),
    port: fc.integer({ min: 1, max: 65535 }),
  });
  const observation = fc
    .tuple(
      endpoint,
      fc.option(endpoint, { nil: undefined }),
      fc.option(fc.array(endpoint, { maxLength: wireLimits.candidates }), { nil: undefined }),
      fc.constantFrom(true, undefined),
    )
    .map(([at, second, candidates, proven]) => ({ ...seen, ...at, second, candidates, proven }));
  fc.assert(
    fc.property(fc.array(observation), (some) => {
      expect(observations.safeParse({ observations: some }).success).toBe(true);
      const reckoned = some.reduce((all, one) => all + observationBytes(one), postFrameBytes);
      expect(JSON.stringify({ at: Date.now(), observations: some }).length).toBeLessThanOrEqual(reckoned);
    }),
  );
  const ipv6 = { ip: "2001:1db8:1111:2222:3333:4444:5555:6666", port: 65535 };
  const proven = { ...longest, ...ipv6, second: ipv6, candidates: [], proven: true };
  const many = Array(400).fill(proven);
  const reckoned = postFrameBytes + 400 * observationBytes(proven);
  expect(JSON.stringify({ at: Date.now(), observations: many }).length).toBeLessThanOrEqual(reckoned);
  const ten = Array(10).fill(longest);
  const post = { at: Number.MAX_SAFE_INTEGER, observations: ten };
  const spare = postFrameBytes + 10 * observationBytes(longest) - JSON.stringify(post).length;
  expect(spare).toBeLessThanOrEqual(20);
});

test("any JSON is a post or refused, and never throws", () => {
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), fc.anything()), (body) => {
      heartbeat.safeParse(body);
      observations.safeParse({ observations: [body] });
      expect(observations.safeParse(body).success).toBe(false);
    }),
  );
});
