/** Runs the posting of observations (core/observing/posting.ts): one timer, and the posts themselves. */
import { isDrained, step, wakeAt } from "../core/observing/posting.ts";
import { newPosting, type PostAnswer, type PostingEvent } from "../core/observing/posting-state.ts";
import type { Observation } from "../core/wire/sidecar-post.ts";
import { Wake } from "./wake.ts";

/** Posts observations, and says what became of them. Never throws. */
export type Post = (observations: Observation[]) => Promise<PostAnswer>;

export class Observations {
  readonly #post: Post;
  readonly #state = newPosting(performance.now());
  readonly #wake = new Wake(() => this.#step({ kind: "deadline-passed" }));
  #idle: (() => void)[] = [];

  constructor(post: Post) {
    this.#post = post;
  }

  /** Clients remembered. */
  get size(): number {
    return this.#state.clients.size;
  }

  /** Observations that the edge has taken. */
  get posted(): number {
    return this.#state.counts.posted;
  }

  /** Those that were too old before it could. */
  get lost(): number {
    return this.#state.counts.lost;
  }

  /** Those that it does not want. */
  get refused(): number {
    return this.#state.counts.refused;
  }

  /** Those of clients that the edge does not hold, as it has said. */
  get ignored(): number {
    return this.#state.counts.ignored;
  }

  /** Takes an observation; `isOld`: of a token that was issued long ago. False if too many are held already. */
  take(observation: Observation, isOld = false): boolean {
    return this.#step({ kind: "observation-made", observation, isOld });
  }

  /** Done when nothing is waiting or under way. */
  async drained(): Promise<void> {
    if (isDrained(this.#state)) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Forgets everything. */
  stop(): void {
    this.#step({ kind: "stopped" });
  }

  /** False if the machine dropped what the event brought. */
  #step(event: PostingEvent): boolean {
    const effects = step(this.#state, event, performance.now());
    this.#wake.at(wakeAt(this.#state));
    let isTaken = true;
    for (const effect of effects) {
      if (effect.kind === "drop") isTaken = false;
      else if (effect.kind === "post") void this.#send(effect.post, effect.observations);
    }
    if (isDrained(this.#state)) for (const resolve of this.#idle.splice(0)) resolve();
    return isTaken;
  }

  async #send(post: number, observations: Observation[]): Promise<void> {
    this.#step({ kind: "post-answered", post, answer: await this.#post(observations) });
  }
}
