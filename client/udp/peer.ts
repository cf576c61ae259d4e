/** The other end of a link, as far as the game may know it: nothing here is a secret. */
import type { Endpoint } from "../../core/endpoint.ts";
import type { Mapping } from "../../core/mapping.ts";
import type { Heard } from "../../core/wire/heard-message.ts";

export type Peer = {
  readonly name: string;
  /** Empty if the server is an older one. */
  readonly clientId: string;
  /** Where the server saw it: not in a lobby that is `relay-only`. */
  readonly endpoint: Endpoint | null;
  /** Every port that the server saw it come from. */
  readonly ports: readonly number[];
  readonly mapping: Mapping;
  /** Addresses it says it has in its own network. */
  readonly candidates: readonly Endpoint[];
};

type Told = Heard<"ptpMediation_peersConnection_start">["peers"][number];
/** A peer, and what the pair shares: secrets. */
export type Introduced = { peer: Peer; told: Told };

/** The peers that an introduction tells of. Of an older server's, the names are those expected, in that order. */
export function peersOf(peers: readonly Told[], expected: readonly string[]): Introduced[] {
  return peers.map((told, i) => {
    const { ip, port } = told;
    const endpoint = ip !== undefined && port !== undefined ? { ip, port } : null;
    const bare = {
      endpoint,
      ports: port === undefined ? [] : [port],
      mapping: "unknown",
      candidates: [],
    } as const;
    if (!("name" in told)) return { told, peer: { ...bare, name: expected[i] ?? "", clientId: "" } };
    const { name, clientId, ports = bare.ports, mapping = bare.mapping, candidates = [] } = told;
    return { told, peer: { name, clientId, endpoint, ports, mapping, candidates } };
  });
}
