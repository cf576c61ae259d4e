/** The network test as a script for a bare page: it tests the network to the server that the page was told, and reports all it found. */
import { join } from "node:path";
import { build } from "esbuild";
import { root } from "./program.ts";

/** `server`: an expression of JavaScript for the server's URL. Posts a `NetworkTestReport` to `/report`. */
export async function networkTestScript(server: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        import { testNetwork } from "./network-test.ts";
        const order = [];
        const began = performance.now();
        const result = await testNetwork(${server}, ({ name }) => order.push(name));
        const body = JSON.stringify({ ...result, order, tookMs: performance.now() - began });
        await fetch("/report", { method: "POST", body });`,
      resolveDir: join(root, "page/network-test"),
      loader: "ts",
    },
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    logLevel: "silent",
    plugins: [
      {
        name: "the SDK that the server would serve",
        setup: ({ onResolve }) =>
          onResolve({ filter: /^\/sdk\.js$/ }, () => ({ path: join(root, "client/browser.ts") })),
      },
    ],
  });
  return outputFiles[0]?.text ?? "";
}

/** What the page reports. */
export type NetworkTestReport = {
  sentence: string;
  report: string;
  nat: string;
  checks: { name: string; outcome: string; ms: number | null; detail: string }[];
  /** The checks' names as they were done. */
  order: string[];
  tookMs: number;
};
