/** What happens in a lobby, as its members hear it. */

/**
 * Why a lobby is over for this member. `left_out`: the others were connected without it. A server that does not tell who is
 * left out leaves only `host_left` for that, after an `aborted`.
 */
export type CloseReason = "connected" | "left_out" | "host_left" | "disconnected" | "left";

/** What happens in a lobby. */
export type LobbyEvents = {
  /** `at` in milliseconds since 1970, by the server's clock. Own messages come back too. */
  chat: { from: string; text: string; at: number };
  joined: { name: string };
  left: { name: string };
  /** The lobby is over: all are `connected`, or all others, the host left, the connection was lost, or this member left. Comes once. */
  closed: { reason: CloseReason };
  /** The mediation failed, the lobby is open again; with the code `left_out` the others go on without this member. The reason is a sentence for the player. */
  aborted: { code: string; reason: string };
};

/** All of them, for callers that have no types. */
export const lobbyEvents: Record<keyof LobbyEvents, true> = {
  chat: true,
  joined: true,
  left: true,
  closed: true,
  aborted: true,
};
