/** Two pages in one network, whose browser tells names of mDNS in the place of addresses, as browsers do. */
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { whyNoLab } from "../../measure/lab/requirement.ts";
import { runsOf } from "../../measure/lab/runs.ts";
import { startService } from "../../measure/lab/service.ts";
import { openTopology, type Place } from "../../measure/lab/topology.ts";

const why = whyNoLab("browsers");
if (why !== null) console.warn(`Skipped: ${why}`);

const rules = `table ip names { chain leaving { type filter hook output priority 0; udp dport 5353 counter; }; }`;

/** Packets that asked for names of mDNS, or answered. */
function asked({ namespace }: Place): number {
  const [program, args] = namespace.command("nft", "list", "table", "ip", "names");
  const [, packets = "0"] =
    /counter packets (\d+)/.exec(execFileSync(program, args, { encoding: "utf8" })) ?? [];
  return Number(packets);
}

describe.skipIf(why !== null)("two pages behind one router without hairpin", () => {
  test("find each other by names of mDNS, and connect within their network", async () => {
    using topology = await openTopology({ only: ["same-lan"] });
    const players = (["a", "b"] as const).map((side) => topology.player("same-lan", side));
    for (const { namespace } of players) namespace.rules(rules);
    const server = await startService(topology.server, "browsers");
    const runs = runsOf({ a: "same-lan", b: "same-lan" }, { topology, kind: "browsers", server });
    const { host, guest } = await runs.next();
    runs.stop();
    expect([host, guest]).toMatchObject([
      { path: "lan", echoed: true },
      { path: "lan", echoed: true },
    ]);
    for (const player of players) expect(asked(player)).toBeGreaterThan(0);
  }, 400_000);
});
