import type { Endpoint } from "../endpoint.ts";
import type { pathKinds } from "../wire/path-kinds.ts";

/**
 * A way for packets between two peers: from one of our sockets to one of their addresses. `remote`: the relay's endpoint where `kind` is
 * `relay`, and `channelEnd` on a channel.
 */
export type Path = { readonly kind: PathKind; readonly local: LocalSocket; readonly remote: Endpoint };

/**
 * `lan`: within a network they share. `turn`: WebRTC through a TURN server. `relay`: a sidecar's, over UDP. `websocket`: the relay over
 * WebSocket.
 */
export type PathKind = (typeof pathKinds)[number];

/**
 * A UDP socket of ours: `v4` and `v6` are the two that every link shares, a number is one of those opened to be found
 * behind a NAT with an endpoint-dependent mapping.
 */
export type UdpSocketName = "v4" | "v6" | number;

/**
 * What has this one peer at its other end, and opens and closes by itself: `ws` is the relay over WebSocket, `rtc` a data channel of
 * WebRTC.
 */
export type ChannelName = "ws" | "rtc";

/** One of our sockets. */
export type LocalSocket = UdpSocketName | ChannelName;

/** The address at the other end of every channel: there is only one. */
export const channelEnd: Endpoint = { ip: "", port: 0 };

export function isChannel(local: LocalSocket): local is ChannelName {
  return local === "ws" || local === "rtc";
}

/** Whether nobody passes packets on: then nothing better is looked for but a network that the two share. */
export function isStraight(kind: PathKind): boolean {
  return kind === "lan" || kind === "direct";
}
