/** The other end of a link, as far as the game may know it: nothing here is a secret. */
import type { Endpoint } from "../core/endpoint.ts";
import type { ClaimedEndpoint, Mapping } from "../core/mapping.ts";

export type Peer = {
  readonly name: string;
  /** Empty if the server is an older one. */
  readonly clientId: string;
  /** Where the server saw it: not in a lobby that is `relay-only`. */
  readonly endpoint: Endpoint | null;
  /** Every port that the server saw it come from. */
  readonly ports: readonly number[];
  readonly mapping: Mapping;
  /** Whether it has shown to be where the server saw it. */
  readonly proven: boolean;
  /** Addresses it says it has. `proven`: in the IPv6 network that it is connected to the server from. */
  readonly candidates: readonly ClaimedEndpoint[];
};
