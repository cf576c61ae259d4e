/** What every player's program of the lab does: it takes orders, one after another, and answers (`orders.ts`). */
import type { Answer, Order, PlayerOutcome } from "./orders.ts";

export type Conversation = {
  /** Null when there will be none: the program should end. */
  nextOrder(): Promise<Order | null>;
  tell(answer: Answer): void;
};

/** Has one run played for each order to host or to join, until there are no more. A failure on the way is that run's outcome; `causeOf` names it. */
export async function playRuns(
  { nextOrder, tell }: Conversation,
  play: (first: Order) => Promise<void>,
  causeOf: (error: unknown) => string = (error) => (error instanceof Error ? error.message : String(error)),
): Promise<void> {
  for (let first = await nextOrder(); first !== null; first = await nextOrder()) {
    try {
      await play(first);
    } catch (error) {
      tell({ told: "outcome", outcome: failure(causeOf(error)) });
      await nextOrder();
    }
    tell({ told: "parted" });
  }
}

export function failure(cause: string | null): PlayerOutcome {
  return { usableMs: null, directMs: null, path: null, cause, echoed: false };
}
