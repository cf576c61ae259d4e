/** The SDK's lobby half, for browsers: no UDP, so no links. Nothing that it imports needs Node. */
import "./no-eval.ts";
import { Lobby } from "./lobby.ts";
import { declineMediations } from "./no-udp.ts";
import { type Opening, Orion } from "./orion.ts";
import { tellVisibility } from "./page-visibility.ts";
import { checkRuntime } from "./runtime.ts";

export type { Data, DataChange, DataValue } from "../core/data.ts";
export type { Member } from "../session/member.ts";

export { type OrionCode, OrionError, type OwnCode } from "./error.ts";
export type { LobbyChanges, Phase, SavedSnapshot, Snapshot, SnapshotBytes } from "./lobby.ts";
export type { CloseReason, LobbyEvents } from "./lobby-events.ts";
export type {
  HostOptions,
  JoinOptions,
  ListedLobby,
  ListOptions,
  MatchOptions,
  ResumeOptions,
} from "./orion.ts";
export type { ConnectionReport, PeerReport, TimelineEntry } from "./report.ts";
export type { Condition, Where } from "./search.ts";
export type { Lobby, Orion };

/**
 * Finds the server. Tries for up to 10 s. Throws `unsupported_runtime`, `invalid_argument`, `invalid_url`,
 * `not_orion`, `unreachable`, `unanswered` or `aborted`.
 */
export async function connect(
  url: string | URL,
  options: { signal?: AbortSignal } = {},
): Promise<Orion<Lobby>> {
  checkRuntime();
  return await Orion.find(url, open, [], options);
}

function open({ session }: Opening): Lobby {
  declineMediations(session);
  tellVisibility(session);
  return new Lobby(session);
}
