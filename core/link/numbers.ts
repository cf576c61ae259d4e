/**
 * The numbers of checks. They go up, and a peer sees those that come to it. Were the next ones known by that, a peer could forge
 * answers of a third party, which it never hears: the third party would be taken for a path of the peer's, and get the whole game.
 * So a check to an address that may be a third party's has a number that nobody can foretell, before or after: some numbers are
 * skipped before it, and some after it.
 */
import { isSameEndpoint } from "../endpoint.ts";
import type { LinkConfig } from "./config.ts";
import type { Draft } from "./draft.ts";
import { isChannel } from "./path.ts";
import type { Candidate } from "./state.ts";

/** The next number for a check or a farewell. */
export function takeNumber(draft: Draft): number {
  draft.number += 1;
  return draft.number;
}

/** The next number for a check of this candidate. */
export function takeCheckNumber(draft: Draft, candidate: Readonly<Candidate>): number {
  const { config } = draft;
  if (isPeersOwn(config, candidate)) return takeNumber(draft);
  draft.number += config.skipAfter(draft.number);
  const number = takeNumber(draft);
  draft.number += config.skipAfter(number);
  return number;
}

/** Whether only the peer, and who is on the way, can hear what is sent there: whoever shares its address has other ports. */
function isPeersOwn({ peer }: LinkConfig, { kind, local, remote }: Readonly<Candidate>): boolean {
  if (kind === "relay" || isChannel(local)) return true;
  return peer.proven && peer.endpoint !== null && isSameEndpoint(remote, peer.endpoint);
}
