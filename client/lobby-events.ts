/** What happens in a lobby, as its members hear it. */

/** Why a lobby is over for this member. `host_left` also if the others were connected without it: it heard `aborted` before. */
export type CloseReason = "connected" | "host_left" | "disconnected" | "left";

/** What happens in a lobby. */
export type LobbyEvents = {
  /** `at` in milliseconds since 1970, by the server's clock. Own messages come back too. */
  chat: { from: string; text: string; at: number };
  joined: { name: string };
  left: { name: string };
  /** The lobby is over: all are `connected`, the host left, the connection was lost, or this member left. Comes once. */
  closed: { reason: CloseReason };
  /** The mediation failed, the lobby is open again. The reason is a sentence for the player. */
  aborted: { code: string; reason: string };
};
