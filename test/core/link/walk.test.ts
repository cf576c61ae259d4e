/** Whatever happens to a link, in whatever order, these hold. A failure prints its seed and the shortest way there. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { LinkConfig } from "../../../core/link/config.ts";
import type { LinkEffect } from "../../../core/link/effect.ts";
import type { LinkEvent } from "../../../core/link/event.ts";
import { linkLimits } from "../../../core/link/limits.ts";
import {
  type ChannelName,
  channelEnd,
  isChannel,
  type LocalSocket,
  type PathKind,
} from "../../../core/link/path.ts";
import { type LinkState, pathInUse } from "../../../core/link/state.ts";
import { openLink, step, wakeAt } from "../../../core/link/step.ts";
import { relayCodes } from "../../../core/relay/ticket.ts";
import { pathKinds } from "../../../core/wire/path-kinds.ts";
import { config, noon, peerEndpoint, sidecar } from "./a-link.ts";

type Happening =
  | { kind: "event"; event: LinkEvent }
  /** The peer answers one of the last things we sent, from where it was sent to. */
  | { kind: "answered"; which: number }
  /** The peer checks where we checked. */
  | { kind: "checked"; which: number; step: number }
  /** The shell gives the turn and the sockets that were asked for. */
  | { kind: "obliged" }
  /** So many deadlines pass, as they come. */
  | { kind: "deadlines"; count: number }
  | { kind: "time-passes"; ms: number };

const mapping = fc.constantFrom("endpoint-independent", "endpoint-dependent", "unknown");
const local = fc.constantFrom<LocalSocket>("v4", "v6", 0, 1, 2, 255, 256, "ws", "rtc");
const channel = fc.constantFrom<ChannelName>("ws", "rtc");
const remote = fc.constantFrom(
  peerEndpoint,
  sidecar,
  { ip: "203.0.113.2", port: 50_000 },
  { ip: "192.168.1.11", port: 40_000 },
  { ip: "127.0.0.1", port: 40_000 },
  { ip: "224.0.0.1", port: 1 },
  { ip: "2001:db8::1", port: 7 },
  channelEnd,
);
const number = fc.oneof(fc.integer({ min: 1, max: 30 }), fc.nat(), fc.maxSafeNat());
const only = <Kind extends string>(kind: Kind) => fc.constant(kind);

const event: fc.Arbitrary<LinkEvent> = fc.oneof(
  fc.record({ kind: only("check-received"), number, local, remote }),
  fc.record({ kind: only("answer-received"), number, local, remote }),
  fc.record({ kind: only("data-received"), local, remote }),
  fc.record({ kind: only("relay-bound"), peer: fc.boolean() }),
  fc.record({
    kind: only("relay-refused"),
    code: fc.constantFrom(...(Object.keys(relayCodes) as (keyof typeof relayCodes)[])),
  }),
  fc.record({ kind: only("channel-opened"), local: channel, path: fc.constantFrom(...pathKinds) }),
  fc.record({
    kind: only("channel-closed"),
    local: channel,
    code: fc.constantFrom(null, "relay_full" as const),
  }),
  fc.record({ kind: only("sockets-opened"), count: fc.constantFrom(0, 1, 3, 256) }),
  fc.record({ kind: only("turn-given") }),
  fc.record({ kind: only("deadline-passed") }),
);
const goodbye: fc.Arbitrary<LinkEvent> = fc.oneof(
  fc.record({ kind: only("farewell-received"), number, local, remote }),
  fc.record({ kind: only("close-requested") }),
  fc.record({ kind: only("turn-over") }),
);
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: only("event"), event }) },
  { weight: 1, arbitrary: fc.record({ kind: only("event"), event: goodbye }) },
  { weight: 6, arbitrary: fc.record({ kind: only("answered"), which: fc.nat(20) }) },
  { weight: 4, arbitrary: fc.record({ kind: only("checked"), which: fc.nat(20), step: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ kind: only("obliged") }) },
  { weight: 6, arbitrary: fc.record({ kind: only("deadlines"), count: fc.nat(200) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: only("time-passes"), ms: fc.oneof(fc.nat(1_000), fc.nat(30_000)) }),
  },
);

const withUdp = fc.record({ noUdp: fc.constant(null), sidecar: fc.constant(sidecar), relay: fc.boolean() });
const withoutUdp = fc.record({
  noUdp: fc.constantFrom("no-udp" as const, "udp-blocked" as const, "no-sidecar" as const),
  sidecar: fc.constant(null),
  relay: fc.constant(false),
});
const others = fc.record({
  side: fc.constantFrom("a", "b"),
  seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  skipAfter: fc.constant(config.skipAfter),
  you: fc.option(fc.record({ endpoint: fc.constant({ ip: "203.0.113.1", port: 40_001 }), mapping })),
  peer: fc.record({
    endpoint: fc.option(fc.constant(peerEndpoint), { freq: 10 }),
    proven: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
    ports: fc.constantFrom([], [40_002], [40_002, 40_003], [40_002, 65_535]),
    mapping,
    candidates: fc.array(remote, { maxLength: 8 }),
  }),
  own: fc.constant(config.own),
  ownPorts: fc.constant(config.ownPorts),
  relayOnly: fc.boolean(),
  hasV6: fc.boolean(),
  channels: fc.subarray<ChannelName>(["ws", "rtc"]),
});
const configs: fc.Arbitrary<LinkConfig> = fc
  .tuple(others, fc.oneof({ weight: 4, arbitrary: withUdp }, withoutUdp))
  .map(([config, udp]) => ({ ...config, ...udp }));

/** One event as the link took it, with all there is to judge it by. */
type Taken = { before: LinkState | null; after: LinkState; effects: readonly LinkEffect[]; now: number };

function take(config: LinkConfig, happenings: readonly Happening[], judge: (taken: Taken) => void): void {
  let now = noon;
  const { state: first, effects } = openLink(deepFreeze(config), now);
  let state = first;
  judge({ before: null, after: state, effects, now });
  const sent: Extract<LinkEffect, { kind: "send" }>[] = effects.filter((effect) => effect.kind === "send");
  let theirs = 0;
  const go = (event: LinkEvent) => {
    const before: LinkState = deepFreeze(state);
    const after = step(before, deepFreeze(event), now);
    judge({ before, after: after.state, effects: after.effects, now });
    state = after.state;
    sent.push(...after.effects.filter((effect) => effect.kind === "send"));
  };
  for (const happening of happenings) {
    switch (happening.kind) {
      case "event":
        go(happening.event);
        break;
      case "answered":
      case "checked": {
        const packet = sent.at(-1 - happening.which);
        if (!packet) break;
        const { local, remote } = packet;
        if (happening.kind === "answered") {
          go({ kind: "answer-received", number: packet.number, local, remote });
        } else {
          theirs += happening.step;
          go({ kind: "check-received", number: theirs, local, remote });
        }
        break;
      }
      case "obliged":
        if (state.probing.kind === "waiting") go({ kind: "turn-given" });
        if (state.probing.kind === "opening") go({ kind: "sockets-opened", count: 256 });
        break;
      case "deadlines":
        for (let i = 0; i < happening.count && Number.isFinite(wakeAt(state)); i++) {
          now = Math.max(now, wakeAt(state));
          go({ kind: "deadline-passed" });
        }
        break;
      case "time-passes":
        now += happening.ms;
        break;
    }
  }
}

const numRuns = 300;
const deadlines = (count: number) => ({ kind: "deadlines", count }) as const;
const answered = (which: number) => ({ kind: "answered", which }) as const;
const alone = { ...config, seed: 1, relay: false, you: null };
const claimed = { ...config.peer, candidates: [{ ip: "192.168.1.11", port: 40_000 }] };
const unknown = { ...config.peer, ports: [], mapping: "unknown" as const };
/** What walks have failed on before. */
const examples: [LinkConfig, Happening[]][] = [
  [
    { ...alone, peer: claimed },
    [answered(0), deadlines(41), answered(15), deadlines(12), answered(1), deadlines(9)],
  ],
  [
    { ...alone, peer: unknown },
    [
      deadlines(11),
      { kind: "time-passes", ms: 4_898 },
      answered(10),
      { kind: "time-passes", ms: 15_000 },
      answered(1),
    ],
  ],
];

function always(sentence: string, judge: () => (taken: Taken) => void): void {
  test(sentence, () => {
    const happenings = fc.array(happening, { maxLength: 60, size: "max" });
    fc.assert(
      fc.property(configs, happenings, (config, happenings) => take(config, happenings, judge())),
      { numRuns, examples },
    );
  });
}

const kindsOf = ({ effects }: Taken) => effects.map(({ kind }) => kind);

always("there is a next deadline for as long as the link lasts, in time to come, and none after", () => {
  return ({ before, after, now }) => {
    const wake = wakeAt(after);
    if (after.phase.kind === "ended") expect(wake).toBe(Number.POSITIVE_INFINITY);
    else {
      const hasWork = after.phase.kind !== "linked";
      if (hasWork) expect(Number.isFinite(wake)).toBe(true);
      expect(Number.isNaN(wake)).toBe(false);
      if (after !== before) expect(wake).toBeGreaterThan(now);
    }
  };
});

always("a link in use is looked after within five seconds", () => {
  return ({ before, after, now }) => {
    if (after.phase.kind === "linked" && after !== before) {
      expect(wakeAt(after)).toBeLessThanOrEqual(now + linkLimits.steadyCheckMs);
    }
  };
});

always("a link ends once, and nothing is done for it afterwards", () => {
  return (taken) => {
    const ends = kindsOf(taken).filter((kind) => kind === "end").length;
    expect(ends).toBe(taken.after.phase.kind === "ended" && taken.before?.phase.kind !== "ended" ? 1 : 0);
    if (ends === 1) expect(kindsOf(taken).at(-1)).toBe("end");
    if (taken.before?.phase.kind === "ended") {
      expect(taken.effects).toEqual([]);
      expect(taken.after).toBe(taken.before);
    }
  };
});

always("what a link settles for, it settles for once, and it has a path then", () => {
  let settled = 0;
  return (taken) => {
    if (!kindsOf(taken).includes("settle")) return;
    expect(++settled).toBe(1);
    expect(taken.after.phase.kind).toBe("linked");
  };
});

always("its numbers go up with each check and farewell", () => {
  let last = 0;
  return ({ effects }) => {
    for (const effect of effects) {
      if (effect.kind === "send" && effect.packet !== "answer") {
        expect(effect.number).toBeGreaterThan(last);
        last = effect.number;
      }
    }
  };
});

always("it sends so many packets a second, not more", () => {
  const times: number[] = [];
  return ({ effects, now }) => {
    for (const effect of effects) if (effect.kind === "send") times.push(now);
    while ((times[0] ?? now) <= now - 1_000) times.shift();
    // The answers, twice for the edges of a second, the probes, and what the candidates get at their pace.
    expect(times.length).toBeLessThanOrEqual(2 * linkLimits.answersPerSecond + 2 * 260 + 40 * 12);
  };
});

always("it binds the relay a few times a second, and only if it has a ticket", () => {
  const times: number[] = [];
  return (taken) => {
    for (const kind of kindsOf(taken)) if (kind === "bind-relay") times.push(taken.now);
    while ((times[0] ?? taken.now) <= taken.now - 1_000) times.shift();
    expect(times.length).toBeLessThanOrEqual(8);
    if (!taken.after.config.relay) expect(times).toEqual([]);
  };
});

always("its state stays small", () => {
  return ({ after }) => {
    expect(after.candidates.length).toBeLessThanOrEqual(
      1 + 8 + linkLimits.guessedPorts + linkLimits.metCandidates + 3 + 2,
    );
    expect(after.volleys.length).toBeLessThanOrEqual(60);
    expect(after.notesLeft).toBeGreaterThanOrEqual(0);
    for (const { awaited } of after.candidates)
      expect(awaited.length).toBeLessThanOrEqual(linkLimits.awaitedChecks);
  };
});

always("no packet leaves by a socket that is not open, nor where none may go", () => {
  let open: "all" | LocalSocket | null = null;
  return ({ effects, after }) => {
    for (const effect of effects) {
      if (effect.kind === "open-sockets") open = "all";
      if (effect.kind === "close-sockets") open = effect.keep;
      if (effect.kind !== "send") continue;
      const { local, remote } = effect;
      if (typeof local === "number") expect(open === "all" || open === local).toBe(true);
      if (isChannel(local)) expect(after.openChannels).toContain(local);
      else expect(after.config.noUdp).toBeNull();
      if (local === "v6") expect(after.config.hasV6).toBe(true);
      expect(["127.0.0.1", "224.0.0.1"]).not.toContain(remote.ip);
      if (remote.ip === sidecar.ip) expect(after.config.relay).toBe(true);
      else if (!isChannel(local)) expect(after.config.relayOnly).toBe(false);
    }
  };
});

always("sockets and turns that were asked for are given back by the end", () => {
  const count = { turns: 0, sockets: 0 };
  return (taken) => {
    for (const effect of taken.effects) {
      if (effect.kind === "ask-turn") count.turns += 1;
      if (effect.kind === "end-turn") count.turns = 0;
      if (effect.kind === "open-sockets") count.sockets += 1;
      if (effect.kind === "close-sockets" && effect.keep === null) count.sockets = 0;
    }
    if (taken.after.phase.kind === "ended") expect(count).toEqual({ turns: 0, sockets: 0 });
  };
});

always("the path in use is one that is confirmed, and the best of them", () => {
  const rankOf = (kind: PathKind) => pathKinds.indexOf(kind);
  return ({ after }) => {
    const { phase, candidates } = after;
    if (phase.kind !== "linked") return;
    const inUse = candidates.find(({ id }) => id === phase.inUse);
    expect(inUse?.confirmed).toBe(true);
    for (const { confirmed, kind } of candidates) {
      if (confirmed && inUse) expect(rankOf(kind)).toBeGreaterThanOrEqual(rankOf(inUse.kind));
    }
  };
});

always("a path is told when it changes, and only then", () => {
  return (taken) => {
    const { before, after } = taken;
    const inUse = (state: LinkState | null) => {
      const path = state && pathInUse(state);
      return path && `${path.id} ${path.kind}`;
    };
    const isTold = kindsOf(taken).includes("use-path");
    if (after.phase.kind === "linked") expect(isTold).toBe(inUse(before) !== inUse(after));
    else if (after.phase.kind === "seeking") expect(isTold).toBe(false);
  };
});

test("the walk sees all there is: every phase and every effect", () => {
  const seen = new Set<string>();
  const happenings = fc.array(happening, { maxLength: 60, size: "max" });
  for (const [config, walk] of fc.sample(fc.tuple(configs, happenings), { numRuns: 3_000, seed: 1 })) {
    take(config, walk, (taken) => {
      seen.add(taken.after.phase.kind).add(`probing: ${taken.after.probing.kind}`);
      for (const kind of kindsOf(taken)) seen.add(`effect: ${kind}`);
    });
  }
  expect([...seen].filter((what) => what.startsWith("effect: ")).length).toBe(11);
  expect([...seen].filter((what) => what.startsWith("probing: ")).length).toBe(8);
  expect([...seen].filter((what) => !what.includes(": ")).length).toBe(5);
});

/** What is frozen throws when it is written to: the core must not change what it is given. */
function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
