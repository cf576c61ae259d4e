/** `npm run bench` as whoever runs it sees it: what it writes, what it says of mistakes, what it leaves behind. */
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type Results, results as schema } from "../../measure/bench/results.ts";
import { type Program, startProgram } from "../../measure/kit/program.ts";

/** Only Linux accounts for processes in the way that the bench reads. */
const onLinux = existsSync("/proc/self/stat");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "orion-edge-test-"));
});
const programs: Program[] = [];
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A bench of the smallest scale, and the mark that all it starts have in their environment. */
function bench(args: string[], { limit }: { limit?: number } = {}): { program: Program; mark: string } {
  const mark = randomUUID();
  const environment = { BENCH_TEST_MARK: mark };
  const usual = Object.entries({ "--scale": "tiny", "--out": join(folder, mark) });
  const line = ["measure/bench/main.ts", ...usual.filter(([flag]) => !args.includes(flag)).flat(), ...args];
  const program =
    limit === undefined
      ? startProgram("node", line, environment)
      : startProgram("sh", ["-c", `ulimit -n ${limit} && exec node "$@"`, "sh", ...line], environment);
  programs.push(program);
  return { program, mark };
}

/** Ids of the processes that run with this mark, whose command line matches. */
function marked(mark: string, command = /./): number[] {
  const text = (path: string) => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return "";
    }
  };
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter(
      (pid) => text(`/proc/${pid}/environ`).includes(mark) && command.test(text(`/proc/${pid}/cmdline`)),
    )
    .map(Number);
}

async function nothingIsLeft(mark: string): Promise<void> {
  await vi.waitFor(() => expect(marked(mark)).toEqual([]), { timeout: 2_000, interval: 20 });
}

const bothPaths = (...groups: string[]) => groups.flatMap((group) => [`${group}/plain`, `${group}/direct`]);
const figures = [
  ...["floor/connect", "floor/broadcast-64", "floor/broadcast-8", "floor/request", "floor/request-alone"],
  ...["floor/dgram", "floor/idle", "floor/life-2", "guesses"],
  ...bothPaths("connect", "life-2", "life-8", "life-64", "chat-1x64", "chat-32x8", "mediation"),
  ...[
    "datagrams/valid",
    "datagrams/forged",
    "datagrams/junk",
    "relay/1",
    "relay/2000",
    "floor/forward",
    "noray/1",
    "noray/2000",
    "floor/ports",
    "list-200",
    "list-5000",
    "idle",
    "slow",
    "life-2/bare",
  ],
];
const growths = [
  ...bothPaths("life-2", "chat-32x8").map((name) => [name, "idle clients"]),
  ...bothPaths("life-2").map((name) => [name, "other lobbies"]),
];

describe.runIf(onLinux)("a run of the bench", () => {
  afterEach(async () => {
    for (const program of programs.splice(0)) await program.stop();
  });

  test("measures every scenario, and leaves its results and nothing else", { timeout: 240_000 }, async () => {
    const { program, mark } = bench([]);
    expect(await program.ended).toBe(0);
    expect(program.errors).toBe("");
    await nothingIsLeft(mark);
    const results: Results = schema.parse(
      JSON.parse(await readFile(join(folder, mark, "latest.json"), "utf8")),
    );

    expect(results.figures.map(({ name }) => name).toSorted()).toEqual(figures.toSorted());
    for (const figure of results.figures) {
      expect(figure.operations, figure.name).toBeGreaterThan(0);
      expect(figure.seconds, figure.name).toBeGreaterThan(0);
      // Idle clients may take none at all in half a second.
      expect(figure.cpuUs, figure.name).toBeGreaterThan(/idle/.test(figure.name) ? -1 : 0);
      expect(figure.memoryMiB, figure.name).toBeGreaterThan(10);
      expect(figure.p99Ms ?? 1, figure.name).toBeGreaterThanOrEqual(figure.p50Ms ?? 0);
      expect(figure.floor === null, figure.name).toBe(/^(floor\/|slow$|guesses$)/.test(figure.name));
      if (figure.floor) expect(figures).toContain(figure.floor.name);
    }
    const more = Object.fromEntries(results.figures.map(({ name, more }) => [name, more]));
    expect(more["datagrams/valid"]?.edgeRequests).toBeGreaterThan(0);
    for (const kind of ["forged", "junk"]) expect(more[`datagrams/${kind}`]?.edgeRequests).toBe(0);
    expect(more["relay/1"]).toMatchObject({ links: 1 });
    expect(more["relay/2000"]?.links).toBe(20);
    expect([more["noray/1"]?.links, more["noray/2000"]?.links]).toEqual([1, 10]);
    expect(more["list-200"]?.lobbies).toBe(2);
    expect(more["list-5000"]?.answerBytes).toBeGreaterThan(50 * 50);

    expect(results.growths.map(({ name, of }) => [name, of])).toEqual(growths);
    for (const { name, points, ratio } of results.growths) {
      expect(points[0]?.count, name).toBe(0);
      expect(points.map(({ count }) => count)).toEqual(
        points.map(({ count }) => count).toSorted((a, b) => a - b),
      );
      for (const { cpuUs } of points) expect(cpuUs, name).toBeGreaterThan(0);
      expect(ratio).toBeCloseTo((points.at(-1)?.cpuUs ?? 0) / (points[0]?.cpuUs ?? 1));
    }
    expect(results.costs.map(({ name }) => name)).toContain("direct");
    expect(results.idleCosts.map(({ name }) => name)).toContain("direct");
    expect(await readFile(join(folder, mark, "latest.html"), "utf8")).not.toBe("");
    for (const name of figures) expect(program.output).toContain(`\n${name} `);
  });

  test("runs what is picked, and its floor", async () => {
    const { program, mark } = bench(["--scenario", "connect/direct"]);
    expect(await program.ended).toBe(0);
    const results = schema.parse(JSON.parse(await readFile(join(folder, mark, "latest.json"), "utf8")));
    expect(results.figures.map(({ name }) => name)).toEqual(["floor/connect", "connect/direct"]);

    const file = join(folder, mark, "latest.json");
    const compared = startProgram("node", ["measure/bench/main.ts", "--compare", file, file]);
    expect(await compared.ended).toBe(0);
    expect(compared.errors).toBe("");
  });

  test("measures clients that do not read until all are thrown out", { timeout: 60_000 }, async () => {
    const { program, mark } = bench(["--scenario", "slow", "--scale", "full", "--slow", "3"]);
    expect(await program.ended).toBe(0);
    expect(program.errors).toBe("");
    const { figures } = schema.parse(JSON.parse(await readFile(join(folder, mark, "latest.json"), "utf8")));
    expect(figures).toHaveLength(1);
    const [slow] = figures;
    expect(slow?.more).toMatchObject({ clients: 3, thrownOut: 3 });
    // Of the 4 MiB that are sent to each, none is read.
    expect(slow?.more.memoryKiB).toBeGreaterThan(3_000);
  });

  for (const [signal, scenario] of [
    ["SIGINT", "cost"],
    ["SIGTERM", "life-64"],
  ] as const) {
    test(`ends by ${signal} in the middle of ${scenario}: a sentence, exit code 1, nothing left`, async () => {
      const { program, mark } = bench(["--scenario", scenario, "--scale", "full"]);
      await program.prints(new RegExp(` {2}${scenario}`));
      await vi.waitFor(() => expect(marked(mark, /workerd/)).not.toEqual([]), {
        timeout: 10_000,
        interval: 20,
      });
      process.kill(program.pid, signal);
      expect(await program.ended).toBe(1);
      expect(program.errors).toBe("The bench was stopped before its end: nothing was written.\n");
      await nothingIsLeft(mark);
    });
  }

  test("goes on after a server that ends in the middle: a sentence, and exit code 1", async () => {
    const { program, mark } = bench([
      ...["--scale", "small", "--scenario", "life-64/plain", "--scenario", "mediation/plain"],
    ]);
    await program.prints(/ {2}life-64/);
    for (const pid of marked(mark, /local\/start\.ts/)) process.kill(pid, "SIGTERM");
    expect(await program.ended).toBe(1);
    expect(program.errors).toBe("life-64: The server has ended: exit code 0.\n");
    await nothingIsLeft(mark);
    const { figures } = schema.parse(JSON.parse(await readFile(join(folder, mark, "latest.json"), "utf8")));
    expect(figures.map(({ name }) => name)).toEqual(["floor/request-alone", "mediation/plain"]);
  });

  test("notices a server that starts anew, and has lost its clients: a sentence, and exit code 1", async () => {
    const { program, mark } = bench(["--scale", "small", "--scenario", "growth-lobbies"]);
    await program.prints(/life-2\/plain beside/);
    for (const pid of marked(mark, /workerd/)) process.kill(pid, "SIGKILL");
    expect(await program.ended).toBe(1);
    expect(program.errors).toMatch(/^growth-lobbies: .*the server closed .*\.\n$/);
    await nothingIsLeft(mark);
  });
});

describe.runIf(onLinux)("a bench that cannot run", () => {
  const mistakes: Record<string, { args: string[]; says: RegExp; limit?: number }> = {
    "a scenario that does not exist": {
      args: ["--scenario", "life-3"],
      says: /^There is no scenario "life-3"\. --list tells those that there are\.$/,
    },
    "a scale that is none": {
      args: ["--scale", "2"],
      says: /^--scale must be tiny, small, full, not "2"\.$/,
    },
    "an unknown option": { args: ["--fast"], says: /^Unknown option --fast\.$/ },
    "a word too many": {
      args: ["life-2"],
      says: /^"life-2" is not an option\. A scenario follows --scenario\.$/,
    },
    "a port that is none": {
      args: ["--httpPort", "http"],
      says: /^--httpPort must be a whole number.*"http"\.$/,
    },
    "rounds that are no number": {
      args: ["--rounds", "0"],
      says: /^--rounds must be a whole number from 1 to 1000, not "0"\.$/,
    },
    "clients that are no number": {
      args: ["--clients", "all"],
      says: /^--clients must be a whole number from 1 to 1000000, not "all"\.$/,
    },
    "slow clients that are no number": {
      args: ["--slow", "0"],
      says: /^--slow must be a whole number from 1 to 1000000, not "0"\.$/,
    },
    "a folder that is a file": {
      args: ["--out", "package.json"],
      says: /^The folder of --out cannot be used: .*package\.json.*\.$/,
    },
    "results that do not exist": {
      args: ["--compare", "nowhere.json"],
      says: /^nowhere\.json cannot be read: .*no such file.*\.$/,
    },
    "results that are none": {
      args: ["--compare", "package.json"],
      says: /^package\.json holds no results of the bench: .+\.$/,
    },
    "too few file descriptors": {
      args: ["--scenario", "life-2"],
      limit: 64,
      says: /^life-2\/bare needs \d+ file descriptors in one process, and there may be 64: .*\.$/,
    },
  };
  for (const [what, { args, says, limit }] of Object.entries(mistakes)) {
    test.concurrent(`${what}: one clear sentence, and exit code 1`, async ({ expect }) => {
      const { program } = bench(args, limit === undefined ? {} : { limit });
      expect(await program.ended).toBe(1);
      expect(program.errors.trim()).toMatch(says);
      expect(program.errors.trim().split("\n")).toHaveLength(1);
      expect(program.output).toBe(program.errors);
    });
  }

  test("results that are no JSON: one clear sentence, and exit code 1", async () => {
    const path = join(folder, "broken.json");
    await writeFile(path, '{"version":');
    const { program } = bench(["--compare", path]);
    expect(await program.ended).toBe(1);
    expect(program.errors).toMatch(/^.*broken\.json cannot be read: .+\.\n$/);
  });

  test("a server that does not come up: one clear sentence, exit code 1, and nothing left", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await vi.waitFor(() => expect(other.listening).toBe(true));
    const address = other.address();
    const port = typeof address === "object" ? address?.port : 0;
    const { program, mark } = bench(["--scenario", "connect", "--httpPort", String(port)]);
    expect(await program.ended).toBe(1);
    expect(program.errors).toBe(
      `The server did not come up: TCP port ${port} is in use by another program. Choose another with --httpPort.\n`,
    );
    await nothingIsLeft(mark);
    other.close();
  });
});

test("--list tells every scenario, --help every option", async () => {
  const list = startProgram("node", ["measure/bench/main.ts", "--list"]);
  expect(await list.ended).toBe(0);
  const names = list.output.split("\n").map((line) => line.split(" ")[0]);
  expect(names).toEqual(
    expect.arrayContaining([
      "life-2/plain",
      "list-5000",
      "growth-idle",
      "slow",
      "guesses",
      "cost",
      "cost-idle",
    ]),
  );
  const help = startProgram("node", ["measure/bench/main.ts", "--help"]);
  expect(await help.ended).toBe(0);
  for (const option of [
    "--scenario",
    "--scale",
    "--out",
    "--clients",
    "--rounds",
    "--slow",
    "--httpPort",
    "--compare",
    "--list",
  ]) {
    expect(help.output).toContain(option);
  }
});
