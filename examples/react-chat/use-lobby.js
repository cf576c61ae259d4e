import { connect } from "orion-edge-client";
import { useEffect, useState } from "react";

const nothing = { lobby: null, members: [], messages: [], error: null };
const changes = ["joined", "left", "away", "back", "memberChanged", "hostChanged", "resumed"];

/**
 * Joins the lobby of this code, or hosts one if there is none, for as long as the component is mounted.
 * `members`: who is there. `messages`: the newest 200 of the chat. `error`: why there is no lobby.
 */
export function useLobby(server, code, name) {
  const [state, setState] = useState(nothing);
  useEffect(() => {
    const mounted = new AbortController();
    const { signal } = mounted;
    const set = (part) => signal.aborted || setState((state) => ({ ...state, ...part(state) }));

    async function enter() {
      const orion = await connect(server, { signal });
      const lobby = code
        ? await orion.join(code, { name, signal })
        : await orion.host({ name, signal, lifetime: "session", onHostLoss: "migrate" });
      if (signal.aborted) return lobby.leave();
      signal.addEventListener("abort", () => lobby.leave());

      const look = () => set(() => ({ lobby, members: lobby.members }));
      for (const event of changes) lobby.on(event, look);
      lobby.on("chat", (line) => set(({ messages }) => ({ messages: [...messages.slice(-199), line] })));
      lobby.on("closed", ({ reason }) => set(() => ({ lobby: null, error: `The lobby is over: ${reason}` })));
      look();
    }

    set(() => nothing);
    enter().catch((error) => set(() => ({ error: error.message })));
    return () => mounted.abort();
  }, [server, code, name]);
  return state;
}
