/** Checks: when each is due, what an answer proves, and when silence means that a path has died. */
import { roll } from "./dice.ts";
import { candidateInUse, type Draft, note, placeOf } from "./draft.ts";
import { linkLimits } from "./limits.ts";
import { takeCheckNumber } from "./numbers.ts";
import type { Candidate, LinkState } from "./state.ts";
import { unprovenAt } from "./unproven.ts";

/** When a candidate is to be checked next; infinity for never. */
export function checkAt(state: Pick<LinkState, "phase">, candidate: Readonly<Candidate>): number {
  const { confirmed, left, kind, checkedAt, unanswered, heardAt } = candidate;
  if (!confirmed) return left > 0 ? candidate.checkAt : Number.POSITIVE_INFINITY;
  if (isInUse(state, candidate)) {
    const steady = checkedAt + (unanswered === 0 ? linkLimits.steadyCheckMs : linkLimits.silenceMs);
    return Math.min(steady, Math.max(heardAt + linkLimits.silenceMs, checkedAt + linkLimits.quickCheckMs));
  }
  if (kind !== "relay") return Number.POSITIVE_INFINITY;
  return checkedAt + (unanswered === 0 ? linkLimits.standbyMs : linkLimits.silenceMs);
}

/** When a confirmed path is taken for dead unless something happens; infinity for never. */
export function deadAt(state: Pick<LinkState, "phase">, candidate: Readonly<Candidate>): number {
  const { confirmed, kind, checkedAt, unanswered, heardAt } = candidate;
  if (!confirmed) return Number.POSITIVE_INFINITY;
  if (isInUse(state, candidate)) {
    if (unanswered >= linkLimits.oneWayChecks) return checkedAt + linkLimits.quickCheckMs;
    if (unanswered < linkLimits.deadChecks) return Number.POSITIVE_INFINITY;
    return Math.max(heardAt + linkLimits.deadMs, checkedAt + linkLimits.quickCheckMs);
  }
  if (kind !== "relay") return heardAt + linkLimits.standbyMs;
  return unanswered >= linkLimits.deadChecks ? checkedAt + linkLimits.silenceMs : Number.POSITIVE_INFINITY;
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
    if (candidate.origin !== "observed" && candidate.heardAt === Number.NEGATIVE_INFINITY) continue;
    candidate.left = Math.max(candidate.left, checks);
    candidate.paced = 0;
    candidate.checkAt = draft.now;
  }
}

/** Direct paths are not looked for any more, but where the peer is heard. */
export function stopChecks(draft: Draft): void {
  for (const candidate of draft.candidates) {
    if (candidate.kind !== "relay" && !candidate.confirmed) candidate.left = 0;
  }
}

/** Takes a path for dead. */
export function bury(draft: Draft, candidate: Candidate): void {
  if (candidate === candidateInUse(draft)) note(draft, `died: ${placeOf(candidate)}`);
  candidate.confirmed = false;
  candidate.unanswered = 0;
  candidate.left = 0;
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
