/** The gateways of `npm start` and `npm run sidecar` as their operator sees them: what is on, and a port that another program has. */

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { startStandIn } from "../../measure/kit/edge.ts";
import { freeTcpPort, freeUdpPort } from "../../measure/kit/free-ports.ts";
import { type Program, startProgram } from "../../measure/kit/program.ts";
import { keyTextOf } from "../../measure/kit/secret.ts";

const programs: Program[] = [];
afterEach(async () => {
  for (const program of programs.splice(0)) await program.stop();
});

async function start(args: string[]): Promise<Program> {
  const ports = [`--httpPort=${await freeTcpPort()}`, `--udpPort=${await freeUdpPort()}`];
  const program = startProgram("node", ["local/start.ts", ...ports, ...args]);
  programs.push(program);
  return program;
}

/** A TCP port that another program has. */
async function takenPort(): Promise<number> {
  const other = createServer().listen(0);
  await once(other, "listening");
  onTestFinished(() => void other.close());
  return (other.address() as { port: number }).port;
}

test("npm start says which gateways are on, and at which ports", async () => {
  const port = await freeTcpPort();
  const program = await start([`--norayPort=${port}`, "--norayRegistrarPort=0", "--rabidPort=0"]);
  await program.prints(/Ctrl-C stops the server/);
  expect(program.output).toMatch(/^ {2}rabid +UDP port \d+$/m);
  expect(program.output).toMatch(
    new RegExp(`^  noray +TCP port ${port}, registrar \\d+, relays 49152-51200$`, "m"),
  );
  expect(program.output).toMatch(/^ {2}groovejet +http:/m);
});

test("npm start without gateways does not name them", async () => {
  const program = await start(["--norayPort=off", "--groovejet=off"]);
  await program.prints(/Ctrl-C stops the server/);
  expect(program.output).not.toMatch(/noray|rabid|groovejet/);
});

test("a gateway's port in use: one sentence, and exit code 1", async () => {
  const port = await takenPort();
  const program = await start([`--norayPort=${port}`, "--norayRegistrarPort=0"]);
  expect(await program.ended).toBe(1);
  const lines = program.errors.trim().split("\n");
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(new RegExp(`TCP port ${port}, for noray, .*--norayPort`));
});

test("so is one of UDP", async () => {
  const other = createSocket("udp4").bind(0);
  await once(other, "listening");
  onTestFinished(() => void other.close());
  const { port } = other.address();
  const program = await start([`--rabidPort=${port}`]);
  expect(await program.ended).toBe(1);
  expect(program.errors.trim()).toMatch(new RegExp(`^UDP port ${port}, for rabid, [^\n]*--rabidPort[^\n]*$`));
});

test("if the operator allows it, npm start goes on without that gateway, and says so", async () => {
  const port = await takenPort();
  const program = await start([`--norayPort=${port}`, "--norayRegistrarPort=0", "--skipTakenPorts=on"]);
  await program.prints(/Ctrl-C stops the server/);
  expect(program.output).toMatch(/^ {2}noray +off: another program has its port$/m);
  expect(program.output).toMatch(/"event":"gateway_not_started".*"gateway":"noray"/);
});

test("npm run sidecar logs the ports of its gateways, or one sentence about the one it cannot have", async () => {
  const edge = await startStandIn();
  onTestFinished(edge.stop);
  const args = async (port: number) => [
    ...["udp-sidecar/main.ts", "--edge", edge.url.href, `--udpPort=${await freeUdpPort()}`],
    ...["--metricsPort=off", `--norayPort=${port}`, "--norayRegistrarPort=0"],
  ];
  const environment = { ORION_SIDECAR_KEY: keyTextOf() };
  const free = await freeTcpPort();
  const program = startProgram("node", await args(free), environment);
  programs.push(program);
  await program.prints(
    new RegExp(`"event":"gateway_listening".*"gateway":"noray","tcp":${free},"registrar":\\d+`),
  );
  const port = await takenPort();
  const failing = startProgram("node", await args(port), environment);
  programs.push(failing);
  expect(await failing.ended).toBe(1);
  expect(failing.errors.trim()).toMatch(new RegExp(`^TCP port ${port}, for noray, [^\n]*--norayPort[^\n]*$`));
});
