import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { problems } from "../../core/problem.ts";
import { listQuery } from "../../core/wire/finding.ts";
import { hostRequest, joinRequest, startRequest } from "../../core/wire/http.ts";
import { check } from "../../core/wire/schema.ts";

const hosting = { token: "a token", hostName: "Ann", lobbyName: "Friday", isPublic: true, maxMembers: 4 };

const codesOf = (body: unknown) => {
  const outcome = check(hostRequest, body);
  return outcome.ok ? [] : outcome.codes;
};

test("a request to host is read, and what it says besides does not come in", () => {
  expect(check(hostRequest, hosting)).toEqual({ ok: true, value: hosting });
  expect(check(hostRequest, { ...hosting, lobbyId: "AAAAA" })).toEqual({ ok: true, value: hosting });
});

describe("a name is 1 to 50 letters, digits, underscores and spaces, and does not begin with a space", () => {
  for (const [why, name, taken] of [
    ["one letter", "A", true],
    ["one digit", "7", true],
    ["an underscore", "_", true],
    ["spaces inside and at the end", "Ann of  Friday ", true],
    ["50 letters", "a".repeat(50), true],
    ["51 letters", "a".repeat(51), false],
    ["nothing", "", false],
    ["a space", " ", false],
    ["a space first", " Ann", false],
    ["a tab", "Ann\tB", false],
    ["a line break at the end", "Ann\n", false],
    ["a no-break space", "Ann\u00a0B", false],
    ["a letter beyond ASCII", "Änn", false],
    ["an emoji", "🎲", false],
    ["a hyphen", "Ann-B", false],
    ["markup", "<b>", false],
    ["a name out of JavaScript", "__proto__", true],
    ["a number", 7, false],
    ["null", null, false],
    ["a list", ["Ann"], false],
  ] as const) {
    test(`${why}: ${taken ? "taken" : "refused"}`, () => {
      const codes = (field: string) => codesOf({ ...hosting, [field]: name });
      expect(codes("hostName")).toEqual(taken ? [] : ["invalid_host_name"]);
      expect(codes("lobbyName")).toEqual(taken ? [] : ["invalid_lobby_name"]);
      expect(check(joinRequest, { token: "a token", peerName: name })).toEqual(
        taken
          ? { ok: true, value: { token: "a token", peerName: name } }
          : { ok: false, codes: ["invalid_peer_name"] },
      );
    });
  }
});

test("any text is taken as a name exactly if it is one", () => {
  const name = fc.oneof(fc.string({ maxLength: 60 }), fc.stringMatching(/^[\w ]{0,60}$/));
  fc.assert(
    fc.property(name, (name) => {
      const taken = codesOf({ ...hosting, hostName: name }).length === 0;
      expect(taken).toBe(/^\w[\w ]*$/.test(name) && name.length <= 50);
    }),
    { numRuns: 1_000 },
  );
});

describe("maxMembers is a whole number from 1 to 64", () => {
  for (const [value, taken] of [
    [1, true],
    [64, true],
    [0, false],
    [65, false],
    [-1, false],
    [2.5, false],
    [1e21, false],
    [Number.POSITIVE_INFINITY, false],
    [Number.NaN, false],
    ["8", false],
    [true, false],
    [null, false],
    [undefined, false],
  ] as const) {
    test(`${JSON.stringify(value)} (${value}): ${taken ? "taken" : "refused"}`, () => {
      expect(codesOf({ ...hosting, maxMembers: value })).toEqual(taken ? [] : ["invalid_max_members"]);
    });
  }
});

test("isPublic is true or false, and nothing that passes for it", () => {
  expect(codesOf({ ...hosting, isPublic: false })).toEqual([]);
  for (const isPublic of [undefined, null, 0, 1, "true", "", {}]) {
    expect(codesOf({ ...hosting, isPublic })).toEqual(["invalid_is_public"]);
  }
});

test("a token is a text of 256 characters at most", () => {
  expect(codesOf({ ...hosting, token: "a".repeat(256) })).toEqual([]);
  for (const token of [undefined, null, 1, {}, "a".repeat(257)]) {
    expect(codesOf({ ...hosting, token })).toEqual(["invalid_token"]);
    expect(check(startRequest, { token })).toEqual({ ok: false, codes: ["invalid_token"] });
  }
});

test("all that is wrong is told at once, each once, in the order of the fields", () => {
  expect(codesOf({})).toEqual([
    "invalid_token",
    "invalid_host_name",
    "invalid_lobby_name",
    "invalid_is_public",
    "invalid_max_members",
  ]);
  expect(codesOf({ ...hosting, hostName: `-${"a".repeat(60)}`, maxMembers: 99.5 })).toEqual([
    "invalid_host_name",
    "invalid_max_members",
  ]);
});

test("a body that is no object is refused as that", () => {
  for (const body of [undefined, null, 1, "text", true, [], [hosting]]) {
    expect(codesOf(body)).toEqual(["invalid_body"]);
    expect(check(startRequest, body)).toEqual({ ok: false, codes: ["invalid_body"] });
  }
});

test("a body's __proto__ neither fills in for its fields nor becomes anything's prototype", () => {
  const hidden: unknown = JSON.parse(`{"__proto__":${JSON.stringify(hosting)}}`);
  expect(codesOf(hidden)).toHaveLength(5);
  const both: unknown = JSON.parse(
    `{"constructor":1,"__proto__":{"isPublic":1},${JSON.stringify(hosting).slice(1)}`,
  );
  expect(check(hostRequest, both)).toEqual({ ok: true, value: hosting });
});

test("any JSON is a request or refused with our codes, and never throws", () => {
  const field = fc.constantFrom(...Object.keys(hosting), "__proto__", "constructor", "peerName");
  const value = fc.oneof(fc.constantFrom<unknown>(...Object.values(hosting)), fc.jsonValue());
  const body = fc.oneof(
    fc.anything(),
    fc.jsonValue(),
    fc.array(fc.tuple(field, value)).map((entries) => ({ ...hosting, ...Object.fromEntries(entries) })),
  );
  fc.assert(
    fc.property(body, (body) => {
      for (const schema of [hostRequest, joinRequest, startRequest]) {
        const outcome = check<unknown>(schema, body);
        if (outcome.ok) continue;
        expect(outcome.codes.length).toBeGreaterThan(0);
        for (const code of outcome.codes) expect(Object.hasOwn(problems, code)).toBe(true);
      }
    }),
    { numRuns: 1_000 },
  );
});

describe("a query of the list", () => {
  const read = (query: object) => listQuery.safeParse(query).data;
  test("may be empty, or name a page", () => {
    expect(read({})).toEqual({});
    expect(read({ limit: "200", cursor: "0-17", name: "Fri" })).toEqual({
      limit: 200,
      cursor: { kind: "old" },
      name: "Fri",
    });
  });
  test("takes no page of nothing, of more than 200, or of half a lobby, and no cursor but ours", () => {
    for (const limit of ["0", "201", "-1", "1.5", "many", "NaN", "Infinity"]) {
      expect(read({ limit })).toBeUndefined();
    }
    for (const cursor of ["1", "1-", "-1", "12345-1", "1-1234567890123456", "1-1\n", "a-b"]) {
      expect(read({ cursor })).toBeUndefined();
    }
    expect(read({ name: "a".repeat(51) })).toBeUndefined();
  });
  test("counts a parameter without a value as absent", () => {
    expect(read({ limit: "", cursor: "", name: "" })).toEqual({});
  });
  test("given twice is refused", () => {
    expect(read({ limit: ["1", "2"] })).toBeUndefined();
    expect(read({ name: ["a", "b"] })).toBeUndefined();
  });
});
