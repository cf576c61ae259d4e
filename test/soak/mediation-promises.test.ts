/** What the checker of promises makes of a start that leaves a guest out, when the guest hears late. */
import { expect, test } from "vitest";
import { checkMediation } from "../../measure/kit/mediation-promises.ts";
import type { Membership, Violation } from "../../measure/kit/memberships.ts";
import { Player } from "../../measure/kit/player.ts";

const opening = {
  lobbyName: "Tea",
  isPublic: false,
  maxMembers: 8,
  goesOn: false,
  relayOnly: false,
  isInformed: false,
};

type Told = [at: number, method: string, payload?: Record<string, unknown>];

function member(name: string, told: Told[]): Membership {
  return {
    player: Object.assign(Object.create(Player.prototype), { story: [], ports: new Set() }),
    lobbyId: "K7Q2M",
    answer: {
      name,
      members: [],
      opening: null,
      memberId: name,
      picture: null,
      hasResumed: false,
      askedAt: 0,
      at: 0,
    },
    heard: told.map(([at, method, payload = {}]) => ({ at, message: { method, payload } })),
    said: [],
    end: null,
  };
}

/** A host that is introduced to so many peers at 10 000, with Bo, and with Cy who was told this. */
function violationsWith(peers: number, cy: Told[]): string[] {
  const host = member("Ada", [
    [0, "lobby_peerConnect", { peerName: "Bo" }],
    [0, "lobby_peerConnect", { peerName: "Cy" }],
    [5_000, "ptpMediation_send"],
    [10_000, "ptpMediation_peersConnection_start", { peers: Array.from({ length: peers }, () => ({})) }],
  ]);
  const bo = member("Bo", [
    [5_000, "ptpMediation_send"],
    [10_010, "ptpMediation_peersConnection_start", { peers: [{}] }],
  ]);
  const broken: Violation[] = [];
  checkMediation({ lobbyId: "K7Q2M", host, members: [host, bo, member("Cy", cy)], opening }, broken);
  return broken.map(({ sentence }) => sentence);
}

const ofBefore: Told[] = [
  [1_000, "ptpMediation_send"],
  [2_000, "ptpMediation_aborted", { code: "endpoints_timeout" }],
];
const leftOut: Told = [5_000, "ptpMediation_aborted", { code: "left_out" }];
const late = ([at, ...rest]: Told): Told => [at + 15_000, ...rest];

test.each<[string, Told[]]>([
  ["at once", [...ofBefore, leftOut]],
  ["seconds after the host was introduced", [...ofBefore, late(leftOut)]],
  ["with all of the mediation before", [...ofBefore, leftOut].map(late)],
])(
  "a guest that is left out from the beginning is none of the host's peers, though it hears so %s",
  (_, cy) => {
    expect(violationsWith(1, cy)).toEqual([]);
    expect(violationsWith(2, cy)).toEqual([expect.stringContaining("introduced to 2 peers and not to 1")]);
  },
);

test("a guest that takes part is one of the host's peers", () => {
  const cy: Told[] = [
    [5_000, "ptpMediation_send"],
    [10_020, "ptpMediation_peersConnection_start", { peers: [{}] }],
  ];
  expect(violationsWith(2, cy)).toEqual([]);
  expect(violationsWith(1, cy)).toEqual([expect.stringContaining("introduced to 1 peers and not to 2")]);
});

test("of a guest that has not heard yet, nothing is said either way", () => {
  expect(violationsWith(1, ofBefore)).toEqual([]);
  expect(violationsWith(2, ofBefore)).toEqual([]);
  expect(violationsWith(0, ofBefore)).toEqual([
    expect.stringContaining("introduced to 0 peers and not to 2"),
  ]);
});
