import { spawn, spawnSync } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { expect, onTestFinished, test } from "vitest";
import { connect } from "../../client/index.ts";
import { root, startProgram } from "../../measure/kit/program.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { expectError, next } from "./heard.ts";

async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: join(root, "client"), loader: "ts" },
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    minify: true,
    logLevel: "silent",
  });
  return outputFiles[0]?.text ?? "";
}

test("the lobby half needs nothing of Node, and is small", async () => {
  const script = await bundle('export * from "./browser.ts";');
  expect(script).not.toContain("node:");
  expect(script.length).toBeLessThan(160_000);
});

test("the lobby half makes no code from strings, which a page's policy may forbid", async () => {
  const folder = mkdtempSync(join(tmpdir(), "orion-edge-policy-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "sdk.mjs"), await bundle('export * from "./browser.ts";'));
  writeFileSync(
    join(folder, "page.mjs"),
    `let made = 0;
    globalThis.Function = new Proxy(Function, { construct: () => { made += 1; throw new EvalError(); } });
    const { connect } = await import("./sdk.mjs");
    const orion = await connect(process.argv[2]);
    const ada = await orion.host({ name: "Ada" });
    await ada.chat("Hello");
    await ada.leave();
    console.log(made);`,
  );
  const server = await startTestServer({ udpPort: null });
  onTestFinished(() => server.stop());
  const page = startProgram(process.execPath, [join(folder, "page.mjs"), server.url.href]);
  expect([await page.ended, page.output]).toEqual([0, "0\n"]);
});

/** What a page does: `connect` is the SDK's, `report` tells the test. */
function storyOf(body: string): string {
  return `
    import { connect } from "./browser.ts";
    const report = (text: string) => fetch("/report", { method: "POST", body: text });
    const parameters = new URLSearchParams(location.search);
    try {
      const orion = await connect(parameters.get("server") ?? "");
      ${body}
    } catch (error) {
      await report(String(error));
    }`;
}

const command = ["chromium", "chromium-browser", "google-chrome"].find(
  (name) => spawnSync(name, ["--version"]).status === 0,
);

/** Opens a page with this story in Chromium. What it reports, one after another; closed at the end of the test. */
async function openPage(body: string, parameters: Record<string, string>): Promise<() => Promise<string>> {
  const script = await bundle(storyOf(body));
  const reports = new EventEmitter();
  const told: string[] = [];
  const site = createServer(async (request, response) => {
    if (request.url === "/story.js") return response.setHeader("content-type", "text/javascript").end(script);
    if (request.url === "/report") {
      told.push(String(Buffer.concat(await request.toArray())));
      reports.emit("report");
    }
    response.setHeader("content-type", "text/html").end('<script type="module" src="/story.js"></script>');
  });
  site.listen(0, "127.0.0.1");
  await once(site, "listening");
  const address = site.address();
  const port = typeof address === "object" ? address?.port : 0;
  const folder = mkdtempSync(join(tmpdir(), "orion-edge-browser-"));
  const page = `http://127.0.0.1:${port}/?${new URLSearchParams(parameters)}`;
  const options = ["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${folder}`];
  const browser = spawn(command ?? "", [...options, "--remote-debugging-port=0", page], {
    stdio: "ignore",
    env: { ...process.env, TMPDIR: folder },
  });
  const ended = once(browser, "exit");
  onTestFinished(async () => {
    browser.kill();
    await ended;
    site.closeAllConnections();
    site.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });
  return async () => {
    while (told.length === 0) await once(reports, "report");
    return told.shift() ?? "";
  };
}

test("in a browser two players meet, talk and part", async ({ skip }) => {
  if (command === undefined) skip("no Chromium is installed");
  const server = await startTestServer({ udpPort: null });
  onTestFinished(() => server.stop());
  const story = `
    const ada = await orion.host({ name: "Ada", isPublic: true });
    const { lobbies } = await orion.list({ name: "ada" });
    const bo = await orion.join(lobbies[0]?.code ?? "", { name: "Bo" });
    const heard = new Promise((resolve) => bo.on("chat", resolve));
    await ada.chat("Hello");
    const { from, text } = await heard;
    const refused = await orion.join(ada.code, { name: "Bo" }).catch((error) => error.code);
    const closed = new Promise((resolve) => bo.on("closed", resolve));
    await ada.leave();
    await report([from, text, refused, (await closed).reason, "start" in ada].join(" "));`;
  const reported = await openPage(story, { server: server.url.href });
  expect(await reported()).toBe("Ada Hello name_taken host_left false");
});

test("a page that joins a lobby that is started says at once that it has no UDP", async ({ skip }) => {
  if (command === undefined) skip("no Chromium is installed");
  const server = await startTestServer();
  onTestFinished(() => server.stop());
  await using ada = await (await connect(server.url)).host({ name: "Ada" });
  const story = `
    const bo = await orion.join(parameters.get("code") ?? "", { name: "Bo" });
    const aborted = new Promise((resolve) => bo.on("aborted", resolve));
    await report("joined");
    await report((await aborted).code);`;
  const reported = await openPage(story, { server: server.url.href, code: ada.code });
  expect(await reported()).toBe("joined");
  const report = next(ada, "report");
  await expectError(ada.start(), "could_not_connect");
  expect(await report).toMatchObject({ name: "Bo", cause: "no-udp" });
  expect(await reported()).toBe("could_not_connect");
});
