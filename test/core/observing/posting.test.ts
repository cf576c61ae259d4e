/**
 * How observations get to the edge: a table of events, and walks of many against the promises. The same
 * under a clock, with crowds and bytes, is in test/sidecar/observations.test.ts.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { observingLimits } from "../../../core/observing/limits.ts";
import { isDrained, step, wakeAt } from "../../../core/observing/posting.ts";
import {
  newPosting,
  type PostAnswer,
  type PostingEffect,
  type PostingEvent,
} from "../../../core/observing/posting-state.ts";
import type { Observation } from "../../../core/wire/sidecar-post.ts";

const { observationBatchMs, observationIntervalMs, observationLifeMs, observationPosts } = observingLimits;

/** Where a player is seen: a name and a port. */
const made = (clientId: string, port: number): PostingEvent => ({
  kind: "observation-made",
  observation: { holder: "l1", clientId, ip: "192.0.2.1", port },
});
const answered = (post: number, answer: PostAnswer): PostingEvent => ({
  kind: "post-answered",
  post,
  answer,
});

function line(effect: PostingEffect): string {
  if (effect.kind === "drop") return "drop";
  return `post ${effect.post}: ${effect.observations.map(({ clientId, port }) => `${clientId} ${port}`).join(", ")}`;
}

/**
 * A posting whose deadlines are kept: events by when they come, in milliseconds, and what came of them, and
 * when.
 */
function play(events: readonly (readonly [at: number, event: PostingEvent])[], until: number) {
  const state = newPosting();
  const told: string[] = [];
  const take = (event: PostingEvent, now: number) =>
    told.push(...step(state, event, now).map((effect) => `${now}: ${line(effect)}`));
  for (const [now, event] of [...events, [until, null] as const]) {
    for (let due = wakeAt(state); due <= now; due = wakeAt(state)) take({ kind: "deadline-passed" }, due);
    if (event) take(event, now);
  }
  return { state, told };
}

test("a post tells so many objects at most, and the next one the others", () => {
  const players = Array.from(
    { length: 2 * observingLimits.holdersPerPost + 1 },
    (_, i): [number, PostingEvent] => {
      const clientId = `player ${i}`;
      const observation = { holder: `L${i}`, clientId, ip: "192.0.2.1", port: 1 };
      return [0, { kind: "observation-made", observation }];
    },
  );
  const { told } = play(players, observationBatchMs);
  expect(told.map((post) => post.split(", ").length)).toEqual([
    observingLimits.holdersPerPost,
    observingLimits.holdersPerPost,
    1,
  ]);
});

describe("what was seen of players is posted:", () => {
  const early: PostingEvent = { kind: "deadline-passed" };
  const stopped: PostingEvent = { kind: "stopped" };
  const table: [why: string, events: [number, PostingEvent][], told: string[]][] = [
    [
      "together, after a moment",
      [
        [0, made("Ann", 1)],
        [1, made("Ben", 2)],
      ],
      ["2: post 1: Ann 1, Ben 2"],
    ],
    [
      "the newest of each",
      [
        [0, made("Ann", 1)],
        [1, made("Ann", 2)],
      ],
      ["2: post 1: Ann 2"],
    ],
    [
      "not before its time, whenever the timer rings",
      [
        [0, made("Ann", 1)],
        [0, early],
        [1, early],
      ],
      ["2: post 1: Ann 1"],
    ],
    [
      "one post of a player at a time",
      [
        [0, made("Ann", 1)],
        [5, made("Ann", 2)],
        [50, made("Ann", 3)],
        [90, answered(1, [])],
      ],
      ["2: post 1: Ann 1", "92: post 2: Ann 3"],
    ],
    [
      "the same again after a rest, another endpoint at once",
      [
        [0, made("Ann", 1)],
        [10, answered(1, [])],
        [20, made("Ann", 1)],
        [220, answered(2, [])],
        [230, made("Ann", 2)],
      ],
      ["2: post 1: Ann 1", "212: post 2: Ann 1", "232: post 3: Ann 2"],
    ],
    [
      "again after the rest, where the edge asks for it",
      [
        [0, made("Ann", 1)],
        [0, made("Ben", 2)],
        [10, answered(1, [1])],
      ],
      ["2: post 1: Ann 1, Ben 2", "212: post 2: Ben 2"],
    ],
    [
      "not the older again, where the edge asks for it and something newer is there",
      [
        [0, made("Ann", 1)],
        [5, made("Ann", 2)],
        [10, answered(1, [0])],
      ],
      ["2: post 1: Ann 1", "12: post 2: Ann 2"],
    ],
    [
      "again after pauses that double, where the edge is not reached",
      [
        [0, made("Ann", 1)],
        [10, answered(1, "unreached")],
        [300, answered(2, "unreached")],
        [700, answered(3, [])],
      ],
      ["2: post 1: Ann 1", "310: post 2: Ann 1"],
    ],
    [
      "by halves, where the edge refuses something in it",
      [
        [0, made("Ann", 1)],
        [0, made("Ben", 2)],
        [0, made("Cid", 3)],
        [10, answered(1, "refused")],
        [20, answered(2, [])],
        [20, answered(3, "refused")],
        [30, answered(4, "refused")],
        [30, answered(5, [])],
      ],
      [
        "2: post 1: Ann 1, Ben 2, Cid 3",
        "10: post 2: Ann 1",
        "10: post 3: Ben 2, Cid 3",
        "20: post 4: Ben 2",
        "20: post 5: Cid 3",
      ],
    ],
    [
      "not twice, when an answer comes twice, or to a post that never was",
      [
        [0, made("Ann", 1)],
        [10, answered(1, [])],
        [11, answered(1, "unreached")],
        [12, answered(7, "refused")],
      ],
      ["2: post 1: Ann 1"],
    ],
    [
      "not again for an index beyond the post",
      [
        [0, made("Ann", 1)],
        [10, answered(1, [1, 500])],
      ],
      ["2: post 1: Ann 1"],
    ],
    [
      "not at all, when there is nothing",
      [
        [5, early],
        [6, stopped],
        [7, early],
      ],
      [],
    ],
    [
      "no more after the stop, whatever is answered then",
      [
        [0, made("Ann", 1)],
        [0, made("Ben", 1)],
        [5, made("Ann", 2)],
        [6, stopped],
        [7, answered(1, "refused")],
        [8, made("Cid", 1)],
      ],
      ["2: post 1: Ann 1, Ben 1", "8: drop"],
    ],
  ];
  for (const [why, events, told] of table) {
    test(why, () => expect(play(events, 60_000).told).toEqual(told));
  }
});

test("a player is forgotten after its rest, one that was not posted in time is lost, and both are counted", () => {
  const taken = play(
    [
      [0, made("Ann", 1)],
      [10, answered(1, [])],
    ],
    10 + observationIntervalMs,
  );
  expect(taken.state.clients.size).toBe(0);
  expect(taken.state.counts).toEqual({ posted: 1, lost: 0, refused: 0 });
  // The edge answers after half a minute, and not well.
  const late = play(
    [
      [0, made("Ann", 1)],
      [observationLifeMs, answered(1, "unreached")],
    ],
    observationLifeMs + 1_000,
  );
  expect(late.told).toHaveLength(1);
  expect(late.state.counts).toEqual({ posted: 0, lost: 1, refused: 0 });
  expect([late.state.clients.size, isDrained(late.state), wakeAt(late.state)]).toEqual([
    0,
    true,
    Number.POSITIVE_INFINITY,
  ]);
});

describe("whatever comes, in whatever order", () => {
  type Happening =
    | { kind: "seen"; who: number; from: number }
    | { kind: "answer"; which: number; how: "taken" | "some-again" | "unreached" | "refused" }
    | { kind: "time-passes"; ms: number }
    | { kind: "rings-early" };
  const happening: fc.Arbitrary<Happening> = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant("seen"),
        who: fc.nat(7),
        from: fc.integer({ min: 1, max: 3 }),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("answer"),
        which: fc.nat(3),
        how: fc.constantFrom("taken", "some-again", "unreached", "refused"),
      }),
    },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("time-passes"), ms: fc.nat(20) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("time-passes"), ms: fc.nat(500) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("time-passes"), ms: fc.nat(8_000) }) },
    { weight: 1, arbitrary: fc.constant({ kind: "rings-early" }) },
  );

  /**
   * Steps through all, lets the edge answer well in the end, and judges each step. How many posts there
   * were.
   */
  function walk(happenings: readonly Happening[]): number {
    const state = newPosting();
    const underWay = new Map<number, Observation[]>();
    /**
     * In the order in which they were seen, and the last of each client that was posted, as its place in
     * it.
     */
    const seen: Observation[] = [];
    const lastPosted = new Map<string, number>();
    const settled = new Set<Observation>();
    const model = { posted: 0, refused: 0 };
    let now = 0;
    let posts = 0;

    const judge = (effects: readonly PostingEffect[], pauseMs: number) => {
      const some = effects.flatMap((effect) => (effect.kind === "post" ? [effect] : []));
      expect(some).toHaveLength(effects.length);
      if (pauseMs > 0) expect(some.length).toBeLessThanOrEqual(1);
      for (const { post, observations } of some) {
        posts += 1;
        const busy = [...underWay.values()].flat().map(({ clientId }) => clientId);
        const ids = observations.map(({ clientId }) => clientId);
        expect(ids.length).toBeGreaterThan(0);
        expect(new Set([...busy, ...ids]).size).toBe(busy.length + ids.length);
        for (const observation of observations) {
          const place = seen.indexOf(observation);
          expect(place).toBeGreaterThanOrEqual(lastPosted.get(observation.clientId) ?? 0);
          lastPosted.set(observation.clientId, place);
        }
        underWay.set(post, observations);
      }
      expect(underWay.size).toBeLessThanOrEqual(observationPosts);
      expect(isDrained(state)).toBe(
        state.ready.size === 0 && state.halves.length === 0 && underWay.size === 0,
      );
      // What waits is posted by itself, unless an answer has to come first.
      if (!isDrained(state) && underWay.size === 0) expect(wakeAt(state)).toBeLessThanOrEqual(now + 5_000);
    };
    const take = (event: PostingEvent) => {
      const { pauseMs } = state;
      judge(step(state, event, now), event.kind === "deadline-passed" ? pauseMs : 0);
    };
    const pass = (ms: number) => {
      const until = now + ms;
      for (let due = wakeAt(state); due <= until; due = wakeAt(state)) {
        now = Math.max(now, due);
        take({ kind: "deadline-passed" });
      }
      now = until;
    };
    const answer = (post: number, how: Extract<Happening, { kind: "answer" }>["how"]) => {
      const observations = underWay.get(post) ?? [];
      underWay.delete(post);
      const again = how === "some-again" ? [...observations.keys()].filter((i) => i % 2 === 0) : [];
      const before = state.counts.refused;
      take(answered(post, how === "taken" || how === "some-again" ? again : how));
      const refused = state.counts.refused - before;
      expect([0, how === "refused" ? observations.length : 0]).toContain(refused);
      model.refused += refused;
      if (how === "unreached" || (how === "refused" && refused === 0)) return;
      const done = observations.filter((_, i) => !again.includes(i));
      if (how !== "refused") model.posted += done.length;
      for (const observation of done) settled.add(observation);
    };
    const doOne = (one: Happening) => {
      switch (one.kind) {
        case "seen": {
          const observation = {
            holder: "l1",
            clientId: `client ${one.who}`,
            ip: "192.0.2.1",
            port: one.from,
          };
          seen.push(observation);
          return take({ kind: "observation-made", observation });
        }
        case "answer": {
          const post = [...underWay.keys()][one.which];
          return post === undefined ? undefined : answer(post, one.how);
        }
        case "time-passes":
          return pass(one.ms);
        case "rings-early":
          return take({ kind: "deadline-passed" });
      }
    };

    for (const one of happenings) doOne(one);
    const isLong = now >= observationLifeMs;
    // In the end the edge takes all.
    for (let i = 0; !isDrained(state) || state.clients.size > 0; i++) {
      if (i > 1_000) throw new Error("it never ends");
      for (const post of [...underWay.keys()]) answer(post, "taken");
      pass(Math.max(0, wakeAt(state) - now));
    }
    expect(wakeAt(state)).toBe(Number.POSITIVE_INFINITY);
    expect({ ...model, lost: state.counts.lost }).toEqual(state.counts);
    const newest = new Map(seen.map((observation) => [observation.clientId, observation]));
    const missing = [...newest.values()].filter((observation) => !settled.has(observation));
    // What a player was seen at last arrived, or is counted as lost.
    expect(missing.length).toBeLessThanOrEqual(state.counts.lost);
    if (!isLong) expect(state.counts.lost).toBe(0);
    return posts;
  }

  test("nothing older follows something newer, nobody is in two posts, and nothing is lost uncounted", () => {
    let posts = 0;
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 80, size: "max" }), (happenings) => {
        posts += walk(happenings);
      }),
      { numRuns: 500 },
    );
    expect(posts).toBeGreaterThan(2_500);
  });
});

test("a batch waits no longer than it has to", () => {
  const state = newPosting();
  step(state, made("Ann", 1), 100);
  expect(wakeAt(state)).toBe(100 + observationBatchMs);
});
