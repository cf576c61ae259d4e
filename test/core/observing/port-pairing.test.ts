/**
 * What becomes of the datagrams that a sidecar's two ports get: a table of events, and walks of many
 * against the promises.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { observingLimits } from "../../../core/observing/limits.ts";
import {
  type ClientDatagram,
  newPairing,
  type PairingEffect,
  type PairingEvent,
  type PairingState,
  type PortName,
  step,
  wakeAt,
} from "../../../core/observing/port-pairing.ts";

const { otherPortMs, observationLifeMs, observationsHeld } = observingLimits;

/** Ann's datagram, from this port of hers. */
const from = (port: number, about: Partial<ClientDatagram> = {}): ClientDatagram => ({
  clientId: "Ann",
  proof: { kind: "token", text: about.clientId ?? "Ann" },
  endpoint: { ip: "192.0.2.1", port },
  candidates: [],
  proven: true,
  ...about,
});
const orion = { candidates: undefined, proven: undefined };
const at = (port: PortName, datagram: ClientDatagram): PairingEvent => ({
  kind: "datagram-arrived",
  port,
  datagram,
});

/** An effect as a line: who passes, by which ports of hers. */
function line(effect: PairingEffect): string {
  if (effect.kind === "drop") return "drop";
  const { clientId, port, second, candidates, proven } = effect.observation;
  const ports = second ? `${port} and ${second.port}` : `${port}`;
  return `${clientId} ${ports}${candidates ? "" : ", plain"}${proven ? "" : ", unproven"}`;
}

/**
 * A pairing, its deadlines kept: events by when they come, in milliseconds, and what came of them, and
 * when.
 */
function play(events: readonly (readonly [at: number, event: PairingEvent])[], until = 0): string[] {
  const state = newPairing();
  const told: string[] = [];
  const take = (event: PairingEvent, now: number) =>
    told.push(...step(state, event, now).map((effect) => `${now}: ${line(effect)}`));
  for (const [now, event] of [...events, [until, null] as const]) {
    for (let due = wakeAt(state); due <= now; due = wakeAt(state)) take({ kind: "deadline-passed" }, due);
    if (event) take(event, now);
  }
  return told;
}

describe("a player's datagrams become", () => {
  const stopping: PairingEvent = { kind: "stopping" };
  const early: PairingEvent = { kind: "deadline-passed" };
  const table: [why: string, events: [number, PairingEvent][], told: string[]][] = [
    [
      "one observation, at once, when the second port follows the first",
      [
        [0, at("first", from(1))],
        [9, at("second", from(2))],
      ],
      ["9: Ann 1 and 2"],
    ],
    [
      "one observation, at once, when the first port follows the second",
      [
        [0, at("second", from(2))],
        [9, at("first", from(1))],
      ],
      ["9: Ann 1 and 2"],
    ],
    ["one of the first port alone, after a moment", [[0, at("first", from(1))]], ["30: Ann 1"]],
    ["one of the second port alone, after a moment", [[0, at("second", from(2))]], ["30: Ann 2"]],
    [
      "one of the newest, when the same port gets several",
      [
        [0, at("first", from(1))],
        [10, at("first", from(3))],
        [20, at("first", from(4))],
      ],
      ["30: Ann 4"],
    ],
    [
      "two, when the other half comes too late; the second knows both",
      [
        [0, at("first", from(1))],
        [31, at("second", from(2))],
      ],
      ["30: Ann 1", "61: Ann 1 and 2"],
    ],
    [
      "two pairs, when half of the second is lost",
      [
        [0, at("first", from(1))],
        [1, at("second", from(2))],
        [500, at("first", from(1))],
      ],
      ["1: Ann 1 and 2", "530: Ann 1 and 2"],
    ],
    [
      "no pair with an endpoint of another socket",
      [
        [0, at("first", from(1))],
        [1, at("second", from(2))],
        [500, at("first", from(3))],
        [600, at("second", from(4))],
      ],
      ["1: Ann 1 and 2", "530: Ann 3", "630: Ann 3 and 4"],
    ],
    [
      "no pair with an endpoint of another socket, where the second port alone sees it",
      [
        [0, at("first", from(1))],
        [1, at("second", from(2))],
        [500, at("second", from(5))],
      ],
      ["1: Ann 1 and 2", "530: Ann 5"],
    ],
    [
      "no pair with what was seen too long ago",
      [
        [0, at("first", from(1))],
        [1, at("second", from(2))],
        [observationLifeMs + 1, at("first", from(1))],
      ],
      ["1: Ann 1 and 2", `${observationLifeMs + 1 + otherPortMs}: Ann 1`],
    ],
    [
      "no pair with the second port's sight of another address",
      [
        [0, at("first", from(1))],
        [100, at("second", from(2, { endpoint: { ip: "192.0.2.9", port: 2 } }))],
      ],
      ["30: Ann 1", "130: Ann 2"],
    ],
    [
      "unproven, when either half is",
      [
        [0, at("first", from(1, { proven: undefined }))],
        [1, at("second", from(2))],
        [100, at("first", from(3))],
        [101, at("second", from(4, { proven: undefined }))],
      ],
      ["1: Ann 1 and 2, unproven", "101: Ann 3 and 4, unproven"],
    ],
    [
      "unproven, when what completes a later half never was",
      [
        [0, at("first", from(1, { proven: undefined }))],
        [100, at("second", from(2))],
        [200, at("first", from(1))],
      ],
      ["30: Ann 1, unproven", "130: Ann 1 and 2, unproven", "230: Ann 1 and 2"],
    ],
    [
      "an observation at once, without candidates",
      [[0, at("second", from(7, orion))]],
      ["0: Ann 7, plain, unproven"],
    ],
    [
      "two in their order, when one without candidates overtakes a half",
      [
        [0, at("first", from(1))],
        [5, at("first", from(7, orion))],
        [6, at("second", from(2))],
      ],
      ["5: Ann 1", "5: Ann 7, plain, unproven", "36: Ann 2"],
    ],
    [
      "one for each player",
      [
        [0, at("first", from(1))],
        [1, at("first", from(2, { clientId: "Ben" }))],
        [2, at("second", from(3))],
      ],
      ["2: Ann 1 and 3", "31: Ben 2"],
    ],
    [
      "nothing before its time, whenever the timer rings",
      [
        [0, at("first", from(1))],
        [10, early],
        [29, early],
      ],
      ["30: Ann 1"],
    ],
    [
      "nothing, when there are none",
      [
        [5, early],
        [6, stopping],
        [7, early],
      ],
      [],
    ],
    [
      "an observation at once when the sidecar stops, and nothing is remembered",
      [
        [0, at("first", from(1))],
        [3, stopping],
        [4, stopping],
        [50, at("second", from(2))],
      ],
      ["3: Ann 1", "80: Ann 2"],
    ],
  ];
  for (const [why, events, told] of table) {
    test(why, () => expect(play(events, 2 * observationLifeMs)).toEqual(told));
  }
});

test("no more players wait than the bound; those that wait may still be completed", () => {
  const state = newPairing();
  for (let i = 0; i < observationsHeld; i++) step(state, at("first", from(1, { clientId: `${i}` })), 0);
  expect(step(state, at("first", from(1)), 0)).toEqual([{ kind: "drop" }]);
  expect(step(state, at("second", from(2, { clientId: "7" })), 0).map(line)).toEqual(["7 1 and 2"]);
  expect(step(state, at("first", from(1)), 0)).toEqual([]);
  expect(step(state, { kind: "deadline-passed" }, otherPortMs)).toHaveLength(observationsHeld);
  expect([state.waiting.size, state.remembered.size]).toEqual([0, observationsHeld]);
  // Nobody can be remembered any more, but all pass.
  expect(play([[0, at("first", from(1))]], 100)).toEqual(["30: Ann 1"]);
  expect(step(state, at("first", from(1, { clientId: "Ben" })), otherPortMs)).toEqual([]);
  expect(step(state, at("second", from(2, { clientId: "Ben" })), otherPortMs).map(line)).toEqual([
    "Ben 1 and 2",
  ]);
  expect(state.remembered.size).toBe(observationsHeld);
  step(state, { kind: "deadline-passed" }, otherPortMs + observationLifeMs);
  expect([state.waiting.size, state.remembered.size, wakeAt(state)]).toEqual([
    0,
    0,
    Number.POSITIVE_INFINITY,
  ]);
});

describe("whatever comes, in whatever order", () => {
  type Happening =
    | { kind: "datagram"; who: number; port: PortName; from: number; isPlain: boolean; proven: boolean }
    | { kind: "time-passes"; ms: number }
    | { kind: "rings-early" }
    | { kind: "stops" };
  const happening: fc.Arbitrary<Happening> = fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        kind: fc.constant("datagram"),
        who: fc.nat(2),
        port: fc.constantFrom("first", "second"),
        from: fc.integer({ min: 1, max: 3 }),
        isPlain: fc.nat(7).map((n) => n === 0),
        proven: fc.boolean(),
      }),
    },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("time-passes"), ms: fc.nat(40) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("time-passes"), ms: fc.nat(40_000) }) },
    { weight: 1, arbitrary: fc.constant({ kind: "rings-early" }) },
    { weight: 1, arbitrary: fc.constant({ kind: "stops" }) },
  );

  /**
   * What was sent by one client, as far as it is not in an observation yet, and the newest that each port
   * saw.
   */
  type Client = {
    waitsSince: number | null;
    pending: Map<PortName, ClientDatagram>;
    newest: Map<PortName, ClientDatagram>;
  };

  /** Steps through all, and judges each step. How many observations there were. */
  function walk(happenings: readonly Happening[]): number {
    const state: PairingState = newPairing();
    const clients = new Map<string, Client>();
    const clientOf = (id: string) => {
      const client = clients.get(id) ?? { waitsSince: null, pending: new Map(), newest: new Map() };
      clients.set(id, client);
      return client;
    };
    let now = 0;
    let passed = 0;

    const judge = (effect: PairingEffect, plain: ClientDatagram | null): number => {
      if (effect.kind === "drop") throw new Error("dropped, with hardly anybody there");
      const { clientId, ip, port, second, candidates, proven } = effect.observation;
      passed += 1;
      if (candidates === undefined) {
        expect([clientId, { ip, port }]).toEqual([plain?.clientId, plain?.endpoint]);
        return now;
      }
      const { pending, newest, waitsSince } = clientOf(clientId);
      // One observation for what waited, and none for nothing.
      if (waitsSince === null) throw new Error("an observation of nothing new");
      expect(now - waitsSince).toBeLessThanOrEqual(otherPortMs);
      const isOfFirst = second !== undefined || pending.has("first");
      const main = newest.get(isOfFirst ? "first" : "second");
      const other = second && newest.get("second");
      // Nothing older than what the port saw last.
      expect({ ip, port }).toEqual(main?.endpoint);
      if (second) expect(second).toEqual(other?.endpoint);
      if (proven) expect([main?.proven, other?.proven ?? true]).toEqual([true, true]);
      // Nothing that waited is left out.
      if (pending.has("first")) expect(isOfFirst).toBe(true);
      if (pending.has("first") && pending.has("second")) expect(second).toBeDefined();
      pending.clear();
      clientOf(clientId).waitsSince = null;
      return waitsSince;
    };
    const take = (event: PairingEvent, plain: ClientDatagram | null = null) => {
      const since = step(state, event, now).map((effect) => judge(effect, plain));
      expect(since).toEqual(since.toSorted((a, b) => a - b));
      for (const { waitsSince } of clients.values())
        if (waitsSince !== null) expect(wakeAt(state)).toBeLessThanOrEqual(waitsSince + otherPortMs);
    };
    const pass = (ms: number) => {
      const until = now + ms;
      for (let due = wakeAt(state); due <= until; due = wakeAt(state)) {
        now = due;
        take({ kind: "deadline-passed" });
      }
      now = until;
    };
    const doOne = (one: Happening) => {
      switch (one.kind) {
        case "datagram": {
          const about = one.isPlain ? orion : { proven: one.proven };
          const datagram = from(one.from, { clientId: `client ${one.who}`, ...about });
          const client = clientOf(datagram.clientId);
          if (!one.isPlain) {
            client.pending.set(one.port, datagram);
            client.newest.set(one.port, datagram);
            client.waitsSince ??= now;
          }
          take(at(one.port, datagram), one.isPlain ? datagram : null);
          if (one.isPlain) expect(client.waitsSince).toBeNull();
          if (one.isPlain) client.newest.clear();
          return;
        }
        case "time-passes":
          return pass(one.ms);
        case "rings-early":
          return take({ kind: "deadline-passed" });
        case "stops":
          take({ kind: "stopping" });
          expect([state.waiting.size, state.remembered.size]).toEqual([0, 0]);
          expect([...clients.values()].every(({ waitsSince }) => waitsSince === null)).toBe(true);
      }
    };

    for (const one of happenings) doOne(one);
    pass(otherPortMs + observationLifeMs);
    expect([...clients.values()].filter(({ waitsSince }) => waitsSince !== null)).toEqual([]);
    expect([state.waiting.size, state.remembered.size, wakeAt(state)]).toEqual([
      0,
      0,
      Number.POSITIVE_INFINITY,
    ]);
    return passed;
  }

  test("each datagram is in one observation, in time, in order, and nothing is left over", () => {
    let passed = 0;
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60, size: "max" }), (happenings) => {
        passed += walk(happenings);
      }),
      // The same inputs each time, as what they bring about is counted.
      { numRuns: 500, seed: 1 },
    );
    expect(passed).toBeGreaterThan(2_000);
  });
});
