/**
 * Whether the platform says what waits for a client, and says the truth: one that talks and does not read is thrown out only
 * then, and those that read as much stay.
 */
import { setTimeout as pass } from "node:timers/promises";
import { wireLimits } from "../../core/wire/limits.ts";
import { deafVisitor } from "./deaf-visitor.ts";
import type { Check } from "./finding.ts";
import { postAs, Visitor } from "./visitor.ts";

/** Messages a second of each who chats: fewer than a client may say, and all that a lobby of four delivers for long. */
const perSecond = 60;
const tickMs = 100;

export function unreadIsBounded(server: URL, patienceMs: number): Check {
  return {
    name: "bufferedAmount",
    look: async () => {
      const host = await Visitor.connect(server, "/lobbies");
      const lobbyId = await host.host("Unread");
      const talkers = [host];
      for (let i = 0; i < 2; i++) {
        const talker = await Visitor.connect(server, `/lobbies/${lobbyId}`);
        await talker.join(lobbyId, `Talker ${i}`);
        talkers.push(talker);
      }
      const deaf = await deafVisitor(server, `/lobbies/${lobbyId}`);
      await postAs(server, deaf.token, `/lobbies/${lobbyId}/join`, { peerName: "Deaf" });
      const text = "x".repeat(wireLimits.chatLength);
      let isOut = false;
      const out = host
        .hears("lobby_peerDisconnect", ({ payload }) => payload.peerName === "Deaf", patienceMs)
        .then(() => {
          isOut = true;
        })
        // It was not thrown out in time, or the host itself was.
        .catch(() => {});
      const began = performance.now();
      let said = 0;
      while (!isOut && performance.now() < began + patienceMs) {
        const due = Math.floor(((performance.now() - began) / 1000) * perSecond) - said;
        for (let i = 0; i < due; i++) for (const talker of talkers) talker.chat(lobbyId, text);
        said += due;
        deaf.says("alive");
        await pass(tickMs);
      }
      await out;
      const lost = talkers.filter(({ closed }) => closed !== null);
      for (const talker of talkers) talker.leave();
      deaf.leave();
      const after = `after ${said * talkers.length} messages in ${Math.round((performance.now() - began) / 1000)} s`;
      if (lost.length > 0) {
        const codes = lost.map(({ closed }) => closed?.code).join(", ");
        return {
          verdict: "wrong",
          code: "readers_thrown_out",
          what: `${lost.length} clients that read lost their connections ${after}, with code ${codes}: what the platform says of them is not so.`,
        };
      }
      return isOut
        ? {
            verdict: "ok",
            what: `A client that does not read was thrown out ${after}: the platform says what waits for it.`,
          }
        : {
            verdict: "note",
            code: "unread_not_told",
            what: `A client that talks and does not read was still there ${after}: the platform does not say what waits, or holds it elsewhere.`,
          };
    },
  };
}
