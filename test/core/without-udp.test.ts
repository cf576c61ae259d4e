/** Players that cannot use UDP, as in a browser: they are connected through the lobby's relays over WebSocket. */
import { describe, expect, test } from "vitest";
import type { Feature } from "../../core/lobby/features.ts";
import type { UnsignedPeer } from "../../core/lobby/introduction.ts";
import { readKeptLobby } from "../../core/lobby/kept.ts";
import { lasting } from "../../core/lobby/lasting.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import type { Member } from "../../core/lobby/state.ts";
import { parseTicket, relayOf } from "../../core/relay/ticket.ts";
import {
  heard,
  joined,
  kicked,
  type Lobby,
  left,
  lobbyId,
  member,
  noLobby,
  opened,
  peersOf,
  phaseOf,
  proven,
  readied,
  relayingSidecar,
  reported,
  returned,
  started,
  startedBy,
  steered,
  toldIn,
  whoPlays,
  withFeatures,
  woken,
} from "./a-lobby.ts";

const web = ["links", "pings", "ws-relay"] as const;

/** Its client uses the relay over WebSocket. */
const page = (name: string, about: Partial<Member> = {}) => withFeatures(name, web, about);
/** The SDK of before. */
const older = (name: string) => withFeatures(name, ["links", "pings"]);

const noUdp = (clientId: string, mediation?: string) => readied(clientId, { udp: false }, mediation);

/** A peer's ticket. Its clients' ids are too short here: they are names. */
function ticketIn({ webSocket }: UnsignedPeer) {
  const [link = "", side, begun, expires, lobbyTag, clientId = "", peerId = "", ...relay] =
    webSocket?.ticket.split(".") ?? [];
  const ids = [clientId, peerId].map((id) => id.padEnd(16, "-"));
  const ticket = parseTicket([link, side, begun, expires, lobbyTag, ...ids, ...relay].join("."));
  if (!ticket) throw new Error("no ticket");
  return ticket;
}
const relayIn = (peer: UnsignedPeer) => relayOf(ticketIn(peer));
const aborts = (lobby: Lobby, name: string) =>
  heard(lobby, name, "ptpMediation_aborted").map(({ code }) => code);

describe("two pages", () => {
  const pages = () => startedBy([page("Ann"), page("Ben")]);

  test("are introduced when both have said that they have no UDP", () => {
    const lobby = pages();
    lobby.happens(noUdp("Ann"));
    expect(phaseOf(lobby)).toBe("gathering");
    lobby.happens(noUdp("Ben"));
    expect(phaseOf(lobby)).toBe("connecting");
    const told = toldIn(lobby);
    expect(told.map(({ kind }) => kind)).toEqual(["full", "full"]);
    for (const one of told) expect(one).toMatchObject({ you: undefined });
    const [ofBen] = peersOf(told, "Ann");
    expect(Object.keys(ofBen ?? {}).toSorted()).toEqual(["clientId", "link", "name", "webSocket"]);
    expect(ofBen && relayIn(ofBen)).toEqual({ number: 0, region: null });
  });

  test("each have a ticket of the same link and relay, with its own side", () => {
    const lobby = pages();
    lobby.happens(noUdp("Ann"), noUdp("Ben"));
    const told = toldIn(lobby);
    const tickets = ["Ann", "Ben"].flatMap((name) => peersOf(told, name)).map(ticketIn);
    expect(tickets).toMatchObject([
      { link: "000000000000", side: "a", lobbyTag: "ABCDE", sidecar: "~0" },
      { link: "000000000000", side: "b", lobbyTag: "ABCDE", sidecar: "~0" },
    ]);
  });

  test("of a host whose place is known have a relay near it", () => {
    const lobby = noLobby();
    lobby.happens(opened(page("Ann")), joined(page("Ben")));
    lobby.happens(started("Ann", { sidecar: relayingSidecar, place: { latitude: 52, longitude: 13 } }));
    lobby.happens(noUdp("Ann"), noUdp("Ben"));
    const [ofBen] = peersOf(toldIn(lobby), "Ann");
    expect(ofBen && relayIn(ofBen)).toEqual({ number: 0, region: "weur" });
  });

  test("that say it twice, or of another mediation, say nothing new", () => {
    const lobby = pages();
    lobby.happens(noUdp("Ann"));
    const before = lobby.state;
    expect(lobby.happens(noUdp("Ann"), noUdp("Ben", "another"), readied("Ann"))).toEqual([]);
    expect(lobby.state).toBe(before);
  });

  test("that are seen all the same are told of with their endpoints", () => {
    const lobby = pages();
    lobby.happens(noUdp("Ann"), proven("Ben", { port: 1002 }));
    const told = toldIn(lobby);
    expect(peersOf(told, "Ann")).toMatchObject([{ ip: "192.0.2.1", port: 1002 }]);
    expect(told.find(({ to }) => to[0]?.name === "Ben")).toMatchObject({ you: { port: 1002 } });
  });

  test("have to say it again when they were away", () => {
    const lobby = startedBy([page("Ann"), page("Ben")], { graceMs: 60_000 });
    lobby.happens(noUdp("Ben"), { kind: "connection-lost", clientId: "Ben" });
    lobby.happens(returned("Ben"), noUdp("Ann"));
    expect(phaseOf(lobby)).toBe("gathering");
    lobby.happens(noUdp("Ben"));
    expect(phaseOf(lobby)).toBe("connecting");
  });

  test("have to say it again after a reset of the lobby's object, when they are asked again", () => {
    const lobby = pages();
    lobby.happens(noUdp("Ann"));
    const state = lobby.state && readKeptLobby(structuredClone(lasting(lobby.state)), lobbyId);
    expect(JSON.stringify(lobby.state && lasting(lobby.state))).not.toContain("ready");
    lobby.state = state;
    lobby.happens(noUdp("Ben"));
    expect(phaseOf(lobby)).toBe("gathering");
    lobby.waits(10_000).happens(woken(relayingSidecar));
    expect(heard(lobby, "Ann", "ptpMediation_progress")).toMatchObject([{ seen: ["Ben"], awaited: ["Ann"] }]);
    lobby.happens(noUdp("Ann"));
    expect(phaseOf(lobby)).toBe("connecting");
  });

  test("count as seen in the progress and in the picture", () => {
    const lobby = startedBy([page("Ann"), page("Ben"), page("Cid")]);
    lobby.happens(noUdp("Ben"));
    lobby.happens(noUdp("Cid"));
    expect(heard(lobby, "Ann", "ptpMediation_progress")).toMatchObject([
      { seen: ["Ben", "Cid"], awaited: ["Ann"] },
    ]);
    lobby.happens({ kind: "look", clientId: "Ann" });
    expect(lobby.answer).toMatchObject({ value: { phase: { seen: ["Ben", "Cid"], awaited: ["Ann"] } } });
  });

  test("are connected, and the relay counts as a relay", () => {
    const lobby = startedBy([page("Ann"), page("Ben")], { options: { lifetime: "session" } });
    lobby.happens(noUdp("Ann"), noUdp("Ben"));
    for (const [one, other] of [
      ["Ann", "Ben"],
      ["Ben", "Ann"],
    ] as const) {
      const peers = [{ clientId: other, path: "websocket" as const, cause: null }];
      const report = { cause: null, peers };
      lobby.happens({ kind: "connection-reported", clientId: one, connected: true, report });
    }
    expect(lobby.state?.playing).toEqual([
      { clientId: "Ann", via: "relay" },
      { clientId: "Ben", via: "relay" },
    ]);
  });
});

describe("a page and a player with UDP", () => {
  test("are introduced when that one is seen: only the page is told an endpoint", () => {
    const lobby = startedBy([page("Ann"), page("Ben")]);
    lobby.happens(noUdp("Ann"));
    lobby.happens(proven("Ben", { port: 1002 }));
    const told = toldIn(lobby);
    expect(peersOf(told, "Ann")).toMatchObject([{ ip: "192.0.2.1", port: 1002, webSocket: {} }]);
    expect(peersOf(told, "Ben")[0]).not.toHaveProperty("ip");
    expect(peersOf(told, "Ben")[0]).not.toHaveProperty("candidates");
  });

  test("whose client knows no relay over WebSocket cannot be connected: the host hears why, as today", () => {
    for (const host of [older("Ann"), member("Ann")]) {
      const lobby = startedBy([host, page("Ben")]);
      lobby.happens(proven("Ann", { port: 1001 }), noUdp("Ben"));
      expect(phaseOf(lobby)).toBe("waiting");
      expect(aborts(lobby, "Ann")).toEqual(["could_not_connect"]);
      expect(heard(lobby, "Ann", "ptpMediation_report")).toMatchObject([
        { clientId: "Ben", cause: "no-udp" },
      ]);
    }
  });

  test("whose page's client knows no relay over WebSocket cannot be connected either", () => {
    const lobby = startedBy([page("Ann"), older("Ben")]);
    lobby.happens(noUdp("Ben"));
    expect(phaseOf(lobby)).toBe("waiting");
    expect(heard(lobby, "Ann", "ptpMediation_report")).toMatchObject([{ clientId: "Ben", cause: "no-udp" }]);
  });

  test("goes on without the page, where mediations go on", () => {
    const lobby = startedBy([older("Ann"), page("Ben"), older("Cid")], { goesOn: true });
    lobby.happens(noUdp("Ben"));
    expect(aborts(lobby, "Ben")).toEqual(["left_out"]);
    lobby.happens(proven("Ann", { port: 1001 }), proven("Cid", { port: 1003 }));
    expect(phaseOf(lobby)).toBe("connecting");
  });
});

test("a host without UDP goes on with those that it reaches, where mediations go on", () => {
  const lobby = startedBy([page("Ann"), page("Ben"), member("Cid")], { goesOn: true });
  lobby.happens(noUdp("Ann"));
  expect(aborts(lobby, "Cid")).toEqual(["left_out"]);
  lobby.happens(noUdp("Ann"), noUdp("Ben"));
  expect(phaseOf(lobby)).toBe("connecting");
  expect(peersOf(toldIn(lobby), "Ann").map(({ name }) => name)).toEqual(["Ben"]);
});

test("a host without UDP is nobody's fault: no guest is charged with the start", () => {
  const lobby = startedBy([page("Ann"), member("Cid")]);
  lobby.happens(noUdp("Ann"));
  expect(aborts(lobby, "Cid")).toEqual(["could_not_connect"]);
  expect(lobby.state?.callOffs).toBeUndefined();
});

describe("in a mesh", () => {
  const mesh = { options: { topology: "mesh" } } as const;

  test("pages and players with UDP are all introduced to each other", () => {
    const lobby = startedBy([page("Ann"), page("Ben"), page("Cid")], mesh);
    lobby.happens(noUdp("Ann"), proven("Ben", { port: 1002 }), noUdp("Cid"));
    const told = toldIn(lobby);
    expect(peersOf(told, "Ben").map(({ name, port }) => [name, port])).toEqual([
      ["Ann", undefined],
      ["Cid", undefined],
    ]);
    for (const peer of ["Ann", "Ben", "Cid"].flatMap((name) => peersOf(told, name)))
      expect(ticketIn(peer).sidecar).toBe("~0");
  });

  test("one plain client keeps a page out, where mediations go on", () => {
    const lobby = startedBy([older("Ann"), page("Ben"), older("Cid")], { ...mesh, goesOn: true });
    lobby.happens(noUdp("Ben"));
    expect(aborts(lobby, "Ben")).toEqual(["left_out"]);
  });

  test("of 64, no relay has more than 16 members, and both ends of a link have the same", () => {
    const names = Array.from({ length: 64 }, (_, i) => `P${i}`);
    const [first = page("P0"), ...rest] = names.map((name) => page(name));
    const lobby = startedBy([first, ...rest], mesh);
    lobby.happens(...names.map((name) => noUdp(name, "P0 start")));
    const told = toldIn(lobby);
    const seats = new Map<string, Set<string>>();
    const ends = new Map<string, string[]>();
    for (const name of names) {
      for (const ticket of peersOf(told, name).map(ticketIn)) {
        seats.set(ticket.sidecar, (seats.get(ticket.sidecar) ?? new Set()).add(ticket.clientId));
        ends.set(ticket.link, [...(ends.get(ticket.link) ?? []), ticket.sidecar]);
      }
    }
    expect(seats.size).toBe(34);
    expect(lobby.state?.relays).toBe(34);
    for (const members of seats.values()) expect(members.size).toBeLessThanOrEqual(16);
    for (const [one, other] of ends.values()) expect(one).toBe(other);
  });
});

test("in a star of 33, guests are 15 to a relay, wherever the host stands among them", () => {
  const names = Array.from({ length: 33 }, (_, i) => `P${i}`);
  const [first = page("P0"), ...rest] = names.map((name) => page(name));
  const lobby = startedBy([first, ...rest]);
  lobby.happens(...names.map((name) => noUdp(name, "P0 start")));
  const numbers = peersOf(toldIn(lobby), "P0").map((peer) => relayIn(peer)?.number);
  expect([0, 1, 2].map((number) => numbers.filter((one) => one === number).length)).toEqual([15, 15, 2]);
});

describe("in a lobby that is relay-only", () => {
  const relayOnly = { relayOnly: true };
  const { relays: _, ...poor } = relayingSidecar;

  test("pages can start without a sidecar's relay", () => {
    const lobby = startedBy([page("Ann"), page("Ben")], relayOnly, poor);
    lobby.happens(noUdp("Ann"), proven("Ben", { port: 1002 }));
    const [ofBen] = peersOf(toldIn(lobby), "Ann");
    expect(Object.keys(ofBen ?? {}).toSorted()).toEqual(["clientId", "link", "name", "webSocket"]);
  });

  test("others cannot", () => {
    const lobby = startedBy([page("Ann"), older("Ben")], relayOnly, poor);
    expect(lobby.answer).toEqual({ ok: false, codes: ["no_sidecar"] });
  });

  test("a page cannot be connected to one that has no relay over WebSocket", () => {
    const lobby = startedBy([older("Ann"), page("Ben")], relayOnly);
    lobby.happens(noUdp("Ben"));
    expect(phaseOf(lobby)).toBe("waiting");
  });
});

test("a page that is relay-only for itself is introduced, and nobody is told where its peer is", () => {
  const lobby = startedBy([page("Ann"), page("Ben", { relayOnly: true })]);
  lobby.happens(noUdp("Ben"), proven("Ann", { port: 1001 }));
  const told = toldIn(lobby);
  expect(peersOf(told, "Ben")[0]).not.toHaveProperty("ip");
  expect(peersOf(told, "Ben")[0]).toHaveProperty("webSocket");
});

describe("in a lobby whose players are connected", () => {
  function playingAnn(features: readonly Feature[] = web): Lobby {
    const ann = withFeatures("Ann", features);
    const ben = withFeatures("Ben", features);
    const lobby = startedBy([ann, ben], { options: { lifetime: "session" } });
    lobby.happens(
      proven("Ann", { port: 1001 }),
      proven("Ben", { port: 1002 }),
      reported("Ann"),
      reported("Ben"),
    );
    return lobby;
  }
  const mediationIn = ({ state }: Lobby) =>
    state && "requestId" in state.phase ? state.phase.requestId.slice(0, 8) : "";

  test("a page that comes late is connected to the host", () => {
    const lobby = playingAnn();
    lobby.happens(joined(page("Dan")));
    lobby.waits(1).happens(woken(relayingSidecar));
    lobby.happens(noUdp("Dan", mediationIn(lobby)), proven("Ann", { port: 1001 }));
    expect(peersOf(toldIn(lobby), "Dan").map(({ name }) => name)).toEqual(["Ann"]);
    lobby.happens(reported("Ann"), reported("Dan"));
    expect(whoPlays(lobby).playing).toEqual(["Ann", "Ben", "Dan"]);
  });

  test("it cannot be, if the host's client knows no relay over WebSocket, and the others play on", () => {
    const lobby = playingAnn(["links", "pings"]);
    lobby.happens(joined(page("Dan")));
    lobby.waits(1).happens(woken(relayingSidecar));
    lobby.happens(noUdp("Dan", mediationIn(lobby)));
    expect(phaseOf(lobby)).toBe("waiting");
    expect(whoPlays(lobby)).toEqual({ playing: ["Ann", "Ben"], waiting: [] });
  });
});

test("the host goes on without a player that has said nothing", () => {
  const lobby = startedBy([page("Ann"), page("Ben"), page("Cid")]);
  lobby.happens(noUdp("Ann"), noUdp("Ben"));
  lobby.happens(steered("proceed"));
  lobby.passes(lobbyLimits.stragglerMs + 1);
  expect(phaseOf(lobby)).toBe("connecting");
});

describe("the relays over WebSocket hear", () => {
  const drops = ({ effects }: Lobby) => effects.filter(({ kind }) => kind === "drop");
  function connected(...members: [Member, ...Member[]]): Lobby {
    const lobby = startedBy(members, { options: { lifetime: "session" } });
    lobby.happens(...members.map(({ clientId }, i) => proven(clientId, { port: 1001 + i })));
    lobby.happens(...members.map(({ clientId }) => reported(clientId)));
    return lobby;
  }
  const trio = () => connected(page("Ann"), page("Ben"), page("Cid"));

  test("that a member was removed", () => {
    const lobby = trio();
    lobby.happens(kicked("Ben"));
    expect(drops(lobby)).toEqual([{ kind: "drop", clientIds: ["Ben"], relays: 1 }]);
  });

  test("that a member has left", () => {
    const lobby = trio();
    lobby.happens(left("Cid"));
    expect(drops(lobby)).toEqual([{ kind: "drop", clientIds: ["Cid"], relays: 1 }]);
  });

  test("that the host has, and with it all, once", () => {
    const lobby = trio();
    lobby.happens(left("Ann"));
    expect(drops(lobby)).toEqual([{ kind: "drop", clientIds: ["Ann", "Ben", "Cid"], relays: 1 }]);
  });

  test("nothing when the lobby ends because all are connected: they play on", () => {
    const lobby = startedBy([page("Ann"), page("Ben")]);
    lobby.happens(noUdp("Ann"), noUdp("Ben"), reported("Ann"), reported("Ben"));
    expect(phaseOf(lobby)).toBe("closing");
    expect(drops(lobby)).toEqual([]);
  });

  test("nothing where nobody has a ticket for one, and nothing more is kept there", () => {
    const lobby = connected(older("Ann"), older("Ben"), page("Cid"));
    expect(lobby.state).not.toHaveProperty("relays");
    lobby.happens(kicked("Ben"));
    expect(drops(lobby)).toEqual([]);
  });

  test("of a lobby that was asleep, too", () => {
    const lobby = trio();
    lobby.state = lobby.state && readKeptLobby(structuredClone(lasting(lobby.state)), lobbyId);
    lobby.happens(left("Cid"));
    expect(drops(lobby)).toHaveLength(1);
  });
});

describe("a host hears how a pair fares", () => {
  test.each([
    ["in words that the SDK of before knows", ["links", "pings"], "relay"],
    ["in full, if its client knows the paths", web, "websocket"],
  ] as const)("%s", (_, features, path) => {
    const lobby = startedBy([withFeatures("Ann", features), page("Ben"), page("Cid")], {
      options: { topology: "mesh" },
    });
    lobby.happens(
      proven("Ann", { port: 1001 }),
      proven("Ben", { port: 1002 }),
      proven("Cid", { port: 1003 }),
    );
    const peers = [{ clientId: "Cid", path: "websocket" as const, cause: "one-way" as const }];
    const report = { cause: null, peers };
    lobby.happens({ kind: "connection-reported", clientId: "Ben", connected: true, report });
    expect(heard(lobby, "Ann", "ptpMediation_report")).toMatchObject([{ peers: [{ path }] }]);
  });
});
