/** A kept lobby is read by the versions before and after. One that cannot be read is over. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readKeptLobby } from "../../core/lobby/kept.ts";
import { lasting } from "../../core/lobby/lasting.ts";
import { connecting, endpoint, gathering, lobbyId, lobbyOf, seen, woken } from "./a-lobby.ts";

/** As version 1 first kept a lobby that gathers endpoints, Ann's among them. Not to be changed. */
const rowOfVersion1 = {
  v: 1,
  lobbyId: "K3Y7Z",
  incarnation: "0e3c",
  name: "Friday",
  isPublic: true,
  maxMembers: 4,
  goesOn: false,
  relayOnly: false,
  hostId: "a1",
  members: [
    { clientId: "a1", name: "Ann", holder: "K3Y7Z", requestId: "r1" },
    { clientId: "b2", name: "Ben", holder: "l4", requestId: "r2" },
  ],
  graceMs: 30_000,
  away: [{ clientId: "b2", until: 1_900_000_030_000 }],
  phase: {
    kind: "gathering",
    requestId: "r3",
    began: { at: 1_900_000_000_000, members: 2 },
    policy: {
      members: "all",
      topology: { kind: "star", center: "a1" },
      onLoss: "abort",
      onSuccess: "close",
      locks: true,
    },
    sidecar: "paris",
    offersLinks: true,
    relay: { host: "paris.example", port: 5990 },
    place: { latitude: 38.7, longitude: -9.1 },
    intervalMs: 10_000,
    connectingMs: 40_000,
    remindAt: 1_900_000_010_000,
    giveUpAt: 1_900_000_060_000,
    lost: [],
    seen: {},
  },
  isLasting: true,
  auditAt: 1_900_000_300_000,
  auditMs: 300_000,
  endpoints: "\u0006\u00c0\u0000\u0002\u0001\u0003\u00e9\u0000",
  features: "\u0002\u0000",
};

test("a row of version 1 is read", () => {
  const { endpoints: _, features: __, ...kept } = rowOfVersion1;
  const [ann, ben] = kept.members;
  expect(readKeptLobby(rowOfVersion1, lobbyId)).toEqual({
    ...kept,
    members: [{ ...ann, features: ["links"] }, ben],
    phase: { ...kept.phase, seen: { a1: { observed: { endpoint: endpoint(1001) }, at: 0 } } },
  });
});

test("it is read without what came after its first day, and with what a later version keeps besides", () => {
  const { graceMs: _, away: __, ...first } = rowOfVersion1;
  expect(readKeptLobby(first, lobbyId)).toMatchObject({ graceMs: 0, away: [], name: "Friday" });
  const later = { ...rowOfVersion1, mood: "high", phase: { ...rowOfVersion1.phase, color: "red" } };
  expect(readKeptLobby(later, lobbyId)).toEqual(readKeptLobby(rowOfVersion1, lobbyId));
});

describe("a row is not read", () => {
  const { v: _, ...withoutVersion } = rowOfVersion1;
  const { phase: __, ...withoutPhase } = rowOfVersion1;
  test.each<[why: string, kept: unknown]>([
    ["of no version", withoutVersion],
    ["of another version", { ...rowOfVersion1, v: 2 }],
    ["of another lobby", { ...rowOfVersion1, lobbyId: "00000" }],
    ["without a phase", withoutPhase],
    ["in a phase that is none", { ...rowOfVersion1, phase: { kind: "dreaming" } }],
    ["whose members are none", { ...rowOfVersion1, members: { 0: "Ann" } }],
    ["with a member without an id", { ...rowOfVersion1, members: [{ name: "Ann" }] }],
    ["that is none", undefined],
    ["that is null", null],
    ["that is a text", "lobby"],
  ])("%s", (_why, kept) => {
    expect(readKeptLobby(kept, lobbyId)).toBeNull();
  });

  test("whatever else it is, and reading never throws", () => {
    const field = fc.constantFrom(...Object.keys(rowOfVersion1));
    fc.assert(
      fc.property(fc.anything(), field, fc.anything(), (any, name, value) => {
        readKeptLobby(any, lobbyId);
        readKeptLobby({ ...rowOfVersion1, [name]: value }, lobbyId);
      }),
      { numRuns: 1_000 },
    );
  });
});

test("a lobby is read again as it was, in each phase", () => {
  const friends = ["Ann", "Ben", "Cid"] as const;
  const late = gathering(friends, { goesOn: true });
  late.happens(seen("Ann", 1001), seen("Ben", 1002));
  const aborted = gathering(friends).passes(59_999).waits(1);
  aborted.happens(woken());
  for (const { state } of [lobbyOf(friends), late, connecting(friends), aborted]) {
    if (!state) throw new Error("there is no lobby");
    const again = readKeptLobby(structuredClone(lasting(state)), lobbyId);
    expect(again && lasting(again)).toEqual(lasting(state));
  }
});
