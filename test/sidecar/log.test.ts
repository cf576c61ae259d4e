/** What a sidecar tells its operator: lines of JSON, a summary of what it refused, and nothing of anybody's. */

import { afterEach, expect, test, vi } from "vitest";
import { type Answer, startStandIn } from "../../measure/kit/edge.ts";
import { freeUdpPort } from "../../measure/kit/free-ports.ts";
import { startProgram } from "../../measure/kit/program.ts";
import { holderOf, openUdpClient, type UdpClient } from "../../measure/kit/relay.ts";
import {
  cookieOf,
  datagramOf,
  dataOf,
  keyOf,
  keyTextOf,
  secret,
  ticketOf,
  tokenOf,
} from "../../measure/kit/secret.ts";
import { newPortCounts, newRelayCounts } from "../../udp-sidecar/counts.ts";
import { sidecarLimits } from "../../udp-sidecar/limits.ts";
import { faultOf, type Line } from "../../udp-sidecar/log.ts";
import { Refusals } from "../../udp-sidecar/refusals.ts";
import { startSidecar } from "../../udp-sidecar/sidecar.ts";
import { Standing } from "../../udp-sidecar/standing.ts";

const cleanUps: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});
const soon = { interval: 5 };

function refusalsOf() {
  const counts = { first: newPortCounts(), second: newPortCounts(), relay: newRelayCounts() };
  return { ...counts, refusals: new Refusals([counts.first, counts.second], counts.relay, 0) };
}

test("what was refused is told by cause, of both ports together, and only what there was", () => {
  const { first, second, relay, refusals } = refusalsOf();
  first.junk = 3;
  second.junk = 4;
  second.forged = 1;
  first.shed = 2;
  first.observed = 9;
  relay.drops.unknown_link = 5;
  relay.refusals.ticket_expired = 2;
  expect(refusals.line(10_000)).toEqual({
    ...{ level: "info", event: "datagrams_refused", seconds: 10, junk: 7, forged: 1, shed: 2 },
    ...{ relayDrops: { unknown_link: 5 }, relayRefusals: { ticket_expired: 2 } },
  });
});

test("it is told once a minute at most, and then what came since", () => {
  const { first, refusals } = refusalsOf();
  first.junk = 1;
  expect(refusals.line(1_000)).toMatchObject({ junk: 1 });
  first.junk = 5;
  expect(refusals.line(1_000 + sidecarLimits.refusalLineMs - 1)).toBeNull();
  expect(refusals.line(1_000 + sidecarLimits.refusalLineMs)).toMatchObject({ junk: 4, seconds: 60 });
});

test("nothing is told while nothing is refused, whatever else comes", () => {
  const { first, relay, refusals } = refusalsOf();
  first.observed = 1_000;
  relay.packets = 1_000;
  for (let minute = 0; minute < 5; minute++)
    expect(refusals.line(minute * sidecarLimits.refusalLineMs)).toBeNull();
  first.dropped = 1;
  expect(refusals.line(5 * sidecarLimits.refusalLineMs)).toMatchObject({ dropped: 1, seconds: 300 });
});

test("the end tells what is left", () => {
  const { first, refusals } = refusalsOf();
  first.junk = 1;
  expect(refusals.line(0)).toMatchObject({ junk: 1, seconds: 0 });
  first.junk = 2;
  expect(refusals.line(1)).toBeNull();
  expect(refusals.lastLine(1)).toMatchObject({ junk: 1 });
  expect(refusals.lastLine(1)).toBeNull();
});

test("how it stands with the edge is told when it changes, in a line a minute if it always does, and in the end as it is", () => {
  const standing = new Standing(0);
  const line = (code: string): Line => ({
    level: "error",
    event: "sidecar_not_accepted",
    code,
  });
  for (let i = 0; i < sidecarLimits.standingLineBurst; i++) {
    expect(standing.news(line(`${i}`), 0)).toEqual(line(`${i}`));
    expect(standing.news(line(`${i}`), 0)).toBeNull();
  }
  let told = 0;
  for (let second = 1; second <= 3_600; second++)
    told += Number(standing.news(line(`${second}`), second * 1_000) !== null);
  expect(told).toBeGreaterThanOrEqual(59);
  expect(told).toBeLessThanOrEqual(60);
  expect(standing.news(line("last"), 3_601_000)).toBeNull();
  expect(standing.news(line("last"), 3_700_000)).toEqual(line("last"));
});

test("a fault is told with where it was, and without what it quotes", () => {
  const { ticket, key } = ticketOf("a");
  const secrets = [tokenOf("Ada"), ticket, key, cookieOf("192.0.2.7", 1), "192.0.2.7", "2001:db8::1234:5678"];
  const { error, at } = faultOf(new TypeError(`cannot read ${secrets.join(" or ")} at all`));
  for (const word of secrets) expect(error).not.toContain(word);
  expect(error).toMatch(/^TypeError: cannot read .* at all$/);
  expect(at).toMatch(/^log\.test\.ts:\d+/);
  expect(faultOf(new Error("why ".repeat(1_000))).error).toHaveLength(300);
  expect(JSON.stringify(faultOf(tokenOf("Ada")))).not.toContain("Ada");
});

test("a fault tells no address however short it is, nor what looks like one of our lines in what it quotes", () => {
  for (const address of ["::1", "2001:db8::7", "2A00:1450::5", "fe80::1", "2001:db8::7:5990", "192.0.2.7"])
    expect(faultOf(new Error(`send EPERM ${address} now`)).error).toBe("Error: send EPERM (…) now");
  for (const quoted of [`${tokenOf("Ada")}.js:7`, "no JSON\n    at Ada.js:7"]) {
    const { at } = faultOf(new Error(quoted));
    expect(at).toMatch(/^log\.test\.ts:\d+/);
    expect(at).not.toContain("Ada");
  }
});

/** One of each kind that is refused. */
async function misbehave(client: UdpClient, port: number): Promise<void> {
  await client.send("junk", port);
  await client.send(datagramOf(tokenOf("Eve", { under: "another secret, as long" })), port);
  await client.send(dataOf("0123456789ab", "hello?"), port);
  const late = holderOf(client, ticketOf("a", { a: "Eve", lifeMs: -10_000, sidecar: "oslo" }), () => port);
  expect(await late.bind()).toMatchObject({ method: "ptpRelay_refused" });
}
const misbehaved = {
  ...{ level: "info", event: "datagrams_refused", junk: 1, forged: 1 },
  ...{ relayDrops: { unknown_link: 1 }, relayRefusals: { ticket_expired: 1 } },
};

test("a sidecar that runs tells what it refused, though no edge takes it, and again when its minute is over", async () => {
  const refuse: Answer = (_, response) => response.writeHead(503).end();
  // The first heartbeat waits until there is something to tell.
  const { promise: isDone, resolve: done } = Promise.withResolvers<void>();
  const edge = await startStandIn((post, response) => isDone.then(() => refuse(post, response)));
  cleanUps.push(edge.stop);
  let now = 0;
  const told: Line[] = [];
  const options = { edge: edge.url, key: keyOf("oslo"), port: 0, elapsed: () => now };
  const sidecar = await startSidecar(options, (line) => told.push(line));
  const client = await openUdpClient();
  cleanUps.push(sidecar.stop, client.close);
  const refused = () => told.filter(({ event }) => event === "datagrams_refused");
  await misbehave(client, sidecar.port);
  done();
  await vi.waitFor(() => expect(refused()).toMatchObject([{ ...misbehaved, sidecar: "oslo" }]), soon);
  await client.send("junk", sidecar.port);
  await vi.waitFor(() => expect(sidecar.counts.junk).toBe(2), soon);
  now += sidecarLimits.refusalLineMs;
  await vi.waitFor(() => expect(refused()).toHaveLength(2), soon);
  expect(refused()[1]).toMatchObject({ junk: 1, seconds: 60 });
});

async function program(args: string[] = []) {
  const edge = await startStandIn();
  const port = await freeUdpPort();
  const options = ["udp-sidecar/main.ts", "--edge", edge.url.href, "--udpPort", String(port)];
  const environment = { ORION_SIDECAR_KEY: keyTextOf("oslo"), ORION_METRICS_PORT: "off" };
  const started = startProgram("node", [...args, ...options], environment);
  const lines = (): Line[] =>
    started.output
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
      // That depends on the machine.
      .filter(({ event }) => event !== "receive_buffer_small");
  cleanUps.push(edge.stop, started.stop);
  await started.prints(/sidecar_accepted/);
  return { started, port, lines };
}

test("the program writes nothing but lines of JSON, the last of them what it refused, and nobody's token, ticket or address", async () => {
  const { started, port, lines } = await program();
  const client = await openUdpClient("::1");
  cleanUps.push(client.close);
  await misbehave(client, port);
  await client.send(datagramOf(tokenOf("Ada")), port);
  await started.stop();
  expect(started.errors).toBe("");
  expect(lines().map(({ event }) => event)).toEqual([
    "sidecar_listening",
    "sidecar_accepted",
    "datagrams_refused",
  ]);
  for (const line of lines()) expect(line).toMatchObject({ level: "info", sidecar: "oslo" });
  expect(lines()[2]).toMatchObject(misbehaved);
  for (const word of [secret, "Ada", "Eve", "::1", String(client.port), "ABCDE", "0123456789ab"]) {
    expect(started.output).not.toContain(word);
  }
});

test("the program's last line, if it fails, is one of JSON too", async () => {
  const fail = `process.on("SIGUSR2", () => { throw new Error("of ${tokenOf("Ada")}") })`;
  const { started, lines } = await program(["--import", `data:text/javascript,${encodeURIComponent(fail)}`]);
  process.kill(started.pid, "SIGUSR2");
  expect(await started.ended).toBe(1);
  expect(started.errors).toBe("");
  expect(lines().at(-1)).toMatchObject({ level: "error", event: "sidecar_failed", sidecar: "oslo" });
  expect(started.output).not.toContain("Ada");
});
