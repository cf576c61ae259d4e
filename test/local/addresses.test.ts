/** Which addresses `npm start` listens on. */

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { afterEach, expect, test, vi } from "vitest";
import { freeTcpPort, freeUdpPort } from "../../measure/kit/free-ports.ts";
import { carryMediation } from "../../measure/kit/mediation.ts";
import { type Program, startProgram } from "../../measure/kit/program.ts";

// A test starts up to three servers, on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const programs: Program[] = [];
afterEach(async () => {
  for (const program of programs.splice(0)) await program.stop();
});

async function start(args: string[], before: string[] = []): Promise<{ program: Program; port: number }> {
  const port = await freeTcpPort();
  const ports = [`--httpPort=${port}`, `--udpPort=${await freeUdpPort()}`];
  const [command = "", ...words] = [...before, process.execPath, "local/start.ts", ...ports, ...args];
  const program = startProgram(command, words);
  programs.push(program);
  await program.prints(/Ctrl-C stops the server/);
  return { program, port };
}

/** Those of the hosts at which the server answers. */
async function answering(port: number, hosts: string[]): Promise<string[]> {
  const answers = await Promise.all(
    hosts.map(async (host) => {
      const response = await fetch(`http://${host}:${port}/ping`).catch(() => null);
      return response && (await response.text()) === "pong" ? [host] : [];
    }),
  );
  return answers.flat();
}

/** Where another machine would find this one, if it has a network. */
const [outside = "127.0.0.2"] = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .filter(({ family, internal }) => family === "IPv4" && !internal)
  .map(({ address }) => address);
const every = ["127.0.0.1", "[::1]", outside];

const hosts: Record<string, { args: string[]; reached: string[] }> = {
  "no --host": { args: [], reached: every },
  "--host ::": { args: ["--host=::"], reached: every },
  "--host 0.0.0.0": { args: ["--host=0.0.0.0"], reached: ["127.0.0.1", outside] },
  "--host localhost": { args: ["--host=localhost"], reached: ["127.0.0.1", "[::1]"] },
  "--host 127.0.0.1": { args: ["--host=127.0.0.1"], reached: ["127.0.0.1"] },
  "--host ::1": { args: ["--host=::1"], reached: ["[::1]"] },
};
for (const [what, { args, reached }] of Object.entries(hosts)) {
  test(`with ${what}, a game reaches the server at ${reached.join(", ")}`, async () => {
    const { port } = await start(args);
    expect(await answering(port, every)).toEqual(reached);
  });
}

test("players meet and connect through ::1, which Godot tries first for localhost", async () => {
  const port = await freeTcpPort();
  const udpPort = await freeUdpPort();
  const program = startProgram(process.execPath, [
    "local/start.ts",
    `--httpPort=${port}`,
    `--udpPort=${udpPort}`,
  ]);
  programs.push(program);
  await program.prints(/Ctrl-C stops the server/);
  await carryMediation(new URL(`http://[::1]:${port}`), { direct: true, udpPort });
});

test("a program on one of the loopback addresses is in the way, and a sentence says so", async () => {
  const other = createServer().listen({ port: 0, host: "::1", ipv6Only: true });
  await once(other, "listening");
  const address = other.address();
  const port = typeof address === "object" ? address?.port : 0;
  for (const args of [[], ["--host=localhost"]]) {
    const program = startProgram(process.execPath, ["local/start.ts", `--httpPort=${port}`, ...args]);
    programs.push(program);
    expect(await program.ended).toBe(1);
    expect(program.output).toMatch(new RegExp(`^TCP port ${port} is in use .*--httpPort\\.\\n$`));
  }
  other.close();
});

const disableIPv6 = "ip link set lo up && echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6";
const isolated = ["unshare", "--net", "sh", "-c", `${disableIPv6} && exec "$@"`, "sh"];
const mayIsolate = spawnSync("unshare", [...isolated.slice(1), "true"]).status === 0;

for (const args of [[], ["--host=localhost"]]) {
  test.skipIf(!mayIsolate)(`on a machine without IPv6 the server starts ${args.join(" ")}`, async () => {
    const { program, port } = await start(args, isolated);
    const ping = `fetch("http://127.0.0.1:${port}/ping").then((answer) => answer.text()).then(console.log)`;
    const { stdout } = spawnSync(
      "nsenter",
      ["--net", "--target", String(program.pid), process.execPath, "-e", ping],
      { encoding: "utf8" },
    );
    expect(stdout).toBe("pong\n");
  });
}
