/** A page in Chromium, in the namespace of the program that opens it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromiumHere } from "./chromium.ts";
import { pagePaths } from "./page-paths.ts";

export type LabPage = { browser: ChildProcess; close(): Promise<void> };

/** Opens a page with this script. `serve` answers all else that it asks for. */
export async function openLabPage(
  script: string,
  serve: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<LabPage> {
  const site = createServer((request, response) => {
    if (request.url === pagePaths.script) response.setHeader("content-type", "text/javascript").end(script);
    else if (request.url === "/")
      response
        .setHeader("content-type", "text/html")
        .end(`<script type="module" src="${pagePaths.script}"></script>`);
    else serve(request, response);
  });
  site.listen(0, "127.0.0.1");
  await once(site, "listening");
  const address = site.address();
  const port = typeof address === "object" ? address?.port : 0;
  // It would make new folders under the home of whoever runs the lab.
  const folder = mkdtempSync(join(tmpdir(), "orion-edge-lab-page-"));
  const flags = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    `--user-data-dir=${folder}`,
  ];
  const browser = spawn(
    chromiumHere() ?? "",
    // It ends when that pipe is closed: with this program, however that ends.
    [...flags, "--remote-debugging-pipe", `http://127.0.0.1:${port}/`],
    {
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
      env: { ...process.env, HOME: folder, TMPDIR: folder },
    },
  );
  return {
    browser,
    close: async () => {
      browser.kill("SIGKILL");
      site.close();
      site.closeAllConnections();
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}
