/** Tabs of a browser: two of one player, and one that the browser has suspended for a long time. */
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { connect, type HostOptions, type Link, type Lobby } from "../../client/index.ts";
import { sharedLimits } from "../../core/limits.ts";
import { linkLimits } from "../../core/link/limits.ts";
import type { Server } from "../../local/server.ts";
import { later, ring, setLimits, startFaultyServer } from "../../measure/kit/server.ts";
import { bundle, chromium, openPage, type Reported } from "../client/a-page.ts";
import { names, next, nextOn } from "../client/heard.ts";

const why = "no Chromium is installed";
/** Milliseconds of silence until the server doubts a client, and then until it takes it for gone. */
const doubted = 0.4 * sharedLimits.pinglessMs + 1_000;
const gone = sharedLimits.pinglessMs - doubted + 1_000;

let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({ udpPort: null });
  await setLimits(server.url, { presentMs: 0 });
});
afterAll(() => server.stop());

/** A page's player: joins, or comes back by a key, and tells what happens to it. It answers each packet, and a click of the test's key tells its own. */
const story = `
  import { connect } from "./browser.ts";
  const parameters = new URLSearchParams(location.search);
  // In order, whatever each takes.
  let last = Promise.resolve();
  const report = (text) => (last = last.then(() => fetch("/report", { method: "POST", body: text })));
  try {
    const orion = await connect(parameters.get("server"));
    const key = parameters.get("key");
    const lobby = key ? await orion.resume(key) : await orion.join(parameters.get("code"), { name: "Bo" });
    for (const event of ["resumed", "resumeRefused", "reconnecting"]) lobby.on(event, () => report(event));
    lobby.on("resumed", () => report("key " + lobby.returnKey()));
    lobby.on("closed", ({ reason }) => report("closed " + reason));
    const take = (link) => {
      link.on("message", (bytes) => link.send("heard " + new TextDecoder().decode(bytes)));
      report("link");
    };
    for (const link of lobby.links) take(link);
    lobby.on("link", take);
    await report((key ? "back as " : "in as ") + lobby.self);
    await report("key " + lobby.returnKey());
  } catch (error) {
    await report("refused " + error.code);
  }`;

/** The next report of a page that begins with one of these. Those before are forgotten. */
async function hears(page: Reported, ...beginnings: string[]): Promise<string> {
  for (;;) {
    const said = await page();
    if (beginnings.some((beginning) => said.startsWith(beginning))) return said;
  }
}

async function openTab(parameters: Record<string, string>): Promise<Reported> {
  return await openPage(await bundle(story), { server: server.url.href, ...parameters });
}

/** Before `silence`: the platform notes pings by its own clock, and in the end the server's is to be the same. */
const beforeSilence = () => later(server.url, -(doubted + gone));

/** Time passes at the server until Bo's page, which says nothing, is gone. Ada says something meanwhile. */
async function silence(ada: Lobby): Promise<void> {
  await later(server.url, doubted);
  await ring(server.url, ada.code);
  await ada.chat("Bo?");
  await later(server.url, gone);
  await ring(server.url, ada.code);
}

/** Ada in Node and Bo in a page, linked to each other, and the key by which Bo comes back. */
async function linked(options: Partial<HostOptions> = {}) {
  const orion = await connect(server.url);
  const ada = await orion.host({ name: "Ada", lifetime: "session", onHostLoss: "migrate", ...options });
  onTestFinished(() => ada.leave());
  const tab = await openTab({ code: ada.code });
  expect(await tab()).toBe("in as Bo");
  const key = (await tab()).slice("key ".length);
  await ada.start();
  await hears(tab, "link");
  return { ada, tab, key };
}

/** Ada's packet reaches the page at the other end, which answers. */
async function talk(link: Link | undefined, text: string): Promise<void> {
  if (!link) throw new Error("Ada has no link");
  const heard = nextOn(link, "message");
  link.send(text);
  expect(new TextDecoder().decode(await heard)).toBe(`heard ${text}`);
}

test("of two tabs of one player the newer one plays, and the older one is told", async ({ skip }) => {
  if (chromium === undefined) skip(why);
  const { ada, tab, key } = await linked();
  await talk(ada.links[0], "to the first");
  const link = next(ada, "link");
  const newer = await openTab({ key });
  expect(await hears(newer, "back", "refused")).toBe("back as Bo");
  expect(await hears(tab, "closed", "reconnecting")).toBe("closed resumed_elsewhere");
  const again = await link;
  await hears(newer, "link");
  await talk(again, "to the second");
  expect(names(ada)).toEqual(["Ada", "Bo"]);
}, 180_000);

test("of two tabs that come back by one key at once, one plays, and the other is refused", async ({
  skip,
}) => {
  if (chromium === undefined) skip(why);
  const { ada, tab, key } = await linked();
  const link = next(ada, "link");
  const tabs = await Promise.all([openTab({ key }), openTab({ key })]);
  const said = await Promise.all(tabs.map((one) => hears(one, "back", "refused")));
  expect(said.toSorted()).toEqual(["back as Bo", "refused resume_key_used"]);
  expect(await hears(tab, "closed")).toBe("closed resumed_elsewhere");
  const winner = tabs[said.indexOf("back as Bo")];
  if (!winner) throw new Error("nobody is back");
  expect(await hears(winner, "resumeRefused", "closed")).toBe("resumeRefused");
  await talk(await link, "to the one that plays");
  expect(names(ada)).toEqual(["Ada", "Bo"]);
}, 180_000);

test(
  "a tab that was suspended until its links were dead comes back, and is linked again",
  async ({ skip }) => {
    if (chromium === undefined) skip(why);
    await beforeSilence();
    const { ada, tab } = await linked({ graceMs: 300_000 });
    await talk(ada.links[0], "before");
    const [linkBefore] = ada.links;
    if (!linkBefore) throw new Error("Ada has no link");
    const [away, closed] = [next(ada, "away"), nextOn(linkBefore, "closed")];
    await tab.setState("frozen");
    await silence(ada);
    expect((await away).member.name).toBe("Bo");
    await closed;
    expect(ada.links).toEqual([]);
    const [back, link] = [next(ada, "back"), next(ada, "link")];
    await tab.setState("active");
    expect((await back).member.name).toBe("Bo");
    expect(await hears(tab, "resumed", "closed")).toBe("resumed");
    await talk(await link, "after");
  },
  linkLimits.graceMs + 180_000,
);

test("a tab that was suspended for longer than its lobby waits is told so", async ({ skip }) => {
  if (chromium === undefined) skip(why);
  await beforeSilence();
  const { ada, tab } = await linked({ graceMs: 2_000 });
  const left = next(ada, "left");
  await tab.setState("frozen");
  await silence(ada);
  await later(server.url, 3_000);
  await ring(server.url, ada.code);
  expect(await left).toMatchObject({ name: "Bo", kicked: false });
  await tab.setState("active");
  expect(await hears(tab, "closed", "resumed")).toBe("closed disconnected");
}, 180_000);
