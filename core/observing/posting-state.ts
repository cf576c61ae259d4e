/** The state of posting (posting.ts), its events, and its effects. */
import type { Observation } from "../wire/sidecar-post.ts";

/** The edge's answer: the indexes that it asks for again. Or it was not reached, or will never take the post. */
export type PostAnswer = readonly number[] | "unreached" | "refused";

export type PostingEvent =
  | { readonly kind: "observation-made"; readonly observation: Observation }
  | { readonly kind: "post-answered"; readonly post: number; readonly answer: PostAnswer }
  /** The time of `wakeAt` came. */
  | { readonly kind: "deadline-passed" }
  /** The sidecar has stopped: nothing is posted from now on. */
  | { readonly kind: "stopped" };

export type PostingEffect =
  /** Post these. The answer comes back as `post-answered`, with this number. */
  | { readonly kind: "post"; readonly post: number; readonly observations: Observation[] }
  /** Not taken: the machine remembers too many clients already. */
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
  /** Rests, in the order in which they end. One that was cut short stays in the list, but is ignored. */
  readonly resting: { readonly clientId: string; readonly until: number }[];
  /** Halves of refused posts, each to be posted by itself. */
  readonly halves: (readonly Dated[])[];
  /** Posts under way, by number. */
  readonly underWay: Map<number, readonly Dated[]>;
  /** The last post's number. */
  number: number;
  /** The pause after a failure; 0 if the last answer came from the edge. */
  pauseMs: number;
  /** When the next posts are due. Infinity if nothing waits, or if an answer must come first. */
  postAt: number;
  /** When the first rest is over. */
  restedAt: number;
  isStopped: boolean;
  /** Observations taken by the edge, too old, and refused by it. */
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
