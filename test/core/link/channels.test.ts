/** Links whose packets may also go through what is no UDP socket: the relay over WebSocket, and WebRTC. */
import { expect, test } from "vitest";
import type { LinkEffect } from "../../../core/link/effect.ts";
import type { LinkEvent } from "../../../core/link/event.ts";
import { linkLimits } from "../../../core/link/limits.ts";
import { channelEnd, type PathKind } from "../../../core/link/path.ts";
import { config, play, sent } from "./a-link.ts";
import { Pair, type Player } from "./a-pair.ts";

const usePath = (effect: LinkEffect) => effect.kind === "use-path";
const usableMs = ({ a, b }: Pair) => Math.max(a.when(usePath), b.when(usePath));
const kindsUsed = ({ paths }: Player) => paths.map(({ path }) => path.kind);

/** Both send 20 packets a second for so long. Milliseconds of the longest silence that `b` heard. */
function longestSilence(pair: Pair, ms: number): number {
  const from = pair.ms;
  let [heard, heardAt, longest] = [pair.b.heard, from, 0];
  for (let at = from; at < from + ms; at += 50) {
    pair.a.play();
    pair.b.play();
    pair.run(at + 50);
    if (pair.b.heard > heard) [heard, heardAt] = [pair.b.heard, pair.ms];
    longest = Math.max(longest, pair.ms - heardAt);
  }
  return longest;
}

test.each([
  ["both", ["a", "b"]],
  ["the host", ["a"]],
  ["the guest", ["b"]],
] as const)(
  "where %s cannot use UDP, the two are linked over WebSocket at once, and nothing is sent by UDP",
  (_, noUdp) => {
    for (let seed = 1; seed <= 20; seed++) {
      const setting = { a: "port-restricted", b: "symmetric", seed, webSocket: true, noUdp } as const;
      const pair = new Pair(setting).runUntilSettled();
      expect(pair.kinds).toBe("websocket, websocket");
      expect(usableMs(pair)).toBeLessThan(300);
      for (const player of [pair.a, pair.b]) {
        expect(player.settled?.cause).toBe("no-udp");
        expect(player.when(({ kind }) => kind === "settle")).toBeLessThan(300);
        expect(player.sent(({ local }) => local !== "ws")).toBe(0);
      }
    }
  },
);

test("the relay over WebSocket makes a link usable, which goes on by a better path", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const pair = new Pair({ a: "port-restricted", b: "symmetric", seed, webSocket: true }).runUntilSettled();
    expect(pair.kinds).toBe("direct, direct");
    expect(usableMs(pair)).toBeLessThan(300);
    expect(pair.a.settled?.cause).toBeNull();
  }
});

test("a relay over UDP is better, and is left for nothing worse", () => {
  const pair = new Pair({ a: "symmetric", b: "symmetric", seed: 1, webSocket: true }).runUntilSettled();
  expect(pair.kinds).toBe("relay, relay");
  expect(pair.a.settled?.cause).toBe("both-endpoint-dependent");
  expect(kindsUsed(pair.a).at(-1)).toBe("relay");
});

test("a relay over UDP that refuses the link, or does not answer, is replaced", () => {
  const refusing = new Pair({ a: "symmetric", b: "symmetric", seed: 2, webSocket: true });
  refusing.sidecar.refusal = "relay_full";
  expect(refusing.runUntilSettled().kinds).toBe("websocket, websocket");
  expect(refusing.a.settled?.cause).toBe("both-endpoint-dependent");
  const silent = new Pair({ a: "symmetric", b: "symmetric", seed: 3, webSocket: true, relayDown: true });
  expect(silent.runUntilSettled().kinds).toBe("websocket, websocket");
});

test("in a lobby that is relay-only, the relay over WebSocket does where there is no other", () => {
  const setting = { a: "nothing", b: "nothing", relayOnly: true, relay: false, webSocket: true } as const;
  const pair = new Pair({ ...setting, seed: 1 }).runUntilSettled();
  expect(pair.kinds).toBe("websocket, websocket");
  expect(pair.a.settled?.cause).toBe("relay-only");
});

test("a direct path that dies is replaced within 2.3 s, and taken again when it is back", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const setting = { a: "port-restricted", b: "port-restricted", relay: false, webSocket: true } as const;
    const pair = new Pair({ ...setting, seed }).run(12_000);
    expect(pair.kinds).toBe("direct, direct");
    pair.internet.cut = () => true;
    expect(longestSilence(pair, 6_000)).toBeLessThan(2_300);
    expect(pair.kinds).toBe("websocket, websocket");
    pair.internet.cut = () => false;
    pair.run(pair.ms + linkLimits.recheckMs + 1_000);
    expect(pair.kinds).toBe("direct, direct");
  }
});

test("a player whose new network lets no UDP through is heard again within 2.3 s: the relay over UDP is not waited for", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const setting = { a: "port-restricted", b: "port-restricted", relay: true, webSocket: true } as const;
    const pair = new Pair({ ...setting, seed }).run(12_000 + seed * 700);
    expect(pair.kinds).toBe("direct, direct");
    pair.internet.cut = () => true;
    pair.webSocket.mute(pair.a);
    expect(longestSilence(pair, 8_000), `seed ${seed}`).toBeLessThan(2_300);
    expect(pair.kinds).toBe("websocket, websocket");
  }
});

test("a player whose address changes is heard again within 2.3 s, by another WebSocket", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const setting = { a: "port-restricted", b: "port-restricted", relay: false, webSocket: true } as const;
    // Standbys were last checked at any time before.
    const pair = new Pair({ ...setting, seed }).run(12_000 + seed * 700);
    pair.internet.cut = () => true;
    pair.webSocket.mute(pair.a);
    expect(longestSilence(pair, 6_000), `seed ${seed}`).toBeLessThan(2_300);
    expect(pair.kinds).toBe("websocket, websocket");
    expect(pair.a.reopened).toBe(1);
  }
});

test("a link on WebSocket whose own connection falls silent has another opened, and goes on", () => {
  const setting = { a: "nothing", b: "nothing", webSocket: true, noUdp: ["a", "b"] } as const;
  const pair = new Pair({ ...setting, seed: 1 }).run(5_000);
  pair.webSocket.mute(pair.b);
  expect(longestSilence(pair, 6_000)).toBeLessThan(3_000);
  expect(pair.b.reopened).toBeGreaterThan(0);
  expect(pair.kinds).toBe("websocket, websocket");
});

test("a relay over WebSocket that is restarted is there again, and the link as well", () => {
  const setting = { a: "nothing", b: "nothing", webSocket: true, noUdp: ["a", "b"] } as const;
  const pair = new Pair({ ...setting, seed: 1 }).run(5_000);
  pair.webSocket.restart();
  expect(pair.kinds).toBe("null, null");
  pair.clock.at(pair.clock.now + 4_000, () => {
    pair.webSocket.connect(pair.a);
    pair.webSocket.connect(pair.b);
  });
  pair.run(pair.ms + 4_500);
  expect(pair.kinds).toBe("websocket, websocket");
  expect(pair.a.end).toBeUndefined();
});

const opened = (path: PathKind, at = 0) => ({
  at,
  event: { kind: "channel-opened", local: "rtc", path } satisfies LinkEvent,
});
/** An answer to the first check that was sent by a channel. */
function answered(events: { at: number; event: LinkEvent }[], at: number, config_ = config) {
  const check = sent(play(config_, events, at).effects).find(({ local }) => local === "rtc");
  const event = {
    kind: "answer-received",
    number: check?.number ?? -1,
    local: "rtc",
    remote: channelEnd,
  } as const;
  return { at, event };
}

test("a data channel is the path that its candidates make it", () => {
  for (const kind of ["lan", "direct", "turn"] as const) {
    const events = [opened(kind, 10)];
    const { state, effects } = play(config, [...events, answered(events, 50)], 60);
    expect(effects.map(({ effect }) => effect)).toContainEqual({
      kind: "use-path",
      path: { kind, local: "rtc", remote: channelEnd },
    });
    expect(state.phase.kind).toBe("linked");
  }
});

test("a data channel whose candidates change is another kind of path, and the game is told", () => {
  const events = [opened("turn", 10)];
  const all = [...events, answered(events, 50), opened("direct", 100)];
  const used = play(config, all, 110).effects.flatMap(({ effect }) =>
    effect.kind === "use-path" ? [effect.path.kind] : [],
  );
  expect(used).toEqual(["turn", "direct"]);
});

test("nothing is sent by a channel that is closed, and no answer is taken from there", () => {
  const events: { at: number; event: LinkEvent }[] = [opened("direct", 10)];
  const late = answered(events, 50);
  events.push({ at: 20, event: { kind: "channel-closed", local: "rtc", code: null } });
  const { effects, state } = play(config, [...events, late], 5_000);
  expect(sent(effects).filter(({ local }) => local === "rtc").length).toBe(1);
  expect(state.phase.kind).toBe("connecting");
});

test("a relay that refuses the link is why it could not be made", () => {
  const alone = { ...config, noUdp: "udp-blocked", sidecar: null, relay: false, channels: ["ws"] } as const;
  const refused = { kind: "channel-closed", local: "ws", code: "relay_full" } as const;
  const ends = (events: { at: number; event: LinkEvent }[]) =>
    play(alone, events, 11_000).effects.flatMap(({ effect }) =>
      effect.kind === "end" ? [effect.cause] : [],
    );
  expect(ends([{ at: 10, event: refused }])).toEqual(["relay-refused"]);
  expect(ends([])).toEqual(["relay-unreachable"]);
});

test("a peer that is bound to the relay, and too busy to answer, is waited for longer", () => {
  const alone = { ...config, noUdp: "udp-blocked", sidecar: null, relay: false, channels: ["ws"] } as const;
  const bound = { at: 500, event: { kind: "channel-opened", local: "ws", path: "websocket" } } as const;
  const phaseAt = (events: { at: number; event: LinkEvent }[], ms: number) =>
    play(alone, events, ms).state.phase.kind;
  expect(phaseAt([], 11_000)).toBe("ended");
  expect(phaseAt([bound], linkLimits.directMs + linkLimits.graceMs - 1)).toBe("connecting");
  expect(phaseAt([bound], linkLimits.directMs + linkLimits.graceMs + 1)).toBe("ended");
  const { number = -1 } = sent(play(alone, [bound], 12_000).effects).at(-1) ?? {};
  const late = { kind: "answer-received", number, local: "ws", remote: channelEnd } as const;
  expect(phaseAt([bound, { at: 12_000, event: late }], 12_001)).toBe("linked");
});
