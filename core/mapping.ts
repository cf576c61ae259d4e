/** What is known of how a client's NAT maps its socket (RFC 4787, 4.1). */
import type { Endpoint } from "./endpoint.ts";

/**
 * `endpoint-independent`: one public endpoint for whatever the socket sends to, so that a peer can be told
 * it. `endpoint-dependent`: another one for each destination, so that what one destination saw is no use to
 * another.
 */
export type Mapping = "endpoint-independent" | "endpoint-dependent" | "unknown";

/** An address that a client says it has. `proven`: it is in the IPv6 /64 that the client's WebSocket comes from. */
export type ClaimedEndpoint = Endpoint & { readonly proven?: boolean | undefined };

/** What the sidecar has seen of a client in a mediation. */
export type Observed = {
  /** As the sidecar's first UDP port saw it. */
  readonly endpoint: Endpoint;
  /** As its second port saw the same socket, if it did. */
  readonly second?: Endpoint | undefined;
  /**
   * Whether it has returned what was sent there. Otherwise whoever has its token may have made the endpoint
   * up.
   */
  readonly proven?: boolean | undefined;
  /**
   * Where the client's other datagrams came from in the same moment, none of them proven, each with another IP:
   * somebody may have read one, and sent it from elsewhere.
   */
  readonly others?: readonly Endpoint[] | undefined;
  /**
   * Local addresses the client says it has. Clients that say so, though it be none, know the additions to
   * Orion.
   */
  readonly candidates?: readonly ClaimedEndpoint[] | undefined;
};

/**
 * The mapping that two sights of one socket tell. It cannot tell a NAT that maps by address alone from an
 * independent one.
 */
export function mappingOf({ endpoint, second }: Observed): Mapping {
  if (!second) return "unknown";
  return endpoint.ip === second.ip && endpoint.port === second.port
    ? "endpoint-independent"
    : "endpoint-dependent";
}
