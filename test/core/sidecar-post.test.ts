import fc from "fast-check";
import { expect, test } from "vitest";
import { limits } from "../../core/limits.ts";
import { heartbeat, observations } from "../../core/wire/sidecar-post.ts";

const beat = { name: "paris-1", host: "paris.example", port: 5990, load: 0 };
const seen = { home: "17", clientId: "AAECAwQFBgcICQoL", ip: "192.0.2.1", port: 50000 };

const misshapenHomes = [
  ...["", "007", "00", "-1", "+1", "0x11", "1f", "1e3", "1.5", "100000000"],
  ...[
    "١",
    "１７",
    " 17",
    "17 ",
    "1 7",
    "17\n",
    "K3Y7Z",
    "0a".repeat(32),
    "1".repeat(64),
    17,
    null,
    undefined,
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
  for (const name of ["", "a b", "a/b", "é", "a".repeat(65), 1, undefined])
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

test("observations are read: of the first home and the last there can be, IPv4 and IPv6", () => {
  const post = {
    observations: [
      seen,
      { ...seen, home: "0", ip: "2001:db8::ff" },
      { ...seen, home: "99999999", port: 65535 },
    ],
  };
  expect(observations.parse(post)).toEqual(post);
  expect(observations.parse({ observations: [] })).toEqual({ observations: [] });
});

test("an observation with anything out of shape is refused", () => {
  for (const home of misshapenHomes) expect(takesSeen({ home }), JSON.stringify(home)).toBe(false);
  for (const clientId of ["", "short", "AAECAwQFBgcICQo+", "AAECAwQFBgcICQoLA"]) {
    expect(takesSeen({ clientId })).toBe(false);
  }
  for (const ip of ["", "host.example", "fe80::1%eth0", "1".repeat(46), 1])
    expect(takesSeen({ ip })).toBe(false);
  for (const port of [0, 65536, -1, 0.5, "1"]) expect(takesSeen({ port })).toBe(false);
});

test("a post holds 500 observations and not one more", () => {
  const many = (length: number) => ({ observations: Array.from({ length }, () => seen) });
  expect(observations.safeParse(many(limits.observationsPerPost)).success).toBe(true);
  expect(observations.safeParse(many(limits.observationsPerPost + 1)).success).toBe(false);
});

test("500 of the longest observations fit into a post", () => {
  const longest = { ...seen, home: "9".repeat(8), ip: "f".repeat(45), port: 65535 };
  const body = JSON.stringify({ observations: Array(limits.observationsPerPost).fill(longest) });
  expect(body.length).toBeLessThanOrEqual(limits.sidecarPostBytes);
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
