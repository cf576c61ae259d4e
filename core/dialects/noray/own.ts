/**
 * What a gateway has itself: addresses, and ports at them. A relay that led to one of those would feed the gateway its own packets, so no
 * player and no other gateway is believed to be there.
 */
import type { Endpoint } from "../../endpoint.ts";

export type Own = {
  /** Whether this is an address of the gateway's machine, as far as it is known. */
  isAddress(ip: string): boolean;
  /** Whether the gateway listens there now: its registrar, or a relay. */
  isEndpoint(endpoint: Endpoint): boolean;
};

/** Of a gateway that listens nowhere. */
export const nowhere: Own = { isAddress: () => false, isEndpoint: () => false };
