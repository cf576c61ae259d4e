/** Players of noray behind the real NATs of the lab, who take netfox's steps with a client that knows nothing of this server. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Access } from "../../measure/lab/access.ts";
import { clients, norayPorts } from "../../measure/lab/clients.ts";
import { figuresOf } from "../../measure/lab/figures.ts";
import { pairsOf } from "../../measure/lab/pair.ts";
import { type Program, startProgram } from "../../measure/lab/program.ts";
import { whyNoLab } from "../../measure/lab/requirement.ts";
import type { Cell } from "../../measure/lab/results.ts";
import { runsOf } from "../../measure/lab/runs.ts";
import { eachPair } from "../../measure/lab/schedule.ts";
import { openTopology, type Topology } from "../../measure/lab/topology.ts";

const why = whyNoLab();
if (why !== null) console.warn(`Skipped: ${why}`);

const accesses = [
  "none",
  "full-cone",
  "port-restricted",
  "same-lan",
  "symmetric",
  "cgnat",
] as const satisfies Access[];
/** Both ends keep one port for all: these are punched. */
const punched = new Set<Access>(["none", "full-cone", "port-restricted"]);
/** Pairs at the same time. */
const abreast = 6;

describe.skipIf(why !== null)("players of noray", () => {
  let topology: Topology;
  let gateway: Program;
  beforeAll(async () => {
    topology = await openTopology({ only: accesses });
    const relayPorts = Array.from({ length: 64 }, (_, i) => 49_152 + i);
    const { tcp: port, registrar: registrarPort } = norayPorts;
    // A second after its last word, the system asks a client for a sign of life.
    const options = { host: topology.server.address, port, registrarPort, relayPorts, keepAliveMs: 1_000 };
    const script = "measure/kit/noray-program.ts";
    gateway = startProgram(topology.server, "The gateway", script, [JSON.stringify(options)]);
    await hasPlayers(0);
  });
  afterAll(() => topology?.[Symbol.dispose]());

  const hasPlayers = (count: number) =>
    gateway.hears((line) => (JSON.parse(line).players === count ? true : null), `${count} players`, 30_000);

  test("play, whatever routers they are behind, and whoever of the two is the host", {
    timeout: 300_000,
  }, async () => {
    const lab = { topology, kind: "noray", server: topology.server.address } as const;
    const cells: Cell[] = [];
    await eachPair(pairsOf(accesses), abreast, async (pair) => {
      const runs = runsOf(pair, lab);
      cells.push(figuresOf(pair, [await runs.next(), await runs.next()], "noray"));
      runs.stop();
    });
    expect(cells).toHaveLength(21);
    expect(cells.filter(({ connected }) => connected < 2)).toEqual([]);
    const pathsOf = (wish: (cell: Cell) => boolean) => cells.filter(wish).map(({ paths }) => paths);
    for (const paths of pathsOf(({ a, b }) => punched.has(a) && punched.has(b))) expect(paths.direct).toBe(2);
    expect(pathsOf(({ a, b }) => a === "symmetric" && b === a)).toMatchObject([{ relay: 2 }]);
  });

  test("are gone when their cable is cut without a word", async () => {
    await hasPlayers(0);
    const place = topology.player("none", "a");
    const host = startProgram(place, "A player", clients.noray.programs[0].script, [topology.server.address]);
    host.say(JSON.stringify({ order: "host" }));
    await hasPlayers(1);
    place.namespace.ip("link set wan down");
    await hasPlayers(0);
    host.stop();
  });
});
