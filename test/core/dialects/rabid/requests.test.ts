/**
 * What each request of Rabid is answered with, in the order in which it is checked: by tables, and where honest players failed with the original.
 */
import { describe, expect, test } from "vitest";
import { rabidLimits } from "../../../../core/dialects/rabid/limits.ts";
import { AGateway, at, sessionOf } from "./a-gateway.ts";

const { rabidSilentMs, rabidRebindMs, rabidFarewellKeptMs, rabidFarewellsKept, rabidUnrepeatedMs } =
  rabidLimits;
const [ann, bob, cy, stranger] = [at(1), at(2), at(3), at(99)];

/** No session; one with Ann and Bob; the same while its players are asked where they are, and when they are introduced; Ann alone. */
const states = {
  none: () => new AGateway(),
  alone: () => withSession(["Ann"]).gateway,
  active: () => withSession(["Ann", "Bob"]).gateway,
  gathering: () => {
    const { gateway, players } = withSession(["Ann", "Bob"]);
    gateway.ask(ann, "s:Room:Ann");
    for (const { id } of players) gateway.step({ kind: "endpoint-wanted", player: id, mediation: undefined });
    return gateway;
  },
  started: () => {
    const { gateway, players } = withSession(["Ann", "Bob"]);
    gateway.start(players);
    gateway.wait(1_000);
    return gateway;
  },
};
type State = keyof typeof states;

function withSession(names: readonly string[]) {
  const gateway = new AGateway();
  return { gateway, players: gateway.session(names) };
}

const error = (code: string) => [`error:${code}`];
const info = (...names: string[]) => [`i:${names.join(":")}`];
const startOf = { ann: ["s:40000:Bob:192.0.2.2:40000"], bob: ["s:40000:Ann:192.0.2.1:40000"] };
const none: string[] = [];

/** What is answered at once, from where it is asked, in each of these states. */
const table: readonly (readonly [
  text: string,
  from: ReturnType<typeof at>,
  answers: Partial<Record<State, string[]>>,
])[] = [
  // Hosting. A stranger's first datagram opens nothing, and is not answered.
  ["h:Room:Cy:4", cy, { none, alone: error("session_exists"), active: error("session_exists") }],
  ["h:Room:Cy:4", cy, { gathering: error("session_exists"), started: error("session_exists") }],
  ["h:Room:Ann:12", ann, { alone: info("Ann"), active: info("Ann", "Bob") }],
  ["h:Room:Zoe:3:other", ann, { active: info("Ann", "Bob") }],
  // A player in good standing is never sent an error that would end its session.
  ["h:Room:Ann:12", ann, { gathering: none, started: none }],
  ["h:Room:Bob:12", bob, { active: none }],
  // Joining. Passwords, free places and names are the edge's to check.
  ["c:Room:Bob", bob, { active: info("Ann", "Bob") }],
  ["c:Room:Bob:wrong", bob, { active: info("Ann", "Bob") }],
  ["c:Room:Bob", bob, { gathering: info("Ann", "Bob"), started: info("Ann", "Bob") }],
  ["c:Room:Cy", cy, { none, active: none }],
  ["c:Room:Cy", cy, { gathering: error("session_non_existent"), started: error("session_non_existent") }],
  // Pinging.
  ["p:Room:Ann", ann, { alone: info("Ann"), active: info("Ann", "Bob"), gathering: info("Ann", "Bob") }],
  ["p:Room:Ann", ann, { none: error("session_non_existent"), started: startOf.ann }],
  ["p:Room:Bob", bob, { active: info("Ann", "Bob"), started: startOf.bob }],
  ["p:Room:Bob", stranger, { none: error("session_non_existent"), active: error("non_existent_player") }],
  ["p:Room:Bob", stranger, { started: error("session_non_existent") }],
  ["p:Room:Cy", stranger, { active: error("non_existent_player") }],
  ["p:Room:Cy", ann, { active: none }],
  ["p:Other:Ann", ann, { active: error("session_non_existent") }],
  // Another port of a player that is still heard may be anybody's.
  ["p:Room:Bob", at(2, 5), { active: none, gathering: none, started: none }],
  // Removing.
  ["k:Room:Bob", ann, { none: error("session_non_existent"), active: none }],
  ["k:Room:Cy", ann, { active: info("Ann", "Bob") }],
  ["k:Room:Bob", stranger, { active: error("non_host_player"), gathering: error("session_non_existent") }],
  ["k:Room:Bob", stranger, { started: error("session_non_existent") }],
  ["k:Room:Cy", stranger, { active: error("non_existent_player") }],
  ["k:Room:Ann", bob, { active: error("non_host_player") }],
  ["k:Room:Cy", bob, { active: error("non_host_player") }],
  ["k:Room:Bob", ann, { gathering: none, started: none }],
  ["k:Room:Cy", ann, { gathering: info("Ann", "Bob"), started: none }],
  ["k:Room:Bob", bob, { gathering: none, started: none }],
  // Leaving.
  ["x:Room:Bob", bob, { none: error("session_non_existent"), active: error("player_exited_session") }],
  ["x:Room:Ann", ann, { alone: error("player_exited_session") }],
  ["x:Room:Bob", stranger, { active: error("non_existent_player"), started: error("session_non_existent") }],
  ["x:Room:Bob", at(2, 5), { active: none }],
  ["x:Room:Bob", ann, { active: none }],
  // Starting. Which player is named does not matter.
  ["s:Room:Ann", ann, { none: error("session_non_existent"), alone: error("only_one_player_in_session") }],
  ["s:Room:Bob", bob, { active: error("non_host_player") }],
  ["s:Room:Ann", stranger, { alone: error("non_host_player"), active: error("non_host_player") }],
  ["s:Room:Ann", ann, { active: none, gathering: info("Ann", "Bob"), started: startOf.ann }],
  ["s:Room:Zoe", ann, { started: startOf.ann }],
  ["s:Room:Bob", bob, { gathering: none, started: none }],
  ["s:Room:Bob", stranger, { gathering: none, started: none }],
  // Confirming.
  ["y:Room:Bob", bob, { none: error("session_not_started"), active: none, gathering: none, started: none }],
  ["y:Room:Bob", stranger, { active: error("session_not_started"), started: none }],
  ["y:Room:Cy", stranger, { started: error("non_existent_player") }],
  // What is none of these.
  ["hello", stranger, { none: error("invalid_request"), active: error("invalid_request") }],
  ["h:Room:Ann:1", stranger, { none: error("invalid_request") }],
  ["q:Room:Ann", stranger, { none }],
  ["H:Room:Ann:2", stranger, { none }],
];

describe("An answer to", () => {
  for (const [text, from, answers] of table)
    for (const [state, texts] of Object.entries(answers))
      test(`${text} from ${from.ip}:${from.port}, in a session that is ${state}, is ${texts[0] ?? "none"}`, () => {
        const gateway = states[state as State]();
        expect(gateway.ask(from, text)).toEqual(texts);
      });
});

describe("What is asked of the edge", () => {
  const kinds = (gateway: AGateway) => gateway.asked.map(({ kind }) => kind);

  test("is nothing for one datagram, and nothing for two in a moment", () => {
    const gateway = new AGateway();
    gateway.hear(ann, "h:Room:Ann:2");
    gateway.wait(399);
    gateway.hear(ann, "h:Room:Ann:2");
    expect(gateway.asked).toEqual([]);
  });

  test("is one session for a player that repeats its request", () => {
    const gateway = new AGateway();
    for (let i = 0; i < 6; i++) {
      gateway.hear(ann, "h:Room:Ann:8:secret");
      gateway.wait(500);
    }
    const [, ...more] = gateway.asked;
    expect(gateway.asked[0]).toEqual({
      ...{ kind: "open", player: 1, session: "Room", name: "Ann" },
      ...{ from: ann, password: "secret", maxMembers: 8 },
    });
    expect(more).toEqual([]);
  });

  test("is to join where a player joins", () => {
    const gateway = new AGateway();
    gateway.hear(bob, "c:Room:Bob:secret");
    gateway.wait(400);
    gateway.hear(bob, "c:Room:Bob:secret");
    expect(gateway.asked).toMatchObject([
      { kind: "open", name: "Bob", password: "secret", maxMembers: null },
    ]);
  });

  test("is nothing for pings, however many", () => {
    const { gateway, players } = withSession(["Ann", "Bob", "Cy"]);
    gateway.asked.length = 0;
    gateway.pingFor(60_000, players);
    expect(gateway.asked).toEqual([]);
    expect(gateway.state.players.size).toBe(3);
  });

  test("is one removal, one departure and one start", () => {
    const { gateway } = withSession(["Ann", "Bob", "Cy"]);
    gateway.asked.length = 0;
    gateway.ask(ann, "k:Room:Cy");
    gateway.ask(ann, "s:Room:Ann");
    gateway.wait(500);
    gateway.ask(ann, "s:Room:Ann");
    gateway.ask(bob, "x:Room:Bob");
    gateway.ask(bob, "x:Room:Bob");
    expect(gateway.asked).toEqual([
      { kind: "kick", player: 1, clientId: "id-of-Cy" },
      { kind: "start", player: 1 },
      { kind: "leave", player: 2 },
    ]);
  });

  test("is to remove a player whom a start waits for, and none that has been introduced", () => {
    for (const [state, asked] of [
      ["gathering", [{ kind: "kick", player: 1, clientId: "id-of-Bob" }]],
      ["started", []],
    ] as const) {
      const gateway = states[state]();
      gateway.asked.length = 0;
      gateway.ask(bob, "k:Room:Ann");
      gateway.ask(stranger, "k:Room:Ann");
      gateway.ask(ann, "k:Room:Bob");
      expect(gateway.asked).toEqual(asked);
    }
  });

  test("is to start again if it has not started after a second", () => {
    const { gateway } = withSession(["Ann", "Bob"]);
    gateway.ask(ann, "s:Room:Ann");
    gateway.step({ kind: "start-refused", player: 1, code: "no_sidecar" });
    gateway.wait(999);
    gateway.ask(ann, "s:Room:Ann");
    expect(kinds(gateway).filter((kind) => kind === "start")).toHaveLength(1);
    gateway.wait(1);
    // It is told the names, as for a ping: its plugin gives up if it hears nothing for 15 s.
    expect(gateway.ask(ann, "s:Room:Ann")).toEqual(["i:Ann:Bob"]);
    expect(kinds(gateway).filter((kind) => kind === "start")).toHaveLength(2);
  });

  test("is what a player wants now, whatever it was refused before", () => {
    const gateway = new AGateway();
    for (const text of ["c:Room:Ann", "c:Room:Ann"]) {
      gateway.hear(ann, text);
      gateway.wait(500);
    }
    gateway.step({ kind: "refused", player: 1, code: "no_such_lobby" });
    gateway.hear(ann, "h:Room:Ann:4");
    expect(gateway.asked.at(-1)).toMatchObject({ kind: "open", player: 2, maxMembers: 4 });
    // Whoever waits to be let in is told nothing of a session that it is not in.
    expect(gateway.ask(ann, "p:Room:Ann")).toEqual([]);
  });

  test("is four sessions at once for one address, and then one in two seconds", () => {
    const gateway = new AGateway();
    const tries = (ms: number) => {
      for (let passed = 0; passed < ms; passed += 500) {
        gateway.hear(ann, `c:Room${gateway.now}:Ann`);
        const last = gateway.asked.at(-1);
        if (last?.kind === "open")
          gateway.step({ kind: "refused", player: last.player, code: "no_such_lobby" });
        gateway.wait(500);
      }
    };
    tries(4_000);
    expect(gateway.asked).toHaveLength(5);
    gateway.asked.length = 0;
    tries(10_000);
    expect(gateway.asked).toHaveLength(5);
  });

  test("is no ninth session for one address", () => {
    const gateway = new AGateway();
    const names = Array.from({ length: 9 }, (_, i) => `Player${i}`);
    for (const [i, name] of names.entries()) {
      gateway.hear(at(1, i + 1), `c:Room:${name}`);
      gateway.wait(2_000);
      gateway.hear(at(1, i + 1), `c:Room:${name}`);
      const last = gateway.asked.at(-1);
      if (last?.kind === "open" && last.name === name)
        gateway.step({ kind: "opened", player: last.player, ...sessionOf(names, name) });
      for (const player of gateway.state.players.values()) gateway.hear(player.at, `p:Room:${player.name}`);
    }
    expect(gateway.asked).toHaveLength(8);
    expect(gateway.state.drops.address_full).toBe(1);
  });

  test("is five sessions at once for the network around an address, and forty in all", () => {
    const gateway = new AGateway();
    const sources = Array.from({ length: 300 }, (_, i) => ({
      ip: `198.18.${Math.trunc(i / 10)}.${i % 10}`,
      port: 1,
      via: 0,
    }));
    for (let times = 0; times < 2; times++) {
      for (const from of sources) gateway.hear(from, "c:Room:Ann");
      gateway.wait(500);
    }
    const networks = gateway.asked.map((asked) =>
      asked.kind === "open" ? asked.from.ip.split(".", 3).join() : "",
    );
    expect(networks).toHaveLength(rabidLimits.rabidOpeningsAtOnce);
    expect(new Set(networks).size).toBe(8);
    expect(gateway.state.drops.openings_full).toBe(260);
    // The next get in as soon as one of these has been let in, or has not.
    gateway.step({ kind: "refused", player: 1, code: "no_such_lobby" });
    gateway.step({ kind: "opened", player: 2, ...sessionOf(["Zoe", "Ann"], "Ann") });
    for (const from of sources.slice(200)) gateway.hear(from, "c:Room:Ann");
    expect(gateway.asked).toHaveLength(42);
  });
});

describe("The edge's refusal to", () => {
  const codes = {
    h: { name_in_use: "session_exists" },
    c: {
      no_such_lobby: "session_non_existent",
      lobby_locked: "session_non_existent",
      password_needed: "password_mismatch",
      wrong_password: "password_mismatch",
      lobby_full: "session_full",
      name_taken: "player_name_in_use",
      banned: "kicked_by_host",
    },
  };
  for (const [type, known] of Object.entries(codes))
    for (const [code, told] of Object.entries(known))
      test(`${type}, ${code}, is error:${told}, and the same for a repeat, without asking again`, () => {
        const gateway = new AGateway();
        const text = type === "h" ? "h:Room:Ann:2" : "c:Room:Ann";
        const { id } = opening(gateway, text);
        gateway.state.answers.heard(ann.ip, 1_000, gateway.now);
        gateway.step({ kind: "refused", player: id, code });
        expect(gateway.sentTo(ann)).toEqual([`error:${told}`]);
        gateway.wait(500);
        expect(gateway.hear(ann, text)).toEqual([`error:${told}`]);
        expect(gateway.asked).toHaveLength(1);
        gateway.wait(rabidFarewellKeptMs);
        gateway.hear(ann, text);
        expect(gateway.asked).toHaveLength(2);
      });

  test.each(["too_many_requests", "over_budget", "unreachable", "unavailable", "toString"])(
    "c, %s, is not answered, and the next repeat asks again",
    (code) => {
      const gateway = new AGateway();
      const { id } = opening(gateway, "c:Room:Ann");
      gateway.step({ kind: "refused", player: id, code });
      expect(gateway.sent).toEqual([]);
      gateway.wait(500);
      gateway.hear(ann, "c:Room:Ann");
      expect(gateway.asked).toHaveLength(2);
    },
  );

  test("start a session of one is told to its host, who goes on", () => {
    const { gateway } = withSession(["Ann", "Bob"]);
    gateway.ask(ann, "s:Room:Ann");
    gateway.sent.length = 0;
    gateway.step({ kind: "start-refused", player: 1, code: "too_few_members" });
    expect(gateway.sentTo(ann)).toEqual(["error:only_one_player_in_session"]);
    expect(gateway.ask(ann, "p:Room:Ann")).toEqual(["i:Ann:Bob"]);
    // Another has come: the next start asks at once.
    gateway.asked.length = 0;
    gateway.ask(ann, "s:Room:Ann");
    expect(gateway.asked).toEqual([{ kind: "start", player: 1 }]);
  });

  test("thousands of players is not remembered of all", () => {
    const gateway = new AGateway();
    const say = (crowd: number) => {
      for (let n = 0; n < 1_900; n++) {
        gateway.hear({ ip: `198.18.${(n >> 4) & 255}.${n & 15}`, port: crowd, via: 0 }, "c:Room:Ann");
        for (const id of gateway.state.players.keys())
          gateway.step({ kind: "refused", player: id, code: "no_such_lobby" });
      }
    };
    for (let crowd = 1; crowd <= 3; crowd++) {
      say(crowd);
      gateway.wait(500);
      say(crowd);
    }
    expect(gateway.asked.length).toBeGreaterThan(rabidFarewellsKept);
    expect(gateway.state.farewells.size).toBe(rabidFarewellsKept);
  });

  function opening(gateway: AGateway, text: string) {
    gateway.hear(ann, text);
    gateway.wait(500);
    gateway.hear(ann, text);
    return gateway.player(1);
  }
});

describe("A player", () => {
  test("that nobody waits for any more is not let in", () => {
    const gateway = new AGateway();
    gateway.hear(ann, "h:Room:Ann:2");
    gateway.wait(500);
    gateway.hear(ann, "h:Room:Ann:2");
    gateway.wait(rabidUnrepeatedMs + 500);
    expect(gateway.asked.at(-1)).toEqual({ kind: "leave", player: 1 });
    gateway.step({ kind: "opened", player: 1, ...sessionOf(["Ann"], "Ann") });
    expect(gateway.state.players.size + gateway.state.inside.size).toBe(0);
    expect(gateway.sent).toEqual([]);
  });

  test("that is silent is dropped after 8 s, told so as often as its bytes allow, and the session goes on without it", () => {
    const { gateway, players } = withSession(["Ann", "Bob"]);
    const [host] = players;
    if (!host) throw new Error("no host");
    gateway.pingFor(3_000, players);
    gateway.pingFor(rabidSilentMs, [host]);
    expect(gateway.state.players.size).toBe(2);
    gateway.sent.length = 0;
    gateway.pingFor(1_000, [host]);
    expect(gateway.asked.at(-1)).toEqual({ kind: "leave", player: 2 });
    const told = gateway.sent.filter(({ text }) => text === "error:player_timeout");
    const times = told.map(({ at: time }) => time - (told[0]?.at ?? 0));
    expect(times.slice(0, 2)).toEqual([0, 50]);
    expect(times.length).toBeLessThanOrEqual(3);
    expect(gateway.sentTo(bob)).toEqual(told.map(({ text }) => text));
    gateway.state.answers.heard(ann.ip, 1_000, gateway.now);
    gateway.step({ kind: "session-changed", player: 1, ...sessionOf(["Ann"], "Ann") });
    expect(gateway.sentTo(ann).at(-1)).toBe("i:Ann");
  });

  test("keeps its place when its router gives it another port, once it has been silent for three pings", () => {
    const { gateway } = withSession(["Ann", "Bob"]);
    const moved = at(2, 50_001);
    gateway.wait(rabidRebindMs - 1);
    expect(gateway.ask(moved, "p:Room:Bob")).toEqual([]);
    gateway.wait(1);
    expect(gateway.ask(moved, "p:Room:Bob")).toEqual(["i:Ann:Bob"]);
    expect(gateway.ask(bob, "x:Room:Bob")).toEqual([]);
    expect(gateway.ask(moved, "p:Room:Bob")).toEqual(["i:Ann:Bob"]);
    // Once the others are told where it is, it has to stay there.
    gateway.step({ kind: "endpoint-wanted", player: 2, mediation: undefined });
    gateway.wait(rabidRebindMs);
    expect(gateway.ask(at(2, 50_002), "p:Room:Bob")).toEqual([]);
    expect(gateway.ask(moved, "x:Room:Bob")).toEqual(["error:player_exited_session"]);
  });

  test.each([1, 3])(
    "whose place was taken by %d other ports of its address takes it back with a ping",
    (ports) => {
      const { gateway } = withSession(["Ann", "Bob"]);
      const thieves = Array.from({ length: ports }, (_, i) => at(2, 50_001 + i));
      for (const thief of thieves) {
        gateway.wait(rabidRebindMs);
        expect(gateway.ask(thief, "p:Room:Bob")).toEqual(["i:Ann:Bob"]);
      }
      expect(gateway.ask(bob, "p:Room:Bob")).toEqual(["i:Ann:Bob"]);
      for (const thief of thieves) {
        expect(gateway.ask(thief, "p:Room:Bob")).toEqual([]);
        expect(gateway.ask(thief, "x:Room:Bob")).toEqual([]);
      }
      expect(gateway.ask(bob, "x:Room:Bob")).toEqual(["error:player_exited_session"]);
    },
  );

  test("whose place was taken before a start is introduced where it is, when it pings in time", () => {
    const { gateway } = withSession(["Ann", "Bob"]);
    const thief = at(2, 50_001);
    gateway.wait(rabidRebindMs);
    for (let i = 0; i < 4; i++) {
      gateway.ask(thief, "p:Room:Bob");
      gateway.wait(500);
    }
    gateway.step({ kind: "endpoint-wanted", player: 2, mediation: undefined });
    expect(gateway.asked.at(-1)).toEqual({ kind: "observe", player: 2, from: thief });
    for (let i = 0; i < 3; i++) {
      gateway.ask(bob, "p:Room:Bob");
      gateway.wait(500);
    }
    expect(gateway.asked.at(-1)).toEqual({ kind: "observe", player: 2, from: bob });
  });

  test("is heard at the port that it had, however much the program sends that took its place", () => {
    const { gateway } = withSession(["Ann", "Bob"]);
    gateway.wait(rabidRebindMs);
    gateway.ask(at(2, 50_001), "p:Room:Bob");
    for (let n = 0; n < 200; n++) gateway.hear(at(2, 1_000 + n), "p:Room:Bob");
    gateway.hear(bob, "p:Room:Bob");
    expect(gateway.player(2).at).toEqual(bob);
  });

  test("is answered and stays, however much strangers send in the name of its address", () => {
    const { gateway, players } = withSession(["Ann", "Bob"]);
    gateway.sent.length = 0;
    for (let i = 0; i < 20; i++) {
      for (let n = 0; n < 50; n++) {
        gateway.hear(at(2, 1_000 + n), "p:Room:Bob");
        gateway.hear(at(2, 1_000 + n), "x");
        gateway.wait(10);
      }
      for (const { at: from, name } of players) gateway.hear(from, `p:Room:${name}`);
    }
    expect(gateway.state.players.size).toBe(2);
    expect(gateway.sentTo(bob).length).toBeGreaterThan(15);
    expect(gateway.state.messages.shed).toBeGreaterThan(1_500);
  });

  test("cannot be pinged, removed, confirmed or thrown out by a stranger, however silent it is", () => {
    const { gateway } = withSession(["Ann", "Bob"]);
    gateway.wait(5_000);
    for (const text of ["p:Room:Bob", "x:Room:Bob", "y:Room:Bob", "k:Room:Bob"]) gateway.ask(stranger, text);
    expect(gateway.asked.filter(({ kind }) => kind !== "open")).toEqual([]);
    gateway.wait(rabidSilentMs - 5_000 + 500);
    expect(gateway.asked.at(-1)).toEqual({ kind: "leave", player: 2 });
  });

  test("that the host removes is told three times, and so are its pings", () => {
    const { gateway } = withSession(["Ann", "Bob"]);
    gateway.step({ kind: "ended", player: 2, isKicked: true });
    const kickedAt = gateway.now;
    gateway.wait(500);
    expect(gateway.sentTo(bob).slice(-3)).toEqual(Array(3).fill("error:kicked_by_host"));
    expect(gateway.sent.slice(-3).map((one) => one.at - kickedAt)).toEqual([0, 50, 100]);
    expect(gateway.ask(bob, "p:Room:Bob")).toEqual(["error:kicked_by_host"]);
    expect(gateway.asked.filter(({ kind }) => kind === "leave")).toEqual([]);
  });

  test("that removes itself, as host, is out, and told so", () => {
    const { gateway } = withSession(["Ann", "Bob"]);
    expect(gateway.ask(ann, "k:Room:Ann")).toEqual(["error:kicked_by_host"]);
    expect(gateway.asked.at(-1)).toEqual({ kind: "leave", player: 1 });
  });

  test("whose exit was lost, or the answer, gets the same answer again", () => {
    const { gateway } = withSession(["Ann", "Bob"]);
    for (let i = 0; i < 3; i++) {
      expect(gateway.ask(bob, "x:Room:Bob")).toEqual(["error:player_exited_session"]);
      gateway.wait(500);
    }
  });

  test("whose session is over for the edge is told so three times", () => {
    const { gateway } = withSession(["Ann", "Bob"]);
    gateway.step({ kind: "ended", player: 2, isKicked: false });
    gateway.wait(500);
    expect(gateway.sentTo(bob).slice(-3)).toEqual(Array(3).fill("error:session_timeout"));
  });

  test("stays for as long as it pings, be it hours", () => {
    const { gateway, players } = withSession(["Ann", "Bob"]);
    gateway.pingFor(2 * 60 * 60_000, players);
    expect(gateway.state.players.size).toBe(2);
    expect(gateway.sent.filter(({ text }) => text.startsWith("error:"))).toEqual([]);
  });

  test("hears at once that its gateway stops, and one who looks for its peers does not", () => {
    for (const isStarted of [false, true]) {
      const { gateway, players } = withSession(["Ann", "Bob"]);
      if (isStarted) gateway.start(players);
      gateway.step({ kind: "stopping" });
      expect(gateway.sentTo(bob).includes("error:session_timeout")).toBe(!isStarted);
      expect(gateway.asked.filter(({ kind }) => kind === "leave")).toHaveLength(2);
      expect(gateway.state.players.size).toBe(0);
    }
  });

  test("hears who comes, who goes, and who is host", () => {
    const { gateway } = withSession(["Ann", "Bob"]);
    gateway.state.answers.heard(bob.ip, 1_000, gateway.now);
    gateway.sent.length = 0;
    gateway.step({ kind: "session-changed", player: 2, ...sessionOf(["Ann", "Bob", "Cy"], "Bob") });
    gateway.step({ kind: "session-changed", player: 2, ...sessionOf(["Bob", "Cy"], "Bob") });
    gateway.step({ kind: "session-changed", player: 2, ...sessionOf(["Bob", "Cy"], "Bob") });
    expect(gateway.sentTo(bob)).toEqual(["i:Ann:Bob:Cy", "i:Bob:Cy"]);
    gateway.asked.length = 0;
    gateway.ask(bob, "s:Room:Bob");
    expect(gateway.asked).toEqual([{ kind: "start", player: 2 }]);
  });

  test("may have the name of a player that the edge has just lost", () => {
    const { gateway } = withSession(["Ann", "Bob"]);
    const again = at(2, 50_001);
    gateway.enter(again, "c:Room:Bob", ["Ann", "Bob"]);
    expect(gateway.asked.at(-1)).toEqual({ kind: "leave", player: 2 });
    expect(gateway.ask(again, "p:Room:Bob")).toEqual(["i:Ann:Bob"]);
    expect(gateway.state.players.size).toBe(2);
  });
});
