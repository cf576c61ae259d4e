/** What clients say that they can do, and what the lobby makes of it. */
import { describe, expect, test } from "vitest";
import type { LobbyEvent } from "../../core/lobby/event.ts";
import { type Feature, featuresAmong, knownFeatures, knowsLinks } from "../../core/lobby/features.ts";
import { lasting, restored } from "../../core/lobby/lasting.ts";
import { readClientMessage } from "../../core/wire/client-message.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { encode } from "../../measure/kit/wire.ts";
import {
  endpoint,
  joined,
  type Lobby,
  member,
  noLobby,
  opened,
  phaseOf,
  relayingSidecar,
  seen,
  started,
} from "./a-lobby.ts";

const token = "a token";
const read = (features: unknown) => readClientMessage(encode("client_features", { token, features }));

describe("a client says what it can do", () => {
  test.each<[says: string[], counts: Feature[]]>([
    [[], []],
    [["links"], ["links"]],
    [
      ["pings", "links"],
      ["links", "pings"],
    ],
    [["links", "links", "telepathy", "__proto__", ""], ["links"]],
    [["LINKS"], []],
    [Array<string>(wireLimits.features).fill("x".repeat(wireLimits.featureLength)), []],
  ])("%j counts as %j", (says, counts) => {
    expect(read(says)).toEqual({ method: "client_features", token, features: counts });
    expect(featuresAmong(says)).toEqual(counts);
  });

  test.each<[why: string, features: unknown]>([
    ["no list", "links"],
    ["nothing", undefined],
    ["a list of numbers", [1]],
    ["too many", Array<string>(wireLimits.features + 1).fill("links")],
    ["one that is too long", ["x".repeat(wireLimits.featureLength + 1)]],
  ])("%s is ignored", (_, features) => {
    expect(read(features)).toBeNull();
  });
});

describe("whether a client knows links", () => {
  const plain = { endpoint: endpoint(1) };
  const older = { ...plain, candidates: [] };
  test.each<
    [who: string, features: Feature[] | undefined, sighting: typeof plain, knows: boolean, offered?: boolean]
  >([
    ["one that says so, and was asked in Orion's words", ["links"], older, false, false],
    ["an older one that tells local addresses all the same", undefined, older, true, false],
    ["one that says so", ["links"], plain, true],
    ["one that says so and tells local addresses", ["links", "pings"], older, true],
    ["one that says what it can do, and not that", ["pings"], older, false],
    ["one that can do nothing", [], older, false],
    ["an older one, which tells local addresses", undefined, older, true],
    ["a plain Orion client", undefined, plain, false],
  ])("%s: as it says, or else as it seems", (_, features, sighting, knows, offered = true) => {
    expect(knowsLinks(features, sighting, offered)).toBe(knows);
  });
});

/** Where players are connected by relay alone, so that only those who know links can be. */
function relayOnly(features: Record<"Ann" | "Ben", readonly Feature[] | undefined>): Lobby {
  const lobby = noLobby();
  const of = (name: "Ann" | "Ben") => ({ ...member(name), features: features[name] });
  lobby.happens(opened(of("Ann"), { relayOnly: true, isPublic: false }), joined(of("Ben")));
  lobby.happens(started("Ann", { sidecar: relayingSidecar }));
  return lobby;
}

describe("in a lobby that is relay-only", () => {
  const older = (name: string, port: number): LobbyEvent => ({
    kind: "endpoint-seen",
    clientId: name,
    observed: { endpoint: endpoint(port), candidates: [] },
  });

  test("players that say they know links are introduced, though their datagrams are plain", () => {
    const lobby = relayOnly({ Ann: ["links"], Ben: ["links", "pings"] });
    lobby.happens(seen("Ann", 1), seen("Ben", 2));
    expect(phaseOf(lobby)).toBe("connecting");
    expect(lobby.effects).toContainEqual(
      expect.objectContaining({ kind: "introduce", policy: { topology: { kind: "star", center: "Ann" } } }),
    );
    for (const effect of lobby.effects) {
      if (effect.kind === "introduce")
        expect([effect.host, ...effect.others].map(({ links }) => links)).toEqual([true, true]);
    }
  });

  test("one that says what it can do, and not that, ends it, whatever its datagram looks like", () => {
    const lobby = relayOnly({ Ann: ["links"], Ben: ["pings"] });
    expect(lobby.happens(seen("Ann", 1), older("Ben", 2)).at(-1)).toBe("ptpMediation_aborted to Ann, Ben");
    expect(lobby.state?.phase).toMatchObject({ aborted: "could_not_connect" });
  });

  test("older SDKs are introduced as ever", () => {
    const lobby = relayOnly({ Ann: undefined, Ben: undefined });
    lobby.happens(older("Ann", 1), older("Ben", 2));
    expect(phaseOf(lobby)).toBe("connecting");
  });
});

test("what clients can do outlives a sleep, and that they have not said it does, too", () => {
  const every: (readonly Feature[] | undefined)[] = [undefined, [], ["links"], ["pings"], knownFeatures];
  const lobby = noLobby();
  const members = every.map((features, i) => ({ ...member(`Guest ${i}`), ...(features && { features }) }));
  lobby.happens(...members.map((one, i) => (i === 0 ? opened(one, { maxMembers: 8 }) : joined(one))));
  if (!lobby.state) throw new Error("there is no lobby");
  const kept = structuredClone(lasting(lobby.state));
  expect(kept.members.some((one) => "features" in one)).toBe(false);
  expect(restored(kept).members).toEqual(members);
});
