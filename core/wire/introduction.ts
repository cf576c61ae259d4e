/** `ptpMediation_peersConnection_start` with the additions: all that a client needs to get through to its peers. */
import {
  fields,
  lenient,
  listOf,
  number,
  oneOf,
  only,
  optional,
  otherwise,
  type Shaped,
  text,
  truth,
} from "../shape.ts";
import { encodeMessage } from "./codec.ts";
import { commitment } from "./commitment.ts";
import { endpointShape, portShape as port } from "./endpoint.ts";
import { wireLimits } from "./limits.ts";

const mapping = oneOf(["endpoint-independent", "endpoint-dependent", "unknown"]);

/** A relay's ticket, and where to use it. Without a host: that of the HTTP server. */
const relay = fields({
  host: optional(text()),
  port,
  ticket: text(256),
  /** What the client signs with at the relay: base64url, a secret. */
  key: text(),
  /** Milliseconds for which the ticket is good, from now. A server that does not say cannot renew it. */
  lifeMs: lenient(number(1_000, 86_400_000)),
});

/** What the pair shares, and nobody else. */
const link = fields({
  /** 12 hex digits. */
  id: text(12, 12, /^[\da-f]*$/),
  /** 16 bytes, base64url: a secret. */
  key: text(22, 22, /^[\w-]*$/),
  /** The receiver's end: the host is `a`. */
  side: oneOf(["a", "b"]),
});

/** A ticket for a relay over WebSocket. */
const webSocket = fields({
  ticket: text(256),
  /** What the client shows with it: base64url, a secret. */
  key: text(64),
  /** Milliseconds for which the ticket is good, from now. */
  lifeMs: number(1_000, 86_400_000),
});

/** How the two may connect by WebRTC. */
const webrtc = fields({
  /** The receiver gives way when both make an offer at once. The other one does not. */
  polite: truth,
  /** The two are in one network: only then the receiver takes candidates that are private, or names of mDNS. */
  near: truth,
  /** Neither may learn the other's address: only TURN servers. */
  relayOnly: otherwise(truth, false),
});

const claimedEndpoint = fields({ ...endpointShape.fields, proven: lenient(truth) });

const peer = fields({
  name: text(),
  clientId: text(),
  /** Where the sidecar saw it. Not in a lobby that is `relay-only`, nor of a peer that cannot use UDP. */
  ip: optional(text()),
  port: optional(port),
  /** Every port the sidecar saw it come from: two, if its mapping is known. */
  ports: optional(listOf(port, 2)),
  mapping: optional(mapping),
  /** Whether it has shown to be there. Otherwise it, or who has its token, may have made the endpoint up. */
  proven: optional(truth),
  /** `proven`: it is in the IPv6 network that the peer's WebSocket comes from. A version before did not say. */
  candidates: optional(listOf(claimedEndpoint, wireLimits.candidates)),
  /** These two only if the peer knows the additions as well. */
  link: optional(link),
  relay: optional(relay),
  /** Only if both use the relay over WebSocket. */
  webSocket: optional(webSocket),
  /** Only if both have WebRTC. */
  webrtc: optional(webrtc),
  /** To its key for this mediation. Only if both encrypt their links: then the receiver takes nothing else. */
  commitment: optional(commitment),
  /** With the commitment: what the peer has said that it can do, as far as the server knows it. */
  features: optional(listOf(text(wireLimits.featureLength), wireLimits.features)),
});
export type IntroducedPeer = Shaped<typeof peer>;

export const introduction = fields({
  /** No more than a lobby has: the receiver sends packets to each. No link comes twice: it would have one link's keys and counters twice. */
  peers: only(listOf(peer, wireLimits.seats - 1), (peers) =>
    isEachOnce(peers.flatMap(({ link }) => link?.id ?? [])),
  ),
  /** The receiver itself, as the sidecar saw it, if it did. */
  you: optional(fields({ ...endpointShape.fields, mapping })),
});
export type Introduction = Shaped<typeof introduction>;

function isEachOnce(ids: readonly string[]): boolean {
  return new Set(ids).size === ids.length;
}

export function introductionMessage(payload: Introduction): string {
  return encodeMessage("ptpMediation_peersConnection_start", payload);
}
