/** The SDK for Node and Electron: lobbies, and links between their players. */
import { newCheckAllowance } from "../core/link/unproven.ts";
import { argumentError, checkOptions } from "./argument.ts";
import { nodeCrypto } from "./crypto/node.ts";
import { LinkedLobby } from "./linked-lobby.ts";
import { type FindOptions, type Opening, Orion } from "./orion.ts";
import { checkRuntime } from "./runtime.ts";
import { nodeUdp } from "./udp/gathering.ts";
import type { RawConnection } from "./udp/raw-connection.ts";
import type { RtcPeerConnectionClass } from "./webrtc/given-class.ts";
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
export type { LinkedPeer, RawStartOptions, StartOptions } from "./linked-lobby.ts";
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
export type { RawConnection };
export type Lobby = LinkedLobby<RawConnection>;
export type { Orion };

/** `RTCPeerConnection`: the class of a WebRTC stack for Node, for links to players in browsers: https://www.w3.org/TR/webrtc/ */
export type ConnectOptions = FindOptions & { RTCPeerConnection?: RtcPeerConnectionClass };

/**
 * Finds the server. Tries for up to 10 s. Throws `unsupported_runtime`, `invalid_argument`, `invalid_url`,
 * `not_orion`, `unreachable`, `unanswered` or `aborted`.
 */
export async function connect(url: string | URL, options: ConnectOptions = {}): Promise<Orion<Lobby>> {
  checkRuntime({ "Promise.withResolvers": Promise.withResolvers });
  checkOptions(options, "connect");
  const { RTCPeerConnection } = options;
  if (RTCPeerConnection !== undefined && typeof RTCPeerConnection !== "function")
    throw argumentError("RTCPeerConnection must be a class.");
  const checks = newCheckAllowance(performance.now());
  const webRtc = webRtcHere(RTCPeerConnection);
  const platform = { crypto: nodeCrypto, checks, udp: nodeUdp, webRtc };
  const features = ["links", "ws-relay", "encrypted", ...(webRtc ? (["webrtc"] as const) : [])] as const;
  const open = (opening: Opening) => new LinkedLobby(opening, platform);
  return await Orion.find(url, async () => open, features, options);
}
