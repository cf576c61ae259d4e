/**
 * The first half of a mediation: every member is asked for a datagram, until the sidecar has seen them all.
 */
import { dialectOf } from "../dialects/names.ts";
import type { Place, Sidecar } from "../fleet.ts";
import type { Observed } from "../mapping.ts";
import type { Timing } from "../settings.ts";
import { abort, leftOut, saved } from "./abort.ts";
import { type Effect, type Introduced, type Introduction, listed, type Step } from "./effect.ts";
import type { LobbyEvent, Witness } from "./event.ts";
import { knowsLinks, mayProbe, needNoSidecar } from "./features.ts";
import { callersOff } from "./griefing.ts";
import { lobbyLimits } from "./limits.ts";
import { withoutPause } from "./newcomers-pause.ts";
import { fitness, isEnough, participants, takesPart } from "./policy.ts";
import { readyOf, unready } from "./ready.ts";
import { withRelays } from "./relays.ts";
import { isOld, isUnseen, rollCall, seenOf } from "./roll-call.ts";
import { isCertain, type Sighting, seenAfter } from "./sighting.ts";
import {
  type Gathering,
  knowing,
  type LobbyState,
  type MediationPolicy,
  type Member,
  mediationId,
  memberOf,
  type Seen,
} from "./state.ts";

/** `sidecar`: none if none is alive. `place`: where the host is. */
type Beginning = {
  requestId: string;
  timing: Timing;
  sidecar: Sidecar | undefined;
  place?: Place | undefined;
  patienceMs?: number | undefined;
};

/**
 * Begins a mediation: all who take part are asked for a datagram, without those who have called off too many.
 * Nothing may be under way, and two at least take part.
 */
export function begin(
  state: LobbyState,
  policy: MediationPolicy,
  { requestId, timing, place, sidecar, patienceMs = timing.ptpmServerConnectTimeoutMs }: Beginning,
  now: number,
): Step<LobbyState> {
  const gathering: Gathering = {
    kind: "gathering",
    requestId,
    began: { at: now, members: 0 },
    policy,
    ...(sidecar && asked(sidecar, undefined)),
    place,
    intervalMs: timing.ptpmConnectRequestIntervalMs,
    connectingMs: timing.ptpmConnectTimeoutMs,
    remindAt: now + timing.ptpmConnectRequestIntervalMs,
    giveUpAt: now + Math.min(patienceMs, timing.ptpmServerConnectTimeoutMs),
    lost: [],
    seen: {},
  };
  const without = callersOff(state, participants(state, gathering), now);
  const rest = { ...gathering, lost: without.map(({ clientId }) => clientId) };
  const isLeavingOut = without.length > 0 && isEnough(policy, participants(state, rest));
  const begun = isLeavingOut ? rest : gathering;
  const to = participants(state, begun);
  const phase = { ...begun, began: { at: now, members: to.length } };
  return {
    state: { ...state, phase },
    effects: [{ kind: "save" }, ...ask(to, sidecar, phase), ...leftOut(isLeavingOut ? without : [])],
  };
}

/**
 * A datagram of a member: its endpoint, the newest one until all are seen, as far as it can be the member's
 * (sighting.ts).
 */
export function see(state: LobbyState, sighting: Sighting, now: number): Step<LobbyState> {
  const { phase } = state;
  const { clientId, observed } = sighting;
  const member = memberOf(state, clientId);
  if (phase.kind !== "gathering" || !member || !isAwaited(state, clientId, sighting))
    return { state, effects: [] };
  const before = seenOf(phase.seen, clientId);
  const isNew = !before || !isSame(before.observed, observed);
  if (!isNew && before.at === now) return { state, effects: [] };
  const taken = seenAfter(before, sighting, member, now);
  if (taken === before) return { state, effects: [] };
  const seen = { ...phase.seen, [clientId]: taken };
  const gathered = { ...state, phase: { ...phase, seen } };
  const told = before === undefined ? progress(gathered, gathered.phase) : [];
  const proceeded = proceed(gathered, now);
  const after = { ...proceeded, effects: [...proceeded.effects, ...told] };
  return isNew && isKeptAtOnce(state, phase, now) ? saved(after) : after;
}

/**
 * Whether a mediation waits for what this sidecar sees of the client. It must be one that the mediation asked: the last, or one before. In a
 * lobby of a dialect it may be any: it is the player's own gateway. A sidecar beside an operator's proxy also gets the datagrams of Orion's
 * clients that it was not named to.
 */
export function isAwaited(
  state: LobbyState,
  clientId: string,
  { sidecar, mediation, atProxy }: Witness,
): boolean {
  const { phase } = state;
  if (phase.kind !== "gathering" || !memberOf(state, clientId) || !takesPart(phase, clientId)) return false;
  if (mediation !== undefined && mediation !== mediationId(phase)) return false;
  // Each of a dialect's gateways sees its own players, and nobody else has their tokens.
  if (dialectOf(state.lobbyId) !== null) return true;
  // Nobody but our own objects says what was seen: one of a version before does not say by whom.
  if (sidecar === undefined) return true;
  if (atProxy && mediation === undefined) return true;
  return sidecar === phase.sidecar || (phase.sidecarsBefore?.includes(sidecar) ?? false);
}

/**
 * Whether an endpoint is kept as soon as it is seen. A row for each would cost more than anything else in a
 * mediation. The next reminder keeps it too, so it need not be if that comes before the object can sleep. Only
 * an object that is reset before then has to ask again. Where there is no row it costs nothing.
 */
function isKeptAtOnce({ isLasting }: LobbyState, { remindAt }: Gathering, now: number): boolean {
  return !isLasting || remindAt > now + lobbyLimits.awakeMs;
}

/**
 * A member hears nothing from its sidecar: remind everybody at once, and name another sidecar if there is
 * one.
 */
export function hasten(
  state: LobbyState,
  { clientId, mediation }: Extract<LobbyEvent, { kind: "silence-reported" }>,
  now: number,
): Step<LobbyState> {
  const { phase } = state;
  if (phase.kind !== "gathering" || mediation !== mediationId(phase)) return { state, effects: [] };
  const isMissing = rollCall(state, phase).missing.some((member) => member.clientId === clientId);
  // A reminder a moment ago is not answered yet; one that is due comes anyway.
  const remindedAt = phase.remindAt - phase.intervalMs;
  if (!isMissing || phase.remindAt <= now + 1 || now < remindedAt + lobbyLimits.silentMs)
    return { state, effects: [] };
  // Not now: what is due is the alarm's.
  return { state: { ...state, phase: { ...phase, remindAt: now + 1 } }, effects: [{ kind: "save" }] };
}

/**
 * Goes on to connecting when everyone is seen. If it was long ago that some were, their routers may have
 * forgotten them: these are asked once more first. Where the mediation may go on without some, it gives those
 * a little longer.
 */
export function proceed(state: LobbyState, now: number): Step<LobbyState> {
  const { phase } = state;
  if (phase.kind !== "gathering") return { state, effects: [] };
  const { present, missing } = rollCall(state, phase);
  if (missing.length === 0) {
    const isStale = present.some(({ clientId }) => isOld(seenOf(phase.seen, clientId), now));
    return isStale ? confirm(state, phase, now) : connect(state, phase, now);
  }
  if (phase.goOnAt !== undefined || !mayGoOn(phase, present)) return { state, effects: [] };
  const goOnAt = now + lobbyLimits.stragglerMs;
  return { state: { ...state, phase: { ...phase, goOnAt } }, effects: [{ kind: "save" }] };
}

/** Members have lost their connections: they are missing, and what was seen of them is old. */
export function miss(state: LobbyState, clientIds: readonly string[], now: number): Step<LobbyState> {
  const { phase } = state;
  if (phase.kind !== "gathering") return { state, effects: [] };
  const old = Object.entries(phase.seen).map(([clientId, seen]): [string, Seen] => [
    clientId,
    clientIds.includes(clientId) ? { ...seen, at: 0 } : seen,
  ]);
  return proceed({ ...state, phase: { ...phase, seen: Object.fromEntries(old) } }, now);
}

/**
 * A member has returned: it may not have heard where to send its datagram, so the next reminder comes at
 * once. A page that was loaded anew has another key.
 */
export function remindSoon(state: LobbyState, clientId: string, now: number): Step<LobbyState> {
  const { phase } = state;
  if (phase.kind !== "gathering") return { state, effects: [] };
  const remindAt = Math.min(phase.remindAt, now + 1);
  return proceed({ ...state, phase: { ...unready(phase, [clientId]), remindAt } }, now);
}

/** Some were seen too long ago to rely on it: asks again now, and does not wait long for the answers. */
function confirm(state: LobbyState, phase: Gathering, now: number): Step<LobbyState> {
  if (phase.confirmAt !== undefined) return { state, effects: [] };
  const remindedAt = phase.remindAt - phase.intervalMs;
  const remindAt =
    now < remindedAt + lobbyLimits.silentMs ? phase.remindAt : Math.min(phase.remindAt, now + 1);
  const confirmAt = now + lobbyLimits.confirmMs;
  return { state: { ...state, phase: { ...phase, remindAt, confirmAt } }, effects: [{ kind: "save" }] };
}

/** Reminders, going on without some, and giving up, as far as their time has come. */
export function advanceGathering(
  state: LobbyState,
  phase: Gathering,
  sidecar: Sidecar | undefined,
  now: number,
): Step<LobbyState> {
  const { expected, present, missing } = rollCall(state, phase);
  // Nobody was asked yet: newcomers wait for a sidecar outside of a mediation, where nobody waits for them.
  const isUnasked =
    phase.policy.newcomers !== undefined &&
    phase.sidecar === undefined &&
    !sidecar &&
    !needNoSidecar(expected);
  if (isUnasked && isUnseen(phase) && phase.remindAt <= now)
    return saved(abort(state, "endpoints_timeout", missing, now));
  const late = phase.goOnAt !== undefined && phase.goOnAt <= now;
  if ((late || phase.giveUpAt <= now) && mayGoOn(phase, present)) return connect(state, phase, now);
  const unconfirmed = phase.confirmAt !== undefined && phase.confirmAt <= now;
  const isComplete = missing.length === 0;
  if (isComplete && (unconfirmed || phase.giveUpAt <= now)) return connect(state, phase, now);
  if (phase.giveUpAt <= now) return saved(abort(state, "endpoints_timeout", missing, now));
  // The object slept, and some are not known any more: the reminder asks them in its time.
  const waiting = {
    ...phase,
    ...(late && { goOnAt: undefined }),
    ...(unconfirmed && { confirmAt: undefined }),
  };
  if (phase.remindAt <= now) return remind(state, waiting, sidecar, now);
  if (late || unconfirmed) return saved({ state: { ...state, phase: waiting }, effects: [] });
  return { state, effects: [] };
}

/** Whether the mediation may go on with those seen. */
function mayGoOn({ policy }: Gathering, present: readonly Member[]): boolean {
  return policy.onLoss === "continue" && isEnough(policy, present);
}

/**
 * All who are seen are introduced. Those not seen are lost, and those who could not use what they are told.
 */
function connect(state: LobbyState, phase: Gathering, now: number): Step<LobbyState> {
  const { present, missing } = rollCall(state, phase);
  const seen = present.map((member) => introduced(state, phase, member));
  const { requestId, began, policy, relay, connectingMs, proceeded, isListed } = phase;
  const { topology } = policy;
  const { fit, unfit } = fitness(state, phase, seen);
  const center = topology.kind === "star" ? topology.center : fit[0]?.member.clientId;
  const host = fit.find(({ member }) => member.clientId === center);
  const isAlone = !isEnough(
    policy,
    fit.map(({ member }) => member),
  );
  if (!host || isAlone || (unfit.length > 0 && policy.onLoss === "abort")) {
    const code = unfit.length > 0 ? "could_not_connect" : "endpoints_timeout";
    return saved(abort(state, code, [...missing, ...unfit], now));
  }
  const others = fit.filter((each) => each !== host);
  const introduction: Introduction = {
    policy: { topology, newcomers: policy.newcomers },
    host,
    others,
    relay: relay && { ...relay, name: relay.name ?? phase.sidecar ?? "" },
    relayOnly: state.relayOnly,
    place: phase.place,
  };
  const lost = [...phase.lost, ...[...missing, ...unfit].map(({ clientId }) => clientId)];
  // Of newcomers, and in a lobby that is over then, nobody tries once more.
  const mayFollow = state.lifetime === "session" && !policy.newcomers && missing.length > 0;
  return {
    state: {
      ...withoutPause(state),
      ...withRelays(state, introduction),
      phase: {
        kind: "connecting",
        requestId,
        began,
        policy,
        giveUpAt: now + connectingMs,
        lookAt: now + lobbyLimits.clockLookMs,
        reported: [],
        via: [],
        lost,
        ...(mayFollow && { late: missing.map(({ clientId }) => clientId) }),
        ...(proceeded !== undefined && { proceeded }),
        ...(isListed && { isListed }),
      },
    },
    effects: [{ kind: "save" }, { kind: "introduce", ...introduction }, ...leftOut([...missing, ...unfit])],
  };
}

function introduced(state: LobbyState, phase: Gathering, member: Member): Introduced {
  const seen = seenOf(phase.seen, member.clientId);
  const { commitment } = readyOf(phase, member.clientId) ?? {};
  return {
    member,
    observed: seen?.observed,
    links: knowsLinks(member.features, seen?.observed, phase.offersLinks ?? false),
    isCertain: seen !== undefined && isCertain(member, seen),
    ...(commitment !== undefined && { commitment }),
    ...(member.features?.includes("ws-relay") && { seat: state.members.indexOf(member) }),
  };
}

/**
 * Asks everybody, those seen too: a router forgets a player after 30 s of silence, and may give it another
 * port. A mediation for newcomers is over by then, so whoever plays is asked once.
 */
function remind(
  state: LobbyState,
  phase: Gathering,
  sidecar: Sidecar | undefined,
  now: number,
): Step<LobbyState> {
  const remindAt = now + phase.intervalMs;
  const { expected, present } = rollCall(state, phase);
  const news = sidecar
    ? asked(sidecar, phase)
    : needNoSidecar(expected) && ({ askedWithoutSidecar: true } as const);
  const next = { ...state, phase: { ...phase, remindAt, ...news } };
  // It takes long enough for people to see it in the list: once.
  const reminded = phase.policy.locks && !phase.isListed ? listed(next) : { state: next, effects: [] };
  const isFresh = (member: Member) =>
    present.includes(member) && !isOld(seenOf(phase.seen, member.clientId), now);
  const to = phase.policy.newcomers ? expected.filter((member) => !isFresh(member)) : expected;
  return {
    state: reminded.state,
    effects: [
      { kind: "save" },
      ...reminded.effects,
      ...ask(to, sidecar, phase, expected),
      ...progress(state, phase, true),
    ],
  };
}

/**
 * The members that take part hear who is awaited: with each reminder, and when only few are. Not with each datagram
 * of a full lobby: that would be 64 times 64 messages. Of a mediation for newcomers only these hear.
 */
export function progress(state: LobbyState, phase: Gathering, isDue = false): Effect[] {
  const { expected, present, missing } = rollCall(state, phase);
  const few = Math.max(1, expected.length / lobbyLimits.fewAwaited);
  if (missing.length === 0 || (!isDue && missing.length > few)) return [];
  const { newcomers } = phase.policy;
  const to = knowing(newcomers ? expected.filter(({ clientId }) => newcomers.includes(clientId)) : expected);
  const ids = (members: readonly Member[]) => members.map(({ clientId }) => clientId);
  const mediation = mediationId(phase);
  const message = {
    type: "mediationProgress",
    mediation,
    seen: ids(present),
    awaited: ids(missing),
  } as const;
  return to.length > 0 ? [{ kind: "send", to, message }] : [];
}

/** Plain data of few fields, always made in the same order. */
function isSame(a: Observed, b: Observed): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * What a mediation remembers of the sidecar its members were sent to. One that knows less leaves what the
 * last one knew.
 */
function asked(
  { name, host, port, secondPort, relays }: Sidecar,
  before: Pick<Gathering, "sidecar" | "sidecarsBefore" | "relay"> | undefined,
): Pick<Gathering, "sidecar" | "sidecarsBefore" | "relay" | "offersLinks"> {
  const others = [
    ...(before?.sidecarsBefore ?? []),
    ...(before?.sidecar === undefined ? [] : [before.sidecar]),
  ];
  const sidecarsBefore = [...new Set(others)]
    .filter((one) => one !== name)
    .slice(-lobbyLimits.sidecarsBefore);
  return {
    sidecar: name,
    ...(sidecarsBefore.length > 0 && { sidecarsBefore }),
    ...(secondPort !== undefined && { offersLinks: true }),
    // Without a name it is that sidecar's: the largest lobby has no room for the same name twice.
    ...(relays && { relay: { host, port } }),
    ...(!relays &&
      before?.relay && { relay: { ...before.relay, name: before.relay.name ?? before.sidecar } }),
  };
}

/**
 * If no sidecar is alive, these are only asked whether they are ready. That is so if `all` who take part can be connected without one.
 * Otherwise nobody is asked: the next reminder may find a sidecar.
 */
function ask(
  to: readonly Member[],
  sidecar: Sidecar | undefined,
  phase: Gathering,
  all: readonly Member[] = to,
): Effect[] {
  if (!sidecar) {
    const message = { type: "readyWanted", mediation: mediationId(phase) } as const;
    return needNoSidecar(all) ? [{ kind: "send", to, message }] : [];
  }
  const { name, port, secondPort, host } = sidecar;
  const message = { type: "endpointWanted", mediation: mediationId(phase), host, port, secondPort } as const;
  // Only a sidecar that knows the additions has a second port.
  if (secondPort === undefined) return [{ kind: "send", to, message }];
  const probing = to.filter(({ features }) => mayProbe(features));
  const plain = to.filter((member) => !probing.includes(member));
  const effects: Effect[] = [];
  if (probing.length > 0)
    effects.push({ kind: "ask", to: probing, message, sidecar: name, expiresAt: phase.giveUpAt });
  if (plain.length > 0) effects.push({ kind: "send", to: plain, message });
  return effects;
}
