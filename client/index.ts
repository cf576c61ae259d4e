/** The SDK for Node and Electron: lobbies, and links between their players. */
import "./no-eval.ts";
import { newCheckAllowance } from "../core/link/unproven.ts";
import { NodeLobby } from "./node-lobby.ts";
import { Orion } from "./orion.ts";
import { checkRuntime } from "./runtime.ts";

export type { Data, DataChange, DataValue } from "../core/data.ts";
export { type Cause, causes } from "../core/link/cause.ts";
export type { PathKind } from "../core/link/path.ts";
export type { RelayCode } from "../core/relay/ticket.ts";
export type { Member } from "../session/member.ts";
export { type OrionCode, OrionError, type OwnCode } from "./error.ts";
export type { LinkEvents, LinkReport } from "./link-events.ts";
export type { LobbyChanges, Phase, SavedSnapshot, Snapshot, SnapshotBytes } from "./lobby.ts";
export type { CloseReason } from "./lobby-events.ts";
export type { RawStartOptions, StartOptions } from "./node-lobby.ts";
export type { NodeLobbyEvents as LobbyEvents } from "./node-lobby-events.ts";
export type {
  HostOptions,
  JoinOptions,
  ListedLobby,
  ListOptions,
  MatchOptions,
  ResumeOptions,
} from "./orion.ts";
export type { Peer, RawConnection } from "./peer.ts";
export type { ConnectionReport, PeerReport, TimelineEntry } from "./report.ts";
export type { Condition, Where } from "./search.ts";
export type { Link } from "./udp/link.ts";
export type { Packet } from "./udp/packet.ts";
export type { NodeLobby as Lobby, Orion };

/**
 * Finds the server. Tries for up to 10 s. Throws `unsupported_runtime`, `invalid_argument`, `invalid_url`,
 * `not_orion`, `unreachable`, `unanswered` or `aborted`.
 */
export async function connect(
  url: string | URL,
  options: { signal?: AbortSignal } = {},
): Promise<Orion<NodeLobby>> {
  checkRuntime({ "Promise.withResolvers": Promise.withResolvers });
  const checks = newCheckAllowance(performance.now());
  return await Orion.find(url, (opening) => new NodeLobby(opening, checks), ["links"], options);
}
