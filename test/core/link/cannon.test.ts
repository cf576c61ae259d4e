/** Liars aim honest clients at a third party. */
import { describe, expect, test } from "vitest";
import type { Endpoint } from "../../../core/endpoint.ts";
import type { LinkConfig } from "../../../core/link/config.ts";
import type { LinkStep } from "../../../core/link/draft.ts";
import type { LinkEvent } from "../../../core/link/event.ts";
import { linkLimits } from "../../../core/link/limits.ts";
import { pathInUse } from "../../../core/link/state.ts";
import { openLink, step, wakeAt } from "../../../core/link/step.ts";
import { mayCheck, newCheckAllowance } from "../../../core/link/unproven.ts";
import { config, noon } from "./a-link.ts";

/** A packet that left, after so many milliseconds. */
type Shot = { at: number; remote: Endpoint };
/** A link that opens after so many milliseconds. */
type Opening = { at: number; config: LinkConfig; forged?: { at: number; event: LinkEvent }[] };

/** One client with all its links. Nobody answers, except at addresses of `answering`, 20 ms there and back. */
function shotsOf(openings: readonly Opening[], ms: number, answering: readonly string[] = []) {
  const allowance = newCheckAllowance(noon);
  const shots: Shot[] = [];
  const links: {
    state: LinkStep["state"];
    answers: { at: number; number: number; remote: Endpoint }[];
    forged: { at: number; event: LinkEvent }[];
  }[] = [];
  const left = openings.toSorted((a, b) => a.at - b.at);
  const take = (link: (typeof links)[number], { state, effects }: LinkStep, now: number): void => {
    link.state = state;
    for (const effect of effects) {
      if (effect.kind !== "send") continue;
      const { packet, number, remote, unproven } = effect;
      if (unproven && !mayCheck(allowance, unproven, now)) {
        if (packet === "answer") continue;
        take(link, step(link.state, { kind: "check-withheld", number }, now), now);
        continue;
      }
      shots.push({ at: now - noon, remote });
      if (answering.includes(remote.ip)) link.answers.push({ at: now + 20, number, remote });
    }
  };
  for (;;) {
    const times = links.map(({ state, answers, forged }) =>
      Math.min(wakeAt(state), ...[...answers, ...forged].map(({ at }) => at)),
    );
    const now = Math.min(...times, noon + (left[0]?.at ?? Number.POSITIVE_INFINITY));
    if (now > noon + ms) return { shots, states: links.map(({ state }) => state) };
    const opening = left[0];
    if (opening && noon + opening.at <= now) {
      left.shift();
      const opened = openLink(opening.config, now);
      const forged = (opening.forged ?? []).map(({ at, event }) => ({ at: now + at, event }));
      const link = { state: opened.state, answers: [], forged };
      links.push(link);
      take(link, opened, now);
      continue;
    }
    const link = links[times.indexOf(now)];
    if (!link) throw new Error("nobody's time");
    const forged = link.forged.find(({ at }) => at <= now);
    const answered = link.answers.find(({ at }) => at <= now);
    if (forged) {
      link.forged = link.forged.filter((one) => one !== forged);
      take(link, step(link.state, forged.event, now), now);
    } else if (answered) {
      link.answers = link.answers.filter((one) => one !== answered);
      const { number, remote } = answered;
      const local = remote.ip.includes(":") ? "v6" : "v4";
      take(link, step(link.state, { kind: "answer-received", number, local, remote }, now), now);
    } else {
      take(link, step(link.state, { kind: "deadline-passed" }, now), now);
    }
  }
}

const liar = (candidates: readonly Endpoint[], more: Partial<LinkConfig["peer"]> = {}): LinkConfig => ({
  ...config,
  hasV6: true,
  peer: { ...config.peer, candidates, ...more },
});
const eightPortsOf = (ip: string) => Array.from({ length: 8 }, (_, i) => ({ ip, port: 1_000 + i }));
/** The most packets to an address, or to those that begin so, in any stretch of so many milliseconds. */
function mostIn(ms: number, shots: readonly Shot[], ip: string): number {
  const there = shots.filter(({ remote }) => remote.ip.startsWith(ip)).map(({ at }) => at);
  return Math.max(0, ...there.map((from) => there.filter((at) => at >= from && at < from + ms).length));
}
const victim = "192.0.2.66";
const minute = 60_000;

describe("a peer that invents addresses aims a client", () => {
  test("at no IPv4 address but its own", () => {
    const { shots } = shotsOf([{ at: 0, config: liar(eightPortsOf(victim)) }], 20_000);
    expect(mostIn(1_000, shots, victim)).toBe(0);
    expect(shots.length).toBeGreaterThan(10);
  });

  test("at three IPv6 addresses of one network, with five packets each", () => {
    const six = [1, 2, 3, 4].map((i) => ({ ip: `2001:db8:66::${i}`, port: 1_000 }));
    const other = { ip: "2001:db8:67::1", port: 1_000 };
    const { shots } = shotsOf([{ at: 0, config: liar([...six, other]) }], 20_000);
    expect(mostIn(20_000, shots, "2001:db8:66:")).toBe(linkLimits.v6Claims * linkLimits.claimedProbes);
    expect(mostIn(20_000, shots, other.ip)).toBe(0);
  });
});

describe("however many liars there are, and however often they start, no minute sees more than 60 packets of one client", () => {
  const starts = Array.from({ length: 8 }, (_, i) => i * 10_000);
  const liars = Array.from({ length: 12 }, (_, i) => i);
  test.each<[what: string, aimed: (i: number) => LinkConfig, ip: string]>([
    ["to IPv6 addresses that they claim", () => liar(eightPortsOf("2001:db8:66::1")), "2001:db8:66::1"],
    [
      "to an IPv4 address from which they forged a datagram",
      (i) => liar([], { endpoint: { ip: victim, port: 1_000 + i }, proven: false }),
      victim,
    ],
  ])("%s", (_, aimed, ip) => {
    const openings = starts.flatMap((at) => liars.map((i) => ({ at, config: aimed(i) })));
    const { shots } = shotsOf(openings, 1.5 * minute);
    expect(mostIn(minute, shots, ip)).toBeLessThanOrEqual(linkLimits.unprovenChecks);
    expect(mostIn(minute, shots, ip)).toBeGreaterThan(linkLimits.unprovenChecks / 2);
  });
});

test("liars aim a client at a neighbour in their own IPv6 network with 600 packets a minute, and use up nothing of what others need", () => {
  const neighbour = { ip: "2001:db8:66::1", port: 1_000, proven: true };
  const eightPorts = eightPortsOf(neighbour.ip).map((claim) => ({ ...claim, proven: true }));
  const forged = Array.from({ length: 1_000 }, (_, i) => {
    const event = { kind: "check-received", number: i + 1, local: "v6", remote: neighbour } as const;
    return { at: 20 + i * 20, event };
  });
  const openings = Array.from({ length: 9 }, (_, i) => i * 10_000).flatMap((at) =>
    Array.from({ length: 25 }, (_, i) => ({ at, config: liar(eightPorts), ...(i === 0 && { forged }) })),
  );
  const honest = { at: 80_000, config: liar([{ ip: "2001:db8:1::1", port: 1_000 }]) };
  const { shots, states } = shotsOf([...openings, honest], 1.5 * minute, ["2001:db8:1::1"]);
  expect(mostIn(minute, shots, neighbour.ip)).toBeLessThanOrEqual(linkLimits.homeChecks);
  expect(mostIn(minute, shots, neighbour.ip)).toBeGreaterThan(linkLimits.homeChecks / 2);
  expect(pathInUse(states.at(-1) ?? (states[0] as never))?.remote.ip).toBe("2001:db8:1::1");
});

test.each([
  ["there", victim],
  ["its IPv6 address", "2001:db8:66::1"],
  ["the address by which tunnels lead to its IPv4 address", "2002:c000:242::1"],
  ["the address by which NAT64 leads to its IPv4 address", "64:ff9b::c000:242"],
])("nor do its answers to checks that liars forge from %s", (_, ip) => {
  const forged = Array.from({ length: 1_500 }, (_, i) => {
    const remote = { ip, port: 1_000 + (i % 100) };
    const local = ip.includes(":") ? ("v6" as const) : ("v4" as const);
    return { at: 20 + i * 20, event: { kind: "check-received", number: i + 1, local, remote } as const };
  });
  const openings = [0, 1, 2].map(() => ({ at: 0, config: liar([]), forged }));
  const { shots } = shotsOf(openings, minute / 2);
  expect(mostIn(minute, shots, ip)).toBeLessThanOrEqual(linkLimits.unprovenChecks);
  expect(mostIn(minute, shots, ip)).toBeGreaterThan(10);
});

describe("honest players are found all the same", () => {
  const here = "192.168.1.";
  const you = { endpoint: { ip: "203.0.113.1", port: 40_001 }, mapping: "endpoint-independent" as const };

  test("63 at a LAN party, each with an address that works and two that do not, behind a router that does not turn packets back", () => {
    const openings = Array.from({ length: 63 }, (_, i) => {
      const candidates = [`10.0.${i}.1`, `172.17.${i}.1`, `${here}${20 + i}`].map((ip) => ({
        ip,
        port: 40_000,
      }));
      const peer = { ...config.peer, endpoint: { ip: "203.0.113.1", port: 41_000 + i }, candidates };
      return { at: 0, config: { ...config, you, peer } };
    });
    const { states } = shotsOf(
      openings,
      10_000,
      openings.map((_, i) => `${here}${20 + i}`),
    );
    expect(states.map((state) => pathInUse(state)?.kind).filter((kind) => kind === "lan")).toHaveLength(63);
  });

  test.each([15, 63])(
    "%i by IPv6 alone, each with two addresses in its WebSocket's network that do not work and one that does",
    (count) => {
      const openings = Array.from({ length: count }, (_, i) => {
        const candidates = [1, 2, 3].map((k) => ({ ip: `2001:db8:${i}::${k}`, port: 1_000, proven: true }));
        return { at: 0, config: liar(candidates) };
      });
      const working = openings.map((_, i) => `2001:db8:${i}::3`);
      const { states } = shotsOf(openings, 5_000, working);
      expect(states.filter((state) => pathInUse(state)?.kind === "direct")).toHaveLength(count);
    },
  );

  test("one by IPv6 alone, after liars have used up what there was", () => {
    const openings = [
      ...Array.from({ length: 63 }, () => ({ at: 0, config: liar(eightPortsOf("2001:db8:66::1")) })),
      { at: 30_000, config: liar([{ ip: "2001:db8:1::1", port: 1_000 }]) },
    ];
    const { states } = shotsOf(openings, 40_000, ["2001:db8:1::1"]);
    expect(pathInUse(states.at(-1) ?? (states[0] as never))?.remote.ip).toBe("2001:db8:1::1");
  });

  test("63 at a LAN party, each with seven addresses that lead nowhere: whoever is heard is checked there before others are guessed at", () => {
    const openings = Array.from({ length: 63 }, (_, i) => {
      const works = { ip: `${here}${20 + i}`, port: 40_000 };
      const others = Array.from({ length: 7 }, (_, k) => ({ ip: `10.${k}.${i}.1`, port: 40_000 }));
      const peer = { ...config.peer, endpoint: { ip: "203.0.113.1", port: 41_000 + i } };
      const event = { kind: "check-received", number: 1, local: "v4", remote: works } as const;
      const link = { ...config, you, peer: { ...peer, candidates: [...others, works] } };
      return { at: 0, config: link, forged: [{ at: 30, event }] };
    });
    const { states } = shotsOf(
      openings,
      2_000,
      openings.map((_, i) => `${here}${20 + i}`),
    );
    expect(states.map((state) => pathInUse(state)?.kind).filter((kind) => kind === "lan")).toHaveLength(63);
  });

  test("one by IPv6 alone, while a liar makes up one address after another", () => {
    const forged = Array.from({ length: 300 }, (_, i) => {
      const remote = { ip: `2001:db8:66::${i.toString(16)}`, port: 1 };
      return {
        at: 20 + i * 100,
        event: { kind: "check-received", number: i + 1, local: "v6", remote } as const,
      };
    });
    const openings = [
      { at: 0, config: liar([]), forged },
      { at: 20_000, config: liar([{ ip: "2001:db8:1::1", port: 1_000 }]) },
    ];
    const { states } = shotsOf(openings, 21_000, ["2001:db8:1::1"]);
    expect(pathInUse(states.at(-1) ?? (states[0] as never))?.remote.ip).toBe("2001:db8:1::1");
  });

  test("with proven endpoints, however many: checks there do not count", () => {
    const openings = Array.from({ length: 63 }, (_, i) => {
      const endpoint = { ip: `203.0.113.${100 + i}`, port: 40_002 };
      return { at: 0, config: { ...config, peer: { ...config.peer, endpoint } } };
    });
    const { shots } = shotsOf(openings, 10_000);
    expect(shots.length).toBeGreaterThan(63 * 30);
  });
});
