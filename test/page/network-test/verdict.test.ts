/** What the network test says of what a browser has found: a table of networks. test/page/ has real browsers. */
import { describe, expect, test } from "vitest";
import { type Candidate, readCandidate } from "../../../page/network-test/candidate.ts";
import {
  type Check,
  checkNames,
  type Gathered,
  ipv6Check,
  localAddressesCheck,
  masked,
  type NatKind,
  natCheck,
  natOf,
  relayCheck,
  reportOf,
  sentenceOf,
  type UdpFound,
  udpCheck,
  webRtcCheck,
  webSocketCheck,
} from "../../../page/network-test/verdict.ts";

const hidden: Candidate = {
  kind: "host",
  address: "8b8d0e4e-9a5c-4c3b-9d0e-4e9a5c4c3b9d.local",
  port: 50_000,
};
const host = (address: string): Candidate => ({ kind: "host", address, port: 50_000 });
const seen = (port: number, address = "203.0.113.7"): Candidate => ({ kind: "srflx", address, port });

function gathered(...candidates: Candidate[]): Gathered {
  const isAnswered = candidates.some(({ kind }) => kind === "srflx");
  return { candidates, isComplete: isAnswered, errors: 0, answeredMs: isAnswered ? 40 : null };
}

const udp = (alone: Gathered[], together: Gathered | null): UdpFound => ({
  servers: alone.length,
  alone,
  together,
});

const networks: [what: string, found: UdpFound | null, nat: NatKind, udp: Check["outcome"]][] = [
  [
    "a router that keeps a socket's port",
    udp([gathered(hidden, seen(1)), gathered(hidden, seen(2))], gathered(hidden, seen(3))),
    "endpoint-independent",
    "good",
  ],
  [
    "a router with another port for each destination",
    udp([gathered(hidden, seen(1)), gathered(hidden, seen(2))], gathered(hidden, seen(3), seen(4))),
    "endpoint-dependent",
    "good",
  ],
  [
    "two networks at once, whose routers keep ports",
    udp(
      [gathered(seen(1), seen(2, "198.51.100.1")), gathered(seen(3), seen(4, "198.51.100.1"))],
      gathered(seen(5), seen(6, "198.51.100.1")),
    ),
    "endpoint-independent",
    "good",
  ],
  [
    "two networks at once, of which one has another port for each destination",
    udp(
      [gathered(seen(1), seen(2, "198.51.100.1")), gathered(seen(3), seen(4, "198.51.100.1"))],
      gathered(seen(5), seen(6, "198.51.100.1"), seen(7, "198.51.100.1")),
    ),
    "endpoint-dependent",
    "good",
  ],
  [
    "a router that keeps ports towards one machine, and not towards another one",
    udp([gathered(seen(1)), gathered(seen(2)), gathered(seen(3))], gathered(seen(4), seen(5))),
    "endpoint-dependent",
    "good",
  ],
  ["one STUN server alone", udp([gathered(hidden, seen(1))], null), "unknown", "good"],
  [
    "two STUN servers of which one is silent",
    udp([gathered(hidden, seen(1)), gathered(hidden)], gathered(hidden, seen(2))),
    "unknown",
    "good",
  ],
  [
    "a browser that leaves out an answer which is its own address",
    udp([{ ...gathered(host("192.168.1.5")), isComplete: true }], null),
    "unknown",
    "good",
  ],
  [
    "a browser that hides its address, and says that it has all answers",
    udp([{ ...gathered(hidden), isComplete: true }], null),
    "unknown",
    "unknown",
  ],
  [
    "a network that refuses UDP at once",
    udp([{ ...gathered(host("192.168.1.5")), isComplete: true, errors: 2 }], null),
    "unknown",
    "bad",
  ],
  ["UDP that goes nowhere", udp([gathered(hidden), gathered(hidden)], gathered(hidden)), "unknown", "bad"],
  [
    "a machine with a public address",
    udp([gathered(host("198.51.100.4")), gathered(host("198.51.100.4"))], gathered(host("198.51.100.4"))),
    "none",
    "bad",
  ],
  [
    "a server in the player's own network",
    udp(
      [gathered(seen(1, "192.168.1.5")), gathered(seen(2, "192.168.1.5"))],
      gathered(seen(3, "192.168.1.5")),
    ),
    "unknown",
    "good",
  ],
  [
    "IPv6 alone, without a NAT",
    udp(
      [gathered(seen(1, "2001:db8::1")), gathered(seen(2, "2001:db8::1"))],
      gathered(seen(3, "2001:db8::1")),
    ),
    "endpoint-independent",
    "good",
  ],
  ["a browser without WebRTC", null, "unknown", "unknown"],
  ["a server without any STUN server", udp([], null), "unknown", "unknown"],
];

describe("the test tells", () => {
  for (const [what, found, nat, outcome] of networks) {
    test(what, () => {
      expect(natOf(found)).toBe(nat);
      expect(udpCheck(found).outcome).toBe(outcome);
    });
  }

  test("how fast UDP is answered by the fastest server", () => {
    const slow = { ...gathered(seen(1)), answeredMs: 90 };
    expect(udpCheck(udp([slow, gathered(seen(2))], gathered(seen(3)))).ms).toBe(40);
  });

  test("whether the machine has a public IPv6 address, and whether the browser hides its own", () => {
    expect(ipv6Check(udp([gathered(hidden, seen(1))], null)).outcome).toBe("unknown");
    expect(ipv6Check(udp([gathered(host("fe80::1"))], null)).outcome).toBe("unknown");
    expect(ipv6Check(udp([gathered(seen(1, "2001:db8::1"))], null)).outcome).toBe("good");
    const said = (...some: Candidate[]) => localAddressesCheck(udp([gathered(...some)], null)).detail;
    expect(said(hidden)).not.toBe(said(host("192.168.1.5")));
    expect(localAddressesCheck(udp([gathered(seen(1))], null)).outcome).toBe("unknown");
  });
});

const fine = {
  webSocket: webSocketCheck({ openMs: 50, pingMs: 20 }),
  relay: relayCheck({ usableMs: 800, rttMs: 41.4, path: "websocket" }),
  webRtc: webRtcCheck(true),
  udp: udpCheck(udp([gathered(seen(1))], null)),
};
const bad = { ...fine.udp, outcome: "bad" } as const;

test("each kind of network has a sentence of its own for the player", () => {
  const say = (about: Partial<typeof fine>, nat: NatKind) =>
    sentenceOf(Object.values({ ...fine, ...about }), nat);
  const noRelay = { relay: relayCheck(null) };
  const sentences = [
    say({ webSocket: webSocketCheck(null) }, "unknown"),
    say({ webRtc: webRtcCheck(false) }, "unknown"),
    say({ webRtc: webRtcCheck(false), ...noRelay }, "unknown"),
    say({ udp: bad }, "unknown"),
    say({ udp: bad, ...noRelay }, "unknown"),
    say({}, "endpoint-independent"),
    say(noRelay, "endpoint-independent"),
    say({}, "endpoint-dependent"),
    say(noRelay, "endpoint-dependent"),
    say({}, "unknown"),
    say(noRelay, "unknown"),
  ];
  expect(new Set(sentences).size).toBe(sentences.length);
  expect(say({}, "none")).toBe(say({}, "endpoint-independent"));
  for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z][^<>]{20,160}\.$/);
});

test("the report has every check and every candidate, and no address as a whole", () => {
  const found = udp(
    [
      gathered(hidden, host("192.168.178.23"), seen(40_001)),
      gathered(hidden, seen(40_002, "2001:db8:1:2:3:4:5:6")),
    ],
    gathered(hidden, seen(40_003)),
  );
  const checks = [
    ...Object.values(fine),
    natCheck(natOf(found)),
    ipv6Check(found),
    localAddressesCheck(found),
  ];
  const context = {
    at: "2030-01-01T00:00:00.000Z",
    server: "https://play.example",
    browser: "A browser",
    stun: ["stun:play.example:5990", "stun:play.example:5991"],
  };
  const report = reportOf(context, checks, natOf(found), found);
  for (const name of checkNames) expect(report).toMatch(new RegExp(`^${name}: (good|bad|unknown)`, "m"));
  for (const text of Object.values(context).flat()) expect(report).toContain(text);
  for (const text of ["port 40001", "port 40003", "203.0.x.x", "192.168.x.x", "2001:db8:x", "(hidden).local"])
    expect(report).toContain(text);
  expect(report).not.toMatch(/203\.0\.113|192\.168\.178|8b8d0e4e|2001:db8:1:2|\b\d+\.\d+\.\d+\.\d+\b/);
});

test("an address is masked, whatever it is", () => {
  expect(masked("203.0.113.7")).toBe("203.0.x.x");
  expect(masked("2001:db8:1:2::7")).toBe("2001:db8:x");
  expect(masked("::ffff:203.0.113.7")).toBe("203.0.x.x");
  expect(masked("not an address")).toBe("(unknown)");
});

test("candidates of UDP are read as browsers write them, and no others", () => {
  expect(
    readCandidate(
      "candidate:842163049 1 udp 1677729535 203.0.113.7 61154 typ srflx raddr 0.0.0.0 rport 0 generation 0",
    ),
  ).toEqual(seen(61_154));
  expect(readCandidate("candidate:1 1 UDP 2122252543 fe80::1 50000 typ host")).toEqual(host("fe80::1"));
  for (const text of [
    "",
    "candidate:1 1 tcp 1518280447 192.168.1.5 9 typ host tcptype active",
    "candidate:1 1 udp 1 203.0.113.7 1 typ <b>",
  ])
    expect(readCandidate(text)).toBeNull();
});
