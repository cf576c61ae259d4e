/** What is promised of mediations, as far as it shows from outside. */
import type { Heard, Membership, Opening, Violation } from "./memberships.ts";

type Mediated = { lobbyId: string; host: Membership; members: readonly Membership[]; opening: Opening };
type Stage = "none" | "gathering" | "connecting" | "success";

export function checkMediation(lobby: Mediated, broken: Violation[]): void {
  for (const member of lobby.members) {
    if (!member.answer) continue;
    let stage: Stage = "none";
    for (const heard of member.heard) {
      const wrong = (sentence: string) =>
        broken.push({
          sentence: `${member.answer?.name}, a member of ${lobby.lobbyId}, ${sentence}.`,
          players: [member.player, lobby.host.player],
        });
      if (stage === "success" && heard.message.method !== "lobby_closed")
        wrong(`heard ${heard.message.method} after the success, where it is closed at once`);
      stage = after(stage, heard, wrong);
      if (heard.message.method === "ptpMediation_peersConnection_start")
        checkPeers(lobby, member, heard, wrong);
      if (heard.message.method === "ptpMediation_success") checkReports(lobby, heard, wrong);
    }
  }
}

/** When the mediation that this member is in began, if one is under way. */
export function mediationSince({ heard, end }: Membership): number | null {
  if (end) return null;
  let since: number | null = null;
  let mediation: unknown;
  for (const { at, message } of heard) {
    if (message.method === "ptpMediation_send") {
      // Another one for all ends one for newcomers.
      since = message.payload.mediation === mediation ? (since ?? at) : at;
      mediation = message.payload.mediation;
    } else if (/_(aborted|success)$/.test(message.method)) since = null;
  }
  return since;
}

function after(stage: Stage, heard: Heard, wrong: (sentence: string) => void): Stage {
  switch (heard.message.method) {
    case "ptpMediation_send":
      if (stage === "connecting" || stage === "success") wrong(`is asked for a datagram when ${stage}`);
      return "gathering";
    case "ptpMediation_peersConnection_start":
      if (stage !== "gathering") wrong("is introduced without having been asked for a datagram");
      return "connecting";
    case "ptpMediation_aborted":
      // A player who has called off too many starts is left out of the next from its beginning.
      if (stage === "success" || (stage === "none" && !isLeavingOut(heard)))
        wrong("is told of an abort, and no mediation is under way");
      return "none";
    case "ptpMediation_success":
      if (stage !== "connecting") wrong("is told of a success without having been introduced");
      return "success";
    default:
      return stage;
  }
}

function isPastGathering({ message: { method } }: Heard): boolean {
  return method === "ptpMediation_peersConnection_start" || method === "ptpMediation_success";
}

function isLeavingOut({ message: { method, payload } }: Heard): boolean {
  return method === "ptpMediation_aborted" && payload.code === "left_out";
}

/**
 * What became of a guest in the mediation whose introduction another member heard at that time. `left out`: it goes on without the guest.
 * `unknown`: the guest has not heard yet, because its own frames may be seconds late.
 */
function partOf({ heard: all }: Membership, at: number): "introduced" | "left out" | "unknown" {
  const told = all.filter(({ message: { method } }) => method.startsWith("ptpMediation_"));
  const last = told.findLast((heard) => heard.at <= at);
  if (last && isLeavingOut(last)) return "left out";
  if (last?.message.method === "ptpMediation_peersConnection_start") return "introduced";
  // Before that may come what is late of the mediation before: requests for a datagram, and its abort.
  const next = told.find((heard) => heard.at > at && (isLeavingOut(heard) || isPastGathering(heard)));
  if (!next) return "unknown";
  return isLeavingOut(next) ? "left out" : "introduced";
}

/** Everybody is told the right endpoints: the host those of all others in their order, each other the host's. */
function checkPeers(
  { host, members, opening }: Mediated,
  member: Membership,
  heard: Heard,
  wrong: (sentence: string) => void,
): void {
  const { at, message } = heard;
  const peers: { ip?: unknown; port?: unknown }[] = Array.isArray(message.payload.peers)
    ? message.payload.peers
    : [];
  if (opening.relayOnly) {
    if (peers.some((peer) => peer.ip !== undefined || peer.port !== undefined))
      wrong("is told an endpoint in a lobby that is relay-only");
    return;
  }
  // With members lost on the way it cannot be known from here who is left.
  if (opening.goesOn) return;
  // One may just have left a name to another. And of whom nothing is known any more, it is not known whether it was left out.
  const expected =
    member === host
      ? namesBefore(host, heard)
          .map((name) => knownAs(name, { host, members }, at))
          .filter((candidates) => !isEach(candidates, "left out", at))
      : [[host]];
  const certain = expected.filter(
    (candidates) => candidates.length > 0 && !isEach(candidates, "unknown", at),
  );
  if (peers.length < expected.length && peers.length >= certain.length) return;
  if (peers.length !== expected.length) {
    wrong(`is introduced to ${peers.length} peers and not to ${expected.length}`);
    return;
  }
  for (const [index, candidates] of expected.entries()) {
    const ports = candidates.map(({ player }) => player.ports);
    const port = Number(peers[index]?.port);
    if (ports.length > 0 && ports.every((used) => used.size > 0 && !used.has(port)))
      wrong(`is told that ${candidates[0]?.answer?.name} is at port ${port}, which it never used`);
  }
}

/** Whether this became of all who may have the name. Of a name that nobody is known by, nothing did. */
function isEach(candidates: readonly Membership[], part: ReturnType<typeof partOf>, at: number): boolean {
  return candidates.length > 0 && candidates.every((each) => partOf(each, at) === part);
}

/** The guests that may be meant. If all are gone, the last: its host may not have heard of that yet. */
function knownAs(
  name: string,
  { host, members }: Pick<Mediated, "host" | "members">,
  at: number,
): Membership[] {
  const named = members.filter((each) => each.answer?.name === name && each !== host);
  const there = named.filter((each) => isIn(each, at));
  return there.length > 0 ? there : named.filter(({ answer }) => (answer?.at ?? at) < at).slice(-1);
}

/** Whether it was in at that time, as far as two connections can tell. */
function isIn({ answer, end, heard }: Membership, at: number): boolean {
  const began = Math.min(answer?.at ?? at, heard[0]?.at ?? Number.POSITIVE_INFINITY);
  return began <= at + 1_000 && (end === null || end.at >= at - 1_000);
}

/** The names of the guests that the host knew of before it heard this. */
function namesBefore({ heard: all }: Membership, heard: Heard): string[] {
  let names: string[] = [];
  for (const each of all) {
    if (each === heard) break;
    const { method, payload } = each.message;
    if (method === "lobby_peerConnect") names = [...names, String(payload.peerName)];
    if (method === "lobby_peerDisconnect") names = names.filter((name) => name !== payload.peerName);
  }
  return names;
}

/** A success is one of all: each had said so. */
function checkReports(
  { members, opening }: Mediated,
  { at }: Heard,
  wrong: (sentence: string) => void,
): void {
  if (opening.goesOn) return;
  for (const member of members) {
    if (!member.answer || !isIn(member, at)) continue;
    if (member.end?.how === "socket" || member.end?.how === "left") continue;
    if (partOf(member, at) === "left out") continue;
    const hasSaid = member.player.story.some(
      (entry) =>
        entry.kind === "said" && entry.method === "ptpMediation_peersConnection_success" && entry.at <= at,
    );
    if (!hasSaid) wrong(`is told of a success before ${member.answer.name} has said that it is connected`);
  }
}
