import { describe, expect, it } from "vitest";
import { invitationIn, isOnlyHere, linkTo } from "../../../page/site/invitation.ts";
import { inventedName, nameProblem, numbered } from "../../../page/site/player-name.ts";

describe("an invite link", () => {
  it.each(["#K7Q2M", "#k7q2m"])("%s has a lobby's code", (hash) => {
    expect(invitationIn(hash)).toEqual({ kind: "code", code: "K7Q2M" });
  });

  it.each(["", "#"])('"%s" invites to nothing', (hash) => {
    expect(invitationIn(hash).kind).toBe("none");
  });

  it.each([
    "#K7Q2",
    "#K7Q2MM",
    "#<b>x</b>",
    "#%00%00%00%00%00",
    "#../..",
    `#${"A".repeat(10_000)}`,
    "#K7Q2M?x",
  ])("%s is wrong", (hash) => {
    expect(invitationIn(hash).kind).toBe("wrong");
  });

  it("leads to this page, and to what it can be read from", () => {
    expect(linkTo("K7Q2M", "https://play.example/?from=mail#X")).toBe("https://play.example/#K7Q2M");
    expect(invitationIn(new URL(linkTo("K7Q2M", "http://10.0.0.5:5980/")).hash)).toEqual({
      kind: "code",
      code: "K7Q2M",
    });
  });

  it.each([
    ["http://localhost:5980/", true],
    ["http://127.0.0.1:5980/", true],
    ["http://[::1]:5980/", true],
    ["http://192.168.1.7:5980/", false],
    ["https://localhost.example/", false],
  ])("of %s is of use on this computer alone: %s", (page, isLocal) => {
    expect(isOnlyHere(linkTo("K7Q2M", page))).toBe(isLocal);
  });
});

describe("a player's name", () => {
  it("is invented for those who have none", () => {
    for (const random of [0, 0.37, 0.999_999]) expect(nameProblem(inventedName(random))).toBeNull();
  });

  it.each([
    ["", false],
    ["   ", false],
    ["Ann", true],
    ["🚀".repeat(50), true],
    ["🚀".repeat(51), false],
    ["x".repeat(10_000), false],
  ])("%s can be one: %s", (name, isUsable) => {
    expect(nameProblem(name) === null).toBe(isUsable);
  });

  it("gets a number where somebody else has it, and stays short enough", () => {
    expect(numbered("Ann", 1)).toBe("Ann");
    expect(numbered("Ann", 2)).toBe("Ann 2");
    expect(nameProblem(numbered("🚀".repeat(50), 9))).toBeNull();
  });
});
