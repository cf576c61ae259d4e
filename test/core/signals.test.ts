/** Members say something to one another, and to nobody else. */
import { describe, expect, test } from "vitest";
import { cut, heard, hidden, joined, knower, left, lobbyOf, member, returned, signalled } from "./a-lobby.ts";

const friends = ["Ann", "Ben", "Cid"] as const;
const rules = { isPublic: false, knows: true };
const star = () => lobbyOf(friends, rules);
const mesh = () => lobbyOf(friends, { ...rules, options: { topology: "mesh" } });
const open = () => lobbyOf(friends, { ...rules, options: { signals: "all" } });

test("a signal arrives as it was said, once, and from whom the lobby says", () => {
  const lobby = star();
  const data = { sdp: ["v=0", null, 7] };
  expect(lobby.happens(signalled("Ben", "Ann", data))).toEqual(["lobby_signal to Ann"]);
  expect(heard(lobby, "Ann", "lobby_signal")).toEqual([{ lobbyId: lobby.state?.lobbyId, from: "Ben", data }]);
});

test("signals arrive in their order", () => {
  const lobby = star();
  const said = ["one", "two", "three"].flatMap((data) => {
    lobby.happens(signalled("Ben", "Ann", data));
    return heard(lobby, "Ann", "lobby_signal").map((payload) => payload.data);
  });
  expect(said).toEqual(["one", "two", "three"]);
});

test("it changes nothing of the lobby, and saves nothing", () => {
  const lobby = star();
  const before = lobby.state;
  lobby.happens(signalled("Ben", "Ann"), signalled("Ben", "Cid"), signalled("Ben", "Zoe"));
  expect(lobby.state).toBe(before);
});

describe("who may signal to whom", () => {
  test.each<[where: string, lobby: () => ReturnType<typeof star>, fromBen: string]>([
    ["in a star, only the host and a guest", star, "lobby_signalFailed to Ben"],
    ["in a mesh, all", mesh, "lobby_signal to Cid"],
    ["where the host allows it, all", open, "lobby_signal to Cid"],
  ])("%s", (_, lobby, fromBen) => {
    expect(lobby().happens(signalled("Ann", "Ben"))).toEqual(["lobby_signal to Ben"]);
    expect(lobby().happens(signalled("Ben", "Ann"))).toEqual(["lobby_signal to Ann"]);
    expect(lobby().happens(signalled("Ben", "Cid"))).toEqual([fromBen]);
  });

  test("a new host may, and the old one may no more than a guest", () => {
    const lobby = lobbyOf(friends, { ...rules, options: { onHostLoss: "migrate" } });
    lobby.happens({ kind: "hand-over", clientId: "Ann", memberId: "Ben", requestId: "r" });
    expect(lobby.happens(signalled("Ben", "Cid"))).toEqual(["lobby_signal to Cid"]);
    expect(lobby.happens(signalled("Ann", "Cid"))).toEqual(["lobby_signalFailed to Ann"]);
  });
});

describe("the sender hears why a signal goes to nobody", () => {
  const codeOf = (to: string, lobby = star()) => {
    lobby.happens(signalled("Ann", to));
    return heard(lobby, "Ann", "lobby_signalFailed");
  };

  test("there is no such member, or it is the sender itself", () => {
    expect(codeOf("Zoe")).toMatchObject([{ to: "Zoe", code: "no_such_member" }]);
    expect(codeOf("Ann")).toMatchObject([{ to: "Ann", code: "no_such_member" }]);
  });

  test("the member has just left", () => {
    const lobby = star();
    lobby.happens(left("Ben"));
    expect(codeOf("Ben", lobby)).toMatchObject([{ to: "Ben", code: "no_such_member" }]);
  });

  test("the member is away, until it is back", () => {
    const lobby = lobbyOf(friends, { ...rules, graceMs: 30_000 });
    lobby.happens(cut("Ben"));
    expect(codeOf("Ben", lobby)).toMatchObject([{ to: "Ben", code: "no_such_member" }]);
    lobby.happens(returned("Ben"));
    expect(lobby.happens(signalled("Ann", "Ben"))).toEqual(["lobby_signal to Ben"]);
  });

  test("the member's client knows no signals", () => {
    const lobby = lobbyOf(["Ann"], rules);
    lobby.happens(joined(member("Ben")));
    expect(codeOf("Ben", lobby)).toMatchObject([{ to: "Ben", code: "cannot_signal" }]);
  });

  test("the two are not to be connected", () => {
    const lobby = star();
    lobby.happens(signalled("Ben", "Cid"));
    expect(heard(lobby, "Ben", "lobby_signalFailed")).toMatchObject([{ to: "Cid", code: "cannot_signal" }]);
    expect(heard(lobby, "Cid", "lobby_signal")).toEqual([]);
  });
});

test("a stranger's signal, and one of a client that knows no signals, goes nowhere and is not answered", () => {
  const lobby = star();
  lobby.happens(joined(member("Dan")));
  expect(lobby.happens(signalled("Zoe", "Ann"), signalled("Dan", "Zoe"))).toEqual([]);
});

test("a page that nobody looks at still hears signals", () => {
  const lobby = star();
  lobby.happens(hidden("Ben"), joined(knower("Dan")));
  expect(lobby.happens(signalled("Ann", "Ben"))).toEqual(["lobby_signal to Ben"]);
});
