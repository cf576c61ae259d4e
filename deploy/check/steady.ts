/** Requests over time: objects move and restart, and nobody should notice. */
import { setTimeout as pass } from "node:timers/promises";
import { type Check, inMs, timed } from "./finding.ts";
import { at, Visitor } from "./visitor.ts";

export function steadyAnswers(server: URL, { ms, everyMs }: { ms: number; everyMs: number }): Check {
  return {
    name: "retries",
    look: async () => {
      const host = await Visitor.connect(server, "/");
      const lobbyId = await host.host("Steady");
      const failed: string[] = [];
      let [asked, slowest] = [0, 0];
      const until = performance.now() + ms;
      while (performance.now() < until) {
        const requests: [string, () => Promise<number>][] = [
          ["GET /lobbies", async () => (await fetch(at(server, "/lobbies?limit=1"))).status],
          // Refused by the lobby, because the host is alone: it goes through all objects, and changes nothing.
          ["POST start", async () => (await host.post(`/lobbies/${lobbyId}/ptp/start`, {})).status],
        ];
        for (const [name, request] of requests) {
          const { ms: took, value } = await timed(() => request().catch(() => 0));
          asked += 1;
          slowest = Math.max(slowest, took);
          if (value === 0 || value >= 500 || value === 429) failed.push(`${name}: ${value || "no answer"}`);
        }
        await pass(everyMs);
      }
      host.leave();
      const what = `${asked - failed.length} of ${asked} requests in ${Math.round(ms / 1000)} s were answered, the slowest within ${inMs(slowest)}.`;
      return failed.length > 0
        ? {
            verdict: "wrong",
            code: "requests_failed",
            what: `${what} Failed: ${[...new Set(failed)].join(", ")}.`,
          }
        : { verdict: "ok", what: `${what} What failed inside, if anything, was repeated.` };
    },
  };
}
