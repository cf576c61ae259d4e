import { describe, expect, test } from "vitest";
import {
  abortReasons,
  accept,
  closures,
  type ProblemCode,
  problems,
  refusal,
  refuse,
} from "../../core/problem.ts";

const codes = Object.keys(problems) as ProblemCode[];

describe("what a player is told", () => {
  const sentences = [
    ...codes.map((code) => problems[code][1]),
    ...Object.values(abortReasons),
    ...Object.values(closures).map(([, reason]) => reason),
  ];
  for (const sentence of sentences) {
    test(`"${sentence}" is made of whole sentences`, () => {
      // One about a field begins with its name.
      expect(sentence).toMatch(/^(\p{Lu}|\p{Ll}\w* must ).*[^.]\.$/u);
    });
  }
  test("is different for each problem", () => {
    expect(new Set(sentences).size).toBe(sentences.length);
  });
});

test("the statuses of what Orion refuses are Orion's", () => {
  const status = (code: ProblemCode) => problems[code][0];
  const orion: [number, ProblemCode[]][] = [
    [400, ["invalid_body", "invalid_token", "invalid_host_name", "invalid_peer_name", "invalid_lobby_name"]],
    [400, ["invalid_is_public", "invalid_max_members"]],
    [409, ["already_in_lobby", "no_such_lobby", "lobby_locked", "lobby_full", "name_taken"]],
    [409, ["too_few_members", "not_the_host"]],
    [413, ["body_too_large"]],
    [404, ["not_found"]],
    [405, ["method_not_allowed"]],
  ];
  for (const [expected, codes] of orion) for (const code of codes) expect(status(code)).toBe(expected);
});

test("every status is one of an error", () => {
  for (const code of codes) {
    expect(problems[code][0]).toBeGreaterThanOrEqual(400);
    expect(problems[code][0]).toBeLessThan(600);
  }
});

test("a socket is closed with a code that may be sent, and a reason that fits into the frame", () => {
  for (const [code, reason] of Object.values(closures)) {
    expect([1001, 1008, 1009, 1011, 1012, 1013]).toContain(code);
    expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
  }
});

test("a refusal has the status of its first code, and a sentence and a code for each", () => {
  expect(refusal(["lobby_full", "invalid_token"])).toEqual({
    status: 409,
    body: {
      errors: [problems.lobby_full[1], problems.invalid_token[1]],
      codes: ["lobby_full", "invalid_token"],
    },
  });
});

test("an outcome is a value or the codes of what was wrong", () => {
  expect(accept(7)).toEqual({ ok: true, value: 7 });
  expect(refuse("lobby_full", "name_taken")).toEqual({ ok: false, codes: ["lobby_full", "name_taken"] });
});
