/** The SDK for browsers: lobbies, and links between their players, without UDP. Nothing that it imports needs Node. */
import { ownError } from "./error.ts";
import type { LinkedLobby } from "./linked-lobby.ts";
import { type FindOptions, Orion } from "./orion.ts";
import { checkRuntime } from "./runtime.ts";
import { webRtcHere } from "./webrtc/standard.ts";

export type { Data, DataChange, DataValue } from "../core/data.ts";
export { type Cause, causes } from "../core/link/cause.ts";
export type { PathKind } from "../core/link/path.ts";
export type { SocketRelayCode } from "../core/relay/socket/codes.ts";
export type { RelayCode } from "../core/relay/ticket.ts";
export type { Member } from "../session/member.ts";

export { type OrionCode, OrionError, type OwnCode } from "./error.ts";
export type { Link } from "./link/link.ts";
export type { LinkEvents, LinkReport } from "./link/link-events.ts";
export type { Packet } from "./link/packet.ts";
export type { LinkedPeer, StartOptions } from "./linked-lobby.ts";
export type { LinkedLobbyEvents as LobbyEvents } from "./linked-lobby-events.ts";
export type { LobbyChanges, Phase, SavedSnapshot, Snapshot, SnapshotBytes } from "./lobby.ts";
export type { CloseReason } from "./lobby-events.ts";
export type {
  HostOptions,
  JoinOptions,
  ListedLobby,
  ListOptions,
  MatchOptions,
  ResumeOptions,
} from "./orion.ts";
export type { Peer } from "./peer.ts";
export type { ConnectionReport, PeerReport, TimelineEntry } from "./report.ts";
export type { Condition, Where } from "./search.ts";
/** In a page the game gets no socket: `raw` fails with `no-udp`. */
export type Lobby = LinkedLobby<never>;
export type { Orion };
export type ConnectOptions = FindOptions;

/**
 * Finds the server, and loads the rest of the SDK meanwhile. Tries for up to 10 s. Throws `unsupported_runtime`, `invalid_argument`,
 * `invalid_url`, `not_orion`, `unreachable`, `unanswered` or `aborted`.
 */
export async function connect(url: string | URL, options: ConnectOptions = {}): Promise<Orion<Lobby>> {
  checkRuntime({ "Promise.withResolvers": Promise.withResolvers });
  const webRtc = webRtcHere(undefined);
  const features = ["ws-relay", "encrypted", ...(webRtc ? (["webrtc"] as const) : [])] as const;
  const opener = kept(async () => (await import("./page-lobbies.ts")).pageLobbies(webRtc));
  // It is loaded while the server is asked. A failure is heard by who hosts or joins, after another try.
  opener().catch(() => {});
  return await Orion.find(url, opener, features, options);
}

/** Does it once. If it fails, `unreachable`, it is done again when it is asked for again. */
function kept<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | null = null;
  return () => {
    loading ??= load().catch((error: unknown) => {
      loading = null;
      throw ownError("unreachable", error);
    });
    return loading;
  };
}
