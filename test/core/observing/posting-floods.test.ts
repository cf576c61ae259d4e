/** Floods of tokens and passes of closed sockets, under a clock: how late honest players are posted, and what it costs. */
import { describe, expect, test } from "vitest";
import { observingLimits } from "../../../core/observing/limits.ts";
import { step, wakeAt } from "../../../core/observing/posting.ts";
import { newPosting, type PostingEffect } from "../../../core/observing/posting-state.ts";
import { parseToken } from "../../../core/token.ts";
import type { Observation } from "../../../core/wire/sidecar-post.ts";
import { tokenOf } from "../../../measure/kit/secret.ts";
import { edgeLimits } from "../../../worker/edge/limits.ts";

const {
  callsCounted,
  callsPerRequest,
  objectsPerPost,
  spareCallBurst,
  spareCallsPerSecond,
  wantedPerSecond,
} = observingLimits;

/** From the n-th network. */
const seen = (clientId: string, network: number, proven = false): Observation => ({
  proof: { kind: proven ? "pass" : "token", text: `the proof of ${clientId}` },
  clientId,
  ip: `${11 + ((network >> 16) & 63)}.${(network >> 8) & 255}.${network & 255}.1`,
  port: 7,
  ...(proven && { proven }),
});

type Flood = {
  seconds: number;
  pace: number;
  /** The n-th datagram of the flood. */
  dead: (n: number) => Observation;
  /** Milliseconds at which another honest player sends one datagram. */
  honestAt: (ms: number) => boolean;
  honest: (n: number) => Observation;
  /** Calls that the edge says it made, of so many. */
  callsOf?: (clients: number) => number;
};

/** The edge answers after 50 ms, and holds the honest players alone. How late each was posted, and what it all cost. */
function run({ seconds, pace, dead, honestAt, honest, callsOf = (clients) => clients }: Flood) {
  const state = newPosting(0);
  const answers: { at: number; post: number; all: Observation[] }[] = [];
  const sentAt = new Map<string, number>();
  const late = new Map<string, number>();
  const sum = { cost: 0, drops: 0, posted: 0 };
  const take = (effects: readonly PostingEffect[], now: number) => {
    for (const effect of effects) {
      if (effect.kind === "drop") sum.drops += 1;
      if (effect.kind !== "post") continue;
      sum.cost += callsPerRequest + Math.min(objectsPerPost, effect.observations.length);
      sum.posted += effect.observations.length;
      answers.push({ at: now + 50, post: effect.post, all: effect.observations });
      for (const { clientId } of effect.observations) {
        const at = sentAt.get(clientId);
        if (at !== undefined && !late.has(clientId)) late.set(clientId, now - at);
      }
    }
  };
  let sent = 0;
  for (let now = 0; now < seconds * 1_000; now += 1) {
    for (; sent < (now / 1_000) * pace; sent++)
      take(step(state, { kind: "observation-made", observation: dead(sent) }, now), now);
    if (honestAt(now)) {
      const observation = honest(sentAt.size);
      sentAt.set(observation.clientId, now);
      take(step(state, { kind: "observation-made", observation }, now), now);
    }
    while (answers[0] && answers[0].at <= now) {
      const { post, all } = answers.shift() as (typeof answers)[number];
      const unwanted = all.flatMap(({ clientId }, i) => (sentAt.has(clientId) ? [] : [i]));
      const calls = callsOf(Math.min(objectsPerPost, all.length));
      const [gone, again] = [unwanted.slice(0, objectsPerPost), unwanted.slice(objectsPerPost)];
      take(step(state, { kind: "post-answered", post, answer: { again, gone, idle: [], calls } }, now), now);
    }
    if (wakeAt(state) <= now) take(step(state, { kind: "deadline-passed" }, now), now);
  }
  const lateness = [...sentAt.keys()].map((id) => late.get(id) ?? Number.POSITIVE_INFINITY);
  return { state, ...sum, worst: Math.max(...lateness), players: lateness.length };
}

describe("a plain player is posted within a second, with one datagram, while somebody sends", () => {
  test("8 000 tokens of closed sockets again and again, from made-up addresses", () => {
    const { worst, players, cost } = run({
      ...{ seconds: 90, pace: 400 },
      dead: (n) => seen(`dead ${n % 8_000}`, (n * 7_919) % 100_000),
      // After each was sent once.
      honestAt: (ms) => ms > 21_000 && ms < 88_000 && ms % 997 === 0,
      honest: (n) => seen(`honest ${n}`, 200_000 + n),
    });
    expect(players).toBeGreaterThan(60);
    expect(worst).toBeLessThan(1_000);
    expect(cost).toBeLessThanOrEqual(spareCallBurst + 90 * spareCallsPerSecond + players * 3);
  });

  test("one token with ever new macs, which only the Worker can check, from made-up addresses", () => {
    const { signed } = parseToken(tokenOf("dead")) ?? {};
    const variant = (n: number) => `${signed}.${String(n).padStart(22, "0")}`;
    const { worst, players, cost } = run({
      ...{ seconds: 60, pace: 400 },
      dead: (n) => ({ ...seen("dead", n), proof: { kind: "token", text: variant(n) } }),
      honestAt: (ms) => ms > 20_000 && ms < 58_000 && ms % 997 === 0,
      honest: (n) => seen(`honest ${n}`, 200_000 + n),
    });
    expect(players).toBeGreaterThan(30);
    expect(worst).toBeLessThan(1_000);
    expect(cost).toBeLessThanOrEqual(spareCallBurst + 60 * spareCallsPerSecond + players * 3);
  });

  test("ever new tokens, 400 a second, from a network of its own", () => {
    const { worst, players } = run({
      ...{ seconds: 60, pace: 400 },
      dead: (n) => seen(`dead ${n}`, 1),
      honestAt: (ms) => ms > 5_000 && ms < 58_000 && ms % 997 === 0,
      honest: (n) => seen(`honest ${n}`, 200_000 + n),
    });
    expect(players).toBeGreaterThan(50);
    expect(worst).toBeLessThan(1_000);
  });
});

test("a plain player is posted within a second while a dozen networks send ever new tokens, and wanted clients are posted all the time", () => {
  const { worst, players } = run({
    ...{ seconds: 60, pace: 400 },
    dead: (n) => (n % 20 === 0 ? seen(`prober ${n % 1_000}`, 300_000, true) : seen(`dead ${n}`, n % 12)),
    honestAt: (ms) => ms > 20_000 && ms < 58_000 && ms % 997 === 0,
    honest: (n) => seen(`honest ${n}`, 200_000 + n),
  });
  expect(players).toBeGreaterThan(30);
  expect(worst).toBeLessThan(1_000);
});

test("a fresh token does not wait for what old ones wait for", () => {
  const state = newPosting(0);
  Object.assign(state.budgets.spare, { left: 0, at: 0 });
  step(state, { kind: "observation-made", observation: seen("old", 1), isOld: true }, 0);
  step(state, { kind: "deadline-passed" }, 2);
  expect(wakeAt(state)).toBeGreaterThan(5_000);
  step(state, { kind: "observation-made", observation: seen("fresh", 2) }, 10);
  expect(wakeAt(state)).toBeLessThan(200);
  expect(step(state, { kind: "deadline-passed" }, wakeAt(state))).toMatchObject([
    { kind: "post", observations: [{ clientId: "fresh" }] },
  ]);
});

test("a table full of tokens of closed sockets refuses nobody: neither proven players nor plain ones", () => {
  const state = newPosting(0);
  const { observationsHeld } = observingLimits;
  for (let n = 0; n < observationsHeld + 10_000; n++)
    step(state, { kind: "observation-made", observation: seen(`dead ${n}`, n), isOld: n % 2 === 0 }, 0);
  expect(state.clients.size).toBeLessThanOrEqual(observationsHeld);
  for (const proven of [true, false])
    expect(
      step(state, { kind: "observation-made", observation: seen(`honest ${proven}`, 300_000, proven) }, 1),
    ).toEqual([]);
  const posted = step(state, { kind: "deadline-passed" }, wakeAt(state)).flatMap((effect) =>
    effect.kind === "post" ? effect.observations.map(({ clientId }) => clientId) : [],
  );
  expect(posted).toContain("honest true");
  expect(posted).toContain("honest false");
});

describe("what the edge does not want costs as much as the budgets say:", () => {
  test("proven probes of closed sockets, and an honest prober still goes within a second", () => {
    const { provenCallsPerSecond = 0, provenCallBurst = 0 } = observingLimits as Record<string, number>;
    const { cost, worst, players } = run({
      ...{ seconds: 60, pace: 100 },
      dead: (n) => seen(`dead ${n}`, 1, true),
      honestAt: (ms) => ms > 5_000 && ms < 58_000 && ms % 997 === 0,
      honest: (n) => seen(`honest ${n}`, 200_000 + n, true),
    });
    expect(cost).toBeLessThanOrEqual(provenCallBurst + 60 * provenCallsPerSecond + players * 3);
    expect(worst).toBeLessThan(1_000);
  });

  test("tokens that the edge refuses without a call still cost the request", () => {
    const { cost, posted } = run({
      ...{ seconds: 60, pace: 300 },
      dead: (n) => seen(`forged ${n}`, n),
      honestAt: () => false,
      honest: (n) => seen(`honest ${n}`, n),
      callsOf: () => 0,
    });
    // They need no calls, only requests.
    expect(cost - posted).toBeLessThanOrEqual(spareCallBurst + 60 * spareCallsPerSecond);
  });
});

describe("clients in mediations that speak as often as they can, a thousand of them,", () => {
  /** `passes`: of ever new mediations, that are proven in a second. */
  const wantedRun = (network: (client: number) => number, passes = 0) => {
    const state = newPosting(0);
    const [answers, rtt]: [{ at: number; post: number; all: Observation[] }[], number] = [[], 20];
    const counted = [0, 0, 0];
    const sentAt = new Map<string, number>();
    const late = { newcomers: [] as number[], asked: [] as number[] };
    const take = (effects: readonly PostingEffect[], now: number) => {
      for (const effect of effects) {
        if (effect.kind !== "post") continue;
        const calls = Math.min(objectsPerPost, effect.observations.length);
        const minute = Math.floor(now / 60_000);
        // As worker/edge/sidecar-limits.ts counts.
        counted[minute] = (counted[minute] ?? 0) + 1 + calls / callsCounted;
        answers.push({ at: now + rtt, post: effect.post, all: effect.observations });
        // The edge tells so many objects, and here each client has one of its own.
        for (const { clientId } of effect.observations.slice(0, objectsPerPost)) {
          const at = sentAt.get(clientId);
          sentAt.delete(clientId);
          if (at !== undefined) late[clientId === "asked again" ? "asked" : "newcomers"].push(now - at);
        }
      }
    };
    const see = (observation: Observation, now: number) =>
      take(step(state, { kind: "observation-made", observation }, now), now);
    let [sent, proven] = [0, 0];
    for (let now = 0; now < 180_000; now += 1) {
      for (; proven < (now / 1_000) * passes; proven++)
        see(seen(`pass ${proven}`, network(proven % 1_000), true), now);
      for (; sent < (now / 1_000) * 1_000 * wantedPerSecond; sent++)
        see({ ...seen(`client ${sent % 1_000}`, network(sent % 1_000)), port: 7 + (sent & 1) }, now);
      if (now % 10_007 === 0) {
        // One who is asked again, and is somewhere else.
        for (const one of ["asked again", `newcomer ${now}`]) {
          sentAt.set(one, now);
          see({ ...seen(one, 200_000 + (now % 7)), port: 7 + ((now / 10_007) & 1) }, now);
        }
      }
      while (answers[0] && answers[0].at <= now) {
        const { post, all } = answers.shift() as (typeof answers)[number];
        const again = [...all.keys()].slice(objectsPerPost);
        const answer = { again, gone: [], idle: [], calls: Math.min(objectsPerPost, all.length) };
        take(step(state, { kind: "post-answered", post, answer }, now), now);
      }
      if (wakeAt(state) <= now) take(step(state, { kind: "deadline-passed" }, now), now);
    }
    return { counted, late };
  };

  test("behind five addresses, do not have the edge refuse their sidecar, and keep nobody waiting", () => {
    const { counted, late } = wantedRun((client) => client % 5);
    expect(Math.max(...counted)).toBeLessThan(edgeLimits.sidecarObservations);
    expect(late.asked.length).toBe(18);
    expect(late.newcomers.length).toBe(18);
    expect(Math.max(...late.asked, ...late.newcomers)).toBeLessThan(1_000);
  });

  test("from made-up addresses, do not have the edge refuse their sidecar, and keep no newcomer waiting", () => {
    const { counted, late } = wantedRun((client) => (client * 7_919) % 100_000);
    expect(Math.max(...counted)).toBeLessThan(edgeLimits.sidecarObservations);
    expect(late.newcomers.length).toBe(18);
    expect(Math.max(...late.newcomers)).toBeLessThan(1_000);
  });

  test("and start and stop mediations all the time, do not have the edge refuse their sidecar, and keep no newcomer waiting", () => {
    const { counted, late } = wantedRun((client) => client % 5, 200);
    expect(Math.max(...counted)).toBeLessThan(edgeLimits.sidecarObservations);
    expect(late.newcomers.length).toBe(18);
    expect(Math.max(...late.asked, ...late.newcomers)).toBeLessThan(1_000);
  });
});
