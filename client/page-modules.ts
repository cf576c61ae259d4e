/**
 * The SDK as a page loads it: a module that finds the server and lists its lobbies, and a second one that it loads meanwhile, with lobbies and
 * links (docs/decisions/026). For the package, and for what a server gives at `/sdk.js`.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type OutputChunk, rolldown } from "rolldown";

export type PageModules = {
  /** By their paths: both modules, and their source maps. */
  files: Map<string, string>;
  /** The path of the second module: a page that preloads it has it sooner. */
  lobbies: string;
  /** The sources that were read, as absolute paths. */
  inputs: string[];
};

/** `names`: the paths of the two modules. In that of the second `[hash]` stands for what is in it. */
export async function bundleForPages(names: { sdk: string; lobbies: string }): Promise<PageModules> {
  const bundle = await rolldown({
    input: { sdk: fileURLToPath(new URL("browser.ts", import.meta.url)) },
    platform: "browser",
    transform: { target: "es2022" },
    // The second module imports from the first what both need.
    preserveEntrySignatures: "allow-extension",
  });
  try {
    const { output } = await bundle.generate({
      format: "esm",
      minify: true,
      comments: { legal: true, annotation: false, jsdoc: false },
      sourcemap: true,
      entryFileNames: names.sdk,
      chunkFileNames: names.lobbies,
    });
    const chunks = output.filter((one): one is OutputChunk => one.type === "chunk");
    const ids = chunks.flatMap(({ moduleIds }) => moduleIds);
    const lobbies = chunks.find(({ isEntry }) => !isEntry)?.fileName;
    if (chunks.length !== 2 || lobbies === undefined) throw new Error("The SDK for pages has two modules.");
    return {
      files: new Map(
        output.map((one) => [one.fileName, one.type === "chunk" ? one.code : String(one.source)]),
      ),
      lobbies,
      // Those that the bundler adds are no files.
      inputs: [fileURLToPath(import.meta.url), ...ids.filter((id) => existsSync(id))],
    };
  } finally {
    await bundle.close();
  }
}
