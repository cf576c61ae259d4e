/** `npm run lab` as whoever runs it sees it: what it says of mistakes, where it is skipped, what it leaves behind. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root, startProgram } from "../../measure/kit/program.ts";
import { chromiumHere } from "../../measure/lab/chromium.ts";
import { namesOf } from "../../measure/lab/namespace.ts";
import { whyNoLab } from "../../measure/lab/requirement.ts";
import { results as schema } from "../../measure/lab/results.ts";

const canRun = whyNoLab() === null;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "orion-edge-lab-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const mistakes: Record<string, { args: string[]; says: RegExp }> = {
  "clients that there are not": {
    args: ["--clients", "telnet"],
    says: /^--clients knows orion, browsers, mixed, godot, godot-mixed, noray, rabid, not "telnet"\.$/,
  },
  "runs that are no number": {
    args: ["--runs", "many"],
    says: /^--runs must be .* from 1 .*, not "many"\.$/,
  },
  "an access that there is not": {
    args: ["--only", "none,dial-up"],
    says: /^--only knows none, .*, udp-dropped, not "dial-up"\.$/,
  },
  "a part that there is not": {
    args: ["--parts", "pairs,stairs"],
    says: /^--parts knows pairs, uplinks, ladder, not "stairs"\.$/,
  },
  "a part that is of no pair": {
    args: ["--parts", "ladder", "--only", "none"],
    says: /^--cells and --only are for the part pairs alone\.$/,
  },
  "a part that clients of others have not": {
    args: ["--parts", "uplinks", "--clients", "rabid"],
    says: /^Clients of rabid have the part pairs alone\.$/,
  },
  "a part that players in Godot have not": {
    args: ["--parts", "uplinks", "--clients", "godot"],
    says: /^Clients of godot have the part pairs alone\.$/,
  },
  "a pair of three": {
    args: ["--cells", "none,none,none"],
    says: /^--cells takes two accesses, like none,cgnat, not "none,none,none"\.$/,
  },
  "two ways to pick": {
    args: ["--cells", "none,none", "--only", "none"],
    says: /^--cells and --only cannot be given together\.$/,
  },
  "a delay that is none": { args: ["--delay", "-1"], says: /^.*--delay.*\.$/ },
  "an unknown option": { args: ["--fast"], says: /^Unknown option --fast\.$/ },
  "a folder without a name": { args: ["--out", ""], says: /^--out must name a folder\.$/ },
};
for (const [what, { args, says }] of Object.entries(mistakes)) {
  test.concurrent(`${what}: one clear sentence, and exit code 1`, async ({ expect }) => {
    const program = startProgram("node", ["measure/lab/main.ts", ...args]);
    expect(await program.ended).toBe(1);
    expect(program.errors.trim()).toMatch(says);
    expect(program.errors.trim().split("\n")).toHaveLength(1);
    expect(program.output).toBe(program.errors);
  });
}

test("--help tells every option and every access", async () => {
  const help = startProgram("node", ["measure/lab/main.ts", "--help"]);
  expect(await help.ended).toBe(0);
  for (const word of [
    "--clients",
    "browsers",
    "--parts",
    "ladder",
    "godot",
    "noray",
    "rabid",
    "--runs",
    "--cells",
    "--only",
    "--delay",
    "--parallel",
    "--out",
    "--reference",
    "cgnat",
  ]) {
    expect(help.output).toContain(word);
  }
});

test("whoever is not root reads why it is skipped, and exit code 0 lets everything else go on", () => {
  const asNobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const program = spawnSync(process.execPath, ["measure/lab/main.ts"], {
    cwd: root,
    encoding: "utf8",
    ...asNobody,
  });
  expect(program.stdout).toMatch(/^The lab needs .*\.\nskipped\n$/);
  expect(program.stderr).toBe("");
  expect(program.status).toBe(0);
});

describe.skipIf(!canRun)("a run of the lab", () => {
  test("connects a pair, and leaves its results, its picture and nothing else", {
    timeout: 60_000,
  }, async () => {
    const args = ["--cells", "port-restricted,none", "--runs", "2", "--delay", "0", "--out", folder];
    const program = startProgram("node", ["measure/lab/main.ts", ...args]);
    expect(await program.ended).toBe(0);
    expect(program.errors).toBe("");
    const results = schema.parse(JSON.parse(readFileSync(join(folder, "latest.json"), "utf8")));
    expect(results).toMatchObject({ runs: 2, delayMs: 0 });
    expect(results.cells).toMatchObject([{ a: "none", b: "port-restricted", runs: 2, connected: 2 }]);
    expect(readFileSync(join(folder, "latest.svg"), "utf8")).toContain("<svg");
    expect(namesOf(`orion-lab-${program.pid}-`)).toEqual([]);
  });

  test("plays on when the uplink of one changes, and says how long it took", {
    timeout: 240_000,
  }, async () => {
    const args = ["--parts", "uplinks", "--runs", "1", "--out", join(folder, "uplinks")];
    const program = startProgram("node", ["measure/lab/main.ts", ...args]);
    expect(await program.ended, program.output).toBe(0);
    const results = schema.parse(JSON.parse(readFileSync(join(folder, "uplinks", "latest.json"), "utf8")));
    expect(results.uplinks).toHaveLength(9);
    for (const cell of results.uplinks) expect(cell).toMatchObject({ flows: 2, flowed: 2, causes: {} });
    const withoutUdp = results.uplinks.filter(
      ({ change, peer }) => change === "to-no-udp" || peer === "udp-dropped",
    );
    for (const { paths } of withoutUdp) expect(paths).toEqual({ websocket: 2 });
    expect(namesOf(`orion-lab-${program.pid}-`)).toEqual([]);
  });

  test.skipIf(chromiumHere() === undefined)(
    "connects pages to each other, and to players in Node",
    {
      timeout: 240_000,
    },
    async () => {
      expect(
        await cellsOf(
          "browsers",
          "port-restricted,port-restricted",
          "same-lan,same-lan",
          "cgnat,udp-dropped",
        ),
      ).toMatchObject([
        { connected: 1, paths: { direct: 1 } },
        { connected: 1, paths: { lan: 1 } },
        { connected: 1, paths: { websocket: 1 } },
      ]);
      expect(await cellsOf("mixed", "none,full-cone", "none,udp-dropped")).toMatchObject([
        { connected: 1, paths: { direct: 1 } },
        { connected: 1, paths: { websocket: 1 } },
      ]);
    },
  );

  /** The cells of a run with these clients, all at the same time. */
  async function cellsOf(clients: string, ...pairs: string[]) {
    const cells = pairs.flatMap((pair) => ["--cells", pair]);
    const args = ["--clients", clients, ...cells, "--runs", "1", "--delay", "0", "--out", folder];
    const program = startProgram("node", ["measure/lab/main.ts", ...args]);
    expect(await program.ended, program.output).toBe(0);
    const results = schema.parse(JSON.parse(readFileSync(join(folder, `latest-${clients}.json`), "utf8")));
    expect(results.clients).toBe(clients);
    expect(readFileSync(join(folder, `latest-${clients}.svg`), "utf8")).toContain("<svg");
    return results.cells;
  }

  test("clients of noray are punched through cones, and relayed between symmetric NATs", {
    timeout: 150_000,
  }, async () => {
    const pairs = ["port-restricted,port-restricted", "symmetric,symmetric", "full-cone,cgnat"];
    expect(await cellsOf("noray", ...pairs)).toMatchObject([
      { a: "port-restricted", connected: 1, paths: { direct: 1 } },
      { a: "symmetric", connected: 1, paths: { relay: 1 } },
      { a: "full-cone", connected: 1, paths: { relay: 1 } },
    ]);
  });

  test("clients of Rabid Hole Punch meet where NATs keep ports, and say why elsewhere", {
    timeout: 150_000,
  }, async () => {
    expect(await cellsOf("rabid", "full-cone,port-restricted", "none,symmetric")).toMatchObject([
      { a: "full-cone", connected: 1, explained: 0, paths: { direct: 1 } },
      { a: "none", connected: 0, explained: 1, paths: { none: 1 } },
    ]);
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`ends by ${signal}: a sentence, exit code 1, and nothing left`, { timeout: 60_000 }, async () => {
      const args = ["--cells", "lossy,symmetric", "--out", join(folder, signal)];
      const program = startProgram("node", ["measure/lab/main.ts", ...args]);
      await program.prints(/1 trial/);
      expect(namesOf(`orion-lab-${program.pid}-`)).not.toEqual([]);
      process.kill(program.pid, signal);
      expect(await program.ended).toBe(1);
      expect(program.errors).toBe("The lab was stopped before its end: nothing was written.\n");
      expect(namesOf(`orion-lab-${program.pid}-`)).toEqual([]);
      expect(existsSync(join(folder, signal, "latest.json"))).toBe(false);
    });
  }
});
