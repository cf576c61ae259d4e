/** What a player wants of its comet, from keys, a finger or a mouse. */
import type { Steering } from "./world/step.ts";

export type Helm = {
  /** -1: to the left, 1: to the right, 0: straight on. Counts unless there is `toward`. */
  turn: number;
  /** Radians: fly there. */
  toward: number | null;
  boost: boolean;
};

export const idleHelm: Helm = { turn: 0, toward: null, boost: false };

/** How far ahead of its heading a comet aims while it turns: more than it can turn in a few ticks. */
export const lead = 0.5;

/** The helm as what a host understands: a direction, so that a late packet bends no way for good. */
export function steeringOf({ turn, toward, boost }: Helm, heading: number): Steering {
  if (toward !== null) return { aim: toward, boost };
  const side = Math.sign(turn);
  return { aim: heading + side * lead, boost, turn: side };
}
