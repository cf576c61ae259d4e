/** How the SDK's own signals between two members stand in those of a lobby (`lobby_signal`): under a key, by which SDKs keep them from games. */
import type { WebRtcSignal } from "./webrtc-signal.ts";

const signalKey = "orion-webrtc";

/** As it is signalled to another member. */
export function inLobby(signal: WebRtcSignal): object {
  return { [signalKey]: signal };
}

/** What is in a lobby's signal that is the SDK's own, whatever it is; undefined for a signal of the game. */
export function fromLobby(data: unknown): unknown {
  if (typeof data !== "object" || data === null || !Object.hasOwn(data, signalKey)) return undefined;
  return (data as Record<string, unknown>)[signalKey] ?? null;
}
