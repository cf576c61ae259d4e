/** `npm run example -- <name>`: serves an example's page on this machine, until Ctrl-C. */
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { commandLineMistake, parseCommandLine } from "../core/command-line.ts";
import { portNumber } from "../core/settings.ts";

const help = `Serves the page of an example, for a server that npm start runs.

Usage: npm run example -- two-tabs
       npm run example -- react-chat

  --port <port>  TCP, on localhost; 0 is any free one. Default: 8000
  --help         This text
`;

const root = fileURLToPath(new URL("..", import.meta.url));
const examples = ["two-tabs", "react-chat"];
const contentTypes: { [extension: string]: string } = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
};

const { name, port } = read(process.argv.slice(2));
const folder = join(root, "examples", name);
const files = await filesOf(name);
const site = createServer(({ url = "/" }, response) => {
  const path = new URL(url, "http://localhost").pathname;
  const file = files.get(path === "/" ? "/index.html" : path);
  if (!file) return response.writeHead(404).end();
  response.writeHead(200, { "content-type": file.type, "cache-control": "no-store" }).end(file.text);
});
site.on("error", (error) => fail(`Port ${port} cannot be opened (${error.message}). Choose another: --port`));
site.listen(port, "localhost", () => {
  const address = site.address();
  console.log(`Open http://localhost:${typeof address === "object" ? address?.port : port}/`);
});

type File = { type: string; text: string };

/** What is served, by its path. The page in React is built first. */
async function filesOf(name: string): Promise<Map<string, File>> {
  const found = readdirSync(folder).filter((file) => extname(file) in contentTypes);
  const files = new Map(
    found.map((file): [string, File] => {
      return [`/${file}`, fileOf(extname(file), readFileSync(join(folder, file), "utf8"))];
    }),
  );
  if (name === "react-chat") files.set("/dist/main.js", fileOf(".js", await bundled()));
  return files;
}

function fileOf(extension: string, text: string): File {
  return { type: contentTypes[extension] ?? "", text };
}

/** As `npm run build` in the folder does it, with the SDK of this repository. */
async function bundled(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(folder, "main.jsx")],
    alias: { "orion-edge-client": join(root, "client/browser.ts") },
    define: { "process.env.NODE_ENV": '"development"' },
    bundle: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

function read(args: string[]): { name: string; port: number } {
  try {
    const text = { type: "string" } as const;
    const options = { port: text, help: { type: "boolean" } } as const;
    const { values, words } = parseCommandLine({ args, options, mostWords: 1, environment: process.env });
    if (values.help) {
      console.log(help);
      process.exit(0);
    }
    const [name = ""] = words;
    if (!examples.includes(name)) throw new Error(`Name one of these examples: ${examples.join(", ")}.`);
    const port = portNumber(values.port ?? "8000");
    if (port === null) throw new Error("--port is a number from 0 to 65535.");
    return { name, port };
  } catch (error) {
    return fail(commandLineMistake(error));
  }
}

function fail(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}
