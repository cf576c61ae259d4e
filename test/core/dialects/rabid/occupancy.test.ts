/** A gateway that is full: who makes room for a newcomer, and who never does. */
import { describe, expect, test } from "vitest";
import type { AdmissionRefusal } from "../../../../core/dialects/admission.ts";
import { type AdmissionLimits, gatewayLimits } from "../../../../core/dialects/limits.ts";
import { rabidLimits } from "../../../../core/dialects/rabid/limits.ts";
import { Occupancy, type Use } from "../../../../core/dialects/rabid/occupancy.ts";
import type { Player, Source } from "../../../../core/dialects/rabid/state.ts";
import { AGateway, sessionOf } from "./a-gateway.ts";

const { rabidAloneMs } = rabidLimits;
const nobody = () => false;

type Guest = { name: string; ip: string; use: Use; isProven?: boolean; at?: number };
type Row = { title: string; guests: Guest[]; out: string | null; now?: number };

/** Each is noted at its time, 0 without one. */
function occupancyOf(guests: readonly Guest[], limits?: AdmissionLimits): Occupancy<Guest> {
  const occupancy = new Occupancy<Guest>(limits);
  for (const guest of guests.toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0))) {
    occupancy.enter(guest, guest.ip);
    occupancy.note(guest, guest.use, guest.isProven ?? true, guest.at ?? 0);
  }
  return occupancy;
}

describe("A full gateway makes room by", () => {
  const table: Row[] = [
    {
      title: "nobody who is with others, starts, or is on its way in",
      guests: [
        { name: "Ann", ip: "192.0.2.1", use: "needed" },
        { name: "Bob", ip: "198.51.100.1", use: "opening" },
      ],
      out: null,
    },
    {
      title: "nobody who has been alone for a little less than 30 s",
      guests: [{ name: "Ann", ip: "192.0.2.1", use: "alone", at: 1 }],
      now: rabidAloneMs,
      out: null,
    },
    {
      title: "one who has been alone for 30 s",
      guests: [{ name: "Ann", ip: "192.0.2.1", use: "alone" }],
      now: rabidAloneMs,
      out: "Ann",
    },
    {
      title:
        "one who does not ping before one who does, though its network is smaller and it is alone for less long",
      guests: [
        { name: "Ann", ip: "192.0.2.1", use: "alone" },
        { name: "Bob", ip: "192.0.2.2", use: "alone" },
        { name: "Mallory", ip: "198.51.100.1", use: "alone", isProven: false, at: 9 },
      ],
      out: "Mallory",
    },
    {
      title:
        "one of the network that has most players, whatever these do, though others are alone for longer",
      guests: [
        { name: "Ann", ip: "198.51.100.1", use: "alone" },
        { name: "Bob", ip: "192.0.2.1", use: "needed", at: 1 },
        { name: "Cy", ip: "192.0.2.2", use: "opening", at: 1 },
        { name: "Dee", ip: "192.0.2.3", use: "alone", at: 2 },
      ],
      out: "Dee",
    },
    {
      title: "one of an IPv6 /48 as of one network",
      guests: [
        { name: "Ann", ip: "192.0.2.1", use: "alone" },
        { name: "Bob", ip: "2001:db8:1:1::1", use: "alone", at: 1 },
        { name: "Cy", ip: "2001:db8:1:2::1", use: "alone", at: 2 },
      ],
      out: "Bob",
    },
    {
      title: "the one who is alone for longest, of one network",
      guests: [
        { name: "Ann", ip: "192.0.2.1", use: "alone", at: 2 },
        { name: "Bob", ip: "192.0.2.2", use: "alone", at: 1 },
        { name: "Cy", ip: "192.0.2.3", use: "alone", at: 3 },
      ],
      out: "Bob",
    },
    {
      title: "this machine's own players last",
      guests: [
        { name: "Ann", ip: "127.0.0.1", use: "alone" },
        { name: "Bob", ip: "127.0.0.1", use: "alone" },
        { name: "Cy", ip: "192.0.2.1", use: "alone", at: 1 },
      ],
      out: "Cy",
    },
    {
      title: "this machine's own players, if nobody else is alone",
      guests: [
        { name: "Ann", ip: "127.0.0.1", use: "alone" },
        { name: "Bob", ip: "192.0.2.1", use: "needed" },
      ],
      out: "Ann",
    },
  ];
  test.each(table)("$title", ({ guests, out, now = 2 * rabidAloneMs }) => {
    const yielding = occupancyOf(guests).yieldsTo("203.0.113.1", "gateway_full", now, nobody);
    expect(yielding?.name ?? null).toBe(out);
  });
});

describe("Where an address or its network is full, room is made", () => {
  const guests: Guest[] = [
    { name: "Ann", ip: "192.0.2.1", use: "alone", isProven: false },
    { name: "Bob", ip: "203.0.113.2", use: "alone", at: 1 },
    { name: "Cy", ip: "203.0.113.1", use: "alone", at: 2 },
    { name: "Dee", ip: "203.0.113.1", use: "alone", at: 3 },
  ];
  test.each([
    ["by this address alone", "address_full", "203.0.113.1", "Cy"],
    ["by this network alone", "network_full", "203.0.113.1", "Bob"],
    ["by nobody, if nobody of the address is alone", "address_full", "203.0.113.9", undefined],
    ["by nobody, if nobody of the network is alone", "network_full", "198.51.100.1", undefined],
  ] as const)("%s", (_, refusal, ip, out) => {
    const nobodyIsEarly = { ...gatewayLimits, addressSessions: 0, wideSessions: 0 };
    const occupancy = occupancyOf(guests, nobodyIsEarly);
    expect(occupancy.yieldsTo(ip, refusal, 2 * rabidAloneMs, nobody)?.name).toBe(out);
  });

  test.each([
    ["network_full", gatewayLimits.wideSessions, (i: number) => `203.0.113.${i}`],
    ["address_full", gatewayLimits.addressSessions, () => "203.0.113.1"],
  ] as const)("by none who came while half of the places were free (%s)", (refusal, places, ipOf) => {
    const crowd = Array.from(
      { length: places },
      (_, i): Guest => ({ name: `${i}`, ip: ipOf(i), use: "alone", at: i }),
    );
    const occupancy = occupancyOf(crowd);
    const yieldsNow = (refused = refusal as AdmissionRefusal) =>
      occupancy.yieldsTo("203.0.113.1", refused, 2 * rabidAloneMs, nobody);
    for (let i = places / 2; i < places; i++) {
      const yielding = yieldsNow();
      expect(yielding?.name).toBe(`${i}`);
      if (yielding) occupancy.leave(yielding);
    }
    expect(yieldsNow()).toBeNull();
    // Where the whole gateway is full, that counts for nothing.
    expect(yieldsNow("gateway_full")?.name).toBe("0");
  });
});

test("A player who waits alone stays, while made-up neighbours of its /24 come without end", () => {
  const gateway = new AGateway();
  const made: [Source, string][] = [];
  const comes = (ip: string, name: string) => {
    const from = { ip, port: 40_000, via: 0 };
    gateway.hear(from, `h:${name}:${name}:4`);
    gateway.wait(450);
    gateway.hear(from, `h:${name}:${name}:4`);
    const ask = gateway.asked.at(-1);
    if (ask?.kind !== "open" || ask.name !== name) return;
    gateway.step({ kind: "opened", player: ask.player, ...sessionOf([name], name) });
    made.push([from, `p:${name}:${name}`]);
  };
  comes("192.0.2.1", "Ann");
  for (let i = 0; i < 150; i++) {
    comes(`192.0.2.${2 + i}`, `M${i}`);
    gateway.wait(50);
    for (const [from, ping] of made) gateway.hear(from, ping);
  }
  expect(gateway.state.drops.made_room).toBeGreaterThan(5);
  expect([...gateway.state.players.values()].map(({ name }) => name)).toContain("Ann");
});

test("A player who meets another is safe, and waits 30 s again when that one has left", () => {
  const ann: Guest = { name: "Ann", ip: "192.0.2.1", use: "alone" };
  const occupancy = occupancyOf([ann]);
  const yieldsAt = (now: number) => occupancy.yieldsTo("203.0.113.1", "gateway_full", now, nobody);
  expect(yieldsAt(30_000)).toBe(ann);
  occupancy.note(ann, "needed", true, 40_000);
  expect(yieldsAt(99_000)).toBeNull();
  occupancy.note(ann, "alone", true, 100_000);
  expect(yieldsAt(129_999)).toBeNull();
  expect(yieldsAt(130_000)).toBe(ann);
});

test("A player who pings on and off waits no longer for it", () => {
  const ann: Guest = { name: "Ann", ip: "192.0.2.1", use: "alone" };
  const occupancy = occupancyOf([ann]);
  for (let now = 1_000; now < 30_000; now += 1_000) occupancy.note(ann, "alone", now % 2_000 === 0, now);
  expect(occupancy.yieldsTo("203.0.113.1", "gateway_full", 30_000, nobody)).toBe(ann);
});

test("A player who must stay is passed over", () => {
  const guests: Guest[] = [
    { name: "Ann", ip: "192.0.2.1", use: "alone" },
    { name: "Bob", ip: "198.51.100.1", use: "alone", at: 1 },
  ];
  const occupancy = occupancyOf(guests);
  const spared = (name: string) => (guest: Guest) => guest.name === name;
  expect(occupancy.yieldsTo("203.0.113.1", "gateway_full", 60_000, spared("Ann"))?.name).toBe("Bob");
});

test("Whatever players do, room is made by one whom a look at all of them would choose", () => {
  // A few hundred players of a few dozen networks, and changes without end, the same in each run.
  let seed = 7;
  const below = (n: number) => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
    return (seed >> 8) % n;
  };
  type Known = Guest & { since: number };
  const occupancy = new Occupancy<Known>();
  const all: Known[] = [];
  let out = 0;
  for (let now = 0; now < 300_000; now += 20) {
    const one = all[below(all.length + 1)];
    if (!one || (below(4) === 0 && all.length < 300)) {
      const ip = `198.51.${below(40) % (1 + below(40))}.${below(4)}`;
      const made: Known = { name: "", ip, use: "opening", isProven: false, since: now };
      all.push(made);
      occupancy.enter(made, ip);
    } else if (below(30) === 0) {
      all.splice(all.indexOf(one), 1);
      occupancy.leave(one);
    } else {
      const use = below(5) > 0 ? "alone" : "needed";
      if (use !== one.use) one.since = now;
      Object.assign(one, { use, isProven: below(3) > 0 });
      occupancy.note(one, use, one.isProven === true, now);
    }
    if (now % 1_000 !== 0) continue;
    const yielding = occupancy.yieldsTo("203.0.113.1", "gateway_full", now, nobody);
    const long = all.filter(({ use, since }) => use === "alone" && now - since >= rabidAloneMs);
    const wide = ({ ip }: Known) => ip.split(".", 3).join();
    const sizes = Map.groupBy(all, wide);
    const size = (guest: Known) => sizes.get(wide(guest))?.length ?? 0;
    const worst = long.some(({ isProven }) => !isProven) ? long.filter(({ isProven }) => !isProven) : long;
    const most = Math.max(...worst.map(size));
    if (worst.length === 0) expect(yielding).toBeNull();
    else expect(worst.some((guest) => guest === yielding && size(guest) === most)).toBe(true);
    if (yielding) {
      out += 1;
      all.splice(all.indexOf(yielding), 1);
      occupancy.leave(yielding);
    }
  }
  expect(out).toBeGreaterThan(100);
  for (const one of all) occupancy.leave(one);
  expect(occupancy.yieldsTo("203.0.113.1", "gateway_full", 999_999, nobody)).toBeNull();
});

/** The source is let in as soon as it has asked twice. */
function enter(gateway: AGateway, from: Source, text: string, members: readonly string[]): Player | null {
  gateway.hear(from, text);
  gateway.wait(500);
  gateway.asked.length = 0;
  gateway.hear(from, text);
  const opened = gateway.asked.find((asked) => asked.kind === "open");
  if (opened) gateway.step({ kind: "opened", player: opened.player, ...sessionOf(members, opened.name) });
  return opened ? gateway.player(opened.player) : null;
}

describe("A gateway whose places are all taken by made-up players", () => {
  const limits = { ...gatewayLimits, sessions: 100 };
  /** Player `i` has another address in each network; each network has 20. */
  const sourceOf = (i: number): Source => ({
    ip: `198.${18 + (Math.trunc(i / 20) >> 8)}.${Math.trunc(i / 20) & 255}.${1 + (i % 20)}`,
    port: 40_000,
    via: 0,
  });
  const ann: Source = { ip: "203.0.113.1", port: 1, via: 0 };
  const bob: Source = { ip: "203.0.113.2", port: 2, via: 0 };

  /** All places are taken, by players who ping. `size`: of their sessions. */
  function full(size: number): { gateway: AGateway; crowd: Player[] } {
    const gateway = new AGateway(limits);
    for (let times = 0; times < 2; times++) {
      for (let i = 0; i < limits.sessions; i++) {
        gateway.hear(sourceOf(i), `h:R${i}:P${i}:4`);
        const last = gateway.asked.at(-1);
        if (times === 0 || last?.kind !== "open") continue;
        const members = Array.from({ length: size }, (_, n) => (n === 0 ? last.name : `Q${n}`));
        gateway.step({ kind: "opened", player: last.player, ...sessionOf(members, last.name) });
      }
      gateway.wait(500);
    }
    const crowd = [...gateway.state.players.values()];
    gateway.pingFor(2_000, crowd);
    return { gateway, crowd };
  }

  test("that are alone lets an honest pair in after 30 s, and tells those who make room", () => {
    const { gateway, crowd } = full(1);
    expect(crowd).toHaveLength(limits.sessions);
    expect(enter(gateway, ann, "h:Room:Ann:4", ["Ann"])).toBeNull();
    expect(gateway.state.drops.gateway_full).toBe(1);
    gateway.pingFor(rabidAloneMs, crowd);
    expect(enter(gateway, ann, "h:Room:Ann:4", ["Ann"])).toMatchObject({ name: "Ann" });
    expect(gateway.asked.map(({ kind }) => kind)).toEqual(["leave", "open"]);
    expect(gateway.sentTo(crowd[0]?.at ?? ann).at(-1)).toBe("error:session_timeout");
    expect(enter(gateway, bob, "c:Room:Bob", ["Ann", "Bob"])).toMatchObject({ name: "Bob" });
    expect(gateway.state.drops.made_room).toBe(2);
    expect(gateway.state.admission.open).toBe(limits.sessions);
  });

  test("that are in sessions with others lets nobody in", () => {
    const { gateway, crowd } = full(2);
    gateway.pingFor(rabidAloneMs, crowd);
    expect(enter(gateway, ann, "h:Room:Ann:4", ["Ann"])).toBeNull();
    expect([gateway.state.drops.made_room, gateway.state.drops.gateway_full]).toEqual([0, 1]);
  });

  test("makes room by nobody who starts", () => {
    const { gateway, crowd } = full(1);
    gateway.pingFor(rabidAloneMs, crowd);
    for (const { id } of crowd) gateway.step({ kind: "endpoint-wanted", player: id, mediation: "m" });
    expect(enter(gateway, ann, "h:Room:Ann:4", ["Ann"])).toBeNull();
    for (const { id } of crowd) gateway.step({ kind: "aborted", player: id });
    gateway.pingFor(rabidAloneMs, crowd);
    expect(enter(gateway, ann, "h:Room:Ann:4", ["Ann"])).not.toBeNull();
  });

  test("does not end the session that the newcomer asks for", () => {
    const { gateway, crowd } = full(1);
    gateway.pingFor(rabidAloneMs, crowd);
    const [first, second] = crowd;
    expect(enter(gateway, bob, "c:R0:Bob", ["P0", "Bob"])).not.toBeNull();
    expect(gateway.state.players.has(first?.id ?? 0)).toBe(true);
    expect(gateway.state.players.has(second?.id ?? 0)).toBe(false);
  });

  test("ends no session for a newcomer whose address may not ask the edge now", () => {
    const { gateway, crowd } = full(1);
    gateway.pingFor(rabidAloneMs, crowd);
    const ports = Array.from({ length: 9 }, (_, i) => ({ ...ann, port: 100 + i }));
    for (let times = 0; times < 2; times++) {
      for (const [i, from] of ports.entries()) gateway.hear(from, `c:Nope${i}:Ann`);
      gateway.wait(2_000);
    }
    const { made_room, openings_rate } = gateway.state.drops;
    expect([made_room, openings_rate]).toEqual([rabidLimits.rabidOpenings, 5]);
    expect(gateway.state.admission.open).toBe(gateway.state.players.size);
  });
});

test("A household whose share strangers have filled in its name gets a place after 30 s", () => {
  const gateway = new AGateway();
  const home = "203.0.113.7";
  const crowd: Player[] = [];
  for (let i = 0; i < gatewayLimits.addressSessions; i++) {
    const player = enter(gateway, { ip: home, port: 100 + i, via: 0 }, `h:R${i}:Mallory:4`, ["Mallory"]);
    if (player) crowd.push(player);
    gateway.pingFor(2_000, crowd);
  }
  expect(crowd).toHaveLength(gatewayLimits.addressSessions);
  const ann: Source = { ip: home, port: 1, via: 0 };
  expect(enter(gateway, ann, "h:Room:Ann:4", ["Ann"])).toBeNull();
  gateway.pingFor(rabidAloneMs, crowd);
  expect(enter(gateway, ann, "h:Room:Ann:4", ["Ann"])).toMatchObject({ name: "Ann" });
  expect(gateway.state.drops.made_room).toBe(1);
});
