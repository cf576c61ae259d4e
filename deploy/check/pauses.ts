/** Sockets over time: whether lobbies sleep and wake with them, and whether idle ones stay. */
import { setTimeout as pass } from "node:timers/promises";
import { sharedLimits } from "../../core/limits.ts";
import { type Check, inMs, timed } from "./finding.ts";
import { Visitor } from "./visitor.ts";

/** Members of two lobbies chat, say nothing for a while, and chat again: an object sleeps after 10 s. */
export function chatAfterPauses(server: URL, pausesMs: readonly number[]): Check {
  return {
    name: "sleep",
    look: async () => {
      const lobbies = await Promise.all([lobbyOn(server, false), lobbyOn(server, true)]);
      const times: number[] = [];
      for (const [round, pauseMs] of pausesMs.entries()) {
        await pass(pauseMs);
        for (const { lobbyId, host, guest } of lobbies) {
          const text = `After pause ${round}`;
          const { ms } = await timed(async () => {
            guest.chat(lobbyId, text);
            await Promise.all([host.hearsChat(text), guest.hearsChat(text)]);
          });
          times.push(ms);
        }
      }
      for (const { host, guest } of lobbies) for (const one of [host, guest]) one.leave();
      const pauses = pausesMs.map((ms) => ms / 1000).join(", ");
      return {
        verdict: "ok",
        what: `Chat arrived after pauses of ${pauses} s, within ${inMs(Math.max(...times))}: sockets outlive the sleep of their lobby.`,
      };
    },
  };
}

async function lobbyOn(server: URL, direct: boolean) {
  const host = await Visitor.connect(server, direct ? "/lobbies" : "/");
  const lobbyId = await host.host("Sleep");
  const guest = await Visitor.connect(server, direct ? `/lobbies/${lobbyId}` : "/");
  await guest.join(lobbyId, "Guest");
  return { lobbyId, host, guest };
}

/** Sockets that are open for so long: some say nothing, some ping as the SDK does. */
export function idleSockets(
  server: URL,
  { ms, each, pingMs = sharedLimits.pingMs }: { ms: number; each: number; pingMs?: number },
): Check {
  return {
    name: "idle sockets",
    look: async () => {
      const open = () => Promise.all(Array.from({ length: each }, () => Visitor.connect(server, "/")));
      const [silent, pinging] = [await open(), await open()];
      const until = performance.now() + ms;
      while (performance.now() < until) {
        await pass(Math.min(pingMs, until - performance.now()));
        await Promise.allSettled(pinging.map((visitor) => visitor.pings()));
      }
      // One that is dead may look as if it were open.
      await Promise.allSettled(silent.map((visitor) => visitor.pings().catch(() => visitor.leave())));
      const dead = (some: Visitor[]) => some.filter(({ closed }) => closed !== null);
      const [deadSilent, deadPinging] = [dead(silent), dead(pinging)];
      for (const visitor of [...silent, ...pinging]) visitor.leave();
      const span = `${Math.round(ms / 1000)} s`;
      if (deadPinging.length > 0) {
        const codes = deadPinging.map(({ closed }) => closed?.code).join(", ");
        return {
          verdict: "wrong",
          code: "sockets_died",
          what: `${deadPinging.length} of ${each} sockets that ping died within ${span}, with code ${codes}.`,
        };
      }
      if (deadSilent.length > 0) {
        const after = deadSilent
          .map(({ closed }) => `${Math.round((closed?.afterMs ?? 0) / 1000)} s`)
          .join(", ");
        return {
          verdict: "note",
          code: "silent_sockets_died",
          what: `${deadSilent.length} of ${each} silent sockets died, after ${after}. Those that ping live: clients should.`,
        };
      }
      return {
        verdict: "ok",
        what: `All ${2 * each} sockets lived for ${span}, also those that said nothing.`,
      };
    },
  };
}
