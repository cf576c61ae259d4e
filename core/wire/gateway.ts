/**
 * A gateway's requests to the edge: HTTP and upgrades, each with one header more. It says which sidecar asks, in which dialect, and for which
 * player, so that limits count the player and not the gateway:
 *
 *     orion-gateway: <sidecar's name> <dialect> <player's address> <milliseconds since 1970> <mac>
 *
 * The mac is the HMAC-SHA-256 of `gatewayText` under the sidecar's gateway key (core/sidecar-key.ts), in hex. It covers the method and the path
 * with its query, so a header is good for one request. The edge takes it as long as it takes a post (`postClockMs`). The programs
 * compute macs: this file has no crypto.
 */
import { type GatewayDialect, gatewayDialects } from "../dialects/names.ts";
import { canonicalAddress } from "../endpoint.ts";
import { sidecarNameShape } from "../sidecar-key.ts";

export const gatewayHeader = "orion-gateway";

/** What a gateway says of a request. */
export type GatewayClaim = {
  /** The sidecar that the gateway runs in: its key signs. */
  sidecar: string;
  dialect: GatewayDialect;
  /** The player's, as the gateway sees it: IPv4, or IPv6 without brackets. */
  address: string;
  /** When the sidecar signed it, in milliseconds since 1970, by the edge's time (udp-sidecar/edge-time.ts). */
  at: number;
};

/** The request that the claim is for. `path`: as it stands in the request's URL, from its first slash on, with its query. */
export type GatewayRequest = { method: string; path: string };

/** What the mac is computed over. */
export function gatewayText(
  { sidecar, dialect, address, at }: GatewayClaim,
  { method, path }: GatewayRequest,
): string {
  return [sidecar, dialect, address, at, method, path].join("\n");
}

/** The path of a request to this URL, as `GatewayRequest` has it. A WebSocket's method is GET. */
export function gatewayPath({ pathname, search }: { pathname: string; search: string }): string {
  return `${pathname}${search}`;
}

/** The header's text. */
export function gatewayHeaderText({ sidecar, dialect, address, at }: GatewayClaim, mac: string): string {
  return `${sidecar} ${dialect} ${address} ${at} ${mac}`;
}

const shape = /^(\S{1,32}) ([a-z]{1,16}) ([\da-fA-F.:]{2,45}) (0|[1-9]\d{0,14}) ([\da-f]{64})$/;

/**
 * What the header says, or null if it is none. `address` is as it was written, because the mac covers that. The mac is not to be believed before it
 * is compared, nor `at` before it is compared with the time.
 */
export function parseGatewayHeader(text: string): (GatewayClaim & { mac: string }) | null {
  const [, sidecar = "", spoken = "", address = "", at = "", mac = ""] = shape.exec(text) ?? [];
  const dialect = gatewayDialects.find((one) => one === spoken);
  if (!dialect || !sidecarNameShape.test(sidecar) || canonicalAddress(address) === null) return null;
  return { sidecar, dialect, address, at: Number(at), mac };
}
