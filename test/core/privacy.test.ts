/** What players learn of each other's addresses, and what they never do. */
import { describe, expect, test } from "vitest";
import type { Endpoint } from "../../core/endpoint.ts";
import type { Introduced } from "../../core/lobby/effect.ts";
import type { Told } from "../../core/lobby/introduction.ts";
import { readKeptLobby } from "../../core/lobby/kept.ts";
import { lasting } from "../../core/lobby/lasting.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import { candidatesTold } from "../../core/lobby/told-candidates.ts";
import type { Observed } from "../../core/mapping.ts";
import {
  heard,
  joined,
  type Lobby,
  lobbyId,
  member,
  noLobby,
  opened,
  peersOf,
  phaseOf,
  relayingSidecar,
  started,
  toldBy,
} from "./a-lobby.ts";

const port = 41_000;
const at = (...ips: string[]): Endpoint[] => ips.map((ip) => ({ ip, port }));

/** A player that the sidecar saw at this address, and that claims these. */
function player(name: string, ip: string, claims: readonly string[], isCertain = true): Introduced {
  return {
    member: { clientId: name, name, holder: "l1", requestId: name },
    observed: { endpoint: { ip, port: 7 }, candidates: at(...claims), proven: true },
    links: true,
    isCertain,
  };
}

const home = "203.0.113.7";
const elsewhere = "198.51.100.9";
/** Local networks, a container's, a VPN's, overlays of three makers, a carrier's. */
const locals = [
  "192.168.1.7",
  "172.17.0.1",
  "10.8.0.2",
  "100.101.1.2",
  "fd7a:115c:a1e0::2",
  "200:1::2",
  "fe80::7",
];
const told = (peer: Introduced, to: Introduced) => candidatesTold(peer, to)?.map(({ ip }) => ip);

describe("of a player's local, VPN and overlay addresses", () => {
  test.each<[why: string, ours: string, theirs: string, isTold: boolean]>([
    ["strangers learn none", home, elsewhere, false],
    ["strangers next door learn none", home, "203.0.113.8", false],
    ["those behind the same router learn all", home, home, true],
    ["those in the same IPv6 network learn all", "2001:db8:1:2::7", "2001:db8:1:2:9::8", true],
    ["those in the next IPv6 network learn none", "2001:db8:1:2::7", "2001:db8:1:3::7", false],
    ["those that the sidecar saw by another family learn none", home, "2001:db8:1:2::8", false],
    [
      "players of a LAN party, whose sidecar is in their network, learn all",
      "192.168.1.7",
      "192.168.1.8",
      true,
    ],
    [
      "players of a LAN party learn all of the one on the sidecar's machine",
      "127.0.0.1",
      "192.168.1.8",
      true,
    ],
    ["a stranger learns none of the one on the sidecar's machine", "127.0.0.1", elsewhere, false],
  ])("%s", (_, ours, theirs, isTold) => {
    expect(told(player("Ann", ours, locals), player("Ben", theirs, []))).toEqual(isTold ? locals : []);
  });

  test("one who may be elsewhere than it was seen learns none, and none of it are told", () => {
    const [ann, mal] = [player("Ann", home, locals), player("Mal", home, locals, false)];
    expect(told(ann, mal)).toEqual([]);
    expect(told(mal, ann)).toEqual([]);
  });
});

describe("of the public addresses that a player claims", () => {
  const stranger = player("Ben", elsewhere, []);

  test("an IPv4 one is told only if the sidecar saw the player there", () => {
    const claims = ["192.0.2.66", home, "198.51.100.66"];
    expect(told(player("Mal", home, claims), stranger)).toEqual([home]);
    // Nor to a neighbour.
    expect(told(player("Mal", home, claims), player("Ben", home, []))).toEqual([home]);
  });

  test("at most three IPv6 ones are, of one network", () => {
    const claims = ["2001:db8:9::1", "2001:db8:8::1", ...[2, 3, 4, 5].map((i) => `2001:db8:9::${i}`)];
    expect(told(player("Mal", home, claims), stranger)).toEqual([
      "2001:db8:9::1",
      "2001:db8:9::2",
      "2001:db8:9::3",
    ]);
    expect(lobbyLimits.v6Candidates).toBe(3);
  });

  test("an IPv6 one is told only of the network in which the sidecar saw the player, if it saw it by IPv6", () => {
    const claims = ["2001:db8:9::1", "2001:db8:8::1"];
    expect(told(player("Mal", "2001:db8:8::7", claims), stranger)).toEqual(["2001:db8:8::1"]);
  });

  test("none is that leads to an IPv4 address, or that IANA keeps for protocols", () => {
    const claims = [
      "2002:c000:242::1",
      "64:ff9b::c000:242",
      "2001::c000:242",
      "2001:1ff::1",
      "::ffff:c000:242",
    ];
    expect(told(player("Mal", home, claims), stranger)).toEqual([]);
  });
});

test("a player whose client tells no candidates is told of as before", () => {
  const { observed, ...ann } = player("Ann", home, []);
  const { candidates: _, ...plain } = observed ?? { endpoint: { ip: "", port: 0 } };
  expect(candidatesTold({ ...ann, observed: plain }, player("Ben", home, []))).toBeUndefined();
});

describe("a player that is relay-only for itself", () => {
  const relay = { name: "paris", host: "relay.example", port: 5990 };
  const observed = (ip: string): Observed => ({
    endpoint: { ip, port: 7 },
    candidates: at(...locals),
    proven: true,
  });

  function messages(host: Introduced, ...others: Introduced[]): Told[] {
    const policy = { topology: { kind: "star", center: host.member.clientId } } as const;
    return toldBy({ policy, host, others, relay, relayOnly: false });
  }
  const hidden = (one: Introduced): Introduced => ({ ...one, member: { ...one.member, relayOnly: true } });

  test("learns no address of its peers, and its peers learn none of it: all have a link and a relay", () => {
    const told = messages(
      player("Ann", home, locals),
      hidden(player("Hid", home, locals)),
      player("Ben", elsewhere, locals),
    );
    const bare = ["clientId", "link", "name", "relay"];
    const [ofHid, ofBen] = peersOf(told, "Ann");
    expect(Object.keys(ofHid ?? {}).sort()).toEqual(bare);
    expect(ofBen).toMatchObject({ ip: elsewhere, link: { side: "a" } });
    expect(peersOf(told, "Hid").map((peer) => Object.keys(peer).sort())).toEqual([bare]);
    expect(peersOf(told, "Ben")).toMatchObject([{ ip: home }]);
  });

  function lobbyOfTwo(features: readonly ("links" | "pings")[], by = relayingSidecar): Lobby {
    const lobby = noLobby();
    lobby.happens(opened({ ...member("Ann"), features: ["links"] }));
    lobby.happens(joined({ ...member("Hid"), features, relayOnly: true }));
    lobby.happens(started("Ann", { sidecar: by }));
    for (const clientId of ["Ann", "Hid"])
      lobby.happens({ kind: "endpoint-seen", clientId, observed: observed(home) });
    return lobby;
  }

  test("cannot be connected without links or without a relay, rather than be told of", () => {
    expect(phaseOf(lobbyOfTwo(["links"]))).toBe("connecting");
    const { secondPort: _, relays: __, ...poor } = relayingSidecar;
    for (const lobby of [
      lobbyOfTwo([]),
      lobbyOfTwo(["links"], { ...poor, secondPort: 1 } as typeof relayingSidecar),
    ]) {
      expect(phaseOf(lobby)).toBe("waiting");
      expect(heard(lobby, "Hid", "ptpMediation_aborted")).toMatchObject([{ code: "could_not_connect" }]);
    }
  });

  test("is so after a sleep, too", () => {
    const lobby = lobbyOfTwo(["links"]);
    const again = lobby.state && readKeptLobby(structuredClone(lasting(lobby.state)), lobbyId);
    expect(again?.members.map(({ relayOnly }) => relayOnly)).toEqual([undefined, true]);
  });
});
