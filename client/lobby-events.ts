/** What happens in a lobby, as its members hear it. */

import type { DataChange } from "../core/data.ts";
import { fromLobby } from "../core/wire/lobby-signal.ts";
import type { EndReason } from "../session/end.ts";
import type { SessionEvent } from "../session/event.ts";
import type { Member } from "../session/member.ts";
import type { Emitter } from "./emitter.ts";

/**
 * Why a lobby is over for this member. `left_out`: the others were connected without it. A server that does
 * not tell who is left out leaves only `host_left` for that, after an `aborted`.
 */
export type CloseReason = EndReason;

/** What happens in a lobby. */
export type LobbyEvents = {
  /**
   * `at` in milliseconds since 1970, by the server's clock. Own messages come back too. `from`: the sender's name, as Orion has
   * it; `member`: the sender, null if it has left. `missed`: it was said while this player's connection was lost.
   */
  chat: { from: string; text: string; at: number; member: Member | null; missed?: true };
  joined: { name: string; member: Member };
  /** `kicked`: the host has removed it. */
  left: { name: string; member: Member; kicked: boolean };
  /** A member's connection is lost. It keeps its place until then, in milliseconds since 1970, if that is known. */
  away: { member: Member; until: number | null };
  /** It has come back. */
  back: { member: Member };
  /** The lobby has another host. Null if it has left by now. `term` counts hosts. */
  hostChanged: { member: Member | null; term: number };
  /** The host has changed the lobby. Only what has changed is there; in `data`, null stands for a key that is gone. */
  changed: {
    version: number;
    name?: string;
    title?: string;
    isPublic?: boolean;
    maxMembers?: number;
    hasPassword?: boolean;
    locked?: boolean;
    data?: DataChange;
  };
  /** A member has changed something of itself, in the same way. */
  memberChanged: { member: Member; displayName?: string; hidden?: boolean; data?: DataChange };
  /** From another member; `member` is null if it has left by now. */
  signal: { from: string; member: Member | null; data: unknown };
  /** A signal to this client id was not passed on, for this reason. */
  signalFailed: { to: string; code: string };
  /** A start, or the linking of those who came late, is done: all who took part are connected. In a lobby that stays, play goes on. */
  connected: Record<string, never>;
  /** A start takes long: the server has seen these, and awaits those. */
  progress: { seen: Member[]; awaited: Member[] };
  /** The connection is lost. The lobby keeps this player's place for so long, and the SDK tries to come back. */
  reconnecting: { graceMs: number };
  /** It is back, and all is as it is now. `isComplete`: all chat that was missed has been told as well. */
  resumed: { isComplete: boolean };
  /** Somebody has tried to come back in this player's place, and was refused. */
  resumeRefused: Record<string, never>;
  /**
   * The lobby is over: all are `connected`, or all others, the host left, the connection was lost, or this
   * member left or was removed. Comes once. `message`: why the host has removed it; `banned`: for good.
   */
  closed: { reason: CloseReason; message?: string; banned?: boolean };
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
  away: true,
  back: true,
  hostChanged: true,
  changed: true,
  memberChanged: true,
  signal: true,
  signalFailed: true,
  connected: true,
  progress: true,
  reconnecting: true,
  resumed: true,
  resumeRefused: true,
  closed: true,
  aborted: true,
};

/** Passes what happened in a session on to the game's listeners. @internal */
export function tellGame(events: Pick<Emitter<LobbyEvents>, "emit">, event: SessionEvent): void {
  switch (event.kind) {
    case "chat": {
      const { kind: _, ...chat } = event;
      events.emit("chat", chat);
      break;
    }
    case "joined":
      events.emit("joined", { name: event.member.name, member: event.member });
      break;
    case "left":
      events.emit("left", { name: event.member.name, member: event.member, kicked: event.kicked });
      break;
    case "away":
      events.emit("away", { member: event.member, until: event.until });
      break;
    case "back":
      events.emit("back", { member: event.member });
      break;
    case "host-changed":
      events.emit("hostChanged", { member: event.member, term: event.term });
      break;
    case "changed": {
      const { lobbyName: name, ...change } = event.change;
      events.emit("changed", { version: event.version, ...(name !== undefined && { name }), ...change });
      break;
    }
    case "member-changed":
      events.emit("memberChanged", { member: event.member, ...event.change });
      break;
    case "signal":
      // Between SDKs: how to connect by WebRTC.
      if (fromLobby(event.data) !== undefined) break;
      events.emit("signal", { from: event.clientId, member: event.member, data: event.data });
      break;
    case "signal-failed":
      events.emit("signalFailed", { to: event.clientId, code: event.code });
      break;
    case "progress":
      events.emit("progress", { seen: event.seen, awaited: event.awaited });
      break;
    case "reconnecting":
      events.emit("reconnecting", { graceMs: event.graceMs });
      break;
    case "resumed":
      events.emit("resumed", { isComplete: event.isComplete });
      break;
    case "resume-refused":
      events.emit("resumeRefused", {});
      break;
    case "mediation": {
      const { method, payload } = event.message;
      if (method === "ptpMediation_success") events.emit("connected", {});
      if (method !== "ptpMediation_aborted") break;
      events.emit("aborted", { code: payload.code ?? "aborted", reason: payload.abortReason });
      break;
    }
    case "ended": {
      const { kind: _, ...end } = event;
      events.emit("closed", end);
      break;
    }
  }
}
