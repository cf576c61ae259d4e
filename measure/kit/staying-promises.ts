/** What is promised of lobbies in which people stay (docs/staying.md), as far as it shows from outside. */

import { picture } from "../../core/wire/picture.ts";
import type { Account, Lobby } from "./ledger.ts";
import { type Heard, type Membership, skewMs, type Violation } from "./memberships.ts";
import type { Player } from "./player.ts";
import { eventsIn, isChat, type Known, type Ledger, type LedgerEvent, layOut } from "./staying-ledger.ts";
import type { Entry } from "./story.ts";
import { readBy } from "./wire.ts";

/** Whether this lobby is one: its host knows the additions to Orion, or, if nobody knows the host any more, some member does. */
export function isStaying({ members }: Lobby): boolean {
  const opened = members.find(({ answer }) => answer?.opening)?.answer?.opening;
  return opened ? opened.isInformed : members.some(({ answer }) => answer?.picture);
}

/** `mayLose`: objects end, and calls fail for good. Then something may be lost on the way to members that another object holds. */
export function accountOfStaying({ lobbyId, members }: Lobby, { mayLose = false } = {}): Account {
  const broken: Violation[] = [];
  const owed: Violation[] = [];
  const seated = members.filter(({ answer }) => answer);
  const say = (list: Violation[], sentence: string, ...concerned: readonly Membership[]) =>
    list.push({ sentence: `In ${lobbyId}, ${sentence}.`, players: concerned.map(({ player }) => player) });
  const requests = seated.flatMap((membership) => requestsOf(membership, lobbyId));
  const mayMiss = (membership: Membership) => mayLose && isElsewhere(membership);
  const ledger = layOut(seated, (membership) => picturesIn(requests, membership), mayMiss);
  for (const { sentence, concerned } of ledger.wrong) {
    const [who] = concerned;
    say(
      broken,
      who ? `${nameOf(who)} ${sentence}` : sentence,
      ...concerned,
      ...(who ? witnesses(seated, who) : seated),
    );
  }

  for (const sentence of [...ofStates(ledger, seated), ...ofHosts(ledger, seated)])
    say(broken, sentence, ...seated);
  for (const membership of seated.filter((each) => !mayMiss(each))) {
    for (const sentence of ofMediations(membership))
      say(broken, `${nameOf(membership)} ${sentence}`, membership);
  }
  for (const [, same] of Map.groupBy(seated, ({ answer }) => answer?.memberId))
    for (const sentence of ofChat(same, owed, lobbyId)) say(broken, sentence, ...same);
  for (const sentence of ofPlainMembers(seated, ledger, mayLose))
    say(broken, sentence.text, sentence.membership);
  for (const { text, concerned } of [
    ...ofSignals(seated),
    ...ofBans(seated, requests),
    ...ofTerms(requests, ledger),
    // Who wrote what is forgotten with its host.
    ...(members.some(({ answer }) => answer?.opening) ? ofSnapshots(requests) : []),
    ...ofKicks(
      ledger,
      seated.filter((each) => !mayMiss(each)),
    ),
  ])
    say(broken, text, ...concerned);

  const live = seated.filter(({ end }) => !end);
  const newest = Math.max(...ledger.states.keys());
  const now = ledger.states.get(newest);
  const isUnsure = live.length > 0 && !live.some(({ answer }) => answer?.picture);
  if (now && live.length > 0 && !isUnsure) {
    const there = live.map(({ answer }) => answer?.memberId ?? "").sort();
    const told = now.members.map(({ clientId }) => clientId).sort();
    if (String(there) !== String(told))
      say(owed, `members were told of ${namesIn(now)}, and connected are ${live.map(nameOf)}`, ...seated);
    for (const [membership, upTo] of ledger.upTo)
      if (!membership.end && upTo < newest)
        say(owed, `${nameOf(membership)} has not heard "${ledger.events.get(upTo + 1)?.key}"`, membership);
  }
  const opened = members.find(({ answer }) => answer?.opening)?.answer?.opening;
  const opening = opened && now ? { ...opened, ...changed(now) } : (opened ?? null);
  return { broken, owed, opening, isOpen: live.length > 0, names: now ? namesIn(now) : [], isUnsure };
}

/** The whole pictures that a member asked for. */
function picturesIn(requests: readonly Request[], membership: Membership) {
  return requests.flatMap(({ question, answer, membership: by }) =>
    by === membership && question.path === `GET /lobbies/${membership.lobbyId}` && answer?.status === 200
      ? [{ at: answer.at, picture: readBy(picture, answer.body) }]
      : [],
  );
}

function changed({ lobbyName, isPublic, maxMembers }: Known) {
  return { lobbyName, isPublic, maxMembers };
}

function nameOf({ answer, player }: Membership): string {
  return `${answer?.name} (${answer?.memberId}, by ${player.clientId})`;
}

function namesIn({ members }: Known): string[] {
  return members.map(({ name }) => name);
}

/** Whether another object than the lobby's holds its connection. */
function isElsewhere({ player, lobbyId }: Membership): boolean {
  return player.holder !== lobbyId;
}

/** Who was there at the same time. */
function witnesses(seated: readonly Membership[], { answer, end }: Membership): Membership[] {
  return seated.filter(
    (other) =>
      other.answer?.picture &&
      other.answer.at < (end?.at ?? Number.POSITIVE_INFINITY) &&
      (other.end?.at ?? Number.POSITIVE_INFINITY) > (answer?.at ?? 0),
  );
}

function* ofStates({ states, events }: Ledger, seated: readonly Membership[]): Generator<string> {
  // Who left and joined again may be another one by name.
  const joinedOnce = (clientId: string) =>
    seated.filter(({ answer }) => answer?.memberId === clientId && !answer.hasResumed).length < 2;
  let before: Known | undefined;
  for (const state of states.values()) {
    const { members, maxMembers, version } = state;
    if (before && before.version + 1 < version) yield* ofGap(before, state, joinedOnce);
    if (members.length > maxMembers) yield `there were ${members.length} members and room for ${maxMembers}`;
    if (new Set(namesIn(state)).size < members.length) yield `two had one name: ${namesIn(state)}`;
    if (new Set(members.map(({ clientId }) => clientId)).size < members.length) yield "one was in twice";
    // Several leave at once, and then somebody follows.
    const isLed = members.some(({ clientId }) => clientId === state.hostId);
    const { method = "" } = events.get(version + 1) ?? {};
    if (!isLed && method !== "" && method !== "lobby_peerDisconnect" && method !== "lobby_hostChanged")
      yield `the host was gone, and ${method} came before another one`;
    before = state;
  }
}

/** What must hold between two times that nobody was there to see. */
function* ofGap(before: Known, then: Known, joinedOnce: (clientId: string) => boolean): Generator<string> {
  if (then.term < before.term) yield `term ${then.term} came after ${before.term}`;
  for (const member of then.members.filter(({ clientId }) => joinedOnce(clientId))) {
    const known = before.members.find(({ clientId }) => clientId === member.clientId);
    if (known && known.name !== member.name) yield `${known.name} was called ${member.name} later`;
  }
}

/** Each term has one host. Who becomes host is connected, if anybody is who knows that there are hosts. */
function* ofHosts({ states, events }: Ledger, seated: readonly Membership[]): Generator<string> {
  const hosts = new Map<number, string>();
  const informed = new Set(seated.flatMap(({ answer }) => (answer?.picture ? [answer.memberId] : [])));
  const plain = new Set(
    seated.flatMap(({ answer }) =>
      answer && !answer.picture && !answer.hasResumed ? [answer.memberId] : [],
    ),
  );
  for (const [version, { term, hostId, members }] of states) {
    const known = hosts.get(term);
    if (known !== undefined && known !== hostId) yield `term ${term} had two hosts`;
    hosts.set(term, hostId);
    if (term > 1 && plain.has(hostId)) yield `a plain client was host of term ${term}`;
    if (events.get(version)?.method !== "lobby_hostChanged") continue;
    const host = members.find(({ clientId }) => clientId === hostId);
    const others = members.filter(({ clientId, isAway }) => !isAway && informed.has(clientId));
    if (host?.isAway && others.length > 0) yield `${host.name} became host, who is away, and others are not`;
  }
}

/** What a member hears of mediations makes sense to it. One that has come back may be in the middle of one. */
function* ofMediations({ heard, answer }: Membership): Generator<string> {
  let stage = answer?.hasResumed ? "any" : "none";
  for (const { message } of heard) {
    switch (message.method) {
      case "ptpMediation_send":
        stage = "gathering";
        break;
      case "ptpMediation_peersConnection_start":
        if (stage !== "gathering" && stage !== "any") yield `is introduced when ${stage}`;
        stage = "connecting";
        break;
      case "ptpMediation_success":
        if (stage !== "connecting" && stage !== "any") yield `is told of a success when ${stage}`;
        stage = "none";
        break;
      case "ptpMediation_aborted":
        if (stage === "none" && message.payload.code !== "left_out")
          yield "is told of an abort when nothing is under way";
        stage = "none";
    }
  }
}

/** Each hears its own chat once and in order, by whichever connection. */
function* ofChat(connections: readonly Membership[], owed: Violation[], lobbyId: string): Generator<string> {
  const same = inOrder(connections);
  const said = same.flatMap((each) => each.said);
  let next = 0;
  for (const { answer, heard, end, player, said: ofThis } of same) {
    const mine = ownChat(heard, answer?.name);
    for (const text of mine) {
      const found = said.findIndex((each, index) => index >= next && each.text === text);
      if (found < 0)
        yield `${answer?.name} heard its own "${text}" twice, out of order, or without having said it`;
      else next = found + 1;
    }
    if (!end && ofThis.some(({ text }) => !mine.includes(text)))
      owed.push({
        sentence: `${answer?.name} in ${lobbyId} has not heard all of its own chat.`,
        players: [player],
      });
  }
}

/** As one member's connections came, one after the other. */
function inOrder(same: readonly Membership[]): Membership[] {
  return same.toSorted((a, b) => (a.answer?.at ?? 0) - (b.answer?.at ?? 0));
}

function ownChat(heard: readonly Heard[], name: string | undefined): string[] {
  return heard.flatMap(({ message: { method, payload } }) => {
    const { senderName, message } = Object(payload.message);
    return method === "lobby_messaging_received" && senderName === name ? [String(message)] : [];
  });
}

/** Milliseconds after which others have heard what one has. */
const lateMs = 5_000;

/** A client that knows Orion alone hears a part of what the others hear, in Orion's words. */
function* ofPlainMembers(
  seated: readonly Membership[],
  ledger: Ledger,
  mayLose: boolean,
): Generator<{ text: string; membership: Membership }> {
  const told = plainKeys([...ledger.states.keys()].flatMap((version) => eventsOfVersion(ledger, version)));
  for (const membership of seated) {
    if (membership.answer?.picture) continue;
    const own = plainKeys(eventsIn(membership.heard.filter(({ at }) => at < Date.now() - lateMs)));
    // With nobody there who knows more, it is the only witness.
    const others = witnesses(seated, membership).filter(
      ({ answer, end }) =>
        (answer?.at ?? 0) < (membership.answer?.at ?? 0) &&
        (end?.at ?? Number.POSITIVE_INFINITY) >= (membership.end?.at ?? Number.POSITIVE_INFINITY) + skewMs,
    );
    // What those who know more have lost on the way, it may have heard.
    const isLossy = mayLose && (isElsewhere(membership) || others.every(isElsewhere));
    const fits = isLossy
      ? isInOrder(
          own.filter((key) => told.includes(key)),
          told,
        )
      : isPart(own, told);
    if (!fits && others.length > 0)
      yield {
        text: `${nameOf(membership)}, a plain client, heard ${own.slice(0, 8)}, which is no part of what others heard`,
        membership,
      };
  }
}

function eventsOfVersion({ events, chat }: Ledger, version: number): LedgerEvent[] {
  const event = events.get(version);
  return [...(event ? [event] : []), ...(chat.get(version) ?? [])];
}

function plainKeys(events: readonly LedgerEvent[]): string[] {
  return events.flatMap((event) => {
    const { method, payload } = event;
    if (method === "lobby_peerConnect") return [`+${payload.peerName}`];
    if (method === "lobby_peerDisconnect") return [`-${payload.peerName}`];
    return isChat(event) ? [JSON.stringify(payload.message)] : [];
  });
}

function isPart(own: readonly string[], all: readonly string[]): boolean {
  for (let from = 0; from + own.length <= all.length; from++)
    if (own.every((key, i) => all[from + i] === key)) return true;
  return false;
}

function isInOrder(own: readonly string[], all: readonly string[]): boolean {
  let next = 0;
  return own.every((key) => {
    next = all.indexOf(key, next) + 1;
    return next > 0;
  });
}

type Sentence = { text: string; concerned: Membership[] };

/** A signal arrives once, in order, from whom it says, and only at whom it is for. */
function* ofSignals(seated: readonly Membership[]): Generator<Sentence> {
  for (const [memberId, same] of Map.groupBy(seated, ({ answer }) => answer?.memberId)) {
    const last = new Map<string, number>();
    for (const membership of inOrder(same)) {
      for (const { message } of membership.heard) {
        if (message.method !== "lobby_signal") continue;
        const { from, data } = message.payload;
        const { by, to, n } = Object(data);
        const concerned = [membership];
        if (by !== from) yield { text: `a signal of ${by} came from ${from}`, concerned };
        if (to !== memberId) yield { text: `a signal for ${to} came to ${memberId}`, concerned };
        const before = last.get(String(from)) ?? 0;
        if (n <= before) yield { text: `signal ${n} of ${from} came after ${before}`, concerned };
        last.set(String(from), Number(n));
      }
    }
  }
}

type Asked = Extract<Entry, { kind: "asked" }>;
type Answered = Extract<Entry, { kind: "answered" }>;
type Request = { membership: Membership; question: Asked; answer: Answered | undefined };

/** What a member asked of its lobby by this connection. */
function requestsOf(membership: Membership, lobbyId: string): Request[] {
  const { player, answer, end } = membership;
  const answers = answersOf(player);
  return player.story.flatMap((entry) => {
    if (entry.kind !== "asked" || !entry.path.includes(`/lobbies/${lobbyId}`)) return [];
    const isIn = entry.at >= (answer?.at ?? 0) && entry.at <= (end?.at ?? Number.POSITIVE_INFINITY);
    return isIn ? [{ membership, question: entry, answer: answers.get(entry.nr) }] : [];
  });
}

function answersOf({ story }: Player): Map<number, Answered> {
  return new Map(story.flatMap((entry) => (entry.kind === "answered" ? [[entry.nr, entry]] : [])));
}

/** Nobody who is banned gets in. */
function* ofBans(seated: readonly Membership[], requests: readonly Request[]): Generator<Sentence> {
  const lifted = requests.filter(({ question: { path } }) => path.startsWith("DELETE "));
  for (const { question, answer, membership } of requests) {
    const { clientId, ban } = question.body;
    if (!question.path.endsWith("/kick") || ban !== true || answer?.status !== 200) continue;
    for (const other of seated) {
      const { memberId, askedAt = 0, at = 0 } = other.answer ?? {};
      if ((memberId !== clientId && other.player.clientId !== clientId) || askedAt <= answer.at) continue;
      const isLifted = lifted.some(
        (each) =>
          each.question.path.endsWith(`/${clientId}`) &&
          each.question.at >= question.at &&
          each.question.at <= at,
      );
      if (!isLifted) yield { text: `${nameOf(other)} got in, and is banned`, concerned: [other, membership] };
    }
  }
}

/** What a host asks in its term is done for that term's host alone, and while the term lasts. */
function* ofTerms(requests: readonly Request[], { states, events }: Ledger): Generator<Sentence> {
  const hosts = new Map(Array.from(states.values(), ({ term, hostId }) => [term, hostId]));
  const changes = [...events.values()].filter(({ method }) => method === "lobby_hostChanged");
  for (const { question, answer, membership } of requests) {
    const { term } = question.body;
    if (answer?.status !== 200 || typeof term !== "number") continue;
    const concerned = [membership];
    const did = `${nameOf(membership)} did ${question.path}`;
    const host = hosts.get(term);
    if (host !== undefined && host !== membership.answer?.memberId)
      yield { text: `${did} as host of term ${term}, which ${host} was`, concerned };
    else if (changes.some(({ at, payload }) => Number(payload.term) > term && at < question.at))
      yield { text: `${did} in term ${term}, which was over`, concerned };
  }
}

/** What is read of the game's state was written, and is never older than what was said to last. */
function* ofSnapshots(requests: readonly Request[]): Generator<Sentence> {
  const of = (method: string) =>
    requests.filter(({ question: { path } }) => path.startsWith(method) && path.endsWith("/snapshot"));
  const written = of("PUT ");
  for (const { question, answer, membership } of of("GET ")) {
    if (answer?.status !== 200) continue;
    const { etag, bytes } = answer.body ?? {};
    const version = Number(/\d+/.exec(String(etag))?.[0]);
    const by = written.filter(({ question: put }) => put.body.bytes === bytes && put.at <= answer.at);
    const concerned = [membership, ...by.map((each) => each.membership)];
    if (by.length === 0)
      yield {
        text: `${nameOf(membership)} read snapshot ${etag}, which nobody wrote: ${String(bytes).slice(0, 40)}`,
        concerned,
      };
    const same = by.find(({ answer }) => answer?.status === 200);
    const told = same && Number(same.answer?.body?.version);
    if (told !== undefined && told !== version)
      yield { text: `the snapshot of version ${told} was read as ${version}`, concerned };
    const durable = written.filter(
      (put) => put.answer?.body?.durable === true && put.answer.at < question.at,
    );
    const least = Math.max(0, ...durable.map((put) => Number(put.answer?.body?.version)));
    if (version < least)
      yield { text: `snapshot ${version} was read, and ${least} was said to last`, concerned };
  }
}

/** Who was removed hears of it in these words. */
function* ofKicks({ events }: Ledger, seated: readonly Membership[]): Generator<Sentence> {
  for (const { method, payload, at } of events.values()) {
    if (method !== "lobby_peerDisconnect" || payload.kicked !== true) continue;
    const removed = seated.find(
      ({ answer, end }) =>
        answer?.memberId === payload.clientId && answer?.picture && end && Math.abs(end.at - at) < skewMs,
    );
    if (removed?.end?.how === "closed")
      yield {
        text: `${nameOf(removed)} was removed, and heard that the lobby is closed`,
        concerned: [removed],
      };
  }
}

/** Methods that Orion does not have. */
const added = new Set([
  "lobby_memberAway",
  "lobby_memberBack",
  "lobby_hostChanged",
  "lobby_changed",
  "lobby_memberChanged",
  "lobby_kicked",
  "lobby_resumedElsewhere",
  "lobby_resumeRefused",
  "lobby_signal",
  "lobby_signalFailed",
  "ptpMediation_progress",
]);

/** A client that has not said that it knows more hears what Orion says. */
export function strangeWords(player: Player): Violation[] {
  if (player.story.some((entry) => entry.kind === "said" && entry.method === "client_features")) return [];
  const strange = player.heard.find(
    ({ method, payload }) =>
      added.has(method) ||
      (method === "lobby_messaging_received" && "version" in payload) ||
      (/^lobby_peer/.test(method) &&
        Object.keys(payload).some((key) => key !== "lobbyId" && key !== "peerName")),
  );
  if (!strange) return [];
  return [
    {
      sentence: `Player ${player.clientId} is a plain client and heard ${strange.method}.`,
      players: [player],
    },
  ];
}
