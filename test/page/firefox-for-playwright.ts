/**
 * Firefox, as Playwright starts and drives it: a program that stands between the two. Playwright asks each browser to override media features, a command that
 * Firefox does not have yet, and gives up when it is refused. Here it is answered, and does nothing. All else goes through as it is.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { WebSocket, WebSocketServer } from "ws";

const notYetKnown = "emulation.setMediaFeaturesOverride";

const [firefox = "", ...options] = process.argv.slice(2);
const browser = spawn(firefox, options, { stdio: ["ignore", "inherit", "pipe"] });
browser.on("exit", (code) => process.exit(code ?? 1));
process.on("SIGTERM", () => browser.kill());

for await (const line of createInterface(browser.stderr)) {
  const [, url] = /WebDriver BiDi listening on (ws:.*)$/.exec(line) ?? [];
  if (url) standBetween(url);
  else process.stderr.write(`${line}\n`);
}

function standBetween(url: string): void {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("listening", () => {
    const { port } = server.address() as { port: number };
    process.stderr.write(`WebDriver BiDi listening on ws://127.0.0.1:${port}\n`);
  });
  server.on("connection", (playwright, { url: path }) => {
    const far = new WebSocket(`${url}${path}`, { perMessageDeflate: false });
    const early: string[] = [];
    far.on("open", () => {
      for (const text of early) far.send(text);
    });
    far.on("message", (data) => playwright.send(String(data)));
    far.on("close", () => playwright.close());
    far.on("error", () => playwright.close());
    playwright.on("message", (data) => {
      const text = String(data);
      const { id, method } = JSON.parse(text) as { id: number; method: string };
      if (method === notYetKnown) playwright.send(JSON.stringify({ type: "success", id, result: {} }));
      else if (far.readyState === WebSocket.OPEN) far.send(text);
      else early.push(text);
    });
    playwright.on("close", () => far.close());
  });
}
