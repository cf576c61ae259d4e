/**
 * A member says that it is ready for a mediation. One that cannot use UDP is ready without an endpoint, if all its peers can be reached
 * by the relay over WebSocket. Otherwise it cannot be connected, and that is what its client would report.
 */
import { report } from "./connecting.ts";
import type { Step } from "./effect.ts";
import type { LobbyEvent } from "./event.ts";
import { proceed, progress } from "./gathering.ts";
import { isPaired, participants, takesPart } from "./policy.ts";
import { outOfReachWithoutUdp, readyOf } from "./ready.ts";
import { rollCall, seenOf } from "./roll-call.ts";
import { type LobbyState, type Member, mediationId, memberOf, type Ready } from "./state.ts";

type Readiness = Extract<LobbyEvent, { kind: "member-ready" }>;

/** What was said once holds for the mediation: its first commitment, and that it has no UDP. */
export function takeReady(state: LobbyState, event: Readiness, now: number): Step<LobbyState> {
  const { phase } = state;
  const { clientId, mediation } = event;
  const member = memberOf(state, clientId);
  if (
    phase.kind !== "gathering" ||
    !member ||
    !takesPart(phase, clientId) ||
    mediation !== mediationId(phase)
  )
    return { state, effects: [] };
  const before = readyOf(phase, clientId);
  const ready = readyAfter(before, event, member);
  if (ready.udp === false && seenOf(phase.seen, clientId) === undefined) {
    const unreached = outOfReachWithoutUdp(phase.policy, participants(state, phase), member);
    if (unreached.length > 0) return withoutUdp(state, event, unreached, now);
  }
  if (before?.udp === ready.udp && before?.commitment === ready.commitment) return { state, effects: [] };
  const readied = { ...state, phase: { ...phase, ready: { ...phase.ready, [clientId]: ready } } };
  const isMissing = (of: LobbyState) =>
    of.phase.kind === "gathering" && rollCall(of, of.phase).missing.includes(member);
  const told = isMissing(state) && !isMissing(readied) ? progress(readied, readied.phase) : [];
  const proceeded = proceed(readied, now);
  return { ...proceeded, effects: [...proceeded.effects, ...told] };
}

function readyAfter(before: Ready | undefined, { udp, commitment }: Readiness, { features }: Member): Ready {
  const noUdp = before?.udp ?? udp;
  const first = before?.commitment ?? (features?.includes("encrypted") ? commitment : undefined);
  return { ...(noUdp === false && { udp: noUdp }), ...(first !== undefined && { commitment: first }) };
}

/**
 * It cannot be connected to these: the same as if it had reported so. The center of a star goes on with those that it reaches. They are
 * all that it names: nobody is blamed for its network.
 */
function withoutUdp(
  state: LobbyState,
  { clientId, mediation }: Readiness,
  unreached: readonly Member[],
  now: number,
): Step<LobbyState> {
  const { phase } = state;
  if (phase.kind !== "gathering") return { state, effects: [] };
  const peers = participants(state, phase)
    .filter((one) => isPaired(phase.policy, clientId, one.clientId) && !unreached.includes(one))
    .map((one) => ({ clientId: one.clientId, path: "websocket" as const, cause: null }));
  const failure = { cause: "no-udp", peers } as const;
  const failed = { kind: "connection-reported", clientId, connected: false, mediation } as const;
  return report(state, { ...failed, report: failure }, now);
}
