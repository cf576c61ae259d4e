/** The host changes its lobby, and members change themselves. Everyone hears of each change once, by its version. */
import { describe, expect, test } from "vitest";
import { wakeAt } from "../../core/lobby/deadlines.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import { listedAs } from "../../core/lobby/state.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import {
  answerOf,
  changed,
  changedSelf,
  closing,
  cut,
  handedOver,
  heard,
  hidden,
  joined,
  kicked,
  knower,
  type Lobby,
  listingFailed,
  lobbyOf,
  looked,
  member,
  returned,
  woken,
} from "./a-lobby.ts";

const friends = ["Ann", "Ben", "Cid"] as const;
/** Their lobby's version: it counts those who came after its host. */
const met = friends.length - 1;
const rules = { isPublic: false, knows: true };
const entry = ({ state }: Lobby) => state && listedAs(state);
const at = (version: number) => ({ ok: true, value: { version } });

describe("a change of the lobby", () => {
  test("is told to all, with the next version, which is the answer too", () => {
    const lobby = lobbyOf(friends, rules);
    const change = { lobbyName: "Saturday", title: "Sábado", maxMembers: 8, data: { map: "dust" } };
    expect(lobby.happens(changed(change))).toEqual(["save", "lobby_changed to Ann, Ben, Cid", "answer yes"]);
    expect(heard(lobby, "Ben", "lobby_changed")).toMatchObject([{ version: met + 1, ...change }]);
    expect(answerOf(lobby)).toEqual(at(met + 1));
    lobby.happens(looked("Ben"));
    expect(answerOf(lobby)).toMatchObject({ value: { version: met + 1, ...change } });
  });

  test("that changes nothing is told to nobody, and has no version", () => {
    const lobby = lobbyOf(friends, rules);
    lobby.happens(changed({ data: { map: "dust" } }));
    const before = lobby.state;
    const same = { lobbyName: "Friday", title: null, isPublic: false, maxMembers: 4, locked: false };
    expect(lobby.happens(changed({ ...same, password: null, data: { map: "dust", mode: null } }))).toEqual([
      "answer yes",
    ]);
    expect(answerOf(lobby)).toEqual(at(met + 1));
    expect(lobby.state).toBe(before);
  });

  test("says only what has changed", () => {
    const lobby = lobbyOf(friends, rules);
    lobby.happens(changed({ data: { map: "dust", round: 1 } }));
    lobby.happens(changed({ maxMembers: 4, data: { map: "dust", round: 2, mode: null } }));
    const [told] = heard(lobby, "Ben", "lobby_changed");
    expect(told).toEqual({ lobbyId: lobby.state?.lobbyId, version: met + 2, data: { round: 2 } });
  });

  test("made twice because its answer was lost is made once", () => {
    const lobby = lobbyOf(friends, rules);
    const once = changed({ data: { round: 1 } }, { ifVersion: met });
    lobby.happens(once);
    expect(lobby.happens(once)).toEqual(["answer yes"]);
    expect(answerOf(lobby)).toEqual(at(met + 1));
  });

  test("that expects another version is refused: of two at once, the second one reads again", () => {
    const lobby = lobbyOf(friends, rules);
    lobby.happens(changed({ data: { round: 1 } }, { ifVersion: met, requestId: "one" }));
    const other = changed({ data: { round: 5 } }, { ifVersion: met, requestId: "other" });
    expect(lobby.happens(other)).toEqual(["answer wrong_version"]);
  });

  test("is in nobody's way who came, went, led or looked away since: only another change is", () => {
    const lobby = lobbyOf(friends, { ...rules, graceMs: 30_000 });
    lobby.happens(changed({ data: { round: 1 } }));
    const looked = met + 1;
    lobby.happens(joined(knower("Dan")), cut("Dan"), returned("Dan"), hidden("Ben"), kicked("Cid"));
    lobby.happens(handedOver("Ben"));
    const wish = { ifVersion: looked, clientId: "Ben" };
    expect(lobby.happens(changed({ data: { round: 2 } }, wish))).toContain("answer yes");
    const late = { ...wish, requestId: "late" };
    expect(lobby.happens(changed({ data: { round: 3 } }, late))).toEqual(["answer wrong_version"]);
    // Of a time that is still to come.
    const early = { ...wish, ifVersion: 99, requestId: "early" };
    expect(lobby.happens(changed({ data: { round: 3 } }, early))).toEqual(["answer wrong_version"]);
  });

  test("a key like any other: null deletes it, and what all objects have is none of them", () => {
    const lobby = lobbyOf(friends, rules);
    expect(lobby.happens(changed({ data: { constructor: null } }))).toEqual(["answer yes"]);
    lobby.happens(changed({ data: { constructor: "Ann", map: "dust" } }));
    lobby.happens(changed({ data: { map: null } }));
    expect(lobby.state?.data).toEqual({ constructor: "Ann" });
  });

  test("is heard by a plain Orion client not at all", () => {
    const lobby = lobbyOf(["Ann"], rules);
    lobby.happens(joined(member("Ben")));
    expect(lobby.happens(changed({ locked: true }))).toContain("lobby_changed to Ann");
  });
});

describe("data", () => {
  test("at its limits is taken, and over them it is not", () => {
    const lobby = lobbyOf(friends, rules);
    const keys = Array.from({ length: wireLimits.lobbyDataKeys }, (_, i) => [`k${i}`, i]);
    expect(lobby.happens(changed({ data: Object.fromEntries(keys) })).at(-1)).toBe("answer yes");
    expect(lobby.happens(changed({ data: { more: 1 } }))).toEqual(["answer data_too_large"]);
    expect(lobby.happens(changed({ data: { k0: null, more: 1 } })).at(-1)).toBe("answer yes");
  });

  test("counts in bytes, not in letters", () => {
    const lobby = lobbyOf(friends, rules);
    const room = wireLimits.memberDataBytes - '{"a":""}'.length;
    expect(lobby.happens(changedSelf("Ben", { data: { a: "x".repeat(room + 1) } }))).toEqual([
      "answer data_too_large",
    ]);
    expect(lobby.happens(changedSelf("Ben", { data: { a: "é".repeat(room / 2 + 1) } }))).toEqual([
      "answer data_too_large",
    ]);
    expect(lobby.happens(changedSelf("Ben", { data: { a: "x".repeat(room) } })).at(-1)).toBe("answer yes");
  });

  test("of the lobby is listed as far as it fits", () => {
    const lobby = lobbyOf(friends, { knows: true });
    lobby.happens(
      changed({ data: { map: "dust", long: "x".repeat(wireLimits.listedDataBytes), mode: "ctf" } }),
    );
    expect(entry(lobby)?.data).toEqual({ map: "dust" });
  });
});

describe("a lobby in the list", () => {
  test("shows what people must know before they join", () => {
    const lobby = lobbyOf(friends, { knows: true, maxMembers: 3 });
    expect(entry(lobby)).toMatchObject({ locked: false, hasPassword: false, full: true });
    lobby.happens(
      changed({ maxMembers: 4, locked: true, password: { salt: "s", hash: "h" }, title: "Fünf" }),
    );
    expect(entry(lobby)).toMatchObject({ locked: true, hasPassword: true, full: false, title: "Fünf" });
  });

  test("that becomes private is off the list before anybody hears of it, and its directory is asked to forget it again", () => {
    const lobby = lobbyOf(friends, { knows: true });
    expect(lobby.happens(changed({ isPublic: false })).slice(0, 2)).toEqual(["save", "unlist"]);
    lobby.happens(listingFailed);
    expect(lobby.waits(lobbyLimits.listingRetryMs).happens(woken())).toContain("unlist");
    lobby.happens(changed({ isPublic: true }));
    expect(lobby.effects).toContainEqual(expect.objectContaining({ kind: "list" }));
  });

  test("that becomes public says where its host is", () => {
    const lobby = lobbyOf(friends, rules);
    const hostNetworks = [{ name: "net", shares: 1 }];
    lobby.happens(changed({ isPublic: true }, { hostNetworks }));
    expect(lobby.effects[1]).toMatchObject({ kind: "list", from: hostNetworks });
  });
});

describe("the host's lock and password", () => {
  test("keep newcomers out, and nobody who was in", () => {
    const lobby = lobbyOf(friends, { ...rules, graceMs: 30_000 });
    lobby.happens(changed({ locked: true }));
    expect(lobby.happens(joined(knower("Dan")))).toEqual(["answer locked_by_host"]);
    expect(lobby.happens(returned("Ben")).at(-1)).toBe("answer yes");
    lobby.happens(changed({ locked: false, password: { salt: "s", hash: "right" } }));
    expect(lobby.happens(joined(knower("Dan")))).toEqual(["answer password_needed"]);
    expect(lobby.happens({ kind: "join", member: knower("Dan"), passwordHash: "wrong" })).toEqual([
      "answer wrong_password",
    ]);
    expect(lobby.happens({ kind: "join", member: knower("Dan"), passwordHash: "right" }).at(-1)).toBe(
      "answer yes",
    );
    lobby.happens(changed({ password: null }));
    expect(lobby.happens(joined(knower("Eve")))).toEqual(["answer lobby_full"]);
  });

  test("are told as facts: nobody hears the password", () => {
    const lobby = lobbyOf(friends, rules);
    lobby.happens(changed({ password: { salt: "s4lt", hash: "h4sh" } }), looked("Ben"));
    expect(JSON.stringify([answerOf(lobby), heard(lobby, "Ben", "lobby_changed")])).not.toMatch(/s4lt|h4sh/);
    expect(answerOf(lobby)).toMatchObject({ value: { hasPassword: true } });
  });
});

describe("a member", () => {
  test("changes its data and its name, and all hear of it once", () => {
    const lobby = lobbyOf(friends, rules);
    expect(lobby.happens(changedSelf("Ben", { displayName: "Бен", data: { ready: true } }))).toEqual([
      "save",
      "lobby_memberChanged to Ann, Ben, Cid",
      "answer yes",
    ]);
    const told = { clientId: "Ben", version: met + 1, displayName: "Бен", data: { ready: true } };
    expect(heard(lobby, "Ann", "lobby_memberChanged")).toMatchObject([told]);
    lobby.happens(looked("Ann"));
    const picture = { clientId: "Ben", displayName: "Бен", ready: true };
    expect(answerOf(lobby)).toMatchObject({ value: { members: [{}, picture, { ready: false }] } });
    lobby.happens(changedSelf("Ben", { data: { ready: null } }), looked("Ann"));
    expect(answerOf(lobby)).toMatchObject({
      value: { version: met + 2, members: [{}, { ready: false }, {}] },
    });
  });

  test("is not called as another looks, where looks count", () => {
    const lobby = lobbyOf(friends, rules);
    for (const displayName of ["CID", " cid ", "Ａnn"]) {
      expect(lobby.happens(changedSelf("Ben", { displayName }))).toEqual(["answer name_taken"]);
    }
    lobby.happens(changedSelf("Ben", { displayName: "Zoë" }));
    expect(lobby.happens(joined(knower("Dan", { displayName: "ZOË" })))).toEqual(["answer name_taken"]);
    expect(lobby.happens(joined(knower("Ben", { clientId: "b2", displayName: "x" })))).toEqual([
      "answer name_taken",
    ]);
  });

  test("keeps what it said when it came", () => {
    const lobby = lobbyOf(["Ann"], rules);
    lobby.happens(joined(knower("Dan", { displayName: "Dān", data: { team: 1 } })));
    expect(heard(lobby, "Ann", "lobby_peerConnect")).toMatchObject([
      { clientId: "Dan", displayName: "Dān", data: { team: 1 } },
    ]);
    expect(lobby.state?.isLasting).toBe(true);
  });
});

test("a lobby that was kept in a socket until it changed is not due at once", () => {
  const lobby = lobbyOf(["Ann", "Dan"], rules).waits(48 * 3_600_000);
  lobby.happens(changedSelf("Dan", { data: { ready: true } }));
  expect(lobby.state && wakeAt(lobby.state)).toBe(lobby.now + lobbyLimits.safetyMs);
});

test("nothing of a lobby that is over changes", () => {
  const lobby = closing(friends, { knows: true });
  expect(lobby.happens(changed({ locked: true }), changedSelf("Ben", { data: { ready: true } }))).toEqual([
    "answer no_such_lobby",
    "answer no_such_lobby",
  ]);
});
