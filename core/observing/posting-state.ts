/** The state of posting (posting.ts), its events, and its effects. */
import { type Bucket, newBucket } from "../allowance.ts";
import type { Observation, ObservationsAnswer } from "../wire/sidecar-post.ts";
import { type Met, newMet } from "./met.ts";
import { type Budget, budgetRates, countedRate, type Draw, type Lane, paceRate } from "./spare.ts";
import type { Standings } from "./standing.ts";
import { newTurns, type Place, type Turns } from "./turns.ts";

/** The edge's answer: what became of each. Or it was not reached, or will never take the post. */
export type PostAnswer = Readonly<ObservationsAnswer> | "unreached" | "refused";

export type PostingEvent =
  /** `isOld`: its token was issued long ago. */
  | { readonly kind: "observation-made"; readonly observation: Observation; readonly isOld?: boolean }
  | { readonly kind: "post-answered"; readonly post: number; readonly answer: PostAnswer }
  /** The time of `wakeAt` came. */
  | { readonly kind: "deadline-passed" }
  /** The sidecar has stopped: nothing is posted from now on. */
  | { readonly kind: "stopped" };

export type PostingEffect =
  /** Post these. The answer comes back as `post-answered`, with this number. */
  | { readonly kind: "post"; readonly post: number; readonly observations: Observation[] }
  /** Not taken: the machine remembers too many clients already. */
  | { readonly kind: "drop" }
  /** Not taken: the edge does not hold this client. */
  | { readonly kind: "ignore" };

/** An observation, and when it was made. */
export type Dated = { readonly observation: Observation; readonly at: number; readonly isOld: boolean };

/**
 * What a client waits in: one of each goes at a time, in this order. `wanted`: the edge has just said so. Of the others nobody knows: those that are
 * `proven` have a budget of their own; of the rest one with an old token comes last.
 */
export const lanes = ["wanted", "proven", "fresh", "old"] as const satisfies readonly Lane[];

/** A post under way, and what it drew on the budgets. */
export type Post = { readonly batch: readonly Dated[]; readonly draws: readonly Draw[] };

export type Client = {
  /** Not posted yet. */
  newest: Dated | null;
  /** The last one posted. */
  posted: Dated | null;
  /** Where it waits for a budget, and since when. */
  place: (Place & { readonly lane: Lane; readonly since: number }) | null;
  phase:
    | { readonly kind: "ready" | "posting" }
    /** Something new ends it. */
    | { readonly kind: "resting"; readonly until: number }
    /** Its time ends it: the edge has said that no mediation waits for this client. */
    | { readonly kind: "idling"; readonly until: number };
};

/** Plain data. */
export type PostingState = {
  /** By their tokens or passes, as are all the keys below. */
  readonly clients: Map<string, Client>;
  /** Keys of clients to post. */
  readonly ready: Readonly<Record<Lane, Turns>>;
  /** Idling clients that have something to post, by the time at which it ends, in tenths of a second. */
  readonly idling: Map<number, string[]>;
  readonly standings: Standings;
  readonly met: Met;
  readonly budgets: Readonly<Record<Budget, Bucket>>;
  /** Posts that may be sent. */
  readonly pace: Bucket;
  /** Posts and their calls, as the edge counts them. Below 0 if halves of refused posts had to go. */
  readonly counted: Bucket;
  /** Rests, in the order in which they end. One that was cut short stays in the list, but is ignored. */
  readonly resting: { readonly key: string; readonly until: number }[];
  /** Halves of refused posts, each to be posted by itself. */
  readonly halves: (readonly Dated[])[];
  /** Posts under way, by number. */
  readonly underWay: Map<number, Post>;
  /** The last post's number. */
  number: number;
  /** The pause after a failure; 0 if the last answer came from the edge. */
  pauseMs: number;
  /** When the next posts are due. Infinity if nothing waits, or if an answer must come first. */
  postAt: number;
  /** When the first rest is over. */
  restedAt: number;
  /** When the first of the idling clients is done. */
  idledAt: number;
  isStopped: boolean;
  /** Observations taken by the edge, too old or pushed out by others, refused by it, and not posted because the client is gone. */
  readonly counts: { posted: number; lost: number; refused: number; ignored: number };
};

/** When nothing is due. */
export const never = Number.POSITIVE_INFINITY;

/** `now` is in milliseconds, and never goes back. */
export function newPosting(now = 0): PostingState {
  return {
    clients: new Map(),
    ready: { wanted: newTurns(), proven: newTurns(), fresh: newTurns(), old: newTurns() },
    idling: new Map(),
    standings: new Map(),
    met: newMet(now),
    budgets: {
      wanted: newBucket(budgetRates.wanted, now),
      proven: newBucket(budgetRates.proven, now),
      spare: newBucket(budgetRates.spare, now),
    },
    pace: newBucket(paceRate, now),
    counted: newBucket(countedRate, now),
    resting: [],
    halves: [],
    underWay: new Map(),
    number: 0,
    pauseMs: 0,
    postAt: never,
    restedAt: never,
    idledAt: never,
    isStopped: false,
    counts: { posted: 0, lost: 0, refused: 0, ignored: 0 },
  };
}
