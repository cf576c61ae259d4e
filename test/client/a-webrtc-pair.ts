/** Two ends of a WebRTC link in one process, on a WebRTC stack for Node, and what passes between them. */
import { RTCPeerConnection } from "node-datachannel/polyfill";
import { onTestFinished } from "vitest";
import { RtcChannel, type RtcChannelOptions } from "../../client/webrtc/rtc-channel.ts";
import { type PeerConnection, webRtcHere } from "../../client/webrtc/standard.ts";
import type { PathKind } from "../../core/link/path.ts";
import { fromLobby } from "../../core/wire/lobby-signal.ts";
import type { WebRtcSignal } from "../../core/wire/webrtc-signal.ts";

export const linkId = "0123456789ab";

/** Takes a signal on its way, and says what arrives instead, in this order. */
export type Meddler = (signal: WebRtcSignal, by: "link" | "lobby") => unknown[];

export type End = {
  channel: RtcChannel;
  /** The connections that it has made. */
  made: PeerConnection[];
  /** Kinds of path that were opened, and null when it was closed. */
  told: (PathKind | null)[];
  received: Uint8Array[];
};

export type PairOptions = {
  nearness?: RtcChannelOptions["nearness"];
  /** Whether the link can carry signals, from the beginning. */
  isLinked?: boolean;
  meddle?: Meddler;
  iceServers?: RtcChannelOptions["iceServers"];
};

/** The polite end is the second. Closed at the end of the test. */
export function openPair({
  nearness = { near: true, relayOnly: false },
  isLinked = true,
  meddle = (signal) => [signal],
  iceServers = async () => [],
}: PairOptions = {}): [End, End] {
  const ends: End[] = [];
  const newConnection = webRtcHere(RTCPeerConnection);
  if (!newConnection) throw new Error("no WebRTC");
  for (const i of [0, 1] as const) {
    const made: PeerConnection[] = [];
    const deliver = (signal: WebRtcSignal, by: "link" | "lobby") => {
      for (const told of meddle(signal, by)) ends[1 - i]?.channel.hear(JSON.parse(JSON.stringify(told)));
    };
    const channel = new RtcChannel({
      link: linkId,
      polite: i === 1,
      nearness,
      newConnection: (configuration) => {
        const connection = newConnection(configuration);
        made.push(connection);
        return connection;
      },
      iceServers,
      ways: {
        byLink: (signal) => {
          if (!isLinked) return null;
          return Promise.resolve().then(() => deliver(signal, "link"));
        },
        byLobby: (data) => deliver(fromLobby(data) as WebRtcSignal, "lobby"),
      },
    });
    ends.push({ channel, made, told: [], received: [] });
  }
  for (const { channel, told, received } of ends) {
    channel.open({
      opened: (kind) => told.push(kind),
      closed: () => told.push(null),
      received: (bytes) => received.push(bytes.slice()),
      noticed: () => {},
    });
  }
  onTestFinished(() => {
    for (const { channel } of ends) channel.close();
  });
  return ends as [End, End];
}
