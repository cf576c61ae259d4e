/**
 * Posting: observations on their way from a sidecar to the edge, in signed posts.
 *
 * Why a machine of its own. A lobby starts, and 64 players send two datagrams each, and again, until they are introduced. One
 * post for each would cost the edge a request each. The edge may also be out of reach for a while, just then. So observations
 * are gathered for `observationBatchMs`, posted together, and posted again until the edge takes them or they are stale.
 *
 * What a client is to this machine. It is remembered from its first observation until nothing of it is left to say:
 *
 *   unknown ──taken──▶ ready ──posted──▶ posting ──answered──▶ resting ──`observationIntervalMs`──▶ unknown
 *                        ▲                  │                     │
 *                        │◀──news meanwhile─┘◀──────news──────────┘    (or, at the end of the rest, what came meanwhile)
 *
 * - **ready**: its newest observation waits for the next post. One that comes later replaces it.
 * - **posting**: a post with it is under way. What comes meanwhile waits for the answer, so that two posts of one client
 *   cannot overtake each other.
 * - **resting**: it was posted a moment ago. The same again waits until the rest is over; another endpoint is posted at once.
 *
 * What becomes of a post, by its answer:
 *
 * - **the indexes worth sending again** (mostly none): those are tried again after their rest. The others have arrived.
 * - **unreached**: all of it is tried again, after a pause that doubles from 100 ms to 5 s. Posts that fail together are one
 *   failure, and during a pause one post at a time tries whether the edge is back.
 * - **refused**: the edge will never take this post, because of something in it. Its halves are tried apart, and theirs, until
 *   what the edge does not want is alone and is given up. Nobody else in the post loses anything.
 *
 * What it promises:
 *
 * - Of each client at most one post is under way, and at most `observationPosts` in all, each with at most
 *   `observationsPerPost` observations and `sidecarPostBytes` bytes.
 * - What is posted of a client is the newest of it, and nothing older comes after something newer.
 * - Each observation that it takes is posted until it is taken, refused, or replaced by a newer one of the same client; or it is
 *   `lost`, and counted, once it is `observationLifeMs` old.
 * - It remembers at most `observationsHeld` clients. A newcomer beyond that is not taken, and the caller learns it.
 *
 * Time comes in as `now`, in milliseconds that never go back. Like port-pairing.ts, and for the same reason, `step` changes the state in
 * place.
 */
import { type Endpoint, isSameEndpoint } from "../endpoint.ts";
import { limits } from "../limits.ts";
import { type Observation, observationBytes, postFrameBytes } from "../wire/sidecar-post.ts";
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

/** When the machine next has something to do by itself; infinity for never. */
export function wakeAt({ postAt, restedAt }: PostingState): number {
  return Math.min(postAt, restedAt);
}

/** Whether nothing waits or is under way. */
export function isDrained(state: PostingState): boolean {
  return !isWaiting(state) && state.underWay.size === 0;
}

/** Takes an event in, and returns what the shell has to do, in this order. After `stopped` nothing has any effect. */
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
  if (!known && state.clients.size >= limits.observationsHeld) return [{ kind: "drop" }];
  const newest = { observation, at: now };
  if (!known) {
    const client: Client = { newest, posted: null, phase: { kind: "ready" } };
    state.clients.set(clientId, client);
    makeReady(state, clientId, client, now);
    return nothing;
  }
  known.newest = newest;
  if (known.phase.kind === "resting" && !isSame(newest, known.posted)) makeReady(state, clientId, known, now);
  return nothing;
}

function makeReady(state: PostingState, clientId: string, client: Client, now: number): void {
  client.phase = { kind: "ready" };
  state.ready.add(clientId);
  postIn(state, state.pauseMs || limits.observationBatchMs, now);
}

/** Whoever is due first sets the time. */
function postIn(state: PostingState, ms: number, now: number): void {
  if (state.postAt === never) state.postAt = now + ms;
}

function post(state: PostingState, now: number): readonly PostingEffect[] {
  const effects: PostingEffect[] = [];
  state.postAt = never;
  while (isWaiting(state) && state.underWay.size < limits.observationPosts) {
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

/** As many of those that are ready as fit into a post. Those that are stale are given up. */
function nextBatch(state: PostingState, now: number): Dated[] {
  const batch: Dated[] = [];
  let bytes = postFrameBytes;
  for (const clientId of state.ready) {
    if (batch.length === limits.observationsPerPost) break;
    const client = state.clients.get(clientId);
    if (client?.newest) bytes += observationBytes(client.newest.observation);
    if (bytes > limits.sidecarPostBytes) break;
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
    client.phase = { kind: "posting" };
  }
  return batch;
}

/** What an answer means for the post, and for each client in it. */
function settle(state: PostingState, batch: readonly Dated[], answer: PostAnswer, now: number): void {
  setPause(state, answer);
  if (answer === "refused" && halve(state, batch, now)) return;
  const failed = new Set(answer === "unreached" ? batch.keys() : answer === "refused" ? [] : answer);
  const until = now + limits.observationIntervalMs;
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

/** Has the halves of a refused post posted apart. False if it is not worth it: one alone is what was refused. */
function halve(state: PostingState, batch: readonly Dated[], now: number): boolean {
  const [oldest] = batch;
  if (!oldest || batch.length < 2 || isStale(oldest, now)) return false;
  const middle = batch.length >> 1;
  state.halves.push(batch.slice(0, middle), batch.slice(middle));
  postIn(state, 0, now);
  return true;
}

/** A client's post was answered: it rests, unless it has something else to say by now. */
function rest(
  state: PostingState,
  dated: Dated,
  { hasFailed, until }: { hasFailed: boolean; until: number },
  now: number,
): void {
  const { clientId } = dated.observation;
  const client = state.clients.get(clientId);
  if (!client) return;
  // What failed does not replace what is newer.
  if (hasFailed) client.newest ??= dated;
  if (client.newest && !isSame(client.newest, dated)) {
    makeReady(state, clientId, client, now);
    return;
  }
  client.phase = { kind: "resting", until };
  state.resting.push({ clientId, until });
}

/** Lets clients be posted again that have rested, and forgets those with nothing new. */
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
  return at + limits.observationLifeMs <= now;
}

/** Whether it says the same. Most clients say nothing of a second endpoint or of candidates, which costs no comparison. */
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
