/** A network so slow that the relay has connected two players before the servers of ICE are named to them. */
import { RTCPeerConnection } from "node-datachannel/polyfill";
import { expect, onTestFinished, test, vi } from "vitest";
import { connect } from "../../client/index.ts";
import { startTestServer } from "../../measure/kit/server.ts";

test("two players whose link is there first still learn the servers of ICE: the lobby waits for that", async () => {
  const server = await startTestServer();
  onTestFinished(() => server.stop());
  const answers: number[] = [];
  const plainFetch = globalThis.fetch;
  vi.stubGlobal("fetch", async (...[url, init]: Parameters<typeof fetch>) => {
    const isIce = String(url).endsWith("/ice");
    if (isIce) await new Promise((resolve) => setTimeout(resolve, 700));
    const response = await plainFetch(url, init);
    if (isIce) answers.push(response.status);
    return response;
  });
  onTestFinished(() => void vi.unstubAllGlobals());
  const orion = await connect(server.url, { RTCPeerConnection });
  const ada = await orion.host({ name: "Ada" });
  const bo = await orion.join(ada.code, { name: "Bo" });
  const over = Promise.all([ada, bo].map((lobby) => new Promise((resolve) => lobby.on("closed", resolve))));
  const links = (await Promise.all([ada.start(), bo.started()])).flat();
  await over;
  expect(answers).toEqual([200, 200]);
  await Promise.all(links.map((link) => link.close()));
});
