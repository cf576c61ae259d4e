/** How a session ends. */
import type { SessionProblem } from "./error.ts";

/**
 * Why a session is over. `connected`: the lobby has done its work. `left_out`: it has, without this member.
 * `host_left`: the host left. `disconnected`: the connection was lost. `left`: this member left.
 * A plain Orion server does not say who is left out: that member hears `host_left`.
 */
export type EndReason = "connected" | "left_out" | "host_left" | "disconnected" | "left";

/** `closeCode`: the WebSocket's (RFC 6455, 7.4), or null if the server fell silent. */
export type SessionEnd = { reason: EndReason; closeCode: number | null };

/** The code of a call that the end of the session cut short. */
export function endProblem(reason: EndReason): SessionProblem {
  return reason === "disconnected" || reason === "left" ? reason : "lobby_closed";
}
