import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { connect } from "../../client/index.ts";
import { bundleForPages } from "../../client/page-modules.ts";
import { root, startProgram } from "../../measure/kit/program.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { bundle, chromium, openPage } from "./a-page.ts";
import { nextOn } from "./heard.ts";

/** Bytes of the second module. */
const mostOfLobbies = 41_500;

test("what pages load needs nothing of Node, and is small", async () => {
  const { files, lobbies } = await bundleForPages({ sdk: "sdk.js", lobbies: "assets/lobbies.js" });
  const bytes = (name: string) => gzipSync(files.get(name) ?? "", { level: 9 }).length;
  expect([...files.keys()].sort()).toEqual(["sdk.js", "sdk.js.map", lobbies, `${lobbies}.map`].sort());
  for (const name of ["sdk.js", lobbies]) expect(files.get(name)).not.toMatch(/node:|zod/);
  // The folders of this machine are nobody's business.
  for (const text of files.values()) expect(text).not.toContain(root);
  // Gzipped: docs/decisions/026 says of what they are made.
  expect(bytes("sdk.js")).toBeLessThan(17_500);
  expect(bytes(lobbies)).toBeLessThan(mostOfLobbies);
});

test("what pages load makes no code from strings, which a page's policy may forbid", async () => {
  const folder = mkdtempSync(join(tmpdir(), "orion-edge-policy-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { files } = await bundleForPages({ sdk: "sdk.mjs", lobbies: "lobbies.mjs" });
  for (const [name, text] of files) writeFileSync(join(folder, name), text);
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

/** A server of files that any page may load. `refuses`: whether it has no time for this one now. */
async function fileServer(files: ReadonlyMap<string, string>, refuses: (path: string) => boolean) {
  const server = createServer(({ url = "/" }, response) => {
    const text = refuses(url) ? undefined : files.get(url.slice(1));
    const headers = { "content-type": "text/javascript", "access-control-allow-origin": "*" };
    response.writeHead(text === undefined ? 503 : 200, headers).end(text);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}

test("a page loads the SDK from another server, and is told if that gives only half of it", async ({
  skip,
}) => {
  if (chromium === undefined) skip("no Chromium is installed");
  const { files, lobbies } = await bundleForPages({ sdk: "sdk.js", lobbies: "assets/lobbies-[hash].js" });
  let isWhole = false;
  const there = await fileServer(files, (path) => path === `/${lobbies}` && !isWhole);
  const server = await startTestServer({ udpPort: null });
  onTestFinished(() => server.stop());
  const script = `
    const report = (text) => fetch("/report", { method: "POST", body: text });
    try {
      const { connect } = await import("${there}/sdk.js");
      const orion = await connect("${server.url.href}");
      const { lobbies } = await orion.list();
      const hosting = () => orion.host({ name: "Ada" }).then((ada) => ada.chat("Hello").then(() => ada.self));
      await report([lobbies.length, await hosting().catch((error) => error.code)].join(" "));
      await report("again");
      await report(await hosting().catch((error) => error.code));
    } catch (error) {
      await report(String(error));
    }`;
  const reported = await openPage(script, {});
  expect(await reported()).toBe("0 unreachable");
  isWhole = true;
  expect(await reported()).toBe("again");
  expect(await reported()).toBe("Ada");
  const whole = await openPage(script, {});
  expect(await whole()).toBe("0 Ada");
});

test("in a browser two players meet, talk and part", async ({ skip }) => {
  if (chromium === undefined) skip("no Chromium is installed");
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
    await report([from, text, refused, (await closed).reason].join(" "));`;
  const reported = await openPage(await bundle(storyOf(story)), { server: server.url.href });
  expect(await reported()).toBe("Ada Hello name_taken host_left");
});

test("a page and a player in Node are linked over WebSocket", async ({ skip }) => {
  if (chromium === undefined) skip("no Chromium is installed");
  const server = await startTestServer();
  onTestFinished(() => server.stop());
  await using ada = await (await connect(server.url)).host({ name: "Ada" });
  const story = `
    const bo = await orion.join(parameters.get("code") ?? "", { name: "Bo" });
    const started = bo.started();
    await report("joined");
    const [link] = await started;
    const heard = new Promise((resolve) => link?.on("message", resolve));
    link?.send("from a page");
    await report([link?.path, link?.report.cause, new TextDecoder().decode(await heard)].join(" "));`;
  const reported = await openPage(await bundle(storyOf(story)), { server: server.url.href, code: ada.code });
  expect(await reported()).toBe("joined");
  const [link] = await ada.start();
  if (!link) throw new Error("no link");
  expect(new TextDecoder().decode(await nextOn(link, "message"))).toBe("from a page");
  link.send("from Node");
  expect(await reported()).toBe("websocket no-udp from Node");
  await link.close();
});

test("two pages are linked over WebSocket, without a sidecar", async ({ skip }) => {
  if (chromium === undefined) skip("no Chromium is installed");
  const server = await startTestServer({ udpPort: null });
  onTestFinished(() => server.stop());
  const host = `
    const ada = await orion.host({ name: "Ada" });
    await report(ada.code);
    await new Promise((resolve) => ada.on("joined", resolve));
    const [link] = await ada.start();
    link?.on("message", (bytes) => link.send(bytes));
    await new Promise((resolve) => link?.on("closed", resolve));
    await report("closed");`;
  const guest = `
    const bo = await orion.join(parameters.get("code") ?? "", { name: "Bo" });
    const [link] = await bo.started();
    const heard = new Promise((resolve) => link?.on("message", resolve));
    link?.send("there and back");
    await report([link?.path, new TextDecoder().decode(await heard)].join(" "));
    await link?.close();`;
  const first = await openPage(await bundle(storyOf(host)), { server: server.url.href });
  const code = await first();
  const second = await openPage(await bundle(storyOf(guest)), { server: server.url.href, code });
  expect(await second()).toBe("websocket there and back");
  expect(await first()).toBe("closed");
});
