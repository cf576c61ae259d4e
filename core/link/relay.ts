/** Our end of the relay: bound at once, again until the peer is there, and from then on kept bound. */

import { type RelayCode, relayCodes } from "../relay/ticket.ts";
import { trigger } from "./checks.ts";
import { candidateInUse, type Draft, note } from "./draft.ts";
import { linkLimits } from "./limits.ts";
import type { Relay } from "./state.ts";

/** A relay that is to be bound at once. */
export function newRelay(now: number): Relay {
  return { bound: false, peer: false, tries: 0, bindAt: now, answered: false, refused: false };
}

/** Binds, if it is time. */
export function bindWhenDue(draft: Draft): void {
  const { relay, now } = draft;
  if (!relay || now < relay.bindAt) return;
  draft.effects.push({ kind: "bind-relay" });
  const inUse = candidateInUse(draft);
  const most = inUse && inUse.kind !== "relay" ? linkLimits.relayRefreshMs : linkLimits.relayRetryMostMs;
  const wait = Math.min(most, linkLimits.relayRetryMs * 2 ** Math.min(relay.tries, 10));
  draft.relay = { ...relay, tries: relay.tries + 1, bindAt: now + wait };
}

/** The relay has bound our end: with the peer there, the path through it is checked at once. */
export function takeBound(draft: Draft, peer: boolean): void {
  const { relay, now } = draft;
  if (!relay) return;
  if (!relay.bound) note(draft, "relay bound");
  // Without the peer it is asked for again, as the tries go: the relay does not tell when the peer comes.
  const rest = peer ? { tries: 0, bindAt: now + linkLimits.relayRefreshMs } : {};
  draft.relay = { ...relay, bound: true, peer, answered: true, refused: false, ...rest };
  const candidate = draft.candidates.find(({ kind }) => kind === "relay");
  if (peer && candidate) trigger(draft, candidate, linkLimits.relayChecks);
}

/** The relay does not carry the link, for good or for now. */
export function takeRefusal(draft: Draft, code: RelayCode): void {
  const { relay, now } = draft;
  if (!relay) return;
  if (!relay.refused) note(draft, `relay refused: ${relayCodes[code]}`);
  draft.relay = {
    ...relay,
    bound: false,
    peer: false,
    answered: true,
    refused: true,
    bindAt: isFinal(code)
      ? Number.POSITIVE_INFINITY
      : Math.max(relay.bindAt, now + linkLimits.relayRetryMostMs),
  };
}

/** Binds soon, unless there is no sense in it: the relay may have forgotten us. */
export function bindAgain(draft: Draft): void {
  const { relay, now } = draft;
  if (relay && Number.isFinite(relay.bindAt)) draft.relay = { ...relay, tries: 0, bindAt: now };
}

/** Binds with the ticket that is new, at once. What the relay said of the one before says nothing of it. */
export function takeTicket(draft: Draft): void {
  const { relay, now } = draft;
  if (relay) draft.relay = { ...relay, refused: false, tries: 0, bindAt: now };
}

/** Whether the relay will never carry the link. */
export function isHopeless(relay: Relay | null): boolean {
  return relay === null || relay.bindAt === Number.POSITIVE_INFINITY;
}

/** What is over with the ticket, and cannot be had by asking again. */
function isFinal(code: RelayCode): boolean {
  return code === "ticket_expired" || code === "ticket_superseded" || code === "bytes" || code === "lifetime";
}
