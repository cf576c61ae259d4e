/** A ladder of uplinks, each worse than the one before: what two players notice, and where it breaks. */
import type { Nat, Troubles } from "./access.ts";
import { clients } from "./clients.ts";
import { spread } from "./figures.ts";
import type { PlayerOutcome, Sum } from "./orders.ts";
import type { RungCell } from "./results.ts";
import { connectPlayers, hears, type Lab, order, startPlayer } from "./runs.ts";
import type { Home } from "./topology.ts";
import { wait } from "./traffic.ts";

/** The uplink of one of the two. The other has a good one. */
export const rungs = [
  { name: "good", title: "good: 40 ms", troubles: { delayMs: 40, lossPercent: 0 } },
  {
    name: "mobile",
    title: "mobile: 80 ms, jitter 30 ms, 1 % lost",
    troubles: { delayMs: 80, lossPercent: 1, jitterMs: 30 },
  },
  {
    name: "bursty",
    title: "bursty Wi-Fi: 40 ms, gaps of 400 ms every 3 s",
    troubles: { delayMs: 40, lossPercent: 0, jitterMs: 10, gaps: { everyMs: 3_000, forMs: 400 } },
  },
  {
    name: "satellite",
    title: "satellite: 600 ms, jitter 40 ms, 1 % lost",
    troubles: { delayMs: 600, lossPercent: 1, jitterMs: 40 },
  },
  {
    name: "absurd",
    title: "absurd: 1 200 ms, jitter 300 ms, 20 % lost",
    troubles: { delayMs: 1_200, lossPercent: 20, jitterMs: 300 },
  },
  {
    name: "hopeless",
    title: "hopeless: 2 000 ms, jitter 500 ms, 50 % lost",
    troubles: { delayMs: 2_000, lossPercent: 50, jitterMs: 500 },
  },
] as const satisfies { name: string; title: string; troubles: Troubles }[];
export type Rung = (typeof rungs)[number];

/** By UDP, straight; and without UDP, where packets go by TCP. */
export const rungNetworks = ["udp", "no-udp"] as const;
export type RungNetwork = (typeof rungNetworks)[number];

/** Milliseconds of a game, and for a player's word on how it went. */
const gameMs = 10_000;
const sumMs = 40_000;
/** Milliseconds without a packet after which players notice that nothing moves. */
export const stallMs = 1_000;

/** A home for each rung and network, which the topology is to have. */
export const rungHomes: readonly Home[] = rungs.flatMap(({ name, troubles }) =>
  rungNetworks.map((network) => ({
    name: homeName(name, network),
    nats: [{ ...cone(), udp: network === "udp" }],
    troubles,
  })),
);

/** Runs of one rung, in turns hosted by either. */
export async function climb({ name }: Rung, network: RungNetwork, lab: Lab, runs: number): Promise<RungCell> {
  const games: Game[] = [];
  const causes = new Map<string, number>();
  for (let count = 0; count < runs; count += 1) {
    try {
      games.push(await play(homeName(name, network), lab, count));
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      causes.set(cause, (causes.get(cause) ?? 0) + 1);
    }
  }
  const sums = games.flatMap(({ sums }) => sums);
  const paths: Record<string, number> = {};
  for (const { path } of sums) paths[path] = (paths[path] ?? 0) + 1;
  const [sent, received] = [total(sums, "sent"), total(sums, "received")];
  return {
    rung: name,
    network,
    runs,
    connected: games.length,
    kept: games.filter(({ sums }) => sums.every(({ isLost }) => !isLost)).length,
    reliable: games.filter(({ sums }) => sums.every(({ reliableMs }) => reliableMs !== null)).length,
    delivered: sent === 0 ? 0 : Math.round((received / sent) * 1_000) / 1_000,
    usableMs: spread(games.flatMap(({ outcomes }) => outcomes.map(({ usableMs }) => usableMs))),
    silenceMs: spread(sums.map(({ silenceMs }) => silenceMs)),
    reliableMs: spread(sums.map(({ reliableMs }) => reliableMs)),
    rttMs: spread(sums.map(({ rttMs }) => rttMs)),
    paths,
    causes: Object.fromEntries(causes),
  };
}

type Game = { outcomes: PlayerOutcome[]; sums: Sum[] };

async function play(home: string, lab: Lab, count: number): Promise<Game> {
  const { programs } = clients[lab.kind];
  const one = startPlayer(lab.topology.resident(home), "The player with the bad uplink", programs[1], lab);
  const peerPlace = lab.topology.player("port-restricted", "b");
  const other = startPlayer(peerPlace, "The player with the good uplink", programs[0], lab);
  const players = count % 2 === 0 ? ([one, other] as const) : ([other, one] as const);
  try {
    const { host, guest } = await connectPlayers(...players);
    const failed = [host, guest].find(({ path, echoed }) => path === null || !echoed);
    if (failed) throw new Error(failed.cause ?? "no echo");
    for (const player of players) order(player, { order: "play" });
    await wait(gameMs);
    for (const player of players) order(player, { order: "sum" });
    const told = await Promise.all(players.map((player) => hears(player, "sum", sumMs)));
    return { outcomes: [host, guest], sums: told.map(({ sum }) => sum) };
  } finally {
    for (const player of players) player.stop();
  }
}

function homeName(rung: string, network: RungNetwork): string {
  return `rung-${rung}-${network}`;
}

function cone(): Nat {
  return { mapping: "endpoint-independent", filtering: "by-endpoint", udp: true };
}

function total(sums: readonly Sum[], of: "sent" | "received"): number {
  return sums.reduce((sum, each) => sum + each[of], 0);
}
