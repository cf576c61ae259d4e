import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { sharedLimits } from "../../core/limits.ts";
import { observingLimits } from "../../core/observing/limits.ts";
import { abortReasons, problems } from "../../core/problem.ts";
import { settings } from "../../core/settings.ts";
import { decodeMessage } from "../../core/wire/codec.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { decode } from "../../measure/kit/wire.ts";
import { edgeLimits } from "../../worker/edge/limits.ts";
import { objectLimits } from "../../worker/objects/limits.ts";
import { platformLimits } from "../../worker/platform/limits.ts";
import { holderLimits } from "../../worker/sessions/limits.ts";

const page = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");

test("every example message on the protocol's page says what stands under it", () => {
  const examples = [...page.matchAll(/```message\n(.+)\n(.+)\n```/g)];
  expect(examples.length).toBe(4);
  for (const [, text = "", json = ""] of examples) {
    expect(decode(text).payload).toEqual(JSON.parse(json));
    expect(decodeMessage(text)?.payload).toEqual(JSON.parse(json));
  }
});

test("the protocol's page lists every code a client can get, with its status and its sentence", () => {
  // Only sidecars get these.
  const {
    invalid_post: _,
    unauthorized: __,
    stale_post: ___,
    outdated_sidecar: ____,
    host_not_listed: _____,
    // Only the operator gets these.
    key_in_url: ______,
    not_confirmed: _______,
    wrong_operator_key: ________,
    read_only_key: _________,
    foreign_host: __________,
    ...forClients
  } = problems;
  // Only in groovejet's rooms, whose clients get no codes.
  const inRooms: readonly string[] = ["host_away", "host_present"];
  const rows = Object.entries(forClients)
    .filter(([code]) => !inRooms.includes(code))
    .map(([code, [status, sentence]]) => `| ${status} | \`${code}\` | ${sentence} |`);
  expect(rows.filter((row) => !page.includes(row))).toEqual([]);
});

test("the page for operators lists every code that they alone get", () => {
  const codes = [
    "key_in_url",
    "not_confirmed",
    "wrong_operator_key",
    "read_only_key",
    "foreign_host",
  ] as const;
  const operator = readFileSync(new URL("../../docs/operator.md", import.meta.url), "utf8");
  const rows = codes.map((code) => `| ${problems[code][0]} | \`${code}\` | ${problems[code][1]} |`);
  expect(rows.filter((row) => !operator.includes(row))).toEqual([]);
});

test("the protocol's page lists every reason for an abort", () => {
  const rows = Object.entries(abortReasons).map(([code, sentence]) => `| \`${code}\` | ${sentence} |`);
  expect(rows.filter((row) => !page.includes(row))).toEqual([]);
});

test("the protocol's page states the limits the code has", () => {
  const rows = [
    `HTTP body | ${edgeLimits.bodyBytes / 1024} KiB`,
    `WebSocket message | ${wireLimits.frameBytes / 1024} KiB`,
    `${sharedLimits.frameBurst} at once, ${sharedLimits.framesPerSecond} a second for a while; ${sharedLimits.steadyFrameBurst} at once, ${sharedLimits.steadyFramesPerSecond} a second for long | dropped; after ${sharedLimits.framesDropped} dropped`,
    `is in no lobby | ${sharedLimits.strangerFrames} at once, ${sharedLimits.strangerFramesPerSecond} a second for long`,
    `chat message | ${wireLimits.chatLength} UTF-16 units`,
    `${sharedLimits.chatDeliveriesPerSecond} deliveries a second for long (${Math.floor(sharedLimits.chatDeliveriesPerSecond / 64)} messages`,
    `each member ${sharedLimits.chatBurst} messages at once`,
    `another lobby's path | ${platformLimits.callBurst} times at once, ${platformLimits.callsPerSecond} times a second for long, to those in one place; ${platformLimits.allCallBurst} at once, ${platformLimits.allCallsPerSecond} a second, to all`,
    `a lobby that is in another | ${platformLimits.newsBurst} times at once, ${platformLimits.newsPerSecond} times a second`,
    `has not joined a lobby yet | ${objectLimits.strangerMs / 1000} s`,
    `costs the operator in a day | ${settings.networkCentsPerDay.default} US cents`,
    `host, join or start | ${holderLimits.requestBurst} at once, ${holderLimits.requestsPerSecond} a second`,
    `tries to join | ${holderLimits.failedJoinBurst} at once, one in ${1 / holderLimits.failedJoinsPerSecond} s`,
    `${edgeLimits.addressConnects} WebSockets; ${edgeLimits.addressRequests} requests to host, join or start with a good token (a client whose address has used them up may still make ${edgeLimits.clientRequestsKept}), and ${edgeLimits.addressRequests} without; ${edgeLimits.addressFailedJoins} codes of no lobby; ${edgeLimits.addressListings} listings`,
    `does not read its WebSocket | ${holderLimits.unreadBytes / 1024 ** 2} MiB, each message with ${holderLimits.frameOverheadBytes.toLocaleString("en").replace(",", " ")} bytes more than it has, for ${holderLimits.unreadMs / 1000} s`,
    `${holderLimits.unansweredBytes / 1024 ** 2} MiB sent to a client that neither says anything nor pings`,
    `datagram | ${wireLimits.datagramBytes.toLocaleString("en").replace(",", " ")} bytes`,
    `of one client from one endpoint | ${1000 / observingLimits.observationIntervalMs} a second are told to the lobby`,
    `seats in a lobby | ${wireLimits.seats}`,
    `hears none for ${sharedLimits.pongMs / 1000} s`,
    `no \`ping\` has come for ${sharedLimits.pinglessMs / 1000} s`,
    `at the latest ${holderLimits.pingCheckMs / 60_000} minutes`,
    `every ${holderLimits.pingCheckMostMs / 60_000} minutes`,
  ];
  expect(rows.filter((row) => !page.includes(row))).toEqual([]);
});
