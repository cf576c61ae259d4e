/** `npm run build`, and before `npm pack`: puts the SDK into `dist/`, as two modules and their types. */
import { execFileSync } from "node:child_process";
import { copyFileSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = resolve(here, "..");
const dist = join(here, "dist");

rmSync(dist, { recursive: true, force: true });
await build({ ...modules("index.ts"), platform: "node", target: "node22" });
await build({ ...modules("browser.ts"), platform: "browser", target: "es2022", minify: true });
execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", here], {
  stdio: "inherit",
});
prune();
copyFileSync(join(root, "LICENSE"), join(dist, "LICENSE"));
// It is in both modules.
copyFileSync(join(root, "node_modules/zod/LICENSE"), join(dist, "LICENSE.zod"));

function modules(entry: string) {
  const entryPoints = [join(here, entry)];
  return { entryPoints, outdir: dist, bundle: true, format: "esm", legalComments: "eof" } as const;
}

/** Leaves the types that can be reached from outside. */
function prune(): void {
  const types = join(dist, "types");
  const reached = new Set<string>();
  const waiting = ["index.d.ts", "browser.d.ts"].map((name) => join(types, "client", name));
  for (let file = waiting.pop(); file; file = waiting.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    for (const [, path = ""] of readFileSync(file, "utf8").matchAll(/(?:from|import) "(\..*)\.ts"/g)) {
      waiting.push(join(dirname(file), `${path}.d.ts`));
    }
  }
  for (const entry of readdirSync(types, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && !reached.has(file)) rmSync(file);
  }
}
