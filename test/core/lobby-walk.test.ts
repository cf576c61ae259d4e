/** Whatever happens to a lobby, in whatever order, these hold. A failure prints its seed and the shortest way there. */
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sharedLimits } from "../../core/limits.ts";
import { nextOf, wakeAt } from "../../core/lobby/deadlines.ts";
import { readKeptLobby } from "../../core/lobby/kept.ts";
import { lasting } from "../../core/lobby/lasting.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import { isPausing } from "../../core/lobby/newcomers-pause.ts";
import { newcomerPolicy, participants } from "../../core/lobby/policy.ts";
import { rollCall } from "../../core/lobby/roll-call.ts";
import {
  isAway,
  isOver,
  knowing,
  type LobbyState,
  type Member,
  memberOf,
  sessionOf,
  termOf,
  versionOf,
} from "../../core/lobby/state.ts";
import { looksOf } from "../../core/looks.ts";
import { picture as pictureShape } from "../../core/wire/picture.ts";
import { readBy } from "../../measure/kit/wire.ts";
import { isRequest, told } from "./a-lobby.ts";
import { type Taken, take, walk, withoutRestarts } from "./a-walk.ts";

const numRuns = 500;

function always(sentence: string, judge: (taken: Taken) => void): void {
  test(sentence, () => {
    fc.assert(
      fc.property(walk, (happenings) => take(happenings, judge)),
      { numRuns },
    );
  });
}

const kindsOf = ({ effects }: Taken) => effects.map(({ kind }) => kind);
const phaseOf = (state: LobbyState | null) => state?.phase.kind ?? "none";
const isOpen = (state: LobbyState | null): state is LobbyState =>
  state !== null && state.phase.kind !== "closing";

const hasRemoteMembers = ({ members, lobbyId }: LobbyState) =>
  members.some((member) => member.holder !== lobbyId);
const isMediating = ({ phase }: LobbyState) => phase.kind === "gathering" || phase.kind === "connecting";

function deadlines(state: LobbyState | null): number[] {
  const { remindAt, giveUpAt, goOnAt } = { remindAt: [], giveUpAt: [], goOnAt: [], ...state?.phase };
  const untils = state?.away.flatMap(({ until, letGo }) => [until, letGo?.at ?? until]) ?? [];
  return [state?.auditAt ?? [], remindAt, giveUpAt, goOnAt ?? [], untils].flat();
}

/** The state as it is kept: when endpoints were seen is not. */
function durable(state: LobbyState | null): unknown {
  return state && lasting(state);
}

/** How late the first deadline of a mediation was met, in milliseconds. */
const lateness = ({ before, now }: Taken) =>
  before && (before.phase.kind === "gathering" || before.phase.kind === "connecting")
    ? now - nextOf(before.phase)
    : 0;
const hasJumped = (taken: Taken) =>
  taken.event.kind === "deadline-passed" && lateness(taken) > sharedLimits.clockSlackMs;

function recipients({ effects }: Taken): readonly Member[][] {
  return effects.flatMap((effect) =>
    effect.kind === "audit" ? [[...effect.members]] : told(effect).map(({ to }) => [...to]),
  );
}

function methods({ effects }: Taken): string[] {
  return effects.flatMap(told).map(({ method }) => method);
}

always("a lobby never has more members than members", ({ after }) => {
  expect(after?.members.length ?? 0).toBeLessThanOrEqual(after?.maxMembers ?? 0);
});

always("no two members have one name, and nobody sits twice", ({ after }) => {
  const members = after?.members ?? [];
  expect(new Set(members.map(({ name }) => name)).size).toBe(members.length);
  expect(new Set(members.map(({ clientId }) => clientId)).size).toBe(members.length);
});

always("the host has a member for as long as the lobby is open", ({ after }) => {
  if (isOpen(after)) expect(after.members.map(({ clientId }) => clientId)).toContain(after.hostId);
});

always("who follows a host knows the additions, and is connected if one of those is", ({ before, after }) => {
  if (!before || !isOpen(after) || after.hostId === before.hostId) return;
  const able = after.members.filter(({ features }) => features !== undefined);
  const connected = able.filter(({ clientId }) => !after.away.some((one) => one.clientId === clientId));
  const those = connected.length > 0 ? connected : able;
  expect(those.map(({ clientId }) => clientId)).toContain(after.hostId);
});

always(
  "what somebody elsewhere knows of lasts, from then on until the lobby is over",
  ({ before, after }) => {
    if (!after) return;
    const { lifetime, topology, onHostLoss, signals } = after;
    const hasOptions = [lifetime, topology, onHostLoss, signals].some((option) => option !== undefined);
    const mustLast = after.isPublic || after.graceMs > 0 || hasOptions || hasRemoteMembers(after);
    if (mustLast || before?.isLasting) expect(after.isLasting).toBe(true);
    if (before === null) expect(after.isLasting).toBe(mustLast);
  },
);

always("a lobby stays the one that was opened", ({ before, after }) => {
  if (before && after) expect(after.incarnation).toBe(before.incarnation);
});

always("only members are away, each once, and nobody where there is no grace", ({ after }) => {
  const away = after?.away.map(({ clientId }) => clientId) ?? [];
  expect(new Set(away).size).toBe(away.length);
  if (isOpen(after))
    for (const one of away) expect(after.members.map(({ clientId }) => clientId)).toContain(one);
  if (after?.graceMs === 0) expect(away).toEqual([]);
  const plain = after?.members.filter(({ features }) => features === undefined) ?? [];
  for (const { clientId } of plain) expect(away).not.toContain(clientId);
});

always(
  "nothing is said to a member that is away but that the lobby is over, nor is anybody asked for it",
  (taken) => {
    const away = taken.after?.away.map(({ clientId }) => clientId) ?? [];
    for (const effect of taken.effects) {
      const to = effect.kind === "send" ? effect.to : effect.kind === "audit" ? effect.members : [];
      for (const { clientId } of to) expect(away).not.toContain(clientId);
    }
  },
);

always("a member that is away leaves when its time is over, by its own will, or with the lobby", (taken) => {
  const { before, after, event, now } = taken;
  if (!isOpen(before) || !isOpen(after)) return;
  for (const { clientId, until } of before.away) {
    if (after.members.some((member) => member.clientId === clientId)) continue;
    const isLate = event.kind === "deadline-passed" && until <= now;
    const hasLeft = event.kind === "member-left" && event.clientId === clientId;
    const isKicked = event.kind === "kick" && event.memberId === clientId;
    expect(isLate || hasLeft || isKicked || evictedBy(taken).includes(clientId)).toBe(true);
  }
});

always("a member is let go only while it is away, and has all its time from when it was heard", (taken) => {
  const { after, event, effects, now } = taken;
  for (const effect of effects) {
    if (effect.kind !== "let-go") continue;
    for (const { clientId } of effect.to) {
      const absence = after?.away.find((one) => one.clientId === clientId);
      expect(absence?.letGo?.at).toBeGreaterThan(now);
      if (event.kind === "member-heard") expect(absence?.until).toBe(now + (after?.graceMs ?? 0));
    }
  }
});

always("a member that is back is connected, at the object that said so", ({ after, event, answer }) => {
  if (event.kind !== "return" || !answer?.ok || !after) return;
  expect(after.away.map(({ clientId }) => clientId)).not.toContain(event.clientId);
  const member = after.members.find(({ clientId }) => clientId === event.clientId);
  expect(member).toMatchObject({ requestId: event.requestId });
});

always("a mediation neither introduces nor connects a member that is away", (taken) => {
  const { before, after, effects } = taken;
  const isAway = (id: string) => after?.away.some(({ clientId }) => clientId === id);
  for (const effect of effects) {
    if (effect.kind !== "introduce") continue;
    for (const { member } of [effect.host, ...effect.others]) expect(isAway(member.clientId)).toBe(false);
  }
  if (before?.phase.kind !== "connecting" || !methods(taken).includes("ptpMediation_success")) return;
  for (const { clientId } of participants(before, before.phase)) {
    if (!isAway(clientId)) continue;
    // It was left out in this very step.
    expect([before.phase.policy.onLoss, taken.event.kind]).toContain("continue");
  }
});

always("a mediation has at least two players", ({ after }) => {
  if (after?.phase.kind === "gathering" || after?.phase.kind === "connecting") {
    expect(participants(after, after.phase).length).toBeGreaterThanOrEqual(2);
  }
});

always("members keep their order of arrival", ({ before, after }) => {
  const idsOf = (state: LobbyState | null) => state?.members.map(({ clientId }) => clientId) ?? [];
  const stayed = idsOf(before).filter((clientId) => idsOf(after).includes(clientId));
  if (before && after) expect(idsOf(after).slice(0, stayed.length)).toEqual(stayed);
});

always(
  "whoever is told something has a member, or had one just before, and is told once a message",
  (taken) => {
    const members = [...(taken.before?.members ?? []), ...(taken.after?.members ?? [])];
    for (const to of recipients(taken)) {
      for (const member of to) expect(members).toContainEqual(member);
      expect(new Set(to.map(({ clientId }) => clientId)).size).toBe(to.length);
    }
  },
);

always("nobody is told of its own coming or going", ({ effects }) => {
  for (const { payload, to } of effects.flatMap(told)) {
    const { peerName } = payload;
    if (peerName !== undefined) expect(to.map(({ name }) => name)).not.toContain(peerName);
  }
});

always("what must outlive the object is saved, first of all, and nothing is saved for nothing", (taken) => {
  const changed = !isDeepStrictEqual(durable(taken.before), durable(taken.after));
  const saved = kindsOf(taken).includes("save");
  expect(saved).toBe(changed && (saved || !isSavedSoon(taken)));
  if (saved) expect(kindsOf(taken)[0]).toBe("save");
});

/** Only another endpoint is known, of a lobby that is a row, and a reminder saves it before the object can sleep. */
function isSavedSoon({ before, after, now }: Taken): boolean {
  if (!after?.isLasting || before?.phase.kind !== "gathering" || after.phase.kind !== "gathering")
    return false;
  const { seen } = after.phase;
  return (
    after.phase.remindAt <= now + lobbyLimits.awakeMs &&
    isDeepStrictEqual({ ...before, phase: { ...before.phase, seen } }, after)
  );
}

always("all of a lobby lasts, but for when endpoints were seen, and what clients say again", ({ after }) => {
  if (!after) return;
  const again = readKeptLobby(structuredClone(lasting(after)), after.lobbyId);
  if (after.phase.kind !== "gathering") return expect(again).toEqual(after);
  const isAskedAgain = (member: Member | undefined) => member?.features?.includes("ws-relay");
  const seen = Object.entries(after.phase.seen)
    .filter(([id]) => memberOf(after, id) && !isAskedAgain(memberOf(after, id)))
    .map(([id, { observed }]) => [id, { observed, at: 0 }]);
  const { ready: _, ...phase } = after.phase;
  expect(again).toEqual({ ...after, phase: { ...phase, seen: Object.fromEntries(seen) } });
});

always("a lobby that did not change is the same object", ({ before, after }) => {
  if (isDeepStrictEqual(before, after)) expect(after).toBe(before);
});

always("a request is answered, and nothing else is", ({ event, answer }) => {
  expect(answer !== null).toBe(event.kind !== "begun" && isRequest(event));
});

always("a lobby is locked by a mediation whose policy says so, and by nothing else", ({ before, answer }) => {
  if (answer === null || answer.ok || !answer.codes.includes("lobby_locked")) return;
  if (!before || !("policy" in before.phase)) throw new Error("locked by what?");
});

always("a join is refused as locked just when the policy locks", ({ before, event, answer }) => {
  if (event.kind !== "join" || !isOpen(before) || answer?.ok) return;
  const isLocked = "policy" in before.phase && before.phase.policy.locks;
  const codes = answer?.codes ?? [];
  if (codes.includes("lobby_locked")) expect(isLocked).toBe(true);
  if (isLocked) expect(["lobby_locked", "already_in_lobby", "banned", "locked_by_host"]).toContain(codes[0]);
});

always("only those who take part hear of a mediation, and the host of what went wrong", (taken) => {
  const phases = [taken.after?.phase, taken.before?.phase].filter((one) => one && "policy" in one);
  const members = phases.map((phase) => (phase && "policy" in phase ? phase.policy.members : []));
  if (members.length === 0 || members.includes("all")) return;
  for (const { method, to } of taken.effects.flatMap(told)) {
    if (!method.startsWith("ptpMediation_")) continue;
    for (const { clientId } of to) expect(members.flat()).toContain(clientId);
  }
});

always(
  "a mediation that stays leaves the lobby as it was, but for its phase",
  ({ before, after, effects }) => {
    const phase = before?.phase;
    if (phase?.kind !== "connecting" || phase.policy.onSuccess !== "stay") return;
    if (!effects.flatMap(told).some(({ method }) => method === "ptpMediation_success")) return;
    // Newcomers that waited are next.
    if (after?.phase.kind === "gathering") expect(after.phase.policy.newcomers).toBeDefined();
    else expect(after?.phase).toEqual({ kind: "waiting" });
  },
);

always("a refused request changes nothing and is heard by nobody", ({ before, after, effects, answer }) => {
  if (answer === null || answer.ok) return;
  expect(after).toBe(before);
  // The member itself is told of an old key.
  if (!answer.codes.includes("resume_key_used")) expect(effects).toEqual([]);
});

always("a private lobby is never mentioned to the directory", (taken) => {
  if (taken.after?.isPublic === false) {
    expect(kindsOf(taken)).not.toContain("list");
    if (!taken.after.wasPublic) expect(kindsOf(taken)).not.toContain("unlist");
  }
});

always("the directory knows of a public lobby's members, or its end, before anybody else does", (taken) => {
  const { before, after, effects } = taken;
  if (!after?.isPublic) return;
  const first = effects.find(({ kind }) => kind !== "save");
  if (isOpen(before) && !isOpen(after)) expect(first).toEqual({ kind: "unlist" });
  if (isOpen(after) && after.members.length !== (before?.members.length ?? 0)) {
    expect(first).toMatchObject({ kind: "list", lobby: { currentMembers: after.members.length } });
  }
});

const happenings = [
  "member-left",
  "kick",
  "return",
  "members-lost",
  "connection-lost",
  "deadline-passed",
  "connection-reported",
];
/** How a mediation moves on, besides, when it goes on without members. */
const withTheRest = happenings.flatMap((event) => [
  `gathering > connecting by ${event}`,
  `connecting > closing by ${event}`,
]);

/** What else moves a lobby on whose members may be away: the end of their time, and their return. */
const afterGrace = [
  ...["waiting", "gathering", "connecting"].map((phase) => `${phase} > closing by deadline-passed`),
  "gathering > connecting by return",
  "gathering > connecting by kick",
  "connecting > closing by kick",
  "connecting > waiting by kick",
  "connecting > closing by return",
  "connecting > waiting by return",
  // One that is away loses its place to a newcomer.
  ...["gathering", "connecting"].map((phase) => `${phase} > waiting by join`),
  "gathering > connecting by join",
];

/** Whether a mediation is under way that is for newcomers alone. */
const isForNewcomers = (state: LobbyState | null) =>
  state !== null && "policy" in state.phase && state.phase.policy.newcomers !== undefined;
const mediationOf = (state: LobbyState | null) =>
  state && "requestId" in state.phase ? state.phase.requestId : null;

/** Whether a mediation is under way that goes on without members it loses. */
const isGoingOn = ({ phase }: LobbyState) => "policy" in phase && phase.policy.onLoss === "continue";

always("a mediation moves on only for its reason", ({ before, after, event }) => {
  const move = `${phaseOf(before)} > ${phaseOf(after)} by ${event.kind}`;
  // One for newcomers begins by itself, whenever nothing else is under way.
  if (phaseOf(after) === "gathering" && isForNewcomers(after)) return;
  if (move === "connecting > gathering by start") return expect(isForNewcomers(before)).toBe(true);
  if (phaseOf(before) !== phaseOf(after)) {
    expect([
      "none > waiting by open",
      "waiting > gathering by start",
      "waiting > gathering by begun",
      "gathering > connecting by endpoint-seen",
      "gathering > connecting by member-ready",
      // It cannot use UDP, and not all its peers do without.
      "gathering > waiting by member-ready",
      // Some were asked once more, and did not answer.
      "gathering > connecting by deadline-passed",
      "connecting > closing by connection-reported",
      ...["gathering", "connecting"].map((phase) => `${phase} > waiting by connection-reported`),
      ...(before && isGoingOn(before) ? withTheRest : []),
      ...["gathering", "connecting"].flatMap((phase) => [
        `${phase} > waiting by member-left`,
        `${phase} > waiting by members-lost`,
        `${phase} > waiting by connection-lost`,
        `${phase} > waiting by deadline-passed`,
        `${phase} > waiting by stop`,
        `${phase} > waiting by kick`,
        // In a star, newcomers were to be connected to the host before.
        ...(isForNewcomers(before) ? [`${phase} > waiting by hand-over`] : []),
        ...(event.kind === "return" && event.reconnect ? [`${phase} > waiting by return`] : []),
      ]),
      ...["waiting", "gathering", "connecting"].flatMap((phase) => [
        `${phase} > closing by member-left`,
        `${phase} > closing by members-lost`,
        `${phase} > closing by connection-lost`,
      ]),
      ...(before && before.graceMs > 0 ? afterGrace : []),
    ]).toContain(move);
  }
});

/** How many a mediation goes on without. */
const lostIn = (state: LobbyState | null) => (state && "lost" in state.phase ? state.phase.lost.length : 0);

always("players hear that a mediation moves on, or the lobby ends, when it does, and only then", (taken) => {
  const isLoss = ["members-lost", "deadline-passed"].includes(taken.event.kind);
  const lostSome = isLoss && (taken.after?.members.length ?? 0) < (taken.before?.members.length ?? 0);
  const moved = taken.event.kind === "return" && taken.effects.some(({ kind }) => kind === "release");
  const evicted = evictedBy(taken).length > 0;
  const isPlainKicked = taken.event.kind === "kick" && taken.effects.some(({ kind }) => kind === "release");
  const was = phaseOf(taken.before);
  const is = phaseOf(taken.after);
  const [mediation, next] = [mediationOf(taken.before), mediationOf(taken.after)];
  // One for newcomers that follows in the same millisecond may have the same name.
  const isNext = mediation !== next || (was === "connecting" && is === "gathering");
  const ended = mediation !== null && isNext && is !== "closing";
  const succeeded = methods(taken).includes("ptpMediation_success");
  // A start for all takes the place of one for newcomers, and is what they hear of.
  const aborted = ended && !succeeded && taken.event.kind !== "start";
  const phase = taken.after?.phase;
  if (phase?.kind === "waiting" && ended) expect(phase.aborted !== undefined).toBe(aborted);
  // One that is back without its links has asked for that itself.
  const isAsked = taken.event.kind === "return" && taken.event.reconnect === true;
  const lostBefore = mediation === next ? lostIn(taken.before) : 0;
  const leftOut = lostIn(taken.after) > lostBefore && !isAsked;
  const isNobodyAway = (taken.before?.away.length ?? 0) === 0;
  if (leftOut || aborted) {
    // All who took part may have been lost at once: then nobody is left to hear it.
    if (isNobodyAway && someStay(taken) && wasAsked(taken.before))
      expect(methods(taken)).toContain("ptpMediation_aborted");
  } else if (!succeeded && is !== "closing") expect(methods(taken)).not.toContain("ptpMediation_aborted");
  expect(methods(taken).includes("ptpMediation_peersConnection_start")).toBe(
    was === "gathering" && is === "connecting",
  );
  const isGone = methods(taken).some((one) =>
    ["lobby_closed", "lobby_kicked", "lobby_resumedElsewhere"].includes(one),
  );
  expect(isGone).toBe(
    // Members that are lost hear it for themselves, should they be only out of reach.
    lostSome || moved || evicted || isPlainKicked || kindsOf(taken).includes("forget"),
  );
  if (is === "closing" && was !== "closing") expect(methods(taken)).toContain("lobby_closed");
});

/** Whether anybody knows of the mediation: one for newcomers asks for datagrams a moment after it has begun. */
function wasAsked(state: LobbyState | null): boolean {
  const phase = state?.phase;
  if (phase?.kind !== "gathering" || !phase.policy.newcomers) return true;
  return phase.sidecar !== undefined || phase.askedWithoutSidecar === true;
}

/** Those away longest who lost their place: to a newcomer, or because another went away. */
function evictedBy({ before, after, event }: Taken): string[] {
  if (event.kind !== "join" && event.kind !== "connection-lost") return [];
  return (before?.away ?? [])
    .map(({ clientId }) => clientId)
    .filter((id) => !after?.members.some(({ clientId }) => clientId === id));
}

/** Whether some who took part in the mediation before are still connected members. */
function someStay({ before, after }: Taken): boolean {
  if (!before || !("policy" in before.phase)) return false;
  const away = new Set(after?.away.map(({ clientId }) => clientId));
  const stay = new Set(after?.members.map(({ clientId }) => clientId).filter((id) => !away.has(id)));
  return participants(before, before.phase).some(({ clientId }) => stay.has(clientId));
}

always(
  "the term counts hosts: it never falls, and rises by one when another becomes host",
  ({ before, after }) => {
    if (!before || !after) return;
    expect(termOf(after) - termOf(before)).toBe(before.hostId === after.hostId ? 0 : 1);
  },
);

always(
  "the version rises by one with each that comes, goes, leads or changes something, and is told",
  (taken) => {
    const { before, after, effects, event } = taken;
    if (!before || !after || isOver(after)) return;
    const here = ({ members }: LobbyState) => members.map(({ clientId }) => clientId);
    const [then, now] = [here(before), here(after)];
    const stayed = now.filter((clientId) => then.includes(clientId));
    const came = now.length - stayed.length;
    const went = then.length - stayed.length;
    const moved = stayed.filter((clientId) => isAway(before, clientId) !== isAway(after, clientId)).length;
    const led = before.hostId === after.hostId ? 0 : 1;
    const mayChange = ["change", "change-member", "visibility-changed"].includes(event.kind);
    const changed = mayChange && after !== before ? 1 : 0;
    const risen = versionOf(after) - versionOf(before);
    expect(risen).toBe(came + went + moved + led + changed);
    const told = effects.flatMap((effect) =>
      effect.kind === "send" && effect.message.type !== "chat" && "version" in effect.message
        ? [effect.message.version ?? 0]
        : [],
    );
    const numbers = Array.from({ length: risen }, (_, i) => versionOf(before) + 1 + i);
    expect(numbers.filter((number) => told.includes(number))).toEqual(told);
    // Who knows the additions and was there all the time hears of each.
    const hears = knowing(after.members).some(
      ({ clientId }) => stayed.includes(clientId) && !isAway(before, clientId) && !isAway(after, clientId),
    );
    if (hears) expect(told).toEqual(numbers);
  },
);

always(
  "who plays is a member, once, and no newcomer; newcomers wait once, and only where people stay",
  ({ after }) => {
    if (!after) return;
    const { playing = [], newcomers = [], lifetime } = after;
    const players = playing.map(({ clientId }) => clientId);
    expect(new Set([...players, ...newcomers]).size).toBe(players.length + newcomers.length);
    if (isOpen(after))
      for (const one of [...players, ...newcomers]) expect(memberOf(after, one)).toBeDefined();
    if (lifetime === undefined) expect([...players, ...newcomers]).toEqual([]);
  },
);

always("no newcomer waits that could be connected, but for a sidecar", ({ after }) => {
  if (after?.phase.kind !== "waiting" || isPausing(after)) return;
  const { newcomers = [], away } = after;
  const waiting = newcomers.filter((id) => !away.some(({ clientId }) => clientId === id));
  expect(newcomerPolicy(after, waiting)).toBeUndefined();
});

always("newcomers wait for a sidecar only after they were tried without one, or unseen", (taken) => {
  const { before, after, event } = taken;
  const { newcomersPause } = after ?? {};
  if (!newcomersPause || before?.newcomersPause?.until === newcomersPause.until) return;
  // The clock was set back.
  if (before?.newcomersPause?.ms === newcomersPause.ms) return;
  expect(event.kind).toBe("deadline-passed");
  expect(methods(taken)).not.toContain("ptpMediation_send");
  if (before?.phase.kind === "gathering") expect(before.phase.seen).toEqual({});
});

always("one session speaks for one member", ({ after }) => {
  const sessions = after?.members.map(sessionOf) ?? [];
  expect(new Set(sessions).size).toBe(sessions.length);
});

always("where looks count, no two members look the same", ({ after }) => {
  if (!after?.comparesLooks) return;
  const looks = after.members.map(({ name, displayName = name }) => [
    ...new Set([name, displayName].flatMap(looksOf)),
  ]);
  expect(new Set(looks.flat()).size).toBe(looks.flat().length);
});

always("a ban holds until the host lifts it", ({ before, event, after, answer }) => {
  if (!isOpen(before) || !isOpen(after)) return;
  const bans = before.bans ?? [];
  if (event.kind === "join" && bans.some(({ clientId }) => clientId === event.member.clientId)) {
    expect(answer).toMatchObject({ ok: false, codes: ["banned"] });
  }
  const lifted = event.kind === "unban" && answer?.ok ? event.memberId : null;
  for (const { clientId } of bans) {
    if (clientId !== lifted) expect(after.bans?.map((ban) => ban.clientId)).toContain(clientId);
  }
});

always("a session lobby is not closed by a success", ({ after }) => {
  if (after?.phase.kind === "closing" && after.lifetime === "session")
    expect(after.phase.success).toBe(false);
});

const additions = [
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
];

always("what Orion has no word for goes only to clients that know more", ({ effects }) => {
  for (const { method, to } of effects.flatMap(told)) {
    if (!additions.includes(method)) continue;
    for (const { features } of to) expect(features).toBeDefined();
  }
});

always(
  "only clients with the relay over WebSocket are asked to be ready without a sidecar",
  ({ effects }) => {
    for (const effect of effects) {
      if (effect.kind !== "send" || effect.message.type !== "readyWanted") continue;
      for (const { features } of effect.to) expect(features).toContain("ws-relay");
    }
  },
);

always(
  "a member that others removed, or that was lost, is told once; one that went hears nothing",
  (taken) => {
    const { before, after, event, effects } = taken;
    if (!isOpen(before)) return;
    const released = effects.flatMap((effect) =>
      effect.kind === "release" ? effect.to.map(({ clientId }) => clientId) : [],
    );
    const gone = before.members.filter(
      ({ clientId }) => !after || !memberOf(after, clientId) || !isOpen(after),
    );
    const went =
      event.kind === "member-left" || event.kind === "connection-lost" ? [event.clientId] : ([] as string[]);
    const expected = gone.map(({ clientId }) => clientId).filter((id) => !went.includes(id));
    if (event.kind !== "return") expect(released.toSorted()).toEqual(expected.toSorted());
  },
);

always("a picture has every member, and says what is so", ({ after, event, answer }) => {
  if (event.kind !== "look" || !answer?.ok || !after) return;
  const picture = readBy(pictureShape, answer.value);
  expect(picture.members.map(({ clientId }) => clientId)).toEqual(
    after.members.map(({ clientId }) => clientId),
  );
  expect(picture).toMatchObject({ hostId: after.hostId, term: termOf(after), version: versionOf(after) });
  expect(picture.bans !== undefined).toBe(event.clientId === after.hostId);
});

always("an alarm deals with all that is due", ({ after, event, now }) => {
  if (after && event.kind === "deadline-passed") expect(wakeAt(after)).toBeGreaterThan(now);
});

always("only a lobby that need not last, and has no mediation, never wakes", (it) => {
  const { after } = it;
  if (after) expect(Number.isFinite(wakeAt(after))).toBe(after.isLasting || isMediating(after));
  if (isOpen(after)) for (const { until } of after.away) expect(wakeAt(after)).toBeLessThanOrEqual(until);
});

always("a lobby is due because time has passed, never because of what happens to it", (taken) => {
  const { before, after, now } = taken;
  if (after && wakeAt(after) <= now) expect(before && wakeAt(before)).toBeLessThanOrEqual(now);
});

always("an audit asks for all members elsewhere, and for nobody else", ({ after, effects }) => {
  for (const effect of effects) {
    if (effect.kind !== "audit") continue;
    const away = after?.away.map(({ clientId }) => clientId) ?? [];
    expect(effect.members).toEqual(
      after?.members.filter(({ holder, clientId }) => holder !== after.lobbyId && !away.includes(clientId)),
    );
  }
});

always("an audit that is due is made, unless the lobby is over", ({ before, after, event, now, effects }) => {
  if (!isOpen(before) || !isOpen(after) || event.kind !== "deadline-passed" || before.auditAt > now) return;
  const isThere = ({ clientId }: Member) => !before.away.some((one) => one.clientId === clientId);
  if (hasRemoteMembers({ ...before, members: before.members.filter(isThere) }))
    expect(effects.map(({ kind }) => kind)).toContain("audit");
  if (before.isPublic) expect(effects.map(({ kind }) => kind)).toContain("list");
});

always("an audit is put off by nothing but an audit", ({ before, after, event }) => {
  if (!before || !after || event.kind === "deadline-passed") return;
  if (before.isLasting && after.isLasting) expect(after.auditAt).toBeLessThanOrEqual(before.auditAt);
});

always("no deadline is set in the past", ({ before, after, now }) => {
  const set = deadlines(after).filter((deadline) => !deadlines(before).includes(deadline));
  for (const deadline of set) expect(deadline).toBeGreaterThan(now);
});

always(
  "the deadlines of a phase are nowhere but in it, and giving up is put off by nothing but a jump of the clock",
  (taken) => {
    const { before, after } = taken;
    const [was, is] = [before?.phase, after?.phase];
    const timed = is?.kind === "gathering" || is?.kind === "connecting";
    expect(is !== undefined && "giveUpAt" in is).toBe(timed);
    expect(is !== undefined && "remindAt" in is).toBe(is?.kind === "gathering");
    if (was?.kind !== is?.kind || !was || !("giveUpAt" in was) || !is || !("giveUpAt" in is)) return;
    if (was.requestId !== is.requestId) return;
    if (taken.event.kind === "proceed") expect(is.giveUpAt).toBeLessThanOrEqual(was.giveUpAt);
    else if (!hasJumped(taken)) expect(is.giveUpAt).toBe(was.giveUpAt);
    else expect(is.giveUpAt).toBeGreaterThan(taken.now);
  },
);

always("a mediation ends at its deadline, and by no jump of the clock", (taken) => {
  const { before, after, event, now } = taken;
  const phase = before?.phase;
  if (event.kind !== "deadline-passed" || !phase || !("giveUpAt" in phase)) return;
  // Members that did not return in time have left.
  if (before?.away.some(({ until }) => until <= now)) return;
  // Newcomers without a sidecar wait for one.
  if (!wasAsked(before) && isPausing(after ?? {})) return;
  if (hasJumped(taken)) return expect(phaseOf(after)).toBe(phase.kind);
  const isAnother = mediationOf(after) !== null && mediationOf(before) !== mediationOf(after);
  if (phase.giveUpAt <= now) {
    if (isAnother) return expect(isForNewcomers(after)).toBe(true);
    const ends = isGoingOn(before)
      ? ["waiting", { gathering: "connecting", connecting: "closing" }[phase.kind]]
      : ["waiting"];
    expect(ends).toContain(phaseOf(after));
  } else if (
    isAnother ||
    phase.kind === "connecting" ||
    Math.min(phase.goOnAt ?? Infinity, phase.confirmAt ?? Infinity) > now
  ) {
    expect(phaseOf(after)).toBe(phase.kind);
  }
});

always(
  "a reminder goes to everybody that the mediation counts on",
  ({ before, after, event, now, effects }) => {
    if (event.kind !== "deadline-passed" || before?.phase.kind !== "gathering") return;
    const { policy, seen } = before.phase;
    const { present } = rollCall(before, before.phase);
    // In one for newcomers, who was seen a moment ago, or need not be, is not asked again.
    const isFresh = (id: string) =>
      policy.newcomers !== undefined &&
      present.some(({ clientId }) => clientId === id) &&
      Math.abs(now - (seen[id]?.at ?? now)) <= lobbyLimits.observedMs;
    // Those whose time to return is over by then have left.
    const expected = participants(before, before.phase).filter(
      ({ clientId }) =>
        after &&
        memberOf(after, clientId) &&
        !after.away.some((one) => one.clientId === clientId) &&
        !isFresh(clientId),
    );
    for (const { method, to } of effects.flatMap(told)) {
      if (method !== "ptpMediation_send") continue;
      expect(to).toEqual(expected);
      expect(to.length).toBeGreaterThan(0);
    }
  },
);

always("a lobby is plain data: stored and read again, it is the same", ({ after }) => {
  expect(structuredClone(after)).toEqual(after);
});

test("players are introduced at the endpoint they were last seen at in this mediation", () => {
  fc.assert(
    fc.property(walk, (happenings) => {
      let last = new Map<string, unknown>();
      let mediation: string | null = null;
      // A restart loses datagrams, and the next reminder asks for them again.
      take(withoutRestarts(happenings), ({ before, event, after, effects }) => {
        if (phaseOf(before) !== "gathering" || mediationOf(before) !== mediation) last = new Map();
        mediation = mediationOf(before);
        if (event.kind === "endpoint-seen") last.set(event.clientId, event.observed.endpoint);
        if (phaseOf(before) !== "gathering" || phaseOf(after) !== "connecting") return;
        if (after?.phase.kind !== "connecting" || after.phase.policy.topology.kind === "mesh") return;
        const { center } = after.phase.policy.topology;
        const members = participants(after, after.phase);
        const host = members.filter(({ clientId }) => clientId === center);
        const others = members.filter(({ clientId }) => clientId !== center);
        const introductions = effects
          .flatMap(told)
          .filter(({ method }) => method === "ptpMediation_peersConnection_start")
          .map(({ to, payload }) => ({ to, ...payload }));
        expect(introductions).toEqual([
          { to: host, peers: others.flatMap(({ clientId }) => last.get(clientId) ?? []) },
          { to: others, peers: [last.get(center) ?? []].flat() },
        ]);
      });
    }),
    { numRuns },
  );
});

test("the walk gets everywhere: every event happens in every phase", () => {
  const visited = new Set<string>();
  for (const happenings of fc.sample(walk, { numRuns: 1_000, seed: 1 })) {
    take(happenings, ({ before, event }) => visited.add(`${event.kind} in ${phaseOf(before)}`));
  }
  expect(visited.delete("begun in waiting")).toBe(true);
  expect(visited.size).toBe(26 * 5);
});

test("the walk knows every kind of lobby: public and private, with and without members elsewhere", () => {
  const visited = new Set<string>();
  for (const happenings of fc.sample(walk, { numRuns: 1_000, seed: 1 })) {
    take(happenings, ({ after }) => {
      if (!after) return;
      const [listed, members] = [
        after.isPublic ? "public" : "private",
        hasRemoteMembers(after) ? "from afar" : "here",
      ];
      visited.add(`${phaseOf(after)}, ${listed}, ${members}`);
    });
  }
  expect(visited.size).toBe(4 * 2 * 2);
});

test("the walk gets to what is rare: newcomers who are connected, hosts who follow, bans and returns", () => {
  const seen = new Map<string, number>();
  const count = (what: string, isSo: boolean) => isSo && seen.set(what, (seen.get(what) ?? 0) + 1);
  for (const happenings of fc.sample(walk, { numRuns: 1_000, seed: 1 })) {
    take(happenings, (taken) => {
      const { before, after, event, answer } = taken;
      if (!before || !after) return;
      const succeeded = methods(taken).includes("ptpMediation_success");
      count("newcomers connected", isForNewcomers(before) && succeeded);
      count("newcomers begun", isForNewcomers(after) && mediationOf(before) !== mediationOf(after));
      count("newcomers aborted", isForNewcomers(before) && phaseOf(after) === "waiting" && !succeeded);
      count("a start instead", isForNewcomers(before) && event.kind === "start" && answer?.ok === true);
      count("migrated", before.hostId !== after.hostId && event.kind !== "hand-over");
      count("handed over", before.hostId !== after.hostId && event.kind === "hand-over");
      count("banned", answer?.ok === false && answer.codes.includes("banned"));
      count("evicted", evictedBy(taken).length > 0);
      count("signalled", methods(taken).includes("lobby_signal"));
      count("kicked in a mediation", event.kind === "kick" && answer?.ok === true && isMediating(before));
      count("back without links", event.kind === "return" && answer?.ok === true && isForNewcomers(after));
      count("let go", kindsOf(taken).includes("let-go"));
      count("old key", methods(taken).includes("lobby_resumeRefused"));
    });
  }
  expect([...seen].filter(([, times]) => times < 3)).toEqual([]);
  expect(seen.size).toBe(13);
});
