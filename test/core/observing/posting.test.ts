/**
 * How observations get to the edge: a table of events, and walks of many against the promises. The same
 * under a clock, with crowds and bytes, is in test/sidecar/observations.test.ts.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { observingLimits } from "../../../core/observing/limits.ts";
import { isDrained, step, wakeAt } from "../../../core/observing/posting.ts";
import {
  lanes,
  newPosting,
  type PostAnswer,
  type PostingEffect,
  type PostingEvent,
} from "../../../core/observing/posting-state.ts";
import { waitingIn } from "../../../core/observing/turns.ts";
import type { Observation } from "../../../core/wire/sidecar-post.ts";

const { observationBatchMs, observationIntervalMs, observationLifeMs, observationPosts } = observingLimits;

/** Each has a token of its own. */
const proofOf = (clientId: string) => ({ kind: "token" as const, text: `the token of ${clientId}` });
/** Where a player is seen: a name and a port. */
const made = (clientId: string, port: number): PostingEvent => ({
  kind: "observation-made",
  observation: { proof: proofOf(clientId), clientId, ip: "192.0.2.1", port },
});
/** A list: the edge asks for these again, and wants all the others. */
const answered = (post: number, answer: PostAnswer | number[]): PostingEvent => ({
  kind: "post-answered",
  post,
  answer: Array.isArray(answer) ? { again: answer, gone: [], idle: [], calls: 1 } : answer,
});
/** What the edge says of all in a post. */
const all = (what: "gone" | "idle", count = 1, calls = 1): PostAnswer => ({
  ...{ again: [], gone: [], idle: [], calls },
  [what]: [...Array(count).keys()],
});

function line(effect: PostingEffect): string {
  if (effect.kind !== "post") return effect.kind;
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

test("whoever repeats a player's datagram from elsewhere does not hide it: a post has the last three other addresses", () => {
  const state = newPosting();
  const from = (ip: string, port: number, proven?: true): PostingEvent => ({
    kind: "observation-made",
    observation: { proof: proofOf("Ann"), clientId: "Ann", ip, port, ...(proven && { proven }) },
  });
  const posted = (events: readonly PostingEvent[], now: number) => {
    for (const event of events) step(state, event, now);
    const effects = step(state, { kind: "deadline-passed" }, now + observationBatchMs);
    return effects.flatMap((effect) => (effect.kind === "post" ? effect.observations : []));
  };
  const [home, thief] = ["192.0.2.1", "198.51.100.66"];
  const [first] = posted([from(home, 1), from(home, 2), from(thief, 3), from(thief, 4)], 0);
  expect(first).toMatchObject({ ip: thief, port: 4, others: [{ ip: home, port: 2 }] });
  step(state, answered(1, []), 10);
  const many = Array.from({ length: 9 }, (_, i) => from(`198.51.100.${i}`, i));
  const [second] = posted([...many, from(home, 9)], 300);
  expect(second).toMatchObject({ ip: home, port: 9 });
  expect(second?.others?.map(({ port }) => port)).toEqual([8, 7, 6]);
  step(state, answered(2, []), 310);
  // What is proven is nobody else's.
  const [third] = posted([from(thief, 1), from(home, 1, true)], 600);
  expect(third).not.toHaveProperty("others");
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
      ["2: post 1: Ben 2, Ann 1"],
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
      ["2: post 1: Ben 2, Ann 1", "212: post 2: Ann 1"],
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
        "2: post 1: Cid 3, Ben 2, Ann 1",
        "10: post 2: Cid 3",
        "10: post 3: Ben 2, Ann 1",
        "20: post 4: Ben 2",
        "20: post 5: Ann 1",
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
      ["2: post 1: Ben 1, Ann 1", "8: drop"],
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
  expect(taken.state.counts).toEqual({ posted: 1, lost: 0, refused: 0, ignored: 0 });
  // The edge answers after half a minute, and not well.
  const late = play(
    [
      [0, made("Ann", 1)],
      [observationLifeMs, answered(1, "unreached")],
    ],
    observationLifeMs + 1_000,
  );
  expect(late.told).toHaveLength(1);
  expect(late.state.counts).toEqual({ posted: 0, lost: 1, refused: 0, ignored: 0 });
  expect([late.state.clients.size, isDrained(late.state), wakeAt(late.state)]).toEqual([
    0,
    true,
    Number.POSITIVE_INFINITY,
  ]);
});

describe("whatever comes, in whatever order", () => {
  type Happening =
    | { kind: "seen"; who: number; from: number }
    | {
        kind: "answer";
        which: number;
        how: "taken" | "some-again" | "some-gone" | "some-idle" | "unreached" | "refused";
      }
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
        how: fc.constantFrom("taken", "some-again", "some-gone", "some-idle", "unreached", "refused"),
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
    let isIdling = false;

    const judge = (effects: readonly PostingEffect[], pauseMs: number) => {
      const some = effects.flatMap((effect) => (effect.kind === "post" ? [effect] : []));
      expect(effects.filter(({ kind }) => kind === "drop")).toEqual([]);
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
        lanes.every((lane) => waitingIn(state.ready[lane]) === 0) &&
          state.halves.length === 0 &&
          underWay.size === 0,
      );
      // What waits is posted by itself, unless an answer has to come first.
      if (!isDrained(state) && underWay.size === 0) expect(wakeAt(state)).toBeLessThanOrEqual(now + 5_000);
      for (const { left } of Object.values(state.budgets)) expect(left).toBeGreaterThanOrEqual(0);
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
      const some = [...observations.keys()].filter((i) => i % 2 === 0);
      const again = how === "some-again" ? some : [];
      const before = state.counts.refused;
      if (how === "some-gone" || how === "some-idle") {
        isIdling = true;
        const [gone, idle] = how === "some-gone" ? [some, []] : [[], some];
        take(answered(post, { again: [], gone, idle, calls: 1 }));
      } else take(answered(post, how === "taken" || how === "some-again" ? again : how));
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
            proof: proofOf(`client ${one.who}`),
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
    // In the end the edge takes all. A rest that was cut short is still to end when its client is gone.
    for (let i = 0; !isDrained(state) || wakeAt(state) < Number.POSITIVE_INFINITY; i++) {
      if (i > 1_000) throw new Error("it never ends");
      for (const post of [...underWay.keys()]) answer(post, "taken");
      pass(Math.max(0, wakeAt(state) - now));
    }
    expect(state.clients.size).toBe(0);
    const { lost, ignored } = state.counts;
    expect({ ...model, lost, ignored }).toEqual(state.counts);
    const newest = new Map(seen.map((observation) => [observation.clientId, observation]));
    const missing = [...newest.values()].filter((observation) => !settled.has(observation));
    // What a player was seen at last arrived, or is counted as lost or ignored.
    expect(missing.length).toBeLessThanOrEqual(lost + ignored);
    if (!isLong && !isIdling) expect(lost).toBe(0);
    return posts;
  }

  test("nothing older follows something newer, nobody is in two posts, and nothing is lost uncounted", () => {
    let posts = 0;
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 80, size: "max" }), (happenings) => {
        posts += walk(happenings);
      }),
      // The same inputs each time, as what they bring about is counted.
      { numRuns: 500, seed: 1 },
    );
    expect(posts).toBeGreaterThan(2_500);
  });
});

const { goneMs, idleMs, spareCallBurst, spareCallsPerSecond, callsPerRequest, spareGatherMs } =
  observingLimits;

describe("clients that the edge does not want:", () => {
  const table: [why: string, events: [number, PostingEvent][], told: string[]][] = [
    [
      "one that is gone is not posted for a minute, from wherever its token is sent, then for two",
      [
        [0, made("Ann", 1)],
        [10, answered(1, all("gone"))],
        [20, made("Ann", 2)],
        [goneMs, made("Ann", 3)],
        [goneMs + 10, made("Ann", 4)],
        [goneMs + 20, answered(2, all("gone"))],
        [3 * goneMs + 19, made("Ann", 5)],
        [3 * goneMs + 20, made("Ann", 6)],
      ],
      [
        ...["2: post 1: Ann 1", "20: ignore", `${goneMs}: ignore`, `${goneMs + 12}: post 2: Ann 4`],
        ...[`${3 * goneMs + 19}: ignore`, `${3 * goneMs + 22}: post 3: Ann 6`],
      ],
    ],
    [
      "what a gone client said while its post was under way is not posted",
      [
        [0, made("Ann", 1)],
        [5, made("Ann", 2)],
        [10, answered(1, all("gone"))],
      ],
      ["2: post 1: Ann 1"],
    ],
    [
      "one that is idle waits a second, then two: what it says last in that time is posted at its end",
      [
        [0, made("Ann", 1)],
        [10, answered(1, all("idle"))],
        [20, made("Ann", 2)],
        [30, made("Ann", 3)],
        [1_120, answered(2, all("idle"))],
        [1_130, made("Ann", 4)],
      ],
      ["2: post 1: Ann 1", "1102: post 2: Ann 3", "3202: post 3: Ann 4"],
    ],
    [
      "a player that sends one late datagram and starts again 5 s later is posted at once",
      [
        [0, made("Ann", 1)],
        [10, answered(1, [])],
        [300, made("Ann", 1)],
        [310, answered(2, all("idle"))],
        [5_300, made("Ann", 1)],
      ],
      ["2: post 1: Ann 1", "302: post 2: Ann 1", "5302: post 3: Ann 1"],
    ],
    [
      "a player that sends three, and starts again while it is idle, is a second late at most",
      [
        [0, made("Ann", 1)],
        [10, answered(1, all("idle"))],
        [150, made("Ann", 1)],
        [300, made("Ann", 1)],
        [900, made("Ann", 1)],
      ],
      ["2: post 1: Ann 1", `${idleMs + 102}: post 2: Ann 1`],
    ],
    [
      "once it is wanted, all is forgotten",
      [
        [0, made("Ann", 1)],
        [10, answered(1, all("idle"))],
        [1_200, made("Ann", 1)],
        [1_210, answered(2, [])],
        [1_500, made("Ann", 2)],
        [1_510, answered(3, all("idle"))],
        [1_520, made("Ann", 3)],
      ],
      ["2: post 1: Ann 1", "1202: post 2: Ann 1", "1502: post 3: Ann 2", "2602: post 4: Ann 3"],
    ],
  ];
  for (const [why, events, told] of table) {
    test(why, () => {
      const last = Math.max(...events.map(([at]) => at));
      expect(play(events, last + 2_500).told).toEqual(told);
    });
  }
});

describe("the budget for clients of which nobody knows whether they are wanted", () => {
  const proven = (clientId: string, port: number): PostingEvent => ({
    kind: "observation-made",
    observation: { proof: proofOf(clientId), clientId, ip: "192.0.2.1", port, proven: true },
  });

  /**
   * Runs for so many seconds. Every 10 ms each of these tokens is sent from another port, and the edge, which
   * answers after 20 ms, says that none is held. How many posts, and calls of objects, that were.
   */
  function flood(tokens: number, seconds: number, isFresh: boolean) {
    const state = newPosting();
    const sum = { posts: 0, calls: 0 };
    const due: { at: number; post: number; count: number }[] = [];
    let made = 0;
    let now = 0;
    const take = (event: PostingEvent) => {
      for (const effect of step(state, event, now)) {
        if (effect.kind !== "post") continue;
        sum.posts += 1;
        const calls = Math.min(effect.observations.length, 50);
        sum.calls += calls;
        due.push({ at: now + 20, post: effect.post, count: effect.observations.length });
      }
    };
    for (; now < seconds * 1_000; now += 10) {
      for (let i = 0; i < Math.min(tokens, 100); i++) {
        made += 1;
        const clientId = `${isFresh ? made : made % tokens}`.padStart(16, "0");
        const observation = {
          proof: proofOf(clientId),
          clientId,
          ip: "192.0.2.1",
          port: 1 + (made % 60_000),
        };
        take({ kind: "observation-made", observation });
      }
      while ((due[0]?.at ?? Number.POSITIVE_INFINITY) <= now) {
        const { post, count } = due.shift() ?? { post: 0, count: 0 };
        const calls = Math.min(count, 50);
        const indexes = [...Array(count).keys()];
        const answer = { again: indexes.slice(50), gone: indexes.slice(0, 50), idle: [], calls };
        take({ kind: "post-answered", post, answer });
      }
      if (wakeAt(state) <= now) take({ kind: "deadline-passed" });
    }
    return sum;
  }

  test("90 tokens of closed sockets cause a call each, and after a minute one more", () => {
    const { posts, calls } = flood(90, 50, false);
    expect(calls).toBe(90);
    expect(posts).toBeLessThan(20);
    expect(flood(90, 100, false).calls).toBe(180);
  });

  for (const [what, tokens, isFresh] of [
    ["5 000 tokens of closed sockets", 5_000, false],
    ["as many as there can be, each another one", 100, true],
  ] as const) {
    test(`bounds what ${what} cost, from however many addresses they come`, () => {
      const { posts, calls } = flood(tokens, 60, isFresh);
      const all = spareCallBurst + 60 * spareCallsPerSecond;
      expect(calls + callsPerRequest * posts).toBeLessThanOrEqual(all);
      // All of the $0.40 a day that it may be, and no more.
      expect((24 * 60 * 60 * spareCallsPerSecond * 0.15) / 1e6).toBeLessThan(0.4);
    });
  }

  test("is not what proven players wait for, nor those that were wanted a moment ago", () => {
    const state = newPosting();
    let now = 0;
    const posted = (event: PostingEvent) =>
      step(state, event, now).flatMap((effect) => (effect.kind === "post" ? effect.observations : []));
    const ring = () => {
      now = wakeAt(state);
      return posted({ kind: "deadline-passed" });
    };
    step(state, made("Wanted", 1), now);
    ring();
    step(state, answered(1, []), now);
    ring();
    now += 5_000;
    // Whoever collects tokens has used it all up.
    Object.assign(state.budgets.spare, { left: 0, at: now });
    for (let i = 0; i < 100; i++) step(state, made(`Eve ${i}`, 1), now);
    step(state, made("Wanted", 2), now);
    step(state, proven("Proven", 3), now);
    const before = now;
    expect(ring().map(({ clientId }) => clientId)).toEqual(["Wanted", "Proven"]);
    expect(now).toBe(before + observationBatchMs);
    // The others as the budget earns what they cost, some together.
    expect(ring()).toHaveLength((spareCallsPerSecond * spareGatherMs) / 1_000 - callsPerRequest);
    expect(now).toBeGreaterThan(before + spareGatherMs - 10);
  });

  test("costs wanted players nothing: a crowd of them is posted as fast as the edge answers", () => {
    const crowd = 5_000;
    const state = newPosting();
    let [now, posted] = [0, 0];
    for (let i = 0; i < crowd; i++) step(state, made(`player ${i}`, 1), now);
    for (let rounds = 0; posted < crowd; rounds++) {
      if (rounds > 100) throw new Error("too slow");
      now = wakeAt(state);
      for (const effect of step(state, { kind: "deadline-passed" }, now)) {
        if (effect.kind !== "post") continue;
        posted += effect.observations.length;
        step(state, answered(effect.post, { again: [], gone: [], idle: [], calls: 50 }), now);
      }
    }
    expect(now).toBeLessThan(100);
    expect(state.budgets.spare.left).toBeGreaterThan(spareCallBurst - 1);
  });

  test("is for tokens that are not old, when it is short; the others have what is left of it", () => {
    const state = newPosting();
    const old = (clientId: string): PostingEvent => ({ ...made(clientId, 1), isOld: true }) as PostingEvent;
    state.budgets.spare.left = spareCallBurst / 2 - 10;
    step(state, old("Old"), 0);
    step(state, made("Fresh", 1), 0);
    const ids = (now: number) =>
      step(state, { kind: "deadline-passed" }, now).flatMap((effect) =>
        effect.kind === "post" ? effect.observations.map(({ clientId }) => clientId) : [],
      );
    expect(ids(wakeAt(state))).toEqual(["Fresh"]);
    step(state, answered(1, []), 10);
    let now = wakeAt(state);
    for (let told = ids(now); ; told = ids(now)) {
      if (told.length > 0) {
        expect(told).toEqual(["Old"]);
        break;
      }
      now = wakeAt(state);
    }
    expect(now).toBeLessThan(2_000);
  });
});

test("a batch waits no longer than it has to", () => {
  const state = newPosting();
  step(state, made("Ann", 1), 100);
  expect(wakeAt(state)).toBe(100 + observationBatchMs);
});
