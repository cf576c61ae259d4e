/**
 * Posting: observations on their way from a sidecar to the edge, in signed posts.
 *
 * Why not one post for each? A lobby of 64 starts, and its players send two datagrams each, again and
 * again, until they are introduced. A request for each would cost too much at the edge. And just then the
 * edge may be out of reach. So the machine gathers observations for `observationBatchMs` and posts them
 * together. It posts them again until the edge takes them, or until they are stale.
 *
 * The machine remembers a client from its first observation until there is nothing left to post:
 *
 *   unknown ──observation──▶ ready ──post──▶ posting ──answer──▶ resting ──time──▶ unknown
 *                              ▲                │                  │
 *                              └───something new meanwhile─────────┘
 *
 * - ready: the newest observation waits for the next post. A later one replaces it.
 * - posting: a post with it is under way. A new observation waits for the answer, because one post could
 *   overtake the other.
 * - resting: the client was posted less than `observationIntervalMs` ago. The same observation again waits
 *   until the rest is over. A different one is ready at once.
 *
 * The edge's answer decides what happens to a post:
 *
 * - a list of indexes (mostly empty): the edge asks for these again. They are posted again after their
 *   rest. The others have arrived.
 * - `unreached`: all of it is posted again, after a pause that doubles from 100 ms to 5 s. If several posts
 *   fail together, that counts as one failure. During a pause, one post at a time tries whether the edge is
 *   back.
 * - `refused`: the edge will never take this post, because of something in it. The two halves are posted
 *   apart, then their halves, until the bad observation is alone and is given up. The others in the post
 *   lose nothing. If the post is stale by then, it is given up as a whole.
 *
 * Promises:
 *
 * - At most one post of each client is under way, and at most `observationPosts` in all. A post has at most
 *   `observationsPerPost` observations of clients in at most `holdersPerPost` objects, and `sidecarPostBytes` bytes.
 * - A post has a client's newest observation. Nothing older follows something newer.
 * - Nothing is lost uncounted. Each observation is posted until the edge takes it or refuses it, or a newer
 *   one of the same client replaces it, or it is `observationLifeMs` old. Then it counts as lost.
 * - The machine remembers at most `observationsHeld` clients. It does not take a newcomer beyond that, and
 *   tells the shell.
 *
 * `now` is in milliseconds and never goes back. The state is plain data, changed in place, for the same
 * reason as in port-pairing.ts.
 */
import { type Endpoint, isSameEndpoint } from "../endpoint.ts";
import { wireLimits } from "../wire/limits.ts";
import { type Observation, observationBytes, postFrameBytes } from "../wire/sidecar-post.ts";
import { observingLimits } from "./limits.ts";
import {
  type Client,
  type Dated,
  never,
  type PostAnswer,
  type PostingEffect,
  type PostingEvent,
  type PostingState,
} from "./posting-state.ts";

/** The pause after the first post that did not reach the edge, and the longest. */
const firstPauseMs = 100;
const longestPauseMs = 5_000;
const nothing: readonly PostingEffect[] = [];
/** One object for all clients: there may be 50 000. */
const ready = { kind: "ready" } as const;
const posting = { kind: "posting" } as const;

/** When the shell must wake the machine; infinity for never. */
export function wakeAt({ postAt, restedAt }: PostingState): number {
  return Math.min(postAt, restedAt);
}

/** Whether nothing waits or is under way. */
export function isDrained(state: PostingState): boolean {
  return !isWaiting(state) && state.underWay.size === 0;
}

/** Takes an event, and returns what the shell has to do, in this order. After `stopped`, nothing has effect. */
export function step(state: PostingState, event: PostingEvent, now: number): readonly PostingEffect[] {
  if (state.isStopped) return event.kind === "observation-made" ? [{ kind: "drop" }] : nothing;
  switch (event.kind) {
    case "observation-made":
      return take(state, event.observation, now);
    case "post-answered": {
      const batch = state.underWay.get(event.post);
      if (!batch) return nothing;
      state.underWay.delete(event.post);
      settle(state, batch, event.answer, now);
      return nothing;
    }
    case "deadline-passed":
      if (now >= state.restedAt) endRests(state, now);
      return now >= state.postAt ? post(state, now) : nothing;
    case "stopped":
      stop(state);
      return nothing;
  }
}

function take(state: PostingState, observation: Observation, now: number): readonly PostingEffect[] {
  const { clientId } = observation;
  const known = state.clients.get(clientId);
  if (!known && state.clients.size >= observingLimits.observationsHeld) return [{ kind: "drop" }];
  const newest = { observation, at: now };
  if (!known) {
    const client: Client = { newest, posted: null, phase: ready };
    state.clients.set(clientId, client);
    makeReady(state, clientId, client, now);
    return nothing;
  }
  known.newest = newest;
  if (known.phase.kind === "resting" && !isSame(newest, known.posted)) makeReady(state, clientId, known, now);
  return nothing;
}

function makeReady(state: PostingState, clientId: string, client: Client, now: number): void {
  client.phase = ready;
  state.ready.add(clientId);
  postIn(state, state.pauseMs || observingLimits.observationBatchMs, now);
}

/** Posts after so long, unless a post is due already. */
function postIn(state: PostingState, ms: number, now: number): void {
  if (state.postAt === never) state.postAt = now + ms;
}

function post(state: PostingState, now: number): readonly PostingEffect[] {
  const effects: PostingEffect[] = [];
  state.postAt = never;
  while (isWaiting(state) && state.underWay.size < observingLimits.observationPosts) {
    const batch = state.halves.shift() ?? nextBatch(state, now);
    if (batch.length > 0) {
      state.number += 1;
      state.underWay.set(state.number, batch);
      const observations = batch.map(({ observation }) => observation);
      effects.push({ kind: "post", post: state.number, observations });
    }
    // After a failure one post tries whether the edge is back.
    if (state.pauseMs > 0) break;
  }
  return effects;
}

/** The next observations that fit into one post. Gives up those that are stale. */
function nextBatch(state: PostingState, now: number): Dated[] {
  const batch: Dated[] = [];
  const holders = new Set<string>();
  let bytes = postFrameBytes;
  for (const clientId of state.ready) {
    if (batch.length === wireLimits.observationsPerPost) break;
    const client = state.clients.get(clientId);
    if (client?.newest) {
      bytes += observationBytes(client.newest.observation);
      holders.add(client.newest.observation.holder);
    }
    // One alone always goes: it could wait for ever.
    if (
      batch.length > 0 &&
      (bytes > wireLimits.sidecarPostBytes || holders.size > observingLimits.holdersPerPost)
    )
      break;
    state.ready.delete(clientId);
    if (!client?.newest) continue;
    if (isStale(client.newest, now)) {
      state.clients.delete(clientId);
      state.counts.lost += 1;
      continue;
    }
    batch.push(client.newest);
    client.posted = client.newest;
    client.newest = null;
    client.phase = posting;
  }
  return batch;
}

/** Does what the answer means for the post, and for each client in it. */
function settle(state: PostingState, batch: readonly Dated[], answer: PostAnswer, now: number): void {
  setPause(state, answer);
  if (answer === "refused" && halve(state, batch, now)) return;
  const failed = new Set(answer === "unreached" ? batch.keys() : answer === "refused" ? [] : answer);
  const until = now + observingLimits.observationIntervalMs;
  for (const [index, dated] of batch.entries()) {
    if (!failed.has(index)) state.counts[answer === "refused" ? "refused" : "posted"] += 1;
    rest(state, dated, { hasFailed: failed.has(index), until }, now);
  }
  endRests(state, now);
  if (isWaiting(state)) postIn(state, state.pauseMs, now);
}

function setPause(state: PostingState, answer: PostAnswer): void {
  if (answer !== "unreached") state.pauseMs = 0;
  // Posts that fail together are one failure.
  else if (state.underWay.size === 0 || state.pauseMs === 0)
    state.pauseMs = Math.min(longestPauseMs, state.pauseMs * 2 || firstPauseMs);
}

/** Queues the halves of a refused post. False if that gains nothing: it has one observation, or is stale. */
function halve(state: PostingState, batch: readonly Dated[], now: number): boolean {
  const [oldest] = batch;
  if (!oldest || batch.length < 2 || isStale(oldest, now)) return false;
  const middle = batch.length >> 1;
  state.halves.push(batch.slice(0, middle), batch.slice(middle));
  postIn(state, 0, now);
  return true;
}

/** Lets a client rest after its post, unless it has something new by now. */
function rest(
  state: PostingState,
  dated: Dated,
  { hasFailed, until }: { hasFailed: boolean; until: number },
  now: number,
): void {
  const { clientId } = dated.observation;
  const client = state.clients.get(clientId);
  if (!client) return;
  // A failed one comes again, but does not replace a newer one.
  if (hasFailed) client.newest ??= dated;
  if (client.newest && !isSame(client.newest, dated)) {
    makeReady(state, clientId, client, now);
    return;
  }
  client.phase = { kind: "resting", until };
  state.resting.push({ clientId, until });
}

/** Ends the rests that are over: a client with something new is ready again, the others are forgotten. */
function endRests(state: PostingState, now: number): void {
  const tired = state.resting.findIndex(({ until }) => until > now);
  const rested = state.resting.splice(0, tired < 0 ? state.resting.length : tired);
  for (const { clientId, until } of rested) {
    const client = state.clients.get(clientId);
    // Its rest may have been cut short, and it may have another one by now.
    if (client?.phase.kind !== "resting" || client.phase.until !== until) continue;
    if (client.newest) makeReady(state, clientId, client, now);
    else state.clients.delete(clientId);
  }
  state.restedAt = state.resting[0]?.until ?? never;
}

function stop(state: PostingState): void {
  state.isStopped = true;
  state.ready.clear();
  state.halves.length = 0;
  state.resting.length = 0;
  state.underWay.clear();
  state.clients.clear();
  state.postAt = never;
  state.restedAt = never;
}

function isWaiting({ halves, ready }: PostingState): boolean {
  return halves.length > 0 || ready.size > 0;
}

function isStale({ at }: Dated, now: number): boolean {
  return at + observingLimits.observationLifeMs <= now;
}

/** Whether two say the same of a client. */
function isSame({ observation: a }: Dated, other: Dated | null): boolean {
  const b = other?.observation;
  return (
    a.ip === b?.ip &&
    a.port === b.port &&
    a.proven === b.proven &&
    areSame(a.second && [a.second], b.second && [b.second]) &&
    areSame(a.candidates, b.candidates)
  );
}

function areSame(a: readonly Endpoint[] | undefined, b: readonly Endpoint[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((one, i) => isSameEndpoint(one, b[i] ?? { ip: "", port: 0 }));
}
