/** One run of gathering every member's endpoint and letting the members connect to the host. */
import type { Sidecar } from "../fleet.ts";
import { limits } from "../limits.ts";
import type { Sighting } from "../mapping.ts";
import { type AbortCode, abortReasons, accept, type ProblemCode, refuse } from "../problem.ts";
import { serverMessage } from "../wire/server-message.ts";
import { close } from "./closing.ts";
import type { Effect, Step } from "./effect.ts";
import type { LobbyEvent } from "./event.ts";
import { type Gathering, isLocked, type LobbyState, type Seat, seatOf } from "./state.ts";

type StartRequest = Extract<LobbyEvent, { kind: "start-requested" }>;
type Report = Extract<LobbyEvent, { kind: "connection-reported" }>;

export function start(state: LobbyState, request: StartRequest, now: number): Step<LobbyState> {
  const { attempt, sidecar, timing, place } = request;
  if ("attempt" in state.phase && state.phase.attempt === attempt) {
    return { state, effects: [{ kind: "answer", outcome: accept(null) }] };
  }
  const problem = whyNot(state, request);
  if (problem || !sidecar || (state.relayOnly && !sidecar.relays)) {
    return { state, effects: [{ kind: "answer", outcome: refuse(problem ?? "no_sidecar") }] };
  }

  const phase: Gathering = {
    kind: "gathering",
    attempt,
    ...asked(sidecar),
    place,
    intervalMs: timing.ptpmConnectRequestIntervalMs,
    connectingMs: timing.ptpmConnectTimeoutMs,
    remindAt: now + timing.ptpmConnectRequestIntervalMs,
    giveUpAt: now + timing.ptpmServerConnectTimeoutMs,
    lost: [],
    seen: {},
  };
  return {
    state: { ...state, phase },
    effects: [
      { kind: "save" },
      { kind: "answer", outcome: accept(null) },
      { kind: "send", to: state.seats, frame: sendRequest(sidecar) },
    ],
  };
}

function whyNot(state: LobbyState, { clientId }: StartRequest): ProblemCode | null {
  if (isLocked(state)) return "lobby_locked";
  if (state.seats.length < 2) return "too_few_members";
  if (state.hostId !== clientId) return "not_the_host";
  return null;
}

/** A datagram of a member: its endpoint, the newest one until all are seen. */
export function see(state: LobbyState, clientId: string, sighting: Sighting, now: number): Step<LobbyState> {
  const { phase } = state;
  if (phase.kind !== "gathering" || !seatOf(state, clientId) || phase.lost.includes(clientId)) {
    return { state, effects: [] };
  }
  const before = sightingOf(phase.seen, clientId);
  if (before && isSame(before, sighting)) return { state, effects: [] };
  const seen = { ...phase.seen, [clientId]: sighting };
  return proceed({ ...state, phase: { ...phase, seen } }, now);
}

/** Goes on to connecting if everyone is seen; where it may do without some, it gives those a little longer. */
function proceed(state: LobbyState, now: number): Step<LobbyState> {
  const { phase } = state;
  if (phase.kind !== "gathering") return { state, effects: [] };
  if (rollCall(state, phase).missing.length === 0) return connect(state, phase, now);
  if (phase.goOnAt !== undefined || !isEnough(state, phase)) return { state, effects: [] };
  const goOnAt = now + limits.stragglerMs;
  return { state: { ...state, phase: { ...phase, goOnAt } }, effects: [{ kind: "save" }] };
}

/** Whether the mediation may go on with those seen. */
function isEnough(state: LobbyState, phase: Gathering): boolean {
  const { present } = rollCall(state, phase);
  return state.goesOn && present.length > 1 && hasHost(state, present);
}

/** Everyone seen is told of the host, and the host of them. Those not seen are lost. */
function connect(state: LobbyState, phase: Gathering, now: number): Step<LobbyState> {
  const { present, missing } = rollCall(state, phase);
  const introduced = present.flatMap((seat) => {
    const sighting = sightingOf(phase.seen, seat.clientId);
    return sighting ? [{ seat, sighting }] : [];
  });
  const host = introduced.find(({ seat }) => seat.clientId === state.hostId);
  if (!host || introduced.length < 2) return saved(abort(state, "endpoints_timeout"));
  const others = introduced.filter((each) => each !== host);
  const { attempt, relay, connectingMs } = phase;
  const lost = [...phase.lost, ...missing.map(({ clientId }) => clientId)];
  return {
    state: {
      ...state,
      phase: { kind: "connecting", attempt, giveUpAt: now + connectingMs, reported: [], lost },
    },
    effects: [
      { kind: "save" },
      { kind: "introduce", host, others, relay, relayOnly: state.relayOnly },
      ...leftOut(missing, "endpoints_timeout"),
    ],
  };
}

function rollCall(state: LobbyState, { seen, lost }: Gathering): { present: Seat[]; missing: Seat[] } {
  const expected = state.seats.filter(({ clientId }) => !lost.includes(clientId));
  return {
    present: expected.filter(({ clientId }) => sightingOf(seen, clientId)),
    missing: expected.filter(({ clientId }) => !sightingOf(seen, clientId)),
  };
}

/** A client chooses no id, but `__defineGetter__` would be one. */
function sightingOf(seen: Gathering["seen"], clientId: string): Sighting | undefined {
  return Object.hasOwn(seen, clientId) ? seen[clientId] : undefined;
}

/** Plain data of few fields, always made in the same order. */
function isSame(a: Sighting, b: Sighting): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** A member says that it is connected to its peers, or cannot be. When all have said so, the lobby has done its work. */
export function report(state: LobbyState, event: Report, now: number): Step<LobbyState> {
  const { phase } = state;
  const { clientId, connected } = event;
  const seat = seatOf(state, clientId);
  if (!seat || !("lost" in phase) || phase.lost.includes(clientId)) return { state, effects: [] };
  if (phase.kind === "gathering" ? connected : phase.reported.includes(clientId))
    return { state, effects: [] };
  return tell(explain(state, seat, event), takeReport(state, event, now));
}

function takeReport(
  state: LobbyState,
  { clientId, connected, report }: Report,
  now: number,
): Step<LobbyState> {
  if (connected) return finish(withReported(state, clientId));
  if (!state.goesOn) return saved(abort(state, "could_not_connect"));
  if (clientId !== state.hostId) return goOnWithout(state, [clientId], "could_not_connect", now);
  // The host is one end of every pair: those it names are lost, and it goes on with the rest.
  const named = report.peers.filter(({ path }) => path === null).map((peer) => peer.clientId);
  const gone = report.cause === null && named.length > 0 ? named : idsOf(state);
  return goOnWithout(withReported(state, clientId), gone, "could_not_connect", now);
}

function withReported(state: LobbyState, clientId: string): LobbyState {
  const { phase } = state;
  if (phase.kind !== "connecting") return state;
  return { ...state, phase: { ...phase, reported: [...phase.reported, clientId] } };
}

/** The host is told what there is to explain: a pair that is not connected, or not directly. */
function explain(state: LobbyState, { clientId, name }: Seat, { connected, report }: Report): Effect[] {
  const silent = connected && report.cause === null && report.peers.every(({ cause }) => cause === null);
  const host = seatOf(state, state.hostId);
  if (silent || !host || clientId === state.hostId) return [];
  const frame = serverMessage("ptpMediation_report", { clientId, name, ...report });
  return [{ kind: "send", to: [host], frame }];
}

/** The mediation goes on without these, if enough are left; else it ends. */
function goOnWithout(
  state: LobbyState,
  clientIds: readonly string[],
  why: AbortCode,
  now: number,
): Step<LobbyState> {
  const { phase } = state;
  if (!("lost" in phase)) return { state, effects: [] };
  const gone = state.seats.filter(
    (seat) => clientIds.includes(seat.clientId) && !phase.lost.includes(seat.clientId),
  );
  if (gone.length === 0 && phase.kind === "gathering") return { state, effects: [] };
  const lost = [...phase.lost, ...gone.map(({ clientId }) => clientId)];
  const left = state.seats.filter(({ clientId }) => !lost.includes(clientId));
  if (left.length < 2 || !hasHost(state, left)) return saved(abort(state, why));
  return tell(leftOut(gone, why), onward({ ...state, phase: { ...phase, lost } }, now));
}

/** Has something told before all else, but not before it is saved, nor before the directory knows. */
function tell(first: readonly Effect[], { state, effects }: Step<LobbyState>): Step<LobbyState> {
  const at = effects.findIndex(({ kind }) => kind !== "save" && kind !== "unlist");
  return { state, effects: effects.toSpliced(at < 0 ? effects.length : at, 0, ...first) };
}

/** Somebody less is waited for: perhaps that was the last. */
function onward(state: LobbyState, now: number): Step<LobbyState> {
  if (state.phase.kind !== "gathering") return finish(state);
  const { state: after, effects } = proceed(state, now);
  return saved({ state: after, effects });
}

function finish(state: LobbyState): Step<LobbyState> {
  const { phase } = state;
  const done =
    phase.kind === "connecting" &&
    state.seats.every(({ clientId }) => phase.reported.includes(clientId) || phase.lost.includes(clientId));
  return done ? close(state, true) : saved({ state, effects: [] });
}

/** Members have left in the middle of a mediation: it ends, or goes on with the rest. `state` is without them. */
export function afterLeaving(state: LobbyState, now: number): Step<LobbyState> {
  const { phase } = state;
  if (!("lost" in phase)) return { state, effects: [] };
  const left = state.seats.filter(({ clientId }) => !phase.lost.includes(clientId));
  return state.goesOn && left.length > 1 ? onward(state, now) : abort(state, "member_left");
}

/** Reminders, and giving up, as far as their time has come. */
export function advance(state: LobbyState, sidecar: Sidecar | undefined, now: number): Step<LobbyState> {
  const { phase } = state;
  if (phase.kind === "gathering") {
    const late = phase.goOnAt !== undefined && phase.goOnAt <= now;
    if ((late || phase.giveUpAt <= now) && isEnough(state, phase)) return connect(state, phase, now);
    if (phase.giveUpAt <= now) return saved(abort(state, "endpoints_timeout"));
    const waiting = late ? { ...phase, goOnAt: undefined } : phase;
    if (phase.remindAt <= now) return remind(state, waiting, sidecar, now);
    // Those seen were forgotten with the object's memory: they are reminded in their time.
    if (late) return saved({ state: { ...state, phase: waiting }, effects: [] });
  }
  if (phase.kind === "connecting" && phase.giveUpAt <= now) {
    const late = idsOf(state).filter((id) => !phase.reported.includes(id));
    return state.goesOn
      ? goOnWithout(state, late, "connecting_timeout", now)
      : saved(abort(state, "connecting_timeout"));
  }
  return { state, effects: [] };
}

function remind(
  state: LobbyState,
  phase: Gathering,
  sidecar: Sidecar | undefined,
  now: number,
): Step<LobbyState> {
  const remindAt = now + phase.intervalMs;
  const reminded = { ...state, phase: { ...phase, remindAt, ...(sidecar && asked(sidecar)) } };
  const to = rollCall(state, phase).missing;
  const sends: Effect[] = sidecar ? [{ kind: "send", to, frame: sendRequest(sidecar) }] : [];
  return { state: reminded, effects: [{ kind: "save" }, ...sends] };
}

/** The end of a mediation that is under way: the lobby is as it was before. Without one, nothing. */
export function abort(state: LobbyState, code: AbortCode): Step<LobbyState> {
  const { phase } = state;
  if (!("lost" in phase)) return { state, effects: [] };
  // Those left out have heard that it is over for them.
  const to = state.seats.filter(({ clientId }) => !phase.lost.includes(clientId));
  return { state: { ...state, phase: { kind: "waiting" } }, effects: leftOut(to, code) };
}

function leftOut(to: readonly Seat[], code: AbortCode): Effect[] {
  if (to.length === 0) return [];
  const frame = serverMessage("ptpMediation_aborted", { abortReason: abortReasons[code], code });
  return [{ kind: "send", to, frame }];
}

function saved({ state, effects }: Step<LobbyState>): Step<LobbyState> {
  return {
    state,
    effects: effects.some(({ kind }) => kind === "save") ? effects : [{ kind: "save" }, ...effects],
  };
}

function hasHost({ hostId }: LobbyState, seats: readonly Seat[]): boolean {
  return seats.some(({ clientId }) => clientId === hostId);
}

function idsOf({ seats }: LobbyState): string[] {
  return seats.map(({ clientId }) => clientId);
}

/** What a mediation remembers of the sidecar its members were sent to. */
function asked({ name, host, port, relays }: Sidecar): Pick<Gathering, "sidecar" | "relay"> {
  return { sidecar: name, relay: relays ? { host, port } : undefined };
}

function sendRequest({ port, secondPort, host }: Sidecar): string {
  const ports = secondPort === undefined ? {} : { ports: [port, secondPort] };
  return serverMessage("ptpMediation_send", { port, ...ports, host });
}
