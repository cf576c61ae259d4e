/** Listeners by the name of what they listen for. Browsers have nothing typed, and Node's own is Node's. */
import { argumentError } from "./argument.ts";

type Listener<Payload> = (payload: Payload) => void;
/** One call of `on` or `once`. The same function may be there twice. */
type Entry<Payload> = { readonly listener: Listener<Payload>; readonly isOnce: boolean };

/** `closed` is the last event: what waits for another one then waits in vain. */
export class Emitter<Events extends { closed: unknown }> {
  readonly #events: Record<keyof Events, true>;
  readonly #errorOf: (closed: Events["closed"]) => Error;
  readonly #listeners: { [E in keyof Events]?: Set<Entry<Events[E]>> } = {};
  readonly #waiting = new Set<(closed: Events["closed"]) => void>();
  /** What was told at the end. */
  #closed: { payload: Events["closed"] } | null = null;

  /** `errorOf`: what a game is told that waits for an event which does not come any more. */
  constructor(events: Record<keyof Events, true>, errorOf: (closed: Events["closed"]) => Error) {
    this.#events = events;
    this.#errorOf = errorOf;
  }

  /**
   * Calls the listener on every such event, until the function that is returned is called. With `past`, what
   * has happened before, it is called with that as well, soon. Throws `invalid_argument` for an event
   * that does not exist.
   */
  on<E extends keyof Events>(
    event: E,
    listener: Listener<Events[E]>,
    past?: Events[E] | null,
    isOnce = false,
  ): () => void {
    this.#check(event);
    if (typeof listener !== "function") throw argumentError("A listener must be a function.");
    const listeners: Set<Entry<Events[E]>> = this.#listeners[event] ?? new Set();
    this.#listeners[event] = listeners;
    const entry = { listener, isOnce };
    listeners.add(entry);
    if (past !== undefined && past !== null) queueMicrotask(() => tell(listeners, entry, past));
    return () => {
      listeners.delete(entry);
    };
  }

  /** As `on`, for one event. */
  once<E extends keyof Events>(event: E, listener: Listener<Events[E]>, past?: Events[E] | null): () => void {
    return this.on(event, listener, past, true);
  }

  /**
   * The next such event, or what was told at the end if that is asked for. Fails with the error of the end if that comes first, or has
   * come. Nobody need hear of that: it is no unhandled rejection.
   */
  next<E extends keyof Events>(event: E, past?: Events[E] | null): Promise<Events[E]> {
    const { promise, resolve, reject } = Promise.withResolvers<Events[E]>();
    promise.catch(() => {});
    const forget = this.once(
      event,
      (payload) => {
        this.#waiting.delete(giveUp);
        resolve(payload);
      },
      past,
    );
    const giveUp = (closed: Events["closed"]) => {
      forget();
      if (event === "closed") resolve(closed as Events[E]);
      else reject(this.#errorOf(closed));
    };
    this.#waiting.add(giveUp);
    const closed = this.#closed;
    // What came before the end, and waits for a listener, is told first.
    if (closed) queueMicrotask(() => queueMicrotask(() => this.#close(closed.payload)));
    return promise;
  }

  /** Removes the listener, however often it is there. */
  off<E extends keyof Events>(event: E, listener: Listener<Events[E]>): void {
    this.#check(event);
    const listeners = this.#listeners[event];
    for (const entry of listeners ?? []) if (entry.listener === listener) listeners?.delete(entry);
  }

  /** Whether anybody listens. */
  hears(event: keyof Events): boolean {
    return (this.#listeners[event]?.size ?? 0) > 0;
  }

  /** A listener that throws keeps the event from nobody else: its error is thrown where no caller is. */
  emit<E extends keyof Events>(event: E, payload: Events[E]): void {
    const listeners = this.#listeners[event];
    for (const entry of [...(listeners ?? [])]) if (listeners) tell(listeners, entry, payload);
    if (event === "closed") this.#close(payload);
  }

  #close(payload: Events["closed"]): void {
    this.#closed = { payload };
    for (const giveUp of this.#waiting) giveUp(payload);
    this.#waiting.clear();
  }

  #check(event: keyof Events): void {
    if (!Object.hasOwn(this.#events, event)) throw argumentError(`There is no event "${String(event)}".`);
  }
}

/** Unless the entry was removed meanwhile. */
function tell<Payload>(listeners: Set<Entry<Payload>>, entry: Entry<Payload>, payload: Payload): void {
  if (!listeners.has(entry)) return;
  if (entry.isOnce) listeners.delete(entry);
  try {
    entry.listener(payload);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
