/** Pages in Chromium or Firefox, for tests: what a page does, and what it reports. */
import { spawn, spawnSync } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { onTestFinished } from "vitest";
import { root } from "../../measure/kit/program.ts";

/** A module as one script for browsers. It imports from this folder of the project. */
export async function bundle(entry: string, folder = "client"): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: join(root, folder), loader: "ts" },
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

/** What Chromium is called here; undefined if there is none. */
export const chromium = ["chromium", "chromium-browser", "google-chrome"].find(
  (name) => spawnSync(name, ["--version"]).status === 0,
);

/** What Firefox is called here; undefined if there is none. */
export const firefox = ["firefox-esr", "firefox"].find((name) => spawnSync(name, ["--version"]).status === 0);

/** Of a new profile: it tells addresses instead of names of mDNS, also to pages without a camera, and asks nobody for anything else. */
const firefoxSettings = {
  "media.peerconnection.ice.obfuscate_host_addresses": false,
  "media.peerconnection.ice.default_address_only": false,
  "browser.shell.checkDefaultBrowser": false,
  "browser.aboutwelcome.enabled": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "toolkit.telemetry.reportingpolicy.firstRun": false,
  "app.update.enabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
};

/** The program, and what it is called with, for a page in a profile of its own in this folder. */
function commandOf(
  browser: "chromium" | "firefox",
  folder: string,
  page: string,
  flags: readonly string[],
): [string, string[]] {
  if (browser === "firefox") {
    const lines = Object.entries(firefoxSettings).map(
      ([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});`,
    );
    writeFileSync(join(folder, "user.js"), lines.join("\n"));
    return [firefox ?? "", ["--headless", "--no-remote", "--profile", folder, page]];
  }
  const options = ["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${folder}`];
  return [chromium ?? "", [...options, ...flags, "--remote-debugging-port=0", page]];
}

/** What a page posts to `/report`, one after another. */
export type Reported = (() => Promise<string>) & {
  /** Of a page in Chromium: as the browser does with a tab that nobody looks at, and when somebody does again. */
  setState(state: "frozen" | "active"): Promise<void>;
};

/** Opens a page with this script in a browser, Chromium with these flags. It is closed at the end of the test. */
export async function openPage(
  script: string,
  parameters: Record<string, string>,
  flags: readonly string[] = [],
  browser: "chromium" | "firefox" = "chromium",
): Promise<Reported> {
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
  const [command, options] = commandOf(browser, folder, page, flags);
  const program = spawn(command, options, {
    stdio: "ignore",
    env: { ...process.env, TMPDIR: folder, HOME: folder },
  });
  const ended = once(program, "exit");
  onTestFinished(async () => {
    program.kill();
    await ended;
    site.closeAllConnections();
    site.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });
  const next = async () => {
    while (told.length === 0) await once(reports, "report");
    return told.shift() ?? "";
  };
  return Object.assign(next, {
    setState: (state: "frozen" | "active") => askDevtools(folder, "Page.setWebLifecycleState", { state }),
  });
}

/** Asks the page of the Chromium whose profile is there, by the protocol of its developer tools. */
async function askDevtools(folder: string, method: string, params: object): Promise<void> {
  const [port] = readFileSync(join(folder, "DevToolsActivePort"), "utf8").split("\n");
  const targets: unknown = await (await fetch(`http://127.0.0.1:${port}/json/list`)).json();
  const page = (targets as { type: string; webSocketDebuggerUrl: string }[]).find(
    ({ type }) => type === "page",
  );
  const socket = new WebSocket(page?.webSocketDebuggerUrl ?? "");
  await once(socket, "open");
  socket.send(JSON.stringify({ id: 1, method, params }));
  const [{ data }] = await once(socket, "message");
  socket.close();
  const { error } = JSON.parse(data);
  if (error) throw new Error(`${method}: ${error.message}`);
}
