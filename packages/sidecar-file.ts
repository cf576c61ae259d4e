/** The sidecar as one file, which needs Node.js and nothing else: in its package, on a VM, in an image. Run with a path, it writes the file there. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.ts";

/** `inputs`: the files that it is made of. */
export async function sidecarFile(): Promise<{ text: string; inputs: string[] }> {
  const { files, inputs } = await bundle({
    entryPoints: [fileURLToPath(new URL("sidecar/main.ts", import.meta.url))],
    target: "node20.19",
    write: false,
  });
  const [file] = files;
  if (!file) throw new Error("esbuild has made nothing.");
  return { text: file.text, inputs };
}

if (import.meta.main) {
  const [, , path] = process.argv;
  if (path === undefined)
    throw new Error("Where to? Add a path, like /opt/orion-edge-sidecar/orion-edge-sidecar.mjs.");
  mkdirSync(dirname(resolve(path)), { recursive: true });
  writeFileSync(path, (await sidecarFile()).text);
}
