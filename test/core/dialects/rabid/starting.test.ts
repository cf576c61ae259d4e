/** The start of a session of Rabid: who is told it, how often, when, and with how many bytes. */
import { describe, expect, test } from "vitest";
import { rabidLimits } from "../../../../core/dialects/rabid/limits.ts";
import { type Player, playersOf, type Source } from "../../../../core/dialects/rabid/state.ts";
import { AGateway, at, sessionOf } from "./a-gateway.ts";

const { rabidStartedMs, rabidForgottenMs, rabidStartBytesFromPort } = rabidLimits;
const [ann, bob] = [at(1), at(2)];
const twelve = Array.from({ length: 12 }, (_, i) => `Playernumb${String(i).padStart(2, "0")}`);

function started(names: readonly string[] = ["Ann", "Bob", "Cy"]) {
  const gateway = new AGateway();
  const players = gateway.session(names);
  gateway.sent.length = 0;
  const startedAt = gateway.now;
  gateway.start(players);
  return { gateway, players, startedAt };
}

/** Milliseconds after the first of them at which that player was told the start. */
function timesOf(gateway: AGateway, to: Source): number[] {
  const starts = gateway.sent.filter((one) => one.to === `${to.ip}:${to.port}` && one.text.startsWith("s:"));
  return starts.map((one) => one.at - (starts[0]?.at ?? 0));
}

describe("When a session starts", () => {
  test("a player is introduced only when it shows that it knows that it is in: the plugin skips a start before the names", () => {
    const gateway = new AGateway();
    const cy = gateway.enter(at(3), "c:Room:Cy", ["Ann", "Bob", "Cy"]);
    for (let asks = 0; asks < 4; asks++) {
      gateway.wait(500);
      gateway.hear(cy.at, "c:Room:Cy");
    }
    const wanted = () => gateway.step({ kind: "endpoint-wanted", player: cy.id, mediation: "m" });
    expect(wanted()).toEqual([]);
    gateway.wait(500);
    gateway.hear(cy.at, "c:Room:Cy");
    const observed = { kind: "observe", player: cy.id, from: cy.at };
    expect(gateway.asked).not.toContainEqual(observed);
    gateway.wait(500);
    gateway.hear(cy.at, "p:Room:Cy");
    expect(gateway.asked.at(-1)).toEqual(observed);
    expect(wanted()).toEqual([observed]);
  });

  test("each player is told where all the others are, the host first, eight times within 0.7 s", () => {
    const { gateway } = started();
    gateway.wait(3_000);
    const entry = { Ann: "Ann:192.0.2.1:40000", Bob: "Bob:192.0.2.2:40000", Cy: "Cy:192.0.2.3:40000" };
    expect(gateway.sentTo(ann)).toEqual(Array(8).fill(`s:40000:${entry.Bob};${entry.Cy}`));
    expect(gateway.sentTo(bob)).toEqual(Array(8).fill(`s:40000:${entry.Ann};${entry.Cy}`));
    expect(gateway.sentTo(at(3))).toEqual(Array(8).fill(`s:40000:${entry.Ann};${entry.Bob}`));
    expect(timesOf(gateway, bob)).toEqual([0, 100, 200, 300, 400, 500, 600, 700]);
  });

  test("the host that came later is first in the list all the same", () => {
    const gateway = new AGateway();
    const players = gateway.session(["Ann", "Bob", "Cy"]);
    const [first] = players;
    gateway.tellMembers(players, ["Cy", "Ann", "Bob"]);
    for (const { id } of players) gateway.step({ kind: "endpoint-wanted", player: id, mediation: "m" });
    if (first) gateway.introduce(first, players);
    expect(gateway.sentTo(ann).at(-1)).toBe("s:40000:Cy:192.0.2.3:40000;Bob:192.0.2.2:40000");
  });

  test("a long list is told three times at once, so that one loss makes nobody late, and then in the next second", () => {
    const { gateway, players } = started(twelve);
    gateway.wait(5_000);
    for (const player of players) expect(timesOf(gateway, player.at)).toEqual([0, 100, 200, 1_000, 1_100]);
  });

  test("one who has confirmed is told no more, and the others get the full list", () => {
    const { gateway } = started();
    gateway.wait(150);
    expect(gateway.ask(at(9), "y:Room:Cy")).toEqual([]);
    expect(gateway.ask(bob, "y:Room:Bob")).toEqual([]);
    expect(gateway.ask(bob, "y:Room:Bob")).toEqual([]);
    gateway.wait(3_000);
    expect(gateway.ask(bob, "p:Room:Bob")).toEqual([]);
    // A stranger confirms for nobody.
    expect(gateway.sentTo(at(3))).toHaveLength(8);
    expect(timesOf(gateway, bob)).toEqual([0, 100]);
    expect(gateway.sentTo(ann)).toHaveLength(8);
    expect(gateway.sentTo(ann).every((text) => text.includes("Bob:"))).toBe(true);
    const reports = gateway.asked.filter(({ kind }) => kind === "report");
    expect(reports).toEqual([{ kind: "report", player: 2, mediation: "m" }]);
  });

  test("a player that missed it all, and a host, are told it for seconds more", () => {
    const { gateway } = started();
    gateway.wait(4_500);
    expect(gateway.ask(bob, "p:Room:Bob")[0]).toMatch(/^s:40000:Ann:/);
    expect(gateway.ask(ann, "s:Room:Ann")[0]).toMatch(/^s:40000:Bob:/);
    expect(gateway.ask(at(9), "h:Room:Zoe:2")).toEqual(["error:session_exists"]);
  });

  test("no start is sent later than 2 s after the player's first, unless the player asks", () => {
    for (const names of [["Ann", "Bob"], twelve]) {
      const { gateway, players } = started(names);
      gateway.wait(20_000);
      for (const player of players) expect(Math.max(...timesOf(gateway, player.at))).toBeLessThan(2_000);
    }
  });

  test("the edge is told after 5 s that all are connected, once each, and the name is free when it says that it is over", () => {
    const { gateway, players } = started();
    gateway.asked.length = 0;
    gateway.wait(rabidStartedMs - 1);
    expect(gateway.asked).toEqual([]);
    gateway.wait(1_000);
    expect(gateway.asked).toEqual(players.map(({ id }) => ({ kind: "report", player: id, mediation: "m" })));
    expect(gateway.ask(at(9), "h:Room:Zoe:2")).toEqual(["error:session_exists"]);
    for (const { id } of players) gateway.step({ kind: "ended", player: id, isKicked: false });
    expect(gateway.state.players.size + gateway.state.inside.size + gateway.state.started.size).toBe(0);
    expect(gateway.sent.filter(({ text }) => text === "error:session_timeout")).toEqual([]);
    gateway.wait(500);
    gateway.hear(at(9), "h:Room:Zoe:2");
    expect(gateway.asked.at(-1)).toMatchObject({ kind: "open", name: "Zoe" });
  });

  test("an edge that never says that it is over does not keep the name for ever", () => {
    const { gateway } = started();
    gateway.wait(rabidForgottenMs + 1_000);
    expect(gateway.state.players.size).toBe(0);
    expect(gateway.asked.filter(({ kind }) => kind === "leave")).toHaveLength(3);
  });

  test("and the edge calls it off, a player that was not told plays on in the session", () => {
    const gateway = new AGateway();
    const players = gateway.session(["Ann", "Bob"]);
    gateway.ask(ann, "s:Room:Ann");
    for (const { id } of players) {
      gateway.step({ kind: "endpoint-wanted", player: id, mediation: "m" });
      gateway.step({ kind: "aborted", player: id });
    }
    expect(gateway.ask(bob, "p:Room:Bob")).toEqual(["i:Ann:Bob"]);
    gateway.asked.length = 0;
    gateway.ask(ann, "s:Room:Ann");
    expect(gateway.asked).toEqual([{ kind: "start", player: 1 }]);
  });
});

describe("A player that looks for its peers", () => {
  test("is not asked where it is again, and leaves the session when the edge calls the start off", () => {
    const { gateway } = started();
    gateway.asked.length = 0;
    gateway.step({ kind: "endpoint-wanted", player: 2, mediation: "later" });
    expect(gateway.asked).toEqual([]);
    expect(gateway.player(2).phase.kind).toBe("started");
    gateway.step({ kind: "aborted", player: 2 });
    expect(gateway.asked).toEqual([{ kind: "leave", player: 2 }]);
  });

  test("is told none that it cannot reach by IPv4, and nothing if it has no others", () => {
    const gateway = new AGateway();
    gateway.session(["Ann", "Bob", "Cy"]);
    gateway.sent.length = 0;
    for (const player of [1, 2]) gateway.step({ kind: "endpoint-wanted", player, mediation: "m" });
    const [v6, v4] = [
      { name: "Cy", ip: "2001:db8::3", port: 3 },
      { name: "Bob", ip: "192.0.2.2", port: 2 },
    ];
    gateway.step({ kind: "introduced", player: 1, peers: [v6, v4] });
    gateway.step({ kind: "introduced", player: 2, peers: [v6] });
    gateway.wait(1);
    expect(gateway.sent.map(({ text }) => text)).toEqual(["s:40000:Bob:192.0.2.2:2"]);
    expect(gateway.player(2).phase.kind).toBe("gathering");
  });
});

describe("A player that was heard twice", () => {
  function twoNewcomers() {
    const gateway = new AGateway();
    const players = [
      gateway.enter(ann, "h:Room:Ann:2", ["Ann"]),
      gateway.enter(bob, "c:Room:Bob", ["Ann", "Bob"]),
    ];
    gateway.tellMembers(players, ["Ann", "Bob"]);
    gateway.asked.length = 0;
    return { gateway, players: players as [Player, Player] };
  }

  test("is shown to nobody, and told no start, until it has been heard three times over a second", () => {
    const { gateway, players } = twoNewcomers();
    const [host, guest] = players;
    gateway.hear(ann, "s:Room:Ann");
    for (const { id } of players) gateway.step({ kind: "endpoint-wanted", player: id, mediation: "m" });
    expect(gateway.asked).toEqual([
      { kind: "start", player: 1 },
      { kind: "observe", player: 1, from: ann },
    ]);
    gateway.introduce(guest, players);
    gateway.wait(400);
    expect(timesOf(gateway, bob)).toEqual([]);
    gateway.wait(200);
    gateway.hear(bob, "p:Room:Bob");
    gateway.wait(3_000);
    expect(timesOf(gateway, bob)).toHaveLength(8);
    expect(host.isSteady && guest.isSteady).toBe(true);
  });

  test("is shown to the others as soon as it has been heard three times over a second", () => {
    const { gateway } = twoNewcomers();
    gateway.step({ kind: "endpoint-wanted", player: 2, mediation: "m" });
    gateway.wait(400);
    gateway.hear(bob, "p:Room:Bob");
    expect(gateway.asked).toEqual([]);
    gateway.wait(100);
    gateway.hear(bob, "p:Room:Bob");
    gateway.hear(bob, "p:Room:Bob");
    expect(gateway.asked).toEqual([{ kind: "observe", player: 2, from: bob }]);
    gateway.step({ kind: "endpoint-wanted", player: 2, mediation: "m" });
    expect(gateway.asked).toHaveLength(2);
  });
});

describe("What starts send", () => {
  test("is 1 KB a second at most to each of twelve players", () => {
    const { gateway, players } = started(twelve);
    for (let i = 0; i < 60; i++) {
      for (const player of players) gateway.ask(player.at, `p:Room:${player.name}`);
      gateway.wait(50);
    }
    for (const player of players) {
      const starts = gateway.sent.filter(
        (one) => one.to.startsWith(`${player.at.ip}:`) && one.text[0] === "s",
      );
      expect(starts.length).toBeGreaterThanOrEqual(4);
      for (const first of starts) {
        const second = starts.filter((one) => one.at >= first.at && one.at < first.at + 1_000);
        expect(second.reduce((sum, { text }) => sum + text.length, 0)).toBeLessThanOrEqual(1_024);
      }
    }
  });

  test("is 100 KB a second at most from the port, and each player is told all the same", () => {
    const gateway = new AGateway();
    const rooms = Array.from({ length: 60 }, (_, room) => room);
    for (let i = 0; i < 2; i++) {
      for (const room of rooms)
        for (const [i, name] of twelve.entries()) {
          gateway.hear({ ip: `198.51.${room}.${i + 1}`, port: 40_000, via: 0 }, `c:Room${room}:${name}`);
          const last = gateway.asked.at(-1);
          if (last?.kind === "open")
            gateway.step({ kind: "opened", player: last.player, ...sessionOf(twelve, last.name) });
        }
      gateway.wait(500);
    }
    const players = rooms.map((room) => [...playersOf(gateway.state, `Room${room}`)]);
    const all = players.flat();
    for (let i = 0; i < 3; i++) {
      gateway.wait(600);
      for (const { at: from, session, name } of all) gateway.hear(from, `p:${session}:${name}`);
    }
    gateway.sent.length = 0;
    for (const group of players) gateway.start(group);
    gateway.wait(rabidStartedMs);
    const starts = gateway.sent.filter(({ text }) => text.startsWith("s:"));
    expect(new Set(starts.map(({ to }) => to)).size).toBe(all.length);
    const bytes = starts.reduce((sum, { text }) => sum + text.length, 0);
    expect(bytes).toBeLessThanOrEqual(rabidStartBytesFromPort * (1 + rabidStartedMs / 1_000));
    expect(gateway.state.drops.start_rate).toBeGreaterThan(0);
  });
});
