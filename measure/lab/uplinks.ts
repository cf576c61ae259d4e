/** Uplinks that change while two play: how long it takes until packets flow again. */
import type { Access } from "./access.ts";
import { clients, hasPages } from "./clients.ts";
import { spread } from "./figures.ts";
import type { Flow } from "./orders.ts";
import type { UplinkCell } from "./results.ts";
import { connectPlayers, hears, type Lab, order, startPlayer } from "./runs.ts";
import { clockMs, wait } from "./traffic.ts";

/** What becomes of the uplink of one of the two. */
export const uplinkChanges = [
  { name: "to-mobile", title: "Wi-Fi to mobile", from: "port-restricted", to: "cgnat" },
  { name: "to-wifi", title: "mobile to Wi-Fi", from: "cgnat", to: "port-restricted" },
  { name: "to-no-udp", title: "mobile to a Wi-Fi without UDP", from: "cgnat", to: "udp-dropped" },
] as const satisfies { name: string; title: string; from: Access; to: Access }[];
export type UplinkChange = (typeof uplinkChanges)[number];

/** Where the other one is: so the link is direct, over a sidecar's relay, or over the relay over WebSocket. */
export const uplinkPeers = ["port-restricted", "cgnat", "udp-dropped"] as const satisfies Access[];

/** Milliseconds that they play before: a path has settled, and standbys were checked. */
const playMs = 3_000;
/** Milliseconds for a player's word on it: more than its own patience. */
const flowMs = 60_000;

/** Milliseconds after which a player notices that nothing moves: `slow` hears of such a flow. */
const slowMs = 3_000;

/** Runs of one change with a peer of this kind, in turns hosted by either. Programs are new in each: an SDK remembers. */
export async function changeUplink(
  change: UplinkChange,
  peer: Access,
  lab: Lab,
  runs: number,
  slow: (ms: number | null, timeline: readonly string[]) => void = () => {},
): Promise<UplinkCell> {
  const flows: (Flow | null)[] = [];
  const causes = new Map<string, number>();
  for (let count = 0; count < runs; count += 1) {
    try {
      const both = await once(change, peer, lab, count);
      flows.push(...both);
      for (const { ms, timeline } of both) if (ms === null || ms > slowMs) slow(ms, timeline ?? []);
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      causes.set(cause, (causes.get(cause) ?? 0) + 1);
      flows.push(null, null);
    }
  }
  const known = flows.flatMap((flow) => (flow?.ms != null ? [{ ms: flow.ms, path: flow.path }] : []));
  const paths: Record<string, number> = {};
  for (const { path } of known) paths[path] = (paths[path] ?? 0) + 1;
  return {
    change: change.name,
    peer,
    runs,
    flows: flows.length,
    flowed: known.length,
    flowMs: spread(known.map(({ ms }) => ms)),
    paths,
    causes: Object.fromEntries(causes),
  };
}

/** Of both players: how packets flowed to it. */
async function once(change: UplinkChange, peer: Access, lab: Lab, count: number): Promise<Flow[]> {
  const roamer = lab.topology.roamer(change.name);
  const { programs } = clients[lab.kind];
  const [one, other] = count % 2 === 0 || !hasPages(lab.kind) ? programs : [programs[1], programs[0]];
  const mover = startPlayer(roamer, "The player whose uplink changes", one, lab);
  const stayer = startPlayer(lab.topology.player(peer, "b"), `The player with ${peer}`, other, lab);
  const players = count % 2 === 0 ? ([mover, stayer] as const) : ([stayer, mover] as const);
  try {
    const { host, guest } = await connectPlayers(...players);
    const failed = [host, guest].find(({ path, echoed }) => path === null || !echoed);
    if (failed) throw new Error(failed.cause ?? "no echo");
    for (const player of players) order(player, { order: "play" });
    await wait(playMs);
    roamer.move();
    const sinceMs = clockMs();
    for (const player of players) order(player, { order: "flow", sinceMs });
    const told = await Promise.all(players.map((player) => hears(player, "flow", flowMs)));
    return told.map(({ flow }) => flow);
  } finally {
    for (const player of players) player.stop();
    roamer.comeBack();
  }
}
