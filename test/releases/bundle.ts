/**
 * Keeps a release for the tests of the versions after it: `node test/releases/bundle.ts <commit> <version>` writes its SDK, its sidecar and its
 * Worker into `test/releases/<version>/`, each as one minified file.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));
const [, , commit = "", version = ""] = process.argv;
if (!/^\w[\w.-]*$/.test(commit) || !/^\d+\.\d+\.\d+$/.test(version))
  throw new Error("Usage: node test/releases/bundle.ts <commit> <version>");

const sources = mkdtempSync(join(tmpdir(), "orion-edge-release-"));
const node = { format: "esm", platform: "node" } as const;
const files: Record<string, BuildOptions> = {
  client: { ...node, entryPoints: ["client/index.ts"], target: "node22" },
  sidecar: {
    ...node,
    entryPoints: ["udp-sidecar/main.ts"],
    target: "node20",
    banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
  },
  worker: { entryPoints: ["local/worker.ts"], format: "esm", target: "es2024", external: ["cloudflare:*"] },
};
try {
  const archive = execFileSync("git", ["archive", commit], { cwd: root, maxBuffer: 2 ** 28 });
  execFileSync("tar", ["-x", "-C", sources], { input: archive });
  symlinkSync(join(root, "node_modules"), join(sources, "node_modules"));
  for (const [name, options] of Object.entries(files)) {
    const outfile = join(root, "test/releases", version, `${name}.js`);
    await build({
      ...options,
      absWorkingDir: sources,
      outfile,
      bundle: true,
      minify: true,
      legalComments: "none",
    });
  }
} finally {
  rmSync(sources, { recursive: true, force: true });
}
