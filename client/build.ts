/** `npm run build`, and before `npm pack`: puts the SDK into `dist/`: a module for Node, two for pages, and their types. */
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { declareIn } from "./declarations.ts";
import { bundleForPages } from "./page-modules.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = resolve(here, "..");
const dist = join(here, "dist");

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
await build({
  entryPoints: [join(here, "index.ts")],
  outdir: dist,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node22",
  legalComments: "eof",
});
const { files } = await bundleForPages({ sdk: "browser.js", lobbies: "browser-lobbies.js" });
for (const [name, contents] of files) writeFileSync(join(dist, name), contents);
declareIn(join(dist, "types"), ["index", "browser"]);
copyFileSync(join(root, "LICENSE"), join(dist, "LICENSE"));
// It is in the modules for pages.
copyFileSync(join(root, "node_modules/@noble/ciphers/LICENSE"), join(dist, "LICENSE.noble"));
