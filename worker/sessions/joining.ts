/** How a session gets into a lobby: one at a time, and the same request, repeated, gets the same answer. */
import type { Outcome } from "../../core/problem.ts";
import { refuse } from "../../core/problem.ts";
import type { HostAnswer } from "../../core/wire/http.ts";
import type { Admission } from "../platform/ports.ts";
import type { Session } from "./session.ts";

/** What may have become of the session while a lobby was asked. */
export type Aftermath = {
  /** Whether its socket is still open. */
  isHere(): boolean;
  /** Whether the lobby that it is in, as far as it knows, has it as a member. */
  isMember(session: Session): Promise<boolean>;
  /** Tells the lobby that the member is gone. */
  giveBack(admitted: { lobbyId: string; incarnation: string; requestId: string; clientId: string }): void;
};

/** What a lobby answers to who gets in; that of Orion has more. */
type Entrance = Pick<HostAnswer, "lobbyId" | "lobbyName">;

/**
 * Lets the session into one lobby, unless it is in one or is being let into one. `ask` says which lobby it is about to ask
 * by `aim`, before it asks. `again`: it may be in this lobby already.
 */
export async function enter<Answer extends Entrance>(
  session: Session,
  requestId: string,
  ask: (aim: (lobbyId: string) => void) => Promise<Outcome<Admission<Answer>>>,
  aftermath: Aftermath,
  { again }: { again?: string | undefined } = {},
): Promise<Outcome<Answer>> {
  while (session.entering?.requestId === requestId) await session.entering.ended;
  if (session.entering) return refuse("already_in_lobby");

  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const entering = { requestId, lobbyId: "", released: false, ended };
  session.entering = entering;
  try {
    const { membership } = session;
    const isElsewhere =
      membership !== null && membership.requestId !== requestId && membership.lobbyId !== again;
    if (isElsewhere && (await aftermath.isMember(session))) return refuse("already_in_lobby");
    const outcome = await ask((lobbyId) => {
      entering.lobbyId = lobbyId;
    });
    if (!outcome.ok) return outcome;
    const { answer, incarnation } = outcome.value;
    const { lobbyId, lobbyName } = answer;
    if (!aftermath.isHere()) {
      aftermath.giveBack({ lobbyId, incarnation, requestId, clientId: session.id });
      return refuse("invalid_token");
    }
    if (!entering.released) session.membership = { lobbyId, lobbyName, incarnation, requestId };
    return { ok: true, value: answer };
  } finally {
    session.entering = null;
    end();
  }
}

/** Undoes what a request did, once it has ended. Returns the membership that the client must not have. */
export async function undo(session: Session, requestId: string): Promise<Session["membership"]> {
  while (session.entering?.requestId === requestId) await session.entering.ended;
  const { membership } = session;
  if (membership?.requestId !== requestId) return null;
  session.membership = null;
  return membership;
}
