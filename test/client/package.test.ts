import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { root, startProgram } from "../support/program.ts";
import { startTestServer } from "../support/server.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "orion-edge-package-"));
  npm(join(root, "client"), "pack", "--pack-destination", folder);
  const [tarball = ""] = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "a-game", type: "module" }));
  npm(folder, "install", "--offline", "--no-audit", "--no-fund", `./${tarball}`);
  return () => rmSync(folder, { recursive: true, force: true });
}, 60_000);

function npm(cwd: string, ...args: string[]): void {
  execFileSync("npm", args, { cwd, stdio: "pipe", env: { ...process.env, npm_config_loglevel: "error" } });
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

test("its types are whole, in Node and, without those of Node, in a browser", () => {
  const check = (name: string, source: string, options: object) => {
    writeFileSync(join(folder, `${name}.ts`), source);
    const compilerOptions = {
      strict: true,
      noEmit: true,
      module: "ESNext",
      moduleResolution: "Bundler",
      ...options,
    };
    const config = {
      compilerOptions: { target: "ES2024", skipLibCheck: false, ...compilerOptions },
      files: [`${name}.ts`],
    };
    writeFileSync(join(folder, `tsconfig.${name}.json`), JSON.stringify(config));
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    execFileSync(process.execPath, [tsc, "-p", join(folder, `tsconfig.${name}.json`)], { encoding: "utf8" });
  };
  const node = `import { connect, type Link, OrionError } from "orion-edge-client";
    const orion = await connect("http://localhost", { signal: AbortSignal.timeout(1) });
    const lobby = await orion.host({ name: "Ada", onLoss: "continue" });
    const links: Link[] = await lobby.start();
    const { socket, peers } = await lobby.start({ raw: true });
    socket.send("hello", peers[0]?.endpoint?.port ?? 0);
    links[0]?.on("message", (bytes: Uint8Array) => bytes.length);
    lobby.on("link", (link) => link.send(Uint8Array.of(1)));
    // @ts-expect-error no such event
    lobby.on("nothing", () => {});
    export const code: string = new OrionError("internal", "No.").code;
    export {};`;
  check("node", node, {
    lib: ["ES2024", "ESNext.Disposable"],
    types: ["node"],
    typeRoots: [join(root, "node_modules/@types")],
  });
  const browser = `import { connect } from "orion-edge-client/browser";
    const orion = await connect(new URL("http://localhost"));
    const lobby = await orion.join("AAAAA", { name: "Bo" });
    lobby.on("chat", ({ from, text, at }) => [from, text, at]);
    // @ts-expect-error there is no UDP in a browser
    lobby.start();
    export {};`;
  check("browser", browser, { lib: ["ES2024", "ESNext.Disposable", "DOM"], types: [] });
});
