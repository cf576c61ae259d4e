/** How mediations end, for an operator who counts them. */
import { type Cause, causes } from "../link/cause.ts";
import { type AbortCode, abortReasons } from "../problem.ts";
import type { LobbyEvent } from "./event.ts";
import { type LifeLine, lifeLines } from "./life.ts";
import type { LobbyRequest } from "./request.ts";
import { isMediating, type LobbyState } from "./state.ts";

/**
 * By the weakest path of any of its members, when they said that they were connected. `direct`: within a network, too. `unsaid`: some of them
 * know only the Orion protocol, which does not say.
 */
export const outcomeKinds = ["direct", "relayed", "unsaid", "failed"] as const;
export type OutcomeKind = (typeof outcomeKinds)[number];

/** Why a mediation has failed, or why it needs a relay. */
export type OutcomeCause = Cause | AbortCode;
/** All of them. */
export const outcomeCauses: ReadonlySet<string> = new Set([
  ...Object.keys(causes),
  ...Object.keys(abortReasons),
]);

/** `why`: each cause once; none if nobody has said any. `leftOut`: members that it went on without. */
export type Outcome = { kind: OutcomeKind; why: readonly OutcomeCause[]; leftOut: number };

/** What the members of a mediation have said so far of why they are not connected, or not directly. */
export type Explained = { readonly unreached: ReadonlySet<Cause>; readonly relayed: ReadonlySet<Cause> };
export const nothingExplained: Explained = { unreached: new Set(), relayed: new Set() };

/** The same, with what a member says in its report. */
export function explainedBy(before: Explained, input: LobbyRequest | LobbyEvent): Explained {
  if (input.kind !== "connection-reported") return before;
  const { connected, report } = input;
  const unreached = report.peers.flatMap(({ path, cause }) => (path === null && cause ? [cause] : []));
  const relayed = report.peers.flatMap(({ path, cause }) => (path !== null && cause ? [cause] : []));
  if (!connected && report.cause) unreached.push(report.cause);
  if (unreached.length + relayed.length === 0) return before;
  return {
    unreached: new Set([...before.unreached, ...unreached]),
    relayed: new Set([...before.relayed, ...relayed]),
  };
}

/** How mediations ended by what led from one state to the other: hardly ever more than one. */
export function outcomesOf(
  before: LobbyState | null,
  input: LobbyRequest | LobbyEvent,
  after: LobbyState | null,
  explained: Explained,
  now: number,
): Outcome[] {
  if (before === null || after === null || !isMediating(before)) return [];
  const lines = lifeLines(before, input, after, now);
  const leftOut = lines.filter(({ event }) => event === "member_left_out").length;
  const ended = lines.flatMap((line) => endOf(line, explained));
  const [first, ...more] = ended;
  // It ended with its lobby.
  if (!first && after.phase.kind === "closing") {
    const why = input.kind === "operator-close" ? "stopped" : "member_left";
    return [{ kind: "failed", why: [why], leftOut: 0 }];
  }
  return first ? [{ ...first, leftOut }, ...more] : [];
}

function endOf(line: LifeLine, { unreached, relayed }: Explained): Outcome[] {
  if (line.event === "mediation_aborted")
    return [{ kind: "failed", why: unreached.size > 0 ? [...unreached] : [line.code], leftOut: 0 }];
  if (line.event !== "members_connected") return [];
  const { via } = line;
  if (via.relay) return [{ kind: "relayed", why: [...relayed], leftOut: 0 }];
  return [{ kind: via.unknown ? "unsaid" : "direct", why: [], leftOut: 0 }];
}
