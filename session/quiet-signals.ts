/**
 * Whose signals fail. The server says to whom a signal was not passed on, and not which it was. The program is to hear of its own, and nothing of
 * those by which links are made.
 */

/** Milliseconds within which a failure is heard of. */
const failureMs = 10_000;
/** Members that are remembered: twice as many as a lobby has. */
const most = 128;

type Signaller = "program" | "links";

export class QuietSignals {
  readonly #at: Record<Signaller, Map<string, number>> = { program: new Map(), links: new Map() };

  /** A signal to this member is on its way. `now`: in milliseconds. */
  note(by: Signaller, to: string, now: number): void {
    const times = this.#at[by];
    times.delete(to);
    times.set(to, now);
    const [oldest] = times.keys();
    if (times.size > most && oldest !== undefined) times.delete(oldest);
  }

  /** Whether a failure to this member can only be of a signal by which a link is made. */
  isQuiet(to: string, now: number): boolean {
    const isRecent = (by: Signaller) => now - (this.#at[by].get(to) ?? Number.NEGATIVE_INFINITY) < failureMs;
    return isRecent("links") && !isRecent("program");
  }
}
