/** What a search for lobbies finds, and in which order. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Cursor, cursorText, readCursor } from "../../core/directory/cursor.ts";
import {
  compareStandings,
  fulfils,
  isListedOpen,
  readCondition,
  reader,
  readSorting,
  type Standing,
  shardOfGame,
} from "../../core/directory/search.ts";
import { listQuery, matchRequest } from "../../core/wire/finding.ts";
import type { ListedLobby } from "../../core/wire/http.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { check } from "../../core/wire/schema.ts";

const lobby: ListedLobby = {
  id: "A0B0C",
  name: "Tea",
  title: "Teé",
  currentMembers: 3,
  maxMembers: 4,
  privacy: "open",
  locked: false,
  hasPassword: true,
  full: false,
  game: "chess",
  data: { map: "dust", skill: 1200, ranked: true, "a.b": "x:y", members: "many" },
};

const finds = (...texts: string[]) =>
  fulfils(
    texts.map((text) => {
      const condition = readCondition(text);
      if (!condition) throw new Error(`no condition: ${text}`);
      return condition;
    }),
  )(lobby);

test.each([
  ["map:eq:dust", true],
  ["map:eq:Dust", false],
  ["map:ne:dust", false],
  ["map:ne:dune", true],
  ["map:lt:dustier", true],
  ["map:gte:dust", true],
  ["map:gt:dust", false],
  ["skill:eq:1200", true],
  ["skill:eq:1.2e3", true],
  ["skill:lte:1200", true],
  ["skill:lt:1200", false],
  ["skill:gt:-5", true],
  ["skill:gte:1200.5", false],
  ["skill:eq:high", false],
  ["skill:lt:high", false],
  ["skill:ne:high", true],
  ["ranked:eq:true", true],
  ["ranked:ne:true", false],
  ["ranked:lt:true", false],
  ["a.b:eq:x:y", true],
  ["missing:eq:1", false],
  ["missing:lt:1", false],
  ["missing:ne:1", true],
  ["constructor:ne:1", true],
  ["constructor:gte:", false],
  ["members:eq:3", true],
  ["members:lt:3", false],
  ["maxMembers:gte:4", true],
  ["name:eq:Tea", true],
  ["title:gt:Tea", true],
  ["privacy:eq:relay-only", false],
  ["locked:eq:false", true],
  ["hasPassword:eq:true", true],
  ["full:ne:true", true],
])("of a lobby with a map, a skill and a password, %s holds: %s", (text, holds) => {
  expect(finds(text)).toBe(holds);
});

test("all conditions hold, or the lobby is not found", () => {
  expect(finds()).toBe(true);
  expect(finds("map:eq:dust", "skill:lte:1200")).toBe(true);
  expect(finds("map:eq:dust", "skill:lt:1200")).toBe(false);
});

test.each([
  "",
  "map",
  "map:eq",
  ":eq:dust",
  "map:is:dust",
  "map:EQ:dust",
  "1map:eq:dust",
  "__proto__:eq:1",
  "map*:eq:dust",
  `${"k".repeat(wireLimits.dataKeyLength + 1)}:eq:1`,
  `map:eq:${"x".repeat(wireLimits.conditionLength)}`,
  "members:eq:many",
  "members:lt:",
  "maxMembers:gte:0x10",
  "locked:eq:maybe",
  "locked:lt:true",
  "full:gte:false",
])("%s is no condition", (text) => {
  expect(readCondition(text)).toBeNull();
});

test("a lobby of the version before, which says less, counts as open until it has as many as it may", () => {
  const old: ListedLobby = { id: "A", name: "Old", currentMembers: 1, maxMembers: 2 };
  expect([isListedOpen(old), isListedOpen({ ...old, currentMembers: 2 })]).toEqual([true, false]);
  expect(isListedOpen({ ...old, locked: true })).toBe(false);
  expect(isListedOpen({ ...old, hasPassword: true })).toBe(false);
  // A place that a member has left for a while is one.
  expect(isListedOpen({ ...old, currentMembers: 2, full: false })).toBe(true);
  expect(["privacy", "locked", "hasPassword", "full"].map((key) => reader(key)(old))).toEqual([
    "open",
    false,
    false,
    false,
  ]);
});

const value = fc.oneof(
  fc.constant(null),
  fc.integer(),
  fc.double({ noNaN: true }),
  fc.string(),
  fc.boolean(),
);
const standing: fc.Arbitrary<Standing> = fc.record({ value, round: fc.nat(9), order: fc.nat(99) });

test("any two lobbies have an order, the same from both sides, and those without a value come last either way", () => {
  fc.assert(
    fc.property(standing, standing, standing, fc.boolean(), (a, b, c, descending) => {
      const order = (one: Standing, other: Standing) => Math.sign(compareStandings(one, other, descending));
      expect(order(a, b) + order(b, a)).toBe(0);
      if (order(a, b) < 0 && order(b, c) < 0) expect(order(a, c)).toBe(-1);
      if (a.value === null && b.value !== null) expect(order(a, b)).toBe(1);
    }),
  );
});

test("a cursor is read as it was written, and no other text is one that the server could not have given", () => {
  const cursor = fc.oneof(
    fc.record({
      kind: fc.constant("ranked" as const),
      at: fc.record({ isFull: fc.boolean(), round: fc.nat(99_999), order: fc.nat(1e15 - 1) }),
      shard: fc.nat(9_999),
    }),
    fc.record({
      kind: fc.constant("sorted" as const),
      at: fc.record({
        value: fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
        round: fc.nat(),
        order: fc.nat(),
      }),
      shard: fc.nat(9_999),
    }),
  );
  fc.assert(
    fc.property(cursor, (one: Cursor) => {
      const text = cursorText(one);
      expect(text).toMatch(/^[\w.-]+$/);
      expect(readCursor(text)).toEqual(one);
    }),
  );
});

const sealed = (json: string) => `s.${Buffer.from(json).toString("base64url")}`;
test.each([
  "",
  "s.",
  "s.!!",
  sealed("null"),
  sealed("[]"),
  sealed("[1,2,3]"),
  sealed("[1,2,3,4,5]"),
  sealed("[[1],2,3,4]"),
  sealed('[{"a":1},2,3,4]'),
  sealed("[1,-2,3,4]"),
  sealed("[1,2.5,3,4]"),
  sealed('[1,"2",3,4]'),
  sealed("[1,2,3,1e99]"),
  sealed(`["${"x".repeat(wireLimits.cursorLength)}",2,3,4]`),
])("a cursor that was made up is none: %s", (text) => {
  expect(readCursor(text)).toBeNull();
});

const query = (given: object) => {
  const read = check(listQuery, given);
  return read.ok ? read.value : read.codes;
};

test("a query has up to four conditions, one sorting, and a cursor of the same list", () => {
  const ranked = "0-1-2-3";
  const sorted = sealed("[1,2,3,4]");
  expect(query({})).toEqual({});
  expect(query({ where: "a:eq:1" })).toMatchObject({ where: [{ key: "a", operator: "eq", value: "1" }] });
  expect(query({ where: ["a:eq:1", "", "b:ne:x"] })).toMatchObject({ where: [{ key: "a" }, { key: "b" }] });
  expect(query({ where: Array(4).fill("a:eq:1") })).toMatchObject({ where: Array(4).fill({ key: "a" }) });
  expect(query({ where: Array(5).fill("a:eq:1") })).toEqual(["invalid_search"]);
  expect(query({ where: "a" })).toEqual(["invalid_search"]);
  expect(query({ sort: "-members" })).toMatchObject({ sort: { key: "members", descending: true } });
  for (const sort of ["-", "--a", "a,b", "a b", ["a", "b"], "*"])
    expect(query({ sort })).toEqual(["invalid_search"]);
  for (const open of ["yes", "1", ["true", "true"]]) expect(query({ open })).toEqual(["invalid_search"]);
  expect(query({ open: "true" })).toMatchObject({ open: true });
  for (const game of ["a b", "ä", "x".repeat(65), ["a", "b"]])
    expect(query({ game })).toEqual(["invalid_game"]);
  expect(query({ cursor: ranked })).toMatchObject({ cursor: { kind: "ranked" } });
  expect(query({ cursor: sorted, sort: "a" })).toMatchObject({ cursor: { kind: "sorted" } });
  expect(query({ cursor: ranked, sort: "a" })).toEqual(["invalid_query"]);
  expect(query({ cursor: sorted })).toEqual(["invalid_query"]);
  expect(readSorting("skill")).toEqual({ key: "skill", descending: false });
});

test("a match names a game, a player and the lobby that it would open", () => {
  const create = { lobbyName: "Tea", maxMembers: 4 };
  const least = { token: "t", game: "chess", peerName: "Ann", create };
  expect(check(matchRequest, least)).toEqual({ ok: true, value: { ...least, where: [] } });
  const codes = (body: object) => {
    const read = check(matchRequest, body);
    return read.ok ? [] : read.codes;
  };
  expect(codes({})).toEqual(expect.arrayContaining(["invalid_peer_name", "invalid_token", "invalid_game"]));
  expect(codes({ ...least, create: undefined })).toEqual(["invalid_body"]);
  expect(codes({ ...least, create: { ...create, maxMembers: 65 } })).toEqual(["invalid_max_members"]);
  expect(codes({ ...least, where: ["a"] })).toEqual(["invalid_search"]);
  expect(codes({ ...least, where: "a:eq:1" })).toEqual(["invalid_search"]);
  expect(codes({ ...least, where: Array(5).fill("a:eq:1") })).toEqual(["invalid_search"]);
});

test("games are spread over the shards, and one is always in the same", () => {
  const counts = new Array(8).fill(0);
  for (let i = 0; i < 8_000; i++) counts[shardOfGame(`game-${i}`, 8)] += 1;
  expect(Math.min(...counts)).toBeGreaterThan(800);
  expect(Math.max(...counts)).toBeLessThan(1_200);
  // Kept for good: another number, and lobbies are listed where nobody looks for them.
  expect([shardOfGame("chess", 4), shardOfGame("chess", 16), shardOfGame("chess", 1)]).toEqual([3, 15, 0]);
});
