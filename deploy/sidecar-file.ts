/** The sidecar as one file, which needs Node.js and nothing else. Run with a path, it writes the file there. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The file's text. */
export async function sidecarFile(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(root, "udp-sidecar/main.ts")],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    // prom-client is CommonJS: it calls require for what Node.js has.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    legalComments: "eof",
    write: false,
  });
  const [file] = outputFiles;
  if (!file) throw new Error("esbuild wrote nothing.");
  return file.text;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , path] = process.argv;
  if (path === undefined)
    throw new Error("Where to? Add a path, like /opt/orion-edge-sidecar/orion-edge-sidecar.mjs.");
  mkdirSync(dirname(resolve(path)), { recursive: true });
  writeFileSync(path, await sidecarFile());
}
