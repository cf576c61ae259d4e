/** The sidecar as one file, which needs Node.js and nothing else. Run with a path, it writes the file there. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/** prom-client is CommonJS, and calls require for what Node.js has. Node.js 20, which Debian 13 has, lacks the other two. */
const banner = `
import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
Promise.withResolvers ??= function () {
  let resolve, reject;
  const promise = new this((yes, no) => { resolve = yes; reject = no; });
  return { promise, resolve, reject };
};
URL.parse ??= (url, base) => URL.canParse(url, base) ? new URL(url, base) : null;
`;

/** The file's text. */
export async function sidecarFile(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(root, "udp-sidecar/main.ts")],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    banner: { js: banner },
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
