/** Orion's messages, described once: what the server writes is what a client reads, and a client reads leniently. */
import { describe, expect, test } from "vitest";
import { orionText } from "../../core/dialects/orion.ts";
import type { LobbyMessage } from "../../core/lobby/message.ts";
import { encodeMessage } from "../../core/wire/codec.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { readServerMessage } from "../../core/wire/server-message.ts";
import { decode, encode } from "../../measure/kit/wire.ts";
import { lobbyId } from "./a-lobby.ts";

const report = {
  cause: null,
  peers: [{ clientId: "c2", path: null, cause: "no-packets-received" } as const],
};

const ben = { clientId: "b2", version: 4, name: "Ben" } as const;
const toldOfBen = { lobbyId, peerName: "Ben", clientId: "b2", version: 4 };
/** One of each, and what clients hear of it. */
const messages: { [T in LobbyMessage["type"]]: [LobbyMessage & { type: T }, string, object] } = {
  memberJoined: [
    { type: "memberJoined", ...ben, displayName: "Bén", data: { team: 1 } },
    "lobby_peerConnect",
    { ...toldOfBen, displayName: "Bén", data: { team: 1 } },
  ],
  memberLeft: [
    { type: "memberLeft", ...ben, kicked: true },
    "lobby_peerDisconnect",
    { ...toldOfBen, kicked: true },
  ],
  memberAway: [{ type: "memberAway", ...ben, until: 7 }, "lobby_memberAway", { ...toldOfBen, until: 7 }],
  memberBack: [{ type: "memberBack", ...ben }, "lobby_memberBack", toldOfBen],
  hostChanged: [
    { type: "hostChanged", ...ben, term: 2 },
    "lobby_hostChanged",
    { lobbyId, host: "Ben", clientId: "b2", version: 4, term: 2 },
  ],
  lobbyChanged: [
    { type: "lobbyChanged", version: 3, change: { locked: true, data: { map: "dust", mode: null } } },
    "lobby_changed",
    { lobbyId, version: 3, locked: true, data: { map: "dust", mode: null } },
  ],
  memberChanged: [
    { type: "memberChanged", clientId: "b2", version: 4, change: { displayName: "Bén", data: { team: 2 } } },
    "lobby_memberChanged",
    { lobbyId, clientId: "b2", version: 4, displayName: "Bén", data: { team: 2 } },
  ],
  kicked: [
    { type: "kicked", reason: "asleep", banned: true },
    "lobby_kicked",
    { lobbyId, reason: "asleep", banned: true },
  ],
  resumedElsewhere: [{ type: "resumedElsewhere" }, "lobby_resumedElsewhere", { lobbyId }],
  resumeRefused: [{ type: "resumeRefused" }, "lobby_resumeRefused", { lobbyId }],
  signal: [
    { type: "signal", from: "b2", data: { any: ["thing"] } },
    "lobby_signal",
    { lobbyId, from: "b2", data: { any: ["thing"] } },
  ],
  signalFailed: [
    { type: "signalFailed", to: "b2", code: "no_such_member" },
    "lobby_signalFailed",
    { lobbyId, to: "b2", code: "no_such_member" },
  ],
  mediationProgress: [
    { type: "mediationProgress", mediation: "m1", seen: ["a1"], awaited: ["b2"] },
    "ptpMediation_progress",
    { mediation: "m1", seen: ["a1"], awaited: ["b2"] },
  ],
  lobbyClosed: [{ type: "lobbyClosed", lobbyName: "Tea" }, "lobby_closed", { lobbyId, lobbyName: "Tea" }],
  chat: [
    { type: "chat", at: 12, from: "Ben", text: "hi" },
    "lobby_messaging_received",
    { lobbyId, message: { timestamp: 12, senderName: "Ben", message: "hi" } },
  ],
  endpointWanted: [
    { type: "endpointWanted", mediation: "m1", host: "paris.example", port: 1, secondPort: 2 },
    "ptpMediation_send",
    { port: 1, ports: [1, 2], mediation: "m1", host: "paris.example" },
  ],
  readyWanted: [{ type: "readyWanted", mediation: "m1" }, "ptpMediation_send", { mediation: "m1" }],
  mediationAborted: [
    { type: "mediationAborted", code: "member_left" },
    "ptpMediation_aborted",
    { code: "member_left", abortReason: expect.any(String) },
  ],
  mediationReported: [
    { type: "mediationReported", clientId: "c1", name: "Ben", report },
    "ptpMediation_report",
    { clientId: "c1", name: "Ben", ...report },
  ],
  mediationSucceeded: [{ type: "mediationSucceeded" }, "ptpMediation_success", {}],
};

describe("what a lobby says is written in Orion's words, and read again", () => {
  test.each(Object.entries(messages))("%s", (_, [message, method, payload]) => {
    const text = orionText(message, lobbyId);
    expect(decode(text)).toEqual({ method, payload });
    expect(readServerMessage(text)).toEqual({ method, payload });
  });
});

test("of a sidecar that knows nothing of the additions, only Orion's fields are told", () => {
  const plain = { type: "endpointWanted", mediation: "m1", host: undefined, port: 1 } as const;
  expect(decode(orionText({ ...plain, secondPort: undefined }, lobbyId)).payload).toEqual({ port: 1 });
});

const chat = { timestamp: 1, senderName: "Ben", message: "hi" };

describe("a client reads what other Orion servers leave out, or write otherwise", () => {
  test.each<[method: string, payload: object, read: object]>([
    ["client_registered", { token: "t" }, { token: "t" }],
    ["client_registered", { token: "t", pingMs: 1, clientId: "c" }, { token: "t", clientId: "c" }],
    ["client_registered", { token: "t", pingMs: "often", more: 1 }, { token: "t" }],
    ["lobby_peerConnect", { peerName: "Ben" }, { peerName: "Ben" }],
    ["lobby_peerDisconnect", { peerName: "Ben", lobbyId: 7 }, { peerName: "Ben" }],
    ["lobby_closed", {}, {}],
    ["lobby_closed", { lobbyId: null }, {}],
    ["lobby_messaging_received", { message: chat }, { message: chat }],
    ["ptpMediation_aborted", { abortReason: "why" }, { abortReason: "why" }],
    [
      "ptpMediation_peersConnection_start",
      { peers: [{ ip: "::1", port: 1 }] },
      { peers: [{ ip: "::1", port: 1 }] },
    ],
  ])("%s %j", (method, payload, read) => {
    expect(readServerMessage(encode(method, payload))).toEqual({ method, payload: read });
  });
});

describe("a client ignores", () => {
  test.each<[method: string, payload: object]>([
    ["client_registered", {}],
    ["client_registered", { token: "t".repeat(257) }],
    ["lobby_peerConnect", { lobbyId }],
    ["lobby_messaging_received", { message: "hi" }],
    ["ptpMediation_send", {}],
    ["ptpMediation_send", { port: 0 }],
    ["ptpMediation_send", { port: 0, mediation: "m1" }],
    ["ptpMediation_send", { port: 1, ports: [] }],
    ["ptpMediation_send", { port: 1, host: "h".repeat(254) }],
    ["ptpMediation_aborted", { code: "member_left" }],
    ["ptpMediation_peersConnection_start", { peers: [{ ip: "nowhere", port: 1 }] }],
    ["lobby_messaging_send", { message: "hi" }],
    ["__proto__", {}],
  ])("%s %j", (method, payload) => {
    expect(readServerMessage(encode(method, payload))).toBeNull();
  });
});

const aLink = (number: number) => {
  return { id: number.toString(16).padStart(12, "0"), key: "A".repeat(22), side: "a" };
};

test("an introduction has no more peers than a lobby, or is none: a server aims no client at thousands", () => {
  const bo = { ip: "192.0.2.1", port: 1 };
  for (const isLinked of [true, false]) {
    const peerAt = (i: number) =>
      isLinked ? { name: "Bo", clientId: "bo", ...bo, proven: true, link: aLink(i) } : bo;
    const told = (count: number) =>
      readServerMessage(
        encodeMessage("ptpMediation_peersConnection_start", {
          peers: Array.from({ length: count }, (_, i) => peerAt(i)),
          ...(isLinked && { you: { ip: "192.0.2.2", port: 1, mapping: "unknown" } }),
        }),
      );
    expect(told(wireLimits.seats - 1)).not.toBeNull();
    expect(told(wireLimits.seats)).toBeNull();
  }
});

test("an introduction in which a link comes twice is none: two ends would seal with one link's keys and counters", () => {
  const told = (...numbers: number[]) =>
    readServerMessage(
      encodeMessage("ptpMediation_peersConnection_start", {
        peers: numbers.map((number, i) => ({ name: "Bo", clientId: `b${i}`, link: aLink(number) })),
      }),
    );
  expect(told(1, 2)).not.toBeNull();
  expect(told(1, 2, 1)).toBeNull();
});

describe("an introduction tells of a peer that cannot use UDP, and how to reach it", () => {
  const peer = {
    name: "Bo",
    clientId: "bo",
    link: { id: "0123456789ab", key: "A".repeat(22), side: "a" },
    webSocket: { ticket: "a ticket", key: "a key", lifeMs: 600_000 },
    webrtc: { polite: false, near: false, relayOnly: true },
    commitment: "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
    features: ["ws-relay", "encrypted"],
  };
  const read = (peers: object[]) =>
    readServerMessage(encodeMessage("ptpMediation_peersConnection_start", { peers }))?.payload;

  test("without an address, and without one of the receiver", () => {
    expect(read([peer])).toEqual({ peers: [peer] });
  });

  test("an odd commitment makes it no introduction: nobody falls back to packets in clear", () => {
    expect(read([{ ...peer, commitment: "none" }])).toBeUndefined();
    expect(read([{ ...peer, commitment: null }])).toBeUndefined();
  });
});

test("a client reads which of a peer's addresses the server vouches for, and takes odd marks for none", () => {
  const at = { ip: "2001:db8::7", port: 9 };
  const candidates = [{ ...at, proven: true }, at, { ...at, proven: "yes" }];
  const peers = [{ name: "Ben", clientId: "c1", candidates }];
  const message = readServerMessage(encodeMessage("ptpMediation_peersConnection_start", { peers }));
  expect(message?.payload).toEqual({
    peers: [{ ...peers[0], candidates: [{ ...at, proven: true }, at, at] }],
  });
});
