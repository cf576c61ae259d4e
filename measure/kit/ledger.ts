/**
 * One lobby, as all its members together know it. Its host is there from first to last, so what the host heard is the
 * ledger: what a member heard must be that part of it in which it was there, word for word.
 */
import { checkMediation } from "./mediation-promises.ts";
import type { Heard, Membership, Opening, Violation } from "./memberships.ts";

export type Lobby = { lobbyId: string; members: Membership[] };

/** What is known of a lobby from its members: `names` of those who are in, if its host is. */
export type Account = {
  broken: Violation[];
  /** What must still come, or else is broken. */
  owed: Violation[];
  opening: Opening | null;
  isOpen: boolean;
  names: string[];
  /** Nobody is in who is told of all that changes. */
  isUnsure?: boolean;
};

export function account({ lobbyId, members }: Lobby): Account {
  const broken: Violation[] = [];
  const owed: Violation[] = [];
  const host = members.find(({ answer }) => answer?.opening);
  for (const member of members) checkOne(lobbyId, member, broken, owed);
  const opening = host?.answer?.opening ?? null;
  if (!host?.answer || !opening) return { broken, owed, opening: null, isOpen: false, names: [] };

  const ledger = eventsOf(host.heard);
  const rosters = rostersOf(host.answer.name, ledger);
  const most = Math.max(...rosters.map((roster) => roster.length));
  if (most > opening.maxMembers) {
    const sentence = `The lobby ${lobbyId} had ${most} members and room for ${opening.maxMembers}.`;
    broken.push({ sentence, players: [host.player] });
  }
  for (const member of members) {
    if (member === host || !member.answer) continue;
    compare(member, { host, ledger, rosters }, broken, owed);
  }
  checkMediation({ lobbyId, host, members, opening }, broken);
  return { broken, owed, opening, isOpen: !host.end, names: rosters.at(-1) ?? [] };
}

/**
 * The lobbies that these memberships were in. A code may come again, long after, for another lobby: then each is of the
 * host that had last asked for one before its member was in. Who is matched may have asked before that host did.
 */
export function lobbiesOf(memberships: readonly Membership[]): { lobbies: Lobby[]; broken: Violation[] } {
  const lobbies: Lobby[] = [];
  const broken: Violation[] = [];
  for (const [lobbyId, members] of Map.groupBy(memberships, (each) => each.lobbyId)) {
    const hosts = members
      .filter(({ answer }) => answer?.opening)
      .sort((a, b) => (a.answer?.askedAt ?? 0) - (b.answer?.askedAt ?? 0));
    const groups = hosts.map((host): Lobby => ({ lobbyId, members: [host] }));
    /** Of a host that is forgotten, or was never told that it is one. */
    const before: Lobby = { lobbyId, members: [] };
    for (const member of members) {
      if (hosts.includes(member)) continue;
      const { at = member.heard[0]?.at ?? 0 } = member.answer ?? {};
      const index = hosts.findLastIndex(({ answer }) => (answer?.askedAt ?? 0) <= at);
      (groups[index] ?? before).members.push(member);
    }
    for (const [index, next] of hosts.slice(1).entries()) {
      const earlier = hosts[index];
      if (!earlier || (earlier.end && earlier.end.at <= (next.answer?.at ?? 0) + skewMs)) continue;
      const sentence = `The code ${lobbyId} was given to two lobbies at once.`;
      broken.push({ sentence, players: [earlier.player, next.player] });
    }
    lobbies.push(...(before.members.length > 0 ? [before] : []), ...groups);
  }
  return { lobbies, broken };
}

type Event = { text: string; at: number };

/** Arrivals, departures and chat, as texts that are the same for all who hear of them. */
function eventsOf(heard: readonly Heard[]): Event[] {
  return heard.flatMap(({ at, message: { method, payload } }) => {
    switch (method) {
      case "lobby_peerConnect":
        return [{ at, text: `+${payload.peerName}` }];
      case "lobby_peerDisconnect":
        return [{ at, text: `-${payload.peerName}` }];
      case "lobby_messaging_received": {
        const { senderName, message, timestamp } = Object(payload.message);
        return [{ at, text: `${senderName}: ${message} (${timestamp})` }];
      }
      default:
        return [];
    }
  });
}

/** Who is in, before the first event and after each. */
function rostersOf(hostName: string, events: readonly Event[]): string[][] {
  let roster = [hostName];
  return [
    roster,
    ...events.map(({ text }) => {
      if (text.startsWith("+")) roster = [...roster, text.slice(1)];
      else if (text.startsWith("-")) roster = roster.filter((name) => name !== text.slice(1));
      return roster;
    }),
  ];
}

/** Milliseconds that a frame may be seen after the HTTP answer it came before: they are two connections. */
const skewMs = 1_000;

/** What can be told from one member alone. */
function checkOne(
  lobbyId: string,
  { player, answer, heard, said, end }: Membership,
  broken: Violation[],
  owed: Violation[],
): void {
  if (!answer) return;
  const players = [player];
  const { name } = answer;
  const wrong = (sentence: string) =>
    broken.push({ sentence: `${name}, a member of ${lobbyId}, ${sentence}.`, players });

  if (new Set(answer.members).size < answer.members.length)
    wrong(`was told of members with the same name: ${answer.members}`);
  if (!answer.members.includes(name))
    wrong(`is not among the members that it was told of: ${answer.members}`);
  const roster = new Set(answer.members);
  for (const { text, at } of eventsOf(heard)) {
    const who = text.slice(1);
    // An answer that was lost, and is given again, is of a moment later: then it has some of the news already.
    const isNews = at > answer.at + skewMs;
    if (text.startsWith("+")) {
      if (isNews && roster.has(who)) wrong(`was told that ${who} joined, who was there already`);
      roster.add(who);
    } else if (text.startsWith("-")) {
      if (!roster.delete(who) && isNews) wrong(`was told that ${who} left, who was not there`);
      if (who === name) wrong("was told that it left itself");
    } else if (isNews && !roster.has(text.slice(0, text.indexOf(": ")))) {
      wrong(`heard "${text}", whose sender is not there`);
    }
  }

  const mine = heard.flatMap(({ message: { method, payload } }) => {
    if (method !== "lobby_messaging_received") return [];
    const { senderName, message } = Object(payload.message);
    return senderName === name ? [String(message)] : [];
  });
  let next = 0;
  for (const text of mine) {
    const found = said.findIndex((each, index) => index >= next && each.text === text);
    if (found < 0) wrong(`heard its own "${text}" twice, out of order, or without having said it`);
    else next = found + 1;
  }
  if (!end && mine.length < said.length)
    owed.push({ sentence: `${name} in ${lobbyId} has not heard all of its own chat.`, players });
}

/** A member's part of the ledger. */
function compare(
  member: Membership,
  { host, ledger, rosters }: { host: Membership; ledger: Event[]; rosters: string[][] },
  broken: Violation[],
  owed: Violation[],
): void {
  const { answer, end, lobbyId } = member;
  if (!answer) return;
  const { name } = answer;
  const players = [host.player, member.player];
  const own = eventsOf(member.heard);
  const arrivals = ledger.flatMap(({ text }, index) => (text === `+${name}` ? [index] : []));
  if (arrivals.length === 0) {
    // A host whose connection is gone may have missed it.
    if (!host.end)
      owed.push({ sentence: `The host of ${lobbyId} was not told that ${name} joined.`, players });
    return;
  }
  const differs = (from: number) => {
    const rest = ledger.slice(from + 1);
    return own.findIndex(({ text }, index) => index < rest.length && rest[index]?.text !== text);
  };
  // Of the moment it got in, or of a later one if the first answer was lost.
  const isHis = (index: number) =>
    rosters.slice(index + 1).some((roster) => String(roster) === String(answer.members));
  const at = arrivals.find((index) => isHis(index) && differs(index) < 0);
  if (at === undefined) {
    const from = arrivals.find(isHis) ?? arrivals.at(-1) ?? 0;
    const first = differs(from);
    const sentence =
      first < 0
        ? `${name} joined ${lobbyId} with ${answer.members}, where its host knew of ${rosters[from + 1]}.`
        : `Members of ${lobbyId} heard different things: ${name} "${own[first]?.text}", the host "${ledger[from + 1 + first]?.text}".`;
    broken.push({ sentence, players });
    return;
  }
  if (host.end) return;
  const rest = ledger.slice(at + 1);
  const isTold = rest.some(({ text }) => text === `-${name}`);
  if (end && !isTold && end.how !== "refused")
    owed.push({ sentence: `The host of ${lobbyId} was not told that ${name} left.`, players });
  if (!end && isTold)
    owed.push({ sentence: `${name} was not told that it is not in ${lobbyId} any more.`, players });
  if (!end && rest.length > own.length)
    owed.push({ sentence: `${name} in ${lobbyId} has not heard "${rest[own.length]?.text}".`, players });
  if (own.length > rest.length)
    owed.push({ sentence: `The host of ${lobbyId} has not heard "${own[rest.length]?.text}".`, players });
}
