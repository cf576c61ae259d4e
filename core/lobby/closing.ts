import type { Effect, Step } from "./effect.ts";
import type { LobbyState, Member } from "./state.ts";

/** The end: off the directory, then told to everyone still in it, then forgotten. */
export function close(state: LobbyState, success: boolean): Step<LobbyState> {
  const { name, members } = state;
  const effects: Effect[] = [{ kind: "save" }];
  if (state.isPublic) effects.push({ kind: "unlist" });
  if (success) {
    effects.push({ kind: "send", to: connected(state), message: { type: "mediationSucceeded" } });
  }
  const message = { type: "lobbyClosed", lobbyName: name } as const;
  effects.push({ kind: "release", to: members, message }, { kind: "forget" });
  return { state: { ...state, phase: { kind: "closing", success } }, effects };
}

/** All, but for those that the mediation went on without. */
function connected({ members, phase }: LobbyState): readonly Member[] {
  if (phase.kind !== "connecting" || phase.lost.length === 0) return members;
  return members.filter(({ clientId }) => !phase.lost.includes(clientId));
}
