import { build } from "esbuild";

/** The Worker as one module of JavaScript. `inject`: modules that run in it before its own code. */
export async function bundleWorker(entry: string, inject: readonly string[] = []): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    inject: [...inject],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    external: ["cloudflare:*"],
  });
  return outputFiles[0]?.text ?? "";
}
