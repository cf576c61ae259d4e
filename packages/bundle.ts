/** Sources of this project as programs that need no clone of it. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type OutputFile } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Files of the sources for which another one stands in a package, from the root of the project. */
const standIns: Record<string, string> = {
  "conformance/kit-command.ts": "packages/conformance/kit-command.ts",
  "local/commands.ts": "packages/server/commands.ts",
  "local/parts.ts": "packages/parts.ts",
  "udp-sidecar/command.ts": "packages/sidecar/command.ts",
};

/** A module for Node.js. `files`: what esbuild has made, unless it wrote them. `inputs`: paths of what they are made of. */
export async function bundle(options: BuildOptions): Promise<{ files: OutputFile[]; inputs: string[] }> {
  const { metafile, outputFiles = [] } = await build({
    ...options,
    absWorkingDir: root,
    bundle: true,
    format: "esm",
    platform: "node",
    minify: true,
    metafile: true,
    legalComments: "none",
    // prom-client is CommonJS, and requires modules of Node.js.
    banner: {
      js: '#!/usr/bin/env node\nimport{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);',
    },
    plugins: [
      {
        name: "stand-ins",
        setup: ({ onLoad }) => {
          onLoad({ filter: /\.ts$/ }, ({ path }) => {
            const standIn = standIns[path.slice(root.length)];
            if (standIn === undefined) return null;
            const file = join(root, standIn);
            return { contents: readFileSync(file, "utf8"), loader: "ts", resolveDir: dirname(file) };
          });
        },
      },
    ],
  });
  return { files: outputFiles, inputs: Object.keys(metafile?.inputs ?? {}) };
}
