/** Which way the packets of a connection go, by its statistics. */
import { plainAddress, scopeOf } from "../../core/endpoint.ts";
import type { PathKind } from "../../core/link/path.ts";
import type { Stats } from "./standard.ts";

type Entry = Record<string, unknown>;

/** `near`: whether the two may share a network. Null while no way is chosen, or where the statistics do not say. */
export function pathKindOf(stats: Stats, near: boolean): PathKind | null {
  const entries = new Map<string, Entry>();
  stats.forEach((entry) => {
    if (typeof entry.id === "string") entries.set(entry.id, entry);
  });
  const pair = selectedOf([...entries.values()], entries);
  if (!pair) return null;
  const ends = [entries.get(String(pair.localCandidateId)), entries.get(String(pair.remoteCandidateId))];
  const kinds = ends.map((end) => end?.candidateType);
  if (kinds.includes("relay")) return "turn";
  return near && !kinds.includes("srflx") && !isPublic(ends[1]) ? "lan" : "direct";
}

function selectedOf(all: readonly Entry[], byId: ReadonlyMap<string, Entry>): Entry | undefined {
  const transport = all.find(
    ({ type, selectedCandidatePairId }) => type === "transport" && selectedCandidatePairId,
  );
  const selected = transport && byId.get(String(transport.selectedCandidatePairId));
  if (selected) return selected;
  const pairs = all.filter(({ type, state }) => type === "candidate-pair" && state === "succeeded");
  // Firefox marks the one in use.
  return pairs.find((pair) => pair.selected === true) ?? pairs.find((pair) => pair.nominated === true);
}

/** Whether it is certain. Browsers hide an address that stands behind a name. */
function isPublic(end: Entry | undefined): boolean {
  const address = end?.address ?? end?.ip;
  return typeof address === "string" && scopeOf(plainAddress(address)) === "public";
}
