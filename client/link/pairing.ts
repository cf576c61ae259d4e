/** Our end of the link to one peer, made from what the introduction tells of it. */
import type { Cause } from "../../core/link/cause.ts";
import type { LinkConfig } from "../../core/link/config.ts";
import { linkLimits } from "../../core/link/limits.ts";
import type { CheckAllowance } from "../../core/link/unproven.ts";
import type { Side } from "../../core/relay/ticket.ts";
import type { KeyPair } from "../../core/sealing/primitives.ts";
import { decodeBase64Url } from "../../core/wire/base64.ts";
import { linkNumber } from "../../core/wire/peer-packet.ts";
import type { Heard } from "../../core/wire/server-message.ts";
import type { LinkCrypto } from "../crypto/crypto.ts";
import type { Peer } from "../peer.ts";
import { RtcChannel, type RtcChannelOptions } from "../webrtc/rtc-channel.ts";
import type { SignalWays } from "../webrtc/signal-line.ts";
import type { WebSocketRelays } from "../websocket/relays.ts";
import type { Introduced } from "./introduced.ts";
import { LinkEnd } from "./link-end.ts";
import { type LinkPackets, PlainPackets } from "./packets.ts";
import type { UdpSight } from "./platform.ts";
import { commitmentOf, SealedPackets } from "./sealed-packets.ts";
import type { Turns } from "./turns.ts";

/** How a game wants its links to be encrypted. */
export type Encryption = {
  /** What the invitation said, and the server does not know: only who knows it, too, can be connected to. */
  secret: string | undefined;
  /** Whether a link that is not encrypted is none. */
  isRequired: boolean;
};

/** What connections by WebRTC are made of. */
export type WebRtcMeans = Pick<RtcChannelOptions, "newConnection" | "iceServers"> & {
  /** Signals to a member by the lobby, if that still passes signals on. */
  signal: (to: string, data: object) => void;
};

export type PairingOptions = {
  crypto: LinkCrypto;
  /** `keys`: for this mediation. */
  own: { clientId: string; features: readonly string[]; keys: KeyPair } & Encryption;
  /** Null without UDP. */
  udp: UdpSight<unknown> | null;
  /** Why there is none. */
  noUdp: LinkConfig["noUdp"];
  relays: WebSocketRelays;
  /** Null without WebRTC. */
  webRtc: WebRtcMeans | null;
  /** Whether the lobby, or this client, allows relays alone. */
  relayOnly: boolean;
  /** Ourselves, as the server has seen us. */
  you: Heard<"ptpMediation_peersConnection_start">["you"];
  turns: Turns<LinkEnd>;
  checks: CheckAllowance;
};

/** Or why there cannot be one: the peer's client, or the server, does not know links, or does not encrypt them. Null if nothing could carry one. */
export async function pairWith(
  { peer, told }: Introduced,
  options: PairingOptions,
): Promise<LinkEnd | Cause | null> {
  if (!("link" in told) || !told.link) return null;
  const { crypto, udp, noUdp, relays, you, turns, checks } = options;
  const { id, side } = told.link;
  const packets = packetsOf(
    { ...told.link, peer, commitment: told.commitment, features: told.features },
    options,
  );
  if (typeof packets === "string") return packets;
  const ws = told.webSocket ? relays.channel(told.webSocket) : null;
  let end: LinkEnd | null = null;
  const rtc = rtcOf({ peer, told }, options, (signal) => end?.tell(signal) ?? null);
  if (!udp && !ws && !rtc) return null;
  const wire = (await udp?.wire(id, told.relay)) ?? null;
  const relay = wire?.relay ?? null;
  end = new LinkEnd({
    peer,
    number: linkNumber(id),
    packets,
    udp: wire,
    channels: { ws, rtc },
    turns,
    checks,
    config: {
      side,
      seed: first32Bits(crypto.randomBytes(4)),
      skipAfter: newSkips(crypto),
      you: you ? { endpoint: { ip: you.ip, port: you.port }, mapping: you.mapping } : null,
      peer,
      own: udp?.own ?? [],
      ownPorts: udp?.ownPorts ?? [],
      noUdp: udp ? null : (noUdp ?? "no-udp"),
      sidecar: relay?.endpoint ?? udp?.sidecar ?? null,
      relay: relay !== null,
      channels: [...(ws ? (["ws"] as const) : []), ...(rtc ? (["rtc"] as const) : [])],
      // A peer without an endpoint has no UDP, and then it gets no relay over UDP, or is not to be found.
      relayOnly: peer.endpoint === null && (options.relayOnly || told.relay !== undefined || !ws),
      hasV6: udp?.hasV6 ?? false,
    },
  });
  return end;
}

/** The way by WebRTC, if both have it. */
function rtcOf(
  { peer, told }: Introduced,
  { webRtc }: PairingOptions,
  byLink: SignalWays["byLink"],
): RtcChannel | null {
  if (!webRtc || !("link" in told) || !told.link || !told.webrtc) return null;
  const { newConnection, iceServers, signal } = webRtc;
  const { polite, ...nearness } = told.webrtc;
  const ways = { byLink, byLobby: (data: object) => signal(peer.clientId, data) };
  return new RtcChannel({ link: told.link.id, polite, nearness, ways, newConnection, iceServers });
}

/** How packets of the link are made. What the peer has committed itself to decides: it is the same for both ends. */
function packetsOf(
  {
    id,
    key,
    side,
    peer,
    commitment,
    features = [],
  }: {
    id: string;
    key: string;
    side: Side;
    peer: Peer;
    commitment: string | undefined;
    features: readonly string[] | undefined;
  },
  { crypto, own }: PairingOptions,
): LinkPackets | Cause {
  const pairKey = decodeBase64Url(key);
  if (!pairKey) return "no-additions";
  if (commitment === undefined) {
    const isWanted = own.isRequired || own.secret !== undefined;
    return isWanted ? "not-encrypted" : new PlainPackets(crypto.hmacSha256(pairKey), linkNumber(id), side);
  }
  const us = {
    clientId: own.clientId,
    features: own.features,
    commitment: commitmentOf(crypto, own.keys.publicKey),
  };
  const them = { clientId: peer.clientId, features, commitment };
  const clients = side === "a" ? { a: us, b: them } : { a: them, b: us };
  const { keys, secret } = own;
  return new SealedPackets({ crypto, side, identity: { link: id, pairKey, clients }, keys, secret });
}

/** Numbers to skip that nobody foretells, however many he has seen (core/link/numbers.ts). */
export function newSkips(crypto: LinkCrypto): (number: number) => number {
  const mac = crypto.hmacSha256(crypto.randomBytes(32));
  const encoder = new TextEncoder();
  return (number) => first32Bits(mac(encoder.encode(String(number)))) % linkLimits.skippedNumbers;
}

function first32Bits(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
}
