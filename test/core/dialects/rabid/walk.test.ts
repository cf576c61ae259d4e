/**
 * Anybody says anything, in any order, and the edge answers as it likes. Whatever that is:
 *
 * - An address is sent at most three times the bytes that came from it in the last 10 s, but for the start; and the start only where
 *   somebody was heard three times over a second.
 * - Strangers get at most 1 KB a second and address, and 100 KB a second from the port.
 * - A session is asked for only after a second datagram, and each that was asked for is given up once, or ends.
 * - Nothing but `h`, `c`, `k`, `x`, `s` and `y` asks the edge for anything.
 * - A player that is in its session is sent no error that would end it.
 * - What the gateway remembers fits together, and nothing is left when all have gone.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { RabidEvent } from "../../../../core/dialects/rabid/event.ts";
import type { Player, Source } from "../../../../core/dialects/rabid/state.ts";
import { AGateway, sessionOf } from "./a-gateway.ts";

const names = ["Ann", "Bob", "Cy", "Dee"] as const;
const sessions = ["Room", "R2"] as const;
const sources: Source[] = [1, 1, 2, 3, 4].map((ip, i) => ({
  ip: `192.0.2.${ip}`,
  port: 40_000 + i,
  via: i % 2,
}));

type Move =
  | { kind: "say"; from: Source; text: string }
  | { kind: "edge"; which: number; news: number; members: readonly string[] }
  | { kind: "wait"; ms: number };

const text = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        fc.constantFrom("h", "c", "c", "p", "p", "p", "k", "x", "s", "s", "y"),
        fc.constantFrom(...sessions),
        fc.constantFrom(...names),
      )
      .map(([type, session, name]) => `${type}:${session}:${name}${type === "h" ? ":4" : ""}`),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 30 }) },
);
const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("say" as const), from: fc.constantFrom(...sources), text }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("edge" as const),
      which: fc.nat(),
      news: fc.nat(),
      members: fc.shuffledSubarray([...names]),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("wait" as const),
      ms: fc.oneof(fc.nat(600), fc.constantFrom(50, 500, 500, 500, 1_600, 3_500, 9_000)),
    }),
  },
);

test("Every walk keeps the promises", () => {
  fc.assert(
    fc.property(fc.array(move, { minLength: 1, maxLength: 160 }), (moves) => {
      const walk = new Walk();
      for (const one of moves) walk.take(one);
      walk.end();
    }),
    { numRuns: 400 },
  );
});

type Datagram = { at: number; ip: string; place: string; bytes: number };

class Walk {
  readonly #gateway = new AGateway();
  readonly #heard: Datagram[] = [];
  /** Ids that the edge was asked to let in, and has not heard to be gone. */
  readonly #open = new Map<number, string>();
  #looked = 0;

  take(move: Move): void {
    const gateway = this.#gateway;
    if (move.kind === "wait") gateway.wait(move.ms);
    else if (move.kind === "edge") this.#news(move);
    else {
      const { ip, port } = move.from;
      const bytes = new TextEncoder().encode(move.text).length;
      this.#heard.push({ at: gateway.now, ip, place: `${ip}:${port}`, bytes });
      const asked = gateway.asked.length;
      const isInside = this.#isInside(move.from, move.text);
      const texts = gateway.hear(move.from, move.text);
      const fatal = texts.filter((one) => /^error:(?!non_host_player|only_one_player_in_session)/.test(one));
      if (isInside && this.#isInside(move.from, move.text)) expect(fatal).toEqual([]);
      const kinds = gateway.asked.slice(asked).map(({ kind }) => kind);
      if (!/^[hckxsy]:/.test(move.text)) expect(kinds.filter((kind) => kind !== "observe")).toEqual([]);
    }
    this.#look();
  }

  end(): void {
    for (let i = 0; i < 30; i++) this.take({ kind: "wait", ms: 1_000 });
    const { players, inside, places, opening, started, farewells, admission } = this.#gateway.state;
    const all = [players, inside, places, opening, started, farewells];
    expect(all.map(({ size }) => size)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(admission.open).toBe(0);
    expect([...this.#open.keys()]).toEqual([]);
    expect(this.#gateway.state.dueAt).toBe(Number.POSITIVE_INFINITY);
    expect(this.#gateway.state.sweepAt).toBe(Number.POSITIVE_INFINITY);
  }

  /** One of those that are asked for hears something, be it in place or not. */
  #news({ which, news, members }: Extract<Move, { kind: "edge" }>): void {
    const ids = [...this.#open.keys()];
    const player = ids[which % ids.length];
    if (player === undefined) return;
    const name = this.#open.get(player) ?? "";
    const all = [...members.filter((member) => member !== name), name];
    const peers = all.filter((one) => one !== name).map((one) => ({ name: one, ip: "203.0.113.9", port: 9 }));
    const events: RabidEvent[] = [
      { kind: "opened", player, ...sessionOf(all, name) },
      { kind: "opened", player, ...sessionOf(all.toReversed(), name) },
      { kind: "session-changed", player, ...sessionOf(all.toReversed(), name) },
      { kind: "endpoint-wanted", player, mediation: "m" },
      { kind: "introduced", player, peers },
      { kind: "introduced", player, peers },
      { kind: "start-refused", player, code: "too_few_members" },
      { kind: "aborted", player },
      { kind: "refused", player, code: "lobby_full" },
      { kind: "ended", player, isKicked: news % 3 === 0 },
    ];
    const event = events[news % events.length];
    if (!event) return;
    const isOpening = this.#gateway.player(player).phase.kind === "opening";
    // The edge says these only of one that it was asked to let in, and the others only of one that is in.
    if (isOpening !== (event.kind === "opened" || event.kind === "refused")) return;
    if (event.kind === "ended" || event.kind === "refused") this.#open.delete(player);
    this.#gateway.step(event);
  }

  /** Whether a player of the session that the text names is there. */
  #isInside({ ip, port }: Source, text: string): boolean {
    const players = this.#gateway.state.inside.get(text.split(":")[1] ?? "")?.values() ?? [];
    return [...players].some(({ at }) => at.ip === ip && at.port === port);
  }

  #look(): void {
    const { asked, sent, state } = this.#gateway;
    for (const effect of asked.splice(0)) {
      if (effect.kind === "open") {
        this.#open.set(effect.player, effect.name);
        const { ip, port } = effect.from;
        const times = this.#heard.filter(({ place }) => place === `${ip}:${port}`).map(({ at }) => at);
        expect(times.some((time) => time <= this.#gateway.now - 400)).toBe(true);
      } else {
        expect(this.#open.has(effect.player)).toBe(true);
        if (effect.kind === "leave") this.#open.delete(effect.player);
      }
    }
    const waiting = [...state.opening.values()];
    const within = [...state.inside.values()].flatMap((players) => [...players.values()]);
    expect(new Set([...waiting, ...within])).toEqual(new Set(state.players.values()));
    expect(waiting.length + within.length).toBe(state.players.size);
    const places = Map.groupBy(
      within.flatMap(({ at, formers }) => [at, ...formers]),
      ({ ip, port }) => `${ip} ${port}`,
    );
    expect(new Map([...places].map(([place, there]) => [place, there.length]))).toEqual(state.places);
    expect([...state.players.keys()].sort()).toEqual([...this.#open.keys()].sort());
    expect(state.admission.open).toBe(state.players.size);
    for (const player of state.players.values()) expect(state.occupancy.useOf(player)).toBe(useOf(player));
    for (; this.#looked < sent.length; this.#looked++) this.#lookAt(this.#looked);
  }

  #lookAt(index: number): void {
    const { sent } = this.#gateway;
    const one = sent[index];
    if (!one) return;
    const { at, to, text } = one;
    const [ip = ""] = to.split(":");
    const since = (ms: number) => (other: { at: number }) => other.at > at - ms && other.at <= at;
    if (text.startsWith("s:")) {
      const times = this.#heard.filter(({ place }) => place === to).map((each) => each.at);
      expect(times.length).toBeGreaterThanOrEqual(3);
      expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(1_000);
      return;
    }
    const plain = sent.slice(0, index + 1).filter((other) => !other.text.startsWith("s:"));
    const bytesOut = sum(plain.filter((other) => other.to.startsWith(`${ip}:`) && since(10_000)(other)));
    const bytesIn = this.#heard.filter((other) => other.ip === ip && since(10_000)(other));
    expect(bytesOut).toBeLessThanOrEqual(3 * bytesIn.reduce((all, { bytes }) => all + bytes, 0));
  }
}

function useOf({ phase, members }: Player): string {
  if (phase.kind === "opening") return "opening";
  return phase.kind === "waiting" && members.length === 1 ? "alone" : "needed";
}

function sum(sent: readonly { text: string }[]): number {
  return sent.reduce((all, { text }) => all + text.length, 0);
}
