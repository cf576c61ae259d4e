/** The network test of a page behind the lab's NATs, with nothing but the server's own sidecar to ask. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NetworkTestReport } from "../../measure/kit/network-test-page.ts";
import type { Access } from "../../measure/lab/access.ts";
import { chromiumHere } from "../../measure/lab/chromium.ts";
import { whyNoLab } from "../../measure/lab/requirement.ts";
import { startService } from "../../measure/lab/service.ts";
import { openTopology, type Topology } from "../../measure/lab/topology.ts";

const why = whyNoLab("browsers");
if (why !== null) console.warn(`Skipped: ${why}`);

const accesses = ["none", "port-restricted", "symmetric", "cgnat", "udp-dropped"] as const satisfies Access[];
const program = fileURLToPath(new URL("network-test-program.ts", import.meta.url));
/** What a page must say of each: the kind of NAT, and whether UDP gets through. */
const expected: Record<(typeof accesses)[number], [nat: string, udp: string]> = {
  none: ["endpoint-independent", "good"],
  "port-restricted": ["endpoint-independent", "good"],
  symmetric: ["endpoint-dependent", "good"],
  cgnat: ["endpoint-dependent", "good"],
  "udp-dropped": ["unknown", "bad"],
};

describe.skipIf(why !== null || chromiumHere() === undefined)("a page", () => {
  let topology: Topology;
  let server: string;
  beforeAll(async () => {
    topology = await openTopology({ only: accesses, delayMs: 40 });
    server = await startService(topology.server, "browsers");
  }, 120_000);
  afterAll(() => topology?.[Symbol.dispose]());

  async function reportOf(access: Access): Promise<NetworkTestReport> {
    const { namespace } = topology.player(access, "a");
    const [command, args] = namespace.command(process.execPath, program, server);
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
    return JSON.parse(String(Buffer.concat(await child.stdout.toArray())));
  }

  const sentences = new Map<string, string>();
  for (const access of accesses) {
    test(`behind ${access} says which kind of network it is in`, async () => {
      const { sentence, nat, checks, report, tookMs } = await reportOf(access);
      const outcomes = Object.fromEntries(checks.map(({ name, outcome }) => [name, outcome]));
      expect({ ...outcomes, nat }, report).toMatchObject({
        nat: expected[access][0],
        udp: expected[access][1],
        websocket: "good",
        relay: "good",
        webrtc: "good",
      });
      expect(report).not.toMatch(/203\.0\.113\.(?!1:)\d/);
      expect(tookMs).toBeLessThan(6_500);
      sentences.set(`${nat} ${outcomes.udp}`, sentence);
    }, 60_000);
  }

  test("has another sentence for each of these", () => {
    expect(sentences.size).toBe(3);
    expect(new Set(sentences.values()).size).toBe(3);
  });
});
