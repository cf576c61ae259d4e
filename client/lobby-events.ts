/** What happens in a lobby, as its members hear it. */
import type { EndReason } from "../session/end.ts";
import type { SessionEvent } from "../session/event.ts";
import type { Emitter } from "./emitter.ts";

/**
 * Why a lobby is over for this member. `left_out`: the others were connected without it. A server that does
 * not tell who is left out leaves only `host_left` for that, after an `aborted`.
 */
export type CloseReason = EndReason;

/** What happens in a lobby. */
export type LobbyEvents = {
  /** `at` in milliseconds since 1970, by the server's clock. Own messages come back too. */
  chat: { from: string; text: string; at: number };
  joined: { name: string };
  left: { name: string };
  /**
   * The lobby is over: all are `connected`, or all others, the host left, the connection was lost, or this
   * member left. Comes once.
   */
  closed: { reason: CloseReason };
  /**
   * The mediation failed, the lobby is open again; with the code `left_out` the others go on without this
   * member. The reason is a sentence for the player.
   */
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

/** Passes what happened in a session on to the game's listeners. @internal */
export function tellGame(events: Pick<Emitter<LobbyEvents>, "emit">, event: SessionEvent): void {
  switch (event.kind) {
    case "chat":
      events.emit("chat", { from: event.from, text: event.text, at: event.at });
      break;
    case "joined":
      events.emit("joined", { name: event.name });
      break;
    case "left":
      events.emit("left", { name: event.name });
      break;
    case "mediation": {
      const { method, payload } = event.message;
      if (method !== "ptpMediation_aborted") break;
      events.emit("aborted", { code: payload.code ?? "aborted", reason: payload.abortReason });
      break;
    }
    case "ended":
      events.emit("closed", { reason: event.reason });
      break;
  }
}
