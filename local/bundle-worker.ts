import { build } from "esbuild";

/** The Worker as one module of JavaScript. `inject`: modules that run in it before its own code. `minify`: for a package. */
export async function bundleWorker(
  entry: string,
  inject: readonly string[] = [],
  minify = false,
): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    inject: [...inject],
    minify,
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    external: ["cloudflare:*"],
  });
  return outputFiles[0]?.text ?? "";
}
