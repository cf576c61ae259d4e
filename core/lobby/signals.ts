/**
 * Signals from one member to another. They pass between those whom a start would connect: in a star the host and
 * each of the others, in a mesh all. The host may allow more when it opens the lobby.
 */
import type { Effect, Step } from "./effect.ts";
import type { LobbyEvent } from "./event.ts";
import { isAway, knowing, type LobbyState, memberOf } from "./state.ts";

/** The sender hears why, if its signal goes to nobody. `from` is the lobby's word, not the sender's. */
export function signal(
  state: LobbyState,
  { clientId: from, to, data }: Extract<LobbyEvent, { kind: "signal-sent" }>,
): Step<LobbyState> {
  const sender = memberOf(state, from);
  if (!sender) return { state, effects: [] };
  const receiver = memberOf(state, to);
  const refuse = (code: "no_such_member" | "cannot_signal"): Step<LobbyState> => {
    const message = { type: "signalFailed", to, code } as const;
    const failed: Effect = { kind: "send", to: knowing([sender]), message };
    return { state, effects: [failed] };
  };
  if (!receiver || receiver === sender || isAway(state, to)) return refuse("no_such_member");
  if (!receiver.features || !maySignal(state, from, to)) return refuse("cannot_signal");
  return { state, effects: [{ kind: "send", to: [receiver], message: { type: "signal", from, data } }] };
}

function maySignal({ topology, hostId, signals }: LobbyState, from: string, to: string): boolean {
  return signals === "all" || topology === "mesh" || from === hostId || to === hostId;
}
