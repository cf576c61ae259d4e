/** What a new lobby costs in time: the first access to its object, and a commit of its row. */
import { type Check, inMs, median, timed } from "./finding.ts";
import { Visitor } from "./visitor.ts";

/** Milliseconds that a host may wait for a socket. */
const longestMs = 5_000;
/** Milliseconds that a commit may take, as a rule. Three of five followers have to have it. */
const longestCommitMs = 500;

export function firstAccess(server: URL, samples: number): Check {
  return {
    name: "first access",
    look: async () => {
      const times: number[] = [];
      for (let i = 0; i < samples; i++) {
        const { ms, value } = await timed(() => Visitor.connect(server, "/lobbies"));
        value.leave();
        times.push(ms);
      }
      const slowest = Math.max(...times);
      const what = `${samples} new lobbies took a socket within ${inMs(median(times))}, the slowest within ${inMs(slowest)}.`;
      return slowest > longestMs
        ? { verdict: "wrong", code: "slow_first_access", what: `${what} Hosts wait too long.` }
        : { verdict: "ok", what: `${what} A host waits for that once, before it has typed anything.` };
    },
  };
}

/**
 * A join by the plain path writes a row before it is answered. A start that is refused goes the same way and writes nothing. The
 * difference is the commit.
 */
export function commitTime(server: URL, samples: number): Check {
  return {
    name: "commit",
    look: async () => {
      const host = await Visitor.connect(server, "/");
      const lobbyId = await host.host("Commit");
      const [joins, starts]: [number[], number[]] = [[], []];
      for (let i = 0; i < samples; i++) {
        const guest = await Visitor.connect(server, "/");
        const start = () => guest.post(`/lobbies/${lobbyId}/ptp/start`, {});
        // Its first request also looks for the objects.
        await start();
        joins.push((await timed(() => guest.join(lobbyId, `Guest ${i}`))).ms);
        starts.push((await timed(start)).ms);
        guest.leave();
      }
      host.leave();
      const commit = Math.max(0, median(joins) - median(starts));
      const what = `A join that writes takes ${inMs(median(joins))}, a request that does not ${inMs(median(starts))}: a commit takes about ${inMs(commit)}.`;
      return commit > longestCommitMs
        ? { verdict: "wrong", code: "slow_commit", what: `${what} Joins on the plain path wait for it.` }
        : { verdict: "ok", what };
    },
  };
}
