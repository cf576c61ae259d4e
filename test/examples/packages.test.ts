/** The examples that install the SDK as a package. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { connect, type Lobby } from "../../client/index.ts";
import { root, startProgram } from "../../measure/kit/program.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { next, nextOn } from "../client/heard.ts";
import { copyExample, npm } from "./packed-client.ts";

const manifest = (path: string) => JSON.parse(readFileSync(join(root, path), "utf8"));

/** Who says the next line in the chat that matches. */
function line(lobby: Lobby, pattern: RegExp): Promise<string | undefined> {
  return new Promise((resolve) => {
    const forget = lobby.on("chat", ({ text, member }) => {
      if (!pattern.test(text)) return;
      forget();
      resolve(member?.displayName);
    });
  });
}

describe("the bot", () => {
  let folder: string;
  beforeAll(() => {
    const copy = copyExample("node-bot");
    folder = copy.folder;
    npm(folder, "install", "--offline", "--no-audit", "--no-fund");
    return copy.remove;
  }, 180_000);

  const startBot = (...args: string[]) => startProgram(process.execPath, [join(folder, "bot.js"), ...args]);

  test("greets, rolls dice in the chat and over the link, and ends when the game is over", async () => {
    const server = await startTestServer();
    onTestFinished(() => server.stop());
    await using ada = await (await connect(server.url)).host({ name: "Ada" });
    const greeting = line(ada, /^Hello!/);
    const bot = startBot(server.url.href, ada.code);
    onTestFinished(() => bot.stop());
    expect(await greeting).toBe("Dice bot");
    const rolled = line(ada, /^Ada rolls [1-6]$/);
    await ada.chat("roll");
    expect(await rolled).toBe("Dice bot");
    const [link] = await ada.start();
    if (!link) throw new Error("no link");
    const answer = nextOn(link, "message");
    link.send("roll");
    expect(new TextDecoder().decode(await answer)).toMatch(/^You roll [1-6]$/);
    await link.close();
    expect(await bot.ended).toBe(0);
    expect(bot.output).toContain("Connected to Ada, path: ");
  });

  test("leaves when it is stopped", async () => {
    const server = await startTestServer();
    onTestFinished(() => server.stop());
    await using ada = await (await connect(server.url)).host({ name: "Ada" });
    const greeting = line(ada, /^Hello!/);
    const bot = startBot(server.url.href, ada.code);
    await greeting;
    const left = next(ada, "left");
    process.kill(bot.pid, "SIGINT");
    expect((await left).name).toBe("Dice bot");
    expect(await bot.ended).toBe(0);
  });

  test("says in one line that there is no such lobby", async () => {
    const server = await startTestServer();
    onTestFinished(() => server.stop());
    const bot = startBot(server.url.href, "AAAAA");
    expect(await bot.ended).toBe(1);
    expect(bot.errors.trim().split("\n")).toHaveLength(1);
  });
});

test("the chat in React builds as a project of its own", () => {
  const { folder, remove } = copyExample("react-chat");
  onTestFinished(remove);
  const modules = join(folder, "node_modules");
  mkdirSync(modules);
  // All but the SDK are the packages of this project, of the same versions.
  for (const name of ["react", "react-dom", "scheduler", "esbuild", "@esbuild", ".bin"]) {
    symlinkSync(join(root, "node_modules", name), join(modules, name));
  }
  const sdk = join(modules, "orion-edge-client");
  mkdirSync(sdk);
  const { dependencies } = manifest("examples/react-chat/package.json");
  const tarball = join(folder, dependencies["orion-edge-client"].replace("file:", ""));
  execFileSync("tar", ["-xzf", tarball, "-C", sdk, "--strip-components=1"]);
  npm(folder, "run", "build");
  expect(existsSync(join(folder, "dist/main.js"))).toBe(true);
}, 180_000);

test("the examples name the SDK's package, and the versions that are tested", () => {
  const { name, version } = manifest("client/package.json");
  const { devDependencies } = manifest("package.json");
  const react = manifest("examples/react-chat/package.json");
  const bot = manifest("examples/node-bot/package.json");
  for (const { dependencies } of [react, bot]) {
    expect(dependencies[name]).toBe(`file:../../client/${name}-${version}.tgz`);
  }
  const { [name]: _, ...others } = { ...react.dependencies, ...react.devDependencies };
  for (const [other, pinned] of Object.entries(others)) expect(devDependencies[other]).toBe(pinned);
  expect(bot.engines).toEqual(manifest("client/package.json").engines);
});
