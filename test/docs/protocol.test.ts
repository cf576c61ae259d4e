import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { limits } from "../../core/limits.ts";
import { abortReasons, problems } from "../../core/problem.ts";
import { decodeMessage } from "../../core/wire/codec.ts";
import { decode } from "../../measure/kit/wire.ts";

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
  // Only sidecars get these; the last one nobody gets yet.
  const {
    invalid_post: _,
    unauthorized: __,
    stale_post: ___,
    no_such_member: ____,
    ...forClients
  } = problems;
  const rows = Object.entries(forClients).map(
    ([code, [status, sentence]]) => `| ${status} | \`${code}\` | ${sentence} |`,
  );
  expect(rows.filter((row) => !page.includes(row))).toEqual([]);
});

test("the protocol's page lists every reason for an abort", () => {
  const rows = Object.entries(abortReasons).map(([code, sentence]) => `| \`${code}\` | ${sentence} |`);
  expect(rows.filter((row) => !page.includes(row))).toEqual([]);
});

test("the protocol's page states the limits the code has", () => {
  const rows = [
    `HTTP body | ${limits.bodyBytes / 1024} KiB`,
    `WebSocket message | ${limits.frameBytes / 1024} KiB`,
    `${limits.frameBurst} at once, ${limits.framesPerSecond} a second for long | dropped; after ${limits.framesDropped} dropped`,
    `is in no lobby | ${limits.strangerFrames} at once, ${limits.strangerFramesPerSecond} a second for long`,
    `chat message | ${limits.chatLength} UTF-16 units`,
    `${limits.chatDeliveriesPerSecond} deliveries a second for long (${Math.floor(limits.chatDeliveriesPerSecond / 64)} messages`,
    `each member ${limits.chatBurst} messages at once`,
    `another lobby's path | ${limits.callBurst} times at once, ${limits.callsPerSecond} times a second`,
    `host, join or start | ${limits.requestBurst} at once, ${limits.requestsPerSecond} a second`,
    `tries to join | ${limits.failedJoinBurst} at once, one in ${1 / limits.failedJoinsPerSecond} s`,
    `${limits.addressConnects} WebSockets; ${limits.addressRequests} requests to host, join or start; ${limits.addressFailedJoins} codes of no lobby; ${limits.addressListings} listings`,
    `does not read its WebSocket | ${limits.unreadBytes / 1024 ** 2} MiB, each message with ${limits.frameOverheadBytes.toLocaleString("en").replace(",", " ")} bytes more than it has, for ${limits.unreadMs / 1000} s`,
    `${limits.unansweredBytes / 1024 ** 2} MiB sent to a client that neither says anything nor pings`,
    `datagram | ${limits.datagramBytes.toLocaleString("en").replace(",", " ")} bytes`,
    `of one client from one endpoint | ${1000 / limits.observationIntervalMs} a second are told to the lobby`,
    `seats in a lobby | ${limits.seats}`,
    `hears none for ${limits.pongMs / 1000} s`,
    `no \`ping\` has come for ${limits.pinglessMs / 1000} s`,
    `at the latest ${limits.pingCheckMs / 60_000} minutes`,
    `every ${limits.pingCheckMostMs / 60_000} minutes`,
  ];
  expect(rows.filter((row) => !page.includes(row))).toEqual([]);
});
