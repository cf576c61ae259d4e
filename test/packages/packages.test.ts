/** The packages as people get them: from the tarball, in an empty folder, on each Node.js of this machine that they are for. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { freeTcpPort, freeUdpPort } from "../../measure/kit/free-ports.ts";
import { root, startProgram } from "../../measure/kit/program.ts";
import { keyTextOf, secret } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { buildPackage, type PackageName } from "../../packages/build.ts";
import { isBefore, nodesHere } from "./node-versions.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 600_000 });

const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

const nodes = nodesHere();

/** Packs and installs a package in a new folder. `overrides`: what npm is to install in the place of a dependency. */
async function installed(name: PackageName, overrides: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "orion-edge-test-"));
  const tarball = await buildPackage(name, folder);
  const files = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" }).trim().split("\n");
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "a-game", private: true, overrides }));
  const env = { ...process.env, npm_config_loglevel: "error" };
  execFileSync("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball], {
    cwd: folder,
    env,
    stdio: "pipe",
  });
  const own = join(folder, "node_modules", name);
  const manifest = JSON.parse(readFileSync(join(own, "package.json"), "utf8"));
  const [bin = ""] = Object.values<string>(manifest.bin);
  return {
    folder,
    manifest,
    program: join(own, bin),
    /** What is in it, without what a bundler puts into names. */
    files: files.map((file) => file.replace("package/", "").replace(/-[\w-]{8}(?=\.(js|css))/, "-*")).sort(),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The dependency of what has the server. It has a hundred megabytes, and is the project's own already. */
const ownMiniflare = { miniflare: `file:${join(root, "node_modules/miniflare")}` };

type Installed = Awaited<ReturnType<typeof installed>>;

/** What a registry shows, and what npm does with it. */
function expectManifest({ manifest }: Installed, name: PackageName): void {
  expect(manifest).toMatchObject({ name, version, type: "module", license: "MIT" });
  expect(manifest.exports).toEqual({ "./package.json": "./package.json" });
  expect(manifest.repository.directory).toMatch(/^packages\//);
  for (const field of ["description", "keywords", "homepage", "bugs", "engines", "bin", "files"])
    expect(manifest[field], field).toBeDefined();
  expect(manifest).not.toHaveProperty("scripts");
}

/** What npm installs with it is the runtime, of the version that is tested here. */
function expectMiniflareAlone({ manifest }: Installed): void {
  const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(manifest.dependencies).toEqual({ miniflare: devDependencies.miniflare });
}

describe("orion-edge-sidecar", () => {
  let sidecar: Installed;
  beforeAll(async () => {
    sidecar = await installed("orion-edge-sidecar");
    return sidecar.remove;
  });

  test("is one file of less than 1 MB, needs no other package, and has nothing else in it", () => {
    expectManifest(sidecar, "orion-edge-sidecar");
    expect(sidecar.files).toEqual([
      "LICENSE",
      "LICENSES.txt",
      "README.md",
      "orion-edge-sidecar.mjs",
      "package.json",
    ]);
    expect(sidecar.manifest).not.toHaveProperty("dependencies");
    expect(statSync(sidecar.program).size).toBeLessThan(1_000_000);
  });

  const able = nodes.filter(({ number }) => !isBefore(number, "20.19"));
  test.each(able)(
    "on Node.js $number, the Worker accepts it, players are seen, and it holds less than 80 MB",
    async ({ path }) => {
      const server = await startTestServer({ udpPort: null, secret });
      onTestFinished(() => server.stop());
      const args = [`--edge=${server.url.origin}`, "--udpPort=0", "--secondUdpPort=0", "--metricsPort=0"];
      const environment = { ORION_SIDECAR_KEY: keyTextOf("fra-1", { under: secret }) };
      const program = startProgram(path, [sidecar.program, ...args], environment);
      onTestFinished(() => program.stop());
      await program.prints(/"event":"sidecar_accepted"/);
      const [, metricsPort] = /"metricsPort":(\d+)/.exec(program.output) ?? [];
      const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
      expect(metrics).toContain("orion_datagrams_total");
      if (existsSync("/proc/self/status")) {
        const status = readFileSync(`/proc/${program.pid}/status`, "utf8");
        const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(status) ?? [];
        expect(Number(kilobytes)).toBeLessThan(80_000);
      }
      await program.stop();
      expect(await program.ended).toBe(0);
    },
  );

  test.each(able.filter(({ number }) => isBefore(number, "22.0")))(
    "on Node.js $number it says in one sentence what clients of noray and Rabid need",
    async ({ path }) => {
      const environment = {
        ORION_SIDECAR_KEY: keyTextOf("fra-1", { under: secret }),
        ORION_NORAY_PORT: "",
        ORION_RABID_PORT: "",
      };
      const program = startProgram(path, [sidecar.program, "--edge=http://127.0.0.1:9"], environment);
      expect(await program.ended).toBe(1);
      expect(program.output.trim().split("\n")).toHaveLength(1);
      expect(program.output).toMatch(/Node\.js 22.*ORION_NORAY_PORT=off/);
    },
  );

  test("it names its own command, not one of a clone", () => {
    const { stdout } = spawnSync(process.execPath, [sidecar.program, "--help"], { encoding: "utf8" });
    expect(stdout).toContain("Usage: npx orion-edge-sidecar --edge");
  });
});

describe("orion-edge", () => {
  let server: Installed;
  beforeAll(async () => {
    server = await installed("orion-edge", ownMiniflare);
    return server.remove;
  });

  test("has the server, the page and the SDK, and nothing else", () => {
    expectManifest(server, "orion-edge");
    expectMiniflareAlone(server);
    const page = (name: string) => `dist/page/${name}`;
    const assets = server.files.filter((file) => file.startsWith(page("assets/")));
    expect(assets.length).toBeGreaterThan(2);
    expect(assets.filter((file) => !/-\*\.(js|css)(\.map)?$/.test(file))).toEqual([]);
    const chunks = ["chunk", "demo", "edge-metrics", "metrics", "parts", "server", "start"].map(
      (name) => `dist/${name}-*.js`,
    );
    expect([...new Set(server.files)].filter((file) => !assets.includes(file))).toEqual(
      [
        ...["LICENSE", "LICENSES.txt", "README.md", "package.json"],
        ...["dist/orion-edge.js", "dist/worker.js", "dist/workerd.sh", ...chunks],
        ...[
          "_headers",
          "error.html",
          "favicon.ico",
          "favicon.svg",
          "index.html",
          "operator.html",
          "robots.txt",
        ].map(page),
        ...["sdk.d.ts", "sdk.js", "sdk.js.map"].map(page),
      ].sort(),
    );
  });

  const able = nodes.filter(({ number }) => !isBefore(number, "22.13"));
  test.each(able)(
    "on Node.js $number, npx runs it: the page, the SDK, players who meet, and an end",
    async ({ path }) => {
      const port = await freeTcpPort();
      const flags = [
        `--httpPort=${port}`,
        `--udpPort=${await freeUdpPort()}`,
        "--secondUdpPort=0",
        "--host=127.0.0.1",
      ];
      const environment = { PATH: `${dirname(path)}${delimiter}${process.env.PATH}` };
      const program = startProgram(
        "sh",
        ["-c", 'cd "$0" && exec npx orion-edge "$@"', server.folder, ...flags],
        environment,
      );
      onTestFinished(() => program.stop());
      await program.prints(/npx orion-edge demo.*\n.*Ctrl-C stops the server/);
      const base = `http://127.0.0.1:${port}`;
      const health = await (await fetch(`${base}/healthz`)).json();
      expect(health).toEqual({ status: "ready", version, sidecars: 1 });
      for (const [file, holds] of [
        ["", "<!doctype html>"],
        ["sdk.js", "connect"],
        ["sdk.d.ts", "namespace"],
      ] as const)
        expect((await (await fetch(`${base}/${file}`)).text()).includes(holds), file).toBe(true);
      const demo = startProgram(path, [server.program, "demo", base]);
      expect([await demo.ended, demo.errors]).toEqual([0, ""]);
      expect(demo.output).toContain("The game goes on.");
      await program.stop();
      await expect(fetch(`${base}/ping`)).rejects.toThrow();
    },
  );

  test.each(nodes.filter(({ number }) => isBefore(number, "22.13")))(
    "on Node.js $number it says in one sentence which one it needs",
    async ({ path }) => {
      const program = startProgram(path, [server.program]);
      expect(await program.ended).toBe(1);
      expect(program.output).toMatch(/^Orion Edge needs Node\.js 22\.13 or newer\. .*\n$/);
    },
  );
});

const noPython = spawnSync("python3", ["-c", "import sys; assert sys.version_info >= (3, 9)"]).status !== 0;

describe("orion-edge-conformance", () => {
  let kit: Installed;
  beforeAll(async () => {
    kit = await installed("orion-edge-conformance", ownMiniflare);
    return kit.remove;
  });
  const able = nodes.filter(({ number }) => !isBefore(number, "22.13"));
  /** As npx starts it in the folder, on this Node.js. */
  const startKit = (node: string, ...args: string[]) =>
    startProgram("sh", ["-c", 'cd "$0" && exec npx orion-edge-conformance "$@"', kit.folder, ...args], {
      PATH: `${dirname(node)}${delimiter}${process.env.PATH}`,
    });

  test("has the kit, a server without a page, and the vectors, and nothing else", () => {
    expectManifest(kit, "orion-edge-conformance");
    expectMiniflareAlone(kit);
    const chunks = ["chunk", "edge-metrics", "main", "metrics"].map((name) => `dist/${name}-*.js`);
    const vectors = readdirSync(join(root, "conformance/vectors")).map((name) => `vectors/${name}`);
    expect([...new Set(kit.files)]).toEqual(
      [
        ...["LICENSE", "LICENSES.txt", "README.md", "package.json"],
        ...["dist/orion-edge-conformance.js", "dist/worker.js", ...chunks, ...vectors],
      ].sort(),
    );
  });

  test.skipIf(noPython).each(able)(
    "on Node.js $number, npx judges the player in Python: it keeps the rules",
    async ({ path }) => {
      const command = `python3 -B -u ${join(root, "examples/python/player.py")}`;
      const wanted = ["--command", command, "--run", "joining", "--patience", "60"];
      const program = startKit(path, ...wanted);
      const code = await program.ended;
      expect({ code, output: program.output }).toMatchObject({ code: 0 });
      expect(program.output).toContain("1 of 1 runs passed");
    },
  );

  test("npx waits for a client that somebody starts, and names the rules that it breaks", async () => {
    const program = startKit(
      process.execPath,
      "--listen",
      "--run",
      "joining",
      "--port",
      "0",
      "--patience",
      "1",
    );
    onTestFinished(() => program.stop());
    const asked = /start your client now, as <your client> (\S+) orion join "(.+)"/;
    // Longer than for a program of the clone: npx comes first.
    await expect.poll(() => program.output, { timeout: 150_000 }).toMatch(asked);
    const [, url = ""] = asked.exec(program.output) ?? [];
    // It connects, and then does nothing.
    const client = new WebSocket(new URL("/lobbies", url.replace("http:", "ws:")));
    onTestFinished(() => client.close());
    expect(await program.ended).toBe(1);
    expect(program.output).toMatch(/joining: \d+ rules? broken/);
    expect(program.output).toMatch(/docs\/\w+\.md#/);
  });

  test("it names its own command, not one of a clone", () => {
    const { stdout } = spawnSync(process.execPath, [kit.program, "--help"], { encoding: "utf8" });
    expect(stdout).toContain("Usage: npx orion-edge-conformance --command");
  });

  test.each(nodes.filter(({ number }) => isBefore(number, "22.13")))(
    "on Node.js $number it says in one sentence which one it needs",
    async ({ path }) => {
      const program = startProgram(path, [kit.program, "--listen"]);
      expect(await program.ended).toBe(2);
      expect(program.output).toMatch(/^The conformance kit needs Node\.js 22\.13 or newer\. .*\n$/);
    },
  );
});
