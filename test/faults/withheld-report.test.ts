/** A guest that is connected to the host, and does not say so: the server would end the game of all as soon as it leaves. */
import { expect, onTestFinished, test } from "vitest";
import { connect, type Link } from "../../client/index.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { HandmadePeer } from "../client/handmade-peer.ts";
import { next } from "../client/heard.ts";

test("a guest that never says it is connected, and leaves, ends nobody's game", async () => {
  const server = await startTestServer();
  onTestFinished(() => server.stop());
  const orion = await connect(server.url);
  const ada = await orion.host({ name: "Ada" });
  const bo = await orion.join(ada.code, { name: "Bo" });
  const cy = await HandmadePeer.join(server.url, ada.code, "Cy");
  const closed = Promise.all([next(ada, "closed"), next(bo, "closed")]);
  const linked = Promise.all([ada.start(), bo.started()]);
  await cy.meets();
  const [hers, his] = await linked;
  expect(hers.map(({ peer }) => peer.name)).toEqual(["Bo", "Cy"]);
  const aborted: unknown[] = [];
  for (const link of [...hers, ...his]) link.on("closed", ({ cause }) => aborted.push(cause));
  expect(await cy.player.hears("ptpMediation_aborted")).toMatchObject({ code: "left_out" });
  expect(await closed).toEqual([{ reason: "connected" }, { reason: "connected" }]);
  await cy.leave();
  await said(hers[0], his[0]);
  expect(aborted).toEqual([]);
  await Promise.all([...hers, ...his].map((link) => link.close()));
}, 30_000);

/** A packet of the game arrives. */
async function said(from: Link | undefined, to: Link | undefined): Promise<void> {
  if (!from || !to) throw new Error("no link");
  const heard = new Promise((resolve) => to.on("message", resolve));
  from.send("still here");
  expect(String(Buffer.from((await heard) as Uint8Array))).toBe("still here");
}
