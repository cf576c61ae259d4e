/**
 * Channels: sockets that the shell opens, and opens again, by itself. To the ladder an open channel is one more candidate. It costs nothing
 * while it is not in use, so it stays confirmed by a check now and then, as the relay does: there it is when all else dies.
 */
import { newCandidate } from "./candidates.ts";
import { trigger } from "./checks.ts";
import { candidateInUse, type Draft, note } from "./draft.ts";
import { linkLimits } from "./limits.ts";
import { type ChannelName, channelEnd, isChannel, type PathKind } from "./path.ts";
import type { Candidate } from "./state.ts";

/** Packets may go through it: it is checked at once. Said again, it has the peer at its end again, or is of another kind now. */
export function takeOpened(draft: Draft, local: ChannelName, kind: PathKind): void {
  const before = draft.candidates.find((candidate) => candidate.local === local);
  if (before?.kind !== kind) note(draft, `${local} open: ${kind}`);
  const candidate =
    before ??
    newCandidate({ kind, remote: channelEnd, origin: "channel", left: 0 }, local, draft.nextId++, draft.now);
  if (!before) draft.candidates.push(candidate);
  const isMoved = before !== undefined && before.kind !== kind;
  candidate.kind = kind;
  if (!draft.openChannels.includes(local)) draft.openChannels = [...draft.openChannels, local];
  // The game is told what kind of path it is on.
  if (isMoved && candidate === candidateInUse(draft)) {
    draft.effects.push({ kind: "use-path", path: { kind, local, remote: channelEnd } });
  }
  trigger(draft, candidate, linkLimits.relayChecks);
}

/** Nothing goes through it any more. False if it was not open. */
export function takeClosed(draft: Draft, local: ChannelName): boolean {
  if (!draft.openChannels.includes(local)) return false;
  draft.openChannels = draft.openChannels.filter((open) => open !== local);
  for (const candidate of draft.candidates) {
    if (candidate.local !== local) continue;
    candidate.left = 0;
    // Dead at once, by way of `buryTheDead`, which does what follows.
    if (candidate.confirmed) candidate.unanswered = linkLimits.oneWayChecks;
    candidate.checkedAt = Math.min(candidate.checkedAt, draft.now - linkLimits.silenceMs);
  }
  return true;
}

/** The network may have changed under a channel that is silent: the shell sees whether another socket does better. */
export function reopenWhenSilent(draft: Draft, { local, unanswered, confirmed }: Readonly<Candidate>): void {
  if (confirmed && isChannel(local) && unanswered === linkLimits.reopenChecks) {
    draft.effects.push({ kind: "reopen-channel", local });
  }
}
