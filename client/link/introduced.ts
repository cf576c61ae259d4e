/** The peers that an introduction tells of, with the secrets that each pair shares. */
import type { Heard } from "../../core/wire/server-message.ts";
import type { Peer } from "../peer.ts";

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
      proven: false,
      candidates: [],
    } as const;
    if (!("name" in told)) return { told, peer: { ...bare, name: expected[i] ?? "", clientId: "" } };
    const {
      name,
      clientId,
      ports = bare.ports,
      mapping = bare.mapping,
      proven = false,
      candidates = [],
    } = told;
    return { told, peer: { name, clientId, endpoint, ports, mapping, proven, candidates } };
  });
}
