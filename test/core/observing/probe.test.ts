/**
 * How a client has a sidecar see it: a table of events, and walks of many against the promises. The same
 * under a clock, with real datagrams, is in test/client/probe.test.ts.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Endpoint } from "../../../core/endpoint.ts";
import { awaits, noncesFor, sidecarIp, step, wakeAt } from "../../../core/observing/probe.ts";
import {
  newProbe,
  type ProbeEffect,
  type ProbeEvent,
  type ProbeState,
  type SidecarPorts,
} from "../../../core/observing/probe-state.ts";

const one: SidecarPorts = { host: "one.example", ips: ["192.0.2.1"], ports: [5990, 5991] };
const other: SidecarPorts = { host: "other.example", ips: ["192.0.2.2"], ports: [5990, 5991] };
const both: SidecarPorts = { host: "both.example", ips: ["192.0.2.3", "2001:db8::3"], ports: [5990, 5991] };
const nowhere: SidecarPorts = { ...one, ips: [] };

let drawn = 0;
const nonce = () => `nonce ${drawn++}`;
const asked = (sidecar: SidecarPorts): ProbeEvent => ({
  kind: "asked",
  sidecar,
  nonces: Array.from({ length: noncesFor(sidecar) }, nonce),
});

/** A probe whose deadlines are kept. It knows the nonces that it has sent, so that it can be answered. */
function aProbe() {
  let state: ProbeState = newProbe;
  let now = 0;
  const told: string[] = [];
  const effects: ProbeEffect[] = [];
  const take = (event: ProbeEvent) => {
    const before = structuredClone(state);
    const stepped = step(state, event, now);
    // Pure: the state before is as it was.
    expect(state).toEqual(before);
    state = stepped.state;
    effects.push(...stepped.effects);
    for (const effect of stepped.effects) if (effect.kind !== "note") told.push(`${now}: ${line(effect)}`);
    return stepped.effects;
  };
  const pass = (ms: number) => {
    const until = now + ms;
    for (let due = wakeAt(state); due <= until; due = wakeAt(state)) {
      now = due;
      take({ kind: "deadline-passed" });
    }
    now = until;
  };
  /** The sidecar answers the last probe to there, or one before it, from there or elsewhere. */
  const answer = (to: Endpoint, { ago = 0, from = to } = {}) => {
    const sent = effects.filter((effect) => effect.kind === "send-probe" && effect.to.port === to.port);
    const probes = sent.flatMap((effect) =>
      effect.kind === "send-probe" && effect.to.ip === to.ip ? [effect] : [],
    );
    const seen = { ip: "203.0.113.9", port: 40_000 };
    const cookie = `cookie of ${to.port}`;
    const told = probes.at(-1 - ago)?.nonce ?? "none";
    return take({ kind: "answer-received", from, nonce: told, seen, cookie, nextNonce: nonce() });
  };
  return {
    take,
    pass,
    answer,
    told,
    effects,
    get state() {
      return state;
    },
    get now() {
      return now;
    },
  };
}

function line(effect: Exclude<ProbeEffect, { kind: "note" }>): string {
  if (effect.kind === "send-probe")
    return `probe ${effect.to.ip} ${effect.to.port}${effect.cookie ? " with its cookie" : ""}`;
  return effect.kind === "send-connect" ? `connect ${effect.to.ip} ${effect.to.port}` : effect.kind;
}
const at = (port: number, { ips: [ip = ""] }: SidecarPorts = one) => ({ ip, port });

test("an answer is answered at once with its cookie, and the answer to that shows that we are seen", () => {
  const probe = aProbe();
  probe.take(asked(one));
  expect(probe.told.splice(0)).toEqual(["0: probe 192.0.2.1 5990", "0: probe 192.0.2.1 5991"]);
  probe.answer(at(5990));
  expect(probe.told.splice(0)).toEqual(["0: probe 192.0.2.1 5990 with its cookie"]);
  // The answer to what came before shows nothing: it may be one that the sidecar did not count.
  expect(probe.answer(at(5990), { ago: 1 })).toEqual([]);
  expect(probe.answer(at(5990)).map(({ kind }) => kind)).toEqual(["note"]);
  expect(probe.answer(at(5990))).toEqual([]);
  probe.pass(150);
  expect(probe.told.splice(0)).toEqual(["150: probe 192.0.2.1 5991"]);
  probe.answer(at(5991));
  probe.answer(at(5991));
  expect(probe.state.cookie).toBe("cookie of 5990");
  probe.told.splice(0);
  // All have seen us: the next ones only refresh.
  probe.pass(10_000 + 150);
  expect(probe.told).toEqual([
    "300: probe 192.0.2.1 5990 with its cookie",
    "300: probe 192.0.2.1 5991 with its cookie",
    "10300: probe 192.0.2.1 5990 with its cookie",
    "10300: probe 192.0.2.1 5991 with its cookie",
  ]);
});

test("a sidecar that does not answer is asked 24 times, then less often", () => {
  const probe = aProbe();
  probe.take(asked(other));
  probe.answer({ ip: "192.0.2.2", port: 5991 });
  probe.answer({ ip: "192.0.2.2", port: 5991 });
  probe.told.splice(0);
  probe.pass(30_000);
  const times = probe.told.filter((told) => told.includes(" 5990")).map((told) => Number(told.split(":")[0]));
  expect(times).toEqual([
    ...Array.from({ length: 23 }, (_, i) => 150 * (i + 1)),
    24 * 150,
    24 * 150 + 10_000,
    24 * 150 + 20_000,
  ]);
});

test("the second address is asked a little later, and not at all once the first has answered", () => {
  const late = aProbe();
  late.take(asked(both));
  late.pass(300);
  expect(late.told.filter((told) => told.includes("2001:db8::3"))).toEqual([
    "300: probe 2001:db8::3 5990",
    "300: probe 2001:db8::3 5991",
  ]);
  const early = aProbe();
  early.take(asked(both));
  early.answer(at(5991, both));
  early.pass(20_000);
  expect(early.told.filter((told) => told.includes("2001:db8::3"))).toEqual([]);
  expect(sidecarIp(early.state)).toBe("192.0.2.3");
});

test("Orion's own server gets its datagram three times, and is waited for by nobody", () => {
  const probe = aProbe();
  probe.take({ kind: "asked-plainly", to: at(9) });
  probe.pass(60_000);
  expect(probe.told).toEqual([0, 150, 300].map((ms) => `${ms}: connect 192.0.2.1 9`));
  expect(wakeAt(probe.state)).toBe(Number.POSITIVE_INFINITY);
});

test("a sidecar that does not answer is reported after 2 s; each has 5 s to answer, and all together 12", () => {
  const said = (probe: ReturnType<typeof aProbe>) => probe.told.filter((told) => !told.includes("probe"));
  const alone = aProbe();
  alone.take(asked(one));
  alone.pass(20_000);
  expect(said(alone)).toEqual(["2000: report-unseen", "5000: give-up"]);
  const several = aProbe();
  for (const sidecar of [one, other, one, other, one]) {
    several.take(asked(sidecar));
    several.pass(2_500);
  }
  expect(said(several)).toEqual([
    ...[2_000, 4_500, 7_000, 9_500].map((ms) => `${ms}: report-unseen`),
    "12000: give-up",
  ]);
});

describe("what comes at the wrong time changes nothing:", () => {
  const answer: ProbeEvent = {
    kind: "answer-received",
    from: at(5990),
    nonce: "made up",
    seen: { ip: "203.0.113.9", port: 1 },
    cookie: "made up",
    nextNonce: "made up",
  };
  const stages: Record<string, () => ReturnType<typeof aProbe>> = {
    "before the first asking": aProbe,
    "while it is asked": () => {
      const probe = aProbe();
      probe.take(asked(one));
      return probe;
    },
    "when it has been seen": () => {
      const probe = aProbe();
      probe.take(asked({ ...one, ports: [5990] }));
      probe.answer(at(5990));
      probe.answer(at(5990));
      return probe;
    },
    "after it was stopped": () => {
      const probe = aProbe();
      probe.take(asked(one));
      probe.take({ kind: "stopped" });
      return probe;
    },
    "after it has given up": () => {
      const probe = aProbe();
      probe.take(asked(one));
      probe.pass(20_000);
      return probe;
    },
  };
  for (const [when, stage] of Object.entries(stages)) {
    test(`an answer nobody asked for, or a timer that rings early, ${when}`, () => {
      const probe = stage();
      for (const event of [answer, { kind: "deadline-passed" } as const]) {
        const { state } = probe;
        expect(probe.take(event)).toEqual([]);
        expect(probe.state).toBe(state);
      }
      expect(awaits(probe.state, "made up", at(5990))).toBe(false);
    });
  }
  for (const when of ["after it was stopped", "after it has given up"]) {
    test(`anything, ${when}`, () => {
      const probe = stages[when]?.();
      if (!probe) throw new Error(when);
      const { state } = probe;
      const events: ProbeEvent[] = [
        asked(one),
        asked(other),
        { kind: "asked-plainly", to: at(9) },
        { kind: "stopped" },
      ];
      for (const event of events) expect(probe.take(event)).toEqual([]);
      expect(probe.state).toBe(state);
      expect(wakeAt(state)).toBe(Number.POSITIVE_INFINITY);
    });
  }
  test("an answer from elsewhere, or with another port's nonce", () => {
    const probe = aProbe();
    probe.take(asked(one));
    const { state } = probe;
    probe.answer(at(5990), { from: at(5991) });
    probe.answer(at(5990), { from: { ip: "192.0.2.66", port: 5990 } });
    expect(probe.state).toBe(state);
  });
});

describe("whatever comes, in whatever order", () => {
  type Happening =
    | { kind: "asked"; sidecar: SidecarPorts }
    | { kind: "asked-plainly" }
    | { kind: "answer"; which: number; ago: number }
    | { kind: "time-passes"; ms: number }
    | { kind: "stops" };
  const sidecar = fc.constantFrom(one, other, both, nowhere);
  const happening: fc.Arbitrary<Happening> = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("asked"), sidecar }) },
    { weight: 1, arbitrary: fc.constant({ kind: "asked-plainly" }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("answer"),
        which: fc.nat(3),
        ago: fc.nat(1),
      }),
    },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("time-passes"), ms: fc.nat(4_000) }) },
    { weight: 1, arbitrary: fc.constant({ kind: "stops" }) },
  );

  /**
   * Steps through all, and judges what it has sent and said. How many ended as blocked, and how many were
   * answered.
   */
  function walk(happenings: readonly Happening[]): { isBlocked: boolean; isAnswered: boolean } {
    const probe = aProbe();
    let firstAskedAt: number | null = null;
    let askings = 0;
    let isStopped = false;
    for (const one of happenings) {
      const from = probe.effects.length;
      const { wasAnswered } = probe.state;
      switch (one.kind) {
        case "asked":
          if (!probe.state.isOver) {
            askings += 1;
            firstAskedAt ??= probe.now;
          }
          probe.take(asked(one.sidecar));
          break;
        case "asked-plainly":
          probe.take({ kind: "asked-plainly", to: at(9) });
          break;
        case "answer": {
          const { to } = probe.state.ports[one.which] ?? { to: at(5990, other) };
          probe.answer(to, { ago: one.ago });
          break;
        }
        case "time-passes":
          probe.pass(one.ms);
          break;
        case "stops":
          isStopped = true;
          probe.take({ kind: "stopped" });
      }
      const { state } = probe;
      const effects = probe.effects.slice(from);
      for (const effect of effects) {
        if (effect.kind === "send-probe") {
          // Only to the sidecar that was last asked for, or to one of its addresses before.
          expect(state.ports.map(({ to }) => to)).toContainEqual(effect.to);
          expect(effect.cookie ?? `cookie of ${effect.to.port}`).toBe(`cookie of ${effect.to.port}`);
        }
        if (effect.kind === "give-up") expect([wasAnswered, isStopped]).toEqual([false, false]);
        if (isStopped) throw new Error("something is done after the stop");
      }
      // What has no nonce of its own could be answered for another.
      expect(new Set(state.ports.map(({ nonce }) => nonce)).size).toBe(state.ports.length);
      if (firstAskedAt !== null && !state.wasAnswered && probe.now >= firstAskedAt + 12_000)
        expect(state.isOver).toBe(true);
      if (state.wasAnswered)
        expect([state.blockedAt, state.isOver && !isStopped]).toEqual([Number.POSITIVE_INFINITY, false]);
    }
    const said = (kind: ProbeEffect["kind"]) => probe.effects.filter((effect) => effect.kind === kind).length;
    expect(said("report-unseen")).toBeLessThanOrEqual(askings);
    expect(said("give-up")).toBeLessThanOrEqual(1);
    return { isBlocked: said("give-up") > 0, isAnswered: probe.state.wasAnswered };
  }

  test("nobody is asked but the sidecar, UDP is blocked once and only if nobody answers, and an end is an end", () => {
    const count = { isBlocked: 0, isAnswered: 0 };
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 25, size: "max" }), (happenings) => {
        const { isBlocked, isAnswered } = walk(happenings);
        count.isBlocked += Number(isBlocked);
        count.isAnswered += Number(isAnswered);
      }),
      // The same inputs each time, as what they bring about is counted.
      { numRuns: 500, seed: 1 },
    );
    expect(count.isBlocked).toBeGreaterThan(25);
    expect(count.isAnswered).toBeGreaterThan(100);
  });
});
