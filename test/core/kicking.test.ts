/** The host removes a member, and may keep it out. */
import { describe, expect, test } from "vitest";
import { lasting, restored } from "../../core/lobby/lasting.ts";
import { lifeLines } from "../../core/lobby/life.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import type { Member } from "../../core/lobby/state.ts";
import {
  answerOf,
  connecting,
  cut,
  gathering,
  heard,
  joined,
  kicked,
  knower,
  left,
  lobbyOf,
  looked,
  member,
  phaseOf,
  playing,
  reported,
  returned,
  unbanned,
  whoPlays,
} from "./a-lobby.ts";

const friends = ["Ann", "Ben", "Cid"] as const;
const rules = { isPublic: false, knows: true };
/** Comes from this network. */
const from = (name: string, network: string, more: Partial<Member> = {}) =>
  joined(knower(name, { network, ...more }));

describe("a member that is kicked", () => {
  test("hears why, and the rest hear that it is gone and how", () => {
    const lobby = lobbyOf(friends, rules);
    expect(lobby.happens(kicked("Ben", { reason: "asleep" }))).toEqual([
      "save",
      "lobby_kicked to Ben, released",
      "lobby_peerDisconnect to Ann, Cid",
      "answer yes",
    ]);
    expect(heard(lobby, "Ben", "lobby_kicked")).toMatchObject([{ reason: "asleep", banned: false }]);
    expect(heard(lobby, "Cid", "lobby_peerDisconnect")).toMatchObject([{ clientId: "Ben", kicked: true }]);
  });

  test("may join again, if it was not banned", () => {
    const lobby = lobbyOf(friends, rules);
    expect(lobby.happens(kicked("Ben"), joined(knower("Ben", { requestId: "again" }))).at(-1)).toBe(
      "answer yes",
    );
  });

  test("hears in Orion's words that the lobby is over, if its client knows no others", () => {
    const lobby = lobbyOf(["Ann", "Ben"], { isPublic: false });
    expect(lobby.happens(kicked("Ben"))).toContain("lobby_closed to Ben, released");
  });

  test("is off the list before anybody hears of it", () => {
    expect(lobbyOf(friends, { knows: true }).happens(kicked("Ben")).slice(0, 3)).toEqual([
      "save",
      "list 2/4",
      "lobby_kicked to Ben, released",
    ]);
  });

  test("is kicked once, however often the request comes", () => {
    const lobby = lobbyOf(friends, rules);
    lobby.happens(kicked("Ben"), joined(knower("Ben", { requestId: "again" })));
    expect(lobby.happens(kicked("Ben"))).toEqual(["answer yes"]);
    expect(lobby.state?.members).toHaveLength(3);
  });

  test.each([gathering, connecting])("in the middle of a mediation, ends it for all", (lobbyIn) => {
    const lobby = lobbyIn(friends, rules);
    expect(lobby.happens(kicked("Ben"))).toContain("ptpMediation_aborted to Ann, Cid");
    expect(phaseOf(lobby)).toBe("waiting");
  });

  test("in the middle of a mediation that goes on, is missed by nobody", () => {
    const lobby = connecting(friends, { ...rules, goesOn: true });
    lobby.happens(reported("Ann"), reported("Cid"));
    expect(lobby.happens(kicked("Ben"))).toContain("ptpMediation_success to Ann, Cid");
  });

  test("plays no more", () => {
    const lobby = playing(friends);
    lobby.happens(kicked("Ben"));
    expect(whoPlays(lobby).playing).toEqual(["Ann", "Cid"]);
  });

  test("is told in the log", () => {
    for (const ban of [false, true]) {
      const lobby = lobbyOf(friends, rules);
      const before = lobby.state;
      const wish = kicked("Ben", { ban });
      lobby.happens(wish);
      expect(lifeLines(before, wish, lobby.state, lobby.now)).toMatchObject([
        { event: "member_left", name: "Ben", why: ban ? "banned" : "kicked", members: 2 },
      ]);
    }
  });
});

describe("a member that is banned", () => {
  test("does not come back under another name, nor from elsewhere, nor by its old key", () => {
    const lobby = lobbyOf(friends, { ...rules, graceMs: 30_000 });
    lobby.happens(cut("Ben"), kicked("Ben", { ban: true }));
    const again = { requestId: "again", name: "Eve", network: "els" };
    expect(lobby.happens(joined(knower("Ben", again)))).toEqual(["answer banned"]);
    expect(lobby.happens(returned("Ben"))).toEqual(["answer banned"]);
    lobby.happens(unbanned("Ben"));
    expect(lobby.happens(returned("Ben"))).toEqual(["answer no_such_member"]);
  });

  test("nor by the session that spoke for it last", () => {
    const lobby = lobbyOf(friends, { ...rules, graceMs: 30_000 });
    lobby.happens(returned("Ben", { session: "B2" }), kicked("Ben", { ban: true }));
    expect(lobby.happens(joined(knower("B2")))).toEqual(["answer banned"]);
  });

  test("may join when the host lets it in again, and only the host sees whom it has banned", () => {
    const lobby = lobbyOf(friends, rules);
    lobby.happens(kicked("Ben", { ban: true }), looked("Ann"));
    expect(answerOf(lobby)).toMatchObject({ value: { bans: [{ clientId: "Ben", name: "Ben" }] } });
    lobby.happens(looked("Cid"));
    expect(answerOf(lobby)).not.toMatchObject({ value: { bans: expect.anything() } });
    expect(lobby.happens(unbanned("Ben"))).toEqual(["save", "answer yes"]);
    expect(lobby.happens(joined(knower("Ben", { requestId: "again" }))).at(-1)).toBe("answer yes");
  });

  test("is banned from a lobby that slept, too", () => {
    const lobby = lobbyOf(["Ann", "Dan"], rules);
    lobby.happens(kicked("Dan", { ban: true }));
    expect(lobby.state?.isLasting).toBe(true);
    lobby.state = lobby.state && restored(structuredClone(lasting(lobby.state)));
    expect(lobby.happens(joined(knower("Dan", { requestId: "again" })))).toEqual(["answer banned"]);
  });
});

describe("its network", () => {
  const lobbyWithEve = (...others: ReturnType<typeof from>[]) => {
    const lobby = lobbyOf(["Ann"], { ...rules, maxMembers: 8 });
    lobby.happens(from("Eve", "net"), ...others, kicked("Eve", { ban: true }));
    return lobby;
  };

  test("is banned for an hour, and then others may have its address", () => {
    const lobby = lobbyWithEve();
    expect(lobby.happens(from("Mallory", "net"))).toEqual(["answer banned"]);
    expect(lobby.happens(from("Dan", "els")).at(-1)).toBe("answer yes");
    lobby.waits(lobbyLimits.networkBanMs - 1);
    expect(lobby.happens(from("Mallory", "net"))).toEqual(["answer banned"]);
    expect(lobby.waits(1).happens(from("Mallory", "net")).at(-1)).toBe("answer yes");
    expect(lobby.happens(from("Eve", "els", { requestId: "again" }))).toEqual(["answer banned"]);
  });

  test("is not banned if another member shares it: a carrier has thousands behind one address", () => {
    const lobby = lobbyWithEve(from("Dan", "net"));
    expect(lobby.happens(from("Gil", "net")).at(-1)).toBe("answer yes");
  });

  test("is not banned where it is not known", () => {
    const lobby = lobbyOf(["Ann", "Eve"], rules);
    lobby.happens(kicked("Eve", { ban: true }));
    expect(lobby.happens(joined(member("Gil"))).at(-1)).toBe("answer yes");
  });

  test("is not banned for longer by a clock that was set back", () => {
    const lobby = lobbyWithEve().waits(-24 * 3_600_000);
    expect(lobby.happens(from("Gil", "net")).at(-1)).toBe("answer yes");
  });
});

test("a lobby remembers so many bans, the oldest are forgotten", () => {
  const lobby = lobbyOf(["Ann"], { ...rules, maxMembers: 64 });
  for (let i = 0; i <= lobbyLimits.bans; i++) {
    lobby.happens(joined(knower(`P${i}`)), kicked(`P${i}`, { ban: true }));
  }
  expect(lobby.state?.bans).toHaveLength(lobbyLimits.bans);
  expect(lobby.happens(joined(knower("P1", { requestId: "again" })))).toEqual(["answer banned"]);
  expect(lobby.happens(joined(knower("P0", { requestId: "again" }))).at(-1)).toBe("answer yes");
});

test("a host that was kicked from nothing leaves as ever", () => {
  const lobby = lobbyOf(friends, rules);
  expect(lobby.happens(kicked("Ann"))).toEqual(["answer no_such_member"]);
  expect(lobby.happens(left("Ann")).at(-1)).toBe("forget");
});

test("in a dialect's lobby a ban is of the name as well, whoever comes by it, and of no other name", () => {
  const comes = (lobbyId: string, name: string) => {
    const lobby = lobbyOf(friends, rules);
    if (lobby.state) lobby.state = { ...lobby.state, lobbyId };
    lobby.happens(kicked("Ben", { ban: true }), joined(knower(name, { clientId: "another client" })));
    return lobby.state?.members.map((one) => one.name);
  };
  expect(comes("rabid:NiceRoom", "Ben")).toEqual(["Ann", "Cid"]);
  expect(comes("rabid:NiceRoom", "Dan")).toEqual(["Ann", "Cid", "Dan"]);
  expect(comes("K3Y7Z", "Ben")).toEqual(["Ann", "Cid", "Ben"]);
});
