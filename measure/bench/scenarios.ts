/** All that can be run, by name, in the order in which it is. */
import { growthScenarios } from "./growth.ts";
import type { Load } from "./load.ts";
import { chats, floorBroadcasts } from "./scenarios/chat.ts";
import { connects, floorConnect } from "./scenarios/connect.ts";
import { datagrams, floorDatagrams } from "./scenarios/datagrams.ts";
import { guessesAtOnce } from "./scenarios/guesses.ts";
import { idleClients } from "./scenarios/idle.ts";
import { bareLife, floorLife, lives } from "./scenarios/life.ts";
import { lists } from "./scenarios/list.ts";
import { mediations } from "./scenarios/mediation.ts";
import { floorPorts, norayRelays } from "./scenarios/noray.ts";
import { floorRelay, relays } from "./scenarios/relay.ts";
import { floorRequests } from "./scenarios/requests.ts";
import { slowClients } from "./scenarios/slow.ts";

/** A scenario as it is picked. Its clients are as a load has them. */
export type Scenario = Pick<Load, "name" | "title" | "clients" | "held">;

/** What is measured in rounds, against a floor. Listing comes last: it leaves a server with thousands of lobbies to close. */
export const loads: Load[] = [
  ...connects,
  bareLife,
  ...lives,
  ...chats,
  ...mediations,
  ...datagrams,
  ...relays,
  ...norayRelays,
  ...lists,
];
export const floors: Load[] = [
  floorConnect,
  floorLife,
  ...floorBroadcasts,
  ...floorRequests,
  floorDatagrams,
  floorRelay,
  floorPorts,
];

export const scenarios: Scenario[] = [
  ...loads,
  { name: "idle", title: "memory and CPU of idle clients", clients: 0, held: idleClients },
  {
    name: "guesses",
    title: "objects, files and memory that guessed codes take",
    clients: guessesAtOnce,
    held: 0,
  },
  { name: "slow", title: "memory of clients that do not read", clients: 0, held: slowClients },
  ...growthScenarios.map(({ name, title, counts, loads }) => {
    const clients = loads.reduce((sum, load) => sum + load.clients, 0);
    return { name, title, clients, held: Math.max(...counts) };
  }),
  { name: "cost", title: "what Cloudflare bills for a lobby's session", clients: 0, held: 0 },
  { name: "cost-idle", title: "what Cloudflare bills for lobbies that only stay open", clients: 0, held: 0 },
];

/** The scenarios of these names or groups; all without any. Throws a sentence for a name that does not exist. */
export function pick(names: readonly string[]): Scenario[] {
  for (const name of names) {
    if (!scenarios.some((scenario) => isNamed(scenario, name))) {
      throw new Error(`There is no scenario "${name}". --list tells those that there are.`);
    }
  }
  return scenarios.filter((scenario) => names.length === 0 || names.some((name) => isNamed(scenario, name)));
}

function isNamed(scenario: Scenario, name: string): boolean {
  return scenario.name === name || groupOf(scenario.name) === name;
}

/** The group that a scenario is picked with: its name without the path. */
function groupOf(name: string): string {
  return name.replace(/\/.*/, "");
}
