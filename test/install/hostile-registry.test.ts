/**
 * `npm ci` against a registry that serves a thief's packages. They have the right names and versions, and a script and a
 * `node` that leave a mark where they run.
 */
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { root } from "../../measure/kit/program.ts";

let folder: string;
let project: string;
let mark: string;
const tarballs = new Map<string, Buffer>();
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "orion-edge-test-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  project = mkdtempSync(join(folder, "project-"));
  mark = join(project, "mark");
  tarballs.clear();
  const ours = [
    ".npmrc",
    "package.json",
    "package-lock.json",
    "local/node/package.json",
    "local/node/node.sh",
  ];
  for (const name of ours) cpSync(join(root, name), join(project, name));
});

/** The thief's package of that name and version, as the bytes of a tarball. */
function hostileTarball(name: string, version: string): Buffer {
  const made = tarballs.get(name);
  if (made !== undefined) return made;
  const place = mkdtempSync(join(folder, "tarball-"));
  const content = join(place, "package");
  mkdirSync(join(content, "bin"), { recursive: true });
  const leaveMark = `echo ${name} >> "${mark}"`;
  const scripts = { preinstall: leaveMark, install: leaveMark, postinstall: leaveMark };
  const bin = { [name.startsWith("node-") ? "node" : name]: "bin/run" };
  writeFileSync(join(content, "package.json"), JSON.stringify({ name, version, scripts, bin }));
  writeFileSync(join(content, "bin/run"), `#!/bin/sh\n${leaveMark}\n`);
  chmodSync(join(content, "bin/run"), 0o755);
  const bytes = execFileSync("tar", ["-cz", "-C", place, "package"]);
  tarballs.set(name, bytes);
  return bytes;
}

const hashOf = (bytes: Buffer) => `sha512-${createHash("sha512").update(bytes).digest("base64")}`;

/** `asked` and `fetched`: the packages of which it was asked what there is, and those whose tarball it has served. */
type Registry = { url: string; asked: string[]; fetched: string[]; close(): void };

/** Serves a hostile package under each name, and says what of. */
async function hostileRegistry(versionOf: (name: string) => string, saysHash: boolean): Promise<Registry> {
  const asked: string[] = [];
  const fetched: string[] = [];
  const server = createServer(({ url = "" }, response) => {
    const [, escaped = "", isTarball] = /^\/([^/]+?)(\/-\/.*)?$/.exec(url) ?? [];
    const name = decodeURIComponent(escaped);
    const version = versionOf(name);
    const bytes = hostileTarball(name, version);
    if (isTarball !== undefined) {
      fetched.push(name);
      response.end(bytes);
      return;
    }
    asked.push(name);
    const tarball = `${registry.url}${escaped}/-/x.tgz`;
    const dist = saysHash ? { tarball, integrity: hashOf(bytes) } : { tarball };
    const bin = { [name]: "bin/run" };
    response.setHeader("content-type", "application/json").end(
      JSON.stringify({
        name,
        "dist-tags": { latest: version },
        versions: { [version]: { name, version, bin, hasInstallScript: true, dist } },
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const registry = { url: `http://127.0.0.1:${port}/`, asked, fetched, close: () => server.close() };
  return registry;
}

/** Runs npm there, with no settings but those of the project. */
function npm(registry: Registry, ...args: string[]): Promise<{ code: number; output: string }> {
  const bare = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name));
  const env = {
    ...Object.fromEntries(bare),
    npm_config_registry: registry.url,
    npm_config_cache: join(project, "cache"),
    npm_config_userconfig: join(project, "none"),
    npm_config_globalconfig: join(project, "none-either"),
    npm_config_fetch_retries: "0",
  };
  return new Promise((resolve) => {
    const child = execFile("npm", args, { cwd: project, env }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
    );
    child.stdin?.end();
  });
}

/** The package with the Node.js for this machine, and whether there is one. */
const own = `node-${process.platform}-${process.arch}`;
const isLocked = existsSync(join(root, "local/node/node_modules", own));

type Lock = { packages: Record<string, Record<string, unknown>> };
const readJson = (name: string) => JSON.parse(readFileSync(join(project, name), "utf8"));
const writeJson = (name: string, value: unknown) => writeFileSync(join(project, name), JSON.stringify(value));
const lockedVersion = (name: string) => {
  const { packages }: Lock = readJson("package-lock.json");
  const [, locked] = Object.entries(packages).find(([path]) => path.endsWith(`node_modules/${name}`)) ?? [];
  return String(locked?.version ?? "1.0.0");
};

/** Leaves of the project's dependencies only one, as it is locked. */
function keepOnly(kind: "dependencies" | "optionalDependencies", only: string): void {
  const { name, version, [kind]: all } = readJson("package.json");
  const kept = { name, version, [kind]: { [only]: all[only] } };
  const lock: Lock = readJson("package-lock.json");
  const isKept = (path: string) => path === `node_modules/${only}` || path.startsWith(`local/${only}`);
  const locked = Object.fromEntries(Object.entries(lock.packages).filter(([path]) => isKept(path)));
  writeJson("package.json", kept);
  writeJson("package-lock.json", { ...lock, packages: { "": kept, ...locked } });
}

for (const [says, saysHash] of [
  ["and says their hashes", true],
  ["and says no hashes", false],
] as const) {
  test(`a registry that serves other packages ${says} makes npm ci fail, and nothing of it runs`, async () => {
    const registry = await hostileRegistry(lockedVersion, saysHash);
    const { code, output } = await npm(registry, "ci", "--omit=dev");
    registry.close();
    expect(output).toContain("EINTEGRITY");
    expect(code).not.toBe(0);
    expect(existsSync(mark)).toBe(false);
    expect(existsSync(join(project, "node_modules/.bin"))).toBe(false);
  });

  test.skipIf(!isLocked)(
    `a Node.js that is not the locked one is left out if the registry serves it ${says}`,
    async () => {
      keepOnly("optionalDependencies", "node");
      const registry = await hostileRegistry(lockedVersion, saysHash);
      const { code } = await npm(registry, "ci");
      registry.close();
      expect({ code, asked: new Set(registry.asked) }).toEqual({ code: 0, asked: new Set([own]) });
      expect(existsSync(join(project, "local/node/node_modules", own))).toBe(false);
      // The scripts do not go on with any other Node.js.
      const { status, stderr } = spawnSync(join(project, "node_modules/.bin/node"), ["--version"], {
        encoding: "utf8",
      });
      expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining("npm ci") });
      expect(existsSync(mark)).toBe(false);
    },
  );
}

test("no script of a package runs, even of one that the lock file has the hash of", async () => {
  keepOnly("dependencies", "zod");
  const lock: Lock = readJson("package-lock.json");
  const integrity = hashOf(hostileTarball("zod", lockedVersion("zod")));
  const zod = { ...lock.packages["node_modules/zod"], integrity, hasInstallScript: true };
  writeJson("package-lock.json", { ...lock, packages: { ...lock.packages, "node_modules/zod": zod } });
  const registry = await hostileRegistry(lockedVersion, true);
  const { code, output } = await npm(registry, "ci");
  registry.close();
  expect({ code, output }).toMatchObject({ code: 0 });
  expect(existsSync(join(project, "node_modules/zod/bin/run"))).toBe(true);
  expect(existsSync(mark)).toBe(false);
});

test("npx of a program that is not installed fetches nothing", async () => {
  const registry = await hostileRegistry(lockedVersion, true);
  const { code } = await npm(registry, "exec", "wrangler", "deploy");
  registry.close();
  expect(code).not.toBe(0);
  expect(new Set(registry.asked)).toEqual(new Set(["wrangler"]));
  expect(registry.fetched).toEqual([]);
  expect(existsSync(mark)).toBe(false);
});
