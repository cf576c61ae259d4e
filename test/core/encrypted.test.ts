/** Players whose links are encrypted: each commits itself to a key before it is introduced. */
import { describe, expect, test } from "vitest";
import type { Feature } from "../../core/lobby/features.ts";
import type { UnsignedPeer } from "../../core/lobby/introduction.ts";
import { readKeptLobby } from "../../core/lobby/kept.ts";
import { lasting } from "../../core/lobby/lasting.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import type { Member } from "../../core/lobby/state.ts";
import {
  heard,
  joined,
  type Lobby,
  type LobbyOptions,
  lobbyId,
  looked,
  member,
  noLobby,
  opened,
  phaseOf,
  proven,
  readied,
  relayingSidecar,
  returned,
  sidecar,
  started,
  startedBy,
  toldIn,
  withFeatures,
  woken,
} from "./a-lobby.ts";

const all = ["links", "pings", "ws-relay", "webrtc", "encrypted"] as const;
const commitment = (letter: string) => `${letter.repeat(42)}A`;

const knowing = (name: string, features: readonly Feature[] = all, about: Partial<Member> = {}): Member =>
  withFeatures(name, features, about);

/** What its peer is told of this player. */
function toldOf(lobby: Lobby, name: string): UnsignedPeer {
  const peers = toldIn(lobby).flatMap((one) => (one.kind === "full" ? one.peers : []));
  const found = peers.find((peer) => peer.name === name);
  if (!found) throw new Error(`nobody is told of ${name}`);
  return found;
}

describe("a commitment", () => {
  const pair = (): Lobby => startedBy([knowing("Ann"), knowing("Ben")]);

  test("is told to the peer, with what the player's client can do", () => {
    const lobby = pair();
    lobby.happens(proven("Ann"), proven("Ben"), readied("Ann", { commitment: commitment("a") }));
    lobby.happens(readied("Ben", { commitment: commitment("b") }));
    expect(toldOf(lobby, "Ann")).toMatchObject({ commitment: commitment("a"), features: [...all] });
    expect(toldOf(lobby, "Ben")).toMatchObject({ commitment: commitment("b"), features: [...all] });
  });

  test("is waited for: a player that was seen and has sent none is missing", () => {
    const lobby = pair();
    lobby.happens(proven("Ann"), proven("Ben"), readied("Ann", { commitment: commitment("a") }));
    expect(phaseOf(lobby)).toBe("gathering");
    lobby.happens(looked("Ann"));
    expect(lobby.answer).toMatchObject({ value: { phase: { seen: ["Ann"], awaited: ["Ben"] } } });
    lobby.waits(10_000).happens(woken(relayingSidecar));
    expect(heard(lobby, "Ann", "ptpMediation_progress")).toMatchObject([{ awaited: ["Ben"] }]);
    lobby.passes(60_000);
    expect(lobby.state?.phase).toEqual({ kind: "waiting", aborted: "endpoints_timeout" });
  });

  test("that comes late still counts", () => {
    const lobby = pair();
    lobby.happens(
      proven("Ann"),
      proven("Ben"),
      readied("Ann", { commitment: commitment("a") }),
      readied("Ben"),
    );
    expect(phaseOf(lobby)).toBe("gathering");
    lobby.waits(5_000).happens(readied("Ben", { commitment: commitment("b") }));
    expect(phaseOf(lobby)).toBe("connecting");
  });

  test("of a player without UDP may come in one message with that", () => {
    const lobby = pair();
    lobby.happens(readied("Ann", { udp: false, commitment: commitment("a") }));
    lobby.happens(readied("Ben", { udp: false, commitment: commitment("b") }));
    expect(toldOf(lobby, "Ben")).toMatchObject({ commitment: commitment("b"), webSocket: {} });
  });

  test("never changes in a mediation", () => {
    const lobby = pair();
    lobby.happens(proven("Ann"), proven("Ben"), readied("Ann", { commitment: commitment("a") }));
    expect(lobby.happens(readied("Ann", { commitment: commitment("c") }))).toEqual([]);
    lobby.happens(readied("Ben", { commitment: commitment("b") }));
    expect(toldOf(lobby, "Ann").commitment).toBe(commitment("a"));
  });

  test("is another one for a page that was loaded anew meanwhile", () => {
    const lobby = startedBy([knowing("Ann"), knowing("Ben")], { graceMs: 60_000 });
    lobby.happens(proven("Ann"), proven("Ben"), readied("Ben", { commitment: commitment("b") }));
    lobby.happens(returned("Ben", { reconnect: true }), readied("Ben", { commitment: commitment("c") }));
    lobby.happens(proven("Ben"), readied("Ann", { commitment: commitment("a") }));
    expect(toldOf(lobby, "Ben").commitment).toBe(commitment("c"));
  });

  test("of a client that does not say that it encrypts is told to nobody", () => {
    const lobby = startedBy([knowing("Ann"), knowing("Ben", ["links", "pings", "ws-relay"])]);
    lobby.happens(proven("Ann"), proven("Ben"), readied("Ben", { commitment: commitment("b") }));
    lobby.happens(readied("Ann", { commitment: commitment("a") }));
    for (const name of ["Ann", "Ben"]) {
      expect(toldOf(lobby, name)).not.toHaveProperty("commitment");
      expect(toldOf(lobby, name)).not.toHaveProperty("features");
    }
  });
});

describe("by WebRTC", () => {
  const at = "198.51.100.7";
  function introduced(ann: Partial<Member>, ben: Partial<Member>, options: LobbyOptions = {}): Lobby {
    const lobby = startedBy([knowing("Ann", all, ann), knowing("Ben", all, ben)], options);
    lobby.happens(readied("Ann", { udp: false, commitment: commitment("a") }));
    lobby.happens(readied("Ben", { udp: false, commitment: commitment("b") }));
    return lobby;
  }

  test("the guest gives way, and the host does not", () => {
    const lobby = introduced({}, {});
    expect(toldOf(lobby, "Ben").webrtc?.polite).toBe(false);
    expect(toldOf(lobby, "Ann").webrtc?.polite).toBe(true);
  });

  test.each<[who: string, near: boolean, ann: Partial<Member>, ben: Partial<Member>]>([
    ["two whose addresses nobody knows are not near", false, {}, {}],
    ["two at one address are near", true, { network: "abc" }, { network: "abc" }],
    ["two at different ones are not", false, { network: "abc" }, { network: "abd" }],
    ["one whose address nobody knows is near nobody", false, { network: "abc" }, {}],
    ["two in the server's own network are near", true, { network: "abc", isLocal: true }, { isLocal: true }],
    ["one of them is not near a stranger", false, { isLocal: true }, { network: "abc" }],
  ])("%s", (_, near, ann, ben) => {
    const lobby = introduced(ann, ben);
    for (const name of ["Ann", "Ben"]) expect(toldOf(lobby, name).webrtc?.near).toBe(near);
  });

  test("two whom a sidecar has proved to be behind one address are near", () => {
    const lobby = startedBy([knowing("Ann"), knowing("Ben")]);
    lobby.happens(proven("Ann", { ip: at }), proven("Ben", { ip: at }));
    lobby.happens(readied("Ann", { commitment: commitment("a") }));
    lobby.happens(readied("Ben", { commitment: commitment("b") }));
    expect(toldOf(lobby, "Ann").webrtc?.near).toBe(true);
  });

  test.each<[who: string, ann: Partial<Member>, options: LobbyOptions]>([
    ["in a lobby that is relay-only", {}, { relayOnly: true }],
    ["with one who is", { relayOnly: true }, {}],
  ])("%s, both use only TURN, however near they are", (_, ann, options) => {
    const lobby = introduced({ network: "abc", ...ann }, { network: "abc" }, options);
    for (const name of ["Ann", "Ben"])
      expect(toldOf(lobby, name).webrtc).toMatchObject({ near: false, relayOnly: true });
  });

  test("nobody connects to a client that cannot", () => {
    const lobby = startedBy([knowing("Ann"), knowing("Ben", ["links", "ws-relay", "encrypted"])]);
    lobby.happens(readied("Ann", { udp: false, commitment: commitment("a") }));
    lobby.happens(readied("Ben", { udp: false, commitment: commitment("b") }));
    expect(toldOf(lobby, "Ann")).not.toHaveProperty("webrtc");
  });

  test("who is in the server's own network is known after a sleep, too", () => {
    const lobby = introduced({ isLocal: true }, {});
    const again = lobby.state && readKeptLobby(structuredClone(lasting(lobby.state)), lobbyId);
    expect(again?.members.map(({ isLocal }) => isLocal)).toEqual([true, undefined]);
  });
});

describe("a lobby that requires encryption", () => {
  const required = { options: { encryption: "required" } } as const;
  const plain: [who: string, member: Member][] = [
    ["a plain Orion client", member("Ben")],
    ["the SDK of before", knowing("Ben", ["links", "pings"])],
    ["a client with all but that", knowing("Ben", ["links", "pings", "ws-relay", "webrtc"])],
  ];

  test.each(plain)("does not let in %s", (_, ben) => {
    const lobby = noLobby();
    lobby.happens(opened(knowing("Ann"), required));
    expect(lobby.happens(joined(ben))).toEqual(["answer encryption_required"]);
    expect(lobby.state?.members).toHaveLength(1);
  });

  test.each(plain)("is not opened by %s", (_, { name: _name, ...ben }) => {
    const lobby = noLobby();
    expect(lobby.happens(opened({ ...ben, name: "Ann" }, required))).toEqual(["answer encryption_required"]);
    expect(lobby.state).toBeNull();
  });

  test("does not let a member come back by a client that cannot", () => {
    const lobby = noLobby();
    lobby.happens(opened(knowing("Ann"), { ...required, graceMs: 60_000 }), joined(knowing("Ben")));
    lobby.waits(lobbyLimits.presentMs).happens({ kind: "connection-lost", clientId: "Ben" });
    expect(lobby.happens(returned("Ben", { features: ["links"] }))).toEqual(["answer encryption_required"]);
    lobby.happens(returned("Ben", { features: all }));
    expect(lobby.answer).toMatchObject({ ok: true });
  });

  test("says so in the list and in the picture, and still does after a sleep", () => {
    const lobby = noLobby();
    lobby.happens(opened(knowing("Ann"), required));
    expect(lobby.answer).toMatchObject({ value: { lobby: { encryption: "required" } } });
    expect(lobby.effects).toContainEqual(
      expect.objectContaining({ kind: "list", lobby: expect.objectContaining({ encryption: "required" }) }),
    );
    const again = lobby.state && readKeptLobby(structuredClone(lasting(lobby.state)), lobbyId);
    expect(again?.encryption).toBe("required");
  });

  test("introduces nobody without a link: what cannot be encrypted is not sent", () => {
    const lobby = noLobby();
    const features = ["links", "pings", "encrypted"] as const;
    lobby.happens(opened(knowing("Ann", features), required), joined(knowing("Ben", features)));
    // A sidecar that does not know links.
    lobby.happens(started("Ann", { sidecar }));
    lobby.happens(
      readied("Ann", { commitment: commitment("a") }),
      readied("Ben", { commitment: commitment("b") }),
    );
    lobby.happens(proven("Ann"), proven("Ben"));
    expect(lobby.state?.phase).toEqual({ kind: "waiting", aborted: "could_not_connect" });
  });

  test("any other says nothing of it in the list, and that it is preferred in the picture", () => {
    const lobby = noLobby();
    lobby.happens(opened(knowing("Ann")));
    expect(lobby.answer).toMatchObject({ value: { lobby: { encryption: "preferred" } } });
    const list = lobby.effects.find(({ kind }) => kind === "list");
    expect(JSON.stringify(list)).not.toContain("encryption");
  });
});
