/** Servers that cannot write their log: on a full disk, to a reader that has gone, or to one that does not read. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { startStandIn } from "../../measure/kit/edge.ts";
import { freeTcpPort, freeUdpPort } from "../../measure/kit/free-ports.ts";
import { type Program, startProgram } from "../../measure/kit/program.ts";
import { openUdpClient } from "../../measure/kit/relay.ts";
import { datagramOf, keyTextOf, tokenOf } from "../../measure/kit/secret.ts";

const cleanUps: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});
const soon = { timeout: 60_000, interval: 50 };

/** Where standard output and standard error lead, both, in a shell's words. */
const outlets = {
  "both go to a full disk": ">/dev/full 2>&1",
  "both go to a pipe whose reader has gone": "2>&1 | true",
  "both go to a pipe that nobody reads": "2>&1 | sleep 1000",
};

/** Starts Node.js in a shell of its own, which is ended with all that it started. */
function startIn(outlet: string, args: string[], environment: NodeJS.ProcessEnv = {}): Program {
  const command = `"$0" "$@" ${outlet}`;
  const program = startProgram("sh", ["-c", command, "node", ...args], environment);
  cleanUps.push(program.stop);
  return program;
}

/** A module that Node.js loads before the program. */
const preload = (code: string) => ["--import", `data:text/javascript,${encodeURIComponent(code)}`];

/** Writes more than any bound, from time to time: lines as a log has them, and one that is very long. */
const talk = preload(`
  setInterval(() => {
    for (let line = 0; line < 1_000; line++) console.log("x".repeat(200));
    for (let text = 0; text < 3; text++) console.error(Buffer.alloc(1_000_000, 120).toString());
  }, 20).unref();
`);

describe.skipIf(process.platform !== "linux")("a server whose log cannot be written", () => {
  for (const [what, outlet] of Object.entries(outlets)) {
    test(`npm start refuses requests and goes on serving when ${what}`, async () => {
      const [httpPort, udpPort] = [await freeTcpPort(), await freeUdpPort()];
      const url = `http://127.0.0.1:${httpPort}`;
      startIn(outlet, [...talk, "local/start.ts", `--httpPort=${httpPort}`, `--udpPort=${udpPort}`]);
      const ping = async () => (await fetch(`${url}/ping`)).text();
      await vi.waitFor(async () => expect(await ping()).toBe("pong"), soon);
      // More refusals than the log takes without a pause.
      for (let asked = 0; asked < 30; asked++) {
        const answer = await fetch(`${url}/lobbies/ABCDE/join`, { method: "POST", body: "{" });
        expect(answer.status).toBeGreaterThanOrEqual(400);
        await answer.text();
        expect((await fetch(`${url}/nothing`)).status).toBe(404);
      }
      expect(await ping()).toBe("pong");
    });

    test(`a sidecar sees players, and its memory stays small, when ${what}`, async () => {
      const [udpPort, metricsPort] = [await freeUdpPort(), await freeTcpPort()];
      const edge = await startStandIn();
      cleanUps.push(edge.stop);
      const options = ["--edge", edge.url.href, "--udpPort", String(udpPort)];
      startIn(outlet, [...talk, "udp-sidecar/main.ts", ...options], {
        ORION_SIDECAR_KEY: keyTextOf(),
        ORION_METRICS_PORT: String(metricsPort),
      });
      const memory = async () => {
        const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
        return Number(/^process_resident_memory_bytes (\d+)/m.exec(text)?.[1]);
      };
      await vi.waitFor(async () => expect(await memory()).toBeGreaterThan(0), soon);
      const client = await openUdpClient();
      cleanUps.push(client.close);
      // It has had hundreds of megabytes to write by then.
      const until = performance.now() + 5_000;
      for (let seen = 0; performance.now() < until; seen++) {
        await client.send(datagramOf(tokenOf(`Ada${seen}`)), udpPort);
        await vi.waitFor(() => expect(edge.observed.flat().length).toBeGreaterThan(seen), soon);
      }
      expect(await memory()).toBeLessThan(400 * 1024 ** 2);
    });
  }
});

test("lines go on when a full disk has room again, with a note of how many are missing", async () => {
  const folder = await mkdtemp(join(tmpdir(), "orion-edge-test-"));
  cleanUps.push(() => rm(folder, { recursive: true, force: true }));
  const log = join(folder, "log");
  const edge = await startStandIn();
  cleanUps.push(edge.stop);
  const disk = preload(`
    import fs from "node:fs";
    import { syncBuiltinESMExports } from "node:module";
    const { writeSync } = fs;
    let room = Infinity;
    fs.writeSync = (fd, bytes, from) => {
      if (room === 0) throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
      const written = writeSync(fd, bytes, from, Math.min(room, bytes.length - from));
      room -= written;
      return written;
    };
    syncBuiltinESMExports();
    const say = (event) => console.log(JSON.stringify({ level: "info", event }));
    process.on("SIGUSR2", () => {
      say("before");
      room = 9;
      for (const event of ["cut", "lost", "lost"]) say(event);
      room = Infinity;
      say("after");
    });
  `);
  const options = ["--edge", edge.url.href, "--udpPort", String(await freeUdpPort())];
  const args = ["-c", 'exec "$0" "$@" >"$LOG"', "node", ...disk, "udp-sidecar/main.ts", ...options];
  const program = startProgram("sh", args, {
    LOG: log,
    ORION_SIDECAR_KEY: keyTextOf("oslo"),
    ORION_METRICS_PORT: "off",
  });
  cleanUps.push(program.stop);
  await vi.waitFor(async () => expect(await readFile(log, "utf8")).toContain("sidecar_accepted"), soon);
  process.kill(program.pid, "SIGUSR2");
  await vi.waitFor(async () => expect(await readFile(log, "utf8")).toContain("after"), soon);
  const lines = (await readFile(log, "utf8")).trim().split("\n").slice(-4);
  expect(lines[1]).toBe('{"level":');
  expect([lines[0], lines[2], lines[3]].map((line = "") => JSON.parse(line))).toMatchObject([
    { level: "info", event: "before" },
    { level: "info", event: "log_lines_lost", sidecar: "oslo", lines: 3 },
    { level: "info", event: "after" },
  ]);
});
