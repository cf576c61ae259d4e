/** One run of gathering every member's endpoint and letting the members connect to the host. */
import type { Endpoint } from "../endpoint.ts";
import type { Sidecar } from "../fleet.ts";
import { type AbortCode, abortReasons, accept, type ProblemCode, refuse } from "../problem.ts";
import { serverMessage } from "../wire/server-message.ts";
import { close } from "./closing.ts";
import type { Effect, Step } from "./effect.ts";
import type { LobbyEvent } from "./event.ts";

import { type Gathering, isLocked, type LobbyState, seatOf } from "./state.ts";

type StartRequest = Extract<LobbyEvent, { kind: "start-requested" }>;

export function start(state: LobbyState, request: StartRequest, now: number): Step<LobbyState> {
  const { attempt, sidecar, timing, place } = request;
  if ("attempt" in state.phase && state.phase.attempt === attempt) {
    return { state, effects: [{ kind: "answer", outcome: accept(null) }] };
  }
  const problem = whyNot(state, request);
  if (problem || !sidecar) {
    return { state, effects: [{ kind: "answer", outcome: refuse(problem ?? "no_sidecar") }] };
  }

  const phase: Gathering = {
    kind: "gathering",
    attempt,
    sidecar: sidecar.name,
    place,
    intervalMs: timing.ptpmConnectRequestIntervalMs,
    connectingMs: timing.ptpmConnectTimeoutMs,
    remindAt: now + timing.ptpmConnectRequestIntervalMs,
    giveUpAt: now + timing.ptpmServerConnectTimeoutMs,
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
export function see(state: LobbyState, clientId: string, endpoint: Endpoint, now: number): Step<LobbyState> {
  const { phase } = state;
  if (phase.kind !== "gathering" || !seatOf(state, clientId)) return { state, effects: [] };
  const before = endpointOf(phase.seen, clientId);
  if (before?.ip === endpoint.ip && before.port === endpoint.port) return { state, effects: [] };
  const seen = { ...phase.seen, [clientId]: endpoint };
  const gathered = { ...state, phase: { ...phase, seen } };
  return state.seats.every((seat) => endpointOf(seen, seat.clientId))
    ? connect(gathered, phase, seen, now)
    : { state: gathered, effects: [] };
}

function connect(
  state: LobbyState,
  { attempt, connectingMs }: Gathering,
  seen: Gathering["seen"],
  now: number,
): Step<LobbyState> {
  const host = state.seats.filter((seat) => seat.clientId === state.hostId);
  const others = state.seats.filter((seat) => seat.clientId !== state.hostId);
  const introduce = (to: typeof host, peers: typeof host): Effect => ({
    kind: "send",
    to,
    frame: serverMessage("ptpMediation_peersConnection_start", {
      peers: peers.flatMap(({ clientId }) => endpointOf(seen, clientId) ?? []),
    }),
  });
  return {
    state: { ...state, phase: { kind: "connecting", attempt, giveUpAt: now + connectingMs, reported: [] } },
    effects: [{ kind: "save" }, introduce(host, others), introduce(others, host)],
  };
}

/** A client chooses no id, but `__defineGetter__` would be one. */
function endpointOf(seen: Gathering["seen"], clientId: string): Endpoint | undefined {
  return Object.hasOwn(seen, clientId) ? seen[clientId] : undefined;
}

/** A member says it is connected to its peers. When all have said so, the lobby has done its work. */
export function report(state: LobbyState, clientId: string): Step<LobbyState> {
  const { phase } = state;
  if (phase.kind !== "connecting" || !seatOf(state, clientId) || phase.reported.includes(clientId)) {
    return { state, effects: [] };
  }
  const reported = [...phase.reported, clientId];
  if (reported.length === state.seats.length) return close(state, true);
  return { state: { ...state, phase: { ...phase, reported } }, effects: [{ kind: "save" }] };
}

/** Reminders, and giving up, as far as their time has come. */
export function advance(state: LobbyState, sidecar: Sidecar | undefined, now: number): Step<LobbyState> {
  const { phase } = state;
  if (phase.kind === "gathering") {
    if (phase.giveUpAt <= now) return saved(abort(state, "endpoints_timeout"));
    if (phase.remindAt <= now) return remind(state, phase, sidecar, now);
  }
  if (phase.kind === "connecting" && phase.giveUpAt <= now) return saved(abort(state, "connecting_timeout"));
  return { state, effects: [] };
}

function remind(
  state: LobbyState,
  phase: Gathering,
  sidecar: Sidecar | undefined,
  now: number,
): Step<LobbyState> {
  const remindAt = now + phase.intervalMs;
  const reminded = { ...state, phase: { ...phase, remindAt, sidecar: sidecar?.name ?? phase.sidecar } };
  const to = state.seats.filter((seat) => !endpointOf(phase.seen, seat.clientId));
  const sends: Effect[] = sidecar ? [{ kind: "send", to, frame: sendRequest(sidecar) }] : [];
  return { state: reminded, effects: [{ kind: "save" }, ...sends] };
}

/** The end of a mediation that is under way: the lobby is as it was before. Without one, nothing. */
export function abort(state: LobbyState, code: AbortCode): Step<LobbyState> {
  if (state.phase.kind !== "gathering" && state.phase.kind !== "connecting") return { state, effects: [] };
  const frame = serverMessage("ptpMediation_aborted", { abortReason: abortReasons[code], code });
  return {
    state: { ...state, phase: { kind: "waiting" } },
    effects: [{ kind: "send", to: state.seats, frame }],
  };
}

function saved({ state, effects }: Step<LobbyState>): Step<LobbyState> {
  return { state, effects: [{ kind: "save" }, ...effects] };
}

function sendRequest({ port, host }: Sidecar): string {
  return serverMessage("ptpMediation_send", { port, host });
}
