/**
 * Runs the pairing of what the two ports see (core/observing/port-pairing.ts): one timer, and the way out
 * for observations.
 */
import {
  type ClientDatagram,
  newPairing,
  type PairingEvent,
  type PortName,
  step,
  wakeAt,
} from "../core/observing/port-pairing.ts";
import type { Observation } from "../core/wire/sidecar-post.ts";
import { Wake } from "./wake.ts";

/** Takes an observation. False if it could not. */
export type Take = (observation: Observation) => boolean;

export class PortPairing {
  readonly #take: Take;
  readonly #state = newPairing();
  readonly #wake = new Wake(() => this.#count(this.#step({ kind: "deadline-passed" })));
  #lost = 0;

  constructor(take: Take) {
    this.#take = take;
  }

  /** Clients that wait, or are remembered. */
  get size(): number {
    return this.#state.waiting.size + this.#state.remembered.size;
  }

  /** Observations that nobody could take any more when they had waited. */
  get lost(): number {
    return this.#lost;
  }

  /** Takes a genuine client's datagram. False if there are too many already. */
  see(port: PortName, datagram: ClientDatagram): boolean {
    const taken = this.#step({ kind: "datagram-arrived", port, datagram });
    // The last is of this datagram, if it passed at once.
    const isTaken = taken.pop() ?? true;
    this.#count(taken);
    return isTaken;
  }

  /** Passes on all that wait, and remembers nobody. */
  flush(): void {
    this.#count(this.#step({ kind: "stopping" }));
  }

  #count(taken: readonly boolean[]): void {
    for (const wasTaken of taken) if (!wasTaken) this.#lost += 1;
  }

  /** For each observation that passed, or was dropped, whether it was taken. */
  #step(event: PairingEvent): boolean[] {
    const effects = step(this.#state, event, performance.now());
    this.#wake.at(wakeAt(this.#state));
    return effects.map((effect) => effect.kind === "pass" && this.#take(effect.observation));
  }
}
