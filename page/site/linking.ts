/**
 * The host's part in connecting everybody. The first start connects those who are there, as soon as there are two. The lobby stays, so the
 * server connects whoever comes later by itself. `linked` in the lobby's data says that the first start is done, also to the next host.
 */
import type { Lobby } from "/sdk.js";
import { codeOf } from "./sentences.ts";

const firstPauseMs = 1_000;
const longestPauseMs = 15_000;
/** Milliseconds that a start waits for a player. */
const patienceMs = 10_000;

/** Until the function that is returned is called. `failed` is told the code of each start that failed. */
export function keepLinked(lobby: Lobby, failed: (code: string) => void): () => void {
  const ending = new AbortController();
  let isStarting = false;
  let pauseMs = firstPauseMs;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const link = async () => {
    if (isStarting || ending.signal.aborted || !mayStart(lobby)) return;
    isStarting = true;
    clearTimeout(timer);
    try {
      await lobby.start({ patienceMs, signal: ending.signal });
      await lobby.setData({ linked: true });
      pauseMs = firstPauseMs;
    } catch (error) {
      if (ending.signal.aborted) return;
      failed(codeOf(error));
      timer = setTimeout(link, pauseMs);
      pauseMs = Math.min(2 * pauseMs, longestPauseMs);
    } finally {
      isStarting = false;
    }
  };
  const forget = (["joined", "back", "hostChanged", "resumed"] as const).map((event) =>
    lobby.on(event, link),
  );
  void link();
  return () => {
    ending.abort();
    clearTimeout(timer);
    for (const one of forget) one();
  };
}

function mayStart({ isHost, data, members }: Lobby): boolean {
  return (
    isHost && data.linked !== true && members.filter(({ presence }) => presence === "connected").length > 1
  );
}
