/** `npm start` as whoever runs it sees it: a process, what it prints, what it leaves behind. */

import { spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { freeTcpPort, freeUdpPort } from "../../measure/kit/free-ports.ts";
import { carryMediation } from "../../measure/kit/mediation.ts";
import { lobbyOf, request } from "../../measure/kit/player.ts";
import { descendants, runs } from "../../measure/kit/processes.ts";
import { type Program, startProgram } from "../../measure/kit/program.ts";
import { openUdpClient } from "../../measure/kit/relay.ts";

/** Where the programs of these tests put what is only for a while. */
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "orion-edge-test-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const programs: Program[] = [];
afterEach(async () => {
  for (const program of programs.splice(0)) await program.stop();
});

function start(...args: string[]): Program {
  const program = startProgram("node", ["local/start.ts", ...args], { TMPDIR: folder });
  programs.push(program);
  return program;
}

/** Two players who meet in a lobby there, and say that they are connected directly. Its code. */
async function lobbyConnectedAt(url: URL): Promise<string> {
  const { lobbyId, host, all } = await lobbyOf(2, url);
  await host.start(lobbyId);
  for (const player of all) {
    await player.hears("ptpMediation_peersConnection_start");
    const peers = all
      .filter((other) => other !== player)
      .map(({ clientId }) => ({ clientId, path: "direct", cause: null }));
    player.say("ptpMediation_peersConnection_success", { cause: null, peers });
  }
  for (const player of all) await player.hears("lobby_closed");
  await Promise.all(all.map((player) => player.leave()));
  return lobbyId;
}

/** All that a program has printed as lines of JSON. */
function linesOf({ output }: Program): Record<string, unknown>[] {
  return output.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line)] : []));
}

/** What the log calls a lobby. */
const tagOf = (lobbyId: string) => new RegExp(`${lobbyId[0]}-[0-9a-f]{6}`);

/** When a line was written, in UTC. */
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

type Running = { program: Program; url: URL; httpPort: number; udpPort: number };

/** A server on free ports, once it says that it runs. */
async function running(...args: string[]): Promise<Running> {
  const [httpPort, udpPort] = [await freeTcpPort(), await freeUdpPort()];
  const program = start(`--httpPort=${httpPort}`, "--udpPort", String(udpPort), ...args);
  await program.prints(/Ctrl-C stops the server/);
  return { program, url: new URL(`http://127.0.0.1:${httpPort}`), httpPort, udpPort };
}

/** The storage folders that these processes have open, where the system tells. */
function storageOf(pids: number[]): string[] {
  const open = pids.flatMap((pid) => {
    const files = `/proc/${pid}/fd`;
    return existsSync(files) ? readdirSync(files).map((file) => linkOf(join(files, file))) : [];
  });
  return [...new Set(open.flatMap((path) => /^.*\/orion-edge-[^/]+(?=\/do\/)/.exec(path) ?? []))];
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

describe("a server that runs", () => {
  test("prints where it is, answers there, and connects players", async () => {
    const { program, url, httpPort, udpPort } = await running();
    expect(program.output).toContain(`HTTP and WebSocket  http://127.0.0.1:${httpPort}\n`);
    expect(program.output).toContain(`in a browser:  http://localhost:${httpPort}/\n`);
    expect(program.output).toContain(`UDP                 port ${udpPort}\n`);
    expect(program.output).toContain(`second UDP          port ${udpPort + 1}\n`);
    expect(program.errors).toBe("");
    expect(await (await fetch(new URL("/ping", url))).text()).toBe("pong");
    await carryMediation(url, { direct: false, udpPort });
  });

  test("takes any free ports where it is told 0, and says which", async () => {
    const program = start("--httpPort", "0", "--udpPort=0", "--metricsPort=0");
    await program.prints(/Ctrl-C stops the server/);
    const port = (row: RegExp) => Number(row.exec(program.output)?.[1]);
    const http = port(/HTTP and WebSocket +http:\/\/127\.0\.0\.1:(\d+)/);
    const udp = port(/^ *UDP +port (\d+)/m);
    const second = port(/second UDP +port (\d+)/);
    const metrics = port(/http:\/\/127\.0\.0\.1:(\d+)\/metrics/);
    const all = [http, udp, second, metrics];
    expect(all.filter((one) => one > 0)).toEqual(all);
    expect(program.output).not.toMatch(/:0\b|port 0\b/);
    expect((await fetch(`http://127.0.0.1:${metrics}/healthz`)).status).toBe(200);
    await carryMediation(new URL(`http://127.0.0.1:${http}`), { direct: false, udpPort: udp });
  });

  test("listens on the one address it is told", async () => {
    const { program, httpPort } = await running("--host", "::1");
    expect(program.output).toContain(`http://[::1]:${httpPort}`);
    expect(await (await fetch(`http://[::1]:${httpPort}/ping`)).text()).toBe("pong");
    await expect(fetch(`http://127.0.0.1:${httpPort}/ping`)).rejects.toThrow();
  });

  test("takes pages of this machine and its network, and no others", async () => {
    const { url } = await running();
    const statusFor = async (origin: string) =>
      (await request(url, "/lobbies", { headers: { origin } })).status;
    expect(await statusFor("http://localhost:5173")).toBe(200);
    expect(await statusFor("http://192.168.1.20:8080")).toBe(200);
    expect(await statusFor("https://evil.example")).toBe(403);
  });

  test("says in one line what strangers were refused over UDP", async () => {
    const { program, udpPort } = await running();
    const stranger = await openUdpClient();
    await stranger.send("junk", udpPort);
    await stranger.send("junk", udpPort + 1);
    stranger.close();
    await program.stop();
    const line = program.output.slice(program.output.lastIndexOf("\n{") + 1);
    const refused = { event: "datagrams_refused", sidecar: "local", junk: 2 };
    expect(JSON.parse(line)).toMatchObject({ time, ...refused });
  });

  test("tells the life of a lobby, a line of JSON for each thing that happens", async () => {
    const { program, url } = await running();
    const lobbyId = await lobbyConnectedAt(url);
    await program.prints(/"lobby_closed"/);
    const lines = linesOf(program);
    const about = { time, level: "info", lobbyId: expect.stringMatching(tagOf(lobbyId)) };
    expect(lines).toEqual([
      { ...about, event: "lobby_opened", name: "Host", lobbyName: "Lobby", isPublic: false, maxMembers: 2 },
      { ...about, event: "member_joined", name: "Guest 1", members: 2 },
      { ...about, event: "mediation_started", members: 2 },
      { ...about, event: "members_seen", seen: 1, of: 2 },
      { ...about, event: "members_seen", seen: 2, of: 2 },
      {
        ...{ ...about, event: "members_connected", connected: 2, of: 2, via: { direct: 2 } },
        ms: expect.any(Number),
      },
      { ...about, event: "lobby_closed", why: "connected" },
    ]);
  });

  test("tells nothing of lobbies where it is told not to", async () => {
    const { program, url } = await running("--logLobbies", "off");
    await lobbyConnectedAt(url);
    await request(url, "/nothing");
    await program.prints(/"request_refused"/);
    expect(linesOf(program).map(({ event }) => event)).toEqual(["request_refused"]);
  });

  test("says what it refused, when, and to which request, and repeats no secret of its path", async () => {
    const { program, url } = await running();
    const { lobbyId, host, guests } = await lobbyOf(2, url);
    await guests[0]?.start(lobbyId);
    await request(url, `/lobbies/${host.token}/join?token=${host.token}`, { method: "PUT" });
    await request(url, "/join?v=1");
    await program.prints(/\/join: 404|"\/join"/);
    const refused = { time, level: "info", event: "request_refused" };
    expect(linesOf(program).filter(({ event }) => event === "request_refused")).toEqual([
      {
        ...{ ...refused, status: 409, method: "POST", path: expect.stringMatching(tagOf(lobbyId)) },
        ...{ code: "not_the_host", clientId: guests[0]?.clientId },
        lobbyId: expect.stringMatching(tagOf(lobbyId)),
      },
      { ...refused, status: 405, method: "PUT", path: "/lobbies/…/join", code: "method_not_allowed" },
      { ...refused, status: 404, method: "GET", path: "/join", code: "not_found" },
    ]);
  });

  const hasTerminals = spawnSync("script", ["--version"]).status === 0;
  test.skipIf(!hasTerminals)("says the same in a terminal, as words", async () => {
    const [httpPort, udpPort] = [await freeTcpPort(), await freeUdpPort()];
    const command = `exec node local/start.ts --httpPort=${httpPort} --udpPort=${udpPort}`;
    const program = startProgram("script", ["-qefc", command, "/dev/null"], { TMPDIR: folder });
    programs.push(program);
    await program.prints(/Ctrl-C stops the server/);
    const stranger = await openUdpClient();
    await stranger.send("junk", udpPort);
    stranger.close();
    const url = new URL(`http://127.0.0.1:${httpPort}`);
    const lobbyId = await lobbyConnectedAt(url);
    await request(url, "/join");
    await program.prints(/\/join: 404|"\/join"/);
    const [server = 0] = descendants(program.pid);
    process.kill(server, "SIGTERM");
    await program.ended;
    const tag = tagOf(lobbyId).source;
    for (const sentence of [
      `Host opened ${tag} \\(private, up to 2\\)`,
      `Guest 1 joined ${tag} \\(2 members\\)`,
      `${tag} connected 2 of 2 \\(2 direct\\) in \\d+\\.\\d s`,
      `${tag} closed: connected`,
      "refused GET /join: 404 not_found",
      "datagrams were refused \\(.*\\bjunk 1\\b.*\\)",
    ]) {
      expect(program.output).toMatch(new RegExp(`^\\d\\d:\\d\\d:\\d\\d ${sentence}\\r$`, "m"));
    }
  });

  for (const form of ["--name value", "--name=value"]) {
    test(`takes Orion's timing as ${form}`, async () => {
      const flags = { ServerConnectTimeout: 900, ConnectRequestInterval: 200, ConnectTimeout: 300 };
      const { url } = await running(
        ...Object.entries(flags).flatMap(([name, value]) =>
          form.includes("=") ? [`--ptpm${name}Ms=${value}`] : [`--ptpm${name}Ms`, String(value)],
        ),
      );
      const { lobbyId, host, all } = await lobbyOf(2, url);
      for (const player of all) player.answersOverUdp = false;
      await host.start(lobbyId);
      expect(await host.hears("ptpMediation_aborted")).toMatchObject({ code: "endpoints_timeout" });
      const reminders = host.all("ptpMediation_send").length;
      // One at once, and with what there is otherwise none for ten seconds.
      expect(reminders).toBeGreaterThan(1);
      expect(reminders).toBeLessThanOrEqual(5);
      for (const player of all) player.answersOverUdp = true;
      await host.start(lobbyId);
      expect(await host.hears("ptpMediation_aborted", 2)).toMatchObject({ code: "connecting_timeout" });
      await Promise.all(all.map((player) => player.leave()));
    });
  }
});

describe("the end of a server", () => {
  const signals: NodeJS.Signals[][] = [
    ["SIGINT"],
    ["SIGTERM"],
    ["SIGHUP"],
    ["SIGINT", "SIGINT"],
    ["SIGINT", "SIGTERM"],
  ];
  for (const sent of signals) {
    test(`by ${sent.join(" and ")}: exit code 0, no process and no file left`, async () => {
      const { program, url, httpPort, udpPort } = await running();
      const { all } = await lobbyOf(2, url);
      const children = descendants(program.pid);
      expect(children.length).toBeGreaterThan(0);
      const storage = storageOf(children);
      if (existsSync("/proc/self/fd")) expect(storage).toHaveLength(1);

      for (const signal of sent) process.kill(program.pid, signal);
      expect(await program.ended).toBe(0);
      for (const player of all) {
        expect(await player.closed).toMatchObject({ code: 1012 });
        // Nobody hears how the others leave.
        expect(player.all("lobby_peerDisconnect").concat(player.all("lobby_closed"))).toEqual([]);
      }
      await vi.waitFor(() => expect(children.filter(runs)).toEqual([]), { timeout: 2_000, interval: 20 });
      expect(storage.filter((path) => existsSync(path))).toEqual([]);
      expect(await readdir(folder)).toEqual([]);
      expect(program.errors).toBe("");

      // Its ports are free again.
      const [tcp, udp] = [createServer().listen(httpPort), createSocket("udp6").bind(udpPort)];
      await Promise.all([once(tcp, "listening"), once(udp, "listening")]);
      tcp.close();
      udp.close();
    });
  }

  test("with --persist: its storage is kept and taken up again, and lists no lobby of before", async () => {
    const kept = join(folder, "kept", "here");
    const first = await running("--persist", kept);
    const { lobbyId } = await lobbyOf(2, first.url, { isPublic: true });
    expect((await request(first.url, "/lobbies")).body).toMatchObject({ lobbies: [{ id: lobbyId }] });
    process.kill(first.program.pid, "SIGTERM");
    expect(await first.program.ended).toBe(0);
    expect((await readdir(kept, { recursive: true })).some((name) => name.endsWith(".sqlite"))).toBe(true);

    const second = await running(`--persist=${kept}`);
    // Its players are gone, and so is the lobby.
    expect((await request(second.url, "/lobbies")).body).toEqual({ lobbies: [] });
    process.kill(second.program.pid, "SIGTERM");
    expect(await second.program.ended).toBe(0);
    await rm(join(folder, "kept"), { recursive: true });
  });
});

describe("a server that cannot run", () => {
  const mistakes: Record<string, { args: string[]; says: RegExp }> = {
    "a port of words": {
      args: ["--httpPort", "many"],
      says: /^--httpPort must be .* 0 to 65535, not "many"\./,
    },
    "a port below all": { args: ["--udpPort=-1"], says: /^--udpPort must be .* 0 to 65535, not "-1"\./ },
    "a port beyond all": { args: ["--udpPort", "65536"], says: /^--udpPort must be .*not "65536"\./ },
    "a second UDP port that is the first": {
      args: ["--udpPort=7000", "--secondUdpPort=7000"],
      says: /^--udpPort and --secondUdpPort must differ: both are 7000\./,
    },
    "a negative time": {
      args: ["--ptpmConnectTimeoutMs=-1"],
      says: /^--ptpmConnectTimeoutMs must be a whole number/,
    },
    "a time of 0": {
      args: ["--ptpmServerConnectTimeoutMs", "0"],
      says: /^--ptpmServerConnectTimeoutMs must be/,
    },
    "half a millisecond": {
      args: ["--ptpmConnectRequestIntervalMs", "0.5"],
      says: /^--ptpmConnectRequestIntervalMs must be .*not "0\.5"\./,
    },
    "no value at all": { args: ["--httpPort="], says: /^--httpPort must be/ },
    "a flag without a value": { args: ["--httpPort"], says: /--httpPort/ },
    "an unknown flag": { args: ["--colour", "red"], says: /^Unknown option --colour\. \(/ },
    "a flag with a typing mistake": { args: ["--htpPort", "5980"], says: /--htpPort\..* --httpPort\?/ },
    "a flag in kebab case": { args: ["--http-port", "5980"], says: /--http-port\..* --httpPort\?/ },
    "a flag that is repeated": { args: ["--httpPort=1", "--httpPort=1"], says: /^--httpPort is given twice/ },
    "a flag before its value": { args: ["--httpPort", "--udpPort=5990"], says: /^--httpPort needs a value/ },
    "a word too many": { args: ["now"], says: /"now"/ },
    "a host of words": {
      args: ["--host", "everywhere"],
      says: /^--host must be an IP address.*"everywhere"/,
    },
    "a host of elsewhere": {
      args: ["--host", "192.0.2.77"],
      says: /^The address of --host is not one of this machine\.$/,
    },
    "a log of perhaps": {
      args: ["--logLobbies=maybe"],
      says: /^--logLobbies must be on or off, not "maybe"/,
    },
    "a folder without a name": { args: ["--persist="], says: /^--persist must name a folder\./ },
    "a folder that is a file": {
      args: ["--persist=package.json", "--httpPort=0", "--udpPort=0"],
      says: /^The folder of --persist cannot be used/,
    },
  };
  for (const [what, { args, says }] of Object.entries(mistakes)) {
    test.concurrent(`${what}: one clear line, and exit code 1`, async ({ expect }) => {
      const program = startProgram("node", ["local/start.ts", ...args], { TMPDIR: folder });
      expect(await program.ended).toBe(1);
      expect(program.errors.trim()).toMatch(says);
      expect(program.errors.trim().split("\n")).toHaveLength(1);
      expect(program.output).toBe(program.errors);
    });
  }

  test("an option that npm kept for itself: one clear line, and exit code 1", async () => {
    const program = startProgram("npm", ["start", `--httpPort=${await freeTcpPort()}`]);
    programs.push(program);
    await program.prints(/^npm kept --httpPort for itself\..* npm start -- --httpPort/m);
    expect(await program.ended).toBe(1);
  });

  test("a TCP port in use: one clear sentence, and exit code 1", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = other.address();
    const port = typeof address === "object" ? address?.port : 0;
    const program = start(`--httpPort=${port}`);
    expect(await program.ended).toBe(1);
    expect(program.output).toBe(
      `TCP port ${port} is in use by another program. Choose another with --httpPort.\n`,
    );
    other.close();
  });

  test("a UDP port in use: one clear sentence, exit code 1, and nothing left", async () => {
    const other = createSocket("udp4").bind(0);
    await once(other, "listening");
    const { port } = other.address();
    const program = start(`--httpPort=${await freeTcpPort()}`, `--udpPort=${port}`);
    expect(await program.ended).toBe(1);
    expect(program.errors).toBe(
      `UDP port ${port} is in use by another program. Choose another with --udpPort.\n`,
    );
    expect(program.output).toBe(program.errors);
    expect(await readdir(folder)).toEqual([]);
    other.close();
  });
});

test("a second UDP port and metrics are where they are asked for, or one sentence says why not", async () => {
  const [httpPort, udpPort, second] = [await freeTcpPort(), await freeUdpPort(), await freeUdpPort()];
  const metricsPort = await freeTcpPort();
  const ports = [`--httpPort=${httpPort}`, `--udpPort=${udpPort}`, `--metricsPort=${metricsPort}`];
  const program = start(...ports, `--secondUdpPort=${second}`);
  await program.prints(/Ctrl-C stops the server/);
  expect(program.output).toContain(`second UDP          port ${second}\n`);
  expect(program.output).toContain(`http://127.0.0.1:${metricsPort}/metrics\n`);
  expect((await fetch(`http://127.0.0.1:${metricsPort}/healthz`)).status).toBe(200);

  const others = [`--httpPort=${await freeTcpPort()}`, `--udpPort=${await freeUdpPort()}`];
  const withoutSecond = start(...others, `--secondUdpPort=${second}`);
  expect(await withoutSecond.ended).toBe(1);
  expect(withoutSecond.errors).toBe(
    `UDP port ${second} is in use by another program. Choose another with --secondUdpPort.\n`,
  );
  const withoutMetrics = start(...others, `--metricsPort=${metricsPort}`);
  expect(await withoutMetrics.ended).toBe(1);
  expect(withoutMetrics.errors).toBe(
    `TCP port ${metricsPort} is in use by another program. Choose another with --metricsPort.\n`,
  );
});

test("--help tells every option with its default, and is no mistake", async () => {
  const program = start("--help");
  expect(await program.ended).toBe(0);
  expect(program.errors).toBe("");
  for (const words of [
    "--httpPort",
    "5980",
    "--udpPort",
    "5990",
    "--secondUdpPort",
    "--metricsPort",
    "--host",
    "--persist",
    "300000",
    "10000",
  ]) {
    expect(program.output).toContain(words);
  }
  for (const name of ["ServerConnectTimeout", "ConnectRequestInterval", "ConnectTimeout"]) {
    expect(program.output).toContain(`--ptpm${name}Ms <ms>`);
  }
});
