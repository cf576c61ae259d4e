import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { declaredInOneFile } from "../../client/declarations.ts";
import { ownProblems } from "../../client/error.ts";
import { root, startProgram } from "../../measure/kit/program.ts";
import { startTestServer } from "../../measure/kit/server.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "orion-edge-package-"));
  npm(join(root, "client"), "pack", "--pack-destination", folder);
  const [tarball = ""] = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "a-game", type: "module" }));
  npm(folder, "install", "--offline", "--no-audit", "--no-fund", `./${tarball}`);
  return () => rmSync(folder, { recursive: true, force: true });
}, 180_000);

function npm(cwd: string, ...args: string[]): void {
  // The npm that runs the tests passes on that the project's packages may run no scripts. The client has one of its own.
  const env = { ...process.env, npm_config_loglevel: "error", npm_config_ignore_scripts: "false" };
  execFileSync("npm", args, { cwd, stdio: "pipe", env });
}

function installed(): string {
  return join(folder, "node_modules/orion-edge-client");
}

function manifest() {
  return JSON.parse(readFileSync(join(installed(), "package.json"), "utf8"));
}

test("the package brings nothing with it", () => {
  expect(readdirSync(join(folder, "node_modules")).filter((name) => !name.startsWith("."))).toEqual([
    "orion-edge-client",
  ]);
});

test("a game that has installed the package meets other players and ends by itself", async () => {
  const server = await startTestServer();
  onTestFinished(() => server.stop());
  writeFileSync(
    join(folder, "game.js"),
    `import { connect } from "orion-edge-client";
    const orion = await connect(process.argv[2]);
    const ada = await orion.host({ name: "Ada" });
    const bo = await orion.join(ada.code, { name: "Bo" });
    const [[toBo], [toAda]] = await Promise.all([ada.start(), bo.started()]);
    const heard = new Promise((resolve) => toAda.on("message", resolve));
    toBo.send(Uint8Array.of(1, 2, 3));
    console.log(String(await heard));
    await Promise.all([toBo.close(), toAda.close(), ada.leave(), bo.leave()]);
    const failure = await orion.join("nowhere", { name: "Cy" }).catch((error) => error);
    console.log(failure.name, failure.code);`,
  );
  const game = startProgram(process.execPath, [join(folder, "game.js"), server.url.href]);
  expect(await game.ended).toBe(0);
  expect(game.output).toBe("1,2,3\nOrionError no_such_lobby\n");
});

/** Type-checks this source as a game's, in a folder beside the installed package. */
async function check(name: string, source: string, options: object): Promise<void> {
  writeFileSync(join(folder, `${name}.ts`), source);
  const compilerOptions = { strict: true, noEmit: true, skipLibCheck: false, target: "ES2022", ...options };
  const config = join(folder, `tsconfig.${name}.json`);
  writeFileSync(config, JSON.stringify({ compilerOptions, files: [`${name}.ts`] }));
  const tsc = startProgram(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", config]);
  expect([await tsc.ended, tsc.output]).toEqual([0, ""]);
}

const nodeGame = `import { connect, type Link, OrionError } from "orion-edge-client";
  export async function play(): Promise<string> {
    const orion = await connect("http://localhost", { signal: AbortSignal.timeout(1) });
    const lobby = await orion.host({ name: "Ada", onLoss: "continue" });
    const links: Link[] = await lobby.start();
    const { socket, peers } = await lobby.start({ raw: true });
    socket.send("hello", peers[0]?.endpoint?.port ?? 0);
    links[0]?.on("message", (bytes: Uint8Array) => bytes.length);
    const packets = ["text", Uint8Array.of(1), new ArrayBuffer(1), new DataView(new ArrayBuffer(1))];
    lobby.on("link", (link) => packets.forEach((packet) => link.send(packet)));
    const sent: number = lobby.broadcast("to all") + (await lobby.broadcastReliable(new Uint8Array(1)));
    const peer: string | undefined = lobby.peers.get("id")?.link.peer.name;
    const { text }: { text: string } = await lobby.once("chat");
    lobby.off("chat", ({ from }: { from: string }) => [from, sent, peer, text]);
    // @ts-expect-error no packet
    links[0]?.send(5);
    // @ts-expect-error no such event
    lobby.on("nothing", () => {});
    return new OrionError("internal", "No.").code;
  }`;
const pageGame = `import { connect, type Link } from "orion-edge-client/browser";
  export async function play(): Promise<void> {
    const orion = await connect(new URL("http://localhost"));
    const lobby = await orion.join("AAAAA", { name: "Bo" });
    lobby.on("chat", ({ from, text, at }) => [from, text, at]);
    const links: Link[] = await lobby.started();
    links[0]?.on("message", (bytes: Uint8Array) => bytes.length);
    const forget: () => void = lobby.once("link", (link) => link.send(new ArrayBuffer(lobby.broadcast("to all"))));
    forget();
    // @ts-expect-error no such event
    await lobby.once("nothing");
  }`;
const nodeTypes = { types: ["node"], typeRoots: [join(root, "node_modules/@types")] };

test.each([
  ["Bundler", "ESNext"],
  ["Node16", "Node16"],
  ["NodeNext", "NodeNext"],
])(
  "its types are whole for ES2022 and moduleResolution %s",
  async (moduleResolution, module) => {
    const how = { moduleResolution, module };
    await check("node", nodeGame, { ...how, lib: ["ES2022"], ...nodeTypes });
    await check("page", pageGame, { ...how, lib: ["ES2022", "DOM"], types: [] });
  },
  180_000,
);

test("its types are whole beside those of newer libraries, and for await using", async () => {
  const how = { moduleResolution: "Bundler", module: "ESNext", target: "ESNext" };
  await check("newest", nodeGame, { ...how, lib: ["ESNext", "DOM"], ...nodeTypes });
  const source = `import { connect } from "orion-edge-client/browser";
    await using orion = await connect("http://localhost");
    await using lobby = await orion.join("AAAAA", { name: "Bo" });
    export const code: string = lobby.code;`;
  await check("using", source, { ...how, lib: ["ES2022", "DOM"], types: [] });
}, 180_000);

test.each([
  ["Bundler", "ESNext"],
  ["Node16", "Node16"],
])(
  "the types that a server gives at /sdk.d.ts are whole for ES2022, DOM and moduleResolution %s",
  async (moduleResolution, module) => {
    writeFileSync(join(folder, "sdk.d.ts"), declaredInOneFile("browser").text);
    const source = pageGame.replace("orion-edge-client/browser", "./sdk.js");
    await check("page-of-a-server", source, { moduleResolution, module, lib: ["ES2022", "DOM"], types: [] });
  },
  180_000,
);

// TypeScript 7 has no such moduleResolution any more: what TypeScript 5 reads for it is looked at here.
test("TypeScript 5 finds its types with moduleResolution node10, which reads no exports", () => {
  const { main, types, typesVersions, exports } = manifest();
  expect(main).toBe(exports["."].default.default);
  expect(types).toBe(exports["."].default.types);
  expect(typesVersions["*"].browser).toEqual([exports["./browser"].types]);
  for (const file of [main, types, ...typesVersions["*"].browser]) {
    expect(existsSync(join(installed(), file))).toBe(true);
  }
});

test("npm would publish the package as it is, and says what a registry asks", () => {
  const args = ["publish", "--dry-run", "--json", "--offline", "--ignore-scripts"];
  // The registry is not asked, and there is nobody who could log in there.
  const { status, stdout, stderr } = spawnSync("npm", args, { cwd: installed(), encoding: "utf8" });
  expect(status, stderr).toBe(0);
  // npm tells so what it would have to mend in the manifest.
  expect(stderr).not.toMatch(/auto-corrected|errors corrected|was cleaned|invalid/i);
  const published = JSON.parse(stdout);
  expect(published["orion-edge-client"] ?? published).toMatchObject({ name: "orion-edge-client" });
  const { repository, keywords, homepage, bugs, sideEffects, license, description } = manifest();
  expect({ repository, homepage, bugs, license, description }).not.toContain(undefined);
  expect(repository.directory).toBe("client");
  expect(keywords.length).toBeGreaterThan(5);
  expect(sideEffects).toBe(false);
});

test("a game that is a CommonJS module can require it", async () => {
  const file = join(folder, "game.cjs");
  writeFileSync(file, 'console.log(typeof require("orion-edge-client").connect);');
  const game = startProgram(process.execPath, [file]);
  expect(await game.ended).toBe(0);
  expect(game.output).toBe("function\n");
});

test("every link of its page leads to something that is in the package", () => {
  const readme = readFileSync(join(installed(), "README.md"), "utf8");
  const slugs = [...readme.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
  const targets = [...readme.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  expect(targets.length).toBeGreaterThan(5);
  const dangling = targets.filter((target) => {
    if (target.startsWith("#")) return !slugs.includes(target.slice(1));
    return !/^https?:/.test(target) && !existsSync(join(installed(), target.replace(/#.*/, "")));
  });
  expect(dangling).toEqual([]);
});

test("its page and its manifest name one version of Node.js", () => {
  const readme = readFileSync(join(installed(), "README.md"), "utf8");
  const minimum = manifest().engines.node.replace(">=", "");
  const named = [...readme.matchAll(/\b2\d\.\d+\b/g)].map(([version]) => version);
  expect(new Set([...named, minimum])).toEqual(new Set(["22.12"]));
  expect(ownProblems.unsupported_runtime).toContain(`Node.js ${minimum}`);
});

test("git ignores a tarball that was packed in the folder of the SDK", ({ skip }) => {
  const { status } = spawnSync("git", ["check-ignore", "-q", "client/orion-edge-client-0.1.0.tgz"], {
    cwd: root,
  });
  if (status !== 0 && status !== 1) skip("this is no git repository");
  expect(status).toBe(0);
});

/** The Node.js of this machine, not the one that the project brings along, if it is one without WebSocket. */
function olderNode(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((path) => !path.includes("node_modules"));
  return folders
    .map((path) => join(path, "node"))
    .find(
      (node) =>
        spawnSync(node, ["-p", "typeof WebSocket"], { encoding: "utf8" }).stdout?.trim() === "undefined",
    );
}

test.each(["orion-edge-client", "orion-edge-client/browser"])(
  "on an older Node.js %s says which one it needs",
  async (entry) => {
    const file = join(folder, "older.js");
    writeFileSync(
      file,
      `import { connect } from ${JSON.stringify(entry)};
      const error = await connect("http://127.0.0.1:9").catch((error) => error);
      console.log(error.name, error.code, error.message);`,
    );
    // Without its WebSocket the newest is like an older one.
    const older = olderNode();
    const [command, args] = older ? [older, []] : [process.execPath, ["--no-experimental-websocket"]];
    const game = startProgram(command, [...args, file]);
    expect(await game.ended).toBe(0);
    expect(game.output).toMatch(/^OrionError unsupported_runtime .*Node\.js 22\.12 .*WebSocket/);
  },
);
