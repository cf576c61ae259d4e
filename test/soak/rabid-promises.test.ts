/** That each check of the players of Rabid Hole Punch fires, and fires alone. */
import { expect, test } from "vitest";
import { RabidPlugin } from "../../measure/kit/rabid-plugin.ts";
import { brokenOfRabid, owedOfRabid } from "../../measure/kit/rabid-promises.ts";
import { expectToFire, type Fault } from "./fires-alone.ts";

const session = "Tea";
let at = 0;

/** A plugin in the session, by itself alone as far as it was told. */
function plugin(name: string, port: number, wish: Partial<RabidPlugin> = {}): RabidPlugin {
  const own = { name, session, from: "127.1.0.1", port, state: "in-session", names: [name], isHost: false };
  return Object.assign(Object.create(RabidPlugin.prototype), { ...own, heard: [], said: [], ...wish });
}

function hears({ heard }: RabidPlugin, text: string): void {
  at += 100;
  heard.push({ at, text });
}

function says({ said }: RabidPlugin, text: string): void {
  at += 100;
  said.push({ at, text });
}

/** All are told that these are in. */
function told(to: RabidPlugin[], names: string[]): void {
  for (const each of to) {
    hears(each, `i:${names.join(":")}`);
    each.names = names;
  }
}

const addressOf = ({ name, from, port }: RabidPlugin) => `${name}:${from}:${port}`;

/** This one is told to meet those. */
function starts(one: RabidPlugin, others: RabidPlugin[]): void {
  hears(one, `s:${one.port}:${others.map(addressOf).join(";")}`);
}

/** The host, and a guest. Both were told so. */
function two(): [RabidPlugin, RabidPlugin] {
  const both: [RabidPlugin, RabidPlugin] = [plugin("Ada", 1_001, { isHost: true }), plugin("Bo", 1_002)];
  told(both, ["Ada", "Bo"]);
  return both;
}

const broken: [promise: string, ...Fault<RabidPlugin[]>][] = [
  [
    "a plugin is sent no error that its protocol does not have",
    /heard error:too_many_requests/,
    (isFaulty) => {
      const [ada, bo] = two();
      hears(bo, isFaulty ? "error:too_many_requests" : "error:player_timeout");
      return [ada, bo];
    },
  ],
  [
    "a plugin is sent nothing that its protocol does not have",
    /heard \{"hello":1\}/,
    (isFaulty) => {
      const [ada, bo] = two();
      if (isFaulty) hears(bo, '{"hello":1}');
      return [ada, bo];
    },
  ],
  [
    "no name is told twice",
    /is told of two players of one name: i:Ada:Bo:Bo/,
    (isFaulty) => {
      const [ada, bo] = two();
      hears(bo, isFaulty ? "i:Ada:Bo:Bo" : "i:Ada:Bo:Cy");
      return [ada, bo];
    },
  ],
  [
    "a player is told of its own session",
    /is told of a session that it is not in: i:Ada:Cy/,
    (isFaulty) => {
      const [ada, bo] = two();
      hears(bo, isFaulty ? "i:Ada:Cy" : "i:Ada:Bo");
      return [ada, bo];
    },
  ],
  [
    "a player is told one start",
    /was told two starts/,
    (isFaulty) => {
      const [ada, bo] = two();
      const cy = plugin("Cy", 1_003);
      starts(ada, [bo]);
      starts(ada, isFaulty ? [bo, cy] : [bo]);
      return [ada, bo, cy];
    },
  ],
  [
    "all are started with the same players",
    /is started with .*, and (Ada|Bo) with /,
    (isFaulty) => {
      const [ada, bo] = two();
      const cy = plugin("Cy", 1_003);
      starts(ada, [bo, cy]);
      starts(bo, isFaulty ? [ada] : [ada, cy]);
      return [ada, bo, cy];
    },
  ],
  [
    "a player is to meet players",
    /is to meet Bo:127\.1\.0\.1:9, who is nobody/,
    (isFaulty) => {
      const [ada, bo] = two();
      if (isFaulty) hears(ada, `s:${ada.port}:Bo:127.1.0.1:9`);
      else starts(ada, [bo]);
      return [ada, bo];
    },
  ],
  [
    "a start can be read",
    /is to meet unreadable:Bo, who is nobody/,
    (isFaulty) => {
      const [ada, bo] = two();
      if (isFaulty) hears(ada, `s:${ada.port}:Bo`);
      else starts(ada, [bo]);
      return [ada, bo];
    },
  ],
  [
    "a player of another session is nobody",
    /is to meet Bo:127\.1\.0\.1:1002, who is nobody/,
    (isFaulty) => {
      const [ada, bo] = two();
      starts(ada, [bo]);
      return isFaulty ? [ada, plugin("Bo", 1_002, { session: "Coffee" })] : [ada, bo];
    },
  ],
  [
    "a player whom the host has removed stays out",
    /has removed Bo, and is told i:Ada:Bo/,
    (isFaulty) => {
      const [ada, bo] = two();
      says(ada, "k:Tea:Bo");
      hears(bo, "error:kicked_by_host");
      hears(ada, "i:Ada");
      hears(ada, isFaulty ? "i:Ada:Bo" : "i:Ada");
      return [ada, bo];
    },
  ],
];

test.each(broken)("it is promised of Rabid Hole Punch that %s", (_, ...fault) => {
  expectToFire(brokenOfRabid, fault);
});

const owed: [promise: string, ...Fault<RabidPlugin[]>][] = [
  [
    "a player is told who is there",
    /is told of Ada,Bo,Cy, and there are Ada,Bo/,
    (isFaulty) => {
      const [ada, bo] = two();
      if (isFaulty) told([ada, bo], ["Ada", "Bo", "Cy"]);
      return [ada, bo];
    },
  ],
  [
    "all are told the same names in the same order",
    /is told of (Ada,Bo|Bo,Ada), and (Ada|Bo) of (Ada,Bo|Bo,Ada)/,
    (isFaulty) => {
      const [ada, bo] = two();
      if (isFaulty) told([bo], ["Bo", "Ada"]);
      return [ada, bo];
    },
  ],
];

test.each(owed)("it must become right that %s", (_, ...fault) => {
  expectToFire(owedOfRabid, fault);
});

test("a player who has gone, or is in another session, need not be told of", () => {
  const [ada] = two();
  told([ada], ["Ada"]);
  const others = [plugin("Bo", 1_002, { state: "none" }), plugin("Bo", 1_002, { session: "Coffee" })];
  expect(owedOfRabid([ada, ...others])).toEqual([]);
});
