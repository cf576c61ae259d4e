/**
 * A player of the lab with the SDK in a page in Chromium, in a namespace of its own. Its argument is the server's URL. It hands the lines
 * of its input to the page one after another, and prints what the page tells.
 */
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { openLabPage } from "./lab-page.ts";
import { pagePaths } from "./page-paths.ts";

const url = process.argv[2] ?? "";
const lines = createInterface(process.stdin)[Symbol.asyncIterator]();

const page = await openLabPage(await pageScript(), async (request, response) => {
  switch (request.url) {
    case pagePaths.server:
      return response.end(url);
    case pagePaths.order: {
      const { value, done } = await lines.next();
      return done ? response.writeHead(204).end() : response.end(value);
    }
    case pagePaths.told:
      console.log(String(Buffer.concat(await request.toArray())));
      return response.end();
    default:
      return response.writeHead(404).end();
  }
});
await Promise.race([once(process.stdin, "close"), once(page.browser, "exit")]);
await page.close();
process.exit(1);

async function pageScript(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "page-player.ts")],
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    logLevel: "silent",
  });
  return outputFiles[0]?.text ?? "";
}
