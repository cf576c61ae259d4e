/** Whether a player looks at its page. A tab that is not looked at is slowed down: it is the last to become host. */
import type { Session } from "../session/session.ts";

type Page = {
  hidden: boolean;
  addEventListener: (event: "visibilitychange", listener: () => void) => void;
  removeEventListener: (event: "visibilitychange", listener: () => void) => void;
};

/** Tells the server whenever that changes, until the session is over. Where there is no page, nothing. */
export function tellVisibility(session: Session): void {
  const { document: page } = globalThis as { document?: Page };
  if (!page) return;
  const tell = () => session.hide(page.hidden);
  page.addEventListener("visibilitychange", tell);
  if (page.hidden) tell();
  void session.closed.then(() => page.removeEventListener("visibilitychange", tell));
}
