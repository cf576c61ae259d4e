/** The state of the posting of observations (posting.ts), what happens to it, and what it has done. */
import type { Observation } from "../wire/sidecar-post.ts";

/** How the edge answered: the indexes worth sending again, or what became of the whole post. `refused` is for ever. */
export type PostAnswer = readonly number[] | "unreached" | "refused";

export type PostingEvent =
  | { readonly kind: "observation-made"; readonly observation: Observation }
  | { readonly kind: "post-answered"; readonly post: number; readonly answer: PostAnswer }
  /** The time of `wakeAt` came. */
  | { readonly kind: "deadline-passed" }
  /** Nothing is posted from now on, and answers do not matter any more. */
  | { readonly kind: "stopped" };

export type PostingEffect =
  /** Post these. The answer comes in as `post-answered`, with this number. */
  | { readonly kind: "post"; readonly post: number; readonly observations: Observation[] }
  /** The observation is not taken: too many clients are remembered. */
  | { readonly kind: "drop" };

/** An observation, and when it was made. */
export type Dated = { readonly observation: Observation; readonly at: number };

export type Client = {
  /** Not posted yet. */
  newest: Dated | null;
  /** The last one posted. */
  posted: Dated | null;
  phase: { readonly kind: "ready" | "posting" } | { readonly kind: "resting"; readonly until: number };
};

/** Plain data. */
export type PostingState = {
  readonly clients: Map<string, Client>;
  /** Ids of clients to post, the longest waiting first. */
  readonly ready: Set<string>;
  /** Rests, in the order of time. One that was cut short is still here, and does not count. */
  readonly resting: { readonly clientId: string; readonly until: number }[];
  /** Halves of posts that were refused: to be posted apart. */
  readonly halves: (readonly Dated[])[];
  /** Posts under way, by number. */
  readonly underWay: Map<number, readonly Dated[]>;
  /** Of the last post. */
  number: number;
  /** Since the edge was last reached; 0 if the last post reached it. */
  pauseMs: number;
  /** When the next posts are due; infinity if nothing waits, or an answer has to come first. */
  postAt: number;
  /** When the first rest is over. */
  restedAt: number;
  isStopped: boolean;
  /** Observations by what became of them. Those that were replaced are not counted. */
  readonly counts: { posted: number; lost: number; refused: number };
};

/** When nothing is due. */
export const never = Number.POSITIVE_INFINITY;

export function newPosting(): PostingState {
  return {
    clients: new Map(),
    ready: new Set(),
    resting: [],
    halves: [],
    underWay: new Map(),
    number: 0,
    pauseMs: 0,
    postAt: never,
    restedAt: never,
    isStopped: false,
    counts: { posted: 0, lost: 0, refused: 0 },
  };
}
