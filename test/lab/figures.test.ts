import { expect, test } from "vitest";
import { figuresOf } from "../../measure/lab/figures.ts";
import { anOutcome } from "./a-cell.ts";

const pair = { a: "none", b: "cgnat" } as const;

test("a run has the worse path of its two players", () => {
  const [lan, direct, relay] = (["lan", "direct", "relay"] as const).map((path) => anOutcome({ path }));
  if (!lan || !direct || !relay) throw new Error("three paths");
  const runs = [
    { host: lan, guest: lan },
    { host: lan, guest: direct },
    { host: relay, guest: direct },
    { host: direct, guest: anOutcome({ path: null }) },
  ];
  expect(figuresOf(pair, runs).paths).toEqual({ lan: 1, direct: 1, relay: 1, none: 1 });
});

test("two who have a path, but no message back over it, are not connected", () => {
  const figures = figuresOf(pair, [{ host: anOutcome(), guest: anOutcome({ echoed: false }) }]);
  expect(figures).toMatchObject({ connected: 0, explained: 0, paths: { none: 1 }, directInTime: 0 });
});

test("a failure is explained when somebody is told that UDP is blocked, and only a failure is", () => {
  const told = anOutcome({ path: null, echoed: false, cause: "udp-blocked" });
  const silent = anOutcome({ path: null, echoed: false, cause: "peer-left" });
  const blocked = { a: "none", b: "udp-dropped" } as const;
  expect(figuresOf(blocked, [{ host: told, guest: silent }]).explained).toBe(1);
  expect(figuresOf({ a: "udp-dropped", b: "cgnat" }, [{ host: told, guest: silent }]).explained).toBe(1);
  expect(figuresOf(blocked, [{ host: silent, guest: silent }]).explained).toBe(0);
  // Here it is not true.
  expect(figuresOf(pair, [{ host: told, guest: silent }]).explained).toBe(0);
  const byRelay = anOutcome({ path: "relay", cause: "udp-blocked" });
  expect(figuresOf(blocked, [{ host: byRelay, guest: byRelay }])).toMatchObject({
    connected: 1,
    explained: 0,
  });
});

test("a path without relay is in time up to 10 s, for both, and if it is kept", () => {
  const inTime = (host: object, guest: object = {}) =>
    figuresOf(pair, [{ host: anOutcome(host), guest: anOutcome(guest) }]).directInTime;
  expect(inTime({ directMs: 10_000 })).toBe(1);
  expect(inTime({}, { directMs: 10_001 })).toBe(0);
  expect(inTime({ path: "relay" })).toBe(0);
  expect(inTime({ directMs: null, path: "relay" })).toBe(0);
});

test("times are of both players, causes are counted, and what nobody reached has no time", () => {
  const runs = Array.from({ length: 10 }, (_, i) => ({
    host: anOutcome({ usableMs: 2 * i + 1, directMs: null, path: "relay", cause: "both-symmetric" }),
    guest: anOutcome({ usableMs: 2 * i + 2, directMs: null, path: "relay" }),
  }));
  const figures = figuresOf(pair, runs);
  expect(figures.usableMs).toEqual({ p50: 10, p95: 19 });
  expect(figures.directMs).toBeNull();
  expect(figures.causes).toEqual({ "both-symmetric": 10 });
});
