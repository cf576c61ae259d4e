/** Players in pages, connected by WebRTC: real pages in Chromium, and a real server. */
import { networkInterfaces } from "node:os";
import { RTCPeerConnection } from "node-datachannel/polyfill";
import { expect, onTestFinished, test, vi } from "vitest";
import { connect, type Link } from "../../client/index.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { bundle, chromium, firefox, openPage } from "./a-page.ts";

/** An address that the server sees players come from. */
const address = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === "IPv4" && !one.internal)?.address;
const isPossible = chromium !== undefined && address !== undefined;
const why = "no Chromium is installed, or the machine has no network";

/** Without names of mDNS in place of addresses: in a container nobody may answer for them. */
const flags = ["--disable-features=WebRtcHideLocalIpsWithMdns"];
const straight = /^(lan|direct)$/;

async function startServerHere(): Promise<URL> {
  const server = await startTestServer({ host: "0.0.0.0", vars: { allowedOrigin: "*", iceServers: "[]" } });
  onTestFinished(() => server.stop());
  const url = new URL(server.url);
  url.hostname = address ?? "";
  return url;
}

/** A page's player: opens or joins a lobby, says hello by its link, and tells what it heard and which way. */
const story = `
  import { connect } from "./browser.ts";
  const report = (text) => fetch("/report", { method: "POST", body: text });
  const parameters = new URLSearchParams(location.search);
  if (parameters.has("without")) delete globalThis.RTCPeerConnection;
  try {
    const orion = await connect(parameters.get("server"));
    const code = parameters.get("code");
    const lobby = code
      ? await orion.join(code, { name: "Page " + parameters.get("nr") })
      : await orion.host({ name: "Page 0", topology: "mesh", lifetime: "session" });
    if (!code) await report(lobby.code);
    const links = new Map();
    lobby.on("signal", () => report("a signal that is not the game's"));
    lobby.on("signalFailed", () => report("a signal of ours failed"));
    const take = (link) => {
      link.on("message", (bytes) => {
        const text = new TextDecoder().decode(bytes);
        if (text.startsWith("hello")) link.send("heard " + text);
        else report([link.peer.name, link.path, link.encrypted, text].join("|"));
      });
      const wanted = parameters.get("wanted").split(" ");
      const look = setInterval(() => {
        if (!wanted.includes(link.path)) return;
        clearInterval(look);
        link.send("hello from " + lobby.self);
      }, 50);
    };
    lobby.on("link", take);
    if (!code) {
      while (lobby.members.length < Number(parameters.get("players"))) await new Promise((resolve) => setTimeout(resolve, 50));
      await lobby.start();
    } else await lobby.started();
  } catch (error) {
    await report(String(error));
  }`;

type Page = { code: string; reported: () => Promise<string> };

async function openHost(server: URL, parameters: Record<string, string>): Promise<Page> {
  const reported = await openPage(await bundle(story), { server: server.href, ...parameters }, flags);
  return { code: await reported(), reported };
}

test("two players in pages connect by WebRTC, encrypted, and the game sees no signal", async ({ skip }) => {
  if (!isPossible) skip(why);
  const server = await startServerHere();
  const wanted = "lan direct";
  const host = await openHost(server, { players: "2", wanted });
  const guest = await openPage(
    await bundle(story),
    { server: server.href, code: host.code, nr: "1", wanted },
    flags,
  );
  expect(await guest()).toMatch(/^Page 0\|(lan|direct)\|true\|heard hello from Page 1$/);
  expect(await host.reported()).toMatch(/^Page 1\|(lan|direct)\|true\|heard hello from Page 0$/);
}, 120_000);

test("two tabs on the server's own machine are connected straight, with nothing set up", async ({ skip }) => {
  if (!isPossible) skip(why);
  const server = await startTestServer({ host: "0.0.0.0", vars: { allowedOrigin: "*", iceServers: "[]" } });
  onTestFinished(() => server.stop());
  const url = new URL(server.url);
  url.hostname = "localhost";
  const wanted = "lan direct";
  const host = await openHost(url, { players: "2", wanted });
  const guest = await openPage(
    await bundle(story),
    { server: url.href, code: host.code, nr: "1", wanted },
    flags,
  );
  expect(await guest()).toMatch(/^Page 0\|(lan|direct)\|true\|heard hello from Page 1$/);
}, 120_000);

test("a page in Firefox and one in Chromium connect by WebRTC", async ({ skip }) => {
  if (!isPossible || firefox === undefined) skip(`${why}, or no Firefox is`);
  const server = await startServerHere();
  const wanted = "lan direct";
  const host = await openHost(server, { players: "2", wanted });
  const parameters = { server: server.href, code: host.code, nr: "1", wanted };
  const guest = await openPage(await bundle(story), parameters, [], "firefox");
  expect(await guest()).toMatch(/^Page 0\|(lan|direct)\|true\|heard hello from Page 1$/);
  expect(await host.reported()).toMatch(/^Page 1\|(lan|direct)\|true\|heard hello from Page 0$/);
}, 120_000);

test("where one page has no WebRTC, they play over the relay over WebSocket", async ({ skip }) => {
  if (!isPossible) skip(why);
  const server = await startServerHere();
  const wanted = "websocket";
  const host = await openHost(server, { players: "2", wanted });
  const parameters = { server: server.href, code: host.code, nr: "1", wanted, without: "it" };
  const guest = await openPage(await bundle(story), parameters, flags);
  expect(await guest()).toBe("Page 0|websocket|true|heard hello from Page 1");
  expect(await host.reported()).toBe("Page 1|websocket|true|heard hello from Page 0");
}, 120_000);

test("a page and a Node player with a WebRTC stack are connected straight, and told apart in one mesh", async ({
  skip,
}) => {
  if (!isPossible) skip(why);
  const server = await startServerHere();
  const host = await openHost(server, { players: "3", wanted: "lan direct" });
  const withStack = await connect(server, { RTCPeerConnection });
  const plain = await connect(server);
  const ada = await withStack.join(host.code, { name: "Ada" });
  const bo = await plain.join(host.code, { name: "Bo" });
  onTestFinished(async () => {
    await Promise.all([ada.leave(), bo.leave()]);
  });
  const [adas, bos] = await Promise.all([ada.started(), bo.started()]);
  const to = (links: readonly Link[], name: string) => links.find(({ peer }) => peer.name === name);
  for (const link of [...adas, ...bos]) {
    link.on("message", (bytes) => {
      const text = new TextDecoder().decode(bytes);
      if (text.startsWith("hello")) link.send(`heard ${text}`);
    });
  }
  await vi.waitFor(() => expect(to(adas, "Page 0")?.path).toMatch(straight));
  expect(await host.reported()).toMatch(/^Ada\|(lan|direct)\|true\|heard hello from Page 0$/);
  expect(to(bos, "Page 0")?.path).toBe("websocket");
  expect(to(adas, "Bo")?.path).toMatch(straight);
  for (const link of adas) await link.close();
}, 120_000);
