/**
 * Counts challenged clients while no client returns a cookie. Several of them mean that the sidecar's answers probably get lost.
 * One client alone shows nothing, nor do a few probes that somebody repeats.
 */
import { sidecarLimits } from "./limits.ts";
import type { Line } from "./log.ts";

export class Unproven {
  /** How many probes of each client were challenged since `#since`, while nobody returned a cookie. */
  readonly #probes = new Map<string, number>();
  #since = 0;
  #tellAgainAt = Number.NEGATIVE_INFINITY;

  /** Times are in milliseconds, and never set back. */
  challenged(clientId: string, now: number): void {
    if (this.#isOld(now)) this.#probes.clear();
    if (this.#probes.size === 0) this.#since = now;
    const count = this.#probes.get(clientId);
    if (count === undefined && this.#probes.size >= sidecarLimits.unprovenClients) this.#forgetOne();
    this.#probes.set(clientId, (count ?? 0) + 1);
  }

  /** The one with the fewest probes goes: many clients with one probe each must not hide those that go on trying. */
  #forgetOne(): void {
    const [fewest] = [...this.#probes].sort(([, a], [, b]) => a - b);
    if (fewest) this.#probes.delete(fewest[0]);
  }

  /** A client has returned a cookie: answers arrive. */
  proven(): void {
    if (this.#probes.size > 0) this.#probes.clear();
  }

  /** Clients that have sent several probes for a while, none of them proven. Nobody else was, either. */
  count(now: number): number {
    if (this.#isOld(now) || now - this.#since < sidecarLimits.unprovenMs) return 0;
    let clients = 0;
    for (const probes of this.#probes.values()) clients += Number(probes >= sidecarLimits.unprovenProbes);
    return clients;
  }

  /** The line for the operator, if there is something to tell and it was not told lately. */
  line(now: number): Line | null {
    const clients = this.count(now);
    if (clients < 2 || now < this.#tellAgainAt) return null;
    this.#tellAgainAt = now + sidecarLimits.unprovenLineMs;
    return {
      level: "error",
      event: "answers_not_reaching_players",
      clients,
      seconds: Math.round((now - this.#since) / 1000),
      why: "a firewall stops UDP that leaves this machine, or it leaves from another address than players send to (--host)",
    };
  }

  #isOld(now: number): boolean {
    return now - this.#since > sidecarLimits.unprovenKeptMs;
  }
}
