/** What was refused, told once a minute at most: an operator without metrics sees an attack, and no attack fills the log. */
import type { PortCounts, RelayCounts } from "./counts.ts";
import { sidecarLimits } from "./limits.ts";
import type { Line } from "./log.ts";

type Tally = Readonly<Record<string, number>>;
type Refused = { datagrams: Tally; relayDrops: Tally; relayRefusals: Tally };

export class Refusals {
  readonly #ports: readonly Readonly<PortCounts>[];
  readonly #relay: Readonly<RelayCounts>;
  /** As it was when the last line was written, or at first. */
  #told: Refused;
  #since: number;
  #hasTold = false;

  /** Times are in milliseconds, and never set back. */
  constructor(ports: readonly Readonly<PortCounts>[], relay: Readonly<RelayCounts>, now: number) {
    this.#ports = ports;
    this.#relay = relay;
    this.#told = this.#soFar();
    this.#since = now;
  }

  /** What was refused since the last line. Null if nothing was, or that line is not a minute old. */
  line(now: number): Line | null {
    if (this.#hasTold && now - this.#since < sidecarLimits.refusalLineMs) return null;
    return this.lastLine(now);
  }

  /** The same, however old the last line is: whoever stops can tell nothing later. */
  lastLine(now: number): Line | null {
    const soFar = this.#soFar();
    const datagrams = risen(soFar.datagrams, this.#told.datagrams);
    const relayDrops = risen(soFar.relayDrops, this.#told.relayDrops);
    const relayRefusals = risen(soFar.relayRefusals, this.#told.relayRefusals);
    if (!datagrams && !relayDrops && !relayRefusals) return null;
    const seconds = Math.round((now - this.#since) / 1000);
    this.#told = soFar;
    this.#since = now;
    this.#hasTold = true;
    return {
      level: "info",
      event: "datagrams_refused",
      seconds,
      ...datagrams,
      relayDrops,
      relayRefusals,
    };
  }

  #soFar(): Refused {
    const sum = (name: keyof PortCounts) => this.#ports.reduce((all, counts) => all + counts[name], 0);
    return {
      datagrams: { junk: sum("junk"), forged: sum("forged"), dropped: sum("dropped"), shed: sum("shed") },
      relayDrops: { ...this.#relay.drops },
      relayRefusals: { ...this.#relay.refusals },
    };
  }
}

/** By how much each has grown that has; undefined if none has. */
function risen(now: Tally, before: Tally): Record<string, number> | undefined {
  const more = Object.entries(now)
    .map(([name, count]): [string, number] => [name, count - (before[name] ?? 0)])
    .filter(([, count]) => count > 0);
  return more.length > 0 ? Object.fromEntries(more) : undefined;
}
