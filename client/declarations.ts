/** The types of the SDK, as tsc declares them: a tree of files for the package, and one file for pages that load `/sdk.js` from a server. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const tsc = resolve(here, "../node_modules/typescript/bin/tsc");
/** What a declaration names another file by: `from "./x.ts"`, `import("./x.ts")`. */
const reference = /(?:from |import(?: |\())"(\..*?)\.ts"/g;

/** Puts the types that can be reached from these modules of this folder into a folder, and nothing else. */
export function declareIn(folder: string, modules: readonly string[]): void {
  execFileSync(process.execPath, [tsc, "-p", here, "--outDir", folder], { stdio: "inherit" });
  const reached = reachedFrom(modules.map((name) => join(folder, "client", `${name}.d.ts`)));
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && !reached.has(file)) rmSync(file);
  }
}

/**
 * The types of one module, and of all that it imports types from, as one file; and the sources, from the root of the project. Throws if tsc
 * does, or if some are of a package.
 */
export function declaredInOneFile(module: string): { text: string; inputs: string[] } {
  const folder = mkdtempSync(join(tmpdir(), "orion-edge-types-"));
  try {
    declareIn(folder, [module]);
    const files = reachedFrom([join(folder, "client", `${module}.d.ts`)]);
    const inputs = [...files.keys()].map((file) => relative(folder, file).replace(/\.d\.ts$/, ".ts"));
    return { text: flattened(files), inputs };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Each file with its text, the entries first. */
function reachedFrom(entries: readonly string[]): Map<string, string> {
  const reached = new Map<string, string>();
  const waiting = [...entries];
  for (let file = waiting.shift(); file; file = waiting.shift()) {
    if (reached.has(file)) continue;
    const text = readFileSync(file, "utf8");
    reached.set(file, text);
    for (const [, path = ""] of text.matchAll(reference)) waiting.push(join(dirname(file), `${path}.d.ts`));
  }
  return reached;
}

/** Every file but the first becomes a namespace, and every import an alias of something in one. */
function flattened(files: ReadonlyMap<string, string>): string {
  const [entry] = files.keys();
  const names = new Map([...files.keys()].map((file, i) => [file, `m${i}`]));
  const libraries = new Set<string>();
  const parts: string[] = [];
  for (const [file, text] of files) {
    const nameOf = (path: string) => names.get(join(dirname(file), `${path}.d.ts`)) ?? "";
    const aliases = (prefix: string) => (_: string, list: string, path: string) =>
      list
        .split(",")
        .map((one) => one.trim().replace(/^type /, ""))
        .filter((one) => one !== "")
        .map((one) => one.split(" as "))
        .map(([name, alias = name]) => `${prefix}import ${alias} = ${nameOf(path)}.${name};`)
        .join("\n");
    const body = text
      .replace(/^\/\/\/ <reference.*\n/gm, (line) => {
        libraries.add(line);
        return "";
      })
      .replace(/^import (?:type )?\{([^}]*)\} from "(\..*?)\.ts";/gm, aliases(""))
      .replace(/^export (?:type )?\{([^}]*)\} from "(\..*?)\.ts";/gm, aliases("export "))
      .replace(/import\("(\..*?)\.ts"\)/g, (_, path: string) => nameOf(path));
    if (/^(?:im|ex)port .* from /m.test(body)) throw new Error(`${file} has types of a package`);
    const name = names.get(file) ?? "";
    if (file === entry) parts.push(body);
    else parts.push(`declare namespace ${name} {\n${body.replace(/^(export )?declare /gm, "$1")}}\n`);
  }
  return [...libraries, ...parts].join("");
}
