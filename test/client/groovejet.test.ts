/** Pages that do what pearl's clients do, in Chromium, with real data channels. */
import { expect, onTestFinished, test } from "vitest";
import { startTestServer } from "../../measure/kit/server.ts";
import { bundle, chromium, openPage } from "./a-page.ts";

/** What a page does: what it returns is reported as JSON, with the errors that its console has. */
const storyOf = (body: string) => `
  import * as pearl from "./groovejet.ts";
  const host = new URLSearchParams(location.search).get("host") ?? "";
  const refusalOf = (asked: Promise<unknown>) => asked.then(() => "none", (error) => error.message);
  const run = async () => { ${body} };
  const told = await run().catch((error) => String(error));
  await fetch("/report", { method: "POST", body: JSON.stringify({ told, uncaught: pearl.uncaught }) });`;

async function reportOf(body: string, path = ""): Promise<unknown> {
  const server = await startTestServer({ udpPort: null });
  onTestFinished(() => server.stop());
  const script = await bundle(storyOf(body), "test/pages");
  const reported = await openPage(script, { host: `${server.url.host}${path}` });
  return JSON.parse(await reported());
}

const formC = `
  const room = await pearl.hostRoom(host);
  const guests = await Promise.all([1, 2].map(() => pearl.joinRoom(host, room.code)));
  const heard = await Promise.all(guests.map(({ peer }, i) => pearl.exchange(peer, "hello " + i)));
  const isRight = guests.map(({ clientId }, i) => JSON.stringify(heard[i]) === JSON.stringify(
    ["reliable", "unreliable"].flatMap((by) =>
      ["reliable", "unreliable"].map((said) => by + ": " + clientId + " says " + said + ": hello " + i))));
  const unknown = await refusalOf(pearl.joinRoom(host, "wrong"));
  room.leave();
  let gone = "none";
  while (gone === "none") gone = await refusalOf(Promise.race([pearl.joinRoom(host, room.code), new Promise((done) => setTimeout(done, 50))]));
  return { isRight, unknown, gone };`;
const met = { isRight: [true, true], unknown: "noRoomFound", gone: "hostDisconnected" };

test("form C: a host and two guests connect by both channels, and hear what is wrong", async ({ skip }) => {
  if (chromium === undefined) skip("no Chromium is installed");
  const { told, uncaught } = (await reportOf(formC)) as { told: unknown; uncaught: string[] };
  expect(told).toEqual(met);
  // At Orion's first message, which is no JSON, and nothing else.
  expect(new Set(uncaught)).toEqual(new Set(["SyntaxError"]));
});

test("form C on groovejet's path: nothing is in the console", async ({ skip }) => {
  if (chromium === undefined) skip("no Chromium is installed");
  expect(await reportOf(formC, "/groovejet")).toEqual({ told: met, uncaught: [] });
});

test("form A: a host and two guests connect by both channels, and one without a room hears the close", async ({
  skip,
}) => {
  if (chromium === undefined) skip("no Chromium is installed");
  const story = `
    const code = await pearl.hostByQuery(host);
    const guests = await Promise.all([1, 2].map(() => pearl.joinByQuery(host, code)));
    const heard = await Promise.all(guests.map((peer, i) => pearl.exchange(peer, "hello " + i)));
    return [heard.map((said, i) => said.filter((one) => one.endsWith("hello " + i)).length), await refusalOf(pearl.joinByQuery(host, "wrong"))];`;
  expect(await reportOf(story)).toEqual({ told: [[4, 4], "closed"], uncaught: [] });
});
