/** How many signals pass in a lobby: a bound for each member that sends, and one for each that gets them. */
import { type Bucket, draw, fill, newBucket, type Rate } from "../../core/allowance.ts";
import { type LobbyState, memberOf } from "../../core/lobby/state.ts";
import { objectLimits } from "./limits.ts";

type Signal = { from: string; to: string; data: unknown };

/**
 * The host of a groovejet room answers each guest by one long signal, and all may come at once: it may send as much as it may be sent. Hosts of
 * other lobbies have candidates trickle.
 */
function sendingOf({ awaitsHost, hostId, members }: LobbyState, from: string): Rate {
  const { signalBurst: burst, signalsPerSecond: perSecond, signalsHeardBurst } = objectLimits;
  if (!awaitsHost || from !== hostId) return { burst, perSecond };
  const times = Math.max(1, (members.length * signalsHeardBurst) / burst);
  return { burst: burst * times, perSecond: perSecond * times };
}

/** Bytes that count as one signal. */
const bytesPerSignal = 1024;

/** In memory alone: a lobby that slept was silent. */
export class SignalAllowance {
  readonly #senders = new Map<string, Bucket>();
  readonly #receivers = new Map<string, Bucket>();

  /** Whether one more passes. Those of members that are gone are forgotten when there are twice as many as members. */
  allows(lobby: LobbyState, { from, to, data }: Signal, now: number): boolean {
    const members = lobby.members.length;
    const weight = Math.max(1, JSON.stringify(data).length / bytesPerSignal);
    const { signalsHeardBurst, signalsHeardPerSecond } = objectLimits;
    const hearing = { burst: signalsHeardBurst * members, perSecond: signalsHeardPerSecond * members };
    const sending = sendingOf(lobby, from);
    const sender = bucketOf(this.#senders, from, sending, members, now);
    fill(sender, sending, now);
    // Nobody's share is spent on what does not pass.
    if (sender.left < weight) return false;
    // Receivers that are made up must not have those that there are forgotten.
    const receiver = memberOf(lobby, to) && bucketOf(this.#receivers, to, hearing, members, now);
    return (!receiver || draw(receiver, hearing, now, weight)) && draw(sender, sending, now, weight);
  }
}

function bucketOf(
  buckets: Map<string, Bucket>,
  name: string,
  rate: Rate,
  members: number,
  now: number,
): Bucket {
  const known = buckets.get(name);
  if (known) return known;
  if (buckets.size >= 2 * members) buckets.clear();
  const bucket = newBucket(rate, now);
  buckets.set(name, bucket);
  return bucket;
}
