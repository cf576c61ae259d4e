/** The sidecar as one file, which needs Node.js and nothing else: in its package, on a VM, in an image. Run with a path, it writes the file there. */
import { writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { makeFolder } from "../local/make-folder.ts";
import { runOneOff } from "../local/one-off.ts";
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

const help = `Writes the sidecar as one file, which needs Node.js and nothing else.

Usage: node packages/sidecar-file.ts <path>

  <path>  Like /opt/orion-edge-sidecar/orion-edge-sidecar.mjs. Folders that are missing are created
  --help  This text
`;

if (import.meta.main) {
  const options = { help: { type: "boolean" } } as const;
  await runOneOff({ help, options, mostWords: 1 }, async ({ words: [path] }) => {
    if (path === undefined) throw new Error("Where to? Add a path.");
    makeFolder(dirname(resolve(path)));
    writeFileSync(path, (await sidecarFile()).text);
  });
}
