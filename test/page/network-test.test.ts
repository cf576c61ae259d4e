/** The network test in real browsers, against a real server on this machine. What it says behind NATs is in test/lab/network-test.test.ts. */
import { networkInterfaces } from "node:os";
import { expect, onTestFinished, test } from "vitest";
import { type NetworkTestReport, networkTestScript } from "../../measure/kit/network-test-page.ts";
import { startTestServer, type TestServerOptions } from "../../measure/kit/server.ts";
import { chromium, firefox, openPage } from "../client/a-page.ts";

const address = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === "IPv4" && !one.internal)?.address;
const browsers = { chromium, firefox } as const;

async function testIn(
  browser: "chromium" | "firefox",
  {
    name = "127.0.0.1",
    before = "",
    ...options
  }: TestServerOptions & { name?: string | undefined; before?: string } = {},
): Promise<NetworkTestReport> {
  const vars = { allowedOrigin: "*", iceServers: "[]", ...options.vars };
  const server = await startTestServer({ ...options, host: "0.0.0.0", vars });
  onTestFinished(() => server.stop());
  const url = new URL(server.url);
  url.hostname = name;
  const script = `${before}\n${await networkTestScript('new URLSearchParams(location.search).get("server")')}`;
  const reported = await openPage(script, { server: url.href }, [], browser);
  return JSON.parse(await reported());
}

const outcomesOf = ({ checks }: NetworkTestReport) =>
  Object.fromEntries(checks.map(({ name, outcome }) => [name, outcome]));

for (const browser of ["chromium", "firefox"] as const) {
  test(`a player in ${browser} learns that the server, the relay and UDP can be reached`, async ({
    skip,
  }) => {
    if (browsers[browser] === undefined || address === undefined) skip(`no ${browser}, or no network`);
    const found = await testIn(browser, { name: address });
    expect(outcomesOf(found), found.report).toMatchObject({
      websocket: "good",
      relay: "good",
      webrtc: "good",
      udp: "good",
    });
    expect(found.order.toSorted()).toEqual(found.checks.map(({ name }) => name).toSorted());
    expect(found.report).toMatch(/host .* port \d+/);
    expect(found.report).not.toContain(`host ${address}`);
    expect(found.report).not.toContain(`srflx ${address}`);
    expect(found.tookMs).toBeLessThan(6_500);
  }, 120_000);
}

test("a player whose browser has no WebRTC is told so, and that the relay works", async ({ skip }) => {
  if (chromium === undefined) skip("no Chromium is installed");
  const found = await testIn("chromium", { before: "delete globalThis.RTCPeerConnection;" });
  expect(outcomesOf(found)).toMatchObject({
    websocket: "good",
    relay: "good",
    webrtc: "bad",
    udp: "unknown",
  });
}, 120_000);

test("a player whose network refuses WebSockets is told so, in time", async ({ skip }) => {
  if (chromium === undefined) skip("no Chromium is installed");
  const before =
    'globalThis.WebSocket = class extends WebSocket { constructor() { super("ws://127.0.0.1:9/"); } };';
  const found = await testIn("chromium", { before });
  expect(outcomesOf(found)).toMatchObject({ websocket: "bad", relay: "bad" });
  // Nothing else is waited for.
  expect(found.tookMs).toBeLessThan(5_000);
}, 120_000);

test("a server without a sidecar is tested as well, and nobody claims to know the network", async ({
  skip,
}) => {
  if (chromium === undefined) skip("no Chromium is installed");
  const found = await testIn("chromium", { udpPort: null });
  expect(outcomesOf(found)).toMatchObject({
    websocket: "good",
    relay: "good",
    udp: "unknown",
    nat: "unknown",
  });
  expect(found.nat).toBe("unknown");
}, 120_000);
