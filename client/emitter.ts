/** Listeners by the name of what they listen for. Browsers have nothing typed, and Node's own is Node's. */
import { argumentError } from "./argument.ts";

export class Emitter<Events extends object> {
  readonly #events: Record<keyof Events, true>;
  readonly #listeners: { [E in keyof Events]?: Set<(payload: Events[E]) => void> } = {};

  constructor(events: Record<keyof Events, true>) {
    this.#events = events;
  }

  /**
   * Calls the listener on every such event, until the function that is returned is called. With `past`, what
   * has happened before, it is called once with that as well, soon. Throws `invalid_argument` for an event
   * that does not exist.
   */
  on<E extends keyof Events>(
    event: E,
    listener: (payload: Events[E]) => void,
    past?: Events[E] | null,
  ): () => void {
    if (!Object.hasOwn(this.#events, event)) throw argumentError(`There is no event "${String(event)}".`);
    if (typeof listener !== "function") throw argumentError("A listener must be a function.");
    const listeners: Set<(payload: Events[E]) => void> = this.#listeners[event] ?? new Set();
    this.#listeners[event] = listeners;
    // The same function may be there twice, and is removed once.
    const own = (payload: Events[E]) => listener(payload);
    listeners.add(own);
    if (past !== undefined && past !== null) {
      queueMicrotask(() => {
        if (listeners.has(own)) own(past);
      });
    }
    return () => {
      listeners.delete(own);
    };
  }

  /** Whether anybody listens. */
  hears(event: keyof Events): boolean {
    return (this.#listeners[event]?.size ?? 0) > 0;
  }

  /** A listener that throws keeps the event from nobody else: its error is thrown where no caller is. */
  emit<E extends keyof Events>(event: E, payload: Events[E]): void {
    for (const listener of [...(this.#listeners[event] ?? [])]) {
      try {
        listener(payload);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
