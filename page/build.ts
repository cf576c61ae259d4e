/**
 * What people open in a browser, and the SDK that any page can load: `page/` → `page/dist/`, the Worker's static assets.
 * `npm start`, `wrangler dev` and `wrangler deploy` build it first. Nothing is built if nothing has changed since.
 */
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type Metafile } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("..", import.meta.url));

/** The folder of the static assets. */
export const pageFolder = join(here, "dist");

/** Each HTML file becomes one at the top of `dist/`. Its scripts and styles are those that it names, like `/site/main.ts`. */
const documents = ["site/index.html", "site/error.html", "operator/operator.html"];
/** What stands at the top of each, in the place of `{{header}}`. */
const headerFile = "site/header.html";
/** Files that are copied as they are. */
const copied = ["site/favicon.ico", "site/favicon.svg", "site/robots.txt", "_headers"];

/** Each file that the last build read, with a hash of it: an image of a container keeps no exact times. */
type Stamp = Record<string, string>;
const stampFile = join(here, "built.json");
const typesStampFile = join(here, "built.types.json");
const sdkTypes = "sdk.d.ts";

/** Files by their path in `dist/`. */
type Built = Map<string, string | Uint8Array>;

/**
 * Whether this process may change `page/dist/`, or need not, because it is built. A service often may write nothing where it is installed: then it
 * builds the page into a folder of its own.
 */
export function mayBuildHere(): boolean {
  return isAsBuilt(stampFile, "index.html") || mayWriteHere();
}

function mayWriteHere(): boolean {
  try {
    for (const folder of [here, pageFolder]) if (existsSync(folder)) accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Builds it into `page/dist/`, if anything has changed since the last time, or into a new folder. Several processes may do so at once. */
export async function buildPage(folder = pageFolder): Promise<void> {
  const isOwn = folder === pageFolder;
  if (isOwn && isAsBuilt(stampFile, "index.html")) return;
  const inputs = [
    ...[...documents, headerFile, ...copied].map((name) => join(here, name)),
    fileURLToPath(import.meta.url),
    // A package that the page bundles, or esbuild, may be another.
    join(root, "package-lock.json"),
  ];
  const stamp = stampOf(inputs);
  const files: Built = new Map();
  for (const name of copied) files.set(baseOf(name), readFileSync(join(here, name)));
  const sdk = await addSdk(files);
  const bundled = [...sdk.inputs, ...(await addDocuments(files, sdk.lobbies))];
  Object.assign(stamp, stampOf(bundled.map((input) => join(root, input))));
  const types = join(pageFolder, sdkTypes);
  if (!isOwn && existsSync(types)) files.set(sdkTypes, readFileSync(types));
  for (const [name, contents] of files) write(join(folder, name), contents, folder);
  if (!isOwn) return;
  removeOthers(new Set([...files.keys(), sdkTypes]));
  write(stampFile, JSON.stringify(stamp), folder);
}

/**
 * The types at `/sdk.d.ts`, if a source of them has changed since the last time, and this process may write them. The compiler takes seconds:
 * `buildPage` leaves them as they are.
 */
export async function buildSdkTypes(): Promise<void> {
  if (isAsBuilt(typesStampFile, sdkTypes) || !mayWriteHere()) return;
  const { declaredInOneFile } = await import("../client/declarations.ts");
  const { text, inputs } = declaredInOneFile("browser");
  write(join(pageFolder, sdkTypes), text, pageFolder);
  write(typesStampFile, JSON.stringify(stampOf(inputs.map((input) => join(root, input)))), pageFolder);
}

/** `/sdk.js`, which pages anywhere may import, and `lobbies`, which it loads. */
async function addSdk(files: Built): Promise<{ lobbies: string; inputs: string[] }> {
  const { bundleForPages } = await import("../client/page-modules.ts");
  const sdk = await bundleForPages({ sdk: "sdk.js", lobbies: "assets/sdk-lobbies-[hash].js" });
  for (const [name, contents] of sdk.files) files.set(name, contents);
  return { lobbies: sdk.lobbies, inputs: sdk.inputs.map((file) => slashes(relative(root, file))) };
}

/** The HTML files, and all that they load. One that preloads the SDK preloads `lobbies` as well, and what its scripts import. */
async function addDocuments(files: Built, lobbies: string): Promise<string[]> {
  const header = readFileSync(join(here, headerFile), "utf8").trimEnd();
  const texts = documents.map((name) => {
    const text = readFileSync(join(here, name), "utf8");
    return [baseOf(name), text.replace("{{header}}", header)] as const;
  });
  const entries = new Set(
    texts.flatMap(([, text]) => [...text.matchAll(entry)].map(([, , path = ""]) => path)),
  );
  const metafile = await bundle(files, {
    // Files of several folders have the same name.
    entryPoints: Object.fromEntries(
      [...entries].map((path) => [nameOf(path), join(here, path)] satisfies [string, string]),
    ),
    entryNames: "assets/[name]-[hash]",
    chunkNames: "assets/[name]-[hash]",
    assetNames: "assets/[name]-[hash]",
    splitting: true,
    // The page is a user of what it publishes.
    external: ["/sdk.js"],
    legalComments: "eof",
  });
  const published = (output: string) => slashes(relative(pageFolder, join(root, output)));
  const outputs = new Map<string, string>();
  for (const [output, { entryPoint }] of Object.entries(metafile.outputs)) {
    if (entryPoint !== undefined && !output.endsWith(".map"))
      outputs.set(slashes(relative(here, join(root, entryPoint))), output);
  }
  for (const [name, text] of texts) {
    const shared = [...text.matchAll(entry)].flatMap(([, , path = ""]) =>
      importsOf(metafile, outputs.get(path) ?? ""),
    );
    const preloaded = [lobbies, ...new Set(shared.map(published))];
    files.set(
      name,
      text
        .replace(entry, (_, attribute: string, path: string) => {
          return `${attribute}="/${published(outputs.get(path) ?? "")}"`;
        })
        .replace(
          /( *<link rel="modulepreload" href="\/)sdk\.js(">\n)/,
          (line, before: string, after: string) =>
            [line, ...preloaded.map((path) => `${before}${path}${after}`)].join(""),
        ),
    );
  }
  return inputsOf(metafile);
}

/** What a script cannot run without, and what that cannot. The browser would learn of it only when it has read the script. */
function importsOf(metafile: Metafile, output: string): string[] {
  const imports = metafile.outputs[output]?.imports ?? [];
  return imports
    .filter(({ kind, external }) => kind === "import-statement" && external !== true)
    .flatMap(({ path }) => [path, ...importsOf(metafile, path)]);
}

/** A reference of a document to a script or a style in this folder. */
const entry = /\b(src|href)="\/([\w/-]+\.(?:ts|css))"/g;

/** Like `site` for `site/main.ts`, and `site-style` for `site/style.css`. */
function nameOf(path: string): string {
  return path
    .replace(/\/main\.ts$/, "")
    .replace(/\.\w+$/, "")
    .replaceAll("/", "-");
}

async function bundle(files: Built, options: BuildOptions): Promise<Metafile> {
  const { outputFiles, metafile } = await build({
    ...options,
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    outdir: pageFolder,
    format: "esm",
    platform: "browser",
    target: "es2022",
    minify: true,
    sourcemap: "linked",
    charset: "utf8",
  });
  for (const { path, contents } of outputFiles ?? [])
    files.set(slashes(relative(pageFolder, path)), contents);
  if (!metafile) throw new Error("esbuild told nothing of what it has read.");
  return metafile;
}

function inputsOf(metafile: Metafile): string[] {
  return Object.keys(metafile.inputs);
}

/** Whether all that the last build read is as it was, and what it made is there. */
function isAsBuilt(stampFile: string, made: string): boolean {
  try {
    const stamp: Stamp = JSON.parse(readFileSync(stampFile, "utf8"));
    const files = Object.keys(stamp).map((name) => join(root, name));
    return existsSync(join(pageFolder, made)) && JSON.stringify(stampOf(files)) === JSON.stringify(stamp);
  } catch {
    // Never built, or a file is gone.
    return false;
  }
}

function stampOf(files: readonly string[]): Stamp {
  return Object.fromEntries(
    files.map((file) => {
      const hash = createHash("sha256").update(readFileSync(file)).digest("base64");
      return [slashes(relative(root, file)), hash];
    }),
  );
}

/** Nobody ever reads half of a file: it is written beside `folder` first. One that is the same stays as it is. */
function write(file: string, contents: string | Uint8Array, folder: string): void {
  if (existsSync(file) && readFileSync(file).equals(Buffer.from(contents))) return;
  mkdirSync(dirname(file), { recursive: true });
  const unfinished = `${folder}.${process.pid}.new`;
  writeFileSync(unfinished, contents);
  renameSync(unfinished, file);
}

/** Removes what earlier builds have left. */
function removeOthers(files: ReadonlySet<string>): void {
  for (const found of readdirSync(pageFolder, { recursive: true, withFileTypes: true })) {
    const file = join(found.parentPath, found.name);
    if (found.isFile() && !files.has(slashes(relative(pageFolder, file)))) rmSync(file, { force: true });
  }
}

function baseOf(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

function slashes(path: string): string {
  return path.replaceAll(sep, "/");
}

if (import.meta.main) {
  await buildPage();
  await buildSdkTypes();
}
