/** What is used of WebRTC's standard. The SDK has no types of browsers, and Node has no WebRTC at all: a game may bring some. */

import type { CandidateInit } from "../../core/wire/webrtc-signal.ts";
import type { RtcPeerConnectionClass } from "./given-class.ts";

export type Description = { type: string; sdp: string };
export type IceServer = {
  urls: string | string[];
  username?: string | undefined;
  credential?: string | undefined;
};
export type Configuration = { iceServers: IceServer[]; iceTransportPolicy: "all" | "relay" };

export type DataChannel = {
  binaryType: string;
  readonly readyState: string;
  readonly bufferedAmount: number;
  onopen: (() => void) | null;
  onclose: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  send(bytes: Uint8Array): void;
};

export type ChannelOptions = { negotiated: true; id: number; ordered: boolean; maxRetransmits?: number };

/** A candidate as implementations give it: an object of theirs, or a plain one. */
export type GatheredCandidate = CandidateInit & { toJSON?: () => CandidateInit };

export type PeerConnection = {
  readonly signalingState: string;
  readonly connectionState: string;
  readonly localDescription: Description | null;
  onconnectionstatechange: (() => void) | null;
  oniceconnectionstatechange: (() => void) | null;
  readonly iceConnectionState: string;
  onicecandidate: ((event: { candidate: GatheredCandidate | null }) => void) | null;
  createDataChannel(label: string, options: ChannelOptions): DataChannel;
  setLocalDescription(description?: { type: string; sdp?: string }): Promise<unknown>;
  setRemoteDescription(description: Description): Promise<unknown>;
  addIceCandidate(candidate: CandidateInit): Promise<unknown>;
  restartIce(): void;
  getStats(): Promise<Stats>;
  close(): unknown;
};

/** A map, or as good as one. */
export type Stats = { forEach(take: (entry: Record<string, unknown>) => void): void };

export type NewConnection = (configuration: Configuration) => PeerConnection;

/** The page's own, or what the game has given. Null if there is none. */
export function webRtcHere(given: RtcPeerConnectionClass | undefined): NewConnection | null {
  const here = given ?? (globalThis as { RTCPeerConnection?: RtcPeerConnectionClass }).RTCPeerConnection;
  if (typeof here !== "function") return null;
  const PeerConnection = here as new (configuration: Configuration) => object;
  return (configuration) => new PeerConnection(configuration) as PeerConnection;
}
