/** How a sidecar holds, gathers and repeats observations: the logic of time, under a clock of the test's. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { observingLimits } from "../../core/observing/limits.ts";
import type { PostAnswer } from "../../core/observing/posting-state.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import type { Observation } from "../../core/wire/sidecar-post.ts";
import { Observations } from "../../udp-sidecar/observations.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

const seen = (client: number, port = 1000): Observation => ({
  proof: { kind: "token", text: `${client}`.padStart(60, "0") },
  clientId: String(client).padStart(16, "0"),
  ip: "192.0.2.1",
  port,
});

/** Observations whose posts are recorded, and answered by `answer`. */
function recorded(
  /** A list: these are asked for again. */
  answer: (some: Observation[]) => Promise<readonly number[] | "unreached" | "refused"> = async () => [],
) {
  const posts: { at: number; observations: Observation[] }[] = [];
  const observations = new Observations(async (some): Promise<PostAnswer> => {
    posts.push({ at: Date.now(), observations: some });
    const told = await answer(some);
    return typeof told === "string" ? told : { again: [...told], gone: [], idle: [], calls: 1 };
  });
  return { observations, posts };
}

const ports = (posts: { observations: Observation[] }[]) =>
  posts.map((post) => post.observations.map(({ port }) => port));

describe("while the edge answers", () => {
  test("what comes within a few milliseconds goes in one post", async () => {
    const { observations, posts } = recorded();
    for (let client = 0; client < 3; client++) observations.take(seen(client));
    expect(posts).toEqual([]);
    await vi.advanceTimersByTimeAsync(observingLimits.observationBatchMs);
    expect(posts).toEqual([
      { at: observingLimits.observationBatchMs, observations: [seen(2), seen(1), seen(0)] },
    ]);
  });

  test("of one client's datagrams only the newest is posted", async () => {
    const { observations, posts } = recorded();
    for (const port of [1, 2, 3]) observations.take(seen(0, port));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(ports(posts)).toEqual([[3]]);
  });

  test("a client that sends all the time from one endpoint is posted once per interval", async () => {
    const { observations, posts } = recorded();
    for (let at = 0; at < 1_000; at += 10) {
      observations.take(seen(0));
      await vi.advanceTimersByTimeAsync(10);
    }
    await vi.advanceTimersByTimeAsync(1_000);
    const gaps = posts.slice(1).map(({ at }, i) => at - (posts[i]?.at ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(observingLimits.observationIntervalMs);
    expect(posts.length).toBeGreaterThanOrEqual(5);
    expect(posts.length).toBeLessThanOrEqual(6);
    expect(observations.size).toBe(0);
  });

  test("a client's new endpoint is posted at once", async () => {
    const { observations, posts } = recorded();
    observations.take(seen(0, 1));
    await vi.advanceTimersByTimeAsync(10);
    observations.take(seen(0, 2));
    await vi.advanceTimersByTimeAsync(observingLimits.observationBatchMs);
    expect(ports(posts)).toEqual([[1], [2]]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(ports(posts)).toEqual([[1], [2]]);
    expect(observations.size).toBe(0);
  });

  test("what its other port saw, or a client says of itself, is as good as another endpoint if it is new", async () => {
    const other = { ip: "192.0.2.1", port: 2 };
    const more: Partial<Observation>[] = [
      {},
      { second: other },
      { second: { ...other, port: 3 } },
      { second: { ...other, port: 3 }, candidates: [] },
      { second: { ...other, port: 3 }, candidates: [other] },
      {},
    ];
    const { observations, posts } = recorded();
    for (const about of more) {
      for (let times = 0; times < 2; times++) {
        // Never the same object twice, as from the wire.
        observations.take(structuredClone({ ...seen(0), ...about }));
        await vi.advanceTimersByTimeAsync(10);
      }
    }
    expect(posts.flatMap((post) => post.observations)).toEqual(
      more.map((about) => ({ ...seen(0), ...about })),
    );
    await vi.advanceTimersByTimeAsync(1_000);
    expect(observations.size).toBe(0);
    expect([observations.posted, observations.lost]).toEqual([posts.length, 0]);
  });

  test("a clock that is set back, or far ahead, keeps nobody waiting and gives nobody up", async () => {
    for (const minutes of [-10, 10]) {
      const { observations, posts } = recorded();
      observations.take(seen(0));
      await vi.advanceTimersByTimeAsync(50);
      observations.take(seen(1));
      vi.setSystemTime(Date.now() + minutes * 60_000);
      await vi.advanceTimersByTimeAsync(300);
      for (const client of [0, 2]) observations.take(seen(client));
      await vi.advanceTimersByTimeAsync(1_000);
      const told = posts.flatMap((post) => post.observations.map(({ clientId }) => Number(clientId)));
      expect(told).toEqual([0, 1, 0, 2]);
      expect([observations.size, observations.lost]).toEqual([0, 0]);
    }
  });

  test("a client that changed its endpoint before is heard at every moment after", async () => {
    for (let at = 110; at < 700; at++) {
      const { observations, posts } = recorded();
      observations.take(seen(0, 1));
      await vi.advanceTimersByTimeAsync(100);
      observations.take(seen(0, 2));
      await vi.advanceTimersByTimeAsync(at - 100);
      observations.take(seen(0, 3));
      await vi.advanceTimersByTimeAsync(1_000);
      expect(ports(posts), `a third endpoint after ${at} ms`).toEqual([[1], [2], [3]]);
      expect(observations.size).toBe(0);
    }
  });

  test("a client has one post under way: what it sends meanwhile waits, the newest of it", async () => {
    const answered = Promise.withResolvers<number[]>();
    const { observations, posts } = recorded(() => answered.promise);
    observations.take(seen(0, 1));
    await vi.advanceTimersByTimeAsync(10);
    observations.take(seen(0, 2));
    observations.take(seen(0, 3));
    observations.take(seen(1, 9));
    await vi.advanceTimersByTimeAsync(4_000);
    expect(ports(posts)).toEqual([[1], [9]]);
    answered.resolve([]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(ports(posts)).toEqual([[1], [9], [3]]);
  });

  test("only those it asks for again are posted again, after the interval", async () => {
    let first = true;
    const { observations, posts } = recorded(async () => {
      const again = first ? [1] : [];
      first = false;
      return again;
    });
    for (let client = 0; client < 3; client++) observations.take(seen(client, client));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(ports(posts)).toEqual([[2, 1, 0], [1]]);
    expect((posts[1]?.at ?? 0) - (posts[0]?.at ?? 0)).toBeGreaterThanOrEqual(
      observingLimits.observationIntervalMs,
    );
    expect(observations.size).toBe(0);
  });

  test("a crowd goes in posts of 500 at most, and 4 of them are under way at most", async () => {
    let under = 0;
    let most = 0;
    const { observations, posts } = recorded(async () => {
      under += 1;
      most = Math.max(most, under);
      await new Promise((resolve) => setTimeout(resolve, 50));
      under -= 1;
      return [];
    });
    for (let client = 0; client < 5_001; client++) observations.take(seen(client));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(Math.max(...posts.map((post) => post.observations.length))).toBe(wireLimits.observationsPerPost);
    expect(most).toBe(observingLimits.observationPosts);
    expect(new Set(posts.flatMap((post) => post.observations.map(({ clientId }) => clientId))).size).toBe(
      5_001,
    );
    expect(posts.length).toBe(11);
  });
});

describe("a post that the edge refuses for what is in it", () => {
  const wanted = ({ clientId }: Observation) => Number(clientId) % 100 !== 37;

  test("costs nobody but those in it that it does not want, who are tried alone and given up", async () => {
    const { observations, posts } = recorded(async (some) => (some.every(wanted) ? [] : "refused"));
    for (let client = 0; client < 500; client++) observations.take(seen(client));
    await vi.advanceTimersByTimeAsync(100);
    expect([observations.posted, observations.refused, observations.lost]).toEqual([495, 5, 0]);
    const taken = posts.filter((post) => post.observations.every(wanted));
    expect(taken.flatMap((post) => post.observations)).toHaveLength(495);
    // Halves of halves, nine deep at most, and not one by one.
    expect(posts.length).toBeLessThanOrEqual(2 * 5 * 9 + 1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(observations.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("keeps nobody else waiting, and a client that changes meanwhile is posted as it is then", async () => {
    const { observations, posts } = recorded(async (some) => {
      await new Promise((resolve) => setTimeout(resolve, 40));
      return some.every(wanted) ? [] : "refused";
    });
    for (let client = 30; client < 50; client++) observations.take(seen(client));
    await vi.advanceTimersByTimeAsync(10);
    observations.take(seen(37, 2));
    observations.take(seen(38, 2));
    observations.take(seen(60));
    await vi.advanceTimersByTimeAsync(2_000);
    const [last] = posts.flatMap((post) => post.observations).filter(({ port }) => port === 2);
    expect(last).toBeDefined();
    expect([observations.posted, observations.refused, observations.size]).toEqual([21, 2, 0]);
  });

  test("is not tried for ever by an edge that refuses all, and a stop waits for its halves", async () => {
    const { observations, posts } = recorded(async () => "refused");
    for (let client = 0; client < 500; client++) observations.take(seen(client));
    let drained = false;
    observations.drained().then(() => {
      drained = true;
    });
    await vi.advanceTimersByTimeAsync(observingLimits.observationBatchMs);
    expect(drained).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(drained).toBe(true);
    expect(posts).toHaveLength(999);
    expect([observations.refused, observations.size]).toEqual([500, 0]);
  });

  test("is given up when all in it are stale", async () => {
    const { observations, posts } = recorded(async () => {
      await new Promise((resolve) => setTimeout(resolve, observingLimits.observationLifeMs));
      return "refused";
    });
    for (let client = 0; client < 500; client++) observations.take(seen(client));
    await vi.advanceTimersByTimeAsync(2 * observingLimits.observationLifeMs);
    expect(posts).toHaveLength(1);
    expect([observations.refused, observations.size]).toEqual([500, 0]);
  });
});

test("a crowd that says all there is to say goes in posts that the edge takes", async () => {
  const ip = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255";
  const candidates = Array.from({ length: wireLimits.candidates }, () => ({ ip, port: 65_535 }));
  const { observations, posts } = recorded();
  for (let client = 0; client < 2_000; client++) {
    const longest = { ...seen(client, 65_535), ip };
    observations.take({ ...longest, second: { ip, port: 65_535 }, candidates });
  }
  await vi.advanceTimersByTimeAsync(1_000);
  expect(posts.flatMap((post) => post.observations)).toHaveLength(2_000);
  const sizes = posts.map((post) => JSON.stringify({ observations: post.observations }).length);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(wireLimits.sidecarPostBytes);
  expect(Math.max(...sizes)).toBeGreaterThan(wireLimits.sidecarPostBytes * 0.95);
});

describe("while the edge cannot be reached", () => {
  test("an observation is tried again, ever more rarely, and given up after 30 seconds", async () => {
    const { observations, posts } = recorded(async () => "unreached");
    observations.take(seen(0));
    await vi.advanceTimersByTimeAsync(10 * 60_000);
    const gaps = posts.slice(1).map(({ at }, i) => at - (posts[i]?.at ?? 0));
    expect(gaps).toEqual([...gaps].sort((a, b) => a - b));
    expect(posts.length).toBeGreaterThan(5);
    expect(posts.length).toBeLessThan(15);
    expect(gaps.at(-1)).toBeLessThanOrEqual(6_000);
    expect(posts.at(-1)?.at).toBeGreaterThan(observingLimits.observationLifeMs - 6_000);
    expect(posts.at(-1)?.at).toBeLessThan(observingLimits.observationLifeMs);
    expect([observations.size, observations.posted, observations.lost]).toEqual([0, 0, 1]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("what was seen is delivered when it comes back, and of each client the newest", async () => {
    let reachable = false;
    const { observations, posts } = recorded(async () => (reachable ? [] : "unreached"));
    observations.take(seen(0, 1));
    observations.take(seen(1, 1));
    await vi.advanceTimersByTimeAsync(10_000);
    observations.take(seen(0, 2));
    await vi.advanceTimersByTimeAsync(15_000);
    reachable = true;
    const failed = posts.length;
    await vi.advanceTimersByTimeAsync(6_000);
    const delivered = posts.slice(failed).flatMap((post) => post.observations);
    expect(delivered).toHaveLength(2);
    expect(delivered).toEqual(expect.arrayContaining([seen(0, 2), seen(1, 1)]));
    expect(observations.size).toBe(0);
  });

  test("an older endpoint whose post failed does not replace a newer one", async () => {
    const failing = Promise.withResolvers<"unreached">();
    let first = true;
    const { observations, posts } = recorded(async () => {
      if (!first) return [];
      first = false;
      return await failing.promise;
    });
    observations.take(seen(0, 1));
    await vi.advanceTimersByTimeAsync(10);
    observations.take(seen(0, 2));
    failing.resolve("unreached");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(ports(posts)).toEqual([[1], [2]]);
  });

  test("one post at a time tries whether it is back, however many wait", async () => {
    let reachable = false;
    const { observations, posts } = recorded(async () => (reachable ? [] : "unreached"));
    for (let client = 0; client < 3_000; client++) observations.take(seen(client));
    await vi.advanceTimersByTimeAsync(20_000);
    const instants = posts.slice(observingLimits.observationPosts).map(({ at }) => at);
    expect(new Set(instants).size).toBe(instants.length);
    reachable = true;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(observations.size).toBe(0);
  });
});

describe("its memory", () => {
  test("of a crowd that waits no more are held than the bound: the latest, and the others count as lost", async () => {
    let reachable = false;
    const { observations, posts } = recorded(async () => (reachable ? [] : "unreached"));
    const crowd = observingLimits.observationsHeld + 1;
    for (let client = 0; client < crowd; client++) {
      if (!observations.take(seen(client))) throw new Error(`client ${client} was not taken`);
    }
    expect(observations.take(seen(crowd - 1, 2))).toBe(true);
    const held = observations.size;
    expect(held).toBeLessThanOrEqual(observingLimits.waitingInTurn);
    expect(observations.lost).toBe(crowd - held);
    reachable = true;
    await vi.advanceTimersByTimeAsync(1_000);
    const posted = posts.flatMap((post) => post.observations);
    expect(posted).toHaveLength(held);
    expect(posted).toContainEqual(seen(crowd - 1, 2));
    expect(observations.size).toBe(0);
  });

  test("nobody is remembered whose observation is acknowledged, and no timer is left", async () => {
    const { observations } = recorded();
    for (let client = 0; client < 1_000; client++) observations.take(seen(client));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(observations.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("when it stops", () => {
  test("it is drained once what waits and what is under way are answered", async () => {
    const answered = Promise.withResolvers<number[]>();
    const { observations } = recorded(() => answered.promise);
    observations.take(seen(0));
    let drained = false;
    observations.drained().then(() => {
      drained = true;
    });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(drained).toBe(false);
    answered.resolve([]);
    await vi.advanceTimersByTimeAsync(0);
    expect(drained).toBe(true);
  });

  test("nothing is posted any more, and nothing held", async () => {
    const { observations, posts } = recorded(async () => "unreached");
    observations.take(seen(0));
    await vi.advanceTimersByTimeAsync(100);
    const before = posts.length;
    observations.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(posts).toHaveLength(before);
    expect(observations.size).toBe(0);
  });
});
