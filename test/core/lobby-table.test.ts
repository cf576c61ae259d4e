/** Every phase of a lobby × everything that can happen to it, the pairs that make no sense among them. */
import { describe, expect, test } from "vitest";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import {
  closing,
  connecting,
  cut,
  failed,
  gathering,
  type Happening,
  joined,
  left,
  listingFailed,
  lobbyOf,
  lost,
  member,
  noLobby,
  opened,
  phaseOf,
  reported,
  returned,
  said,
  seen,
  silent,
  started,
  steered,
  woken,
} from "./a-lobby.ts";

const members = ["Ann", "Ben", "Cid"] as const;

const lobbies = {
  none: () => noLobby(),
  waiting: () => lobbyOf(members),
  gathering: () => gathering(members),
  connecting: () => connecting(members),
  closing: () => closing(members),
};
type Start = keyof typeof lobbies;

const events = {
  "the host's request to open comes again": opened(member("Ann")),
  "somebody else opens under the same code": opened(member("Eve")),
  "a stranger joins": joined("Dan"),
  "a member's request to join comes again": joined("Ben"),
  "a member joins with a new request": joined(member("Ben", "another try")),
  "the host starts": started("Ann", { requestId: "a new start" }),
  "the host's request to start comes again": started("Ann"),
  "the host starts while no sidecar is alive": started("Ann", { requestId: "new", sidecar: undefined }),
  "a guest starts": started("Ben"),
  "the host stops": steered("stop"),
  "a guest stops": steered("stop", "Ben"),
  "the host goes on without those missing": steered("proceed"),
  "a guest goes on without those missing": steered("proceed", "Ben"),
  "a guest leaves": left("Ben"),
  "the host leaves": left("Ann"),
  "a stranger leaves": left("Dan"),
  "a guest's connection ends": cut("Ben"),
  "the host's connection ends": cut("Ann"),
  "a guest's former connection ends": cut("Ben", "l1"),
  "a member returns that was not missed": returned("Ben"),
  "a member returns at another object, and was not missed": returned("Ben", { holder: "l1" }),
  "a stranger returns": returned("Dan"),
  "two guests are lost": lost("Ben", "Cid"),
  "all members are lost": lost("Ann", "Ben", "Cid"),
  "nobody is lost": lost(),
  "a member chats": said("Ben", "hello"),
  "a stranger chats": said("Dan", "hello"),
  "a member's datagram comes": seen("Ben", 2002),
  "a stranger's datagram comes": seen("Dan", 2003),
  "a member reports its connection": reported("Ben"),
  "a stranger reports a connection": reported("Dan"),
  "a member reports that it is not connected": failed("Ben"),
  "a stranger reports that it is not connected": failed("Dan"),
  "a member hears nothing of its sidecar, right after the start": silent("Ben"),
  "the alarm comes early": woken(),
  "the listing failed": listingFailed,
} satisfies Record<string, Happening>;
type What = keyof typeof events;

/** The phase afterwards, then the effects in their order. */
type Row = readonly [then: Start, ...effects: string[]];

const table: Record<What, Record<Start, Row>> = {
  "the host's request to open comes again": {
    none: ["waiting", "save", "list 1/4", "answer yes"],
    waiting: ["waiting", "answer yes"],
    gathering: ["gathering", "answer yes"],
    connecting: ["connecting", "answer yes"],
    closing: ["closing", "answer code_taken"],
  },
  "somebody else opens under the same code": {
    none: ["waiting", "save", "list 1/4", "answer yes"],
    waiting: ["waiting", "answer code_taken"],
    gathering: ["gathering", "answer code_taken"],
    connecting: ["connecting", "answer code_taken"],
    closing: ["closing", "answer code_taken"],
  },
  "a stranger joins": {
    none: ["none", "answer no_such_lobby"],
    waiting: ["waiting", "save", "list 4/4", "lobby_peerConnect to Ann, Ben, Cid", "answer yes"],
    gathering: ["gathering", "answer lobby_locked"],
    connecting: ["connecting", "answer lobby_locked"],
    closing: ["closing", "answer no_such_lobby"],
  },
  "a member's request to join comes again": {
    none: ["none", "answer no_such_lobby"],
    waiting: ["waiting", "answer yes"],
    gathering: ["gathering", "answer yes"],
    connecting: ["connecting", "answer yes"],
    closing: ["closing", "answer no_such_lobby"],
  },
  "a member joins with a new request": {
    none: ["none", "answer no_such_lobby"],
    waiting: ["waiting", "answer already_in_lobby"],
    gathering: ["gathering", "answer already_in_lobby"],
    connecting: ["connecting", "answer already_in_lobby"],
    closing: ["closing", "answer no_such_lobby"],
  },
  "the host starts": {
    none: ["none", "answer no_such_lobby"],
    waiting: ["gathering", "save", "ptpMediation_send to Ann, Ben, Cid", "answer yes"],
    gathering: ["gathering", "answer lobby_locked"],
    connecting: ["connecting", "answer lobby_locked"],
    closing: ["closing", "answer no_such_lobby"],
  },
  "the host's request to start comes again": {
    none: ["none", "answer no_such_lobby"],
    waiting: ["gathering", "save", "ptpMediation_send to Ann, Ben, Cid", "answer yes"],
    gathering: ["gathering", "answer yes"],
    connecting: ["connecting", "answer yes"],
    closing: ["closing", "answer no_such_lobby"],
  },
  "the host starts while no sidecar is alive": {
    none: ["none", "answer no_such_lobby"],
    waiting: ["waiting", "answer no_sidecar"],
    gathering: ["gathering", "answer lobby_locked"],
    connecting: ["connecting", "answer lobby_locked"],
    closing: ["closing", "answer no_such_lobby"],
  },
  "a guest starts": {
    none: ["none", "answer no_such_lobby"],
    waiting: ["waiting", "answer not_the_host"],
    gathering: ["gathering", "answer lobby_locked"],
    connecting: ["connecting", "answer lobby_locked"],
    closing: ["closing", "answer no_such_lobby"],
  },
  "the host stops": {
    none: ["none", "answer no_such_lobby"],
    waiting: ["waiting", "answer not_mediating"],
    gathering: ["waiting", "save", "ptpMediation_aborted to Ann, Ben, Cid", "answer yes"],
    connecting: ["waiting", "save", "ptpMediation_aborted to Ann, Ben, Cid", "answer yes"],
    closing: ["closing", "answer no_such_lobby"],
  },
  "a guest stops": {
    none: ["none", "answer no_such_lobby"],
    waiting: ["waiting", "answer not_the_host"],
    gathering: ["gathering", "answer not_the_host"],
    connecting: ["connecting", "answer not_the_host"],
    closing: ["closing", "answer no_such_lobby"],
  },
  "the host goes on without those missing": {
    none: ["none", "answer no_such_lobby"],
    waiting: ["waiting", "answer not_mediating"],
    gathering: ["gathering", "save", "answer yes"],
    connecting: ["connecting", "save", "answer yes"],
    closing: ["closing", "answer no_such_lobby"],
  },
  "a guest goes on without those missing": {
    none: ["none", "answer no_such_lobby"],
    waiting: ["waiting", "answer not_the_host"],
    gathering: ["gathering", "answer not_the_host"],
    connecting: ["connecting", "answer not_the_host"],
    closing: ["closing", "answer no_such_lobby"],
  },
  "a guest leaves": {
    none: ["none"],
    waiting: ["waiting", "save", "list 2/4", "lobby_peerDisconnect to Ann, Cid"],
    gathering: [
      "waiting",
      "save",
      "list 2/4",
      "lobby_peerDisconnect to Ann, Cid",
      "ptpMediation_aborted to Ann, Cid",
    ],
    connecting: [
      "waiting",
      "save",
      "list 2/4",
      "lobby_peerDisconnect to Ann, Cid",
      "ptpMediation_aborted to Ann, Cid",
    ],
    closing: ["closing"],
  },
  "the host leaves": {
    none: ["none"],
    waiting: ["closing", "save", "unlist", "lobby_closed to Ben, Cid, released", "forget"],
    gathering: ["closing", "save", "unlist", "lobby_closed to Ben, Cid, released", "forget"],
    connecting: ["closing", "save", "unlist", "lobby_closed to Ben, Cid, released", "forget"],
    closing: ["closing"],
  },
  "a stranger leaves": {
    none: ["none"],
    waiting: ["waiting"],
    gathering: ["gathering"],
    connecting: ["connecting"],
    closing: ["closing"],
  },
  "a guest's connection ends": {
    none: ["none"],
    waiting: ["waiting", "save", "list 2/4", "lobby_peerDisconnect to Ann, Cid"],
    gathering: [
      "waiting",
      "save",
      "list 2/4",
      "lobby_peerDisconnect to Ann, Cid",
      "ptpMediation_aborted to Ann, Cid",
    ],
    connecting: [
      "waiting",
      "save",
      "list 2/4",
      "lobby_peerDisconnect to Ann, Cid",
      "ptpMediation_aborted to Ann, Cid",
    ],
    closing: ["closing"],
  },
  "the host's connection ends": {
    none: ["none"],
    waiting: ["closing", "save", "unlist", "lobby_closed to Ben, Cid, released", "forget"],
    gathering: ["closing", "save", "unlist", "lobby_closed to Ben, Cid, released", "forget"],
    connecting: ["closing", "save", "unlist", "lobby_closed to Ben, Cid, released", "forget"],
    closing: ["closing"],
  },
  "a guest's former connection ends": {
    none: ["none"],
    waiting: ["waiting"],
    gathering: ["gathering"],
    connecting: ["connecting"],
    closing: ["closing"],
  },
  "a member returns that was not missed": {
    none: ["none", "answer no_such_lobby"],
    waiting: ["waiting", "save", "answer yes"],
    gathering: ["gathering", "save", "answer yes"],
    connecting: ["connecting", "save", "answer yes"],
    closing: ["closing", "answer no_such_lobby"],
  },
  "a member returns at another object, and was not missed": {
    none: ["none", "answer no_such_lobby"],
    waiting: ["waiting", "save", "lobby_closed to Ben, released", "answer yes"],
    gathering: ["gathering", "save", "lobby_closed to Ben, released", "answer yes"],
    connecting: ["connecting", "save", "lobby_closed to Ben, released", "answer yes"],
    closing: ["closing", "answer no_such_lobby"],
  },
  "a stranger returns": {
    none: ["none", "answer no_such_lobby"],
    waiting: ["waiting", "answer no_such_member"],
    gathering: ["gathering", "answer no_such_member"],
    connecting: ["connecting", "answer no_such_member"],
    closing: ["closing", "answer no_such_lobby"],
  },
  "two guests are lost": {
    none: ["none"],
    waiting: [
      "waiting",
      "save",
      "list 1/4",
      "lobby_peerDisconnect to Ann",
      "lobby_peerDisconnect to Ann",
      "lobby_closed to Ben, Cid, released",
    ],
    gathering: [
      "waiting",
      "save",
      "list 1/4",
      "lobby_peerDisconnect to Ann",
      "lobby_peerDisconnect to Ann",
      "ptpMediation_aborted to Ann",
      "lobby_closed to Ben, Cid, released",
    ],
    connecting: [
      "waiting",
      "save",
      "list 1/4",
      "lobby_peerDisconnect to Ann",
      "lobby_peerDisconnect to Ann",
      "ptpMediation_aborted to Ann",
      "lobby_closed to Ben, Cid, released",
    ],
    closing: ["closing"],
  },
  "all members are lost": {
    none: ["none"],
    waiting: [
      "closing",
      "save",
      "unlist",
      "lobby_closed to , released",
      "lobby_closed to Ann, Ben, Cid, released",
      "forget",
    ],
    gathering: [
      "closing",
      "save",
      "unlist",
      "lobby_closed to , released",
      "lobby_closed to Ann, Ben, Cid, released",
      "forget",
    ],
    connecting: [
      "closing",
      "save",
      "unlist",
      "lobby_closed to , released",
      "lobby_closed to Ann, Ben, Cid, released",
      "forget",
    ],
    closing: ["closing"],
  },
  "nobody is lost": {
    none: ["none"],
    waiting: ["waiting"],
    gathering: ["gathering"],
    connecting: ["connecting"],
    closing: ["closing"],
  },
  "a member chats": {
    none: ["none"],
    waiting: ["waiting", "lobby_messaging_received to Ann, Ben, Cid"],
    gathering: ["gathering", "lobby_messaging_received to Ann, Ben, Cid"],
    connecting: ["connecting", "lobby_messaging_received to Ann, Ben, Cid"],
    closing: ["closing"],
  },
  "a stranger chats": {
    none: ["none"],
    waiting: ["waiting"],
    gathering: ["gathering"],
    connecting: ["connecting"],
    closing: ["closing"],
  },
  "a member's datagram comes": {
    none: ["none"],
    waiting: ["waiting"],
    // The next reminder saves it.
    gathering: ["gathering"],
    connecting: ["connecting"],
    closing: ["closing"],
  },
  "a stranger's datagram comes": {
    none: ["none"],
    waiting: ["waiting"],
    gathering: ["gathering"],
    connecting: ["connecting"],
    closing: ["closing"],
  },
  "a member reports its connection": {
    none: ["none"],
    waiting: ["waiting"],
    gathering: ["gathering"],
    connecting: ["connecting", "save"],
    closing: ["closing"],
  },
  "a stranger reports a connection": {
    none: ["none"],
    waiting: ["waiting"],
    gathering: ["gathering"],
    connecting: ["connecting"],
    closing: ["closing"],
  },
  "a member reports that it is not connected": {
    none: ["none"],
    waiting: ["waiting"],
    gathering: ["waiting", "save", "ptpMediation_report to Ann", "ptpMediation_aborted to Ann, Ben, Cid"],
    connecting: ["waiting", "save", "ptpMediation_report to Ann", "ptpMediation_aborted to Ann, Ben, Cid"],
    closing: ["closing"],
  },
  "a stranger reports that it is not connected": {
    none: ["none"],
    waiting: ["waiting"],
    gathering: ["gathering"],
    connecting: ["connecting"],
    closing: ["closing"],
  },
  "a member hears nothing of its sidecar, right after the start": {
    none: ["none"],
    waiting: ["waiting"],
    gathering: ["gathering"],
    connecting: ["connecting"],
    closing: ["closing"],
  },
  "the alarm comes early": {
    none: ["none"],
    waiting: ["waiting"],
    gathering: ["gathering"],
    connecting: ["connecting"],
    closing: ["closing"],
  },
  "the listing failed": {
    none: ["none"],
    waiting: ["waiting", "save"],
    gathering: ["gathering", "save"],
    connecting: ["connecting", "save"],
    closing: ["closing", "save"],
  },
};

const happenings = Object.keys(events) as What[];
const starts = Object.keys(lobbies) as Start[];

for (const start of starts) {
  describe(start === "none" ? "no lobby" : `a ${start} lobby`, () => {
    for (const happening of happenings) {
      const [then, ...lines] = table[happening][start];
      const what = [...lines, then === start ? [] : `now ${then}`].flat();
      test(`${happening}: ${what.join("; ") || "nothing comes of it"}`, () => {
        const lobby = lobbies[start]();
        const before = lobby.state;
        expect(lobby.happens(events[happening])).toEqual(lines);
        expect(phaseOf(lobby)).toBe(then);
        const isSeen = start === "gathering" && happening === "a member's datagram comes";
        if (isSeen || lines.includes("save")) expect(lobby.state).not.toEqual(before);
        else expect(lobby.state).toBe(before);
      });
    }
  });
}

test("everything that can happen to a lobby is in the table", () => {
  const kinds: Record<Happening["kind"], true> = {
    open: true,
    join: true,
    start: true,
    stop: true,
    proceed: true,
    return: true,
    "connection-lost": true,
    "member-left": true,
    "members-lost": true,
    "message-sent": true,
    "endpoint-seen": true,
    "connection-reported": true,
    "silence-reported": true,
    "deadline-passed": true,
    "listing-failed": true,
  };
  expect(new Set(happenings.map((happening) => events[happening].kind))).toEqual(new Set(Object.keys(kinds)));
});

describe("when the alarm comes so late that the clock must have jumped, a mediation goes on", () => {
  const members = "Ann, Ben, Cid";
  // The lobby itself holds Ann's socket: whether she is there needs no asking.
  const audited = "Ben, Cid";
  const rows: Record<Start, Row> = {
    none: ["none"],
    waiting: ["waiting", "save", "list 3/4", `audit ${audited}`],
    gathering: [
      "gathering",
      "save",
      `ptpMediation_send to ${members}`,
      "save",
      "list 3/4",
      `audit ${audited}`,
    ],
    connecting: ["connecting", "save", "save", "list 3/4", `audit ${audited}`],
    closing: [
      "closing",
      "save",
      "unlist",
      `ptpMediation_success to ${members}`,
      `lobby_closed to ${members}, released`,
      "forget",
    ],
  };
  for (const start of starts) {
    const [then, ...lines] = rows[start];
    test(`${start === "none" ? "no" : `a ${start}`} lobby: ${lines.join("; ") || "nothing comes of it"}`, () => {
      const lobby = lobbies[start]().waits(lobbyLimits.auditIntervalMs);
      expect(lobby.happens(woken())).toEqual(lines);
      expect(phaseOf(lobby)).toBe(then);
    });
  }
});
