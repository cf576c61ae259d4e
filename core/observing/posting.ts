/**
 * Posting: observations on their way from a sidecar to the edge, in signed posts.
 *
 * Why not one post for each? A lobby of 64 starts, and its players send two datagrams each, again and
 * again, until they are introduced. A request for each would cost too much at the edge. And just then the
 * edge may be out of reach. So the machine gathers observations for `observationBatchMs` and posts them
 * together. It posts them again until the edge takes them, or until they are stale.
 *
 * A client is told from others by its token, or its pass. The machine remembers it from its first observation until there is nothing left to post:
 *
 *   unknown ──observation──▶ ready ──post──▶ posting ──answer──▶ resting ──time──▶ unknown
 *      │                       ▲ ▲              │                  │
 *      │                       │ └───something new meanwhile───────┘
 *      └──observation──▶ idling ┘ time
 *
 * - ready: the newest observation waits for the next post. A later one replaces it.
 * - posting: a post with it is under way. A new observation waits for the answer, because one post could
 *   overtake the other.
 * - resting: the client was posted less than `observationIntervalMs` ago. The same observation again waits
 *   until the rest is over. A different one is ready at once.
 * - idling: the edge has just said that no mediation waits for the client (standing.ts). Its newest observation
 *   waits until that time is over, whatever it says.
 *
 * Ready clients wait in four lanes, which take turns within a post. In one are clients that the edge wanted a moment ago. Of the others nobody knows
 * whether they are wanted: Orion's datagram may be of a socket that closed long ago, and come from anywhere; a proven
 * probe may be of a mediation that is over. All draw on budgets of calls (spare.ts), the wanted and the proven on their own,
 * old tokens last, and take turns (turns.ts). What turns out wanted is given back, so honest players cost nothing.
 *
 * The edge's answer decides what happens to a post:
 *
 * - lists of indexes (mostly empty): `again`, which are posted again after their rest; `gone` and `idle`, of which
 *   standing.ts says for how long they are ignored. The others have arrived, and were wanted.
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
 *   `observationsPerPost` observations, and `sidecarPostBytes` bytes.
 * - A post has a client's newest observation, with the IPs of those that it replaced. Nothing older follows
 *   something newer.
 * - Nothing is lost uncounted. Each observation is posted until the edge takes it or refuses it, or a newer
 *   one of the same client replaces it, or it is `observationLifeMs` old, or others push it out of a full list of
 *   those that wait for a budget. Then it counts as lost. What a gone client says counts as ignored.
 * - Observations that turn out unwanted cause `spareCallsPerSecond` calls a second for long, and `spareCallBurst`
 *   at once, whatever comes; proven ones `provenCallsPerSecond` and `provenCallBurst` more, and clients that are known to be
 *   wanted `wantedCallsPerSecond` and `wantedCallBurst`. All together are `postsPerSecond` posts for long, and `postBurst` at once.
 * - Posts and their calls, as the edge counts them, are `countedPerSecond` for long and `countedBurst` at once, wanted or not.
 * - The machine remembers at most `observationsHeld` clients. Those that wait for a budget make room for others. If
 *   there are none, it does not take a newcomer beyond that, and tells the shell.
 *
 * `now` is in milliseconds and never goes back. The state is plain data, changed in place, for the same
 * reason as in port-pairing.ts.
 */
import { fill } from "../allowance.ts";
import { type Endpoint, isSameEndpoint } from "../endpoint.ts";
import { wireLimits } from "../wire/limits.ts";
import { observationBytes, postFrameBytes } from "../wire/sidecar-post.ts";
import { observingLimits } from "./limits.ts";
import { meet } from "./met.ts";
import {
  type Client,
  type Dated,
  lanes,
  never,
  type Post,
  type PostAnswer,
  type PostingEffect,
  type PostingEvent,
  type PostingState,
} from "./posting-state.ts";
import {
  affordableIn,
  affords,
  budgetOf,
  costOf,
  countedAs,
  countedRate,
  type Draw,
  type Lane,
  paceRate,
  settleDraw,
} from "./spare.ts";
import { drawWanted, ignored, note, type Verdict, wasWanted } from "./standing.ts";
import { inOrder, join, leave, newTurns, serve, shareOf, spared, type Turn, waitingIn } from "./turns.ts";

/** The pause after the first post that did not reach the edge, and the longest. */
const firstPauseMs = 100;
const longestPauseMs = 5_000;
const nothing: readonly PostingEffect[] = [];
/** One object for all clients: there may be 50 000. */
const ready = { kind: "ready" } as const;
const posting = { kind: "posting" } as const;
/** Milliseconds to which the ends of idling are rounded up. */
const idlingStepMs = 100;

/** When the shell must wake the machine; infinity for never. */
export function wakeAt({ postAt, restedAt, idledAt }: PostingState): number {
  return Math.min(postAt, restedAt, idledAt);
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
      return take(state, { observation: event.observation, at: now, isOld: event.isOld ?? false }, now);
    case "post-answered": {
      const underWay = state.underWay.get(event.post);
      if (!underWay) return nothing;
      state.underWay.delete(event.post);
      settle(state, underWay, event.answer, now);
      return nothing;
    }
    case "deadline-passed":
      if (now >= state.restedAt) endRests(state, now);
      if (now >= state.idledAt) endIdling(state, now);
      return now >= state.postAt ? post(state, now) : nothing;
    case "stopped":
      stop(state);
      return nothing;
  }
}

function take(state: PostingState, newest: Dated, now: number): readonly PostingEffect[] {
  const key = keyOf(newest);
  const known = state.clients.get(key);
  if (!known) {
    const pause = ignored(state.standings, key, now);
    if (pause?.kind === "gone") {
      state.counts.ignored += 1;
      return [{ kind: "ignore" }];
    }
    if (state.clients.size >= observingLimits.observationsHeld && !makeRoom(state)) return [{ kind: "drop" }];
    const client: Client = { newest, posted: null, place: null, phase: ready };
    state.clients.set(key, client);
    if (pause) idle(state, key, client, pause.until);
    else makeReady(state, key, client, now);
    return nothing;
  }
  known.newest = withOthers(newest, known.newest);
  const { phase, place } = known;
  if (phase.kind === "resting" && !isSame(known.newest, known.posted)) makeReady(state, key, known, now);
  if (!place) return nothing;
  const isNowProven = newest.observation.proven === true && ["fresh", "old"].includes(place.lane);
  if (isNowProven || now - place.since >= observingLimits.retryMs) {
    leave(state.ready[place.lane], key, place);
    makeReady(state, key, known, now);
  }
  return nothing;
}

/** Does without some of those that wait for a budget. False if none does. */
function makeRoom(state: PostingState): boolean {
  for (const lane of lanes.toReversed()) {
    const keys = spared(state.ready[lane]);
    for (const key of keys) evict(state, key);
    if (keys.length > 0) return true;
  }
  return false;
}

function evict(state: PostingState, key: string): void {
  const place = state.clients.get(key)?.place;
  if (place) leave(state.ready[place.lane], key, place);
  state.clients.delete(key);
  state.counts.lost += 1;
}

/**
 * The newest observation, with the IPs of those that it replaces. Else whoever has read a client's datagram, and
 * sends it again at once from elsewhere, would hide it from the edge, which alone can tell the two apart.
 */
function withOthers(newest: Dated, before: Dated | null): Dated {
  const { observation } = newest;
  if (!before || observation.proven) return newest;
  const { ip, port, others: earlier = [] } = before.observation;
  const others = [{ ip, port }, ...earlier].filter((other) => other.ip !== observation.ip);
  if (others.length === 0) return newest;
  return { ...newest, observation: { ...observation, others: others.slice(0, wireLimits.otherSightings) } };
}

function makeReady(state: PostingState, key: string, client: Client, now: number): void {
  client.phase = ready;
  const lane = laneOf(state, key, client, now);
  let wait = state.pauseMs || observingLimits.observationBatchMs;
  const network = shareOf(client.newest?.observation.ip ?? "");
  client.place = { lane, turn: turnOf(state, key, now), network, since: now };
  for (const evicted of join(state.ready[lane], key, client.place)) evict(state, evicted);
  wait = Math.max(wait, affordableAfter(state, lane, now), pacedAfter(state, now));
  // It need not wait for the budget of another lane, as those that wait already may have to.
  state.postAt = Math.min(state.postAt, now + wait);
}

function laneOf(state: PostingState, key: string, { newest }: Client, now: number): Lane {
  if (drawWanted(state.standings, key, now)) return "wanted";
  if (newest?.observation.proven) return "proven";
  return newest?.isOld ? "old" : "fresh";
}

function turnOf({ met, standings }: PostingState, key: string, now: number): Turn {
  const isMet = meet(met, checkedPart(key), now);
  return (wasWanted(standings, key) ?? !isMet) ? "new" : "again";
}

/** Milliseconds until one that waits in this lane can be posted. */
function affordableAfter({ budgets, ready }: PostingState, lane: Lane, now: number): number {
  return affordableIn(budgets[budgetOf(lane)], lane, waitingIn(ready[lane]), now);
}

/** Milliseconds until one more post may be sent. */
function pacedAfter({ pace, counted }: PostingState, now: number): number {
  fill(pace, paceRate, now);
  fill(counted, countedRate, now);
  const paced = ((1 - pace.left) * 1000) / paceRate.perSecond;
  return Math.max(0, Math.ceil(paced), Math.ceil(((1 - counted.left) * 1000) / countedRate.perSecond));
}

/** Posts after so long, unless a post is due already. */
function postIn(state: PostingState, ms: number, now: number): void {
  if (state.postAt === never) state.postAt = now + ms;
}

function post(state: PostingState, now: number): readonly PostingEffect[] {
  const effects: PostingEffect[] = [];
  state.postAt = never;
  while (isWaiting(state) && state.underWay.size < observingLimits.observationPosts) {
    const half = state.halves.shift();
    const pacedMs = half ? 0 : pacedAfter(state, now);
    if (pacedMs > 0) {
      postIn(state, pacedMs, now);
      break;
    }
    const next = half ? { batch: half, draws: [] } : nextPost(state, now);
    if (next === null) {
      const waiting = lanes.filter((lane) => waitingIn(state.ready[lane]) > 0);
      const affordable = waiting.map((lane) => affordableAfter(state, lane, now));
      postIn(state, Math.max(1, Math.min(...affordable)), now);
      break;
    }
    if (next.batch.length > 0) {
      state.number += 1;
      if (!half) state.pace.left -= 1;
      state.counted.left -= 1 + countedAs(next.batch.length);
      state.underWay.set(state.number, next);
      const observations = next.batch.map(({ observation }) => observation);
      effects.push({ kind: "post", post: state.number, observations });
    }
    // After a failure one post tries whether the edge is back.
    if (state.pauseMs > 0) break;
  }
  return effects;
}

/** The next observations that fit into one post, or null if the budgets have to grow first. Gives up those that are stale. */
function nextPost(state: PostingState, now: number): Post | null {
  const batch: Dated[] = [];
  let bytes = postFrameBytes;
  let isShort = false;
  let isFull = false;
  // Fills them up to now.
  for (const lane of lanes) affordableAfter(state, lane, now);
  let drawing = lanes
    .filter((lane) => waitingIn(state.ready[lane]) > 0)
    .map((lane) => ({ keys: inOrder(state.ready[lane]), draw: newDraw(lane) }));
  const draws = drawing.map(({ draw }) => draw);
  /** Adds the next client that waits in a lane. False if there is none, or it has to wait. */
  const addNext = ({ keys, draw }: (typeof drawing)[number]): boolean => {
    if (isFull || batch.length === wireLimits.observationsPerPost) return false;
    const { value: key } = keys.next();
    if (key === undefined) return false;
    const bucket = state.budgets[budgetOf(draw.lane)];
    const isExtra = draw.isExtra || batch.length === 0;
    const cost = costOf(draw.places.length + 1, isExtra) - costOf(draw.places.length, draw.isExtra);
    if (!affords(bucket, cost, draw.lane)) {
      isShort = true;
      return false;
    }
    const client = state.clients.get(key);
    if (!client?.newest) {
      // Nothing that is ready has nothing to post; it must not stay.
      unready(state, key, client);
      return true;
    }
    const newBytes = bytes + observationBytes(client.newest.observation);
    // One alone always goes: it could wait for ever.
    if (batch.length > 0 && newBytes > wireLimits.sidecarPostBytes) {
      isFull = true;
      return false;
    }
    const { place } = client;
    unready(state, key, client);
    if (isStale(client.newest, now)) {
      state.clients.delete(key);
      state.counts.lost += 1;
      return true;
    }
    if (place) serve(state.ready[draw.lane], place);
    bytes = newBytes;
    bucket.left -= cost;
    draw.isExtra = isExtra;
    draw.places.push(batch.length);
    batch.push(client.newest);
    client.posted = client.newest;
    client.newest = null;
    client.phase = posting;
    return true;
  };
  // One of each at a time: the edge tells the first objects of a post, and those of one lane must not be all of them.
  while (drawing.length > 0) drawing = drawing.filter(addNext);
  return batch.length === 0 && isShort
    ? null
    : { batch, draws: draws.filter(({ places }) => places.length > 0) };
}

function newDraw(lane: Lane): Draw {
  return { lane, isExtra: false, places: [] };
}

function unready(state: PostingState, key: string, client: Client | undefined): void {
  if (!client?.place) return;
  leave(state.ready[client.place.lane], key, client.place);
  client.place = null;
}

/** Does what the answer means for the post, and for each client in it. */
function settle(state: PostingState, { batch, draws }: Post, answer: PostAnswer, now: number): void {
  setPause(state, answer);
  if (answer === "refused" && halve(state, batch, now)) return;
  const isAnswer = typeof answer === "object";
  const failed = new Set(answer === "unreached" ? batch.keys() : isAnswer ? answer.again : []);
  const [gone, idle] = [new Set(isAnswer ? answer.gone : []), new Set(isAnswer ? answer.idle : [])];
  const until = now + observingLimits.observationIntervalMs;
  const newlyWanted = new Set<number>();
  for (const [index, dated] of batch.entries()) {
    const verdict: Verdict = gone.has(index) ? "gone" : idle.has(index) ? "idle" : "wanted";
    const isKnown = isAnswer && !failed.has(index);
    if (!failed.has(index)) state.counts[answer === "refused" ? "refused" : "posted"] += 1;
    const key = keyOf(dated);
    if (isKnown && note(state.standings, key, verdict, now)) newlyWanted.add(index);
    if (isKnown && verdict !== "wanted") pause(state, key, now);
    else rest(state, dated, { hasFailed: failed.has(index), until }, now);
  }
  if (isAnswer) {
    // Taken for the most that it could call.
    const unused = countedAs(batch.length) - countedAs(answer.calls);
    state.counted.left = Math.min(countedRate.burst, state.counted.left + Math.max(0, unused));
    for (const draw of draws) {
      const wanted = draw.places.filter((place) => newlyWanted.has(place)).length;
      settleDraw(state.budgets[budgetOf(draw.lane)], draw, { calls: answer.calls, wanted });
    }
  }
  endRests(state, now);
  if (isWaiting(state)) postIn(state, state.pauseMs, now);
}

/** The edge does not want the client now. What it has said meanwhile is kept for later, if it may come back at all. */
function pause(state: PostingState, key: string, now: number): void {
  const client = state.clients.get(key);
  const pause = ignored(state.standings, key, now);
  if (!client || !pause) return;
  if (pause.kind === "idle" && client.newest) {
    idle(state, key, client, pause.until);
    return;
  }
  if (client.newest) state.counts.ignored += 1;
  state.clients.delete(key);
}

function idle(state: PostingState, key: string, client: Client, until: number): void {
  const end = Math.ceil(until / idlingStepMs) * idlingStepMs;
  client.phase = { kind: "idling", until: end };
  const others = state.idling.get(end);
  if (others) others.push(key);
  else state.idling.set(end, [key]);
  state.idledAt = Math.min(state.idledAt, end);
}

/** Makes those ready whose time of idling is over. There are some hundred such times at most. */
function endIdling(state: PostingState, now: number): void {
  const due = [...state.idling.keys()].filter((end) => end <= now);
  for (const end of due) {
    const keys = state.idling.get(end) ?? [];
    state.idling.delete(end);
    for (const key of keys) {
      const client = state.clients.get(key);
      if (client?.phase.kind === "idling" && client.phase.until === end) makeReady(state, key, client, now);
    }
  }
  state.idledAt = Math.min(never, ...state.idling.keys());
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
  const key = keyOf(dated);
  const client = state.clients.get(key);
  if (!client) return;
  // A failed one comes again, but does not replace a newer one.
  if (hasFailed) client.newest ??= dated;
  if (client.newest && !isSame(client.newest, dated)) {
    makeReady(state, key, client, now);
    return;
  }
  client.phase = { kind: "resting", until };
  state.resting.push({ key, until });
}

/** Ends the rests that are over: a client with something new is ready again, the others are forgotten. */
function endRests(state: PostingState, now: number): void {
  const tired = state.resting.findIndex(({ until }) => until > now);
  const rested = state.resting.splice(0, tired < 0 ? state.resting.length : tired);
  for (const { key, until } of rested) {
    const client = state.clients.get(key);
    // Its rest may have been cut short, and it may have another one by now.
    if (client?.phase.kind !== "resting" || client.phase.until !== until) continue;
    if (client.newest) makeReady(state, key, client, now);
    else state.clients.delete(key);
  }
  state.restedAt = state.resting[0]?.until ?? never;
}

function stop(state: PostingState): void {
  state.isStopped = true;
  for (const lane of lanes) Object.assign(state.ready[lane], newTurns());
  state.idling.clear();
  state.idledAt = never;
  state.halves.length = 0;
  state.resting.length = 0;
  state.underWay.clear();
  state.clients.clear();
  state.postAt = never;
  state.restedAt = never;
}

/** What a client is remembered by. Not its id, which others know: who can make a token up must not be taken for it. */
function keyOf({ observation }: Dated): string {
  return observation.proof.text;
}

/**
 * All of a proof but its last mac, which only the Worker can check: whoever has one token can put any other in its place, and
 * would have a new one with each.
 */
function checkedPart(key: string): string {
  const end = key.lastIndexOf(".");
  return end < 0 ? key : key.slice(0, end);
}

function isWaiting({ halves, ready }: PostingState): boolean {
  return halves.length > 0 || lanes.some((lane) => waitingIn(ready[lane]) > 0);
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
    a.proof.text === b.proof.text &&
    areSame(a.second && [a.second], b.second && [b.second]) &&
    areSame(a.others, b.others) &&
    areSame(a.candidates, b.candidates)
  );
}

function areSame(a: readonly Endpoint[] | undefined, b: readonly Endpoint[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((one, i) => isSameEndpoint(one, b[i] ?? { ip: "", port: 0 }));
}
