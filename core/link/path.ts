import type { Endpoint } from "../endpoint.ts";

/**
 * A way for packets between two peers: from one of our sockets to one of their addresses.
 * `lan`: within a network they share. `relay`: `remote` is the relay's endpoint.
 */
export type Path = { readonly kind: PathKind; readonly local: LocalSocket; readonly remote: Endpoint };
export type PathKind = "lan" | "direct" | "relay";

/**
 * One of our sockets: `v4` and `v6` are the two that every link shares, a number is one of those opened to be found
 * behind a NAT with an endpoint-dependent mapping.
 */
export type LocalSocket = "v4" | "v6" | number;
