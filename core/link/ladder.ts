/** Which path is used, and when the search for a better one, or for any, is over. */
import { pathKinds } from "../wire/path-kinds.ts";
import type { Cause } from "./cause.ts";
import { bury, checkAgain, deadAt, hasOutlived, isStandby, stopChecks } from "./checks.ts";
import type { LinkConfig } from "./config.ts";
import { candidateInUse, type Draft, note } from "./draft.ts";
import { linkLimits } from "./limits.ts";
import { isStraight, type PathKind } from "./path.ts";
import { endProbing, isProbing, keepSocket } from "./probing.ts";
import { bindAgain, isHopeless } from "./relay.ts";
import { type Candidate, type LinkState, pathInUse, pathOf } from "./state.ts";

/** The rungs: the lowest is the best. */
const rankOf = (kind: PathKind) => pathKinds.indexOf(kind);

/** Buries the paths that have died, and does what follows for the one in use. */
export function buryTheDead(draft: Draft): void {
  const inUse = candidateInUse(draft);
  for (const candidate of draft.candidates) {
    if (draft.now >= deadAt(draft, candidate)) bury(draft, candidate);
  }
  if (!inUse || inUse.confirmed) return;
  buryTheSilent(draft, inUse);
  lookAround(draft);
}

/** Moves to the best path there is, if that is not the one in use. */
export function choose(draft: Draft): void {
  const inUse = candidateInUse(draft);
  const best = draft.candidates
    .filter(({ confirmed }) => confirmed)
    .reduce<Candidate | null>((best, next) => (best && !isBetter(draft, next, best) ? best : next), null);
  if (best) {
    if (best !== inUse) use(draft, best);
  } else if (draft.phase.kind === "linked") {
    note(draft, "no path left");
    draft.phase = { kind: "seeking", giveUpAt: draft.now + linkLimits.graceMs };
  }
}

/** Settles, or ends, if there is nothing more to wait for. */
export function conclude(draft: Draft): void {
  const { phase, now } = draft;
  if (phase.kind === "seeking") {
    if (now >= phase.giveUpAt) end(draft, "path-lost");
    return;
  }
  const inUse = candidateInUse(draft);
  if (draft.directUntil !== null && now >= draft.directUntil) draft.directUntil = null;
  const looksOn = draft.directUntil !== null || isProbing(draft.probing);
  if (!inUse) {
    if (phase.kind !== "connecting" || looksOn) return;
    const isHope = !isHopeless(draft.relay) || draft.config.channels.length > 0;
    if (now >= giveUpAt(draft, phase) || !isHope) end(draft, failure(draft));
    return;
  }
  if (draft.settled) return;
  if (isStraight(inUse.kind) ? !isLanOpen(draft, inUse) : !looksOn) {
    draft.settled = true;
    if (!isStraight(inUse.kind)) stopChecks(draft);
    draft.effects.push({ kind: "settle", cause: causeInUse(draft) });
  }
}

/** Why the path in use is not direct, as far as it is known by now; null if it is, or if there is none. */
export function causeInUse(state: LinkState): Cause | null {
  const kind = pathInUse(state)?.kind;
  if (kind === undefined || isStraight(kind)) return null;
  if (state.config.relayOnly) return "relay-only";
  if (state.settled || isFutile(state.config)) return directCause(state);
  return "not-yet-direct";
}

/**
 * Closes the sockets that were opened to be found, but for one. Where the peer has found another than the one it was found by
 * first, that is the one: else each would use a path that the other gives up.
 */
export function closeSocketsWhenDue(draft: Draft): void {
  const { probing, now } = draft;
  if (probing.kind !== "lingering" || now < probing.at) return;
  draft.probing = { kind: "over" };
  const inUse = candidateInUse(draft);
  if (typeof inUse?.local !== "number") {
    keepSocket(draft, null);
    return;
  }
  const called = draft.candidates
    .filter(({ local, confirmed }) => typeof local === "number" && confirmed)
    .reduce((a, b) => (b.calledAt > a.calledAt ? b : a), inUse);
  if (called !== inUse) use(draft, called);
  keepSocket(draft, called.local);
}

/** Ends the link; nothing is done for it from then on. */
export function end(draft: Draft, cause: Cause | null): void {
  endProbing(draft);
  if (draft.sockets.kept !== null) keepSocket(draft, null);
  draft.phase = { kind: "ended" };
  draft.effects.push({ kind: "end", cause });
}

/** When `conclude` may have something to say by itself; infinity for never. */
export function concludeAt(state: LinkState): number {
  const { phase, directUntil, settled, probing } = state;
  switch (phase.kind) {
    case "connecting":
      return directUntil ?? (isProbing(probing) ? Number.POSITIVE_INFINITY : giveUpAt(state, phase));
    case "linked":
      return settled ? Number.POSITIVE_INFINITY : (directUntil ?? Number.POSITIVE_INFINITY);
    case "seeking":
      return phase.giveUpAt;
    case "closing":
    case "ended":
      return Number.POSITIVE_INFINITY;
  }
}

/** When a link that has had no path yet is given up: later while a channel leads to the peer, whose program may be busy. */
function giveUpAt(
  { openChannels }: Pick<LinkState, "openChannels">,
  connecting: { giveUpAt: number },
): number {
  return connecting.giveUpAt + (openChannels.length > 0 ? linkLimits.graceMs : 0);
}

/** The path in use has died. Where another has outlived it, those that have not may be as dead: they are not used until they answer. */
function buryTheSilent(draft: Draft, dead: Candidate): void {
  if (!draft.candidates.some((other) => hasOutlived(other, dead))) return;
  for (const other of draft.candidates) if (other.confirmed && !hasOutlived(other, dead)) bury(draft, other);
}

/** The path in use has died: the network may have changed, so that all the others are worth a try again. */
function lookAround(draft: Draft): void {
  checkAgain(draft, linkLimits.observedChecks);
  draft.recheckAt = draft.now + linkLimits.recheckMs;
  if (!draft.candidates.some(({ kind, confirmed }) => kind === "relay" && confirmed)) bindAgain(draft);
}

function use(draft: Draft, candidate: Candidate): void {
  draft.phase = { kind: "linked", inUse: candidate.id };
  // What it missed as a standby is not held against it.
  candidate.unanswered = 0;
  draft.effects.push({ kind: "use-path", path: pathOf(candidate) });
  note(draft, `in use: ${candidate.kind}`);
  if (!isStraight(candidate.kind)) return;
  draft.recheckAt = Number.POSITIVE_INFINITY;
  // No worse path, and no other of this kind, is looked for; those the peer checks are still answered.
  for (const other of draft.candidates) {
    if (rankOf(other.kind) >= rankOf(candidate.kind) && !isStandby(other) && !other.confirmed) other.left = 0;
  }
  endProbing(draft);
  if (typeof draft.sockets.kept === "number" && candidate.local !== draft.sockets.kept)
    keepSocket(draft, null);
}

/** Of one kind, the path in use stays, unless it is silent and the peer was heard elsewhere: then it has moved. */
function isBetter(draft: Draft, next: Candidate, than: Candidate): boolean {
  if (next.kind !== than.kind) return rankOf(next.kind) < rankOf(than.kind);
  const inUse = candidateInUse(draft);
  const isSilent =
    inUse !== null && inUse.unanswered > 1 && inUse.heardAt <= draft.now - linkLimits.silenceMs;
  if (than === inUse) return isSilent && next.heardAt > than.heardAt;
  if (next === inUse) return !isSilent || next.heardAt >= than.heardAt;
  return next.heardAt > than.heardAt;
}

/** Whether the path within a shared network may yet be confirmed, which is better than any other. */
function isLanOpen(draft: Draft, inUse: Candidate): boolean {
  if (inUse.kind === "lan" || draft.directUntil === null) return false;
  return draft.candidates.some(({ kind, confirmed, left }) => kind === "lan" && !confirmed && left > 0);
}

/** Why nothing works. */
function failure(draft: Draft): Cause {
  const { relay, config, candidates } = draft;
  const mayRelay = relay !== null || config.channels.includes("ws");
  if (!mayRelay && config.relayOnly) return "relay-only";
  if (relay?.refused || draft.channelRefused) return "relay-refused";
  const hasAnswered = relay?.answered || candidates.some(({ local }) => local === "ws");
  if (mayRelay && !hasAnswered) return "relay-unreachable";
  return draft.config.relayOnly ? "no-packets-received" : directCause(draft);
}

/** Whether it is known from the first moment that nothing straight can come. */
function isFutile(config: LinkConfig): boolean {
  if (isBothDependent(config)) return true;
  return !config.channels.includes("rtc") && (config.noUdp !== null || config.peer.endpoint === null);
}

/** Whether no port can be guessed: whatever is sent comes from one that the other end does not know. */
export function isBothDependent({ you, peer }: LinkConfig): boolean {
  return you?.mapping === "endpoint-dependent" && peer.mapping === "endpoint-dependent";
}

/** Why no direct path works. A peer that was told without an endpoint has no UDP. */
function directCause({ config, heardDirectly, probing }: LinkState): Cause {
  if (config.noUdp !== null) return config.noUdp;
  if (config.peer.endpoint === null) return "no-udp";
  if (isBothDependent(config)) return "both-endpoint-dependent";
  if (heardDirectly) return "one-way";
  return probing.kind === "over" ? "ports-not-guessed" : "no-packets-received";
}
