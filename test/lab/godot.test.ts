/** Two players with the Godot addon behind the real NATs of the lab: one pair for each way to be connected. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { installGodot4, installMs } from "../../measure/kit/godot4.ts";
import { removeGodotProject } from "../../measure/lab/godot.ts";
import type { Pair } from "../../measure/lab/pair.ts";
import { whyNoLab } from "../../measure/lab/requirement.ts";
import { type Lab, type Run, runsOf } from "../../measure/lab/runs.ts";
import { startService } from "../../measure/lab/service.ts";
import { openTopology, type Topology } from "../../measure/lab/topology.ts";

const kind = "godot";
const why = whyNoLab(kind);
if (why !== null) console.warn(`Skipped: ${why}`);

describe.skipIf(why !== null)("two players in Godot", () => {
  let topology: Topology;
  let lab: Lab;
  beforeAll(async () => {
    await installGodot4();
    topology = await openTopology({ only: ["port-restricted", "symmetric", "udp-dropped"] });
    lab = { topology, kind, server: await startService(topology.server, kind) };
  }, installMs);
  afterAll(() => {
    topology?.[Symbol.dispose]();
    removeGodotProject();
  });

  /** Side a hosts. */
  async function meet(pair: Pair): Promise<Run> {
    const runs = runsOf(pair, lab);
    const run = await runs.next();
    runs.stop();
    return run;
  }

  test("behind NATs that keep ports are connected directly", async () => {
    const { host, guest } = await meet({ a: "port-restricted", b: "port-restricted" });
    const direct = { path: "direct", cause: null, echoed: true };
    expect([host, guest]).toMatchObject([direct, direct]);
  });

  test("behind NATs that change ports with the destination play over the relay, and know why", async () => {
    const { host, guest } = await meet({ a: "symmetric", b: "symmetric" });
    const relayed = { path: "relay", directMs: null, cause: "both-endpoint-dependent", echoed: true };
    expect([host, guest]).toMatchObject([relayed, relayed]);
  });

  test("play over WebSocket where one of them has no UDP, and that one knows why", async () => {
    const { host, guest } = await meet({ a: "port-restricted", b: "udp-dropped" });
    const relayed = { path: "websocket", directMs: null, echoed: true };
    expect([host, guest]).toMatchObject([relayed, { ...relayed, cause: "udp-blocked" }]);
  });
});
