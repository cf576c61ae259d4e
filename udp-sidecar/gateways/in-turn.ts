/** One connect of a gateway to the edge: when it is its turn, and with word for the others of how it ended. */
import { SessionError } from "../../session/error.ts";
import type { Transport } from "../../session/transport.ts";
import { whyRefused } from "./refused-upgrade.ts";
import { isTrouble } from "./trouble.ts";
import type { Rank, Turns } from "./turns.ts";

export type InTurnOptions = {
  edge: URL;
  turns: Turns;
  /** Signs for the player that it is about. */
  headers: Transport["headers"];
  rank: Rank;
  /** Is told what the edge does not serve, and null when it serves again. */
  told: (trouble: SessionError | null) => void;
};

/** What the work comes to. Throws as the work does, but a SessionError says why the edge refused a WebSocket; or the signal's reason. */
export async function inTurn<T>(
  work: () => Promise<T>,
  { edge, turns, headers, rank, told }: InTurnOptions,
  signal: AbortSignal,
): Promise<T> {
  const turn = await turns.take(signal, rank);
  const served = () => {
    if (turns.isHeld && turns.isNews(turn)) told(null);
    turns.ended(turn, "served");
  };
  try {
    const value = await work();
    served();
    return value;
  } catch (thrown) {
    if (!(thrown instanceof SessionError) || signal.aborted) {
      turns.ended(turn, "unknown");
      throw thrown;
    }
    const error = turns.isNews(turn) ? await explained(thrown, edge, headers) : thrown;
    if (!isTrouble(error)) served();
    else {
      if (turns.isNews(turn)) told(error);
      turns.ended(turn, "trouble", 1_000 * (error.retryAfterS ?? 0));
    }
    throw error;
  }
}

/** The error, or a better one: Node's WebSocket does not say why it did not open. */
async function explained(
  error: SessionError,
  edge: URL,
  headers: Transport["headers"],
): Promise<SessionError> {
  if (error.code !== "unreachable") return error;
  const why = await whyRefused(edge, headers("GET", edge));
  if (!why) return error;
  const { code, ...refused } = why;
  return new SessionError([code ?? "unexpected_answer"], `The edge answers ${why.status}.`, refused);
}
