/**
 * `npm run packages`: what is published, each as a folder in `packages/dist/` and as the tarball that npm makes of it. The version of all is
 * that of the project's package.json. `client/build.ts` builds the SDK, which is packed from its own folder.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleWorker } from "../local/bundle-worker.ts";
import { makeFolder } from "../local/make-folder.ts";
import { runOneOff } from "../local/one-off.ts";
import { buildPage, buildSdkTypes, pageFolder } from "../page/build.ts";
import { bundle } from "./bundle.ts";
import { licencesOf } from "./licences.ts";
import { sidecarFile } from "./sidecar-file.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const here = join(root, "packages");
const builders = {
  "orion-edge": buildServer,
  "orion-edge-sidecar": buildSidecar,
  "orion-edge-conformance": buildConformance,
};
/** A package that is built here. */
export type PackageName = keyof typeof builders;

/** Builds a package into a folder of its name inside `folder`, and packs it. Returns the path of the tarball, which is in `folder`. */
export async function buildPackage(name: PackageName, folder: string): Promise<string> {
  const own = join(folder, name);
  rmSync(own, { recursive: true, force: true });
  mkdirSync(own, { recursive: true });
  copyFileSync(join(root, "LICENSE"), join(own, "LICENSE"));
  await builders[name](own);
  return pack(own, folder);
}

/** The server: all of it runs on one machine. What it builds in a clone is built here. */
async function buildServer(folder: string): Promise<void> {
  const dist = join(folder, "dist");
  describePackage("server", folder, needsMiniflare());
  await buildPage();
  await buildSdkTypes();
  cpSync(pageFolder, join(dist, "page"), { recursive: true });
  await addWorker(dist);
  copyFileSync(join(root, "local/workerd.sh"), join(dist, "workerd.sh"));
  chmodSync(join(dist, "workerd.sh"), 0o755);
  const { inputs } = await bundle({
    entryPoints: { "orion-edge": join(here, "server/main.ts") },
    outdir: dist,
    target: "node22.13",
    external: ["miniflare"],
    // What a mistake on the command line does not need is not loaded.
    splitting: true,
  });
  writeFileSync(join(folder, "LICENSES.txt"), licencesOf(inputs, inTheWorker));
}

/** The conformance kit, with a server that has no page, and the vectors. */
async function buildConformance(folder: string): Promise<void> {
  const dist = join(folder, "dist");
  describePackage("conformance", folder, needsMiniflare());
  cpSync(join(root, "conformance/vectors"), join(folder, "vectors"), { recursive: true });
  mkdirSync(dist);
  await addWorker(dist);
  const { inputs } = await bundle({
    entryPoints: { "orion-edge-conformance": join(here, "conformance/main.ts") },
    outdir: dist,
    target: "node22.13",
    external: ["miniflare"],
    splitting: true,
  });
  writeFileSync(join(folder, "LICENSES.txt"), licencesOf(inputs, inTheWorker));
}

/** What the Worker's code has in it of other packages. */
const inTheWorker = ["itty-router", "@noble/ciphers", "@noble/curves", "@noble/hashes", "uqr"];

/** The Worker's code, beside the program that runs it. */
async function addWorker(dist: string): Promise<void> {
  writeFileSync(join(dist, "worker.js"), await bundleWorker(join(root, "local/worker.ts"), [], true));
}

/** The one package that a package with a server installs: it has the runtime, which is a program of its own. */
function needsMiniflare(): { dependencies: Record<string, string> } {
  const { miniflare = "" } = readJson("package.json").devDependencies as Record<string, string>;
  return { dependencies: { miniflare } };
}

/** The sidecar: one file. */
async function buildSidecar(folder: string): Promise<void> {
  describePackage("sidecar", folder);
  const { text, inputs } = await sidecarFile();
  writeFileSync(join(folder, "orion-edge-sidecar.mjs"), text);
  writeFileSync(join(folder, "LICENSES.txt"), licencesOf(inputs));
}

/** The package's page, and its manifest with what is the same in all of them. */
function describePackage(source: string, folder: string, more: object = {}): void {
  copyFileSync(join(here, source, "README.md"), join(folder, "README.md"));
  const { version, license } = readJson("package.json");
  const { homepage, bugs, repository, publishConfig } = readJson("client/package.json");
  const own = readJson(`packages/${source}/package.json`);
  const shared = { homepage, bugs, repository: { ...Object(repository), directory: `packages/${source}` } };
  const { name, description, keywords, ...rest } = own;
  const manifest = {
    name,
    version,
    description,
    keywords,
    ...shared,
    license,
    ...rest,
    ...more,
    publishConfig,
  };
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}

function readJson(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(root, path), "utf8"));
}

/** Packs a package's folder into another one. Returns the tarball's path. */
function pack(folder: string, to: string): string {
  // The npm that runs this passes on that the project's packages may run no scripts. The client has one of its own.
  const env = { ...process.env, npm_config_loglevel: "error", npm_config_ignore_scripts: "false" };
  const args = ["pack", "--json", "--pack-destination", to];
  const said = execFileSync("npm", args, {
    cwd: folder,
    encoding: "utf8",
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  // The client's own script may have said something before.
  const [packed] = JSON.parse(said.slice(said.indexOf("[\n")));
  return join(to, packed.filename);
}

const help = `Builds what is published, each as a folder and as a tarball in packages/dist/.

Usage: npm run packages

  --help  This text
`;

if (import.meta.main) {
  await runOneOff({ help, options: { help: { type: "boolean" } } }, async () => {
    if (spawnSync("npm", ["--version"]).error) throw new Error("npm is missing: it makes the tarballs.");
    const folder = join(here, "dist");
    rmSync(folder, { recursive: true, force: true });
    makeFolder(folder);
    for (const name of Object.keys(builders) as PackageName[]) console.log(await buildPackage(name, folder));
    console.log(pack(join(root, "client"), folder));
  });
}
