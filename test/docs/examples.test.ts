/** What the pages show as examples is what the code reads and writes. */
import { expect, test } from "vitest";
import { readCode } from "../../core/lobby/code.ts";
import { parseToken } from "../../core/token.ts";
import { readClientMessage } from "../../core/wire/client-message.ts";
import { decodeMessage, encodeMessage, parseObject } from "../../core/wire/codec.ts";
import { readDatagram } from "../../core/wire/datagram.ts";
import { readServerMessage } from "../../core/wire/server-message.ts";
import { plainLine } from "../../local/plain-line.ts";
import { found, pages } from "./pages.ts";

test("every token on the pages is one that the server would read", () => {
  const tokens = found(/([\w-]+\.[\w-]{16}\.\w{4}\.[\w-]{11}\.[\w-]{22})(?![\w-])/g);
  expect(tokens.length).toBeGreaterThan(2);
  expect(tokens.filter(({ what }) => !parseToken(what))).toEqual([]);
});

test("every message on the pages is one that its reader takes, with exactly these fields", () => {
  const examples = found(/```message\n(.+\n.+)\n```/g).map(({ what }) => what.split("\n"));
  expect(examples.length).toBe(4);
  for (const [text = "", json = ""] of examples) {
    const { method = "", payload = {} } = decodeMessage(text) ?? {};
    expect(payload).toEqual(JSON.parse(json));
    expect(encodeMessage(method, payload)).toBe(text);
    const bytes = new TextEncoder().encode(text);
    const read = readServerMessage(text) ?? readClientMessage(text) ?? readDatagram(bytes);
    expect({ method, isRead: read !== null }).toEqual({ method, isRead: true });
  }
});

test("every token in a message is the client's own", () => {
  for (const { what } of found(/```message\n.+\n(.+)\n```/g)) {
    const { token, clientId } = parseObject(what) ?? {};
    if (token === undefined) continue;
    expect(parseToken(String(token))).not.toBeNull();
    if (clientId !== undefined) expect(String(token)).toContain(`.${clientId}.`);
  }
});

/** What a log has instead of a code. */
const logTag = /^.-[0-9a-f]{6}$/;

test("every code of a lobby on the pages can be one", () => {
  const codes = found(/\/lobbies\/([^/\s`"<:*[\]]+)/g).filter(({ what }) => !/^[a-z]/.test(what));
  for (const { what } of codes) if (!logTag.test(what)) expect(readCode(what)).toBe(what);
});

test("the terminal's lines on the page on watching are what the terminal shows", () => {
  const page = pages.find(({ path }) => path === "docs/watching.md")?.text ?? "";
  const [, block = ""] = /```\n(\d\d:\d\d:\d\d [\s\S]*?)```/.exec(page) ?? [];
  const shown = block.trim().split("\n");
  const about = { level: "info", lobbyId: "K-3f9a2c" };
  const lines = [
    { ...about, event: "lobby_opened", name: "Ada", lobbyName: "Tea", isPublic: false, maxMembers: 4 },
    { ...about, event: "member_joined", name: "Bo", members: 2 },
    { ...about, event: "mediation_started", members: 2 },
    { ...about, event: "members_seen", seen: 1, of: 2 },
    { ...about, event: "members_seen", seen: 2, of: 2 },
    { ...about, event: "members_connected", connected: 2, of: 2, via: { direct: 2 }, ms: 412 },
    { ...about, event: "lobby_closed", why: "connected" },
    {
      ...{
        level: "info",
        event: "request_refused",
        status: 409,
        method: "POST",
        path: "/lobbies/K-3f9a2c/join",
      },
      ...{ code: "no_such_lobby", clientId: "cOO8PhklMKSJyqn5", lobbyId: "K-3f9a2c" },
    },
  ];
  expect(shown.map((line) => line.slice(9))).toEqual(lines.map((line) => plainLine(JSON.stringify(line))));
});
