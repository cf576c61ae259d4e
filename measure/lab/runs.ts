/** Runs of a pair of players. */
import type { Side } from "./access.ts";
import { type ClientKind, clients, type PlayerProgram } from "./clients.ts";
import { godotCommand } from "./godot.ts";
import { type Answer, answer, type Order, type PlayerOutcome } from "./orders.ts";
import type { Pair } from "./pair.ts";
import { type Program, startCommand, startProgram } from "./program.ts";
import type { Place, Topology } from "./topology.ts";

export type Run = { host: PlayerOutcome; guest: PlayerOutcome };

/** Milliseconds for what comes before the mediation, and for the outcome: more than a player's own patience. */
const preparationMs = 45_000;
const outcomeMs = 70_000;

/** Where runs take place: `server` is where these clients find it. */
export type Lab = { topology: Topology; kind: ClientKind; server: string };

/**
 * Runs of one pair, in turns hosted by either side; where the two have different programs, each has each. Programs are kept from one run to
 * the next: a game has started long before.
 */
export function runsOf({ a, b }: Pair, lab: Lab): { next(): Promise<Run>; stop(): void } {
  const programs = new Map<string, Program>();
  const program = (side: Side, run: number) => {
    const { programs: kinds } = clients[lab.kind];
    const kind = (side === "a") === (Math.floor(run / 2) % 2 === 0) ? kinds[0] : kinds[1];
    const access = side === "a" ? a : b;
    const key = [side, kind.script, ...kind.args].join(" ");
    const what = `The player with ${access} on side ${side}`;
    const running = programs.get(key) ?? startPlayer(lab.topology.player(access, side), what, kind, lab);
    programs.set(key, running);
    return running;
  };
  const stop = () => {
    for (const running of programs.values()) running.stop();
    programs.clear();
  };
  let count = 0;
  const next = async () => {
    const [first, second] = [program("a", count), program("b", count)];
    const [host, guest] = count % 2 === 0 ? [first, second] : [second, first];
    count += 1;
    try {
      const outcome = await connectPlayers(host, guest);
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

/** `what`: how sentences call it. */
export function startPlayer(
  place: Place,
  what: string,
  { engine, script, args }: PlayerProgram,
  { server }: Lab,
): Program {
  return engine === "godot"
    ? startCommand(place, what, godotCommand(script, [server, ...args]))
    : startProgram(place, what, script, [server, ...args]);
}

/** One run up to both outcomes. Rejects with a sentence or a code if it does not get that far. */
export async function connectPlayers(
  host: Program,
  guest: Program,
  lobby: { privacy?: "relay-only" } = {},
): Promise<Run> {
  order(host, { order: "host", ...lobby });
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

export function order(program: Program, order: Order): void {
  program.say(JSON.stringify(order));
}

/** The player's next answer, which must be this one: an outcome that comes before its time is a failure, and says why. */
export async function hears<Told extends Answer["told"]>(
  program: Program,
  told: Told,
  ms: number,
): Promise<Extract<Answer, { told: Told }>> {
  const isAwaited = (given: Answer): given is Extract<Answer, { told: Told }> => given.told === told;
  const given = await program.hears((line) => answer.parse(JSON.parse(line)), `"${told}"`, ms);
  if (isAwaited(given)) return given;
  throw new Error(given.told === "outcome" ? (given.outcome.cause ?? "unknown") : `said ${given.told}`);
}
