import { type Effect, type Step, unlisting } from "./effect.ts";
import { participants } from "./policy.ts";
import { dropping } from "./relays.ts";
import type { LobbyState } from "./state.ts";

/**
 * The end: off the directory, then told to everyone still in it, then forgotten. After a success the members play on, by whatever paths
 * their links have. `gone`: client ids of those with whom it ended.
 */
export function close(state: LobbyState, success: boolean, gone: readonly string[] = []): Step<LobbyState> {
  const { name, members, phase } = state;
  const effects: Effect[] = [{ kind: "save" }, ...unlisting(state)];
  if (success) {
    const to = phase.kind === "connecting" ? participants(state, phase) : members;
    effects.push({ kind: "send", to, message: { type: "mediationSucceeded" } });
  }
  const message = { type: "lobbyClosed", lobbyName: name } as const;
  effects.push({ kind: "release", to: members, message });
  if (!success) effects.push(...dropping(state, [...gone, ...members.map(({ clientId }) => clientId)]));
  effects.push({ kind: "forget" });
  return { state: { ...state, phase: { kind: "closing", success } }, effects };
}
