/** Players of the SDK whose peer falls silent. The SDK's patience is real time here. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, type Lobby, type Orion } from "../../client/index.ts";
import type { Server } from "../../local/server.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { HandmadePeer } from "../client/handmade-peer.ts";
import { expectError, next, nextOn } from "../client/heard.ts";

let server: Server;
let orion: Orion<Lobby>;
beforeAll(async () => {
  server = await startTestServer();
  orion = await connect(server.url);
});
afterAll(() => server.stop());

test("a host that goes on without a player is told why that one is not connected", async () => {
  await using ada = await orion.host({ name: "Ada", onLoss: "continue" });
  await using bo = await orion.join(ada.code, { name: "Bo" });
  // Cy is seen by the server, and then hears nothing.
  const cy = await HandmadePeer.join(server.url, ada.code, "Cy");
  cy.answers = false;
  const report = next(ada, "report");
  const links = Promise.all([ada.start(), bo.started()]);
  await cy.meets();
  const [hers, his] = await links;
  expect(await report).toMatchObject({
    name: "Ada",
    peers: [
      { name: "Bo", cause: null },
      { name: "Cy", path: null, cause: expect.stringMatching(/./), timeline: expect.any(Array) },
    ],
  });
  expect([...hers, ...his].map(({ peer }) => peer.name)).toEqual(["Bo", "Ada"]);
  await Promise.all([...hers, ...his].map((link) => link.close()));
  await cy.leave();
});

test("a link that nobody answers any more ends, and why is told", async () => {
  await using ada = await orion.host({ name: "Ada" });
  const peer = await HandmadePeer.join(server.url, ada.code, "Bo");
  const starting = ada.start();
  await peer.meets();
  const [link] = await starting;
  if (!link) throw new Error("no link");
  const closed = nextOn(link, "closed");
  peer.answers = false;
  expect(await closed).toEqual({ cause: "path-lost" });
  await expectError(
    Promise.resolve().then(() => link.send(Uint8Array.of(1))),
    "link_closed",
  );
  await peer.leave();
});
