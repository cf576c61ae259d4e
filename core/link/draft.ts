/** A state while one step works on it: a copy of its own, and what is to be done. Never leaves the step. */
import type { LinkEffect } from "./effect.ts";
import { linkLimits } from "./limits.ts";
import type { Candidate, LinkState, Phase } from "./state.ts";

/** What the rules below `step` change, in place: the state it was made from stays as it is. */
export type Draft = { -readonly [Key in Exclude<keyof LinkState, "candidates">]: LinkState[Key] } & {
  candidates: Candidate[];
  effects: LinkEffect[];
  now: number;
};

/** The state after an event, and what the shell is to do. */
export type LinkStep = { state: LinkState; effects: readonly LinkEffect[] };

/** A draft of a state: nothing in it is shared that is changed in place. */
export function draftOf(state: LinkState, now: number): Draft {
  return { ...state, candidates: state.candidates.map((candidate) => ({ ...candidate })), effects: [], now };
}

/** What a draft has come to. It must not be changed afterwards. */
export function stepOf({ effects, now: _, ...state }: Draft): LinkStep {
  return { state, effects };
}

/** A line for the report, as long as there is room. */
export function note(draft: Draft, what: string): void {
  if (draft.notesLeft === 0) return;
  draft.notesLeft -= 1;
  draft.effects.push({ kind: "note", what });
}

/** The candidate whose path the game uses; null unless the link is `linked`. */
export function candidateInUse(draft: Draft): Candidate | null {
  const { phase } = draft;
  return phase.kind === "linked" ? (draft.candidates.find(({ id }) => id === phase.inUse) ?? null) : null;
}

/** Whether nothing is looked for any more. */
export function isOver({ kind }: Phase): boolean {
  return kind === "closing" || kind === "ended";
}

/** Whether one more answer may be sent this second. */
export function mayAnswer(draft: Draft): boolean {
  if (draft.now >= draft.answers.at + 1_000) {
    draft.answers = { left: linkLimits.answersPerSecond, at: draft.now };
  }
  if (draft.answers.left === 0) return false;
  draft.answers = { ...draft.answers, left: draft.answers.left - 1 };
  return true;
}

/** A candidate as the report names it. */
export function placeOf({ kind, local, remote }: Readonly<Candidate>): string {
  if (kind === "relay" || local === "ws") return kind;
  return local === "rtc" ? `${kind}, WebRTC` : `${kind}, ${remote.ip} port ${remote.port}`;
}
