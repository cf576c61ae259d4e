/** Pairs of players: which there are, and a run of one. */
import type { Access, Side } from "./access.ts";
import { accesses } from "./access.ts";
import { type Answer, answer, type Order, type PlayerOutcome } from "./orders.ts";
import { type Program, startProgram } from "./program.ts";
import type { Topology } from "./topology.ts";

/** Two accesses, the first not behind the second in `accesses`: whether Ada or Bo has the worse one is all the same. */
export type Pair = { a: Access; b: Access };

/** All pairs of these, each once. */
export function pairsOf(among: readonly Access[]): Pair[] {
  return accesses.flatMap((b, index) =>
    accesses.slice(0, index + 1).flatMap((a) => (among.includes(a) && among.includes(b) ? [{ a, b }] : [])),
  );
}

/** The pair of these two, in the order that pairs have. */
export function pairOf(one: Access, other: Access): Pair {
  return accesses.indexOf(one) <= accesses.indexOf(other) ? { a: one, b: other } : { a: other, b: one };
}

export type Run = { host: PlayerOutcome; guest: PlayerOutcome };

/** Milliseconds for what comes before the mediation, and for the outcome: more than a player's own patience. */
const preparationMs = 45_000;
const outcomeMs = 70_000;

/** Runs of one pair, in turns hosted by either side. Programs are kept from one run to the next: a game has started long before. */
export function runsOf(
  { a, b }: Pair,
  topology: Topology,
  url: string,
): { next(): Promise<Run>; stop(): void } {
  const programs = new Map<Side, Program>();
  const program = (side: Side) => {
    const running = programs.get(side) ?? startPlayer(topology, side === "a" ? a : b, side, url);
    programs.set(side, running);
    return running;
  };
  const stop = () => {
    for (const running of programs.values()) running.stop();
    programs.clear();
  };
  let count = 0;
  const next = async () => {
    count += 1;
    const [host, guest] = count % 2 === 1 ? [program("a"), program("b")] : [program("b"), program("a")];
    try {
      const outcome = await run(host, guest);
      await part(host, guest).catch(stop);
      return outcome;
    } catch (error) {
      // What is left of the run must not be heard in the next one.
      stop();
      const cause = error instanceof Error ? error.message : String(error);
      const outcome = { usableMs: null, directMs: null, path: null, cause, echoed: false };
      return { host: outcome, guest: outcome };
    }
  };
  return { next, stop };
}

function startPlayer(topology: Topology, access: Access, side: Side, url: string): Program {
  const what = `The player with ${access} on side ${side}`;
  return startProgram(topology.player(access, side), what, "measure/lab/player.ts", [url]);
}

async function run(host: Program, guest: Program): Promise<Run> {
  order(host, { order: "host" });
  const { code } = await hears(host, "hosting", preparationMs);
  order(guest, { order: "join", code });
  await hears(guest, "joined", preparationMs);
  order(host, { order: "start" });
  const outcomes = await Promise.all([host, guest].map((each) => hears(each, "outcome", outcomeMs)));
  const [ofHost, ofGuest] = outcomes;
  if (!ofHost || !ofGuest) throw new Error("A run has two players.");
  return { host: ofHost.outcome, guest: ofGuest.outcome };
}

async function part(...players: Program[]): Promise<void> {
  for (const player of players) order(player, { order: "part" });
  await Promise.all(players.map((player) => hears(player, "parted", preparationMs)));
}

function order(program: Program, order: Order): void {
  program.say(JSON.stringify(order));
}

/** The player's next answer, which must be this one: an outcome that comes before its time is a failure, and says why. */
async function hears<Told extends Answer["told"]>(
  program: Program,
  told: Told,
  ms: number,
): Promise<Extract<Answer, { told: Told }>> {
  const isAwaited = (given: Answer): given is Extract<Answer, { told: Told }> => given.told === told;
  const given = await program.hears((line) => answer.parse(JSON.parse(line)), `"${told}"`, ms);
  if (isAwaited(given)) return given;
  throw new Error(given.told === "outcome" ? (given.outcome.cause ?? "unknown") : `said ${given.told}`);
}
