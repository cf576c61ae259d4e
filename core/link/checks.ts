/** Checks: when each is due, what an answer proves, and when silence means that a path has died. */
import { roll } from "./dice.ts";
import { candidateInUse, type Draft, note, placeOf } from "./draft.ts";
import { linkLimits } from "./limits.ts";
import { takeCheckNumber } from "./numbers.ts";
import { isChannel } from "./path.ts";
import type { Candidate, LinkState } from "./state.ts";
import { unprovenAt } from "./unproven.ts";

/** When a candidate is to be checked next; infinity for never. */
export function checkAt(
  state: Pick<LinkState, "phase" | "candidates">,
  candidate: Readonly<Candidate>,
): number {
  const { confirmed, left, checkedAt, unanswered, heardAt } = candidate;
  if (!confirmed) return left > 0 ? candidate.checkAt : Number.POSITIVE_INFINITY;
  if (isInUse(state, candidate)) {
    const steady = checkedAt + (unanswered === 0 ? linkLimits.steadyCheckMs : linkLimits.silenceMs);
    const quickMs = unanswered > 1 ? linkLimits.silentCheckMs : linkLimits.quickCheckMs;
    return Math.min(steady, Math.max(heardAt + linkLimits.silenceMs, checkedAt + quickMs));
  }
  if (!isStandby(candidate)) return Number.POSITIVE_INFINITY;
  const silent = silentPath(state);
  // The one in use may be about to die: it is good to know whether there is another.
  if (silent) {
    return hasOutlived(candidate, silent)
      ? Math.max(heardAt, checkedAt) + linkLimits.silenceMs
      : checkedAt + linkLimits.silentCheckMs;
  }
  return checkedAt + (unanswered === 0 ? linkLimits.standbyMs : linkLimits.silenceMs);
}

/** When a confirmed path is taken for dead unless something happens; infinity for never. */
export function deadAt(
  state: Pick<LinkState, "phase" | "candidates">,
  candidate: Readonly<Candidate>,
): number {
  const { confirmed, checkedAt, unanswered, heardAt } = candidate;
  if (!confirmed) return Number.POSITIVE_INFINITY;
  if (isInUse(state, candidate)) {
    if (unanswered < linkLimits.deadChecks) return Number.POSITIVE_INFINITY;
    const silentAt = Math.max(
      heardAt + silenceToDeath(state, candidate),
      checkedAt + linkLimits.silentCheckMs,
    );
    const isOneWay = unanswered >= linkLimits.oneWayChecks;
    return isOneWay ? Math.min(silentAt, checkedAt + linkLimits.quickCheckMs) : silentAt;
  }
  if (!isStandby(candidate)) return heardAt + linkLimits.standbyMs;
  // No packets go to it for a second and a half, only to find that it has died with the one before.
  const waitMs = silentPath(state) ? linkLimits.quickCheckMs : linkLimits.silenceMs;
  return unanswered >= linkLimits.deadChecks ? checkedAt + waitMs : Number.POSITIVE_INFINITY;
}

/** Checks a candidate, and puts its next check off. */
export function sendCheck(draft: Draft, candidate: Candidate): void {
  const { now } = draft;
  const isFirst = draft.number === 0;
  const number = takeCheckNumber(draft, candidate);
  const { local, remote } = candidate;
  if (isFirst) note(draft, `first check sent: ${placeOf(candidate)}`);
  const { worth } = candidate;
  const unproven = unprovenAt(draft.config, candidate, worth);
  candidate.worth = "rest";
  draft.effects.push({ kind: "send", packet: "check", number, local, remote, ...(unproven && { unproven }) });
  candidate.awaited = [...candidate.awaited, { number, at: now, worth }].slice(-linkLimits.awaitedChecks);
  candidate.unanswered += 1;
  candidate.checkedAt = now;
  if (candidate.confirmed) return;
  candidate.left -= 1;
  candidate.paced += 1;
  candidate.checkAt = now + pace(draft, candidate.paced);
}

/** A check was not sent after all: the candidate has it again, a little later. False if there is no such check. */
export function takeBack(draft: Draft, number: number): boolean {
  const candidate = draft.candidates.find(({ awaited }) => awaited.some((check) => check.number === number));
  const check = candidate?.awaited.find((check) => check.number === number);
  if (!candidate || !check || candidate.confirmed) return false;
  if (candidate.worth === "rest") candidate.worth = check.worth;
  candidate.awaited = candidate.awaited.filter((check) => check.number !== number);
  candidate.unanswered -= 1;
  candidate.left += 1;
  candidate.paced -= 1;
  candidate.checkAt = draft.now + linkLimits.withheldMs;
  return true;
}

/** Takes an answer to one of the last checks; false if it answers none. */
export function takeAnswer(draft: Draft, candidate: Candidate, number: number): boolean {
  const check = candidate.awaited.find((check) => check.number === number);
  if (!check) return false;
  // Earlier ones that are not answered yet no longer matter, later ones do.
  candidate.awaited = candidate.awaited.filter((check) => check.number > number);
  confirm(draft, candidate, draft.now - check.at);
  return true;
}

/** The path works both ways. */
export function confirm(draft: Draft, candidate: Candidate, roundTripMs: number): void {
  if (!candidate.confirmed) note(draft, `confirmed in ${Math.round(roundTripMs)} ms: ${placeOf(candidate)}`);
  candidate.confirmed = true;
  candidate.unanswered = 0;
  candidate.roundTripMs = roundTripMs;
  candidate.heardAt = draft.now;
}

/** A packet came over it: if it is not confirmed it is checked, at once and a few times more. */
export function trigger(draft: Draft, candidate: Candidate, checks: number): void {
  if (candidate.confirmed) return;
  candidate.left = Math.max(candidate.left, checks);
  // One that has just left may yet be answered: a packet that was doubled is no reason for two.
  candidate.checkAt = Math.min(
    candidate.checkAt,
    Math.max(draft.now, candidate.checkedAt + linkLimits.checkMs / 4),
  );
}

/** Tries all candidates again that ever showed a sign of life, or that the sidecar told. */
export function checkAgain(draft: Draft, checks: number): void {
  for (const candidate of draft.candidates) {
    if (candidate.confirmed || candidate.kind === "relay") continue;
    if (isChannel(candidate.local) && !draft.openChannels.includes(candidate.local)) continue;
    if (candidate.origin !== "observed" && candidate.heardAt === Number.NEGATIVE_INFINITY) continue;
    candidate.left = Math.max(candidate.left, checks);
    candidate.paced = 0;
    candidate.checkAt = draft.now;
  }
}

/** Direct paths are not looked for any more, but where the peer is heard. */
export function stopChecks(draft: Draft): void {
  for (const candidate of draft.candidates) {
    if (!isStandby(candidate) && !candidate.confirmed) candidate.left = 0;
  }
}

/** Takes a path for dead. */
export function bury(draft: Draft, candidate: Candidate): void {
  if (candidate === candidateInUse(draft)) note(draft, `died: ${placeOf(candidate)}`);
  candidate.confirmed = false;
  candidate.unanswered = 0;
  candidate.left = 0;
}

/** Whether it is kept as a standby, and checked now and then: no NAT forgets it. */
export function isStandby({ kind, local }: Readonly<Candidate>): boolean {
  return kind === "relay" || isChannel(local);
}

/** Whether a path was heard since the other fell silent: so the network is there, and the other path is not. */
export function hasOutlived(path: Readonly<Candidate>, silent: Readonly<Candidate>): boolean {
  return path.confirmed && path.heardAt >= silent.heardAt + linkLimits.silenceMs;
}

/** Milliseconds of silence after which the path in use is dead: fewer if another one has outlived it, and two round trips to answer at least. */
function silenceToDeath(state: Pick<LinkState, "candidates">, inUse: Readonly<Candidate>): number {
  if (!state.candidates.some((other) => other !== inUse && hasOutlived(other, inUse)))
    return linkLimits.deadMs;
  const answersMs = linkLimits.silenceMs + 2 * (inUse.roundTripMs ?? 0);
  return Math.min(Math.max(linkLimits.outlivedMs, answersMs), linkLimits.deadMs);
}

/** The path in use, if it does not answer. */
export function silentPath(state: Pick<LinkState, "phase" | "candidates">): Readonly<Candidate> | null {
  const { phase } = state;
  if (phase.kind !== "linked") return null;
  return state.candidates.find(({ id, unanswered }) => id === phase.inUse && unanswered > 1) ?? null;
}

function isInUse({ phase }: Pick<LinkState, "phase">, { id }: Readonly<Candidate>): boolean {
  return phase.kind === "linked" && phase.inUse === id;
}

/** Milliseconds to the next check: apart from those of other links, and slowing down. */
function pace(draft: Draft, sent: number): number {
  const rolled = roll(draft.dice);
  draft.dice = rolled.dice;
  return linkLimits.checkMs * 2 ** Math.min(2, Math.floor(sent / 10)) * (0.9 + 0.2 * rolled.value);
}
