/** The host's decisions while its players are being connected, through the SDK. */
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { connect, type Lobby, type Orion } from "../../client/index.ts";
import type { Server } from "../../local/server.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { HandmadePeer } from "./handmade-peer.ts";
import { expectError } from "./heard.ts";

let server: Server;
let orion: Orion<Lobby>;
beforeAll(async () => {
  server = await startTestServer();
  orion = await connect(server.url);
});
afterAll(() => server.stop());

/** Ada hosts Bo, and Cy, whose client never answers over UDP. */
async function withSilentGuest() {
  const ada = await orion.host({ name: "Ada" });
  const bo = await orion.join(ada.code, { name: "Bo" });
  const cy = await HandmadePeer.join(server.url, ada.code, "Cy");
  onTestFinished(async () => {
    await Promise.all([ada.leave(), bo.leave(), cy.leave()]);
  });
  return { ada, bo, cy };
}

test("a host that goes on without a silent player is linked to the others", async () => {
  const { ada, bo, cy } = await withSilentGuest();
  await expectError(ada.proceed(), "not_mediating");
  const linked = Promise.all([ada.start(), bo.started()]);
  await cy.player.hears("ptpMediation_send");
  await ada.proceed();
  await ada.proceed();
  const links = (await linked).flat();
  expect(links.map(({ peer }) => peer.name)).toEqual(["Bo", "Ada"]);
  expect(await cy.player.hears("ptpMediation_aborted")).toMatchObject({ code: "left_out" });
  await Promise.all(links.map((link) => link.close()));
});

test("a host that stops ends the start for all", async () => {
  const { ada, bo, cy } = await withSilentGuest();
  const failed = [expectError(ada.start(), "stopped"), expectError(bo.started(), "stopped")];
  await cy.player.hears("ptpMediation_send");
  await ada.stop();
  await Promise.all(failed);
  await ada.stop();
});
