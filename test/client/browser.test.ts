import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { expect, onTestFinished, test } from "vitest";
import { root } from "../support/program.ts";
import { startTestServer } from "../support/server.ts";

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
  expect(script.length).toBeLessThan(150_000);
});

/** What a page does: two players meet and talk. */
const story = `
  import { connect } from "./browser.ts";
  const report = (text: string) => fetch("/report", { method: "POST", body: text });
  try {
    const orion = await connect(new URLSearchParams(location.search).get("server") ?? "");
    const ada = await orion.host({ name: "Ada", isPublic: true });
    const { lobbies } = await orion.list({ name: "ada" });
    const bo = await orion.join(lobbies[0]?.code ?? "", { name: "Bo" });
    const heard = new Promise((resolve) => bo.on("chat", resolve));
    await ada.chat("Hello");
    const { from, text } = await heard;
    const refused = await orion.join(ada.code, { name: "Bo" }).catch((error) => error.code);
    const closed = new Promise((resolve) => bo.on("closed", resolve));
    await ada.leave();
    await report([from, text, refused, (await closed).reason, "start" in ada].join(" "));
  } catch (error) {
    await report(String(error));
  }
`;

test("in a browser two players meet, talk and part", async ({ skip }) => {
  const [command = ""] = ["chromium", "chromium-browser", "google-chrome"].filter(
    (name) => spawnSync(name, ["--version"]).status === 0,
  );
  if (command === "") skip("no Chromium is installed");
  const server = await startTestServer({ udpPort: null });
  onTestFinished(() => server.stop());
  const script = await bundle(story);
  let tell: (report: string) => void = () => {};
  const report = new Promise<string>((resolve) => {
    tell = resolve;
  });
  const site = createServer(async (request, response) => {
    if (request.url === "/story.js") return response.setHeader("content-type", "text/javascript").end(script);
    if (request.url === "/report") tell(String(Buffer.concat(await request.toArray())));
    response.setHeader("content-type", "text/html").end('<script type="module" src="/story.js"></script>');
  });
  site.listen(0, "127.0.0.1");
  await once(site, "listening");
  const address = site.address();
  const port = typeof address === "object" ? address?.port : 0;
  const folder = mkdtempSync(join(tmpdir(), "orion-edge-browser-"));
  const page = `http://127.0.0.1:${port}/?server=${encodeURIComponent(server.url.href)}`;
  const options = ["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${folder}`];
  const browser = spawn(command, [...options, "--remote-debugging-port=0", page], {
    stdio: "ignore",
    env: { ...process.env, TMPDIR: folder },
  });
  const ended = once(browser, "exit");
  try {
    expect(await report).toBe("Ada Hello name_taken host_left false");
  } finally {
    browser.kill();
    await ended;
    site.closeAllConnections();
    site.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
});
