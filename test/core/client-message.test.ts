import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readClientMessage } from "../../core/wire/client-message.ts";
import { encode } from "../../measure/kit/wire.ts";

const chat = { token: "a token", lobbyId: "K3Y7Z", message: "hello" };
const chatOf = (payload: object) => readClientMessage(encode("lobby_messaging_send", payload));
const successOf = (payload: object) =>
  readClientMessage(encode("ptpMediation_peersConnection_success", payload));

const nothingToReport = { cause: null, peers: [] };

test("a chat message is read", () => {
  expect(chatOf(chat)).toEqual({ method: "lobby_messaging_send", ...chat });
});

test("a report of success is read", () => {
  const method = "ptpMediation_peersConnection_success";
  expect(successOf({ token: "a token" })).toEqual({ method, token: "a token", report: nothingToReport });
});

test("what a message says besides does not come in", () => {
  expect(successOf({ token: "a token", method: "lobby_messaging_send", clientId: "theirs" })).toEqual({
    method: "ptpMediation_peersConnection_success",
    token: "a token",
    report: nothingToReport,
  });
  expect(chatOf({ ...chat, senderName: "God" })).not.toHaveProperty("senderName");
});

describe("a client says that it is ready for a mediation", () => {
  const method = "ptpMediation_ready";
  const commitment = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
  const readyOf = (payload: object) => readClientMessage(encode(method, { token: "a token", ...payload }));

  test.each<[what: string, payload: object]>([
    ["with no more", {}],
    ["without UDP", { udp: false }],
    ["with a commitment", { commitment }],
    ["with both", { udp: false, commitment }],
  ])("%s", (_, payload) => {
    const said = { token: "a token", mediation: "0a1b2c3d", ...payload };
    expect(readyOf({ mediation: "0a1b2c3d", ...payload })).toEqual({ method, ...said });
  });

  test.each<[why: string, payload: object]>([
    ["without a mediation", {}],
    ["with a mediation that is too long", { mediation: "x".repeat(65) }],
    ["with UDP that is true", { mediation: "m", udp: true }],
    ["with a commitment of 42 characters", { mediation: "m", commitment: commitment.slice(1) }],
    ["with one of 44", { mediation: "m", commitment: `${commitment}A` }],
    ["with one in base64", { mediation: "m", commitment: commitment.replace("-", "+") }],
    [
      "with another text for the same 32 bytes",
      { mediation: "m", commitment: commitment.replace(/U$/, "V") },
    ],
    ["with a number", { mediation: "m", commitment: 1 }],
  ])("%s it is ignored", (_, payload) => {
    expect(readyOf(payload)).toBeNull();
  });
});

describe("chat is 1 to 250 UTF-16 units long", () => {
  for (const [why, message, taken] of [
    ["nothing", "", false],
    ["one letter", "a", true],
    ["one space", " ", true],
    ["250 letters", "a".repeat(250), true],
    ["251 letters", "a".repeat(251), false],
    ["250 letters beyond ASCII", "é".repeat(250), true],
    ["125 emoji, which are 250 units", "🎲".repeat(125), true],
    ["126 emoji, which are 252 units", "🎲".repeat(126), false],
    ["125 emoji and a letter", `${"🎲".repeat(125)}a`, false],
    ["a line break and a nul", "\n\0", true],
  ] as const) {
    test(`${why}: ${taken ? "taken" : "ignored"}`, () => {
      const read = chatOf({ ...chat, message });
      if (taken) expect(read).toMatchObject({ message });
      else expect(read).toBeNull();
    });
  }
});

test("a report with a cause that this server does not know still counts", () => {
  const failure = { token: chat.token, mediation: "abc", cause: "of-a-newer-client", peers: [] };
  expect(readClientMessage(encode("ptpMediation_peersConnection_failure", failure))).toMatchObject({
    report: { cause: null, peers: [] },
  });
});

describe("a message is ignored", () => {
  const { token: _, ...withoutToken } = chat;
  const ignored: Record<string, string> = {
    "whose method is unknown": encode("lobby_kick", chat),
    "whose method is one of the server's": encode("lobby_closed", chat),
    "whose method is in another case": encode("Lobby_Messaging_Send", chat),
    "whose method is __proto__": encode("__proto__", chat),
    "whose method is constructor": encode("constructor", chat),
    "whose method is toString": encode("toString", chat),
    "that is a datagram's": encode("ptpMediation_connect", { token: "a token" }),
    "that is no message": "hello",
    "that is empty": "",
    "whose payload is a list": encode("lobby_messaging_send", [chat]),
    "without a token": encode("lobby_messaging_send", withoutToken),
    "whose token is a number": encode("lobby_messaging_send", { ...chat, token: 1 }),
    "whose token is null": encode("ptpMediation_peersConnection_success", { token: null }),
    "whose token is an object": encode("ptpMediation_peersConnection_success", { token: {} }),
    "whose token is of 257 characters": encode("lobby_messaging_send", { ...chat, token: "a".repeat(257) }),
    "without a lobby": encode("lobby_messaging_send", { ...chat, lobbyId: undefined }),
    "whose lobby is a number": encode("lobby_messaging_send", { ...chat, lobbyId: 12345 }),
    "without a text": encode("lobby_messaging_send", { ...chat, message: undefined }),
    "whose text is a number": encode("lobby_messaging_send", { ...chat, message: 1 }),
    "whose text is a list of letters": encode("lobby_messaging_send", { ...chat, message: ["a"] }),
    "whose fields are only behind __proto__": `lobby_messaging_send:${btoa(`{"__proto__":${JSON.stringify(chat)}}`)}`,
  };
  for (const [why, text] of Object.entries(ignored)) {
    test(why, () => expect(readClientMessage(text)).toBeNull());
  }
});

test("a payload with keys named __proto__ and constructor is read by its own fields", () => {
  const json = `{"__proto__":{"token":"theirs"},"constructor":{},${JSON.stringify(chat).slice(1)}`;
  const message = readClientMessage(`lobby_messaging_send:${btoa(json)}`);
  expect(message).toEqual({ method: "lobby_messaging_send", ...chat });
  expect(Object.getPrototypeOf(message)).toBe(Object.prototype);
});

test("any text is a message of a known method, or null, and never throws", () => {
  const method = fc.constantFrom("lobby_messaging_send", "ptpMediation_peersConnection_success", "__proto__");
  const value = fc.oneof(fc.string(), fc.jsonValue());
  const payload = fc.dictionary(fc.constantFrom("token", "lobbyId", "message", "__proto__"), value);
  const text = fc.oneof(
    fc.string(),
    fc.tuple(method, payload).map(([method, payload]) => encode(method, payload)),
    fc.tuple(method, fc.json()).map(([method, json]) => `${method}:${Buffer.from(json).toString("base64")}`),
  );
  fc.assert(
    fc.property(text, (text) => {
      const message = readClientMessage(text);
      if (message === null) return;
      expect(message.token).toBeTypeOf("string");
      expect(text.startsWith(`${message.method}:`)).toBe(true);
      if (message.method === "lobby_messaging_send") expect(message.message).toMatch(/^.{1,250}$/s);
    }),
    { numRuns: 2_000 },
  );
});
