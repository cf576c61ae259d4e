/** A client's report as the server takes it (core/wire/client-message.ts): in one message that is not too long. */
import { wireLimits } from "../../core/wire/limits.ts";
import type { ConnectionReport, TimelineEntry } from "../report.ts";

/** Characters of the report's JSON: with the token, in base64, it is still a message that the server reads. */
const mostCharacters = Math.floor((wireLimits.frameBytes - 1_024) * 0.75);

/**
 * What goes with `ptpMediation_peersConnection_success`, or `_failure`, about the mediation that the server calls so. Of long
 * timelines, the first lines and the last.
 */
export function reportMessage(mediation: string | undefined, { cause, peers }: ConnectionReport): object {
  for (let most: number = wireLimits.timelineLines; ; most = Math.floor(most / 2)) {
    const shortened = peers.map(({ clientId, path, rttMs, cause, timeline }) => {
      const told = { clientId, path, cause, rttMs: rttMs === null ? null : Math.min(rttMs, 60_000) };
      return path === null && most > 0 ? { ...told, timeline: ends(timeline, most) } : told;
    });
    const message = { mediation, cause, peers: shortened };
    if (most === 0 || JSON.stringify(message).length <= mostCharacters) return message;
  }
}

function ends(timeline: readonly TimelineEntry[], most: number): TimelineEntry[] {
  if (timeline.length <= most) return [...timeline];
  const first = Math.floor(most / 3);
  return [...timeline.slice(0, first), ...timeline.slice(first - most)];
}
