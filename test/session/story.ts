/** What sessions tell, kept in order, to be waited for. */
import { expect, onTestFinished } from "vitest";
import type { SessionEvent } from "../../session/event.ts";
import { hostLobby, joinLobby } from "../../session/opening.ts";
import type { Session } from "../../session/session.ts";

type EventOf<K extends SessionEvent["kind"]> = Extract<SessionEvent, { kind: K }>;

/** A session, and all it has told since it began. */
export class Story {
  readonly session: Session;
  readonly events: SessionEvent[] = [];
  /** Told of the next event, once. */
  #waiting: (() => void)[] = [];

  constructor(session: Session) {
    this.session = session;
    session.listen((event) => {
      this.events.push(event);
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  /** All events of a kind so far. */
  all<K extends SessionEvent["kind"]>(kind: K): EventOf<K>[] {
    return this.events.filter((event): event is EventOf<K> => event.kind === kind);
  }

  /** The first of a kind for which this holds: it may have come before. */
  async first<K extends SessionEvent["kind"]>(
    kind: K,
    holds: (event: EventOf<K>) => boolean = () => true,
  ): Promise<EventOf<K>> {
    for (;;) {
      const found = this.all(kind).find(holds);
      if (found) return found;
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }
}

/** Opens a lobby of so many. Its host leaves at the end of the test. */
export async function host(server: URL, name: string, maxMembers = 8): Promise<Story> {
  return keep(await hostLobby(server, { name, isPublic: false, maxMembers }));
}

/** Joins it, and leaves at the end of the test. */
export async function join(server: URL, code: string, name: string): Promise<Story> {
  return keep(await joinLobby(server, code, { name }));
}

function keep(session: Session): Story {
  onTestFinished(() => session.leave());
  return new Story(session);
}

/** The attempt fails with this code, and a sentence for the player. */
export async function expectFailure(
  attempt: Promise<unknown>,
  code: string,
  more: object = {},
): Promise<void> {
  const message = expect.stringMatching(/^\w.+\.$/);
  await expect(attempt).rejects.toMatchObject({ name: "SessionError", code, message, ...more });
}

/** The names of all in a session's lobby. */
export function names({ session }: Story): string[] {
  return session.members.map(({ name }) => name);
}
