/** How a session ends. */
import type { SessionProblem } from "./error.ts";

/**
 * Why a session is over. `connected`: the lobby has done its work. `left_out`: it has, without this member.
 * `host_left`: the host left. `left`: this member left. `kicked`: the host has removed it.
 * `disconnected`: the connection was lost, and there was no way back, or not in time.
 * `resumed_elsewhere`: the member has come back by another connection, which has its place now.
 * `resume_refused`: the connection was lost, and the server did not let this client back in.
 * A plain Orion server does not say who is left out: that member hears `host_left`.
 */
export type EndReason =
  | "connected"
  | "left_out"
  | "host_left"
  | "disconnected"
  | "left"
  | "kicked"
  | "resumed_elsewhere"
  | "resume_refused";

/**
 * `closeCode`: the WebSocket's (RFC 6455, 7.4), or null if the server fell silent. `message`: the host's reason, if it
 * gave one; `banned`: this player may not come back.
 */
export type SessionEnd = {
  reason: EndReason;
  closeCode: number | null;
  message?: string;
  banned?: boolean;
};

/** The code of a call that the end of the session cut short. */
export function endProblem(reason: EndReason): SessionProblem {
  switch (reason) {
    case "connected":
    case "left_out":
    case "host_left":
      return "lobby_closed";
    default:
      return reason;
  }
}
