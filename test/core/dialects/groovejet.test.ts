/** groovejet, as pure translation: what its clients say and hear in each state, and who speaks it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clientIdOf, uuidOf } from "../../../core/dialects/groovejet/client-ids.ts";
import { closingError, refusalError } from "../../../core/dialects/groovejet/error.ts";
import { formIn, formOf, pathFor } from "../../../core/dialects/groovejet/form.ts";
import { created, joined, readMessage } from "../../../core/dialects/groovejet/message.ts";
import {
  isFirstWord,
  type Room,
  toldBy,
  wishOf,
  wishOfQuery,
} from "../../../core/dialects/groovejet/room.ts";
import type { LobbyMessage } from "../../../core/lobby/message.ts";
import { closures, type ProblemCode, problems } from "../../../core/problem.ts";
import { encodeBase64Url } from "../../../core/wire/base64.ts";

const [ann, ben, cid] = [1, 2, 3].map((byte) => encodeBase64Url(new Uint8Array(12).fill(byte))) as [
  string,
  string,
  string,
];
const key = `${ann}.0.${"A".repeat(22)}`;
const host: Room = { memberId: ann, hostId: ann };
const guest: Room = { memberId: ben, hostId: ann };
const offer = { type: "offer", sdp: "v=0" };

describe("client ids", () => {
  test("are UUIDs of version 4, in small letters", () => {
    expect(uuidOf(ann)).toBe("01010101-0101-4000-8000-010101010101");
  });

  test("name one client each, and lead back to it", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 12, maxLength: 12 }), (bytes) => {
        const uuid = uuidOf(encodeBase64Url(bytes));
        expect(uuid).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
        expect(clientIdOf(uuid)).toBe(encodeBase64Url(bytes));
      }),
    );
  });

  test.each([
    "",
    "x",
    "01010101-0101-4000-8000-01010101010",
    "01010101-0101-4111-8000-010101010101",
    "01010101-0101-4000-8000-0101010101AB",
    null,
    7,
    {},
    [uuidOf(ann)],
  ])("%j is none of them", (uuid) => expect(clientIdOf(uuid)).toBe(null));
});

describe("who speaks groovejet", () => {
  const page = "https://game.example";
  test.each<[url: string, origin: string | null, kind: string]>([
    ["/", null, "orion"],
    ["/any/path", null, "orion"],
    ["/?token=x", null, "orion"],
    ["/lobbies", page, "orion"],
    ["/lobbies/K3Y7Z?code=abcde", page, "orion"],
    ["/", page, "either"],
    ["/any/path", "null", "either"],
    ["/?token=x", page, "either"],
    ["/groovejet", null, "messages"],
    ["/groovejet", page, "messages"],
    ["/?code=abcde", null, "query"],
    ["/?host", page, "query"],
    ["/any/path?code=abcde&host", null, "query"],
    ["/groovejet?code=abcde", null, "query"],
  ])("%s from %s: %s", (path, origin, kind) => {
    expect(formOf(new URL(path, "http://server"), origin).kind).toBe(kind);
  });

  test.each<[query: string, code: string | null, isHost: boolean]>([
    // As the client 0.0.12 writes it, and as the seed does.
    ["?code=abcde&host", "abcde", true],
    ["?host=true&code=abcde", "abcde", true],
    ["?code=abcde", "abcde", false],
    ["?code=abcde&host=", "abcde", true],
    ["?code=abcde&host=false", "abcde", true],
    ["?code=abcde&host&host", "abcde", false],
    ["?host", null, true],
    ["?code=abcde&code=fghij", null, false],
    ["?code=", "", false],
    ["?code=a%26b%3D%2F%3F%20%F0%9F%98%80", "a&b=/? 😀", false],
    ["?code=%ff", "\ufffd", false],
  ])("%s names the room %j, host: %s", (query, code, isHost) => {
    const form = formOf(new URL(`/${query}`, "http://server"), null);
    expect(form).toEqual({ kind: "query", code, isHost });
    expect(formIn(new URL(pathFor(form), "http://object"))).toEqual(form);
  });

  test.each(["/", "/?code=abcde", "/?code=x&code=y&host", "/groovejet"])(
    "the lounge is told of %s",
    (path) => {
      for (const origin of [null, page]) {
        const form = formOf(new URL(path, "http://server"), origin);
        expect(formIn(new URL(pathFor(form), "http://object"))).toEqual(form);
      }
    },
  );

  test("a client of Orion says nothing that groovejet's clients say first", () => {
    for (const text of ["client_features:e30=", "ping", "", "{", "null", '{"type":"guestOfferSignal"}'])
      expect(isFirstWord(text)).toBe(false);
    for (const type of ["createRoom", "joinRoom"]) expect(isFirstWord(JSON.stringify({ type }))).toBe(true);
  });
});

describe("what the query of an upgrade wants", () => {
  const asked = { by: "query", code: "abcde" } as const;
  test.each([
    ["a guest joins", { code: "abcde", isHost: false }, { kind: "join", asked, leads: undefined }],
    ["a host leads", { code: "abcde", isHost: true }, { kind: "lead", asked }],
  ] as const)("%s", (_, query, wish) => expect(wishOfQuery({ kind: "query", ...query })).toEqual(wish));

  test("without a code it is refused", () => {
    expect(wishOfQuery({ kind: "query", code: null, isHost: true })).toEqual({
      kind: "refuse",
      error: {
        type: "error",
        errorType: "missingRoomCode",
        errorMessage: "Missing room code in query string",
      },
      closes: true,
    });
  });
});

const signalOf = (type: string, data: unknown) => JSON.stringify({ type, data });
const says = {
  createRoom: '{"type":"createRoom"}',
  joinRoom: signalOf("joinRoom", { roomCode: "abcde" }),
  clientSignal: signalOf("clientSignal", { offerSignal: offer }),
  guestOfferSignal: signalOf("guestOfferSignal", { offerSignal: offer, clientId: "mine" }),
  hostSignal: signalOf("hostSignal", { answerSignal: offer, clientId: uuidOf(ben) }),
  hostAnswerSignal: signalOf("hostAnswerSignal", { answerSignal: offer, clientId: uuidOf(ben) }),
} as const;

describe("what a client's message wants", () => {
  const create = { kind: "create" };
  const join = { kind: "join", asked: { by: "message", code: "abcde" }, leads: undefined };
  const offered = (name: string) => ({
    kind: "signal",
    to: ann,
    data: { kind: "offer", name, signal: offer },
  });
  const answered = (name: string) => ({
    kind: "signal",
    to: ben,
    data: { kind: "answer", name, signal: offer },
  });

  test.each<[message: keyof typeof says, outside: unknown, asGuest: unknown, asHost: unknown]>([
    ["createRoom", create, null, null],
    ["joinRoom", join, null, null],
    ["clientSignal", null, offered("clientSignal"), null],
    ["guestOfferSignal", null, offered("guestOfferSignal"), null],
    ["hostSignal", null, null, answered("hostSignal")],
    ["hostAnswerSignal", null, null, answered("hostAnswerSignal")],
  ])("%s: outside of a room, as a guest, as the host", (message, outside, asGuest, asHost) => {
    const text = says[message];
    expect([wishOf(text, null), wishOf(text, guest), wishOf(text, host)]).toEqual([outside, asGuest, asHost]);
  });

  test.each<[canHost: unknown, leads: string | undefined]>([
    [true, "may"],
    ["false", "may"],
    [1, "may"],
    [{}, "may"],
    [false, undefined],
    [0, undefined],
    ["", undefined],
    [null, undefined],
  ])("canHost %j", (canHost, leads) => {
    const text = signalOf("joinRoom", { roomCode: "abcde", canHost });
    expect(wishOf(text, null)).toMatchObject({ leads });
  });

  test("a client that comes back says with which key", () => {
    const text = signalOf("joinRoom", { roomCode: "abcde", resumeKey: key, requestId: "r" });
    expect(wishOf(text, null)).toMatchObject({ resumeKey: key, requestId: "r" });
  });

  // A room keeps the id of its last resume, so a long one would be written again and again.
  test.each([
    ["requestId", "", undefined],
    ["requestId", "r".repeat(64), "r".repeat(64)],
    ["requestId", "r".repeat(65), undefined],
    ["requestId", 7, undefined],
    ["resumeKey", key, key],
    ["resumeKey", "", undefined],
    ["resumeKey", "no key", undefined],
    ["resumeKey", `${"A".repeat(65)}.0.${"A".repeat(22)}`, undefined],
    ["resumeKey", {}, undefined],
  ])("%s %j counts as Orion's would, or not at all", (name, value, read) => {
    const message = readMessage(signalOf("joinRoom", { roomCode: "abcde", [name]: value }));
    expect(message).toMatchObject({ type: "joinRoom", roomCode: "abcde", [name]: read });
  });

  test.each([
    '{"type":"joinRoom"}',
    '{"type":"joinRoom","data":null}',
    '{"type":"joinRoom","data":"abcde"}',
    '{"type":"joinRoom","data":["abcde"]}',
    '{"type":"joinRoom","data":{}}',
    '{"type":"joinRoom","data":{"roomCode":null}}',
    '{"type":"joinRoom","data":{"roomCode":7}}',
    '{"type":"joinRoom","data":{"roomCode":{"toString":1}}}',
  ])("%s names no room, and is refused", (text) => {
    expect(wishOf(text, null)).toEqual({
      kind: "refuse",
      error: { type: "error", errorType: "missingRoomCode", errorMessage: "Missing room code in request" },
      closes: true,
    });
  });

  test.each([
    "",
    "null",
    "true",
    "7",
    '"createRoom"',
    "[]",
    '[{"type":"createRoom"}]',
    "{}",
    '{"type":null}',
    '{"type":"__proto__"}',
    '{"type":"constructor"}',
    '{"type":"toString","data":{}}',
    '{"type":{"type":"createRoom"}}',
    "{not json",
    '{"type":"createRoom"',
    "client_registered:e30=",
    `${"[".repeat(8_000)}`,
  ])("%s is ignored everywhere", (text) => {
    for (const room of [null, guest, host]) expect(wishOf(text, room)).toBe(null);
  });

  test.each<[string, string, Room]>([
    ["a guest's offer without data", '{"type":"guestOfferSignal"}', guest],
    ["one with data that is none", '{"type":"clientSignal","data":null}', guest],
    ["one without an offer", '{"type":"clientSignal","data":{}}', guest],
    ["an answer without data", '{"type":"hostSignal"}', host],
    ["one without an answer", signalOf("hostSignal", { clientId: uuidOf(ben) }), host],
    ["one for nobody", signalOf("hostSignal", { answerSignal: 1 }), host],
    ["one for no client id", signalOf("hostAnswerSignal", { answerSignal: 1, clientId: "ben" }), host],
    ["one for an object", signalOf("hostAnswerSignal", { answerSignal: 1, clientId: {} }), host],
  ])("%s is ignored", (_, text, room) => expect(wishOf(text, room)).toBe(null));

  test("a signal is any JSON, and goes on untouched", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (signal) => {
        const text = signalOf("guestOfferSignal", { offerSignal: signal });
        if (/\\u[dD][89a-fA-F]/.test(text)) return;
        expect(wishOf(text, guest)).toMatchObject({ data: { signal: JSON.parse(JSON.stringify(signal)) } });
      }),
    );
  });

  test.each([
    ["with more than 8 KiB", "x".repeat(8 * 1024)],
    ["with lists in lists", JSON.parse(`${"[".repeat(33)}${"]".repeat(33)}`)],
  ])("a signal %s is refused aloud, and the socket stays", (_, offerSignal) => {
    const wish = wishOf(signalOf("guestOfferSignal", { offerSignal }), guest);
    expect(wish).toMatchObject({ kind: "refuse", error: { errorType: "signalTooLarge" }, closes: false });
  });

  test("no text at all throws", () => {
    const text = fc.oneof(fc.string(), fc.json(), fc.constantFrom(...Object.values(says)));
    fc.assert(
      fc.property(text, fc.constantFrom(null, guest, host), (said, room) => {
        wishOf(said, room);
        readMessage(said);
      }),
    );
  });
});

describe("what a client is told", () => {
  const until = 1_900_000_000_000;
  const said = (kind: "offer" | "answer", name: string) => ({ kind, name, signal: offer });
  const member = (clientId: string) => ({ clientId, version: 3, name: "somebody" });

  test.each<[message: LobbyMessage, asGuest: unknown[], asHost: unknown[]]>([
    [
      { type: "signal", from: ben, data: said("offer", "clientSignal") },
      [{ type: "clientConnection", data: { offerSignal: offer, clientId: uuidOf(ben) } }],
      [{ type: "clientConnection", data: { offerSignal: offer, clientId: uuidOf(ben) } }],
    ],
    [
      { type: "signal", from: ben, data: said("offer", "guestOfferSignal") },
      [{ type: "guestOfferSignal", data: { offerSignal: offer, clientId: uuidOf(ben) } }],
      [{ type: "guestOfferSignal", data: { offerSignal: offer, clientId: uuidOf(ben) } }],
    ],
    [
      { type: "signal", from: ann, data: said("answer", "hostSignal") },
      [{ type: "hostSignal", data: { answerSignal: offer } }],
      [{ type: "hostSignal", data: { answerSignal: offer } }],
    ],
    [
      { type: "signal", from: ann, data: said("answer", "hostAnswerSignal") },
      [{ type: "hostAnswerSignal", data: { answerSignal: offer } }],
      [{ type: "hostAnswerSignal", data: { answerSignal: offer } }],
    ],
    [{ type: "signal", from: ann, data: "what Orion says" }, [], []],
    [{ type: "signalFailed", to: ann, code: "no_such_member" }, [], []],
    [{ type: "memberJoined", ...member(cid) }, [], []],
    [
      { type: "memberAway", ...member(ann), until },
      [{ type: "hostDisconnected", data: { until } }],
      [{ type: "hostDisconnected", data: { until } }],
    ],
    [
      { type: "memberAway", ...member(cid), until },
      [],
      [{ type: "guestDisconnected", data: { clientId: uuidOf(cid), until } }],
    ],
    [
      { type: "memberBack", ...member(ann) },
      [{ type: "hostRejoined", data: { clientId: uuidOf(ann) } }],
      [{ type: "hostRejoined", data: { clientId: uuidOf(ann) } }],
    ],
    [
      { type: "memberBack", ...member(cid) },
      [],
      [{ type: "guestRejoined", data: { clientId: uuidOf(cid) } }],
    ],
    [{ type: "memberLeft", ...member(cid) }, [], [{ type: "guestLeft", data: { clientId: uuidOf(cid) } }]],
    [{ type: "chat", at: 1, from: "somebody", text: "hello" }, [], []],
    [{ type: "mediationSucceeded" }, [], []],
    [{ type: "resumeRefused" }, [], []],
  ])("%j", (message, asGuest, asHost) => {
    expect(toldBy(message, guest)).toEqual({ room: guest, messages: asGuest });
    expect(toldBy(message, host)).toEqual({ room: host, messages: asHost });
  });

  test("too many signals are an error, so that nobody waits for ever", () => {
    const { messages } = toldBy({ type: "signalFailed", to: ann, code: "too_many_requests" }, guest);
    expect(messages).toMatchObject([{ type: "error", errorType: "tooManySignals" }]);
  });

  test("another host: the guests hear who, and it hears that it is", () => {
    const message: LobbyMessage = { type: "hostChanged", ...member(ben), term: 2 };
    expect(toldBy(message, guest)).toEqual({
      room: { memberId: ben, hostId: ben },
      messages: [{ type: "becameHost", data: {} }],
    });
    expect(toldBy(message, { memberId: cid, hostId: ann })).toEqual({
      room: { memberId: cid, hostId: ben },
      messages: [{ type: "hostChanged", data: { clientId: uuidOf(ben) } }],
    });
    // It joined to lead, and was told so in its answer.
    expect(toldBy(message, { memberId: ben, hostId: ben }).messages).toEqual([]);
  });

  test("a room that is over is left", () => {
    for (const message of [
      { type: "lobbyClosed", lobbyName: "" },
      { type: "kicked", reason: "", banned: false },
    ] as const)
      expect(toldBy(message, guest)).toEqual({ room: null, messages: [{ type: "roomClosed", data: {} }] });
    expect(toldBy({ type: "resumedElsewhere" }, guest)).toEqual({ room: null, messages: [] });
  });

  test("the released name of an answer comes first, the README's second, or not at all", () => {
    expect(created("abcde", undefined, true)).toEqual([
      { type: "createdRoom", data: { roomCode: "abcde" } },
      { type: "roomCreated", data: { roomCode: "abcde" } },
    ]);
    expect(created("abcde", "key", false)).toEqual([
      { type: "createdRoom", data: { roomCode: "abcde", resumeKey: "key" } },
    ]);
    expect(joined(true, false, undefined, true)).toEqual([
      { type: "joinedRoom", data: { isHost: true } },
      { type: "roomJoined", data: { clientIsHost: true, isHost: true, reconnected: false } },
    ]);
    expect(joined(false, true, "key", false)).toEqual([
      { type: "joinedRoom", data: { isHost: false, resumeKey: "key" } },
    ]);
  });
});

describe("errors", () => {
  test.each<[code: ProblemCode, byQuery: [string, string], byMessage: [string, string]]>([
    [
      "no_such_lobby",
      ["hostDisconnected", "The host for room a$&b has disconnected"],
      ["noRoomFound", "No room exists with code a$&b"],
    ],
    [
      "host_away",
      ["hostDisconnected", "The host for room a$&b has disconnected"],
      ["hostDisconnected", "No host connected for room a$&b"],
    ],
    [
      "host_present",
      ["hostAlreadyExists", "You're trying to connect as a host, but the room a$&b already has a host"],
      ["hostAlreadyExists", "The room a$&b already has a host"],
    ],
    ["lobby_full", ["lobbyFull", problems.lobby_full[1]], ["lobbyFull", problems.lobby_full[1]]],
  ])("%s", (code, byQuery, byMessage) => {
    const told = (["query", "message"] as const).map((by) => refusalError([code], { by, code: "a$&b" }));
    expect(told).toEqual(
      [byQuery, byMessage].map(([errorType, errorMessage]) => ({ type: "error", errorType, errorMessage })),
    );
  });

  test("a long code is not repeated in full", () => {
    const { errorMessage } = refusalError(["no_such_lobby"], { by: "message", code: "x".repeat(10_000) });
    expect(errorMessage.length).toBeLessThan(120);
  });

  test("every refusal and every closing has a type of letters alone, and a sentence", () => {
    const all = [
      ...Object.keys(problems).map((code) =>
        refusalError([code as ProblemCode], { by: "message", code: "abcde" }),
      ),
      ...Object.keys(closures).map((why) => closingError(why as keyof typeof closures)),
      refusalError([], { by: "query", code: "" }),
    ];
    for (const { type, errorType, errorMessage } of all) {
      expect(type).toBe("error");
      expect(errorType).toMatch(/^[a-z]+([A-Z][a-z]*)*$/);
      expect(errorMessage).not.toBe("");
    }
  });
});
