/** The packages as people get them: from the tarball, in an empty folder, on each Node.js of this machine that they are for. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { freeTcpPort, freeUdpPort } from "../../measure/kit/free-ports.ts";
import { root, startProgram } from "../../measure/kit/program.ts";
import { keyTextOf, secret } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { buildPackage, type PackageName } from "../../packages/build.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 600_000 });

const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** The project's Node.js, and the system's, if it is another one, each by its version. */
const nodes = (() => {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((path) => !path.includes("node_modules"));
  const paths = [process.execPath, ...folders.map((folder) => join(folder, "node")).filter(existsSync)];
  const versionOf = (node: string) =>
    spawnSync(node, ["-p", "process.versions.node"], { encoding: "utf8" }).stdout?.trim();
  return [...new Map(paths.map((node) => [versionOf(node), node]))].map(([number, path]) => ({
    number,
    path,
  }));
})();
const isBefore = (number: string, least: string) => {
  const [a = [], b = []] = [number, least].map((text) => text.split(".").map(Number));
  return (a[0] ?? 0) !== (b[0] ?? 0) ? (a[0] ?? 0) < (b[0] ?? 0) : (a[1] ?? 0) < (b[1] ?? 0);
};

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

  const able = nodes.filter(({ number = "" }) => !isBefore(number, "20.19"));
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

  test.each(able.filter(({ number = "" }) => isBefore(number, "22.0")))(
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
    // Its one dependency has a hundred megabytes, and is the project's own already.
    server = await installed("orion-edge", { miniflare: `file:${join(root, "node_modules/miniflare")}` });
    return server.remove;
  });

  test("has the server, the page and the SDK, and nothing else", () => {
    expectManifest(server, "orion-edge");
    const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    expect(server.manifest.dependencies).toEqual({ miniflare: devDependencies.miniflare });
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

  const able = nodes.filter(({ number = "" }) => !isBefore(number, "22.13"));
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

  test.each(nodes.filter(({ number = "" }) => isBefore(number, "22.13")))(
    "on Node.js $number it says in one sentence which one it needs",
    async ({ path }) => {
      const program = startProgram(path, [server.program]);
      expect(await program.ended).toBe(1);
      expect(program.output).toMatch(/^Orion Edge needs Node\.js 22\.13 or newer\. .*\n$/);
    },
  );
});
