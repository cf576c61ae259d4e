/**
 * The first packets of a game whose players have met, as ENet sends them: the guest asks, again and again later, and hears only where it
 * asks; the host answers whoever comes, and hears a third packet. So either player knows that its packets arrive, and that the other's do.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { PlayerSocket } from "../kit/symmetric-nat.ts";

export type GameEndpoint = { address: string; port: number };

/** ENet takes a round trip for half a second before it knows better, and waits twice as long each time. */
const firstAgainMs = 500;
/** Milliseconds between answers of a host that were not confirmed. */
const answerAgainMs = 150;

/** As the guest: whether the host at this endpoint has answered in time. It goes on to confirm what the host answers. */
export async function joinGame(socket: PlayerSocket, host: GameEndpoint, forMs: number): Promise<boolean> {
  const answered = new Promise<true>((resolve) => {
    socket.onMessage((bytes, { address, port }) => {
      if (String(bytes) !== "welcome" || address !== host.address || port !== host.port) return;
      socket.send("thanks", host.port, host.address);
      resolve(true);
    });
  });
  const late = wait(forMs, false);
  const again = new AbortController();
  void (async () => {
    for (let ms = firstAgainMs; !again.signal.aborted; ms *= 2) {
      socket.send("connect", host.port, host.address);
      await wait(ms, null, { signal: again.signal }).catch(() => {});
    }
  })();
  try {
    return await Promise.race([answered, late]);
  } finally {
    again.abort();
  }
}

/** As the host: where the first guest is whose packets come, and who has heard the host's. Null if there is none in time. */
export async function awaitGuest(socket: PlayerSocket, forMs: number): Promise<GameEndpoint | null> {
  const over = new AbortController();
  const guest = new Promise<GameEndpoint>((resolve) => {
    socket.onMessage((bytes, { address, port }) => {
      if (String(bytes) === "thanks") resolve({ address, port });
      else if (String(bytes) === "connect") void welcome({ address, port });
    });
  });
  const welcome = async ({ address, port }: GameEndpoint) => {
    while (!over.signal.aborted) {
      socket.send("welcome", port, address);
      await wait(answerAgainMs, null, { signal: over.signal }).catch(() => {});
    }
  };
  try {
    return await Promise.race([guest, wait(forMs, null)]);
  } finally {
    over.abort();
  }
}
