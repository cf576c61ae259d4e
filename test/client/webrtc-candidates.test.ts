import { describe, expect, test } from "vitest";
import { admitted, strip } from "../../client/webrtc/candidates.ts";
import { pathKindOf } from "../../client/webrtc/path-kind.ts";

const near = { near: true, relayOnly: false };
const far = { near: false, relayOnly: false };
const relayOnly = { near: false, relayOnly: true };
const mdns = "0f1e2d3c-0000-4000-8000-000000000000.local";
const candidate = (address: string, kind = "host", protocol = "udp", port = 5000) =>
  `candidate:842163049 1 ${protocol} 1677729535 ${address} ${port} typ ${kind} raddr 0.0.0.0 rport 0 generation 0`;

describe("which candidates are told and taken", () => {
  const cases: [
    why: string,
    text: string,
    inNear: string | null,
    inFar: string | null,
    inRelayOnly: string | null,
  ][] = [
    ["a public address", candidate("203.0.113.7"), "host", "host", null],
    ["one that a server saw", candidate("203.0.113.7", "srflx"), "srflx", "srflx", null],
    ["a TURN server's", candidate("203.0.113.7", "relay"), "relay", "relay", "relay"],
    ["IPv6", candidate("2001:db9::1"), "host", "host", null],
    ["a private address", candidate("192.168.0.7"), "host", null, null],
    ["a private one of IPv6", candidate("fd00::1"), "host", null, null],
    ["a private one that claims to be a TURN server's", candidate("10.0.0.1", "relay"), "relay", null, null],
    ["the cloud's metadata", candidate("169.254.169.254"), "host", null, null],
    ["a name of mDNS", candidate(mdns), "host", null, null],
    ["any other name", candidate("router.local"), null, null, null],
    ["a name of the Internet", candidate("example.com"), null, null, null],
    ["the machine itself", candidate("127.0.0.1"), null, null, null],
    ["the machine itself, mapped", candidate("::ffff:127.0.0.1"), null, null, null],
    ["TCP", candidate("203.0.113.7", "host", "tcp"), null, null, null],
    ["no port", candidate("203.0.113.7", "host", "udp", 0), null, null, null],
    ["a kind that is none", candidate("203.0.113.7", "best"), null, null, null],
    [
      "a second line",
      `${candidate("203.0.113.7")}\r\na=candidate:1 1 udp 1 10.0.0.1 1 typ host`,
      null,
      null,
      null,
    ],
    ["no text", "", null, null, null],
    ["a very long one", `${candidate("203.0.113.7")} ${"x".repeat(400)}`, null, null, null],
  ];
  for (const [why, text, inNear, inFar, inRelayOnly] of cases) {
    test(why, () => {
      expect([near, far, relayOnly].map((nearness) => admitted(text, nearness))).toEqual([
        inNear,
        inFar,
        inRelayOnly,
      ]);
    });
  }
});

const media = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel";
const sdpOf = (...lines: string[]) => ["v=0", ...lines, ""].join("\r\n");

test("a description loses its candidates and addresses, and nothing else", () => {
  const full = sdpOf(
    "o=- 1 1 IN IP4 0.0.0.0",
    "m=application 5000 UDP/DTLS/SCTP webrtc-datachannel",
    "c=IN IP4 10.0.0.1",
    "a=rtcp:1 IN IP4 10.0.0.1",
    `a=${candidate("10.0.0.1")}`,
    "a=end-of-candidates",
    "a=mid:0",
  );
  expect(strip(full)).toEqual({
    sdp: sdpOf("o=- 1 1 IN IP4 0.0.0.0", media, "c=IN IP4 0.0.0.0", "a=mid:0"),
    candidates: [candidate("10.0.0.1")],
  });
});

describe("what is no description of data channels alone is not used", () => {
  const cases: [why: string, sdp: string][] = [
    ["nothing", ""],
    ["no version", `${media}\r\n`],
    ["no channel", sdpOf("a=mid:0")],
    ["two", sdpOf(media, media)],
    ["sound", sdpOf("m=audio 9 UDP/TLS/RTP/SAVPF 111")],
    ["sound besides", sdpOf(media, "m=audio 9 UDP/TLS/RTP/SAVPF 111")],
    ["sound behind a break of its own", sdpOf(media, "a=mid:0\rm=audio 9 UDP/TLS/RTP/SAVPF 111")],
    ["what is no ASCII", sdpOf(media, "a=é")],
    ["too much", sdpOf(media, ...Array.from({ length: 100 }, () => `a=${"x".repeat(80)}`))],
  ];
  for (const [why, sdp] of cases) test(why, () => expect(strip(sdp)).toBeNull());
});

describe("the kind of path that a connection has", () => {
  const pair = {
    id: "p",
    type: "candidate-pair",
    localCandidateId: "l",
    remoteCandidateId: "r",
    state: "succeeded",
  };
  const transport = { id: "t", type: "transport", selectedCandidatePairId: "p" };
  const ends = (local: object, remote: object) => [
    { id: "l", type: "local-candidate", ...local },
    { id: "r", type: "remote-candidate", ...remote },
  ];
  const [host, srflx, prflx, relay] = ["host", "srflx", "prflx", "relay"].map((candidateType) => ({
    candidateType,
  }));
  const cases: [
    why: string,
    entries: Record<string, unknown>[],
    inNear: string | null,
    inFar: string | null,
  ][] = [
    ["nothing is chosen", [], null, null],
    [
      "within a network",
      [transport, pair, ...ends(host ?? {}, { ...host, address: "192.168.0.7" })],
      "lan",
      "direct",
    ],
    ["by names of mDNS", [transport, pair, ...ends(host ?? {}, host ?? {})], "lan", "direct"],
    [
      "to a public address",
      [transport, pair, ...ends(host ?? {}, { ...prflx, ip: "203.0.113.7" })],
      "direct",
      "direct",
    ],
    ["through NATs", [transport, pair, ...ends(srflx ?? {}, { ...host })], "direct", "direct"],
    ["by our TURN server", [transport, pair, ...ends(relay ?? {}, host ?? {})], "turn", "turn"],
    ["by the peer's", [transport, pair, ...ends(host ?? {}, relay ?? {})], "turn", "turn"],
    ["as Firefox says it", [{ ...pair, selected: true }, ...ends(host ?? {}, host ?? {})], "lan", "direct"],
    ["as others did", [{ ...pair, nominated: true }, ...ends(host ?? {}, host ?? {})], "lan", "direct"],
    ["one that was only tried", [pair, ...ends(host ?? {}, host ?? {})], null, null],
  ];
  for (const [why, entries, inNear, inFar] of cases) {
    test(why, () =>
      expect([true, false].map((isNear) => pathKindOf(entries, isNear))).toEqual([inNear, inFar]),
    );
  }
});
