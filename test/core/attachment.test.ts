/** The largest lobby there can be still sleeps with its host's socket. */
import { serialize } from "node:v8";
import { describe, expect, test } from "vitest";
import { knownFeatures } from "../../core/lobby/features.ts";
import { lasting } from "../../core/lobby/lasting.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import type { LobbyState, Member } from "../../core/lobby/state.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { nameField } from "../../core/wire/schema.ts";
import { failed, lobbyId, noLobby, opened, readied, reported, started, timing, woken } from "./a-lobby.ts";

/**
 * Bytes. Cloudflare's limit, and that of the workerd pinned here, which takes 16 384 of them and no more, and counts
 * as Node.js does: both write V8's format (tried with Miniflare, 2026-11-21).
 */
const room = 16_384;

/** The Worker's half as it is used here. It is imported by address because its types are those of Workers. */
type Attachment = { serializeAttachment(value: unknown): void };
type WorkerSession = {
  membership: { lobbyId: string; lobbyName: string; incarnation: string; requestId: string };
  hosted: LobbyState;
  features: readonly string[];
  pingsSince: number;
  doubtedSince: number;
  purse: {
    spend(micros: number, now: number): number;
    answered(micros: number, seconds: number, now: number): void;
  };
  memberId: string;
  countFailedJoin(): void;
  remove(lobbyId: string, incarnation: string): void;
};
type Admit = (socket: Attachment, token: string, id: string, arrival: { address: string }) => WorkerSession;
const { Session }: { Session: { admit: Admit } } = await import(
  new URL("../../worker/sessions/session.ts", import.meta.url).href
);

const numbers = Array.from({ length: wireLimits.seats }, (_, i) => String(i).padStart(2, "0"));
/** The longest name. Names have letters of ASCII alone: others would take two bytes each. */
const nameOf = (number: string) => number.padStart(wireLimits.nameLength, "N");
const uuidOf = (number: string) => number.padStart(36, "a1b2c3d4-");
/** Packed with the state, it takes the most bytes there are. */
const ip = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";

const members = numbers.map(
  (number): Member => ({
    clientId: number.padStart(16, "c"),
    name: nameOf(number),
    holder: lobbyId,
    requestId: uuidOf(number),
    features: knownFeatures,
    network: number.padStart(3, "n"),
    hidden: true,
    isLocal: true,
  }),
);
const [host] = members as [Member, ...Member[]];

/** A private lobby with the longest name, and all members in its own object: others are rows. */
function fullLobby() {
  const lobby = noLobby();
  const open = opened(host, { isPublic: false, maxMembers: wireLimits.seats });
  lobby.happens({ ...open, name: nameOf(""), incarnation: uuidOf("") } as typeof open);
  lobby.happens(...members.slice(1).map((member) => ({ kind: "join", member }) as const));
  expect(lobby.state).toMatchObject({ comparesLooks: true, isLasting: false });
  expect(lobby.state?.members).toHaveLength(wireLimits.seats);
  // As many as there may be of those who keep the others from playing: one that has left takes more room than a member.
  const charged = Array.from({ length: lobbyLimits.charged }, (_, i) => String(i).padStart(3, "n"));
  lobby.state &&= {
    ...lobby.state,
    callOffs: charged.map((by) => ({ by, starts: 2, at: lobby.now + 0.5 })),
    departures: numbers.slice(0, lobbyLimits.departedNetworks).map((number) => {
      return { network: number.padStart(3, "n"), left: 7.123456789, at: lobby.now + 0.5 };
    }),
  };
  return lobby;
}

function gatheringLobby() {
  const lobby = fullLobby();
  const sidecar = {
    name: "s".repeat(32),
    host: "h".repeat(200),
    port: 65_535,
    relays: true,
    load: 0,
    heardAt: lobby.now,
  };
  const place = { latitude: 38.7223, longitude: -9.1393 };
  lobby.happens(started(host.clientId, { requestId: uuidOf(""), sidecar, place }));
  // As many as it remembers were asked before.
  for (const one of numbers.slice(0, lobbyLimits.sidecarsBefore)) {
    lobby.now += timing.ptpmConnectRequestIntervalMs;
    lobby.happens(woken({ ...sidecar, name: one.padEnd(32, "s") }));
  }
  return lobby;
}

const seenFrom = ({ clientId }: Member, i: number) =>
  ({
    kind: "endpoint-seen",
    clientId,
    observed: { endpoint: { ip, port: 65_535 - i } },
    isAtSocket: true,
  }) as const;

/** Bytes in the attachment of the host's socket, at the end of the turn. */
async function attached(state: LobbyState | null): Promise<number> {
  let bytes = 0;
  const socket: Attachment = {
    serializeAttachment(value) {
      bytes = serialize(value).length;
    },
  };
  const token = `${"h".repeat(7)}.${host.clientId}.${"t".repeat(6)}.${"f".repeat(11)}.${"m".repeat(22)}`;
  const session = Session.admit(socket, token, host.clientId, { address: ip });
  if (!state) throw new Error("there is no lobby to attach");
  const { lobbyId, name: lobbyName, incarnation } = state;
  session.membership = { lobbyId, lobbyName, incarnation, requestId: host.requestId };
  session.features = knownFeatures;
  session.hosted = lasting(state);
  // All else that a socket may have.
  session.pingsSince = Date.now() + 0.5;
  session.doubtedSince = Date.now() + 0.5;
  session.memberId = "m".repeat(16);
  for (let i = 0; i < 10; i++) {
    session.countFailedJoin();
    session.remove(lobbyId, uuidOf(String(i)));
  }
  session.purse.spend(0.3, Date.now());
  session.purse.answered(123_456.7, 0, Date.now());
  session.purse.answered(0, 60, Date.now() + 0.5);
  await new Promise(setImmediate);
  expect(bytes).toBeGreaterThan(serialize(state.members.map(({ name }) => name)).length);
  return bytes;
}

test("no name has a letter that takes two bytes", () => {
  const name = nameField("invalid_peer_name");
  expect(name.safeParse(nameOf("00")).success).toBe(true);
  for (const one of ["é", "ÿ", "世"]) expect(name.safeParse(`N${one}`).success).toBe(false);
});

describe("the largest lobby fits into the attachment of its host's socket", () => {
  test("while it waits", async () => {
    expect(await attached(fullLobby().state)).toBeLessThan(room);
  });

  test("when a reminder is sent to the last player who was not seen", async () => {
    const lobby = gatheringLobby();
    lobby.happens(...members.slice(1).map(seenFrom));
    expect(lobby.waits(10_000).happens(woken())).toContain("save");
    expect(lobby.state?.phase).toMatchObject({ kind: "gathering" });
    expect(await attached(lobby.state)).toBeLessThan(room);
  });

  test("when its players' clients have said nothing of what they can do", async () => {
    const { state } = gatheringLobby();
    const silent = state?.members.map((member) => ({ ...member, features: undefined })) ?? [];
    expect(await attached(state && { ...state, members: silent })).toBeLessThan(room);
  });

  test("when Orion's clients were seen, and all but two are left out again", async () => {
    const lobby = gatheringLobby();
    const plain =
      lobby.state?.members.map((member): Member => ({ ...member, features: [], relayOnly: true })) ?? [];
    lobby.state &&= { ...lobby.state, goesOn: true, members: plain };
    if (lobby.state?.phase.kind === "gathering") {
      const policy = { ...lobby.state.phase.policy, onLoss: "continue" as const };
      lobby.state = { ...lobby.state, phase: { ...lobby.state.phase, policy } };
    }
    lobby.happens(...members.slice(1).map(seenFrom));
    lobby.happens(...members.slice(2).map(({ clientId }) => failed(clientId)));
    expect(lobby.state?.phase).toMatchObject({ kind: "gathering", lost: { length: 62 } });
    expect(lobby.state && lasting(lobby.state).endpoints?.length).toBeGreaterThan(63 * 18);
    expect(await attached(lobby.state)).toBeLessThan(room);
  });

  test("when all but one have reported", async () => {
    const lobby = gatheringLobby();
    lobby.happens(...members.map(seenFrom));
    const commitment = `${"c".repeat(42)}A`;
    const mediation = uuidOf("").slice(0, 8);
    lobby.happens(...members.map(({ clientId }) => readied(clientId, { commitment }, mediation)));
    lobby.happens(...members.slice(1).map(({ clientId }) => reported(clientId)));
    expect(lobby.state?.phase).toMatchObject({ kind: "connecting" });
    expect(await attached(lobby.state)).toBeLessThan(room);
  });
});
