/** `ptpMediation_peersConnection_start` with the additions: all that a client needs to get through to its peers. */
import * as z from "zod";
import { encodeMessage } from "./codec.ts";
import { wireLimits } from "./limits.ts";
import { endpointShape } from "./sidecar-message.ts";

const port = z.int().min(1).max(65535);
const mapping = z.enum(["endpoint-independent", "endpoint-dependent", "unknown"]);

/** A relay's ticket, and where to use it. Without a host: that of the HTTP server. */
const relay = z.object({
  host: z.string().optional(),
  port,
  ticket: z.string().max(256),
  /** What the client signs with at the relay: base64url, a secret. */
  key: z.string(),
  /** Milliseconds for which the ticket is good, from now. A server that does not say cannot renew it. */
  lifeMs: z.number().min(1_000).max(86_400_000).optional().catch(undefined),
});

/** What the pair shares, and nobody else. */
const link = z.object({
  /** 12 hex digits. */
  id: z.string().regex(/^[\da-f]{12}$/),
  /** 16 bytes, base64url: a secret. */
  key: z.string().regex(/^[\w-]{22}$/),
  /** The receiver's end: the host is `a`. */
  side: z.enum(["a", "b"]),
});

const claimedEndpoint = endpointShape.extend({ proven: z.boolean().optional().catch(undefined) });

const peer = z.object({
  name: z.string(),
  clientId: z.string(),
  /** Where the sidecar saw it. Not in a lobby that is `relay-only`. */
  ip: z.string().optional(),
  port: port.optional(),
  /** Every port the sidecar saw it come from: two, if its mapping is known. */
  ports: z.array(port).max(2).optional(),
  mapping: mapping.optional(),
  /** Whether it has shown to be there. Otherwise it, or who has its token, may have made the endpoint up. */
  proven: z.boolean().optional(),
  /** `proven`: it is in the IPv6 network that the peer's WebSocket comes from. A version before did not say. */
  candidates: z.array(claimedEndpoint).max(wireLimits.candidates).optional(),
  /** These two only if the peer knows the additions as well. */
  link: link.optional(),
  relay: relay.optional(),
});
export type IntroducedPeer = z.infer<typeof peer>;

export const introduction = z.object({
  /** No more than a lobby has: the receiver sends packets to each. */
  peers: z.array(peer).max(wireLimits.seats - 1),
  /** The receiver itself, as the sidecar saw it. */
  you: endpointShape.extend({ mapping }).optional(),
});
export type Introduction = z.infer<typeof introduction>;

export function introductionMessage(payload: Introduction): string {
  return encodeMessage("ptpMediation_peersConnection_start", payload);
}
