import { expect, test } from "vitest";
import { figuresOf } from "../../measure/lab/figures.ts";
import type { PlayerOutcome } from "../../measure/lab/orders.ts";
import { anOutcome } from "./a-cell.ts";

const pair = { a: "none", b: "cgnat" } as const;

test("a run has the worse path of its two players, and each kind is counted apart", () => {
  const of = (path: PlayerOutcome["path"]) => anOutcome({ path });
  const runs = [
    { host: of("lan"), guest: of("lan") },
    { host: of("lan"), guest: of("direct") },
    { host: of("turn"), guest: of("direct") },
    { host: of("relay"), guest: of("turn") },
    { host: of("relay"), guest: of("websocket") },
    { host: of("websocket"), guest: of("websocket") },
    { host: of("direct"), guest: of(null) },
  ];
  expect(figuresOf(pair, runs).paths).toEqual({
    lan: 1,
    direct: 1,
    turn: 1,
    relay: 1,
    websocket: 2,
    none: 1,
  });
});

test("two who have a path, but no message back over it, are not connected", () => {
  const figures = figuresOf(pair, [{ host: anOutcome(), guest: anOutcome({ echoed: false }) }]);
  expect(figures).toMatchObject({ connected: 0, explained: 0, paths: { none: 1 }, directInTime: 0 });
});

test("nothing explains that two with the SDK are not connected, for every pair has a path", () => {
  const told = anOutcome({ path: null, echoed: false, cause: "udp-blocked" });
  for (const b of ["udp-dropped", "cgnat"] as const) {
    for (const clients of ["orion", "browsers", "mixed"] as const)
      expect(figuresOf({ a: "none", b }, [{ host: told, guest: told }], clients).explained).toBe(0);
  }
});

test("a client of noray explains that it has no UDP, and nothing else", () => {
  const silent = anOutcome({ path: null, echoed: false, cause: "registrar_silent" });
  const runs = [{ host: silent, guest: silent }];
  expect(figuresOf({ a: "none", b: "udp-dropped" }, runs, "noray").explained).toBe(1);
  expect(figuresOf({ a: "symmetric", b: "cgnat" }, runs, "noray").explained).toBe(0);
  expect(figuresOf({ a: "none", b: "udp-dropped" }, runs).explained).toBe(0);
});

test("a client of Rabid Hole Punch explains a NAT that does not keep its port, and not one that does", () => {
  const told = (cause: string) => [
    {
      host: anOutcome({ path: null, echoed: false }),
      guest: anOutcome({ path: null, echoed: false, cause }),
    },
  ];
  const explained = (b: "symmetric" | "lossy" | "same-lan" | "udp-dropped", cause: string) =>
    figuresOf({ a: b === "lossy" ? "none" : b, b }, told(cause), "rabid").explained;
  expect(explained("symmetric", "unreachable_self")).toBe(1);
  expect(explained("symmetric", "host_not_confirmed")).toBe(1);
  expect(explained("same-lan", "unreachable_self")).toBe(1);
  expect(explained("lossy", "unreachable_self")).toBe(0);
  expect(explained("udp-dropped", "server_timeout")).toBe(1);
  expect(explained("symmetric", "server_timeout")).toBe(0);
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
